"""The three nets that read words, each with its lines, its targets and its loss."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array, Float, Int, UInt8
from face_emote.perception.words import mean_vad
from face_emote.perception.words_features import known_places, tokens_of
from tools.train_words.measure import correlations, fine_figures
from tools.train_words.student import Encoded, NetShape, TorchWordsNet, encoded
from tools.train_words.texts import PLUTCHIK, Sentences

NUM_FINE = 28
KNOWN_BITS = 1 << 19
"""Of the table of known words."""
PLUTCHIK_WEIGHT = 0.4

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Labels:
    """What teachers say of every line."""

    fine: Float[Array, "line fine=28"]
    """Probabilities."""
    vad: Float[Array, "line vad=3"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a net learns."""

    shape: NetShape
    epochs: int = 6
    rate: float = 3e-3
    soft: float = 0.4
    """Share of the teachers' word against that of the labels."""
    batch: int = 128


PLANS = {
    "english": Plan(NetShape(1 << 16, 32), soft=0.65),
    "other": Plan(NetShape(1 << 15, 24), epochs=3, soft=1.0),
    "vad": Plan(NetShape(1 << 15, 16, 64), epochs=7),
}


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A net, what its file holds beside the weights, and its figures."""

    net: TorchWordsNet
    extra: dict[str, Array]
    figures: dict[str, float]


def teach_feelings(sentences: Sentences, labels: Labels | None, *, plan: Plan, seed: int) -> Taught:
    """28 fine words from lines of GoEmotions and XED; Plutchik's eight on the side."""
    part = {name: sentences.part(name) for name in ("train", "check", "test")}
    of = encoded(sentences.lines)
    fine = sentences.fine
    if labels is not None:
        blend = (1.0 - plan.soft) * fine + plan.soft * labels.fine
        fine = np.where(np.isnan(fine), labels.fine, blend).astype(np.float32)
    target = torch.from_numpy(np.concatenate([fine, sentences.plutchik], axis=1))
    net = TorchWordsNet(plan.shape, answers=NUM_FINE + len(PLUTCHIK), seed=seed)
    prior = np.clip(np.nanmean(fine[part["train"]], axis=0), 1e-4, 1.0 - 1e-4)
    net.answer.bias.data[:NUM_FINE] = torch.from_numpy(np.log(prior / (1.0 - prior)))

    def loss(answer: Tensor, which: Array) -> Tensor:
        wanted = target[which]
        told, asked = answer[:, :NUM_FINE], wanted[:, :NUM_FINE]
        total = cross_entropy(told, asked)
        return total + PLUTCHIK_WEIGHT * cross_entropy(answer[:, NUM_FINE:], wanted[:, NUM_FINE:])

    _fit(net, of, np.flatnonzero(part["train"]), loss=loss, plan=plan, seed=seed)
    net.answer.weight.data, net.answer.bias.data = net.answer.weight.data[:NUM_FINE], net.answer.bias.data[:NUM_FINE]
    extra = {
        "prior": prior.astype(np.float32),
        "known": _known([sentences.lines[i] for i in np.flatnonzero(part["train"])]),
    }
    return Taught(net, extra, feelings_figures(net, of, sentences=sentences, labels=labels))


def feelings_figures(
    net: TorchWordsNet, of: Encoded, *, sentences: Sentences, labels: Labels | None
) -> dict[str, float]:
    """F1 on lines that people labelled; for other languages how near the teachers' word is met."""
    pairs = []
    for name in ("check", "test"):
        which = np.flatnonzero(sentences.part(name) & ~np.isnan(sentences.fine[:, 0]))
        if not len(which):
            break
        pairs.append((torch.sigmoid(torch.from_numpy(net.answers(of, which))).numpy(), sentences.fine[which]))
    if len(pairs) == 2:
        return fine_figures(*pairs)
    if labels is None:
        return {}
    which = np.flatnonzero(sentences.part("test"))
    told, taught = net.answers(of, which), labels.fine[which]
    return {"r with the teachers": float(correlations(told, np.log(taught / (1.0 - taught))).mean())}


def teach_vad(sentences: Sentences, labels: Labels | None, *, plan: Plan, seed: int) -> Taught:
    """Valence, arousal and dominance with their deviations, from EmoBank and from what teachers say of other lines."""
    part = {name: sentences.part(name) for name in ("train", "check", "test")}
    rated = ~np.isnan(sentences.vad[:, 0])
    centre, spread = (f(sentences.vad[part["train"] & rated], axis=0) for f in (np.mean, np.std))
    truth = (sentences.vad - centre) / spread
    target = truth if labels is None else np.where(rated[:, None], truth, (labels.vad - centre) / spread)
    learns = np.flatnonzero(part["train"] & ~np.isnan(target[:, 0]))
    goal, is_rated = torch.from_numpy(target.astype(np.float32)), torch.from_numpy(rated.astype(np.float32))
    of = encoded(sentences.lines)
    net = TorchWordsNet(plan.shape, answers=6, seed=seed)

    def loss(answer: Tensor, which: Array) -> Tensor:
        error = (answer[:, :3] - goal[which]).square()
        log_variance = answer[:, 3:].clamp(-4.0, 4.0)
        likelihood = 0.5 * (log_variance + error.detach() * torch.exp(-log_variance)).sum(dim=1)
        people = is_rated[which]  # teachers' word has less spread than people's
        return (error.sum(dim=1) * (1.0 + people) + 0.5 * likelihood * people).mean()

    _fit(net, of, learns, loss=loss, plan=plan, seed=seed)
    test = np.flatnonzero(part["test"] & rated)
    told = net.answers(of, test)
    figures = dict(
        zip(("r valence", "r arousal", "r dominance"), correlations(told, truth[test]).tolist(), strict=True)
    )
    figures |= {"spread of z": float(((told[:, :3] - truth[test]) / np.exp(0.5 * told[:, 3:])).std())}
    return Taught(net, {"gain": _gain(net, of, sentences=sentences)}, figures)


def _gain(net: TorchWordsNet, of: Encoded, *, sentences: Sentences) -> Float[Array, " vad=3"]:
    """Raters stay near the middle: how much wider the lexicon puts the feelings of the same lines."""
    felt = np.nan_to_num(sentences.fine[:, : NUM_FINE - 1]).sum(axis=1) > 0
    which = np.flatnonzero(sentences.part("check") & felt)
    meant = np.stack([mean_vad(np.append(sentences.fine[i], 0.0)) for i in which])
    return np.asarray(meant.std(axis=0) / net.answers(of, which)[:, :3].std(axis=0), np.float32)


def _fit(
    net: TorchWordsNet,
    of: Encoded,
    which: Int[Array, " line"],
    *,
    loss: Callable[[Tensor, Array], Tensor],
    plan: Plan,
    seed: int,
) -> None:
    """Adam with a half cosine; the table's own is sparse."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(of.words[i]) for i in which])
    others = [weight for name, weight in net.named_parameters() if not name.startswith("table")]
    optimisers = (
        (torch.optim.SparseAdam([net.table.weight], plan.rate), plan.rate),
        (torch.optim.AdamW(others, 2e-3, weight_decay=1e-2), 2e-3),
    )
    per_epoch = len(which) // plan.batch
    for epoch in range(plan.epochs):
        total = 0.0
        for step, chosen in enumerate(_batches(which, lengths, size=plan.batch, rng=rng)):
            share = (epoch + step / per_epoch) / plan.epochs
            for optimiser, rate in optimisers:
                optimiser.param_groups[0]["lr"] = rate * (0.5 + 0.5 * np.cos(np.pi * share) + 0.003)
                optimiser.zero_grad()
            value = loss(net(of, chosen, rng=rng), chosen)
            value.backward()
            for optimiser, _ in optimisers:
                optimiser.step()  # type: ignore[no-untyped-call]
            total += float(value.detach())
        logger.info("epoch %d of %d: loss %.3f", epoch + 1, plan.epochs, total / per_epoch)


def _batches(
    which: Int[Array, " line"], lengths: Int[Array, " line"], *, size: int, rng: np.random.Generator
) -> list[Int[Array, " _size"]]:
    """Batches of about equally long lines, in random order."""
    order = rng.permutation(len(which))
    pools = np.array_split(order, max(1, len(which) // (20 * size)))
    order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = [which[order[i : i + size]] for i in range(0, len(which) - size + 1, size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def cross_entropy(told: Tensor, wanted: Tensor) -> Tensor:
    """Sum over the columns of the lines that are labelled, mean over all lines."""
    known = ~torch.isnan(wanted[:, 0])
    if not known.any():
        return told.sum() * 0.0
    one = functional.binary_cross_entropy_with_logits(told[known], wanted[known], reduction="none")
    return one.sum() / len(told)


def _known(lines: list[str]) -> UInt8[Array, " byte"]:
    """A table of bits of the words that stood in two lines or more."""
    counts: dict[str, int] = {}
    for line in lines:
        for token in set(tokens_of(line)):
            counts[token] = counts.get(token, 0) + 1
    bits = np.zeros(KNOWN_BITS, bool)
    for token, count in counts.items():
        if count > 1:
            bits[list(known_places(token, KNOWN_BITS))] = True
    return np.packbits(bits)
