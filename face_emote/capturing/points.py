"""The landmarks of one person's head as a function of controls, with its derivatives."""

from dataclasses import dataclass

import numpy as np

from face_emote.capturing.face_mesh import NUM_SKIN
from face_emote.core.arrays import Array, Float
from face_emote.core.names import ARKIT_52, CONTROLS, NUM_EXPRESSION
from face_emote.core.rotations import rotation_matrix
from face_emote.face.head import Head
from face_emote.face.layout import SurfacePoints

UNSEEN = ("tongueOut", "cheekPuff")  # Units that landmarks do not show.
FITTED = tuple(
    name for name in ARKIT_52 if name not in UNSEEN and not name.startswith(("eyeLook", "jawO", "jawL", "jawR"))
)
"""Controls that move points in straight lines; jaw and eyes turn."""
FITTED_INDEX = np.array([CONTROLS.index(name) for name in FITTED])
NUM_TURNS = 6  # Angles about x and y, radians: of the jaw, the left eye, the right eye.
JAW_TURNS = 2  # How many of them are the jaw's; those of the eyes follow.
TURNING = (2, 3, 4)  # Jaw and eyes in `names.JOINTS`.
_STEP = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkHead:
    """One person's landmarks."""

    rest: Float[Array, "landmark=478 3"]
    blend: Float[Array, "landmark=478 3 fitted"]  # Metres at control 1.
    correctives: Float[Array, "joint=3 landmark=478 3 element=9"]  # Of jaw and eyes, per element of R - I.
    weights: Float[Array, "landmark=478 joint=5"]
    joints: Float[Array, "joint=5 3"]
    jaw_open: float  # Radians at jawOpen 1; mouthClose is at most as large as jawOpen.


def at_landmarks(
    points: SurfacePoints, basis: Float[Array, "column vertex 3"]
) -> Float[Array, "column landmark=478 3"]:
    """A basis of the mesh at the landmarks, float64."""
    used, corners = np.unique(points.corners, return_inverse=True)
    local = SurfacePoints(corners=corners.reshape(points.corners.shape), weights=points.weights)
    return local.of(np.asarray(basis[:, used], np.float64))


def landmark_head(
    head: Head, *, betas: Float[Array, " shape=300"] | None = None, offset: Float[Array, "landmark=478 3"] | None = None
) -> LandmarkHead:
    """The landmarks of a person (None: the average), moved by `offset`: where MediaPipe puts them."""
    points = head.landmark478_points
    assert points is not None
    person = head if betas is None else head.with_identity(np.asarray(betas, np.float32))
    rest = at_landmarks(points, person.template[None])[0]
    correctives = at_landmarks(points, person.pose_correctives[9:]).reshape(3, 9, -1, 3)
    return LandmarkHead(
        rest=rest if offset is None else rest + offset,
        blend=np.ascontiguousarray(
            at_landmarks(points, person.expression_basis[FITTED_INDEX]).transpose(1, 2, 0)
        ),
        correctives=np.ascontiguousarray(correctives.transpose(0, 2, 3, 1)),
        weights=np.einsum("pcj,pc->pj", person.skin_weights[points.corners], points.weights).astype(np.float64),
        joints=person.joints(),
        jaw_open=next(item.angle for item in head.control_joints if item.control == "jawOpen"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class PosedPoints:
    """Landmarks in the head's own axes, and how they move."""

    place: Float[Array, "landmark=478 3"]
    skin: Float[Array, "landmark=478 3 3"]  # What skinning does to a small shift of each point.
    by_turn: Float[Array, "landmark=478 3 turn=6"]


def posed(
    person: LandmarkHead, controls: Float[Array, " fitted"], turns: Float[Array, " turn=6"]
) -> PosedPoints:  # fmt: skip
    """Blend, then turn jaw and eyes (FLAME's vertex function without neck)."""
    angles = np.zeros((3, 3))
    angles[:, :2] = turns.reshape(3, 2)
    rotations = rotation_matrix(angles)
    changed = (rotations - np.eye(3)).reshape(3, 9)
    shaped = person.rest + person.blend @ controls + np.einsum("jpxe,je->px", person.correctives, changed)
    turning = person.weights[:, list(TURNING)]
    still = 1.0 - turning.sum(axis=1)
    skin = still[:, None, None] * np.eye(3) + np.einsum("pj,jab->pab", turning, rotations)
    pivots = person.joints[list(TURNING)]
    shifts = pivots - np.einsum("jab,jb->ja", rotations, pivots)
    place = np.einsum("pab,pb->pa", skin, shaped) + turning @ shifts
    by_turn = np.empty((len(shaped), 3, NUM_TURNS))
    for k in range(NUM_TURNS):
        joint, nudged = k // 2, angles[k // 2].copy()
        nudged[k % 2] += _STEP
        slope = (rotation_matrix(nudged) - rotations[joint]) / _STEP
        corrected = person.correctives[joint] @ slope.reshape(9)
        turned = turning[:, joint, None] * ((shaped - pivots[joint]) @ slope.T)
        by_turn[:, :, k] = turned + np.einsum("pab,pb->pa", skin, corrected)
    return PosedPoints(place=place, skin=skin, by_turn=by_turn)


def controls_of(
    head: Head, fitted: Float[Array, "frames fitted"], turns: Float[Array, "frames turn=6"]
) -> Float[Array, f"frames control={NUM_EXPRESSION}"]:
    """All controls, jaw and eyes among them, from what was fitted."""
    controls = np.zeros((len(fitted), NUM_EXPRESSION), np.float32)
    controls[:, FITTED_INDEX] = fitted
    for item in head.control_joints:
        if item.joint in TURNING:
            amount = turns[:, 2 * TURNING.index(item.joint) + item.axis] / item.angle
            controls[:, CONTROLS.index(item.control)] = np.maximum(amount, 0.0)
    return controls


SKIN_ONLY = np.r_[np.ones(NUM_SKIN), np.zeros(10)]  # 1 for the skin's landmarks, 0 for those of the irises.
