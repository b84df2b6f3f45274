"""Value noise with gradients: `rendering.fast.lighting.value_noise` for many points at once."""

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int


def _hash(i: Tensor, j: Tensor, k: Tensor) -> Int[Tensor, "point corner"]:
    x = (i * 374761393 + j * 668265263 + k * 1274126177) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 1103515245) & 0xFFFFFFFF
    return (x ^ (x >> 16)) & 0xFFFFFF


def value_noise(points: Float[Tensor, "point 3"]) -> Float[Tensor, "point 1"]:
    """Smooth noise in 0..1 with cells of size 1."""
    cell = points.detach().floor()
    share = points - cell
    share = share * share * (3.0 - 2.0 * share)
    # All eight corners of a cell at once: [point, 8].
    corner = torch.tensor([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], device=points.device)
    i, j, k = (cell.long()[:, None] + corner).unbind(-1)
    value = _hash(i, j, k).to(points.dtype) / 16777215.0
    sides = torch.stack([1.0 - share, share], dim=-1)
    weight = sides[:, 0, corner[:, 0]] * sides[:, 1, corner[:, 1]] * sides[:, 2, corner[:, 2]]
    return (weight * value).sum(dim=-1, keepdim=True)


def noise_at(x: Tensor, y: Tensor, z: Tensor | float) -> Float[Tensor, "point 1"]:
    """The same for three columns; `z` may be one number."""
    third = z if isinstance(z, Tensor) else torch.full_like(x, z)
    return value_noise(torch.cat([x, y, third], dim=-1))
