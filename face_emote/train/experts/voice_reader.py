"""Train the reader of voices: `python -m face_emote.train.experts.voice_reader CACHE -o voice.safetensors`.

CACHE is what `voice_clips` made. Every actor is first judged by a reader that has not heard that actor; from those
answers come the figures of the card and the reader's calibration. The reader that is written has heard them all.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array, Float, Int
from face_emote.network.convnet import Conv, ConvNetSpec, ExpertFile, write_expert
from face_emote.perception.voice import (
    BURSTS,
    CLASS_VAD,
    CLASSES,
    FARTHEST,
    KINDS,
    NUM_ANSWERS,
    SD,
    VAD,
    VOICE_CLASSES,
    VoiceReader,
    softmax,
)
from face_emote.train.experts.torch_convnet import FitConfig, TorchConvNet, fit, set_normalisation
from face_emote.train.experts.voice_clips import CLEAN, read_heard
from face_emote.train.experts.voice_lessons import Examples, Lessons, joined, lessons_of

HIDDEN, DROPOUT = 192, 0.4
FIT = FitConfig(steps=1200, rate=2e-3, weight_decay=0.1)
BATCH = 96
NOISE, SMOOTHING, MIXUP = 0.15, 0.05, 0.4
TALKER_SHIFT = 0.5
"""How far an example is moved towards another talker's mean, at most."""
BURST_WEIGHT = 0.6
UNSEEN_EVERY = 5
"""EmoGator's talkers whose number divides by it only measure."""

logger = logging.getLogger(__name__)


def taught(lessons: Lessons, *, without: int | None, seed: int) -> TorchConvNet:
    """A net that has heard every actor, or all but one.

    People who read aloud count as neutral: actors alone would have every plain voice taken for a feeling.
    """
    voices = lessons.voices if without is None else lessons.voices.where(lessons.voices.talker != without)
    sounds = lessons.sounds.where(lessons.sounds.talker % UNSEEN_EVERY != 0) if without is not None else lessons.sounds
    spec = ConvNetSpec(inputs=voices.figures.shape[1], convs=(Conv(HIDDEN), Conv(NUM_ANSWERS)))
    net = TorchConvNet(spec, generator=torch.Generator().manual_seed(seed))
    set_normalisation(net, torch.from_numpy(voices.figures))
    mean, scale = (values.numpy() for values in (net.mean, net.scale))
    voices, sounds = (
        replace(part, figures=np.clip((part.figures - mean) / scale, -FARTHEST, FARTHEST)) for part in (voices, sounds)
    )
    talkers = _talker_means(voices)
    plain = sounds.where(sounds.label == len(BURSTS))
    own = joined([voices, replace(plain, label=np.zeros_like(plain.label))])
    others = joined([sounds, replace(voices, label=np.full_like(voices.label, len(BURSTS)))])
    groups = [[np.flatnonzero(part.label == c) for c in np.unique(part.label)] for part in (own, others)]

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([seed, step])
        voice = _drawn(groups[0], rng)
        rows = own.figures[voice] + TALKER_SHIFT * rng.random((BATCH, 1)) * _difference(talkers, rng)
        share = rng.beta(MIXUP, MIXUP, (BATCH, 1))
        pair = rng.permutation(BATCH)
        rows = share * rows + (1.0 - share) * rows[pair]
        classes = np.eye(len(VOICE_CLASSES))[own.label[voice]]
        classes = share * classes + (1.0 - share) * classes[pair]
        sound = _drawn(groups[1], rng)
        both = np.concatenate([rows, others.figures[sound]])
        answers = _answers(net, both + rng.normal(0.0, NOISE, both.shape), rng=rng)
        said = functional.cross_entropy(answers[BATCH:, KINDS], torch.from_numpy(others.label[sound]))
        return _voice_loss(answers[:BATCH], classes) + BURST_WEIGHT * said

    fit(net, loss_at=loss, config=FIT, report=logger.debug)
    return net


def _drawn(groups: list[Array], rng: np.random.Generator) -> Int[Array, " example"]:
    """A batch in which every class is as frequent as the others."""
    chosen = rng.integers(0, len(groups), BATCH)
    place = rng.random(BATCH)
    return np.array([groups[c][int(p * len(groups[c]))] for c, p in zip(chosen, place, strict=True)])


def _talker_means(voices: Examples) -> Float[Array, "talker figure"]:
    """Means of the class means of each talker."""
    means = []
    for talker in np.unique(voices.talker):
        own = voices.talker == talker
        classes = np.unique(voices.label[own])
        means.append(np.mean([voices.figures[own & (voices.label == c)].mean(axis=0) for c in classes], axis=0))
    return np.stack(means)


def _difference(talkers: Float[Array, "talker figure"], rng: np.random.Generator) -> Float[Array, "example figure"]:
    first, second = rng.integers(0, len(talkers), (2, BATCH))
    return np.asarray(talkers[first] - talkers[second])


def _answers(net: TorchConvNet, rows: Float[Array, "example figure"], *, rng: np.random.Generator) -> Tensor:
    """Of normalised rows, with units of the hidden layer left out at random."""
    hidden = functional.relu(torch.from_numpy(rows.astype(np.float32)) @ net.kernels[0][0] + net.biases[0])
    kept = torch.from_numpy((rng.random((len(rows), HIDDEN)) >= DROPOUT).astype(np.float32) / (1.0 - DROPOUT))
    answers: Tensor = hidden * kept @ net.kernels[1][0] + net.biases[1]
    return answers


def _voice_loss(answers: Tensor, classes: Float[Array, "example voice_class"]) -> Tensor:
    """Cross-entropy of the classes, and the likelihood of their VAD under the mean and deviation that are answered."""
    soft = torch.from_numpy(((1.0 - SMOOTHING) * classes + SMOOTHING / classes.shape[1]).astype(np.float32))
    vad = torch.from_numpy((classes @ CLASS_VAD).astype(np.float32))
    named = -(soft * answers[:, CLASSES].log_softmax(dim=1)).sum(dim=1).mean()
    log_sd = answers[:, SD].clamp(-3.0, 1.0)
    return named + 0.5 * (log_sd + 0.5 * (vad - answers[:, VAD]) ** 2 * torch.exp(-2.0 * log_sd)).mean()


def reader_of(nets: Sequence[TorchConvNet]) -> VoiceReader:
    """A reader that is not calibrated yet."""
    classes, vad = len(VOICE_CLASSES), np.ones(3)
    return VoiceReader(tuple(net.in_numpy() for net in nets), 1.0, bias=np.zeros(classes), vad_gain=vad, sd_gain=vad)


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """What is said of windows by readers that have not heard their talkers."""

    windows: Examples
    answers: Float[Array, "window answer=24"]
    """Of the nets, as they are: logits, VAD, logarithms of deviations, logits."""

    def of_clips(self) -> tuple[Float[Array, "clip voice_class"], Float[Array, "clip vad"], Int[Array, " clip"]]:
        """Logits, VAD and truth of clips: the means of their windows."""
        order = np.unique(self.windows.clip)
        own = [self.windows.clip == clip for clip in order]
        means = np.stack([self.answers[where].mean(axis=0) for where in own])
        vad = 0.5 * (means[:, VAD] + softmax(means[:, CLASSES]) @ CLASS_VAD)
        return means[:, CLASSES], vad, np.array([self.windows.label[where][0] for where in own])


def judged_unseen(lessons: Lessons, *, seeds: int) -> tuple[dict[str, Unseen], float]:
    """Every actor heard by readers taught without that actor; and how well bursts of unseen talkers are named."""
    found: dict[str, list[tuple[Examples, Array]]] = {kind: [] for kind in lessons.windows}
    bursts = lessons.sounds.where((lessons.sounds.talker % UNSEEN_EVERY == 0) & (lessons.sounds.label < len(BURSTS)))
    named = []
    for talker in np.unique(lessons.voices.talker):
        nets = [taught(lessons, without=int(talker), seed=seed) for seed in range(seeds)]
        reader = reader_of(nets)
        for kind, windows in lessons.windows.items():
            own = windows.where(windows.talker == talker)
            found[kind].append((own, reader.raw(own.figures)))
        named.append(mean_recall(reader.raw(bursts.figures)[:, KINDS][:, :-1], bursts.label))
        logger.info("actor %02d judged, bursts %.3f", talker, named[-1])
    return {kind: Unseen(joined([e for e, _ in parts]), np.concatenate([a for _, a in parts]))
            for kind, parts in found.items()}, float(np.mean(named))  # fmt: skip


def mean_recall(scores: Float[Array, "row label"], truth: Int[Array, " row"]) -> float:
    """Share of every class that is named right, averaged over classes."""
    right = scores.argmax(axis=1) == truth
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def figures_of(unseen: Unseen) -> dict[str, float]:
    """Mean recall of the seven classes, concordance of arousal, how often joy is more positive than a bad feeling."""
    logits, vad, truth = unseen.of_clips()
    wanted = CLASS_VAD[truth]
    a, b = vad[:, 1], wanted[:, 1]
    concordance = 2.0 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    names = np.array(VOICE_CLASSES)[truth]
    good, bad = vad[names == "joy", 0], vad[np.isin(names, ("sadness", "fear", "disgust", "anger")), 0]
    return {
        "recall": mean_recall(logits, truth),
        "arousal": float(concordance),
        "valence": float((good[:, None] > bad).mean()),
    }


def calibrated(reader: VoiceReader, heard: Unseen) -> VoiceReader:
    """Vector scaling of the classes, and gains of VAD and of its deviations, from answers on unseen actors."""
    logits, truth = heard.answers[:, CLASSES], heard.windows.label

    def badness(values: Array) -> float:
        shares = softmax(np.exp(values[0]) * logits + values[1:])
        return float(-np.log(shares[np.arange(len(truth)), truth] + 1e-9).mean() + 0.002 * (values**2).sum())

    best = minimize(badness, np.zeros(logits.shape[1] + 1), method="L-BFGS-B").x
    classes = softmax(np.exp(best[0]) * logits + best[1:])
    felt, wanted = 0.5 * (heard.answers[:, VAD] + classes @ CLASS_VAD), CLASS_VAD[truth]
    gain = np.clip((felt * wanted).sum(axis=0) / (felt**2).sum(axis=0), 0.7, 1.3)
    spread = np.sqrt((((wanted - gain * felt) / np.exp(np.clip(heard.answers[:, SD], -3.0, 1.0))) ** 2).mean(axis=0))
    return replace(reader, sharpness=float(np.exp(best[0])), bias=best[1:], vad_gain=gain, sd_gain=spread)


def write_reader(reader: VoiceReader, path: Path, *, card: str) -> None:
    """Keep a reader in a file."""
    extras = {"sharpness": np.array([reader.sharpness]), "bias": reader.bias, "vad_gain": reader.vad_gain,
              "sd_gain": reader.sd_gain}  # fmt: skip
    stacks = {f"net{i}": net for i, net in enumerate(reader.nets)}
    write_expert(ExpertFile(path, kind="voice_reader", stacks=stacks, extras=extras, labels=VOICE_CLASSES, card=card))


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge by leaving actors out, calibrate, teach with all, write."""
    parser = argparse.ArgumentParser(prog="python -m face_emote.train.experts.voice_reader")
    parser.add_argument("cache", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2, help="nets whose answers are averaged")
    parser.add_argument("--unseen", type=Path, help="keep the answers on unseen actors, for whoever fits the gates")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    lessons = lessons_of(read_heard(given.cache))
    unseen, bursts = judged_unseen(lessons, seeds=given.seeds)
    lines = [f"bursts: mean recall of {len(BURSTS)}, unseen talkers {bursts:.3f}"]
    for kind, heard in unseen.items():
        lines.append(f"{kind}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures_of(heard).items()))
    logger.info("%s", "\n".join(lines))
    reader = calibrated(reader_of([]), pooled(unseen))
    logits, vad, truth = unseen[CLEAN].of_clips()
    if given.unseen is not None:
        np.savez(given.unseen, logits=reader.sharpness * logits + reader.bias, vad=vad, truth=truth)
    nets = [taught(lessons, without=None, seed=seed) for seed in range(given.seeds)]
    write_reader(replace(reader, nets=reader_of(nets).nets), given.output, card="\n".join(lines))
    return 0


def pooled(unseen: dict[str, Unseen]) -> Unseen:
    """All disturbances together, so that the reader is as sure as it may be of a recording that nobody knows."""
    parts = list(unseen.values())
    return Unseen(joined([part.windows for part in parts]), np.concatenate([part.answers for part in parts]))


if __name__ == "__main__":
    sys.exit(main())
