"""Animator's controls (ARKit names, 0..1) to the head's coefficients and joint rotations, and back."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, JOINTS, MUSCLES, NUM_EXPRESSION
from face_emote.face.layout import ControlJoint

JAW_OPEN = CONTROLS.index("jawOpen")
MOUTH_CLOSE = CONTROLS.index("mouthClose")
PUPIL = CONTROLS.index("pupilDilate")
_JAW, _EYE_LEFT = JOINTS.index("jaw"), JOINTS.index("eye_left")


_DRIVES = {
    "muscleMasseter": {"mouthPress": 0.5, "jawForward": 0.4, "browDown": 0.3, "jawOpen": -2.0},
    "muscleFrontalis": {"browOuterUp": 0.5, "browInnerUp": 0.4, "innerBrowRaise": 0.2, "browDown": -0.5},
    "muscleCorrugator": {"browDown": 0.85, "innerBrowRaise": 0.3, "browOuterUp": -0.4},
    "muscleZygomaticus": {"mouthSmile": 0.8, "cheekSquint": 0.3},
    "muscleMentalis": {"mouthShrugLower": 0.9, "mouthPress": 0.15, "mouthFrown": 0.15},
    "musclePlatysma": {"neckPlatysma": 0.8, "mouthStretch": 0.35, "mouthFrown": 0.1},
}
"""What contracts each muscle under the skin: a sum of controls of the same side, held to 0..1. A muscle thickens where
its fibres shorten, which the authored shapes leave out; `tools/build_head/anatomy.py` says where and how much. Wrinkles
are measured on the moved mesh, so they follow the muscles too. Clenching needs a closed jaw."""
MUSCLE_COLUMNS = np.array([CONTROLS.index(name) for name in MUSCLES])


def _sides() -> Float[Array, "control=100 muscle"]:
    out = np.zeros((len(CONTROLS), len(MUSCLES)), np.float32)
    for column, muscle in enumerate(MUSCLES):
        side = next(side for side in ("Left", "Right") if muscle.endswith(side))
        for control, weight in _DRIVES[muscle.removesuffix(side)].items():
            name = control if control in CONTROLS else control + side
            out[CONTROLS.index(name), column] = weight
    return out


MUSCLE_DRIVE = _sides()  # Contraction before it is held to 0..1, per unit of each control.


def contraction(controls: Float[Array, "frames control=100"]) -> Float[Array, "frames muscle"]:
    """How far each muscle is contracted, 0..1."""
    out: Array = np.clip(controls @ MUSCLE_DRIVE, 0.0, 1.0)
    return out


@dataclass(frozen=True, slots=True)
class ControlPose:
    """What `Head.pose_vertices` takes. Radians; rotations in axis-angle."""

    expression: Float[Array, f"frames expr={NUM_EXPRESSION}"]
    jaw_pose: Float[Array, "frames 3"]
    eye_pose: Float[Array, "frames eye=2 3"]


def pose_from_controls(
    controls: Float[Array, f"frames control={NUM_EXPRESSION}"], *, control_joints: tuple[ControlJoint, ...]
) -> ControlPose:
    """Controls in the order of `names.CONTROLS` to a pose.

    jawOpen, jawLeft/Right and eyeLook turn joints (`Head.control_joints`) and leave the expression; two controls of one
    axis add up. mouthClose is limited to jawOpen: it lifts the lower lip by as much as the jaw may drop it. Muscles
    follow the controls, whatever their own columns hold.
    """
    expression = np.asarray(controls, np.float32).copy()
    expression[:, MOUTH_CLOSE] = np.minimum(expression[:, MOUTH_CLOSE], np.maximum(expression[:, JAW_OPEN], 0.0))
    expression[:, MUSCLE_COLUMNS] = contraction(expression)
    turns = np.zeros((len(expression), len(JOINTS), 3), np.float32)
    for item in control_joints:
        column = CONTROLS.index(item.control)
        turns[:, item.joint, item.axis] += np.float32(item.angle) * expression[:, column]
        expression[:, column] = 0.0
    return ControlPose(
        expression=expression, jaw_pose=turns[:, _JAW], eye_pose=turns[:, _EYE_LEFT : _EYE_LEFT + 2].copy()
    )


def controls_from_pose(
    pose: ControlPose, *, control_joints: tuple[ControlJoint, ...]
) -> Float[Array, f"frames control={NUM_EXPRESSION}"]:
    """Inverse of `pose_from_controls` for exporters: rotations become jawOpen, jawLeft, eyeLook.. (all >= 0).

    Opposite controls (left against right) are given their net amount. Rotation about axes that no control has is lost.
    """
    controls = pose.expression.astype(np.float32).copy()
    joints = {_JAW: pose.jaw_pose, _EYE_LEFT: pose.eye_pose[:, 0], _EYE_LEFT + 1: pose.eye_pose[:, 1]}
    for item in control_joints:
        amount = joints[item.joint][:, item.axis] / item.angle
        controls[:, CONTROLS.index(item.control)] = np.maximum(amount, 0.0)
    return controls
