"""The eye for a path tracer: the tear film's normals over the cornea."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.rotations import turn_between
from face_emote.look import eyes as eye
from face_emote.look.formula.ops import smoothstep

CORNEA_BULGE = 0.35  # How much steeper the cornea stands than the eyeball under it.
CORNEA_GAIN = 1.5  # The cornea gathers light on the iris.


def cornea_normals(local: Float[Array, "point 3"], posed: Float[Array, "point 3"]) -> Float[Array, "point 3"]:
    """Normals of the tear film on one posed eyeball, bent outwards over the cornea; points at rest and in the scene."""
    away = posed.astype(np.float64) - posed.mean(axis=0)
    axis = turn_between(local.astype(np.float64), posed.astype(np.float64))[:, 2]
    normals = away / np.linalg.norm(away, axis=1, keepdims=True)
    angle = np.arctan2(np.hypot(local[:, 0], local[:, 1]), local[:, 2])
    bulge = CORNEA_BULGE * smoothstep((1.25, 0.70), angle / eye.IRIS)
    normals += (normals - axis) * bulge[:, None]
    found: Array = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    return found
