"""Animator's controls (ARKit names, 0..1) to the head's coefficients and joint rotations, and back."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, JOINTS, NUM_EXPRESSION
from face_emote.face.layout import ControlJoint
from face_emote.face.muscles import COLUMNS, contraction

JAW_OPEN = CONTROLS.index("jawOpen")
MOUTH_CLOSE = CONTROLS.index("mouthClose")
_JAW, _EYE_LEFT = JOINTS.index("jaw"), JOINTS.index("eye_left")


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
    expression[:, COLUMNS] = contraction(expression)
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
