"""A motion as the 61 curves of an ARKit face: 52 weights and nine angles.

Our controls are ARKit's 52 and some more. What is more goes to the ARKit shapes that come nearest: left halves of
unsided shapes count half, and every other extra shape becomes the non-negative mix of ARKit shapes that moves the
vertices most alike. A lip seal, being no shape, closes as much of the open jaw as mouthClose may.
"""

from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52, ARKIT_ORDER, CONTROLS, EXTRA_CONTROLS, FACE_ANGLES
from face_emote.core.rotations import rotation_matrix, yaw_pitch_roll
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import ControlPose, controls_from_pose
from face_emote.formats.mesh.person import person_of
from face_emote.rigs.nonnegative import nearest_mixes

CURVES = (*ARKIT_ORDER, *FACE_ANGLES)
"""Names of the 61 curves in the order in which `ArkitCurves.of` returns them."""
DECIMALS = 6
"""Of every number in a file: 0.0001 % of a weight, 0.00006 degrees."""
_COLUMNS = [CONTROLS.index(name) for name in ARKIT_ORDER]
_EXTRA_NAMES = (*EXTRA_CONTROLS, "lipsPart")
_EXTRAS = [CONTROLS.index(name) for name in _EXTRA_NAMES]


class ArkitCurves:
    """Curves of motions on one head."""

    def __init__(self, motion: MotionSource, head: Head) -> None:
        """Raises HeadError when the motion belongs to another model, or the model has no named controls."""
        person_of(motion, head)
        if not head.is_semantic:
            raise HeadError(
                "ARKit curves need a head whose shapes have names; this one came from a FLAME file, "
                "use .glb or a point cache"
            )
        self._control_joints = head.control_joints
        self._mixes = _mixes(head)

    def of(self, block: FaceMotion) -> Float[Array, "frames curve=61"]:
        """Weights 0..1, then radians (`rotations.yaw_pitch_roll`); the head's are of neck and global pose together."""
        pose = ControlPose(expression=block.expression, jaw_pose=block.jaw_pose, eye_pose=block.eye_pose)
        controls = controls_from_pose(pose, control_joints=self._control_joints).astype(np.float64)
        weights = controls[:, _COLUMNS] + controls[:, _EXTRAS] @ self._mixes
        jaw, close = ARKIT_ORDER.index("jawOpen"), ARKIT_ORDER.index("mouthClose")
        seal = np.clip(controls[:, CONTROLS.index("lipSeal")], 0.0, 1.0)
        weights[:, close] += seal * np.maximum(weights[:, jaw] - weights[:, close], 0.0)
        head = rotation_matrix(block.global_pose.astype(np.float64)) @ rotation_matrix(
            block.neck_pose.astype(np.float64)
        )
        eyes = rotation_matrix(block.eye_pose.astype(np.float64))
        turns = [yaw_pitch_roll(head), yaw_pitch_roll(eyes[:, 0]), yaw_pitch_roll(eyes[:, 1])]
        curves = np.concatenate([np.clip(weights, 0.0, 1.0), *turns], axis=1)
        return np.round(curves, DECIMALS) + 0.0  # No "-0.000000".


@lru_cache(maxsize=2)
def _mixes(head: Head) -> Float[Array, "extra arkit=52"]:
    """Weights of the ARKit shapes that stand in for each extra control."""
    basis = head.expression_basis.reshape(len(CONTROLS), -1)
    mixes = nearest_mixes(basis[_EXTRAS], basis[_COLUMNS])
    for row, name in enumerate(_EXTRA_NAMES):
        whole = name.removesuffix("Left")
        if whole != name and whole in ARKIT_52:
            mixes[row] = 0.0
            mixes[row, ARKIT_ORDER.index(whole)] = 0.5
    return mixes
