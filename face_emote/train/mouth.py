"""A head's mouth in torch: training sees controls and vertices through the aims.

Controls are those of `motion.mouth.lip_solve`; vertices are a matrix product and a rotation about the jaw. What the
head does beyond that by contact (`lipSeal`) has no useful gradient and is left out: the solve closes the lips to within
a millimetre by itself.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import CONTROLS, JOINTS
from face_emote.core.types import PerformanceStyle
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_rig import JAW_OPEN, NAMES, LipRig, lip_edges, lip_rig, posture_controls
from face_emote.motion.mouth.lip_solve import TONGUE_OUT, MouthTarget, lip_controls

AIMS = tuple(item.name for item in fields(MouthTarget))
"""The first eight of `config.LIP_CHANNELS`."""
NUM_VERTICES = 150
_MOVES_METRES = 0.0015
"""A vertex belongs to the mouth when some posture, or the jaw, moves it this far."""
_JAW_PROBE = 0.12
"""jawOpen for that question: a usual opening in speech."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthMesh:
    """One head's mouth as tensors; made by `mouth_mesh`, moved by `to`."""

    rig: LipRig
    used: Int[Tensor, " used"]
    """Controls that move these vertices."""
    template: Float[Tensor, "3 vertex"]
    basis: Float[Tensor, "used coordinate"]
    correctives: Float[Tensor, "2 coordinate"]
    """Per sin of the jaw's angle, and per 1 - cos."""
    jaw_weight: Float[Tensor, " vertex"]
    joint: Float[Tensor, " 3"]
    joint_basis: Float[Tensor, "used 3"]
    vertex_index: Int[Tensor, " vertex"]
    """Into the vertices of the head."""

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> "MouthMesh":
        """The same mouth elsewhere, or in another precision (indices stay integers)."""

        def moved(value: Tensor) -> Tensor:
            return value.to(device=device, dtype=dtype if value.is_floating_point() else None)

        tensors = {item.name: moved(getattr(self, item.name)) for item in fields(self) if item.name != "rig"}
        return MouthMesh(rig=replace(self.rig, response=moved(self.rig.response)), **tensors)

    def controls(self, aims: Float[Tensor, "batch frames 8"]) -> Float[Tensor, "batch frames 100"]:
        """Controls 0..1 of the aims in natural units, at the default style."""
        target = MouthTarget(*aims.unbind(-1))
        controls: Tensor = lip_controls(self.rig, target, style=PerformanceStyle(), xp=torch)
        return controls

    def vertices(self, aims: Float[Tensor, "batch frames 8"]) -> Float[Tensor, "batch frames vertex 3"]:
        """Metres, in the head's own frame (neck and head at rest), before lips are sealed by contact."""
        posed = _posed(self, self.controls(aims).flatten(0, -2))
        return posed.reshape(*aims.shape[:-1], *posed.shape[1:])


def mouth_mesh(head: Head, *, num_vertices: int = NUM_VERTICES) -> MouthMesh:
    """Measure a head (float32, on the CPU).

    Raises:
        HeadError: the head is an imported one, whose controls have no names.
    """
    rig = lip_rig(head)
    index = mouth_vertices(head, num_vertices=num_vertices)
    postures = np.stack([posture_controls(name) for name in NAMES])
    moved_by_joints = {CONTROLS.index(item.control) for item in head.control_joints}
    used = [int(i) for i in np.flatnonzero(postures.any(axis=0)) if i not in moved_by_joints]
    used.append(TONGUE_OUT)
    jaw = JOINTS.index("jaw")
    correctives = head.pose_correctives[9 * (jaw - 1) : 9 * jaw, index].astype(np.float64)
    # R - I of a turn about +X: -(1 - cos) at (1, 1) and (2, 2), -sin at (1, 2), sin at (2, 1).
    per_sine, per_versine = correctives[7] - correctives[5], -(correctives[4] + correctives[8])
    basis = head.expression_basis[used][:, index]
    joint_basis = np.einsum("cvx,v->cx", head.expression_basis[used], head.joint_regressor[jaw])
    return MouthMesh(
        rig=replace(rig, response=_tensor(rig.response)),
        used=torch.tensor(used),
        template=_tensor(head.template[index].T),
        basis=_tensor(basis.transpose(0, 2, 1).reshape(len(used), -1)),
        correctives=_tensor(np.stack([per_sine.T.reshape(-1), per_versine.T.reshape(-1)])),
        jaw_weight=_tensor(head.skin_weights[index, jaw]),
        joint=_tensor(head.joints()[jaw]),
        joint_basis=_tensor(joint_basis),
        vertex_index=torch.tensor(index),
    )


def mouth_vertices(head: Head, *, num_vertices: int = NUM_VERTICES) -> Int[Array, " vertex"]:
    """Vertices that stand for the mouth: the edges of the lips, then skin that speech moves, evenly spread.

    Raises:
        HeadError: the head is an imported one, on which no lips are known.
    """
    edges = lip_edges(head)
    rig_controls = np.stack([posture_controls(name) for name in NAMES])
    poses = np.concatenate([rig_controls, np.zeros((1, len(CONTROLS)))]).astype(np.float32)
    turns = np.zeros((len(poses), 3))
    turns[-1, 0] = _JAW_PROBE * next(item.angle for item in head.control_joints if item.control == "jawOpen")
    assert head.layout is not None
    skin = head.layout.vertices_of("head")
    moved = head.restricted_to(skin).pose_vertices(expression=poses, jaw_pose=turns)
    reach = np.linalg.norm(moved - moved[0], axis=2).max(axis=0)
    outside = head.layout.mask_inside_mouth[skin] < 0.5
    # The jaw's rotation moves the throat too; only the front belongs to the mouth.
    front = head.template[skin, 2] > np.quantile(head.template[edges.upper, 2], 0.0) - 0.02
    candidates = skin[(reach > _MOVES_METRES) & outside & front]
    lips = list(dict.fromkeys([*edges.upper.tolist(), *edges.lower.tolist()]))[:num_vertices]
    return np.array(_spread(head.template, chosen=lips, candidates=candidates, count=num_vertices))


def _spread(points: Array, *, chosen: list[int], candidates: Array, count: int) -> list[int]:
    """Farthest point sampling: each next one is the candidate farthest from all so far."""
    chosen = list(chosen)
    far = np.full(len(candidates), np.inf)
    for vertex in chosen:
        far = np.minimum(far, np.linalg.norm(points[candidates] - points[vertex], axis=1))
    while len(chosen) < count and far.max() > 0.0:
        vertex = int(candidates[int(far.argmax())])
        chosen.append(vertex)
        far = np.minimum(far, np.linalg.norm(points[candidates] - points[vertex], axis=1))
    return chosen


def _posed(mouth: MouthMesh, controls: Float[Tensor, "rows 100"]) -> Float[Tensor, "rows vertex 3"]:
    """FLAME's vertex function with the jaw as the only joint that turns, and about +X alone."""
    coefficients = controls[:, mouth.used]
    close = (mouth.used == CONTROLS.index("mouthClose")).to(controls.dtype)
    # `face.rig` limits mouthClose to jawOpen.
    limited = torch.minimum(coefficients, controls[:, JAW_OPEN, None])
    coefficients = coefficients + close * (limited - coefficients)
    angle = mouth.rig.jaw_angle * controls[:, JAW_OPEN]
    sine, versine = torch.sin(angle), 1.0 - torch.cos(angle)
    drives = torch.cat([coefficients, sine[:, None], versine[:, None]], dim=1)
    shaped = torch.addmm(mouth.template.reshape(-1), drives, torch.cat([mouth.basis, mouth.correctives]))
    x, y, z = shaped.reshape(len(controls), 3, -1).unbind(1)
    joint = mouth.joint + coefficients @ mouth.joint_basis
    above, before = y - joint[:, 1, None], z - joint[:, 2, None]
    s, v = sine[:, None] * mouth.jaw_weight, versine[:, None] * mouth.jaw_weight
    return torch.stack([x, y - v * above - s * before, z + s * above - v * before], dim=-1)


def _tensor(values: Array) -> Tensor:
    return torch.tensor(np.asarray(values, order="C"), dtype=torch.float32)
