"""Windows to learn takes from, as the network is given them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from face_emote.generation.layout import (
    CONTEXT,
    EASED,
    FACE,
    FACE_SLICE,
    LIDS,
    SLICES,
    STYLE,
    VOICE_SLICE,
    WINDOW,
)
from face_emote.generation.net import FARTHEST_STYLE
from tools.train_generation.corpus import TakeCorpus
from tools.train_generation.recalling import Recalling, phrases_of

ACTED = 0.12
"""Share of the windows that come from actors' voices."""
_MIRRORED = [FACE.index(name) for name in ("brow_right", "brow_left", "frown", "nod", "turn", "tilt", "lids",
                                           "lids_later", "lids_apart")]  # fmt: skip
_STRAYS = 0.22
"""Logarithm of how much more or less than in its clip a face moves: nobody's size is only that of readers."""
_LIKE = [0, 0, 1, 2, 3, 4]
_TURNS = np.array(["_with_turn" in name or "_with_tilt" in name for name in STYLE])
"""What changes its sign in a mirror."""
_GROWS = [STYLE.index(name) for name in ("brows", "brows_apart", "frown", "nod", "turn", "tilt")]
_SIGNS = np.array([-1.0 if name in ("turn", "tilt", "lids_apart") else 1.0 for name in FACE], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows to learn from."""

    values: Tensor
    noise: Tensor
    given: Tensor  # Which streams are, token by token.
    counts: Tensor  # Which are to be found.
    style: Tensor
    memory: Tensor  # Phrases of moments.
    there: Tensor  # Which of those there are.


class Windows:
    """Normalised windows and the chance of each."""

    def __init__(self, corpus: TakeCorpus, *, held_out: frozenset[str]) -> None:
        eased = corpus.values.copy()
        eased[:, :, LIDS] = np.arcsinh((eased[:, :, LIDS] - 1.0) / EASED)
        parts = [eased[corpus.known[:, k]][:, :, part] for k, part in enumerate(SLICES)]
        flat = [part.reshape(-1, part.shape[2]) for part in parts]
        self.mean = np.concatenate([part.mean(axis=0) for part in flat])
        self.scale = np.maximum(np.concatenate([part.std(axis=0) for part in flat]), 1e-2)
        self.mean[FACE_SLICE] *= np.array(["lids" in name and name != "lids_apart" for name in FACE])
        self.corpus = corpus
        values = np.clip((eased - self.mean) / self.scale, -6.0, 6.0)
        for k, part in enumerate(SLICES):
            values[~corpus.known[:, k], :, part] = 0.0
        self.values = torch.from_numpy(values.astype(np.float32))
        styles = corpus.style[corpus.known[:, 0]].astype(np.float64)
        self.style_mean, self.style_scale = styles.mean(axis=0) * ~_TURNS, np.maximum(styles.std(axis=0), 1e-2)
        self.style = torch.from_numpy((corpus.style - self.style_mean) / self.style_scale).float()
        self.known = torch.from_numpy(corpus.known)
        names, acted = corpus.talker, np.array([str(name).startswith("emodb") for name in corpus.talker])
        count = {name: (names == name).sum() for name in set(names)}
        weight = np.array([count[name] ** -0.5 for name in names])
        weight[np.isin(names, list(held_out))] = 0.0
        for group, share in ((acted, ACTED), (~acted, 1.0 - ACTED)):
            weight[group] *= share / weight[group].sum()
        self.chance = torch.from_numpy(weight)
        self.asked = torch.from_numpy(np.flatnonzero(np.isin(names, list(held_out))))
        learnt = corpus.known[:, 0] & ~np.isin(names, list(held_out))
        self.recalling = Recalling(self.values, style=self.style, pool=np.flatnonzero(learnt))

    def learnt_pairs(self) -> tuple[Tensor, Tensor]:
        """Voices and faces of all that is learnt from."""
        rows = torch.from_numpy(self.recalling.pool)
        return self.values[rows][:, :, VOICE_SLICE], self.values[rows][:, :, FACE_SLICE]

    def batch(self, chosen: Tensor, *, dice: torch.Generator, recalls: bool = True) -> Batch:
        """Windows as they are given to the network, some mirrored, larger or smaller than they were."""
        values, known = self.values[chosen].clone(), self.known[chosen]
        turned = torch.rand(len(chosen), generator=dice) < 0.5
        values[turned, :, FACE_SLICE] = values[turned][:, :, _MIRRORED] * torch.from_numpy(_SIGNS)
        style = self.style[chosen].clone()
        style[turned[:, None] & torch.from_numpy(_TURNS)] *= -1.0
        faces, there = self.recalling(chosen, dice=dice)
        faces[turned] = faces[turned][:, :, :, _MIRRORED] * torch.from_numpy(_SIGNS)
        more = _STRAYS * (torch.randn(len(chosen), 1, generator=dice) + torch.randn(len(chosen), 5, generator=dice))
        values[:, :, FACE_SLICE.start : FACE_SLICE.start + 6] *= more[:, _LIKE].exp()[:, None]
        faces[..., :6] *= more[:, _LIKE].exp()[:, None, None]
        style[:, _GROWS] += more[:, _LIKE] / torch.from_numpy(self.style_scale[_GROWS]).float()
        given = torch.zeros(len(chosen), WINDOW, len(SLICES), dtype=torch.bool)
        way = torch.rand(len(chosen), generator=dice)
        faced = known[:, 0]
        given[faced & (way < 0.86), :, 1] = True
        given[faced & (way > 0.93), :, 0] = True
        given[~faced & (way < 0.5), :, 1] = True
        given[~faced & (way >= 0.5), :, 2] = True
        begun = torch.rand(len(chosen), generator=dice) < 0.6
        given[begun & faced, :CONTEXT, 0] = True
        style = style.clamp(-FARTHEST_STYLE, FARTHEST_STYLE)
        noise = torch.randn(values.shape, generator=dice)
        return Batch(
            values, noise, given, known[:, None] & ~given, style, phrases_of(faces, dice=dice), there & recalls
        )
