"""Where iris and pupil sit on the modelled eyeballs, and the shape that widens the pupils.

The pupil of a head is painted: the ring of vertices around it moves out on the ball and takes the picture along.
Engines that draw pupils by formula widen them by the same factor.
"""

from dataclasses import replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.face.head import Head
from face_emote.face.head_file import STEP
from face_emote.face.rig import PUPIL

TILT = (0.07, -0.02)  # Where the iris sits on the modelled eyeball: radians outwards and up from straight ahead.
MOST_WIDENED = 1.4
"""Factor on the pupil's radius at `pupilDilate` 1: a diameter of 3.4 mm becomes 4.8; excitement adds 0.5 to 1 mm."""
_INNER_RING = 0.3  # Radians from the axis within which the vertices around the pupil lie.


def eye_frame(side: int) -> Float[Array, "3 axis=3"]:
    """Columns: right, up, optical axis of the left (0) or right (1) eye on the template."""
    axis = np.array([TILT[0] * (1 if side == 0 else -1), TILT[1], 1.0])
    axis /= np.linalg.norm(axis)
    right = np.cross((0.0, 1.0, 0.0), axis)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(axis, right), axis], axis=1)


def widened(radius: float, dilation: float) -> float:
    """The pupil's radius at a dilation of 0..1."""
    return radius * (1.0 + (MOST_WIDENED - 1.0) * min(max(dilation, 0.0), 1.0))


def with_pupils(head: Head) -> Head:
    """The head with the column of `pupilDilate`."""
    assert head.layout is not None
    basis = head.expression_basis.copy()
    for side, part in enumerate(("eyeL", "eyeR")):
        index = head.layout.vertices_of(part)
        ball, frame = head.template[index].astype(np.float64), eye_frame(side)
        middle = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
        x, y, z = ((ball - middle) @ frame).T
        out, radius = np.hypot(x, y), np.linalg.norm(ball - middle, axis=1)
        angle = np.arctan2(out, z)
        wide = np.where(angle < _INNER_RING, MOST_WIDENED * angle, angle)
        moved = np.stack([x * np.sin(wide) / np.sin(angle), y * np.sin(wide) / np.sin(angle), np.cos(wide)], axis=1)
        moved[:, :2] /= radius[:, None]
        delta: Array = (radius[:, None] * moved) @ frame.T + middle - ball
        moves = np.where((angle < _INNER_RING)[:, None], delta, 0.0)
        basis[PUPIL, index] = STEP * np.round(moves / STEP)  # As a file of heads keeps it.
    return replace(head, expression_basis=basis)
