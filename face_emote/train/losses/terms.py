"""Small pieces that the losses share: means over what is known, windows in time, soft minima."""

import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Float


def mean_of(values: Float[Tensor, "*shape"], *, weights: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Weighted mean; 0 where nothing has weight."""
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)


def steps_of(values: Float[Tensor, "batch frames *rest"]) -> Float[Tensor, "batch steps *rest"]:
    """Change from each frame to the next."""
    return values[:, 1:] - values[:, :-1]


def dilated(values: Float[Tensor, "batch frames"], *, reach: int) -> Float[Tensor, "batch frames"]:
    """The greatest value within `reach` frames to either side; nothing is added beyond the ends."""
    return functional.max_pool1d(values[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0]


def soft_minimum(
    values: Float[Tensor, "batch frames"], *, reach: int, softness: float
) -> Float[Tensor, "batch frames"]:
    """Soft minimum over the frames within `reach`: -s log(mean(exp(-x / s))).

    Never below the true minimum, and above it by at most s log(2 reach + 1). Windows end where the clip ends.
    """
    padded = functional.pad(values, (reach, reach), value=float("inf"))
    windows = padded.unfold(1, 2 * reach + 1, 1)
    inside = functional.pad(torch.ones_like(values), (reach, reach)).unfold(1, 2 * reach + 1, 1).sum(-1)
    return -softness * (torch.logsumexp(-windows / softness, dim=-1) - inside.log())


def correlation(
    a: Float[Tensor, "batch frames"], b: Float[Tensor, "batch frames"], *, weights: Float[Tensor, "batch frames"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Pearson's r of each row, and the weighted variance of `b` (rows that hardly move have no meaningful r)."""
    total = weights.sum(dim=1, keepdim=True).clamp_min(1e-6)
    a = a - (a * weights).sum(dim=1, keepdim=True) / total
    b = b - (b * weights).sum(dim=1, keepdim=True) / total
    var_a = (a * a * weights).sum(dim=1) / total[:, 0]
    var_b = (b * b * weights).sum(dim=1) / total[:, 0]
    both = (a * b * weights).sum(dim=1) / total[:, 0]
    return both / ((var_a + 1e-8).sqrt() * (var_b + 1e-8).sqrt()), var_b
