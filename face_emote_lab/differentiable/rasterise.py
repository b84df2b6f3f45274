"""Which triangle each pixel sees. Found without gradient: `interpolate` and `antialias` bring those back.

A pixel sees a triangle that covers its centre, (column + 0.5, row + 0.5) with rows running down, and is nearest there.
Triangles that turn their inside to the camera (clockwise seen from it) are left out. Ties go to the lower index.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int

MIN_AREA = 1e-9  # Square pixels times two; smaller triangles are edge-on.
CANDIDATES = 1 << 22  # Pixel and triangle pairs looked at together by the scatter: bounds its memory to some 300 MB.


@dataclass(frozen=True, slots=True)
class Visible:
    """What the pixels see."""

    face_id: Int[Tensor, "batch height width"]  # Triangle, or -1.
    inverse_depth: Float[Tensor, "batch height width"]  # 1 / metres, 0 where nothing is.


@runtime_checkable
class Rasteriser(Protocol):
    """Says which triangle every pixel sees: `rasterise`, `rasterise_scatter`, or somebody else's."""

    def __call__(
        self, screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"], *, width: int, height: int
    ) -> Visible:
        """Arguments as of `rasterise`; no gradients."""
        ...


def rasterise(
    screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"], *, width: int, height: int
) -> Visible:
    """The z-buffer: the fast renderer's on a CPU, `rasterise_scatter` elsewhere. Outsides are counter-clockwise."""
    if screen.device.type != "cpu":
        return rasterise_scatter(screen, triangles, width=width, height=height)
    from face_emote.rendering.stage.kernels import visibility

    corners = triangles.to(torch.int32).numpy()
    face_id = np.empty((len(screen), height, width), np.int32)
    inverse = np.empty((len(screen), height, width), np.float32)
    for k, points in enumerate(screen.detach().to(torch.float32).contiguous().numpy()):
        visibility(points, corners, face_id[k], inverse[k])
    return Visible(torch.from_numpy(face_id), torch.from_numpy(inverse).to(screen.dtype))


@torch.no_grad()
def rasterise_scatter(
    screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"], *, width: int, height: int
) -> Visible:
    """The same in plain torch for any device: every pixel of every bounding box, nearest by a scattered minimum."""
    batch, num_pixels = len(screen), height * width
    nothing = torch.iinfo(torch.int64).max
    keys = torch.full((batch * num_pixels,), nothing, dtype=torch.int64, device=screen.device)
    corners = screen.detach().to(torch.float32)[:, triangles].double()
    x, y = corners[..., 0], corners[..., 1]
    area = (x[..., 1] - x[..., 0]) * (y[..., 2] - y[..., 0]) - (x[..., 2] - x[..., 0]) * (y[..., 1] - y[..., 0])
    left, right = (x.amin(-1) - 0.5).ceil().clamp(0, width), (x.amax(-1) - 0.5).floor().clamp(-1, width - 1)
    top, bottom = (y.amin(-1) - 0.5).ceil().clamp(0, height), (y.amax(-1) - 0.5).floor().clamp(-1, height - 1)
    columns, rows = (right - left + 1).clamp(min=0), (bottom - top + 1).clamp(min=0)
    # Clamped, so that a triangle on the camera plane cannot overflow the count.
    wanted = (area < -MIN_AREA) & (columns * rows > 0)
    frame, face = wanted.nonzero(as_tuple=True)
    boxes = torch.stack([left, top, columns, rows], -1)[frame, face].long()
    counts = boxes[:, 2] * boxes[:, 3]
    for part in _parts(counts):
        _nearest(corners, area, frame[part], face[part], boxes[part], keys=keys, width=width, num_pixels=num_pixels)
    seen = keys != nothing
    face_id = torch.where(seen, keys & 0xFFFFFFFF, -1)
    inverse = torch.where(seen, 0x7FFFFFFF - (keys >> 32), 0).to(torch.int32).view(torch.float32)
    shape = (batch, height, width)
    return Visible(face_id.reshape(shape), inverse.to(screen.dtype).reshape(shape))


def _parts(counts: Int[Tensor, " box"]) -> list[slice]:
    """Runs of boxes with about `CANDIDATES` pixels each."""
    if len(counts) == 0:
        return []
    run = (counts.cumsum(0) - 1) // CANDIDATES
    edges = [0, *(torch.nonzero(run.diff()).reshape(-1) + 1).tolist(), len(counts)]
    return [slice(a, b) for a, b in pairwise(edges)]


def _nearest(
    corners: Tensor, area: Tensor, /, frame: Tensor, face: Tensor, boxes: Tensor, *, keys: Tensor, width: int,
    num_pixels: int,
) -> None:  # fmt: skip
    """Lower `keys` [batch * pixels] to (far-to-near order << 32 | face) of every covered pixel of these boxes."""
    counts = boxes[:, 2] * boxes[:, 3]
    which = torch.repeat_interleave(torch.arange(len(counts), device=keys.device), counts)
    inside = torch.arange(len(which), device=keys.device) - (counts.cumsum(0) - counts)[which]
    left, top, columns, _ = boxes[which].unbind(-1)
    column, row = left + inside % columns, top + inside // columns
    x, y, w = (corners[frame, face][..., k][which] for k in (0, 1, 3))
    scale = 1.0 / area[frame, face][which]
    px, py = column + 0.5 - x[:, 2], row + 0.5 - y[:, 2]
    b0 = ((y[:, 1] - y[:, 2]) * px + (x[:, 2] - x[:, 1]) * py) * scale
    b1 = ((y[:, 2] - y[:, 0]) * px + (x[:, 0] - x[:, 2]) * py) * scale
    near = b0 * (w[:, 0] - w[:, 2]) + b1 * (w[:, 1] - w[:, 2]) + w[:, 2]
    hit = (b0 >= 0.0) & (b1 >= 0.0) & (b0 + b1 <= 1.0) & (near > 0.0)
    # The bits of positive floats are ordered as the floats are.
    order = 0x7FFFFFFF - near[hit].float().view(torch.int32).long()
    at = frame[which[hit]] * num_pixels + row[hit] * width + column[hit]
    keys.scatter_reduce_(0, at, (order << 32) | face[which[hit]], "amin")
