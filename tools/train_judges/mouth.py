"""A head's mouth in torch: training sees controls and vertices through the aims.

Controls are those of `motion.mouth.lip_solve`. What the head does by contact (`lipSeal`) has no useful gradient and is
left out: the solve closes the lips to within a millimetre by itself.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import CONTROLS
from face_emote.core.types import PerformanceStyle
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_rig import NAMES, LipRig, lip_edges, lip_rig, posture_controls
from face_emote.motion.mouth.lip_solve import MouthTarget, lip_controls
from face_emote_lab.differentiable.head import TorchHead, torch_head

AIMS = tuple(item.name for item in fields(MouthTarget))
"""The first eight of `config.LIP_CHANNELS`."""
NUM_VERTICES = 150
_MOVES_METRES = 0.0015
"""A vertex belongs to the mouth when some posture, or the jaw, moves it this far."""
_JAW_PROBE = 0.12
"""jawOpen for that question: a usual opening in speech."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthMesh:
    """One head's mouth as tensors; made by `mouth_mesh`."""

    rig: LipRig
    head: TorchHead
    """Of the mouth's vertices alone."""
    vertex_index: Int[Array, " vertex"]
    """Into the vertices of the whole head."""

    def controls(self, aims: Float[Tensor, "batch frames 8"]) -> Float[Tensor, "batch frames 100"]:
        """Controls 0..1 of the aims in natural units, at the default style."""
        target = MouthTarget(*aims.unbind(-1))
        controls: Tensor = lip_controls(self.rig, target, style=PerformanceStyle(), xp=torch)
        return controls

    def vertices(self, aims: Float[Tensor, "batch frames 8"]) -> Float[Tensor, "batch frames vertex 3"]:
        """Metres, in the head's own frame (neck and head at rest), before lips are sealed by contact."""
        posed = self.head.vertices(self.controls(aims).flatten(0, 1))
        return posed.reshape(*aims.shape[:2], -1, 3)


def mouth_mesh(head: Head, *, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu") -> MouthMesh:
    """Measure a head; raises HeadError when the head is an imported one, whose controls have no names."""
    rig, whole = lip_rig(head), torch_head(head, dtype=dtype, device=device)
    index = mouth_vertices(head)
    mouth = replace(
        whole,
        template=whole.template[index],
        columns=whole.columns.reshape(len(whole.columns), -1, 3)[:, index].flatten(1),
        skin_weights=whole.skin_weights[index],
    )
    response = torch.tensor(rig.response, dtype=dtype, device=device)
    return MouthMesh(rig=replace(rig, response=response), head=mouth, vertex_index=index)


def mouth_vertices(head: Head) -> Int[Array, " vertex"]:
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
    lips = list(dict.fromkeys([*edges.upper.tolist(), *edges.lower.tolist()]))[:NUM_VERTICES]
    return np.array(_spread(head.template, chosen=lips, candidates=candidates))


def _spread(points: Array, *, chosen: list[int], candidates: Array) -> list[int]:
    """Farthest point sampling: each next one is the candidate farthest from all so far."""
    chosen = list(chosen)
    far = np.full(len(candidates), np.inf)
    for vertex in chosen:
        far = np.minimum(far, np.linalg.norm(points[candidates] - points[vertex], axis=1))
    while len(chosen) < NUM_VERTICES and far.max() > 0.0:
        vertex = int(candidates[int(far.argmax())])
        chosen.append(vertex)
        far = np.minimum(far, np.linalg.norm(points[candidates] - points[vertex], axis=1))
    return chosen
