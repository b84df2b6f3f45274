"""The three grown styles: `short` swept over the forehead, `medium` parted and cut at the jaw, `tied` into a bun."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.look.head_shell import HeadShell
from tools.bake_hair.growing import Grown, Growth, cut, grown, share_above
from tools.bake_skin.hairline import hairline_distance, scalp_density
from tools.bake_skin.mesh import SkinMesh
from tools.bake_skin.noise import fractal, ramp
from tools.bake_skin.roots import Roots, along_skin, nearest_on_skin, scattered, unit

PART_X = 20.0
"""The parting lies this far to the character's left of the middle, mm."""
CROWN = np.array([6.0, 146.0, -38.0])
DOWN = np.array([0.0, -1.0, 0.0])
FACE_WIDTH = ((130.0, 0.0), (108.0, 24.0), (96.0, 40.0), (76.0, 57.0), (45.0, 64.0), (5.0, 64.0), (-40.0, 58.0),
              (-80.0, 52.0))  # fmt: skip
KNOT = np.array([0.0, 96.0, -93.0])
"""Where tied hair is held together, on the scalp."""
BUN_RADIUS, BUN_TUBE = 17.0, 13.5


def scalp_roots(mesh: SkinMesh, *, count: int, rng: np.random.Generator) -> Roots:
    """Points evenly over the hair-bearing skin, thinning out at the hairline."""
    middle = mesh.position_mm[mesh.surface.triangles].mean(axis=1)
    ears = mesh.ears[mesh.surface.triangles].mean(axis=1)
    coarse = (hairline_distance(middle) > -10.0) & (ears < 0.3) & (mesh.surface.part <= 1)
    tries = scattered(mesh, coarse.astype(float), count=round(1.6 * count), rng=rng)
    share = np.einsum("rk,rk->r", tries.weights, mesh.ears[mesh.surface.triangles[tries.triangle]])
    density = scalp_density(tries.position_mm, ears=share)
    kept = np.flatnonzero(rng.random(len(density)) < density)
    return tries.chosen(rng.permutation(kept)[:count])


def locks(roots: Roots, style: str) -> Array:
    """Which hair may be blended: left and right of the parting for `medium`, all of it otherwise."""
    if style != "medium":
        return np.zeros(len(roots.triangle), int)
    return np.where(roots.position_mm[:, 0] > parting(roots.position_mm), 1, 0)


def parting(points: Float[Array, "point 3"]) -> Float[Array, " point"]:
    """Where the parting runs (x) by depth: beside the middle in front, running out at the crown."""
    out: Float[Array, " point"] = np.interp(
        points[:, 2], [-95.0, -60.0, -20.0, 100.0], [0.0, 4.0, 0.75 * PART_X, PART_X]
    )
    return out


def waves(points: Array, *, per_mm: float, seed: int) -> Array:
    """A smooth random direction field, about -0.5..0.5 each way."""
    parts = [fractal(points.astype(np.float32), per_mm=per_mm, octaves=2, seed=seed + k) for k in range(3)]
    return np.stack(parts, axis=1)


def grow_medium(roots: Roots, *, shell: HeadShell, rng: np.random.Generator) -> Grown:
    """Hair falls to both sides of a parting, over the ears, and is cut between jaw and shoulder."""
    place, normal = roots.position_mm, roots.normal
    count = len(place)
    lock = locks(roots, "medium")
    side = np.where(lock == 1, 1.0, -1.0)
    front = ramp(place[:, 2], 10.0, 80.0) * ramp(place[:, 1], 70.0, 100.0)
    back = ramp(place[:, 2], -20.0, -70.0)
    radial = along_skin(place - CROWN, normal)
    sideways = along_skin(np.column_stack([side, np.zeros(count), -0.15 - 0.55 * front]), normal)
    combed = unit(sideways * (1.0 - back)[:, None] + radial * back[:, None])
    near_part = np.exp(-np.abs(place[:, 0] - parting(place)) / 16.0) * ramp(place[:, 1], 90.0, 110.0)
    lift = np.radians(14.0 + 26.0 * near_part + 18.0 * front)[:, None]
    start = combed * np.cos(lift) + normal * np.sin(lift)

    def wanted(points: Array, share: float) -> Array:
        x, y, z = points.T
        over = unit(points - np.array([0.0, 60.0, 0.0]))
        level = np.column_stack([x, np.zeros(count), z + 10.0])
        level /= np.maximum(np.linalg.norm(level, axis=1, keepdims=True), 1.0)
        # Under the ears hair comes in towards the neck; its last part turns under.
        inward = ramp(y, 40.0, -20.0) * 0.20 + ramp(y, -25.0, -60.0) * 0.25
        # Before the forehead it goes sideways first: none falls over the eyes.
        held = ramp(z, 30.0, 70.0) * ramp(np.abs(x), 58.0, 30.0)
        fall = DOWN * ((0.45 + 1.2 * ramp(y, 125.0, 75.0)) * (1.0 - 0.85 * held))[:, None]
        sweep = along_skin(combed, over) * (1.1 * ramp(y, 60.0, 110.0) + 0.6 * held)[:, None]
        behind = np.array([0.0, 0.0, -0.30]) * (ramp(z, 0.0, 60.0) * ramp(y, 118.0, 80.0))[:, None]
        way = fall + sweep + behind - level * inward[:, None] + 0.20 * waves(points, per_mm=0.012, seed=41)
        out: Array = way - over * (0.8 * np.maximum((way * over).sum(axis=1), 0.0))[:, None]
        return out

    growth = Growth(
        length=np.full(count, 330.0),
        start=start,
        stiffness=np.interp(place[:, 1], [0.0, 110.0], [10.0, 17.0]),
        lift=rng.uniform(1.0, 4.5, count) + 2.0 * near_part,
        lift_rate=0.055,
        lift_most=12.0,
        face_width=FACE_WIDTH,
    )
    curves = grown(roots, growth, wanted=wanted, shell=shell)
    # A little longer in front than behind; single locks differ.
    line = np.interp(place[:, 2], [-90.0, 60.0], [-62.0, -74.0]) + rng.normal(0.0, 3.0, count)
    line += 16.0 * fractal(place.astype(np.float32), per_mm=0.05, seed=44)
    return Grown(roots, cut(curves, share_above(curves, line)), lock)


def grow_short(roots: Roots, *, shell: HeadShell, rng: np.random.Generator) -> Grown:
    """Long and swept to one side on top, tapering to a few millimetres at ears and nape."""
    place, normal = roots.position_mm, roots.normal
    count = len(place)
    x, y, z = place.T
    top = ramp(y, 78.0, 112.0)
    front = ramp(z, 20.0, 78.0) * ramp(y, 80.0, 100.0)
    inside = hairline_distance(place)
    radial = along_skin(place - CROWN, normal)
    swept = along_skin(np.column_stack([np.full(count, -0.75), np.full(count, 0.12), 0.55 - 0.75 * front]), normal)
    fallen = along_skin(
        np.column_stack([0.1 * x / 70.0, np.full(count, -1.0), -0.35 - 0.2 * ramp(z, 20.0, 60.0)]), normal
    )
    whorl = 0.5 * radial + 0.35 * np.cross(normal, radial)
    mix = (top * ramp(z, -45.0, -5.0))[:, None]
    combed = swept * mix + fallen * (1.0 - top)[:, None] + whorl * (top * ramp(z, -5.0, -45.0))[:, None]
    combed = along_skin(combed + 0.55 * waves(place, per_mm=0.03, seed=51), normal)
    length = np.interp(y, [-35.0, 10.0, 45.0, 80.0, 105.0, 125.0], [5.0, 7.0, 11.0, 20.0, 38.0, 46.0])
    length = np.maximum(length, 50.0 * front) * rng.uniform(0.82, 1.06, count)
    length *= np.interp(inside, [-4.0, 2.0, 12.0], [0.55, 0.8, 1.0])
    lift = np.radians(20.0 + 26.0 * top + 26.0 * front)[:, None]
    start = combed * np.cos(lift) + normal * np.sin(lift)

    def wanted(points: Array, share: float) -> Array:
        tips = DOWN * (0.18 + 0.55 * share)
        return combed + tips + 0.35 * normal * (1.0 - share) + 0.5 * waves(points, per_mm=0.035, seed=54)

    growth = Growth(
        length=length, start=start, stiffness=np.maximum(0.45 * length, 5.0), lift=0.08 * length, lift_rate=0.05,
        lift_most=9.0,
    )  # fmt: skip
    curves = grown(roots, growth, wanted=wanted, shell=shell)
    return Grown(roots, cut(curves, np.ones(count)), np.zeros(count, int))


def grow_tied(roots: Roots, *, shell: HeadShell, rng: np.random.Generator) -> Grown:
    """All hair is drawn back over the skull to one knot."""
    place, normal = roots.position_mm, roots.normal
    count = len(place)
    middle = np.array([0.0, 70.0, 0.0])
    over = unit(place - middle)
    target = unit(KNOT - middle)
    arc = np.arccos(np.clip(over @ target, -1.0, 1.0))
    front = ramp(place[:, 2], 20.0, 80.0) * ramp(place[:, 1], 70.0, 100.0)
    towards = along_skin(KNOT - place + np.array([0.0, 22.0, 0.0]) * ramp(place[:, 2], -20.0, 60.0)[:, None], normal)
    lift = np.radians(8.0 + 16.0 * front)[:, None]
    start = towards * np.cos(lift) + normal * np.sin(lift)

    def wanted(points: Array, share: float) -> Array:
        way = KNOT - points
        rise = np.array([0.0, 0.45, 0.0]) * (ramp(points[:, 2], -50.0, 40.0) * ramp(points[:, 1], 40.0, 80.0))[:, None]
        out: Array = unit(way) + rise * (1.0 - share) + 0.10 * waves(points, per_mm=0.02, seed=61)
        return out

    growth = Growth(
        length=np.maximum(arc * 100.0, 12.0) * 1.25,
        start=start,
        stiffness=np.full(count, 14.0),
        lift=rng.uniform(0.5, 2.2, count) + 1.6 * front,
        lift_rate=0.016,
        lift_most=6.0,
    )
    curves = grown(roots, growth, wanted=wanted, shell=shell)
    gap = np.linalg.norm(curves - (KNOT + unit(KNOT - middle) * 4.0), axis=2)
    return Grown(roots, cut(curves, np.maximum(gap.argmin(axis=1), 3) / (curves.shape[1] - 1)), np.zeros(count, int))


def grow_bun(mesh: SkinMesh, *, count: int, rng: np.random.Generator) -> Grown:
    """Strands wound into a coil around the knot; all are rooted in the skin under it."""
    root = nearest_on_skin(mesh, KNOT[None])
    roots = root.chosen(np.zeros(count, int))
    axis = unit(root.normal[0] + np.array([0.0, 0.35, 0.0]))
    right = unit(np.cross(np.array([0.0, 1.0, 0.0]), axis))
    up = np.cross(axis, right)
    middle = root.position_mm[0] + axis * (0.78 * BUN_TUBE)
    t = np.linspace(0.0, 1.0, 20)[None]
    # Along the coil (u) and around its tube (v): neighbours in the list lie side by side.
    start = (np.arange(count) / count)[:, None]
    u = 2.0 * np.pi * (start * 3.0 + 0.62 * t)
    v = 2.0 * np.pi * (start * 19.0 + 0.16 * t)
    tube = BUN_TUBE * (0.80 + 0.20 * rng.random((count, 1))) * (1.0 + 0.10 * np.sin(3.0 * u + 1.0))
    ring = BUN_RADIUS + tube * np.cos(v)
    flat = ring[..., None] * (np.cos(u)[..., None] * right + np.sin(u)[..., None] * up)
    curves = middle + flat + (0.92 * tube * np.sin(v))[..., None] * axis
    return Grown(roots, curves, np.ones(count, int))
