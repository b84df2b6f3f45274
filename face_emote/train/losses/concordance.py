"""Lin's concordance correlation coefficient, and agreement of two curves in time."""

import torch
from torch import Tensor

from face_emote.core.arrays import Float

LAG_FREE_SECS = 0.2
"""A face may follow the voice so late, or lead it so much, without penalty."""
LONGEST_LAG_SECS = 0.8
_LAG_SHARPNESS = 12.0


def concordance(a: Float[Tensor, "batch axis"], b: Float[Tensor, "batch axis"]) -> Float[Tensor, " axis"]:
    """CCC of each column over the batch: 2 cov / (var_a + var_b + (mean_a - mean_b)^2)."""
    mean_a, mean_b = a.mean(dim=0), b.mean(dim=0)
    cov = ((a - mean_a) * (b - mean_b)).mean(dim=0)
    var_a, var_b = (a - mean_a).square().mean(dim=0), (b - mean_b).square().mean(dim=0)
    return 2.0 * cov / (var_a + var_b + (mean_a - mean_b).square() + 1e-6)


def concordance_loss(a: Float[Tensor, "batch axis"], b: Float[Tensor, "batch axis"]) -> Float[Tensor, ""]:
    """1 - CCC, mean over the columns."""
    return (1.0 - concordance(a, b)).mean()


def lag_loss(
    arousal: Float[Tensor, "batch frames"], energy: Float[Tensor, "batch frames"], *, rate_hz: float
) -> Float[Tensor, ""]:
    """Seconds beyond 200 ms by which the face's energy lags or leads the voice's arousal, expected over lags.

    Lags of up to 0.8 s share the weight by a softmax over their correlation. Clips in which either curve hardly moves
    do not count. Needs more than 1.6 s.
    """
    longest = round(LONGEST_LAG_SECS * rate_hz)
    frames = arousal.shape[1]
    if frames <= 2 * longest + 2:
        raise ValueError(f"{frames} frames are too few to find lags of {longest}")
    lags = torch.arange(-longest, longest + 1, device=energy.device)
    centre = _standard(arousal[:, longest : frames - longest])
    r = torch.stack(
        [(centre * _standard(energy[:, longest + k : frames - longest + k])).mean(dim=1) for k in lags.tolist()], dim=1
    )
    beyond = (lags.abs() / rate_hz - LAG_FREE_SECS).clamp_min(0.0)
    moves = (arousal.std(dim=1) > 1e-3) & (energy.std(dim=1) > 1e-3)
    expected = (torch.softmax(_LAG_SHARPNESS * r, dim=1) * beyond).sum(dim=1)
    return (expected * moves).sum() / moves.sum().clamp_min(1)


def _standard(curve: Tensor) -> Tensor:
    centred = curve - curve.mean(dim=1, keepdim=True)
    return centred / (centred.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
