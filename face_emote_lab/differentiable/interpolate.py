"""Values at fragments from values at points, with gradients to both the values and the points' places on the screen.

The z-buffer says which triangle is seen; where in it a fragment lies is computed here once more, now as a function of
the triangle's corners. Perspective-correct: screen weights times 1 / depth, made to sum to 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.rendering.stage.gathering import BARY_HIGH, BARY_LOW
from face_emote_lab.differentiable.texture import mip_level, sample


@dataclass(frozen=True, slots=True)
class Places:
    """Where some fragments of one material are."""

    triangle: Int[Tensor, " fragment"]
    corner: Int[Tensor, "fragment 3"]  # In the flat [batch * point].
    place: Float[Tensor, "fragment 2"]  # On the grid that screen places are given in.


@dataclass(frozen=True, slots=True)
class SkinMaps:
    """What `skin_rows` reads of the stage."""

    uv: Float[Tensor, "triangle 3 2"]
    texels: Float[Tensor, "texel channel"]  # As `texture.mip_chain` makes them.
    side: int  # Of the largest level.


def weights(
    places: Places, screen: Float[Tensor, "point 4"]
) -> tuple[Float[Tensor, "fragment 3"], Float[Tensor, " fragment"]]:
    """Perspective-correct barycentric weights, and square samples of the triangles' parallelograms (no gradient)."""
    at = screen.index_select(0, places.corner.reshape(-1)).reshape(-1, 3, 4)
    px, py = places.place.unbind(1)
    (x0, x1, x2), (y0, y1, y2) = at[..., 0].unbind(-1), at[..., 1].unbind(-1)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    b0 = (((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area).clamp(BARY_LOW, BARY_HIGH)
    b1 = (((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area).clamp(BARY_LOW, BARY_HIGH)
    share = torch.stack([b0, b1, 1.0 - b0 - b1], dim=-1) * at[..., 3]
    return share / share.sum(dim=-1, keepdim=True), area.detach().abs()


def interpolate(values: Float[Tensor, "row channel"], corner: Int[Tensor, "pixel 3"], weight: Tensor) -> Tensor:
    """Weighted mean of three rows each: [pixel, channel]."""
    a, b, c = (values.index_select(0, corner[:, k]) * weight[:, k, None] for k in range(3))
    return a + b + c


def plain_rows(known: Tensor, screen: Tensor, places: Places, *, constant: Tensor) -> Float[Tensor, "fragment row"]:
    """What is known of the points at fragments of a part, then what is constant of the mesh's points."""
    weight, _ = weights(places, screen)
    mixed = interpolate(known, places.corner, weight)
    return torch.cat([mixed, interpolate(constant, places.corner % len(constant), weight)], dim=1)


def skin_rows(known: Tensor, screen: Tensor, places: Places, *, maps: SkinMaps) -> Float[Tensor, "fragment row"]:
    """What is known of the points at fragments of skin, then the texels and the tangents along u and v."""
    weight, area = weights(places, screen)
    uv = maps.uv[places.triangle]
    first, second = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    det = first[:, :1] * second[:, 1:] - second[:, :1] * first[:, 1:]
    inverse = 1.0 / torch.where(det.abs() < 1e-14, 1.0, det)
    a, b, c = known[:, :3].index_select(0, places.corner.reshape(-1)).reshape(-1, 3, 3).unbind(1)
    e1, e2 = b - a, c - a
    along_u = (e1 * second[:, 1:] - e2 * first[:, 1:]) * inverse
    along_v = (e2 * first[:, :1] - e1 * second[:, :1]) * inverse
    # A pixel has four samples.
    level = mip_level(det[:, 0].abs(), 0.25 * area, side=maps.side)
    texel = sample(maps.texels, (uv * weight[:, :, None]).sum(1), level, side=maps.side)
    return torch.cat([interpolate(known, places.corner, weight), texel, along_u, along_v], dim=1)
