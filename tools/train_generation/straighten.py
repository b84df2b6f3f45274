"""Straighter flows: the network learns its own ways from noise to tokens as straight lines, so that few steps do."""

from collections.abc import Iterator
from dataclasses import fields, replace

import torch
from torch import Tensor

from face_emote.generation.layout import SLICES
from tools.train_generation.torch_draw import TorchDrawNet, conditions_of
from tools.train_generation.windows import Batch, Windows

LINES, AT_ONCE, FINE = 12, 256, 8
"""Batches of lines that are learnt, and their size; steps in which they are drawn: each looks at its middle first."""
_PARTS = tuple(item.name for item in fields(Batch))
BATCH, RATE, KEPT = 32, 4e-4, 0.99


def straightened(net: TorchDrawNet, windows: Windows, *, steps: int, lines: int = LINES) -> TorchDrawNet:
    """The same network with straighter ways, learnt from `lines` batches of lines: the mean of its last weights."""
    drawn = list(_lines(net, windows, count=lines))
    mean = TorchDrawNet(net.config)
    mean.load_state_dict(net.state_dict())
    moves = torch.optim.AdamW(net.parameters(), lr=RATE, betas=(0.9, 0.98))
    dice = torch.Generator().manual_seed(1)
    for step in range(steps):
        batch, styled = drawn[int(torch.randint(len(drawn), (), generator=dice))]
        some = torch.randint(len(batch.values), (BATCH,), generator=dice)
        time = torch.rand(BATCH, generator=dice)
        batch = replace(batch, **{name: getattr(batch, name)[some] for name in _PARTS})
        between = batch.noise + time[:, None, None] * (batch.values - batch.noise)
        error = (
            _velocity(net, between, batch=batch, time=time, styled=styled[some]) - (batch.values - batch.noise)
        ) ** 2
        free = 1.0 - _wide(batch.given)
        loss = (error * free)[:, :, SLICES[0]].sum() / free[:, :, SLICES[0]].sum()
        moves.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for group in moves.param_groups:
            group["lr"] = RATE * min(1.0, 2.0 * (1.0 - step / steps))
        moves.step()
        with torch.no_grad():
            for a, b in zip(mean.parameters(), net.parameters(), strict=True):
                a.lerp_(b, 1.0 - KEPT)
    return mean


@torch.no_grad()
def _lines(net: TorchDrawNet, windows: Windows, *, count: int) -> Iterator[tuple[Batch, Tensor]]:
    """Noise and what the network makes of it, with what it was told; known streams stand still."""
    dice = torch.Generator().manual_seed(0)
    for _ in range(count):
        chosen = torch.multinomial(windows.chance * windows.known[:, 0], AT_ONCE, replacement=True, generator=dice)
        batch = windows.batch(chosen, dice=dice)
        batch.given[:, :, 0] &= ~batch.given[:, -1:, 0]
        batch.given[:, :, 1] = True
        known = _wide(batch.given)
        noise = known * batch.values + (1.0 - known) * batch.noise
        styled = (torch.rand(AT_ONCE, generator=dice) < 0.9).float()
        x = noise
        for step in range(FINE):
            begins = _velocity(net, x, batch=batch, time=torch.full((AT_ONCE,), step / FINE), styled=styled)
            half, time = x + (1.0 - known) * begins / (2 * FINE), torch.full((AT_ONCE,), (step + 0.5) / FINE)
            x = x + (1.0 - known) * _velocity(net, half, batch=batch, time=time, styled=styled) / FINE
        yield replace(batch, values=x, noise=noise), styled


def _wide(given: Tensor) -> Tensor:
    widths = torch.tensor([part.stop - part.start for part in SLICES])
    return given.float().repeat_interleave(widths, dim=2)


def _velocity(net: TorchDrawNet, x: Tensor, *, batch: Batch, time: Tensor, styled: Tensor) -> Tensor:
    told = conditions_of(time, batch.style, styled)
    found: Tensor = net(x, known=batch.given.float(), conditions=told, memory=(batch.memory, batch.there))
    return found
