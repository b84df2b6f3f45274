"""A short crop: hair whorls at the crown, sweeps forward and sideways on top, and lies down the sides and the nape."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.look.strands import HAIR_LENGTH
from tools.bake_skin.hairline import hairline_distance, scalp_density
from tools.bake_skin.mesh import SkinMesh
from tools.bake_skin.noise import fractal, ramp
from tools.bake_skin.roots import Grown, Roots, along_skin, scattered, unit

COUNT = 26_000
CROWN_MM = np.array([9.0, 143.0, -46.0])
KNOTS = np.array([0.34, 0.67, 1.0])


def flow(roots: Roots) -> Float[Array, "root 3"]:
    """Unit direction along the skin in which hair lies."""
    position, normal = roots.position_mm, roots.normal
    x, y, z = position.T
    away = position - CROWN_MM
    distance = np.linalg.norm(away, axis=1)
    radial = along_skin(away, normal)
    turn = np.cross(normal, radial)
    angle = 0.25 + 1.25 * np.exp(-distance / 24.0)
    whorl = np.cos(angle)[:, None] * radial + np.sin(angle)[:, None] * turn
    top = (ramp(y, 80.0, 104.0) * ramp(z, -30.0, 25.0))[:, None]
    (ramp(y, 128.0, 104.0) * ramp(z, 45.0, 70.0))[:, None]
    sides = (ramp(np.abs(x), 48.0, 66.0) * ramp(y, 120.0, 85.0))[:, None]
    nape = (ramp(z, -30.0, -70.0) * ramp(y, 70.0, 20.0))[:, None]
    swept = (
        whorl
        + top * np.array([0.85, 0.0, 0.45])
        + sides * np.array([0.0, -0.8, -0.45])
        + nape * np.array([0.0, -1.0, 0.0])
    )
    waves = [fractal(position.astype(np.float32), per_mm=0.035, octaves=3, seed=s)[:, None] for s in (91, 92, 93)]
    return along_skin(swept + 0.9 * np.concatenate(waves, axis=1), normal)


def _lengths(roots: Roots, inside_mm: Array, rng: np.random.Generator) -> Array:
    """Share of full length: long on top, short at the sides, finest at the border."""
    y, z = roots.position_mm[:, 1], roots.position_mm[:, 2]
    height = np.interp(y, [-35.0, 0.0, 40.0, 75.0, 105.0, 125.0], [0.26, 0.32, 0.44, 0.64, 0.88, 1.0])
    forehead = ramp(z, 45.0, 75.0)
    border = np.interp(inside_mm, [-4.0, 2.0, 12.0], [0.45, 0.7, 1.0])
    out: Array = np.maximum(height, 0.8 * forehead) * (border * (1.0 - 0.15 * forehead)) * rng.uniform(0.7, 1.0, len(y))
    return out


def grow_scalp(mesh: SkinMesh, *, rng: np.random.Generator) -> Grown:
    """The strands of the scalp."""
    middle = mesh.position_mm[mesh.surface.triangles].mean(axis=1)
    ears = mesh.ears[mesh.surface.triangles].mean(axis=1)
    coarse = (hairline_distance(middle) > -14.0) & (ears < 0.3) & (mesh.surface.part <= 1)
    tries = scattered(mesh, coarse.astype(float), count=round(1.5 * COUNT), rng=rng)
    share = np.einsum("rk,rk->r", tries.weights, mesh.ears[mesh.surface.triangles[tries.triangle]])
    density = scalp_density(tries.position_mm, ears=share)
    kept = np.flatnonzero(rng.random(len(density)) < density)
    roots = tries.chosen(np.sort(rng.permutation(kept)[:COUNT]))
    inside = hairline_distance(roots.position_mm)
    count = len(roots.triangle)
    direction = flow(roots)
    direction = along_skin(direction + rng.normal(0.0, 0.16, (count, 3)), roots.normal)
    length = 1e3 * HAIR_LENGTH * _lengths(roots, inside, rng)
    y, z = roots.position_mm[:, 1], roots.position_mm[:, 2]
    lift = np.radians(22.0 + 20.0 * ramp(y, 60.0, 120.0) + 22.0 * ramp(y, 80.0, 104.0) * ramp(z, 45.0, 75.0))
    lift = lift * rng.uniform(0.7, 1.25, count)
    point = np.zeros((count, 3))
    knots = []
    for step, share in zip(np.diff(KNOTS, prepend=0.0), (1.0, 0.72, 0.42), strict=True):
        now = np.cos(lift * share)[:, None] * direction + np.sin(lift * share)[:, None] * roots.normal
        now = unit(now + np.array([0.0, -0.10, 0.0]) * (1.0 - share))
        point = point + now * (length * step)[:, None]
        knots.append(point)
    patches = fractal(roots.position_mm.astype(np.float32), per_mm=0.25, octaves=2, seed=94)
    tint = np.exp(rng.normal(0.0, 0.20, count) + 0.5 * patches)
    width = rng.uniform(0.11, 0.17, count) * np.interp(inside, [-4.0, 8.0], [0.65, 1.0])
    return Grown(roots, np.stack(knots, axis=1), width, tint)
