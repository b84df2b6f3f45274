"""The loop that all experts are trained with."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face_emote.train.experts.torch_convnet import TorchConvNet

Report = Callable[[str], None]
"""Takes a line about how it goes."""


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How long, and how fast."""

    steps: int
    rate: float = 1.5e-3
    weight_decay: float = 0.01
    warmup: int = 50
    clip: float = 1.0
    minutes: float = 0.0
    """Stop after so much wall-clock time even if steps are left; 0: never. Only without it a run can be repeated."""


def fit(module: nn.Module, *, loss_at: Callable[[int], Tensor], config: FitConfig, report: Report) -> int:
    """AdamW with warm-up and cosine decay to nothing; returns the steps that were made.

    Args:
        module: whose parameters learn, in place.
        loss_at: the loss of a step; it draws its batch from the step's number.
        config: length and rates.
        report: hears about every tenth of the way.
    """
    optimiser = torch.optim.AdamW(module.parameters(), lr=config.rate, weight_decay=config.weight_decay)
    begun = time.monotonic()
    held = 0.0
    for step in range(config.steps):
        spent = (time.monotonic() - begun) / (60.0 * config.minutes) if config.minutes else 0.0
        share = max(step / config.steps, spent)
        if share >= 1.0:
            return step
        rate = config.rate * min(1.0, (step + 1) / config.warmup) * 0.5 * (1.0 + math.cos(math.pi * share))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = loss_at(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), config.clip)
        optimiser.step()
        held += float(loss.detach())
        if (step + 1) % max(config.steps // 10, 1) == 0:
            report(f"step {step + 1} of {config.steps}: loss {held / max(config.steps // 10, 1):.4f}")
            held = 0.0
    return config.steps


def set_normalisation(stack: TorchConvNet, example: Tensor) -> None:
    """Give a stack the mean and the spread of examples of its input [.., frames, channels]."""
    flat = example.reshape(-1, example.shape[-1])
    with torch.no_grad():
        stack.mean.copy_(flat.mean(dim=0))
        stack.scale.copy_(flat.std(dim=0).clamp_min(0.02))
