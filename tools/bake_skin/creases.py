"""Expression creases as curves on the skin: where they run, how they are shaped, and their height at each texel.

Heights are signed: -1 is the floor of a full crease, positive the bulge of pushed-up skin beside it.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter1d

from face_emote.core.arrays import Array, Float
from tools.bake_skin.mesh import SkinMesh, Texels, front_depth, lifted
from tools.bake_skin.noise import bump, cellular, fractal, ramp

SAMPLES = 28


@dataclass(frozen=True, slots=True)
class Crease:
    """One fold line, drawn on the face seen from the front (mm, x to the character's left)."""

    path: tuple[tuple[float, float], ...]
    """Bezier control points."""
    depth: float
    width_mm: float
    """Half width of the floor."""
    bulge: float = 0.35
    """Height of the skin beside it, both sides."""
    lean: float = 0.0
    """-1..1: moves the bulge to the right (+) or left (-) of the path's direction."""
    wander_mm: float = 0.5
    taper: tuple[float, float] = (0.35, 0.35)
    """Share of the length over which it fades in and out."""


def _bezier(points: Array, t: Array) -> Array:
    """De Casteljau."""
    level = np.repeat(points[None].astype(np.float64), len(t), axis=0)
    while level.shape[1] > 1:
        level = (1.0 - t)[:, None, None] * level[:, :-1] + t[:, None, None] * level[:, 1:]
    return level[:, 0]


def _mirrored(creases: list[Crease], rng: np.random.Generator, *, jitter_mm: float) -> list[Crease]:
    """Both sides of the face; the copy is displaced a little, since no face is symmetric."""
    out = []
    for crease in creases:
        out.append(crease)
        shift = rng.normal(0.0, jitter_mm, (len(crease.path), 2))
        path = tuple((-x + dx, y + dy) for (x, y), (dx, dy) in zip(crease.path, shift, strict=True))
        depth = crease.depth * rng.uniform(0.85, 1.1)
        out.append(Crease(path, depth, crease.width_mm, crease.bulge, -crease.lean, crease.wander_mm, crease.taper))
    return out


def _forehead(rng: np.random.Generator) -> list[Crease]:
    """Four to five lines, each in overlapping strokes of uneven length, arched over the brows."""

    def stroke(start: float, stop: float, height: float, depth: float, width: float) -> Crease:
        x = np.linspace(start, stop, 5)
        arch = height - 1.4 + 3.6 * np.sin(np.clip(np.abs(x) / 34.0, 0.0, 1.25) * 2.26) + rng.normal(0, 0.7, 5)
        return Crease(tuple(zip(x, arch, strict=True)), depth, width, 0.45, 0.2, 1.0, (0.4, 0.4))

    out = []
    for y, depth, width, reach in (
        (76.5, 0.5, 0.95, 32),
        (83.5, 0.85, 1.25, 41),
        (91, 0.95, 1.35, 42),
        (98.5, 0.6, 1.15, 34),
        (105, 0.3, 0.9, 24),
    ):
        cut = rng.uniform(-14, 14)
        out.append(
            stroke(
                -reach + rng.uniform(-5, 8),
                cut + rng.uniform(3, 10),
                y + rng.normal(0, 0.9),
                depth * rng.uniform(0.75, 1.0),
                width,
            )
        )
        out.append(
            stroke(
                cut - rng.uniform(3, 10),
                reach + rng.uniform(-8, 5),
                y + rng.normal(0, 0.9),
                depth * rng.uniform(0.75, 1.0),
                width,
            )
        )
        for _ in range(2):
            begin = rng.uniform(-reach, reach * 0.5)
            out.append(stroke(begin, begin + rng.uniform(8, 17), y + rng.uniform(2.8, 4.4), 0.22 * depth, 0.6))
    return out


def _glabella(rng: np.random.Generator) -> list[Crease]:
    """Two unequal frown lines that lean outward above, with a fainter one beside each and a hollow between."""
    return [
        Crease(((8.4, 49.0), (6.0, 55), (5.4, 61), (8.0, 70.5)), 1.0, 1.05, 0.5, 0.4, 0.7, (0.35, 0.55)),
        Crease(((-7.6, 50), (-5.0, 55), (-4.8, 59), (-6.6, 65.0)), 0.72, 1.0, 0.5, -0.4, 0.7, (0.35, 0.55)),
        Crease(((1.4, 57), (0.6, 61), (2.4, 66.5)), 0.22, 0.8, 0.25, 0.0, 0.5, (0.45, 0.5)),
        Crease(((14.8, 54.5), (12.6, 59), (14.2, 64)), 0.2, 0.9, 0.25, 0.2, 0.6, (0.45, 0.5)),
        Crease(((-12.4, 55.5), (-11.2, 59.5), (-12.8, 63)), 0.2, 0.9, 0.25, -0.2, 0.6, (0.45, 0.5)),
    ]


def _nose_bridge(rng: np.random.Generator) -> list[Crease]:
    """Bunny lines down the sides and a crossing line at the root."""
    side = [
        Crease(((2.6, 41.0), (7.0, 39.6), (11.6, 33.5)), 0.5, 0.72, 0.35, 0.0, 0.25, (0.45, 0.55)),
        Crease(((3.6, 37.0), (8.4, 35.0), (12.6, 27.5)), 0.6, 0.75, 0.35, 0.0, 0.25, (0.45, 0.55)),
        Crease(((4.2, 32.4), (8.8, 30.4), (12.0, 24.5)), 0.34, 0.7, 0.3, 0.0, 0.25, (0.45, 0.55)),
    ]
    root = [
        Crease(((-8.5, 45.2), (-3, 44.2), (3, 44.4), (8.5, 45.6)), 0.7, 0.75, 0.4, 0.0, 0.4, (0.45, 0.45)),
        Crease(((-6, 48.3), (0, 47.6), (5.5, 48.6)), 0.3, 0.65, 0.25, 0.0, 0.4),
    ]
    return _mirrored(side, rng, jitter_mm=0.7) + root


def _crows_feet(rng: np.random.Generator) -> list[Crease]:
    """A short, fine fan at the outer corner of the eye, curving away from its middle."""
    out = []
    for degrees, depth, length in (
        (36, 0.4, 9),
        (19, 0.6, 11.5),
        (5, 0.72, 12.0),
        (-9, 0.6, 12.5),
        (-24, 0.5, 13),
        (-39, 0.35, 12),
    ):
        angle = np.radians(degrees + rng.normal(0, 2.0))
        start = np.array([48.2 - 1.6 * np.cos(2 * angle), 41.6 + 7.5 * np.sin(angle)])
        first = start + 0.5 * length * np.array([0.8 * np.cos(angle), np.sin(angle)])
        bent = angle * 1.5 - 0.10
        end = first + 0.5 * length * rng.uniform(0.85, 1.15) * np.array([0.72 * np.cos(bent), np.sin(bent)])
        out.append(Crease((tuple(start), tuple(first), tuple(end)), depth, 0.52, 0.3, 0.0, 0.35, (0.4, 0.55)))
        twig = first + rng.normal(0, 0.5, 2) + [0.5, -1.6]
        tip = twig + 0.42 * length * np.array([0.7 * np.cos(bent - 0.25), np.sin(bent - 0.25)])
        out.append(
            Crease((tuple(twig - [1.8, -0.5]), tuple(twig), tuple(tip)), 0.4 * depth, 0.34, 0.15, 0.0, 0.3, (0.4, 0.5))
        )
    return _mirrored(out, rng, jitter_mm=0.6)


def _lower_lid(rng: np.random.Generator) -> list[Crease]:
    """The edge of the squeezed lid muscle, and finer lines that run from it outward and down."""
    side = [
        Crease(((20.5, 35.6), (27, 31.2), (36, 31.4), (44.5, 36.2)), 0.34, 1.05, 0.5, -0.5, 0.5, (0.45, 0.6)),
        Crease(((21.5, 33.2), (28, 27.4), (36, 26.8), (43, 30.4)), 0.24, 1.2, 0.35, -0.4, 0.8, (0.45, 0.6)),
        Crease(((24, 31.6), (30, 29.2), (34, 29.0)), 0.24, 0.42, 0.12, 0.0, 0.3),
        Crease(((34, 33.6), (39, 33.6), (43, 36.0)), 0.26, 0.42, 0.12, 0.0, 0.3),
        Crease(((38, 29.2), (42, 30.6), (46, 34.2)), 0.28, 0.45, 0.12, 0.0, 0.3),
    ]
    return _mirrored(side, rng, jitter_mm=0.4)


def _nasolabial(rng: np.random.Generator) -> list[Crease]:
    """One fold from the wing of the nose past the corner of the mouth: a soft floor under a full cheek."""
    fold = ((20.0, 5.0), (24.4, -1.0), (30.5, -9.5), (33.8, -20.0), (34.6, -31.5))
    side = [
        Crease(fold, 0.34, 1.3, 0.0, 0.0, 0.45, (0.18, 0.6)),
        Crease(fold, 0.70, 3.2, 0.8, -0.85, 0.45, (0.2, 0.65)),
    ]
    return _mirrored(side, rng, jitter_mm=0.5)


def _mouth_corner(rng: np.random.Generator) -> list[Crease]:
    """The soft bracket beside the mouth that a smile makes: wide and shallow, for a narrow one looks drawn."""
    side = [
        Crease(((28.6, -20.5), (32.4, -27), (33.4, -35), (30.4, -44.5)), 0.42, 2.3, 0.5, 0.4, 0.9, (0.5, 0.55)),
    ]
    return _mirrored(side, rng, jitter_mm=0.5)


def _perioral(rng: np.random.Generator) -> list[Crease]:
    """Fine uneven lines that run out from the border of the lips, denser above than below."""
    out = []
    for upper, feet in ((True, np.linspace(-19, 19, 12)), (False, np.linspace(-14, 14, 7))):
        for x in feet:
            foot = x + rng.normal(0, 1.1)
            edge = -18.6 - 0.010 * foot**2 if upper else -42.0 + 0.016 * foot**2
            way = rng.uniform(3.0, 7.5) * (1.0 if upper else -0.8)
            path = (
                (foot, edge),
                (foot * 1.04 + rng.normal(0, 0.5), edge + 0.5 * way),
                (foot * 1.14 + rng.normal(0, 1.0), edge + way),
            )
            depth = rng.uniform(0.08, 0.34) * (1.0 if upper else 0.7) * (0.4 if abs(foot) < 3.0 else 1.0)
            out.append(Crease(path, depth, rng.uniform(0.36, 0.55), 0.3, 0.0, 0.4, (0.5, 0.5)))
    return out


def _chin_and_neck(rng: np.random.Generator) -> list[Crease]:
    """The groove under the lower lip, and two necklace lines."""
    return [
        Crease(
            ((-17, -47.5), (-8, -45.4), (0, -44.8), (8, -45.2), (17, -47.8)), 0.7, 1.5, 0.35, 0.5, 0.4, (0.45, 0.45)
        ),
        Crease(((-34, -98), (-14, -104), (12, -105), (36, -97)), 0.5, 1.0, 0.3, 0.0, 0.8, (0.4, 0.4)),
        Crease(((-30, -121), (-8, -126), (14, -126.5), (32, -120)), 0.38, 0.9, 0.25, 0.0, 0.8, (0.4, 0.4)),
    ]


@njit(cache=True)
def _nearest_on_path(points: Array, path: Array, side: Array, reach: float, out: Array) -> None:
    """For each point: distance to the polyline (reach or more: untouched), position along it 0..1 and sign of side."""
    low, high = np.empty(3), np.empty(3)
    for d in range(3):
        low[d], high[d] = path[:, d].min() - reach, path[:, d].max() + reach
    count = len(path) - 1
    for n in range(len(points)):
        if (
            points[n, 0] < low[0]
            or points[n, 0] > high[0]
            or points[n, 1] < low[1]
            or points[n, 1] > high[1]
            or points[n, 2] < low[2]
            or points[n, 2] > high[2]
        ):
            continue
        best = reach * reach
        for k in range(count):
            bx, by, bz = path[k + 1, 0] - path[k, 0], path[k + 1, 1] - path[k, 1], path[k + 1, 2] - path[k, 2]
            px, py, pz = points[n, 0] - path[k, 0], points[n, 1] - path[k, 1], points[n, 2] - path[k, 2]
            t = min(1.0, max(0.0, (px * bx + py * by + pz * bz) / (bx * bx + by * by + bz * bz + 1e-12)))
            dx, dy, dz = px - t * bx, py - t * by, pz - t * bz
            square = dx * dx + dy * dy + dz * dz
            if square < best:
                best = square
                across = dx * side[k, 0] + dy * side[k, 1] + dz * side[k, 2]
                out[n, 0] = np.sqrt(square) * (1.0 if across >= 0.0 else -1.0)
                out[n, 1] = (k + t) / count


def _profile(crease: Crease, offset: Array, along: Array, strength: Array) -> Array:
    """Height across a crease: a rounded V with bulges whose feet meet the level skin."""
    w = crease.width_mm
    floor = -crease.depth * (1.0 + (offset / w) ** 2) ** -1.6
    right, left = crease.bulge * (1.0 + crease.lean), crease.bulge * (1.0 - crease.lean)
    banks = right * bump(offset - 2.6 * w, 1.5 * w) + left * bump(offset + 2.6 * w, 1.5 * w)
    start = ramp(along, 0.0, max(crease.taper[0], 1e-3))
    stop = ramp(along, 1.0, 1.0 - max(crease.taper[1], 1e-3))
    rim = 1.0 - ramp(np.abs(offset), 5.5 * w, 7.5 * w)
    out: Array = (floor + crease.depth * banks) * rim * start * stop * strength
    return out


def crease_height(mesh: SkinMesh, texels: Texels, *, seed: int = 3) -> Float[Array, " texel"]:
    """Sum of all sixteen regions at full activation, softly limited to -1..0.8."""
    rng = np.random.default_rng(seed)
    creases = [
        crease
        for group in (
            _forehead, _glabella, _nose_bridge, _crows_feet, _lower_lid, _nasolabial, _mouth_corner, _perioral,
            _chin_and_neck,
        )
        for crease in group(rng)
    ]  # fmt: skip
    points = texels.position_mm
    near = (points[:, 2] > 0.0) & (points[:, 1] > -150.0) & (texels.part <= 1) & (texels.lips < 0.6)
    near &= (texels.lid_distance_mm > 1.2) & (texels.inside_mouth < 0.1)
    chosen = points[near].astype(np.float32)
    front = front_depth(mesh)
    total = np.zeros(len(chosen))
    sway = np.stack(
        [fractal(chosen, per_mm=0.13, octaves=2, seed=11), fractal(chosen, per_mm=0.55, octaves=2, seed=12)]
    )
    patchy = (
        1.0
        + 0.9 * fractal(chosen, per_mm=0.11, octaves=2, seed=13)
        + 0.5 * fractal(chosen, per_mm=0.5, octaves=1, seed=14)
    )
    for crease in creases:
        flat = _bezier(np.array(crease.path), np.linspace(0.0, 1.0, SAMPLES))
        path, normal = lifted(front, flat)
        path = gaussian_filter1d(path, 1.5, axis=0, mode="nearest")
        tangent = np.gradient(path, axis=0)
        side = np.cross(tangent, normal)
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
        found = np.full((len(chosen), 2), np.nan, np.float32)
        _nearest_on_path(chosen, path, side, 8.0 * crease.width_mm, found)
        hit = np.flatnonzero(~np.isnan(found[:, 0]))
        wander = crease.wander_mm * (2.0 * sway[0, hit] + 0.7 * sway[1, hit])
        total[hit] += _profile(crease, found[hit, 0] + wander, found[hit, 1], patchy[hit])
    height = np.zeros(len(points), np.float32)
    height[near] = total
    height += _chin_dimples(texels) * near + _neck_cords(texels)
    height *= ramp(texels.lid_distance_mm, 1.2, 3.5) * (1.0 - ramp(texels.lips, 0.25, 0.6))
    return np.where(height < 0.0, -np.tanh(-height), 0.8 * np.tanh(height / 0.8)).astype(np.float32)


def _chin_dimples(texels: Texels) -> Float[Array, " texel"]:
    """Cobblestones of the mentalis: shallow pits of about 3 mm."""
    points = texels.position_mm
    x, y = points[:, 0], points[:, 1]
    where = bump(x, 11.0) * bump(y + 57.0, 7.0) * ramp(points[:, 2], 70.0, 95.0)
    warp = 1.3 * np.stack([fractal(points, per_mm=0.3, octaves=2, seed=s) for s in (17, 18, 19)], axis=1)
    near, _, kind = cellular(points + warp, cell_mm=3.3, seed=5)
    pits = 0.22 - (0.35 + 0.65 * kind) * bump(near, 0.27) + 0.8 * fractal(points, per_mm=0.16, octaves=2, seed=15)
    out: Float[Array, " texel"] = (0.75 * where * pits).astype(np.float32)
    return out


def _neck_cords(texels: Texels) -> Float[Array, " texel"]:
    """Platysma cords that stand out from the jaw to the collar bone."""
    x, y, z = texels.position_mm.T
    sway = 3.0 * fractal(texels.position_mm, per_mm=0.03, octaves=2, seed=16)
    length = ramp(y, -74.0, -92.0) * ramp(y, -165.0, -140.0) * ramp(z, -40.0, -10.0)
    down = (-y - 80.0) / 70.0
    ridges = sum(
        strength * bump(np.abs(x) - (start + spread * down) + sway, width)
        for start, spread, strength, width in ((11.0, -3.0, 0.8, 2.4), (27.0, -6.0, 0.55, 2.8), (41.0, -6.0, 0.3, 3.0))
    )
    out: Float[Array, " texel"] = (0.75 * length * ridges).astype(np.float32)
    return out
