"""`motion.lip_solve` and the posing of a mouth in torch: training sees controls and vertices through the aims.

The same formulas as in numpy, over all frames of a batch at once. Slopes of all postures and measures are one matrix
product; a mouth's vertices are another one and a rotation about the jaw. What the head does beyond that by contact
(`lipSeal`) has no useful gradient and is left out: the solve closes the lips to within a millimetre by itself.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import CONTROLS, JOINTS
from face_emote.face.head import Head
from face_emote.motion.mouth.lip_rig import (
    BITE,
    JAW_OPEN,
    NAMES,
    NUM_GAPS,
    POSTURES,
    WIDTH,
    lip_edges,
    lip_rig,
    posture_controls,
)
from face_emote.motion.mouth.lip_solve import (
    CLOSURE_SHAPE,
    LIP_SEAL,
    MAX_LIFT,
    MAX_NARROW,
    MAX_PART,
    MAX_SPREAD,
    PRESSED,
    SEAL_FROM,
    SOFT,
    TONGUE_OUT,
    TUCK_BITE,
    TUCK_SHAPE,
)

AIMS = ("gap", "width", "jaw", "rounding", "flare", "tongue", "closure", "tuck")
"""The fields of `MouthTarget`; the first eight of `config.LIP_CHANNELS`."""
NUM_VERTICES = 150
_MOVES_METRES = 0.0015
"""A vertex belongs to the mouth when some posture, or the jaw, moves it this far."""
_JAW_PROBE = 0.12
"""jawOpen for that question: a usual opening in speech."""
_P = {name: i for i, name in enumerate(NAMES)}
_SHAPES = ("rounding", "flare", "spread", "narrow")


@dataclass(frozen=True, slots=True, eq=False)
class TorchMouth:
    """One head's mouth as tensors; made by `torch_mouth`, moved by `to`."""

    response: Float[Tensor, "term=3 posture_measure"]
    """`LipRig.response`, flattened."""
    jaw_angle: Tensor
    rest_width: Tensor
    postures: Float[Tensor, "posture control=100"]
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

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> "TorchMouth":
        """The same mouth elsewhere, or in another precision (indices stay integers)."""
        moved = {}
        for item in fields(self):
            value = getattr(self, item.name)
            moved[item.name] = value.to(device=device, dtype=dtype if value.is_floating_point() else None)
        return TorchMouth(**moved)

    def controls(self, aims: Float[Tensor, "batch frames 8"]) -> Float[Tensor, "batch frames 100"]:
        """Controls 0..1 of the aims in natural units, as `motion.lip_solve.lip_controls` at the default style."""
        flat = aims.reshape(-1, len(AIMS))
        return _controls(self, flat).reshape(*aims.shape[:-1], len(CONTROLS))

    def vertices(self, aims: Float[Tensor, "batch frames 8"]) -> Float[Tensor, "batch frames vertex 3"]:
        """Metres, in the head's own frame (neck and head at rest), before lips are sealed by contact."""
        posed = _posed(self, _controls(self, aims.reshape(-1, len(AIMS))))
        return posed.reshape(*aims.shape[:-1], *posed.shape[1:])


def torch_mouth(head: Head, *, num_vertices: int = NUM_VERTICES) -> TorchMouth:
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
    return TorchMouth(
        response=_tensor(np.moveaxis(rig.response, 1, 0).reshape(3, -1)),
        jaw_angle=_tensor(np.array(rig.jaw_angle)),
        rest_width=_tensor(np.array(rig.rest_width)),
        postures=_tensor(postures),
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
    turns[-1, 0] = _JAW_PROBE * lip_rig_angle(head)
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


def lip_rig_angle(head: Head) -> float:
    """Radians of the jaw at jawOpen = 1."""
    return float(next(item.angle for item in head.control_joints if item.control == "jawOpen"))


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


def _controls(mouth: TorchMouth, aims: Float[Tensor, "rows 8"]) -> Float[Tensor, "rows 100"]:
    gap, width, jaw_aim, rounding, flare, tongue, closure, tuck = aims.unbind(-1)
    jaw = jaw_aim.clamp(0.0, 1.0)
    angle = mouth.jaw_angle * jaw
    terms = torch.stack([torch.ones_like(jaw), torch.sin(angle), 1.0 - torch.cos(angle)], dim=-1)
    slopes = (terms @ mouth.response).reshape(len(aims), len(NAMES), -1)
    open_mouth = _open_mouth(slopes, jaw=jaw, gap=gap, width=width + mouth.rest_width, rounding=rounding, flare=flare)
    amounts = _mixed(open_mouth, _tucked(open_mouth, slopes, jaw=jaw), share=tuck)
    amounts = _mixed(amounts, _closed(amounts, slopes, jaw=jaw), share=closure)
    out = torch.stack([amounts[name] for name in NAMES[1:]], dim=-1) @ mouth.postures[1:]
    seal = ((closure - SEAL_FROM) / (1.0 - SEAL_FROM)).clamp(0.0, 1.0)
    own = {JAW_OPEN: jaw, TONGUE_OUT: tongue.clamp(0.0, 1.0) * (1.0 - closure), LIP_SEAL: seal * seal * (3 - 2 * seal)}
    index = torch.tensor(list(own), device=out.device)
    return out.index_copy(1, index, torch.stack(list(own.values()), dim=-1)).clamp(0.0, 1.0)


Amounts = dict[str, Tensor]


def _open_mouth(slopes: Tensor, *, jaw: Tensor, gap: Tensor, width: Tensor, rounding: Tensor, flare: Tensor) -> Amounts:
    amounts: Amounts = {"rounding": rounding.clamp(0.0, 1.0), "flare": flare.clamp(0.0, 1.0)}
    wider, narrower = _split(width - _measure(slopes, amounts, measure=WIDTH))
    amounts["spread"] = _soft_limit(wider / slopes[:, _P["spread"], WIDTH], MAX_SPREAD)
    amounts["narrow"] = _soft_limit(-narrower / slopes[:, _P["narrow"], WIDTH], MAX_NARROW)
    opening, closing = _split(gap - _measure(slopes, amounts, measure=0))
    amounts["part"] = _soft_limit(opening / slopes[:, _P["part"], 0], MAX_PART)
    amounts["close"] = torch.minimum(-closing / slopes[:, _P["close"], 0], jaw)
    return _filled(amounts, like=jaw)


def _tucked(amounts: Amounts, slopes: Tensor, *, jaw: Tensor) -> Amounts:
    out = {name: TUCK_SHAPE * amounts[name] for name in _SHAPES}
    out["tuck"] = torch.ones_like(jaw)
    below = TUCK_BITE - _measure(slopes, out, measure=BITE)
    close = slopes[:, _P["close"], BITE]
    out["close"] = torch.minimum((below / close).clamp_min(0.0), jaw)
    below = below - out["close"] * close
    out["lift"] = (below / slopes[:, _P["lift"], BITE]).clamp(0.0, MAX_LIFT)
    return _filled(out, like=jaw)


def _closed(amounts: Amounts, slopes: Tensor, *, jaw: Tensor) -> Amounts:
    out = {name: CLOSURE_SHAPE * amounts[name] for name in _SHAPES}
    out["press"] = torch.ones_like(jaw)
    open_by = slopes[:, 0, :NUM_GAPS] + PRESSED
    for name, amount in out.items():
        open_by = open_by + amount[:, None] * slopes[:, _P[name], :NUM_GAPS]
    widest = (-open_by / slopes[:, _P["close"], :NUM_GAPS]).amax(dim=-1).clamp_min(0.0)
    out["close"] = torch.minimum(widest, jaw)
    return _filled(out, like=jaw)


def _measure(slopes: Tensor, amounts: Amounts, *, measure: int) -> Tensor:
    total = slopes[:, 0, measure]
    for name, amount in amounts.items():
        total = total + amount * slopes[:, _P[name], measure]
    return total


def _filled(amounts: Amounts, *, like: Tensor) -> Amounts:
    none = torch.zeros_like(like)
    return {name: amounts.get(name, none) for name in NAMES[1:]}


def _mixed(amounts: Amounts, other: Amounts, *, share: Tensor) -> Amounts:
    return {name: torch.lerp(amounts[name], other[name], share) for name in amounts}


def _split(value: Tensor) -> tuple[Tensor, Tensor]:
    size = torch.sqrt(value * value + SOFT * SOFT)
    return 0.5 * (size + value), 0.5 * (size - value)


def _soft_limit(value: Tensor, limit: float) -> Tensor:
    return limit * torch.tanh(value / limit)


def _posed(mouth: TorchMouth, controls: Float[Tensor, "rows 100"]) -> Float[Tensor, "rows vertex 3"]:
    """FLAME's vertex function with the jaw as the only joint that turns, and about +X alone."""
    coefficients = controls[:, mouth.used]
    close = (mouth.used == CONTROLS.index("mouthClose")).to(controls.dtype)
    # `face.rig` limits mouthClose to jawOpen.
    limited = torch.minimum(coefficients, controls[:, JAW_OPEN, None])
    coefficients = coefficients + close * (limited - coefficients)
    angle = mouth.jaw_angle * controls[:, JAW_OPEN]
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


assert set(_SHAPES) <= set(POSTURES)
