"""Fragments, backdrop and silhouettes put together to pictures."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote_lab.differentiable.antialias import Crossings
from face_emote_lab.differentiable.columns import applied

GRID = 2  # Samples a pixel along each side.
SAMPLE = 1.0 / (GRID * GRID)  # Of a pixel.


@dataclass(frozen=True, slots=True)
class Pieces:
    """Which fragments pixels and samples show."""

    pixel: Int[Tensor, " fragment"]  # Into the flat [batch * height * width].
    share: Float[Tensor, " fragment"]  # Of the pixel, 0.25..1.
    member: Int[Tensor, "batch row column"]  # Fragment of every sample, or -1.


def compose(
    colours: Float[Tensor, "fragment 3"],
    backdrop: Float[Tensor, "height width 3"],
    pieces: Pieces,
    crossings: Crossings | None,
    *,
    compiled: bool,
) -> Float[Tensor, "batch height width 4"]:
    """Light and coverage. Gradients reach the colours and, through the crossings' reach, the silhouettes.

    No crossings leave the share of covered samples as it is; `compiled` runs the kernels (CPU, single precision).
    """
    batch, (height, width, _) = len(pieces.member), backdrop.shape
    if compiled:
        reach = colours.new_zeros(0) if crossings is None else crossings.reach
        out: Tensor = applied(_Composed, colours, reach, backdrop, pieces, crossings)
        return out.reshape(batch, height, width, 4)
    behind = backdrop.reshape(-1, 3)
    lit = torch.cat([colours, torch.ones_like(colours[:, :1])], dim=1)
    picture = colours.new_zeros(batch * height * width, 4)
    picture = picture.index_add(0, pieces.pixel, lit * pieces.share[:, None])
    rest = torch.cat([behind, torch.zeros_like(behind[:, :1])], dim=1).repeat(batch, 1)
    picture = picture + rest * (1.0 - picture[:, 3:].detach())
    if crossings is not None:
        near, far = _pixels(crossings.near, pieces), _pixels(crossings.far, pieces)
        reach = SAMPLE * crossings.reach[:, None]
        difference = _seen(crossings.near, lit, rest, pieces) - _seen(crossings.far, lit, rest, pieces)
        picture = picture.index_add(0, torch.where(crossings.reach > 0.0, far, near), difference * reach)
    return picture.reshape(batch, height, width, 4)


def _pixels(samples: Tensor, pieces: Pieces) -> Tensor:
    """The flat pixels that flat samples lie in."""
    columns = pieces.member.shape[2]
    row, column = samples // columns, samples % columns
    return row // GRID * (columns // GRID) + column // GRID


def _seen(samples: Tensor, lit: Tensor, rest: Tensor, pieces: Pieces) -> Float[Tensor, "crossing 4"]:
    """Colour and coverage of samples."""
    member = pieces.member.reshape(-1)[samples]
    own = lit[member.clamp(min=0)] if len(lit) else rest[_pixels(samples, pieces)]
    return torch.where(member[:, None] >= 0, own, rest[_pixels(samples, pieces)])


class _Composed(torch.autograd.Function):
    """The same by the compiled kernels."""

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, colours: Tensor, reach: Tensor, backdrop: Tensor, pieces: Pieces, crossings: Crossings | None
    ) -> Tensor:
        from face_emote_lab.differentiable import kernels

        batch, rows, columns = pieces.member.shape
        none = torch.zeros(0, dtype=torch.int64)
        near, far = (none, none) if crossings is None else (crossings.near, crossings.far)
        lit, behind = colours.contiguous(), backdrop.reshape(-1, 3)
        read = (behind, pieces.pixel, pieces.share, pieces.member.reshape(-1), near, far, reach)
        ctx.read = (lit, *read)
        ctx.size = (rows, columns)
        out = torch.empty(batch * len(behind), 4)
        kernels.compose(*(tensor.detach().numpy() for tensor in ctx.read), rows, columns, out.numpy())
        return out

    @staticmethod
    def backward(ctx, given: Tensor) -> tuple[Any, ...]:  # type: ignore[no-untyped-def]
        from face_emote_lab.differentiable import kernels

        lit, reach = ctx.read[0], ctx.read[-1]
        out, reach_out = torch.empty_like(lit), torch.empty_like(reach)
        read = (tensor.detach().numpy() for tensor in ctx.read)
        kernels.compose_back(*read, *ctx.size, given.contiguous().numpy(), out.numpy(), reach_out.numpy())
        return out, reach_out, None, None, None
