"""What each emotion does to the face: Action Units (Ekman & Friesen's FACS), and the bearing of eyes, head and breath.

Which units belong to which emotion follows EMFACS. How strong each one is, and in which order they come in with rising
intensity, are our choices, tuned on renders of the bundled head. How two emotions share a face is in `mixtures`.

ARKit's shapes are not Action Units: several share a muscle and some units need two shapes. The first table is our
reading of each unit's description on the bundled head, tuned by looking at renders.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, EMOTIONS

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


def controls_from_action_units(units: Float[Array, f"side=2 au={NUM_AU} frames"]) -> Float[Array, "frames control=100"]:
    """Controls (order of `names.CONTROLS`, 0..1) that show Action Units.

    Units that share a control add up and saturate at 1.
    `units` are activations 0..1 of `ACTION_UNITS`, left side first; those of the midline act by the mean of both sides.
    """
    controls = np.zeros((len(CONTROLS), units.shape[2]))
    for unit, side, control, weight in _ROUTES:
        controls[control] += weight * units[side, unit]
    return np.ascontiguousarray(np.clip(controls, 0.0, 1.0).T, np.float32)


@dataclass(frozen=True, slots=True)
class Unit:
    """How one Action Unit takes part in an emotion."""

    full: float
    """Activation at full intensity, 0..1."""
    late: float = 0.0
    """0: rises with the intensity; 1: stays away at low intensity and comes in steeply (Duchenne eyes, open jaw)."""
    right: float | None = None
    """Activation of the right side where it differs."""


RECIPES: dict[str, dict[int, Unit]] = {
    "neutral": {},
    "joy": {
        6: Unit(0.9, late=0.48), 12: Unit(1.0), 25: Unit(0.6, late=0.5), 26: Unit(0.35, late=0.8),
        10: Unit(0.4, late=0.6), 16: Unit(0.15, late=0.9), 7: Unit(0.1, late=0.6),
    },
    "sadness": {
        1: Unit(1.0), 4: Unit(0.45), 15: Unit(0.82), 17: Unit(0.55, late=0.2), 43: Unit(0.18), 11: Unit(0.35, late=0.4),
        7: Unit(0.15, late=0.3),
    },
    "surprise": {
        1: Unit(0.5), 2: Unit(1.0), 5: Unit(1.0), 25: Unit(0.4, late=0.2), 26: Unit(1.0, late=0.3),
        27: Unit(0.12, late=0.8), 22: Unit(0.2, late=0.6),
    },
    "fear": {
        1: Unit(1.0), 2: Unit(0.2), 4: Unit(0.35), 5: Unit(1.0), 20: Unit(0.85, late=0.1), 25: Unit(0.6, late=0.3),
        26: Unit(0.6, late=0.5), 16: Unit(0.4, late=0.5), 15: Unit(0.08), 38: Unit(0.4, late=0.5),
    },
    "disgust": {
        9: Unit(1.0), 10: Unit(1.0), 4: Unit(0.15), 7: Unit(0.55), 6: Unit(0.4, late=0.5), 11: Unit(0.5),
        15: Unit(0.2), 16: Unit(0.35, late=0.5), 17: Unit(0.25), 25: Unit(0.35, late=0.5), 26: Unit(0.2, late=0.6),
    },
    "anger": {
        4: Unit(1.0), 2: Unit(0.12), 5: Unit(0.75, late=0.1), 7: Unit(0.75), 23: Unit(0.65), 24: Unit(0.45),
        9: Unit(0.5, late=0.2), 15: Unit(0.05), 17: Unit(0.2, late=0.3), 29: Unit(0.35), 38: Unit(0.8),
        10: Unit(0.3, late=0.5), 16: Unit(0.3, late=0.5),
    },
    "contempt": {
        14: Unit(1.0, right=0.1), 12: Unit(0.3, right=0.0), 10: Unit(0.3, late=0.3, right=0.0),
        2: Unit(0.0, right=0.5), 4: Unit(0.4, right=0.05), 7: Unit(0.25), 15: Unit(0.0, right=0.25), 17: Unit(0.35),
        24: Unit(0.25),
    },
}  # fmt: skip
"""What tells neighbours apart, found by drawing the head at random activations for two expression networks that know
nothing of us, and then by eye: fear against surprise AU1 and AU20, a little AU4, not AU2; disgust against anger AU9 and
AU10, and little AU4; sadness the hanging lid, AU1, AU15; contempt one corner and the other brow, and open lids. AU1 in
joy reads as wistful."""

ANTAGONISTS = (
    (12, 15), (12, 20), (6, 5), (7, 5), (43, 5), (4, 2), (24, 25), (24, 26), (23, 25), (23, 26), (17, 26), (28, 25),
)  # fmt: skip
"""Pairs that do not show together: when two emotions that share a region bring one each, the weaker gives way."""

SIDES: dict[str, tuple[float, ...]] = {
    "neutral": (0.0,) * 4,
    "joy": (0.6, 1.0, -0.4, 0.5),
    "sadness": (1.0, 0.5, -0.6, 0.7),
    "surprise": (-0.5, 0.6, 0.4, -0.7),
    "fear": (0.7, -0.4, 0.6, 0.5),
    "disgust": (-0.4, 0.8, 1.0, 0.6),
    "anger": (0.9, -0.6, 0.7, -0.5),
    "contempt": (0.5, 0.4, 0.3, 0.6),
}
"""Which side leads, -1 right .. 1 left, for brows, mouth, nose and lids; times the animator's asymmetry."""
_ZONES = {0: (1, 2, 4), 1: (12, 13, 14, 15, 16, 20, 23, 24), 2: (9, 10, 11, 38), 3: (5, 6, 7, 43)}


def _table(value: str) -> Float[Array, "emotion=8 side=2 au"]:
    table = np.zeros((len(EMOTIONS), 2, NUM_AU))
    for row, emotion in enumerate(EMOTIONS):
        for number, unit in RECIPES[emotion].items():
            figures = (unit.late, unit.late)
            if value == "full":
                figures = (unit.full, unit.full if unit.right is None else unit.right)
            table[row, :, AU_INDEX[number]] = figures
    return table


def _lead_table() -> Float[Array, "emotion=8 au"]:
    lead = np.zeros((len(EMOTIONS), NUM_AU))
    for row, emotion in enumerate(EMOTIONS):
        for zone, numbers in _ZONES.items():
            for number in numbers:
                lead[row, AU_INDEX[number]] = SIDES[emotion][zone]
    return lead


FULL = _table("full")
"""Activation of every unit at full intensity."""
LATE = _table("late")[:, 0]
LEAD = _lead_table()
STRENGTH = FULL.max(axis=1)
"""The stronger side of each unit, by which antagonists are weighed."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """What one emotion at full intensity does beyond the skin. Radians; pitch is positive downwards."""

    gaze_pitch: float = 0.0
    gaze_avert: float = 0.0
    gaze_scan: float = 0.0
    head_pitch: float = 0.0
    head_yaw: float = 0.0
    head_roll: float = 0.0
    breath: float = 1.0
    blink: float = 1.0
    motion: float = 1.0


BEARINGS: dict[str, Bearing] = {
    "neutral": Bearing(),
    "joy": Bearing(head_pitch=-0.035, head_roll=0.04, breath=1.15, blink=1.1, motion=1.35),
    "sadness": Bearing(
        gaze_pitch=0.02, gaze_avert=0.15, head_pitch=0.06, head_roll=0.05, breath=0.85, blink=1.15, motion=0.55
    ),
    "surprise": Bearing(gaze_scan=0.05, head_pitch=-0.06, breath=1.25, blink=0.45, motion=1.15),
    "fear": Bearing(
        gaze_scan=0.5, gaze_avert=0.08, head_pitch=0.015, head_yaw=0.03, head_roll=-0.02, breath=1.7, blink=1.3,
        motion=1.1,
    ),
    "disgust": Bearing(
        gaze_avert=0.12, head_pitch=-0.045, head_yaw=0.07, head_roll=-0.035, breath=0.95, blink=1.1, motion=0.9
    ),
    "anger": Bearing(head_pitch=0.06, breath=1.4, blink=0.5, motion=1.35),
    "contempt": Bearing(head_pitch=-0.07, head_yaw=0.05, head_roll=0.045, breath=0.95, motion=0.7),
}  # fmt: skip
"""Choices in the direction the literature gives (sadness sinks and slows, fear scans and breathes fast), small enough
that the face stays towards the camera: a feeling that looks away is not read."""
