"""Is somebody known by how they move? A judge that learnt from one half of talkers' clips names the talkers of the
rest, and of performances in the style of that rest.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from bench.moving_windows import ALL, figures_of, windows_of
from face_emote.core.arrays import Array, Float
from tools.train_generation.seen import Filmed

_FEWEST = 8
"""Clips of a talker who can be known."""
_STEPS, _BATCH, _DROPPED = 400, 128, 0.5


def whose_rows(
    talkers: Sequence[Filmed], played: Mapping[str, Sequence[Float[Array, "_frames channel=9"]]]
) -> dict[str, float]:
    """Share of clips whose talker is named, mean of the talkers; of people, and of what was `played` of every clip."""
    known = [talker for talker in talkers if len(talker.clips) >= _FEWEST]
    right: dict[str, list[float]] = {"people": [], "played": []}
    for half in (0, 1):
        judge = _Judge([talker.curves[half::2] for talker in known])
        for number, talker in enumerate(known):
            # What is played of a clip of this half is in the style of the other one.
            for name, curves in (("people", talker.curves[1 - half :: 2]), ("played", played[talker.name][half::2])):
                right[name].append(float(np.mean([judge.names(curve) == number for curve in curves])))
    return {
        f"talker named, of {len(known)}": float(np.mean(right["played"])),
        "the same of their other films": float(np.mean(right["people"])),
    }


class _Judge:
    """Names talkers by the figures of windows."""

    def __init__(self, clips: Sequence[Sequence[Float[Array, "_frames channel=9"]]]) -> None:
        figures = [figures_of(windows_of(curves)[:, :, ALL]) for curves in clips]
        every = np.concatenate(figures)
        self._middle, self._spread = every.mean(axis=0), every.std(axis=0) + 1e-6
        whose = torch.from_numpy(np.repeat(np.arange(len(figures)), [len(rows) for rows in figures]))
        chance = torch.from_numpy(np.repeat([1.0 / len(rows) for rows in figures], [len(rows) for rows in figures]))
        taught = self._tensor(every)
        torch.manual_seed(0)
        self._net = nn.Sequential(nn.Dropout(_DROPPED), nn.Linear(every.shape[1], len(figures)))
        steps = torch.optim.AdamW(self._net.parameters(), lr=5e-3, weight_decay=0.1)
        for _ in range(_STEPS):
            some = torch.multinomial(chance, _BATCH, replacement=True)
            loss = nn.functional.cross_entropy(self._net(taught[some]), whose[some])
            steps.zero_grad()
            loss.backward()
            steps.step()
        self._net.eval()

    def names(self, curve: Float[Array, "frames channel=9"]) -> int:
        """Number of the talker of a clip."""
        with torch.no_grad():
            scores = self._net(self._tensor(figures_of(windows_of([curve])[:, :, ALL]))).log_softmax(1)
        return int(scores.mean(dim=0).argmax())

    def _tensor(self, figures: Float[Array, "window figure"]) -> torch.Tensor:
        return torch.from_numpy(np.clip((figures - self._middle) / self._spread, -4.0, 4.0)).float()
