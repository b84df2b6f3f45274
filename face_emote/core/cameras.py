"""From where a head is seen: cameras that people know, relative to the point midway between its eyes, in metres.

+Z is in front of the face, +X is the character's left (the viewer's right). Pictures are taken with them, and the eyes
of a performance meet their lens.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import Camera

CAMERAS: dict[str, Camera] = {
    "portrait": Camera((0.052, 0.004, 0.715), (0.0, -0.018, -0.02), 0.42),
    "front": Camera((0.0, 0.0, 0.68), (0.0, -0.024, -0.02), 0.42),
    "three-quarter": Camera((0.42, 0.03, 0.66), (0.0, -0.035, -0.03), 0.42),
    "profile": Camera((0.80, 0.0, 0.0), (0.0, -0.035, -0.04), 0.44),
    "close": Camera((0.035, 0.0, 0.56), (0.0, -0.022, 0.0), 0.40),
    "mouth": Camera((0.03, -0.05, 0.34), (0.0, -0.068, 0.0), 0.30),
    "eyes": Camera((0.03, 0.01, 0.36), (0.0, 0.004, 0.0), 0.34),
    "bust": Camera((0.07, 0.02, 1.00), (0.0, -0.075, -0.03), 0.44),
}
_REACH = np.radians(15.0)
"""A lens further aside than this is not looked into unasked: the eyes would strain in their corners."""


def lens_of(camera: str | Camera | None) -> Float[Array, " 3"]:
    """Where the lens of a camera is, a preset's name or an own one; the portrait camera's for None."""
    chosen = CAMERAS[camera or "portrait"] if camera is None or isinstance(camera, str) else camera
    return np.array(chosen.position, np.float64)


def is_faced(camera: str | Camera) -> bool:
    """Whether the face is so much towards a camera that its eyes meet the lens by themselves."""
    across, up, ahead = lens_of(camera)
    return bool(np.arctan2(np.hypot(across, up), ahead) < _REACH)
