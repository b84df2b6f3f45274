"""The eye for a path tracer: its picture, and the tear film's normals over the cornea."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import SkinParams
from face_emote.look import eyes as eye

SPAN = 1.6
"""Angle from the optical axis that the picture covers, radians."""
TEXELS = 512
CORNEA_BULGE = 0.35
"""How much steeper the cornea stands than the eyeball under it."""
CORNEA_GAIN = 1.5
"""The cornea gathers light on the iris."""


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between; falls when high < low."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def eye_uv(local: Float[Array, "point 3"]) -> Float[Array, "point 2"]:
    """Place in the picture of points in the eye's own frame, whose z is the optical axis."""
    x, y, z = local.T.astype(np.float64)
    across = np.hypot(x, y)
    reach = np.minimum(np.arctan2(across, z) / SPAN, 1.0)
    scale = np.divide(0.5 * reach, across, out=np.zeros_like(across), where=across > 0.0)
    return np.stack([0.5 + scale * x, 0.5 + scale * y], axis=1).astype(np.float32)


def eye_picture(skin: SkinParams, *, pupil: float) -> Float[Array, "side side 3"]:
    """Albedo of pupil, iris and white from the numbers in `skin.eyes`; row 0 at the top.

    `pupil` is its radius in iris radii. The corners' redness, which depends on the lids, is not in it.
    """
    age = float(np.clip(skin.age, 0.0, 1.0))
    row, column = np.mgrid[0:TEXELS, 0:TEXELS]
    across, up = 2.0 * (column + 0.5) / TEXELS - 1.0, 1.0 - 2.0 * (row + 0.5) / TEXELS
    angle, turn = SPAN * np.hypot(across, up), np.arctan2(up, across)
    x, y, z = np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)
    off_axis = np.where(z > 0.0, np.hypot(x, y), 2.0 - np.hypot(x, y)) / eye.LIMBUS
    white = smoothstep(*eye.WHITE, off_axis)[..., None]
    iris = _iris(np.minimum(off_axis, 1.5), turn, colour=skin.iris_colour, pupil=pupil, age=age)
    return (iris * (1.0 - white) + _sclera(x, y, z, off_axis, age=age) * white).astype(np.float32)


def _iris(r: Array, turn: Array, *, colour: tuple[float, float, float], pupil: float, age: float) -> Array:
    cx, cy = np.cos(turn), np.sin(turn)
    fibres = sum(share * _noise(cx * a, cy * a, r * b + c) for a, b, c, share in eye.FIBRES)
    collar = eye.COLLARETTE[2] * smoothstep(eye.COLLARETTE[0], eye.COLLARETTE[1], r + 0.12 * (fibres - 0.5))
    width, depth = (pair[0] + (pair[1] - pair[0]) * age for pair in (eye.LIMBAL_WIDTH, eye.LIMBAL_DEPTH))
    light = (1.0 - depth * smoothstep(1.0 - width, 1.03, r)) * (1.0 - 0.25 * r)
    light *= smoothstep(pupil - eye.PUPIL_EDGE, pupil + eye.PUPIL_EDGE, r)
    light *= CORNEA_GAIN * (eye.FIBRE_RANGE[0] + eye.FIBRE_RANGE[1] * fibres)
    tint = 1.0 + collar[..., None] * (np.array(eye.COLLARETTE_TINT) - 1.0)
    return np.maximum(np.array(colour) * light[..., None] * tint, 0.0)


def _sclera(x: Array, y: Array, z: Array, off_axis: Array, *, age: float) -> Array:
    warp = _noise(x * 7.0 + 5.0, y * 7.0, z * 7.0)
    fine = _noise(x * 11.0 + 2.0 * warp, y * 26.0 + 2.0 * warp, z * 11.0)
    branch = _noise(x * 23.0 - 2.0 * warp, y * 41.0, z * 23.0 + 2.0 * warp)
    veins = (1.0 - np.abs(2.0 * fine - 1.0)) ** eye.VESSEL_SHARPNESS
    veins += 0.6 * (1.0 - np.abs(2.0 * branch - 1.0)) ** eye.VESSEL_SHARPNESS
    away = smoothstep(1.25, 2.6, off_axis)
    red = np.minimum(0.85, eye.VESSELS * veins * (0.25 + 0.75 * away) + eye.PINK * away)[..., None]
    plain = np.array(eye.SCLERA_YOUNG) + age * (np.array(eye.SCLERA_OLD) - eye.SCLERA_YOUNG)
    return plain * (1.0 - red) + np.array(eye.VESSEL) * red


def _noise(x: Array, y: Array, z: Array) -> Array:
    """Smooth noise in 0..1 with cells of size 1."""
    cell = [np.floor(v).astype(np.int64) for v in (x, y, z)]
    part = [v - c for v, c in zip((x, y, z), cell, strict=True)]
    part = [f * f * (3.0 - 2.0 * f) for f in part]
    total = np.zeros(np.shape(x))
    for corner in np.ndindex(2, 2, 2):
        weight = np.ones(np.shape(x))
        for f, step in zip(part, corner, strict=True):
            weight = weight * (f if step else 1.0 - f)
        total += weight * _hash(*(c + step for c, step in zip(cell, corner, strict=True)))
    return total


def _hash(i: Array, j: Array, k: Array) -> Array:
    x = (i * 374761393 + j * 668265263 + k * 1274126177) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 1103515245) & 0xFFFFFFFF
    return ((x ^ (x >> 16)) & 0xFFFFFF) / 16777215.0


def cornea_normals(local: Float[Array, "point 3"], posed: Float[Array, "point 3"]) -> Float[Array, "point 3"]:
    """Normals of the tear film on one posed eyeball, bent outwards over the cornea.

    Args:
        local: The eye's points at rest in its own frame.
        posed: The same points in the scene.
    """
    away = posed.astype(np.float64) - posed.mean(axis=0)
    rest = local.astype(np.float64) - local.mean(axis=0)
    u, _, vt = np.linalg.svd(rest.T @ away)
    axis = (vt.T @ np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T)[:, 2]
    normals = away / np.linalg.norm(away, axis=1, keepdims=True)
    angle = np.arctan2(np.hypot(local[:, 0], local[:, 1]), local[:, 2])
    bulge = CORNEA_BULGE * smoothstep(1.25, 0.70, angle / eye.IRIS)
    normals += (normals - axis) * bulge[:, None]
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
