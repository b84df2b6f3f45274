"""Lips as far open as in the film, on whoever plays it: the gap is seen much better than the controls that make it."""

import numpy as np

from face_emote.capturing.face_mesh import INNER_LIPS, OUTER_CANTHI, eye_distance
from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.face.head import Head
from face_emote.face.layout import SurfacePoints
from face_emote.face.rig import pose_from_controls

SEAL, JAW_OPEN = CONTROLS.index("lipSeal"), CONTROLS.index("jawOpen")
CLOSED_GAP, OPEN_GAP = 0.006, 0.016
"""Of the inner lips, in eye distances beyond the least of the film: up to the first they touch, from the second not."""
LEAST_GAP_BELIEVED = 0.02  # A film whose lips never come nearer than this shows no closed mouth to measure from.
ROUNDS, PROBE, MOST_CHANGE = 3, 0.05, 0.35
"""Steps to the gap; the step of the jaw by which its effect is measured, and how far it may be moved, in jawOpen."""
CHUNK = 256


def seen_gap(landmarks: Float[Array, "frames landmark=478 2"]) -> Float[Array, " frames"]:
    """Of the inner lips in the pictures, in eye distances."""
    above, below = np.array(INNER_LIPS).T
    apart = np.linalg.norm(landmarks[:, below] - landmarks[:, above], axis=2).mean(axis=1)
    gap: Array = apart / eye_distance(landmarks)
    return gap


def seal_of(gap: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """How firmly the lips are closed, 0..1."""
    least = float(np.percentile(gap, 1))
    beyond = gap - (least if least < LEAST_GAP_BELIEVED else 0.0)
    seal: Array = np.clip((OPEN_GAP - beyond) / (OPEN_GAP - CLOSED_GAP), 0.0, 1.0)
    return seal


def opened_as(
    gap: Float[Array, " frames"], controls: Float[Array, "frames control=100"], person: Head
) -> Float[Array, "frames control=100"]:
    """The controls with the jaw at which this person's inner lips are as far apart as those in the film."""
    points = person.landmark478_points
    assert points is not None
    index = np.array(INNER_LIPS).ravel()
    used, corners = np.unique(points.corners[index], return_inverse=True)
    lips = SurfacePoints(corners=corners.reshape(-1, 3), weights=points.weights[index])
    mouth = person.restricted_to(used)
    right, left = points.of(person.template[None].astype(np.float64))[0][list(OUTER_CANTHI)]
    unit = float(np.linalg.norm(left - right))
    out = controls.copy()
    for first in range(0, len(out), CHUNK):
        rows, wanted = out[first : first + CHUNK].copy(), gap[first : first + CHUNK]
        seal, jaw = rows[:, SEAL].copy(), rows[:, JAW_OPEN].copy()
        rows[:, SEAL] = 0.0
        for _ in range(ROUNDS):
            now = _gap(mouth, lips, rows)
            nudged = rows.copy()
            nudged[:, JAW_OPEN] += PROBE
            slope = np.maximum((_gap(mouth, lips, nudged) - now) / PROBE, 0.02 * unit)
            rows[:, JAW_OPEN] = np.clip(rows[:, JAW_OPEN] + (wanted * unit - now) / slope, 0.0, 1.0)
        moved = np.clip(rows[:, JAW_OPEN] - jaw, -MOST_CHANGE, MOST_CHANGE)
        # Where the lips are sealed they touch at any jaw, and keep the one that was seen.
        out[first : first + CHUNK, JAW_OPEN] = np.clip(jaw + (1.0 - seal) * moved, 0.0, 1.0)
    return out


def _gap(mouth: Head, lips: SurfacePoints, rows: Float[Array, "frames control=100"]) -> Float[Array, " frames"]:
    """Mean height of the opening, metres."""
    posed = pose_from_controls(rows, control_joints=mouth.control_joints)
    height = lips.of(mouth.pose_vertices(expression=posed.expression, jaw_pose=posed.jaw_pose))[:, :, 1]
    gap: Array = (height[:, 0::2] - height[:, 1::2]).mean(axis=1).astype(np.float64)
    return gap
