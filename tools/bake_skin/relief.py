"""The skin's fine relief: pores, the furrows between them, the lines of the lips, and the lines that age adds.

Pores are stored as cones rather than as holes: how wide and deep they are is decided by age, when maps are mixed.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from tools.bake_skin.mesh import Texels
from tools.bake_skin.noise import bump, cellular, fractal, ramp
from tools.bake_skin.pigment import Zones


def micro_relief(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Height in units of `maps.MICRO_DEPTH`, about -1..1, 0 on average: furrows, swellings and the lips' lines."""
    points = texels.position_mm
    warp = _warp(texels)
    oily = oily_zone(texels, zone)
    # Furrow net: borders of stretched cells, across the forehead and slanted on the cheeks.
    slant = np.stack([points[:, 0], points[:, 1] + 0.45 * np.abs(points[:, 0]), points[:, 2]], axis=1) + 2.0 * warp
    near_a, second_a, _ = cellular(slant, cell_mm=(1.15, 0.72, 1.15), seed=12)
    near_b, second_b, _ = cellular(slant + 40.0, cell_mm=(0.62, 0.5, 0.62), seed=13)
    net = -ramp(second_a - near_a, 0.22, 0.0) - 0.45 * ramp(second_b - near_b, 0.25, 0.0)
    calm = 1.0 - 0.5 * oily
    swell = 0.9 * fractal(points, per_mm=0.55, octaves=3, seed=74)
    skin = 0.34 * net * calm + 0.50 * swell + 0.10
    lips = lip_relief(texels)
    height = skin * (1.0 - zone.lips) + lips * zone.lips
    wet = 0.5 * fractal(points, per_mm=0.35, octaves=2, seed=75)
    lid = ramp(texels.lid_distance_mm, 0.6, 2.5)
    out: Float[Array, " texel"] = (height * (1.0 - zone.inside) * (0.25 + 0.75 * lid) + wet * zone.inside).astype(
        np.float32
    )
    return out


def _warp(texels: Texels) -> Float[Array, "texel 3"]:
    """Bends the cells of pores and furrows alike, mm."""
    return 0.22 * np.stack([fractal(texels.position_mm, per_mm=0.8, octaves=2, seed=s) for s in (71, 72, 73)], axis=1)


def oily_zone(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Nose, the cheeks beside it, chin and the middle of the forehead, 0..1: there pores are large."""
    x, y = zone.x, zone.y
    nose = bump(x - 20.0, 15.0) * bump(y - 10.0, 15.0) + bump(x, 13.0) * bump(y - 10.0, 20.0)
    chin = 0.5 * bump(x, 14.0) * bump(y + 57.0, 9.0)
    forehead = 0.45 * bump(x, 30.0) * bump(y - 80.0, 20.0)
    out: Float[Array, " texel"] = np.maximum(np.clip(nose, 0.0, 1.0), np.maximum(chin, forehead)) * zone.front
    return out


def pores(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Cones over each pore, 1 at the deepest ones' middle, 0 between pores."""
    points = texels.position_mm + _warp(texels)
    oily = oily_zone(texels, zone)
    near, _, kind = cellular(points, cell_mm=1.05, seed=11)
    large = np.clip(1.0 - near / (0.30 + 0.24 * kind), 0.0, 1.0) * (0.30 + 0.70 * kind) * (0.25 + 0.75 * oily)
    near, _, kind = cellular(points + 20.0, cell_mm=0.62, seed=21)
    small = np.clip(1.0 - near / (0.34 + 0.16 * kind), 0.0, 1.0) * (0.20 + 0.40 * kind) * (0.45 + 0.55 * zone.front)
    patchy = np.clip(0.85 + 1.2 * fractal(texels.position_mm, per_mm=0.12, octaves=2, seed=82), 0.4, 1.2)
    lid = ramp(texels.lid_distance_mm, 2.0, 6.0)
    bare = (1.0 - zone.lips) * (1.0 - zone.inside) * lid
    out: Float[Array, " texel"] = (np.clip(np.maximum(large, small) * patchy, 0.0, 1.0) * bare).astype(np.float32)
    return out


def lip_relief(texels: Texels) -> Float[Array, " texel"]:
    """Plump cushions between uneven lines that run across the lip and fan out to its corners."""
    points = texels.position_mm
    x, y = points[:, 0], points[:, 1] + 28.5
    along = x / (1.0 + 0.012 * np.abs(y)) + 1.1 * fractal(points, per_mm=0.28, octaves=2, seed=76)
    line = np.column_stack([along, 0.10 * y, np.zeros_like(x)]).astype(np.float32)
    near, second, _ = cellular(line, cell_mm=(1.45, 1.6, 9.0), seed=14)
    deep = ramp(second - near, 0.34, 0.0)
    near, second, _ = cellular(line + 17.0, cell_mm=(0.7, 1.1, 9.0), seed=15)
    fine = ramp(second - near, 0.30, 0.0)
    grain = fractal(points, per_mm=1.6, octaves=2, seed=77)
    return 0.45 - 1.05 * deep - 0.40 * fine + 0.30 * grain


def fine_lines(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """What age 1 adds, in units of `maps.FINE_DEPTH`: crepe around the eyes, slack cheeks and throat; 0..-1."""
    points, x, y = texels.position_mm, zone.x, zone.y
    warp = 1.1 * np.stack([fractal(points, per_mm=0.16, octaves=3, seed=s) for s in (78, 79, 80)], axis=1)
    moved = points + warp

    def net(a: float, b: float, cell_mm: tuple[float, float], seed: int) -> Array:
        turned = np.column_stack(
            [np.abs(moved[:, 0]) + a * moved[:, 1], moved[:, 1] + b * np.abs(moved[:, 0]), moved[:, 2]]
        )
        near, second, _ = cellular(turned, cell_mm=(cell_mm[0], cell_mm[1], cell_mm[0]), seed=seed)
        return ramp(second - near, 0.20, 0.0)

    eyes = bump(x - 34.0, 13.0) * bump(y - 33.0, 9.0) + 0.8 * bump(x - 52.0, 8.0) * bump(y - 38.0, 13.0)
    cheek = bump(x - 46.0, 14.0) * bump(y + 8.0, 22.0)
    brow = bump(y - 90.0, 18.0) * bump(x, 40.0)
    mouth = bump(x, 22.0) * (bump(y + 12.0, 5.0) + 0.7 * bump(y + 47.0, 6.0))
    throat = ramp(y, -80.0, -96.0) * ramp(points[:, 2], -40.0, 0.0)
    lines = (
        0.75 * np.clip(eyes, 0.0, 1.0) * net(0.0, -0.35, (3.4, 1.2), 16)
        + 0.50 * cheek * net(0.5, 0.0, (1.9, 4.2), 17)
        + 0.45 * brow * net(0.0, 0.0, (6.5, 1.9), 18)
        + 0.60 * np.clip(mouth, 0.0, 1.0) * net(0.0, 0.0, (1.7, 6.5), 19)
        + 0.65 * throat * net(0.0, 0.0, (4.5, 2.6), 20)
    )
    fade = (1.0 - zone.lips) * (1.0 - zone.inside) * ramp(texels.lid_distance_mm, 1.0, 3.0)
    broken = np.clip(0.8 + 1.6 * fractal(points, per_mm=0.25, octaves=2, seed=81), 0.15, 1.0)
    out: Float[Array, " texel"] = (-lines * fade * broken).astype(np.float32)
    return out
