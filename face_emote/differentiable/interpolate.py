"""Values at pixels from values at points, with gradients to both the values and the points' places on the screen.

The z-buffer says which triangle a pixel sees; where in it the pixel's centre lies is computed here once more, now as
a function of the triangle's corners. Perspective-correct: screen weights times 1 / depth, made to sum to 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.differentiable.rasterise import Visible


@dataclass(frozen=True, slots=True)
class Pixels:
    """The pixels that see something, one after the other through the batch."""

    index: Int[Tensor, " pixel"]
    """Into the flat [batch * height * width]."""
    frame: Int[Tensor, " pixel"]
    triangle: Int[Tensor, " pixel"]
    corner: Int[Tensor, "pixel 3"]
    """Points of the triangle, in the flat [batch * point]."""
    weight: Float[Tensor, "pixel 3"]
    """Perspective-correct barycentric weights; sum 1."""
    area: Float[Tensor, " pixel"]
    """Square pixels of the parallelogram the triangle spans, without gradient."""


def find_pixels(
    visible: Visible, screen: Float[Tensor, "batch point 4"], triangles: Int[Tensor, "triangle 3"]
) -> Pixels:
    """Barycentric weights of all pixels that see a triangle."""
    _, height, width = visible.face_id.shape
    flat = visible.face_id.reshape(-1)
    index = torch.nonzero(flat >= 0)[:, 0]
    triangle = flat[index]
    frame = index // (height * width)
    corner = triangles[triangle] + (frame * screen.shape[1])[:, None]
    at = screen.reshape(-1, 4).index_select(0, corner.reshape(-1)).reshape(-1, 3, 4)
    px, py = (index % width).to(screen.dtype) + 0.5, (index // width % height).to(screen.dtype) + 0.5
    (x0, x1, x2), (y0, y1, y2) = at[..., 0].unbind(-1), at[..., 1].unbind(-1)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    b0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
    b1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
    share = torch.stack([b0, b1, 1.0 - b0 - b1], dim=-1) * at[..., 3]
    weight = share / share.sum(dim=-1, keepdim=True)
    return Pixels(index, frame, triangle, corner, weight, area.detach().abs())


def interpolate(values: Float[Tensor, "row channel"], corner: Int[Tensor, "pixel 3"], weight: Tensor) -> Tensor:
    """Weighted mean of three rows each: [pixel, channel].

    Args:
        values: One row a point.
        corner: Rows to mix.
        weight: Their weights, [pixel, 3].
    """
    a, b, c = (values.index_select(0, corner[:, k]) * weight[:, k, None] for k in range(3))
    return a + b + c
