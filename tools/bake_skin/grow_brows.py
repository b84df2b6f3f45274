"""Eyebrow hairs: upright at the inner end, swept outward along the arch, closing on its ridge from above and below."""

import numpy as np

from face_emote.core.arrays import Array, Float
from tools.bake_skin.hairline import BROW_BOTTOM, BROW_TOP, bezier, brow_place
from tools.bake_skin.mesh import SkinMesh
from tools.bake_skin.noise import ramp
from tools.bake_skin.roots import Grown, along_skin, nearest_on_skin, scattered

COUNT = 720
KNOTS = np.array([0.33, 0.67, 1.0])


def _density(along: Float[Array, " root"], across: Float[Array, " root"]) -> Float[Array, " root"]:
    """Thick in the body, sparse at the inner end's foot and along the upper edge, a fine line at the tail."""
    ends = ramp(along, -0.03, 0.16) * (0.25 + 0.75 * ramp(along, 1.02, 0.7))
    out: Float[Array, " root"] = ends * ramp(across, -0.22, 0.12) * ramp(across, 1.15, 0.55) * ramp(along, 1.01, 0.97)
    return out


def grow_brow(mesh: SkinMesh, *, left: bool, rng: np.random.Generator) -> Grown:
    """The hairs of one brow."""
    side = 1.0 if left else -1.0
    middle = mesh.position_mm[mesh.surface.triangles].mean(axis=1)
    along, across = brow_place(middle)
    near = (
        (mesh.surface.part == 0)
        & (side * middle[:, 0] > 0)
        & (middle[:, 2] > 60)
        & (np.abs(along - 0.5) < 0.7)
        & (np.abs(across - 0.5) < 2.5)
    )
    tries = scattered(mesh, near.astype(float), count=40 * COUNT, rng=rng)
    along, across = brow_place(tries.position_mm)
    weight = _density(along, across) * (side * tries.position_mm[:, 0] > 0)
    kept = np.sort(rng.choice(len(weight), COUNT, replace=False, p=weight / weight.sum()))
    roots = tries.chosen(kept)
    along, across = along[kept], across[kept]
    t = np.linspace(0.0, 1.0, 65)
    ridge = 0.5 * (bezier(BROW_TOP, t) + bezier(BROW_BOTTOM, t))
    slope = np.gradient(ridge, axis=0)
    heading = np.interp(along, t, np.arctan2(slope[:, 1], slope[:, 0]))
    # Degrees away from the ridge's heading: upright inside, then towards the ridge from either edge.
    upright = np.interp(along, [-0.05, 0.06, 0.18, 0.35, 0.6, 1.0], [88.0, 74.0, 46.0, 24.0, 9.0, 0.0])
    edge = np.interp(along, [0.0, 0.25, 0.6, 1.0], [4.0, 22.0, 24.0, 8.0]) * (1.0 - 2.0 * np.clip(across, 0.0, 1.0))
    angle = heading + np.radians(upright + edge + rng.normal(0.0, 6.5, COUNT))
    length = np.interp(along, [0.0, 0.2, 0.6, 1.0], [6.2, 8.6, 8.2, 5.2]) * rng.uniform(0.68, 1.12, COUNT)
    length *= 1.0 - 0.22 * np.clip(across, 0.0, 1.0)
    # Later parts of a hair lie closer to the ridge's heading.
    bend = (heading - angle) * rng.uniform(0.25, 0.6, COUNT)
    flat = roots.position_mm[:, None].copy()
    points = []
    point = roots.position_mm
    for step in np.diff(KNOTS, prepend=0.0):
        direction = np.column_stack([side * np.cos(angle), np.sin(angle), np.zeros(COUNT)])
        point = point + along_skin(direction, roots.normal) * (step * length)[:, None]
        points.append(point)
        angle = angle + bend * 0.5
    flat = np.stack(points, axis=1)
    return Grown(
        roots,
        _raised(mesh, flat, length=length, rng=rng) - roots.position_mm[:, None],
        _widths(along, rng),
        _tints(rng),
    )


def _raised(mesh: SkinMesh, flat: Float[Array, "strand knot 3"], *, length: Array, rng: np.random.Generator) -> Array:
    """Lay knots on the skin and lift them a little: hairs rise from the root and come back towards the skin."""
    surface = nearest_on_skin(mesh, flat.reshape(-1, 3))
    lift = rng.uniform(0.7, 1.3, (len(flat), 1)) * np.array([0.085, 0.12, 0.10]) * length[:, None]
    raised = surface.position_mm + surface.normal * lift.reshape(-1, 1)
    out: Array = raised.reshape(flat.shape)
    return out


def _widths(along: Float[Array, " strand"], rng: np.random.Generator) -> Array:
    out: Array = rng.uniform(0.07, 0.11, len(along)) * np.interp(along, [0.0, 0.15, 1.0], [0.8, 1.0, 0.85])
    return out


def _tints(rng: np.random.Generator) -> Array:
    return np.exp(rng.normal(0.0, 0.18, COUNT))
