"""Muscles under the skin: which of them swell while the face acts, and how much.

A muscle thickens where its fibres shorten, which the authored shapes leave out: they move the skin as if nothing were
under it. Each muscle is a column of the head (`names.MUSCLES`; its place and size are in `tools/build_head/anatomy.py`)
that follows other controls. Wrinkles are measured on the moved mesh, so they follow the muscles too.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, MUSCLES

_DRIVES = {
    "muscleMasseter": {"mouthPress": 0.5, "jawForward": 0.4, "browDown": 0.3, "jawOpen": -2.0},
    "muscleFrontalis": {"browOuterUp": 0.5, "browInnerUp": 0.4, "innerBrowRaise": 0.2, "browDown": -0.5},
    "muscleCorrugator": {"browDown": 0.85, "innerBrowRaise": 0.3, "browOuterUp": -0.4},
    "muscleZygomaticus": {"mouthSmile": 0.8, "cheekSquint": 0.3},
    "muscleMentalis": {"mouthShrugLower": 0.9, "mouthPress": 0.15, "mouthFrown": 0.15},
    "musclePlatysma": {"neckPlatysma": 0.8, "mouthStretch": 0.35, "mouthFrown": 0.1},
}
"""What contracts each muscle: a sum of controls of the same side, held to 0..1. Clenching needs a closed jaw."""
COLUMNS = np.array([CONTROLS.index(name) for name in MUSCLES])


def _sides() -> Float[Array, "control=100 muscle"]:
    out = np.zeros((len(CONTROLS), len(MUSCLES)), np.float32)
    for column, muscle in enumerate(MUSCLES):
        side = next(side for side in ("Left", "Right") if muscle.endswith(side))
        for control, weight in _DRIVES[muscle.removesuffix(side)].items():
            name = control if control in CONTROLS else control + side
            out[CONTROLS.index(name), column] = weight
    return out


DRIVE = _sides()
"""Contraction before it is held to 0..1, per unit of each control."""


def contraction(controls: Float[Array, "frames control=100"]) -> Float[Array, "frames muscle"]:
    """How far each muscle is contracted, 0..1."""
    out: Array = np.clip(controls @ DRIVE, 0.0, 1.0)
    return out
