"""The head's vertices as a function with gradients: `Head.pose_vertices` from controls, without contact.

Lips that cross are not parted and lipSeal does nothing: contact has no useful gradient.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, JOINT_PARENTS, JOINTS
from face_emote.face.head import Head
from face_emote.face.layout import ControlJoint
from face_emote.face.rig import JAW_OPEN, MOUTH_CLOSE, MUSCLE_COLUMNS, MUSCLE_DRIVE


@dataclass(frozen=True, slots=True)
class TorchHead:
    """One person's head as tensors."""

    template: Float[Tensor, "vertex 3"]
    columns: Float[Tensor, "column coordinate"]  # Expression columns, then pose correctives; [vertex, 3] flattened.
    joints: Float[Tensor, "joint=5 3"]
    expression_joints: Float[Tensor, "control=100 joint=5 3"]
    skin_weights: Float[Tensor, "vertex joint=5"]
    control_joints: tuple[ControlJoint, ...]

    def vertices(self, controls: Float[Tensor, "batch control=100"]) -> Float[Tensor, "batch vertex 3"]:
        """Posed vertices, metres; a still head (neck and root do not turn)."""
        batch = len(controls)
        closed = torch.minimum(controls[:, MOUTH_CLOSE], controls[:, JAW_OPEN].clamp(min=0.0))
        moved = torch.ones(len(CONTROLS), dtype=controls.dtype, device=controls.device)
        moved[[CONTROLS.index(item.control) for item in self.control_joints]] = 0.0
        limited = torch.cat([controls[:, :MOUTH_CLOSE], closed[:, None], controls[:, MOUTH_CLOSE + 1 :]], dim=1)
        drive = torch.as_tensor(MUSCLE_DRIVE, dtype=controls.dtype, device=controls.device)
        expression = (limited * moved).index_copy(
            1, torch.as_tensor(MUSCLE_COLUMNS, device=controls.device), (limited @ drive).clamp(0.0, 1.0)
        )
        turns = controls.new_zeros(batch, len(JOINTS), 3)
        for item in self.control_joints:
            axis = controls.new_zeros(len(JOINTS), 3)
            axis[item.joint, item.axis] = item.angle
            turns = turns + controls[:, CONTROLS.index(item.control), None, None] * axis
        rotations = rotation_matrix(turns)
        bent = (rotations[:, 1:] - torch.eye(3, dtype=controls.dtype, device=controls.device)).reshape(batch, -1)
        shaped = self.template + (torch.cat([expression, bent], dim=1) @ self.columns).reshape(batch, -1, 3)
        transforms = self._transforms(rotations, self.joints + torch.tensordot(expression, self.expression_joints, 1))
        blended = torch.einsum("vj,bjkl->bvkl", self.skin_weights, transforms)
        return (blended[..., :3] @ shaped[..., None])[..., 0] + blended[..., 3]

    def _transforms(self, rotations: Tensor, joints: Tensor) -> Float[Tensor, "batch joint=5 3 4"]:
        """World transform of each joint relative to its rest position (rotation | offset)."""
        world: list[Tensor] = []
        place: list[Tensor] = []
        for joint, parent in enumerate(JOINT_PARENTS):
            if parent < 0:
                world.append(rotations[:, joint])
                place.append(joints[:, joint])
                continue
            world.append(world[parent] @ rotations[:, joint])
            arm = joints[:, joint] - joints[:, parent]
            place.append(place[parent] + (world[parent] @ arm[..., None])[..., 0])
        turn, at = torch.stack(world, 1), torch.stack(place, 1)
        offset = at - (turn @ joints[..., None])[..., 0]
        return torch.cat([turn, offset[..., None]], dim=-1)


def torch_head(person: Head, *, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu") -> TorchHead:
    """A person's head (`Head.with_identity`) as tensors."""

    def moved(values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device=device, dtype=dtype)

    columns = np.concatenate([person.expression_basis, person.pose_correctives])
    followed = np.einsum("jv,cvk->cjk", person.joint_regressor, person.expression_basis, optimize=True)
    return TorchHead(
        template=moved(person.template),
        columns=moved(columns.reshape(len(columns), -1)),
        joints=moved(person.joints()),
        expression_joints=moved(followed),
        skin_weights=moved(person.skin_weights),
        control_joints=person.control_joints,
    )


def rotation_matrix(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Rodrigues' formula as in `core.rotations`, exact at zero, where its gradient is finite too."""
    x, y, z = axis_angle.unbind(-1)
    square = x * x + y * y + z * z
    small = square < 1e-8
    safe = torch.where(small, 1.0, square)
    angle = safe.sqrt()
    a = torch.where(small, 1.0 - square / 6.0, torch.sin(angle) / angle)
    b = torch.where(small, 0.5 - square / 24.0, (1.0 - torch.cos(angle)) / safe)
    rows = [
        1.0 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y,
        b * x * y + a * z, 1.0 - b * (x * x + z * z), b * y * z - a * x,
        b * x * z - a * y, b * y * z + a * x, 1.0 - b * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, dim=-1).reshape(*axis_angle.shape[:-1], 3, 3)
