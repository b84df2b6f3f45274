"""Content and emotion exchanged inside a batch: the lips stay, the face follows (after EMOTE, Danecek et al. 2023)."""

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.network.channels import NUM_LINEAR


def swapped(batch_size: int, *, generator: torch.Generator | None = None) -> Int[Tensor, " batch"]:
    """Whom each clip gets its emotion from: a shift by a random number of places, so never from itself (if it can)."""
    if batch_size < 2:
        return torch.zeros(batch_size, dtype=torch.long)
    shift = int(torch.randint(1, batch_size, (1,), generator=generator))
    return (torch.arange(batch_size) + shift) % batch_size


def lip_exchange_loss(
    answers: Float[Tensor, "batch frames 9"], exchanged: Float[Tensor, "batch frames 9"]
) -> Float[Tensor, ""]:
    """How far the lips move when only the emotion is exchanged: mean square, linear channels in LIP_SCALE.

    Nothing is asked of a net whose lip path does not see the emotion: it gives 0.
    """
    linear = answers[..., :NUM_LINEAR] - exchanged[..., :NUM_LINEAR]
    contacts = torch.sigmoid(answers[..., NUM_LINEAR:]) - torch.sigmoid(exchanged[..., NUM_LINEAR:])
    return torch.cat([linear, contacts], dim=-1).square().mean()
