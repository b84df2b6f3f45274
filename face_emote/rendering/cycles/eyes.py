"""The eye for a path tracer: its picture, and the tear film's normals over the cornea."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.rotations import turn_between
from face_emote.core.types import SkinParams
from face_emote.look import eyes as eye
from face_emote.look.formula.eye import iris, sclera
from face_emote.look.formula.ops import Vec, mix, smoothstep
from face_emote.look.formula.records import EyeLook

SPAN = 1.6
"""Angle from the optical axis that the picture covers, radians."""
TEXELS = 512
CORNEA_BULGE = 0.35
"""How much steeper the cornea stands than the eyeball under it."""
CORNEA_GAIN = 1.5
"""The cornea gathers light on the iris."""


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
    r = np.minimum(off_axis, 1.5) * eye.IRIS_RADIUS
    person = EyeLook(Vec(*skin.iris_colour), pupil, age)
    front = iris(r * np.cos(turn), r * np.sin(turn), look=person, caustic=lambda r, cx, cy: CORNEA_GAIN)
    white = sclera(Vec(x, y, z), off_axis, age=age, redness=0.0, corner=0.0)
    colour = mix(front.each(lambda c: np.maximum(c, 0.0)), white, smoothstep(eye.WHITE, off_axis))
    return np.stack(list(colour), axis=-1).astype(np.float32)


def cornea_normals(local: Float[Array, "point 3"], posed: Float[Array, "point 3"]) -> Float[Array, "point 3"]:
    """Normals of the tear film on one posed eyeball, bent outwards over the cornea.

    Args:
        local: The eye's points at rest in its own frame.
        posed: The same points in the scene.
    """
    away = posed.astype(np.float64) - posed.mean(axis=0)
    axis = turn_between(local.astype(np.float64), posed.astype(np.float64))[:, 2]
    normals = away / np.linalg.norm(away, axis=1, keepdims=True)
    angle = np.arctan2(np.hypot(local[:, 0], local[:, 1]), local[:, 2])
    bulge = CORNEA_BULGE * smoothstep((1.25, 0.70), angle / eye.IRIS)
    normals += (normals - axis) * bulge[:, None]
    found: Array = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    return found
