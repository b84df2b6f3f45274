"""Which surfaces a pixel shows, and how much of each: found on a grid of 2 x 2 samples a pixel, without gradient.

`stage.fragments` in plain torch, for any device: samples of one pixel that lie on one smooth surface of one material
are one fragment, which is shaded once, in their middle; a pixel is the sum of its fragments by the share of samples
they hold.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.rendering.stage.buffers import NUM_MATERIALS
from face_emote.rendering.stage.fragments import SAME_SURFACE
from face_emote_lab.differentiable.compose import GRID, Pieces
from face_emote_lab.differentiable.rasterise import Visible


@dataclass(frozen=True, slots=True)
class Fragments:
    """Pieces of surface in pixels, sorted by material."""

    pieces: Pieces
    triangle: Int[Tensor, " fragment"]
    corner: Int[Tensor, "fragment 3"]  # Points of the triangle, in the flat [batch * point].
    place: Float[Tensor, "fragment 2"]  # Column and row on the grid of samples; centres lie at halves.
    counts: tuple[int, ...]  # How many there are of each material.

    def of(self, material: int) -> slice:
        """Where the fragments of a material are."""
        first = sum(self.counts[:material])
        return slice(first, first + self.counts[material])


def find_fragments(
    visible: Visible,
    triangles: Int[Tensor, "triangle 3"],
    material: Int[Tensor, " triangle"],
    *,
    num_points: int,
    dtype: torch.dtype,
) -> Fragments:
    """All fragments of what the samples see; triangles, their material and `num_points` are of one frame's mesh."""
    batch, rows, columns = visible.face_id.shape
    ids, depth = _quads(visible.face_id.long()), _quads(visible.inverse_depth)
    kinds = torch.where(ids >= 0, material[ids.clamp(min=0)], -1)
    near = (depth[:, :, None] - depth[:, None, :]).abs() < SAME_SURFACE * depth[:, :, None]
    same = (kinds[:, :, None] == kinds[:, None, :]) & (near | (ids[:, :, None] == ids[:, None, :]))
    owner = torch.full_like(ids, -1)
    for first in range(4):
        open_ = owner < 0
        joins = same[:, first] & open_ & open_[:, first, None]
        owner = torch.where(joins, first, owner)
    leads = (owner == torch.arange(4, device=ids.device)) & (ids >= 0)
    pixel, lead = torch.nonzero(leads, as_tuple=True)
    triangle = ids[pixel, lead]
    kind = material[triangle]
    order = torch.sort(kind, stable=True).indices
    pixel, lead, triangle = pixel[order], lead[order], triangle[order]
    number = torch.full_like(ids, -1)
    number[pixel, lead] = torch.arange(len(pixel), device=ids.device)
    member = torch.where(ids >= 0, number.gather(1, owner), -1)
    of_it = (owner[pixel] == lead[:, None]).to(dtype)
    held = of_it.sum(1)
    width = columns // GRID
    x = 0.5 + torch.tensor([0, 1, 0, 1], dtype=dtype, device=ids.device) + (GRID * (pixel % width))[:, None]
    y = 0.5 + torch.tensor([0, 0, 1, 1], dtype=dtype, device=ids.device)
    y = y + (GRID * (pixel // width % (rows // GRID)))[:, None]
    frame = pixel // (width * (rows // GRID))
    return Fragments(
        pieces=Pieces(pixel, held / (GRID * GRID), _unquads(member, batch=batch, rows=rows, columns=columns)),
        triangle=triangle,
        corner=triangles[triangle] + (frame * num_points)[:, None],
        place=torch.stack([(x * of_it).sum(1) / held, (y * of_it).sum(1) / held], dim=1),
        counts=tuple(torch.bincount(kind, minlength=NUM_MATERIALS).tolist()),
    )


def _quads(samples: Tensor) -> Tensor:
    """[batch, 2 height, 2 width] to [batch * height * width, 4], row by row in each pixel."""
    batch, rows, columns = samples.shape
    split = samples.reshape(batch, rows // GRID, GRID, columns // GRID, GRID)
    return split.transpose(2, 3).reshape(-1, GRID * GRID)


def _unquads(pixels: Tensor, *, batch: int, rows: int, columns: int) -> Tensor:
    split = pixels.reshape(batch, rows // GRID, columns // GRID, GRID, GRID)
    return split.transpose(2, 3).reshape(batch, rows, columns)
