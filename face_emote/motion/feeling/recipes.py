"""What each emotion does to the face: Action Units (Ekman & Friesen's FACS), and the bearing of eyes, head and breath.

The figures are read once from `assets/emotion/face.toml`, which says where they come from. How two emotions share a
face is in `mixtures`.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import asset_table
from face_emote.core.names import CONTROLS, EMOTIONS

ACTION_UNITS = (
    1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 38, 39, 43,
)  # fmt: skip
"""FACS numbers, in the order of every `au` axis."""
NUM_AU = len(ACTION_UNITS)
AU_INDEX = {unit: index for index, unit in enumerate(ACTION_UNITS)}

_TABLE = asset_table("emotion/face.toml")


def _routes() -> tuple[tuple[int, int, int, float], ...]:
    """Units that may differ left from right act by their sides, the others by the mean of both."""
    routes = [
        (AU_INDEX[int(unit)], side, CONTROLS.index(control + ("Left", "Right")[side]), weight)
        for unit, controls in _TABLE["units"]["sided"].items()
        for control, weight in controls.items()
        for side in (0, 1)
    ]
    routes += [
        (AU_INDEX[int(unit)], side, CONTROLS.index(control), 0.5 * weight)
        for unit, controls in _TABLE["units"]["midline"].items()
        for control, weight in controls.items()
        for side in (0, 1)
    ]
    return tuple(sorted(routes))


_ROUTES = _routes()  # (unit index, side, control index, weight), in a fixed order.


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

    full: float  # Activation at full intensity, 0..1.
    late: float = 0.0
    """0: rises with the intensity; 1: stays away at low intensity and comes in steeply (Duchenne eyes, open jaw)."""
    right: float | None = None  # Activation of the right side where it differs.


RECIPES: dict[str, dict[int, Unit]] = {
    emotion: {int(unit): Unit(**figures) for unit, figures in units.items()}
    for emotion, units in _TABLE["recipes"].items()
}
ANTAGONISTS = (
    (12, 15), (12, 20), (6, 5), (7, 5), (43, 5), (4, 2), (24, 25), (24, 26), (23, 25), (23, 26), (17, 26), (28, 25),
)  # fmt: skip
"""Pairs that do not show together: when two emotions that share a region bring one each, the weaker gives way."""

SIDES: dict[str, list[float]] = _TABLE["sides"]
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


FULL = _table("full")  # Activation of every unit at full intensity.
LATE = _table("late")[:, 0]
LEAD = _lead_table()
STRENGTH = FULL.max(axis=1)  # The stronger side of each unit, by which antagonists are weighed.


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


BEARINGS = {emotion: Bearing(**own) for emotion, own in _TABLE["bearings"].items()}
