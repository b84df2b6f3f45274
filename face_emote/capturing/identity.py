"""Whose face it is: betas of a person from a few frames, with the motion of the head projected out."""

from dataclasses import dataclass

import numpy as np

from face_emote.capturing.face_mesh import NUM_SKIN, eye_distance
from face_emote.capturing.points import LandmarkHead, at_landmarks, landmark_head
from face_emote.capturing.solve import (
    FrameFit,
    Lens,
    Trust,
    Wanted,
    in_camera,
    offset_of,
    point_weight,
    pose_slopes,
    rigid_fit,
    solve_frame,
)
from face_emote.core.arrays import Array, Float
from face_emote.core.names import NUM_SHAPE
from face_emote.face.head import Head

NUM_BETAS = 80
ROUNDS = 6
CAREFUL = Trust(sigma=0.015, lip_sigma=0.02, ridge=6.0, sparse=0.03)
BELIEF_IN_REST = 6.0
MOST = 3.0  # Standard deviations of a beta that are believed.
OFFSET_SHARE = 0.9  # Of the personal offset; the rest is left to the controls.


@dataclass(frozen=True, slots=True, eq=False)
class Enrolled:
    """A person, as far as a film shows."""

    betas: Float[Array, " shape=300"]
    person: LandmarkHead  # Landmarks of this person where MediaPipe sees them.
    fits: list[FrameFit]  # Of the frames that were looked at.
    error: float  # Mean distance of landmarks and model in those frames, in eye distances.


def enrolled(
    head: Head, landmarks: Float[Array, "frames landmark=478 2"], *, wanted: Float[Array, "frames fitted"], lens: Lens,
    bias: Float[Array, "landmark=478 3"], belief: float = BELIEF_IN_REST,
) -> Enrolled:  # fmt: skip
    """Solve the identity that all frames share, turn by turn with their poses and controls.

    The landmarks are of frames near rest, which are thought to have the controls `wanted`, and that much `belief` is
    put in it; `bias` is where landmarks lie beside the model's on everybody.
    """
    points = head.landmark478_points
    assert points is not None
    shape = np.ascontiguousarray(at_landmarks(points, head.shape_basis[:NUM_BETAS]).transpose(1, 2, 0))
    betas = np.zeros(NUM_SHAPE, np.float32)
    person = landmark_head(head, offset=bias)
    fits = [rigid_fit(person, seen, lens=lens) for seen in landmarks]
    wishes = [Wanted(row, np.full(len(row), belief)) for row in wanted]
    error = 0.0
    for _ in range(ROUNDS):
        fits = [
            solve_frame(person, seen, lens=lens, start=fit, wanted=wish, trust=CAREFUL)
            for seen, fit, wish in zip(landmarks, fits, wishes, strict=True)
        ]
        matrix, right, error = np.eye(NUM_BETAS), np.zeros(NUM_BETAS), 0.0
        for seen, fit in zip(landmarks, fits, strict=True):
            rows, residual, distance = _identity_rows(person, seen, shape, fit=fit, lens=lens)
            rows /= np.sqrt(len(landmarks) / 2.0)
            residual = residual / np.sqrt(len(landmarks) / 2.0) + rows @ betas[:NUM_BETAS]
            matrix += rows.T @ rows
            right += rows.T @ residual
            error += distance / len(landmarks)
        betas[:NUM_BETAS] = np.clip(np.linalg.solve(matrix, right), -MOST, MOST)
        person = landmark_head(head, betas=betas, offset=bias)
    own = OFFSET_SHARE * offset_of(person, landmarks, fits, lens=lens)
    return Enrolled(betas, landmark_head(head, betas=betas, offset=bias + own), fits, error)


def _identity_rows(
    person: LandmarkHead, landmarks: Float[Array, "landmark=478 2"], shape: Float[Array, "landmark=478 3 beta"], *,
    fit: FrameFit, lens: Lens,
) -> tuple[Float[Array, "row beta"], Float[Array, " row"], float]:  # fmt: skip
    """What one frame says of the betas once the pose may move freely, and its mean distance in eye distances."""
    body, points = in_camera(person, fit)
    slopes = lens.slopes(points)
    weight = point_weight(landmarks, CAREFUL.sigma)
    residual = landmarks - lens.project(points)
    distance = np.linalg.norm(residual[:NUM_SKIN], axis=1).mean() / float(eye_distance(landmarks))
    pose = (pose_slopes(slopes, points, fit) * weight[:, None, None]).reshape(-1, 6)
    rows = (((slopes @ fit.rotation @ body.skin) @ shape) * weight[:, None, None]).reshape(-1, shape.shape[2])
    values = (residual * weight[:, None]).ravel()
    free, _ = np.linalg.qr(pose)
    return rows - free @ (free.T @ rows), values - free @ (free.T @ values), float(distance)
