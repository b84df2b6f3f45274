"""What controls do to the bundled head, as a camera sees it: how aims of brows and lids become controls."""

import numpy as np

from face_emote.core.names import CONTROLS
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.face.bundled import load_head
from face_emote.generation.seen import CHANNELS, seen_of

_PROBE = 0.2
_PROBES = {
    "inner_up": ("innerBrowRaiseLeft", "innerBrowRaiseRight"), "outer_up": ("browOuterUpLeft", "browOuterUpRight"),
    "down": ("browDownLeft", "browDownRight"), "shut": ("eyeBlinkLeft", "eyeBlinkRight"),
    "wide": ("eyeWideLeft", "eyeWideRight"), "relax": ("browRelaxLeft", "browRelaxRight"), "part": ("glabellaRelax",),
}  # fmt: skip


def head_controls() -> dict[str, float]:
    """Height of the brows, distance between them and openness of the lids per unit of `inner_up` and others."""
    found = {}
    for name, columns in _PROBES.items():
        still, moved = _seen({column: _PROBE for column in columns})
        found[f"{name} brow"] = float((moved[:2] - still[:2]).mean()) / _PROBE
        found[f"{name} frown"] = float(moved[2] - still[2]) / _PROBE
        found[f"{name} lids"] = float((moved[3:5] / still[3:5]).mean() - 1.0) / _PROBE
    return {name: round(value, 4) for name, value in found.items()}


def _seen(values: dict[str, float]) -> np.ndarray:
    """Channels of a face at rest, and of one with these controls; the lids of most of its frames are open."""
    head = load_head()
    rows = 3
    rest, eyes = np.zeros((rows, 3), np.float32), np.zeros((rows, 2, 3), np.float32)
    expression = np.zeros((rows, len(CONTROLS)), np.float32)
    for name, value in values.items():
        expression[-1, CONTROLS.index(name)] = value
    motion = FaceMotion(
        expression=expression, jaw_pose=rest, neck_pose=rest, eye_pose=eyes, global_pose=rest, translation=rest,
        wrinkles=np.zeros((rows, 16), np.float32), blood_flow=np.zeros((rows, 8), np.float32), fps=25.0,
        info=MotionInfo(basis=head.basis),
    )  # fmt: skip
    points = head.landmarks478(motion).astype(np.float64)
    seen: np.ndarray = seen_of(points, list(range(478)), np.zeros((rows, 3)))[[0, -1], : len(CHANNELS)]
    return seen


if __name__ == "__main__":
    print(head_controls())
