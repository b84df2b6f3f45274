"""Skin maps with gradients to the texels and to the place looked at."""

import math

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.look.maps import SkinMaps
from face_emote.rendering.stage.texture import SMALLEST_LEVEL, stacked_channels


def skin_texture(maps: SkinMaps) -> Float[Tensor, "size size channel=10"]:
    """The maps side by side, in the order of `stage.buffers`."""
    return torch.from_numpy(np.ascontiguousarray(stacked_channels(maps), np.float32))


def level_sides(side: int) -> list[int]:
    """Sides of the mip levels of a square texture, largest first: halved until 16 texels or an odd number."""
    sides = [side]
    while sides[-1] > SMALLEST_LEVEL and sides[-1] % 2 == 0:
        sides.append(sides[-1] // 2)
    return sides


def mip_chain(texture: Float[Tensor, "size size channel"]) -> Float[Tensor, "texel channel"]:
    """All mip levels, one after the other; each texel the mean of four of the level before."""
    level, out = texture, [texture.reshape(-1, texture.shape[-1])]
    for _ in level_sides(len(texture))[1:]:
        level = 0.25 * (level[0::2, 0::2] + level[1::2, 0::2] + level[0::2, 1::2] + level[1::2, 1::2])
        out.append(level.reshape(-1, level.shape[-1]))
    return torch.cat(out)


def mip_level(
    uv_area: Float[Tensor, " pixel"], screen_area: Float[Tensor, " pixel"], *, side: int
) -> Int[Tensor, " pixel"]:
    """The level at which a texel is about a pixel. Both areas of the same triangle; no gradient."""
    ratio = (uv_area * side * side / screen_area.clamp(min=1e-6)).clamp(min=1e-12)
    # Each level quarters the area, and the first with at most two texels a pixel is taken.
    level = torch.ceil(torch.log(ratio / 2.0) / math.log(4.0)).clamp(0, len(level_sides(side)) - 1)
    return level.long()


def sample(
    texels: Float[Tensor, "texel channel"], uv: Float[Tensor, "pixel 2"], level: Int[Tensor, " pixel"], *, side: int
) -> Float[Tensor, "pixel channel"]:
    """Bilinear at each pixel's mip level of a `mip_chain`, edge texels repeated; row 0 is v = 1."""
    sides = torch.tensor(level_sides(side), device=uv.device)
    size = sides[level]
    base = (torch.cumsum(sides * sides, 0) - sides * sides)[level]
    x, y = uv[:, 0] * size - 0.5, (1.0 - uv[:, 1]) * size - 0.5
    left, top = x.detach().floor(), y.detach().floor()
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    last = size - 1
    x0, y0 = torch.minimum(left.long().clamp(min=0), last), torch.minimum(top.long().clamp(min=0), last)
    x1, y1 = torch.minimum(x0 + 1, last), torch.minimum(y0 + 1, last)

    def texel(row: Tensor, column: Tensor) -> Tensor:
        return texels.index_select(0, base + row * size + column)

    upper = torch.lerp(texel(y0, x0), texel(y0, x1), fx)
    lower = torch.lerp(texel(y1, x0), texel(y1, x1), fx)
    return torch.lerp(upper, lower, fy)
