"""Facial Action Units (Ekman & Friesen's FACS) on the controls of the bundled head.

ARKit's shapes are not Action Units: several share a muscle and some units need two shapes. The table below is our
reading of each unit's description on this head, tuned by looking at renders.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS

ACTION_UNITS = (
    1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 38, 39, 43,
)  # fmt: skip
"""FACS numbers, in the order of every `au` axis."""
NUM_AU = len(ACTION_UNITS)
AU_INDEX = {unit: index for index, unit in enumerate(ACTION_UNITS)}

_SIDED: dict[int, dict[str, float]] = {
    1: {"innerBrowRaise": 1.0},
    2: {"browOuterUp": 1.0},
    4: {"browDown": 1.0, "noseSneer": 0.12},
    5: {"eyeWide": 1.0},
    6: {"cheekSquint": 1.0, "eyeSquint": 0.35},
    7: {"eyeSquint": 1.0},
    9: {"noseSneer": 1.0, "noseElevate": 0.4},
    10: {"mouthUpperUp": 0.75, "noseElevate": 0.4},
    11: {"noseElevate": 0.4, "mouthUpperUp": 0.2},
    12: {"mouthSmile": 1.0, "mouthDimple": 0.12},
    14: {"mouthDimple": 1.0, "mouthPress": 0.1},
    15: {"mouthFrown": 1.0},
    16: {"mouthLowerDown": 1.0},
    20: {"mouthStretch": 1.0},
    23: {"mouthPress": 0.2},
    24: {"mouthPress": 0.4},
    38: {"noseDilate": 1.0},
    43: {"eyeBlink": 1.0},
}
"""Units that may differ left from right: control without its side -> weight."""
_UNSIDED: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 0.7},
    10: {"mouthElevate": 0.35},
    12: {"mouthCornerPull": 0.15},
    15: {"mouthDepress": 0.3},
    13: {"mouthCornerPull": 1.0},
    17: {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.3},
    18: {"mouthPucker": 1.0},
    20: {"neckPlatysma": 0.55},
    21: {"neckPlatysma": 1.0},
    22: {"mouthFunnel": 1.0},
    23: {"mouthRollLower": 0.45, "mouthRollUpper": 0.4},
    24: {"mouthRollLower": 0.55, "mouthRollUpper": 0.6},
    25: {"lipsPart": 1.0},
    26: {"jawOpen": 0.45},
    27: {"jawOpen": 1.0},
    28: {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    29: {"jawForward": 1.0},
    39: {"noseCompress": 1.0},
}
"""Units, or the parts of units, that act on the midline."""


def _routes() -> tuple[tuple[int, int, int, float], ...]:
    routes = [
        (AU_INDEX[unit], side, CONTROLS.index(control + ("Left", "Right")[side]), weight)
        for unit, controls in _SIDED.items()
        for control, weight in controls.items()
        for side in (0, 1)
    ]
    routes += [
        (AU_INDEX[unit], side, CONTROLS.index(control), 0.5 * weight)
        for unit, controls in _UNSIDED.items()
        for control, weight in controls.items()
        for side in (0, 1)
    ]
    return tuple(sorted(routes))


_ROUTES = _routes()
"""(unit index, side, control index, weight), in a fixed order."""


def controls_from_action_units(
    units: Float[Array, f"side=2 au={NUM_AU} frames"],
) -> Float[Array, "frames control=100"]:
    """Controls (order of `names.CONTROLS`, 0..1) that show Action Units.

    Units that share a control add up and saturate at 1.

    Args:
        units: Activation 0..1 of `ACTION_UNITS`, left side first, frames last. Units of the midline act by the mean of
            both sides.
    """
    controls = np.zeros((len(CONTROLS), units.shape[2]))
    for unit, side, control, weight in _ROUTES:
        controls[control] += weight * units[side, unit]
    return np.ascontiguousarray(np.clip(controls, 0.0, 1.0).T, np.float32)
