"""Inside the mouth with gradients: the opening between the lips, and the light that comes through it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.look.formula.light import sky_share
from face_emote.look.formula.materials import MOUTH
from face_emote_lab.differentiable.columns import columns, compiled_rows
from face_emote_lab.differentiable.light import Lights, dot, unit


@dataclass(frozen=True, slots=True)
class TorchMouth:
    """`look.teeth.MouthPoints` as tensors, and which drawn points are inside."""

    corners: Int[Tensor, " side=2"]
    upper: Int[Tensor, " near"]
    lower: Int[Tensor, " near_too"]
    front: Int[Tensor, " incisor"]
    back: Int[Tensor, " molar"]
    inner: Int[Tensor, " inner"]  # Points inside the mouth: its lining first.
    num_lining: int


def opening_numbers(
    vertices: Float[Tensor, "vertex 3"], mouth: TorchMouth, *, lights: Lights
) -> Float[Tensor, " number=19"]:
    """`look.teeth.mouth_opening` of one frame with gradients: the numbers of `look.formula.records.Opening`."""

    def mean(index: Tensor) -> Tensor:
        return vertices.index_select(0, index).mean(dim=0)

    one, other = vertices.index_select(0, mouth.corners).unbind(0)
    above, below = mean(mouth.upper), mean(mouth.lower)
    forward = mean(mouth.front) - mean(mouth.back)
    across = other - one
    width = torch.sqrt(dot(across, across) + 1e-18)
    right = across / width
    forward = unit(forward - dot(forward, right) * right)
    up = torch.linalg.cross(forward, right)
    middle, between = 0.5 * (above + below), 0.5 * (one + other)
    height = (0.5 * dot(above - below, up)).clamp(min=0.0)
    sag, lift = dot(middle - between, forward), dot(between - middle, up)
    front = sky_share(lights.sky_directions @ forward) @ lights.sky_colours
    return torch.cat([middle, right, up, forward, 0.5 * width, height, sag, lift, front])


def light_mouth(
    points: Float[Tensor, "batch point 3"], normals: Float[Tensor, "batch point 3"],
    sky: Float[Tensor, "batch point 7"], /, *, vertices: Float[Tensor, "batch vertex 3"], mouth: TorchMouth,
    lights: Lights, compiled: bool,
) -> Float[Tensor, "batch point 7"]:  # fmt: skip
    """`sky` with the light inside the mouth replaced by what comes through the lips and from the mouth's walls."""
    lining = (torch.arange(len(mouth.inner), device=sky.device) < mouth.num_lining).to(sky.dtype)[:, None]
    run, lamps = compiled_rows if compiled else columns, lights.lamps()
    inside = []
    for one, facing, before, frame in zip(points, normals, sky, vertices, strict=True):
        rows = torch.cat([*(each.index_select(0, mouth.inner) for each in (one, facing, before)), lining], dim=1)
        inside.append(run(MOUTH, rows, torch.cat([opening_numbers(frame, mouth, lights=lights), lamps])))
    return sky.index_copy(1, mouth.inner, torch.stack(inside))
