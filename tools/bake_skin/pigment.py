"""Melanin, haemoglobin and gloss of skin as maps that do not depend on the person."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from tools.bake_skin.hairline import brow_coverage, scalp_density
from tools.bake_skin.mesh import Texels
from tools.bake_skin.noise import bump, cellular, fractal, ramp

SOCKETS = (3, 4)
"""Parts of the skin that lie behind the lids."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Soft masks that several maps share."""

    x: Float[Array, " texel"]
    """Distance from the middle plane, mm."""
    y: Float[Array, " texel"]
    front: Float[Array, " texel"]
    """1 on the face, 0 on the sides and back of the head."""
    lips: Float[Array, " texel"]
    """1 on the red of the lips; it goes over into skin within 3 mm, irregularly: no drawn outline."""
    inside: Float[Array, " texel"]
    """1 on mucous skin: inside the mouth and behind the lids."""


def zones(texels: Texels) -> Zones:
    """The masks of an atlas."""
    points = texels.position_mm
    ragged = 0.30 * fractal(points, per_mm=0.6, octaves=3, seed=31)
    inside = ramp(texels.inside_mouth, 0.3, 0.9)
    # The wet edge of the lids goes over into skin within 3 mm.
    behind = np.where(np.isin(texels.part, SOCKETS), 1.0, ramp(texels.lid_distance_mm, 3.0, 0.2))
    return Zones(
        x=np.abs(points[:, 0]),
        y=points[:, 1],
        front=ramp(points[:, 2], 25.0, 75.0),
        lips=ramp(texels.lips + ragged, 0.10, 0.92) * (1.0 - inside),
        inside=np.maximum(inside, behind).astype(np.float32),
    )


def melanin_share(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Factor on `SkinParams.melanin`: sun-exposed skin is darker, lids and the eye's hollow too, lips lighter."""
    points, x, y = texels.position_mm, zone.x, zone.y
    share = 1.0 + 0.20 * fractal(points, per_mm=0.018, seed=41) + 0.12 * fractal(points, per_mm=0.10, seed=42)
    share += 0.15 * fractal(points, per_mm=0.45, octaves=3, seed=43)
    share += zone.front * (
        0.05 * bump(y - 88.0, 20.0) * bump(x, 40.0) + 0.05 * bump(x - 42.0, 16.0) * bump(y - 14.0, 14.0)
    )
    share += zone.front * (
        0.05 * bump(x - 31.0, 12.0) * bump(y - 52.0, 5.5) + 0.09 * bump(x - 29.0, 12.0) * bump(y - 32.0, 5.0)
    )
    share += zone.front * 0.10 * bump(x - 19.0, 4.0) * bump(y - 40.0, 5.0)
    share += 0.09 * bump(x, 22.0) * bump(y + 13.0, 5.0) * zone.front
    share -= 0.10 * ramp(y, -72.0, -95.0)
    # Lips hold nearly as much pigment as the face, the upper one more: dark skin has dark lips.
    share *= 1.0 + zone.lips * (0.04 + 0.12 * ramp(y, -30.0, -26.0))
    share *= 1.0 - 0.70 * zone.inside
    return share.astype(np.float32)


def moles(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """A few small moles, added to melanin."""
    points = texels.position_mm + 1.2 * np.stack(
        [fractal(texels.position_mm, per_mm=0.9, seed=s) for s in (44, 45, 46)], 1
    )
    near, _, kind = cellular(points, cell_mm=31.0, seed=4)
    radius_mm = 0.45 + 0.55 * kind
    spot = ramp(near * 31.0, radius_mm + 0.35, radius_mm - 0.25)
    allowed = (1.0 - zone.lips) * (1.0 - zone.inside) * ramp(texels.lid_distance_mm, 4.0, 6.0) * (kind > 0.35)
    out: Float[Array, " texel"] = (0.85 * spot * allowed).astype(np.float32)
    return out


def freckles(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Freckles of three sizes over nose and cheeks, fading to the forehead; added to melanin."""
    points, x, y = texels.position_mm, zone.x, zone.y
    where = bump(np.maximum(x - 34.0, 0.0), 13.0) * bump(np.where(y > 14.0, (y - 14.0) / 1.3, y - 14.0), 15.0)
    where = np.maximum(where, 0.45 * bump(y - 80.0, 18.0) * bump(x, 40.0)) * zone.front
    where *= np.clip(0.75 + 2.2 * fractal(points, per_mm=0.05, octaves=2, seed=47), 0.0, 1.0)
    warp = 0.55 * np.stack([fractal(points, per_mm=1.1, octaves=2, seed=s) for s in (48, 49, 50)], axis=1)
    total = np.zeros(len(points), np.float32)
    for cell_mm, weight, seed in ((1.5, 0.5, 6), (2.4, 0.8, 7), (4.3, 0.85, 8)):
        near, _, kind = cellular(points + warp, cell_mm=cell_mm, seed=seed)
        radius = 0.13 + 0.16 * _scrambled(kind)
        chance = ramp(kind, 0.75 - 0.55 * where, 0.9 - 0.3 * where)
        total = np.maximum(total, weight * (0.5 + 0.5 * kind) * chance * ramp(near, radius + 0.16, radius - 0.10))
    nostrils = ramp(np.hypot((x - 9.5) / 9.0, (y + 1.0) / 6.0), 0.8, 1.3)
    out: Float[Array, " texel"] = (0.62 * total * np.sqrt(where) * nostrils * (1.0 - zone.lips)).astype(np.float32)
    return out


def _scrambled(kind: Float[Array, " texel"]) -> Float[Array, " texel"]:
    """Another number in 0..1 from one of a cell."""
    return (kind * 57.31) % 1.0


def age_spots(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Uneven pigment and sun spots at age 1; added to melanin."""
    points, x, y = texels.position_mm, zone.x, zone.y
    warp = 3.0 * np.stack([fractal(points, per_mm=0.35, octaves=3, seed=s) for s in (51, 52, 53)], axis=1)
    near, _, kind = cellular(points + warp, cell_mm=15.0, seed=9)
    radius = 0.06 + 0.17 * kind**2
    spot = ramp(near, radius + 0.07, radius - 0.06) * (kind > 0.42) * (0.35 + 0.65 * kind)
    where = np.clip(0.15 + bump(x - 56.0, 16.0) * bump(y - 30.0, 38.0) + 0.7 * bump(y - 92.0, 22.0), 0.0, 1.0)
    patches = 0.16 * np.clip(2.5 * fractal(points, per_mm=0.05, octaves=3, seed=54), -0.6, 1.0)
    hollow = 0.10 * zone.front * bump(x - 30.0, 12.0) * bump(y - 30.0, 6.0)
    out: Float[Array, " texel"] = (
        (0.34 * spot * where + patches + hollow) * (1.0 - zone.lips) * (1.0 - zone.inside)
    ).astype(np.float32)
    return out


def beard_area(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Where a beard grows, 0..1: moustache, chin, jaw, upper throat and the sideburns."""
    x, y, z = zone.x, zone.y, texels.position_mm[:, 2]
    ragged = 9.0 * fractal(texels.position_mm, per_mm=0.12, octaves=4, seed=55)
    # Upper border: from the moustache's end past the corner of the mouth up the cheek to the sideburn.
    upper = np.interp(
        x,
        [0.0, 9.0, 20.0, 26.0, 34.0, 46.0, 56.0, 63.0, 70.0],
        [-6.5, -7.0, -9.0, -16.0, -24.0, -16.0, -2.0, 14.0, 24.0],
    )
    area = ramp(upper + ragged - y, -7.0, 13.0) * ramp(y, -108.0, -84.0) * ramp(z, 4.0, 18.0)
    bare = bump(x - 9.0, 4.0) * bump(y + 46.5, 3.0)  # beside the tuft under the lower lip
    out: Float[Array, " texel"] = (
        area * (1.0 - 0.7 * bare) * (1.0 - zone.lips) * (1.0 - zone.inside) * (1.0 - ramp(texels.ears, 0.02, 0.2))
    )
    return out


def stubble(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Shadow and single hairs of a shaven beard, 0..1: painted in hair colour."""
    area = beard_area(texels, zone)
    # Hairs lie down the cheek: cells are longer along y.
    near, _, kind = cellular(texels.position_mm, cell_mm=(0.62, 0.95, 0.62), seed=10)
    hair = ramp(near, 0.40, 0.12) * (0.35 + 0.65 * kind)
    # Towards its border a beard thins out hair by hair.
    return (area * (0.26 + 0.74 * ramp(hair, 1.0 - area, 1.15 - area) * hair)).astype(np.float32)


def haemoglobin_share(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Factor on `SkinParams.haemoglobin`: blotches from 1 mm to 2 cm; lips and mucous skin have their own blood."""
    points = texels.position_mm
    share = 1.0 + 0.30 * fractal(points, per_mm=0.05, seed=61) + 0.34 * fractal(points, per_mm=0.22, seed=62)
    share += 0.34 * fractal(points, per_mm=0.9, octaves=2, seed=63)
    share *= 1.0 - 0.45 * zone.lips
    share *= 1.0 - 0.80 * zone.inside
    return share.astype(np.float32)


def redness(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Blood beyond the even share, by region; added to haemoglobin. Negative where skin is thick and pale."""
    points, x, y, front = texels.position_mm, zone.x, zone.y, zone.front
    z = points[:, 2]
    out = 0.26 * bump(x - 39.0, 15.0) * bump(y - 8.0, 14.0) * front
    out += 0.15 * bump(x, 12.0) * bump(y - 5.0, 9.0) * ramp(z, 98.0, 118.0)
    out += 0.12 * bump(x - 14.0, 7.0) * bump(y - 6.0, 8.0) * front
    out += 0.12 * ramp(np.hypot((x - 9.5) / 7.5, (y + 1.0) / 5.5), 1.25, 0.3) * front
    out += 0.08 * bump(x, 16.0) * bump(y + 58.0, 10.0) * front + 0.05 * bump(x, 30.0) * bump(y - 62.0, 9.0) * front
    out += 0.42 * texels.ears * (0.8 + 0.6 * fractal(points, per_mm=0.12, seed=64))
    rim = bump(texels.lid_distance_mm, 1.4)
    around = bump(texels.lid_distance_mm, 4.5)
    out += (0.24 * rim + 0.12 * around + 0.12 * bump(x - 20.0, 3.5) * bump(y - 40.0, 4.0)) * front
    out -= 0.16 * bump(x - 32.0, 15.0) * bump(y - 26.0, 6.0) * front
    out -= 0.07 * beard_area(texels, zone)
    out += 0.10 * ramp(y, -74.0, -92.0)
    out *= 1.0 + 0.5 * fractal(points, per_mm=0.15, seed=65)
    red = 1.30 + 0.55 * fractal(points, per_mm=0.40, octaves=2, seed=66) + 0.35 * ramp(texels.inside_mouth, 0.02, 0.4)
    out = out * (1.0 - zone.lips) + zone.lips * red
    wet = np.where(texels.inside_mouth > 0.3, 2.3, 1.0)  # the lining of the lids is paler than the mouth's
    result: Float[Array, " texel"] = (out * (1.0 - zone.inside) + zone.inside * wet).astype(np.float32)
    return result


def gloss(texels: Texels, zone: Zones) -> Float[Array, " texel"]:
    """Strength of the surface reflection: 0.5 is usual skin, 0 none, 1 wet."""
    points, x, y, front = texels.position_mm, zone.x, zone.y, zone.front
    out = 0.36 + 0.09 * fractal(points, per_mm=0.30, octaves=2, seed=67)
    out += front * (0.13 * bump(x, 15.0) * bump(y - 20.0, 28.0) + 0.10 * bump(x, 34.0) * bump(y - 86.0, 18.0))
    out += front * (0.07 * bump(x - 40.0, 12.0) * bump(y - 18.0, 9.0) + 0.05 * bump(x, 10.0) * bump(y + 58.0, 8.0))
    out += 0.16 * bump(texels.lid_distance_mm, 3.0) * front + 0.40 * bump(texels.lid_distance_mm, 0.9) * front
    out -= 0.08 * beard_area(texels, zone) + 0.10 * ramp(y, -85.0, -110.0)
    out = out * (1.0 - zone.lips) + zone.lips * (0.54 + 0.30 * fractal(points, per_mm=0.5, seed=68))
    out *= 1.0 - 0.6 * scalp_density(points, ears=texels.ears)
    out *= 1.0 - 0.35 * brow_coverage(points)
    return np.clip(out * (1.0 - zone.inside) + 0.92 * zone.inside, 0.0, 1.0).astype(np.float32)
