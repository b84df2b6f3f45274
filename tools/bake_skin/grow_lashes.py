"""Eyelashes: rooted on the front edge of the lid margin, in small clumps, curling away from the eyeball."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from face_emote.core.arrays import Array, Float
from tools.bake_skin.mesh import SkinMesh
from tools.bake_skin.roots import Grown, barycentric_grid, nearest_on_skin, unit

UPPER_COUNT, LOWER_COUNT = 190, 104
KNOTS = np.array([0.25, 0.5, 0.75, 1.0])


def margin(loop: Float[Array, "point 3"], *, upper: bool, outward: float) -> Float[Array, "point 3"]:
    """One lid's margin from the inner to the outer corner, from the loop around the opening."""
    x = outward * loop[:, 0]
    inner, outer = np.argmin(x), np.argmax(x)
    chord_height = np.interp(x, [x[inner], x[outer]], [loop[inner, 1], loop[outer, 1]])
    own = (loop[:, 1] > chord_height) if upper else (loop[:, 1] < chord_height)
    own[[inner, outer]] = True
    chosen = loop[own]
    out: Float[Array, "point 3"] = chosen[np.argsort(outward * chosen[:, 0])]
    return out


def _along(path: Float[Array, "point 3"], t: Float[Array, " root"]) -> Float[Array, "root 3"]:
    """Points at shares t of a polyline's length."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    return np.column_stack([np.interp(t * length[-1], length, path[:, d]) for d in range(3)])


def front_edge(
    mesh: SkinMesh, path: Float[Array, "point 3"], *, centre: Float[Array, " 3"], up: float
) -> Float[Array, "point 3"]:
    """The front edge of a lid: the margin has a shelf of some 4 mm from the eyeball to where the lashes stand.

    In the lid's cross-section at each point of the margin, the edge is what lies furthest forward and towards the
    opening (`up` is 1 for the upper lid, -1 for the lower).
    """
    middle = _along(path, np.linspace(0.0, 1.0, 49))
    corner = mesh.position_mm[mesh.surface.triangles]
    near = (mesh.surface.part == 0) & (np.linalg.norm(corner.mean(axis=1) - middle.mean(axis=0), axis=1) < 24.0)
    samples = np.einsum("gk,tkd->tgd", barycentric_grid(8), corner[near]).reshape(-1, 3)
    # Near the corners the cross-section cuts both lids: keep to this side of the line between them.
    ends = middle[[0, -1]][np.argsort(middle[[0, -1], 0])]
    samples = samples[up * (samples[:, 1] - np.interp(samples[:, 0], ends[:, 0], ends[:, 1])) > 0.3]
    away = unit(middle - centre)
    tangent = unit(np.gradient(middle, axis=0))
    edge = np.empty_like(middle)
    for i, point in enumerate(middle):
        offset = samples - point
        across = up * np.abs(np.cross(tangent[i], away[i])) * [0.0, 1.0, 0.0]
        within = (np.abs(offset @ tangent[i]) < 0.45) & (np.linalg.norm(offset, axis=1) < 7.5)
        found = samples[within]
        edge[i] = found[np.argmax((found - point) @ (away[i] - 1.1 * unit(across)))]
    edge = gaussian_filter1d(edge, 1.5, axis=0, mode="nearest")
    # Beyond the corners of the opening there is no lid.
    lateral = np.abs(edge[:, 0])
    out: Float[Array, "point 3"] = edge[(lateral > np.abs(path[0, 0]) + 1.5) & (lateral < np.abs(path[-1, 0]) + 2.2)]
    return out


def grow_lashes(mesh: SkinMesh, *, left: bool, upper: bool, rng: np.random.Generator) -> Grown:
    """The lashes of one lid."""
    outward = 1.0 if left else -1.0
    side = 0 if left else 1
    count = UPPER_COUNT if upper else LOWER_COUNT
    centre = mesh.eye_centres_mm[side]
    back = margin(mesh.lid_loops_mm[side], upper=upper, outward=outward)
    path = front_edge(mesh, back, centre=centre, up=1.0 if upper else -1.0)
    t = np.sort(np.interp((np.arange(count) + rng.random(count)) / count, [0.0, 1.0], [0.06 if upper else 0.12, 0.99]))
    edge = _along(path, t)
    away = unit(edge - centre)
    tangent = unit(_along(path, np.minimum(t + 0.02, 1.0)) - _along(path, np.maximum(t - 0.02, 0.0)))
    # Up the lid (or down it): across the margin, away from the opening.
    across = unit(np.cross(tangent, away)) * (-outward if upper else outward)
    row = rng.uniform(-0.75, 0.25, count)[:, None]
    roots = nearest_on_skin(mesh, edge + across * row + 0.3 * away)
    clump = np.cumsum(rng.random(count) < 0.30)
    fan = np.interp(t, [0.0, 0.25, 0.6, 1.0], [-0.45, -0.16, 0.18, 0.50] if upper else [-0.35, -0.12, 0.18, 0.6])
    lean = fan + rng.normal(0.0, 0.10, clump.max() + 1)[clump] + rng.normal(0.0, 0.06, count)
    if upper:
        length = np.interp(t, [0.0, 0.3, 0.7, 1.0], [4.0, 7.0, 7.8, 5.6]) * rng.uniform(0.62, 1.06, count)
        start, curl = unit(away - 0.04 * across + 0.45 * lean[:, None] * tangent), 0.42
        droop = -0.10
    else:
        length = np.interp(t, [0.0, 0.4, 0.8, 1.0], [3.0, 4.9, 5.6, 4.4]) * rng.uniform(0.65, 1.08, count)
        start, curl = unit(away + 0.55 * across + 0.55 * lean[:, None] * tangent), 0.22
        droop = 0.10
    spread = 0.55 * lean[:, None] * tangent
    curls = curl * rng.uniform(0.75, 1.2, count)[:, None]
    knots = [
        length[:, None]
        * (
            s * (start + droop * (1.0 - s) * across)
            + s * s * (curls * across + 0.25 * spread)
            - 0.25 * curls * s**3 * away
        )
        for s in KNOTS
    ]
    offsets = np.stack(knots, axis=1)
    offsets += _drawn_together(roots.position_mm, offsets, clump=clump)
    width = rng.uniform(0.085, 0.125, count) * (1.0 if upper else 0.72)
    return Grown(roots, offsets, width, np.exp(rng.normal(-0.25, 0.12, count)))


def _drawn_together(root: Array, offsets: Float[Array, "strand knot 3"], *, clump: Array) -> Array:
    """Lashes of a clump lean towards their common tip."""
    tips = root + offsets[:, -1]
    number = np.bincount(clump)
    mean = np.stack([np.bincount(clump, tips[:, d]) / np.maximum(number, 1) for d in range(3)], axis=1)[clump]
    out: Array = 0.70 * (mean - tips)[:, None] * (KNOTS**2)[None, :, None]
    return out
