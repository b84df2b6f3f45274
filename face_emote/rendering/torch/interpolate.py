"""Values at fragments from values at points, with gradients to both the values and the points' places on the screen.

The z-buffer says which triangle is seen; where in it a fragment lies is computed here once more, now as a function of
the triangle's corners. Perspective-correct: screen weights times 1 / depth, made to sum to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.rendering.stage.buffers import SKIN
from face_emote.rendering.torch.texture import level_sides, mip_level, sample

BARY_LOW, BARY_HIGH = -0.2, 1.2
"""Weights are held within these: a fragment of several samples may lie beside its triangle."""
NUM_TANGENTS = 6


@dataclass(frozen=True, slots=True)
class Places:
    """Where some fragments of one material are."""

    triangle: Int[Tensor, " fragment"]
    corner: Int[Tensor, "fragment 3"]
    """In the flat [batch * point]."""
    place: Float[Tensor, "fragment 2"]
    """On the grid that screen places are given in."""


@dataclass(frozen=True, slots=True)
class SkinMaps:
    """What `skin_rows` reads of the stage."""

    uv: Float[Tensor, "triangle 3 2"]
    texels: Float[Tensor, "texel channel"]
    """As `texture.mip_chain` makes them."""
    side: int
    """Of the largest level."""


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
    """Weighted mean of three rows each: [pixel, channel].

    Args:
        values: One row a point.
        corner: Rows to mix.
        weight: Their weights, [pixel, 3].
    """
    a, b, c = (values.index_select(0, corner[:, k]) * weight[:, k, None] for k in range(3))
    return a + b + c


def rows_of(
    known: Float[Tensor, "point channel"],
    screen: Float[Tensor, "point 4"],
    places: Sequence[Places],
    *,
    constant: Float[Tensor, "mesh_point more"],
    maps: SkinMaps,
    compiled: bool,
) -> tuple[Tensor, ...]:
    """What is known at the fragments of each material: rows [fragment, channel].

    First comes what is known of the points; then, on skin (the first of the materials), the tangents along u and v and
    the texels; on others what is constant of the mesh's points.

    Args:
        known: Of all points of the batch; begins with their positions.
        screen: Where they are.
        places: Where the fragments of every material are.
        constant: Of one frame's points, the same in all.
        maps: Texture and its coordinates.
        compiled: Whether to use the kernels (CPU, single precision, no gradient to the texture).
    """
    if compiled:
        out: tuple[Tensor, ...] = _Rows.apply(known, screen, tuple(places), constant, maps)
        return out
    plain = [plain_rows(known, screen, one, constant=constant) for one in places[1:]]
    return (skin_rows(known, screen, places[0], maps=maps), *plain)


def plain_rows(known: Tensor, screen: Tensor, places: Places, *, constant: Tensor) -> Float[Tensor, "fragment row"]:
    """`rows_of` a material other than skin."""
    weight, _ = weights(places, screen)
    mixed = interpolate(known, places.corner, weight)
    return torch.cat([mixed, interpolate(constant, places.corner % len(constant), weight)], dim=1)


def skin_rows(known: Tensor, screen: Tensor, places: Places, *, maps: SkinMaps) -> Float[Tensor, "fragment row"]:
    """`rows_of` skin."""
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
    return torch.cat([interpolate(known, places.corner, weight), along_u, along_v, texel], dim=1)


class _Rows(torch.autograd.Function):
    """`rows_of` by the compiled kernels."""

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, known: Tensor, screen: Tensor, places: tuple[Places, ...], constant: Tensor, maps: SkinMaps
    ) -> tuple[Tensor, ...]:
        from face_emote.rendering.fast import gradient_kernels as kernels

        ctx.save_for_backward(known, screen)
        ctx.places, ctx.constant, ctx.maps = places, constant, maps
        points, channels, out = known.numpy(), known.shape[1], []
        for material, one in enumerate(places):
            more, extra = _extra(material, constant, maps)
            rows = np.empty((len(one.triangle), channels + extra), np.float32)
            kernels.mix(points, more, screen.numpy(), one.corner.numpy(), one.place.numpy(), rows)
            if material == SKIN:
                kernels.look_up(points, screen.numpy(), *_of(one, maps), rows[:, channels:])
            out.append(torch.from_numpy(rows))
        return tuple(out)

    @staticmethod
    def backward(ctx, *given: Tensor) -> tuple[Any, ...]:  # type: ignore[no-untyped-def]
        from face_emote.rendering.fast import gradient_kernels as kernels

        known, screen = ctx.saved_tensors
        known_out, screen_out = torch.zeros_like(known), torch.zeros_like(screen)
        points, out = known.numpy(), (known_out.numpy(), screen_out.numpy())
        for material, (one, gradient) in enumerate(zip(ctx.places, given, strict=True)):
            rows, (more, _) = gradient.contiguous().numpy(), _extra(material, ctx.constant, ctx.maps)
            kernels.mix_back(points, more, screen.numpy(), one.corner.numpy(), one.place.numpy(), rows, *out)
            if material == SKIN:
                maps = _of(one, ctx.maps)
                kernels.look_up_back(points, screen.numpy(), *maps, rows[:, known.shape[1] :], *out)
        return known_out, screen_out, None, None, None


def _extra(material: int, constant: Tensor, maps: SkinMaps) -> tuple[np.ndarray, int]:
    """Constants that a material mixes, and the channels its rows have beside what is known."""
    if material == SKIN:
        return constant[:, :0].numpy(), NUM_TANGENTS + maps.texels.shape[1]
    return constant.numpy(), constant.shape[1]


def _of(places: Places, maps: SkinMaps) -> tuple[np.ndarray, ...]:
    """What the kernels read of places and maps."""
    sides = np.array(level_sides(maps.side), np.int64)
    arrays = (places.triangle, places.corner, places.place, maps.uv, maps.texels)
    return (*(tensor.numpy() for tensor in arrays), sides)
