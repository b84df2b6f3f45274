"""The head that a motion is shown on, and its joints frame by frame."""

from collections.abc import Callable, Iterator

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.motion import MotionSource
from face_emote.core.names import JOINT_PARENTS
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.skinning import joint_rotations, skin_transforms

Progress = Callable[[float, float, str], None]
"""progress(done, total, what): frames written, frames in all, what is going on."""


def person_of(motion: MotionSource, head: Head) -> Head:
    """The head with the motion's identity. Raises HeadError when the motion was made for another face model."""
    if motion.info.basis != head.basis:
        raise HeadError(
            f"The motion belongs to face model '{motion.info.basis}', this head is '{head.basis}'; "
            "give the head that it was made with"
        )
    return head if head.betas is not None or not np.any(motion.betas) else head.with_identity(motion.betas)


def posed_blocks(motion: MotionSource, person: Head) -> Iterator[tuple[FaceMotion, Float[Array, "frames vertex 3"]]]:
    """Every block of frames with its vertices in metres."""
    for block in motion.blocks(64):
        vertices = person.pose_vertices(
            expression=block.expression,
            jaw_pose=block.jaw_pose,
            neck_pose=block.neck_pose,
            eye_pose=block.eye_pose,
            global_pose=block.global_pose,
            translation=block.translation,
        )
        yield block, vertices


def rotations_of(block: FaceMotion) -> Float[Array, "frames joint=5 3 3"]:
    """Rotation of each joint relative to its parent."""
    return joint_rotations(
        global_pose=block.global_pose, neck_pose=block.neck_pose, jaw_pose=block.jaw_pose, eye_pose=block.eye_pose
    )


class JointMotion:
    """World transforms of a person's joints; FLAME's joints also move a little with the expression."""

    def __init__(self, person: Head) -> None:
        self._rest = person.joints()
        regressor = person.joint_regressor.astype(np.float64)
        self._per_expression = np.einsum("jv,evk->ejk", regressor, person.expression_basis, optimize=True)

    def transforms(
        self, block: FaceMotion, rotations: Float[Array, "frames joint=5 3 3"]
    ) -> Float[Array, "frames joint=5 3 4"]:
        """Of each joint relative to its rest position (rotation | offset), without the motion's translation."""
        joints = self._rest + np.tensordot(block.expression.astype(np.float64), self._per_expression, axes=1)
        return skin_transforms(rotations, joints)


def local_places(
    transforms: Float[Array, "frames joint=5 3 4"], rest: Float[Array, "joint=5 3"]
) -> Float[Array, "frames joint=5 3"]:
    """Translation of each joint's node relative to its parent's, so that node @ inverse bind is `transforms`."""
    turn, offset = transforms[..., :3], transforms[..., 3]
    place = offset + np.einsum("fjrc,jc->fjr", turn, rest)
    local = place.copy()
    for joint, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            local[:, joint] = np.einsum("frc,fr->fc", turn[:, parent], place[:, joint] - place[:, parent])
    return local
