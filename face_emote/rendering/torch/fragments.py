"""Which surfaces a pixel shows, and how much of each: found on a grid of 2 x 2 samples a pixel, without gradient.

As in the fast renderer, samples of one pixel that lie on one smooth surface of one material make one fragment, which
is shaded once, in their middle; a pixel is the sum of its fragments by the share of samples they hold.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.rendering.fast.shade import SAME_SURFACE
from face_emote.rendering.stage.buffers import NUM_MATERIALS
from face_emote.rendering.torch.rasterise import Visible

GRID = 2
"""Samples a pixel along each side."""


@dataclass(frozen=True, slots=True)
class Fragments:
    """Pieces of surface in pixels, sorted by material."""

    pixel: Int[Tensor, " fragment"]
    """Into the flat [batch * height * width]."""
    triangle: Int[Tensor, " fragment"]
    corner: Int[Tensor, "fragment 3"]
    """Points of the triangle, in the flat [batch * point]."""
    place: Float[Tensor, "fragment 2"]
    """Column and row on the grid of samples; centres lie at halves."""
    share: Float[Tensor, " fragment"]
    """Of the pixel, 0.25..1."""
    member: Int[Tensor, "batch row column"]
    """Fragment of every sample, or -1."""
    counts: tuple[int, ...]
    """How many there are of each material."""

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
    """All fragments in plain torch, for any device.

    Args:
        visible: What the samples see, [batch, 2 height, 2 width].
        triangles: Of one frame's mesh.
        material: Of each triangle.
        num_points: Of one frame's mesh.
        dtype: Of places and shares.
    """
    batch, rows, columns = visible.face_id.shape
    ids, depth = _quads(visible.face_id), _quads(visible.inverse_depth)
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
        pixel=pixel,
        triangle=triangle,
        corner=triangles[triangle] + (frame * num_points)[:, None],
        place=torch.stack([(x * of_it).sum(1) / held, (y * of_it).sum(1) / held], dim=1),
        share=held / (GRID * GRID),
        member=_unquads(member, batch=batch, rows=rows, columns=columns),
        counts=tuple(torch.bincount(kind, minlength=NUM_MATERIALS).tolist()),
    )


def find_fragments_compiled(
    visible: Visible, triangles: Int[Tensor, "triangle 3"], material: Int[Tensor, " triangle"], *, num_points: int
) -> Fragments:
    """The same by the compiled kernels, on a CPU and in single precision."""
    from face_emote.rendering.fast import gradient_kernels as kernels

    ids, depth = visible.face_id.numpy(), visible.inverse_depth.numpy()
    kinds, corners = material.numpy(), triangles.numpy()
    member = np.empty(ids.shape, np.int64)
    found, count = np.empty((ids.size, 5)), np.zeros(NUM_MATERIALS, np.int64)
    total = kernels.fragments(ids, depth, kinds, member, found, count)
    rank, places = np.empty(total, np.int64), np.cumsum(count) - count
    out = (
        np.empty(total, np.int64), np.empty(total, np.int64), np.empty((total, 3), np.int64),
        np.empty((total, 2), np.float32), np.empty(total, np.float32),
    )  # fmt: skip
    kernels.by_material(found, kinds, corners, num_points, ids[0].size // (GRID * GRID), places, rank, out)
    kernels.renumber(member.reshape(-1), rank)
    pixel, triangle, corner, place, share = (torch.from_numpy(values) for values in out)
    counts = tuple(int(one) for one in count)
    return Fragments(pixel, triangle, corner, place, share, torch.from_numpy(member), counts)


def _quads(samples: Tensor) -> Tensor:
    """[batch, 2 height, 2 width] to [batch * height * width, 4], row by row in each pixel."""
    batch, rows, columns = samples.shape
    split = samples.reshape(batch, rows // GRID, GRID, columns // GRID, GRID)
    return split.transpose(2, 3).reshape(-1, GRID * GRID)


def _unquads(pixels: Tensor, *, batch: int, rows: int, columns: int) -> Tensor:
    split = pixels.reshape(batch, rows // GRID, columns // GRID, GRID, GRID)
    return split.transpose(2, 3).reshape(batch, rows, columns)
