"""The torch twin of `perception.words_net`, its batches, and how it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.output import written_beside
from face_emote.perception.words_features import DENIED, denied_in, pair_keys, pieces_of, tokens_of
from face_emote.perception.words_net import NUM_GLANCES

WORD_DROPOUT, PIECE_DROPOUT = 0.1, 0.15
"""Shares of words and of pieces that a lesson leaves out: at run time some are unknown."""
LEVELS = 7
"""Of a weight of the table on each side of 0: four bits, which the file's compression makes use of."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Sentences as the net sees them."""

    vocabulary: tuple[Int[Array, " _piece"], ...]
    """Keys of the pieces of each word that occurs."""
    words: tuple[Int[Array, " _token"], ...]
    """Of each sentence, as indices of the vocabulary."""
    pairs: tuple[Int[Array, " _token"], ...]
    denied: tuple[Bool[Array, " _token"], ...]


def encoded(lines: Sequence[str]) -> Encoded:
    """Sentences in tokens and rows; one without tokens is read as an unknown mark."""
    index: dict[str, int] = {}
    words, pairs, denied = [], [], []
    for line in lines:
        tokens = tokens_of(line) or ["\ufffd"]
        words.append(np.array([index.setdefault(token, len(index)) for token in tokens]))
        pairs.append(pair_keys(tokens))
        denied.append(denied_in(tokens))
    return Encoded(tuple(pieces_of(token) for token in index), tuple(words), tuple(pairs), tuple(denied))


@dataclass(frozen=True, slots=True)
class NetShape:
    """Sizes of a net."""

    rows: int
    """Of the table; a power of 2."""
    dim: int
    channels: int = 96


class TorchWordsNet(nn.Module):
    """Answers for a batch of sentences; see `perception.words_net.WordsNet` for one."""

    def __init__(self, shape: NetShape, *, answers: int, seed: int) -> None:
        """Initial weights follow from the seed alone."""
        super().__init__()
        torch.manual_seed(seed)
        dim, channels = shape.dim, shape.channels
        self.mask = shape.rows - 1
        self.table = nn.EmbeddingBag(shape.rows, dim, mode="sum", sparse=True)
        nn.init.normal_(self.table.weight, 0.0, 0.05)
        self.near = nn.Linear(3 * dim, channels)
        self.wide = nn.Linear(3 * channels, channels)
        self.glance = nn.Linear(channels, NUM_GLANCES, bias=False)
        self.hidden = nn.Linear(dim + 2 * channels, channels)
        self.answer = nn.Linear(channels, answers)
        self.dropout = nn.Dropout(0.3)

    def forward(self, of: Encoded, which: Sequence[int] | Array, *, rng: np.random.Generator | None = None) -> Tensor:
        """Logits of some sentences; with a generator some words and pieces are left out."""
        sentences = [_kept(of, int(i), rng) for i in which]
        lengths = np.array([len(words) for words, _, _ in sentences])
        words = np.concatenate([words for words, _, _ in sentences])
        pairs = torch.from_numpy(np.concatenate([pairs for _, pairs, _ in sentences]))
        denied = torch.from_numpy(np.concatenate([denied for _, _, denied in sentences])).float()
        vectors = self._words(of, words, rng=rng) + self.table(pairs[:, None] & self.mask)
        vectors = vectors + denied[:, None] * self.table(torch.tensor([[DENIED & self.mask]]))
        sentence = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))
        place = torch.from_numpy(np.concatenate([np.arange(length) for length in lengths]))
        shape = len(lengths), int(lengths.max())
        x = torch.zeros(*shape, vectors.shape[1]).index_put((sentence, place), self.dropout(vectors))
        there = torch.zeros(shape, dtype=torch.bool)
        there[sentence, place] = True
        return self._read(x, there, lengths=torch.from_numpy(lengths))

    def _words(self, of: Encoded, words: Int[Array, " word"], *, rng: np.random.Generator | None) -> Tensor:
        distinct, back = np.unique(words, return_inverse=True)
        pieces = [of.vocabulary[i] for i in distinct]
        if rng is not None:
            kept = (rows[rng.random(len(rows)) > PIECE_DROPOUT] for rows in pieces)
            pieces = [some if len(some) else rows[:1] for some, rows in zip(kept, pieces, strict=True)]
        counts = np.array([len(rows) for rows in pieces])
        starts = torch.from_numpy(np.concatenate([[0], counts[:-1].cumsum()]))
        sums: Tensor = self.table(torch.from_numpy(np.concatenate(pieces) & self.mask), starts)
        return (sums / torch.from_numpy(counts).float().sqrt()[:, None])[torch.from_numpy(back)]

    def _read(
        self, x: Float[Tensor, "batch token dim"], there: Tensor, *, lengths: Tensor
    ) -> Float[Tensor, "batch answer"]:
        bag = x.sum(dim=1) / lengths.float().sqrt()[:, None]
        mask = there[..., None]
        y = torch.relu(self.near(_taps(x, 1))) * mask
        y = (y + torch.relu(self.wide(_taps(y, 2)))) * mask
        share = self.glance(y).masked_fill(~mask, -1e4).softmax(dim=1)
        parts = y.chunk(NUM_GLANCES, dim=2)
        seen = [(part * share[..., i : i + 1]).sum(dim=1) for i, part in enumerate(parts)]
        pooled = torch.cat([bag, y.amax(dim=1), *seen], dim=1)  # y is never negative, so what is not there never wins
        answers: Tensor = self.answer(self.dropout(torch.relu(self.hidden(self.dropout(pooled)))))
        return answers

    @torch.no_grad()
    def answers(self, of: Encoded, which: Sequence[int] | Array, *, batch: int = 256) -> Float[Array, "line answer"]:
        """Logits of many sentences, nothing left out."""
        self.eval()
        parts = [self(of, which[i : i + batch]).numpy() for i in range(0, len(which), batch)]
        self.train()
        return np.concatenate(parts)


def _kept(of: Encoded, i: int, rng: np.random.Generator | None) -> tuple[Array, Array, Array]:
    words, pairs, denied = of.words[i], of.pairs[i], of.denied[i]
    if rng is None or len(words) < 4:
        return words, pairs, denied
    kept = rng.random(len(words)) > WORD_DROPOUT
    kept[0] |= not kept.any()
    return words[kept], pairs[kept], denied[kept]


def _taps(x: Float[Tensor, "batch token channel"], apart: int) -> Float[Tensor, "batch token taps"]:
    around = nn.functional.pad(x, (0, 0, apart, apart))
    return torch.cat([around[:, : x.shape[1]], x, around[:, 2 * apart :]], dim=2)


def write_words_net(path: Path, net: TorchWordsNet, *, extra: dict[str, Array]) -> None:
    """Write what `perception.words_net.read_words_net` reads; the net's table is rounded as it is written.

    Raises:
        OutputError: the file cannot be written there.
    """
    table = net.table.weight.detach()
    scale = (table.abs().amax(dim=1) / LEVELS).clamp_min(1e-8).half().float()
    levels = (table / scale[:, None]).round().clamp(-LEVELS, LEVELS)
    net.table.weight.data = levels * scale[:, None]
    arrays: dict[str, Array] = {"table": levels.numpy().astype(np.int8), "scale": scale.numpy().astype(np.float16)}
    for name in ("near", "wide", "glance", "hidden", "answer"):
        layer = getattr(net, name)
        arrays[name] = layer.weight.detach().numpy().T.astype(np.float16)
        if layer.bias is not None:
            arrays[f"{name}_bias"] = layer.bias.detach().numpy().astype(np.float16)
    with written_beside(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays, **extra)  # type: ignore[arg-type]
