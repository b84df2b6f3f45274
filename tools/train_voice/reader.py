"""Train the reader of voices: `python -m tools.train_voice.reader CACHE -o voice.safetensors`.

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

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.network.convnet import Conv, ConvNetSpec, ExpertFile
from face_emote.perception.voice import (
    BURSTS,
    CLASS_VAD,
    CLASSES,
    FARTHEST,
    KINDS,
    NUM_SOUND,
    NUM_VOICE,
    SD,
    VAD,
    VOICE_CLASSES,
    VoiceReader,
    softmax,
)
from tools.train_judges.torch_convnet import FitConfig, TorchConvNet, fit, set_normalisation, write_expert
from tools.train_voice.clips import CLEAN, read_heard
from tools.train_voice.lessons import Examples, Lessons, joined, lessons_of

HIDDEN, DROPOUT = 128, 0.4
QUIET_START = (0.4, 0.6)
"""Of the usual spread of the first weights of both layers: with so few examples what they start with stays."""
FIT = FitConfig(steps=800, rate=2e-3, weight_decay=0.1, warmup=1, clip=100.0)
SOUND_FIT = replace(FIT, steps=1500)
BATCH = 96
NOISE, LOST, SMOOTHING, MIXUP = 0.15, 0.1, 0.05, 0.4
TALKER_SHIFT = 0.25
"""How far an example is moved towards another talker's mean, at most."""
PLAIN_SHARE = 0.15
"""Of the neutral examples: people who read aloud."""
UNSEEN_EVERY = 5
"""EmoGator's talkers whose number divides by it only measure."""

logger = logging.getLogger(__name__)


def taught_voice(lessons: Lessons, *, without: int | None, seed: int) -> TorchConvNet:
    """A net for classes and VAD that has heard every actor, or all but one.

    People who read aloud count as neutral: actors alone would have every plain voice taken for a feeling.
    """
    voices = lessons.voices if without is None else lessons.voices.where(lessons.voices.talker != without)
    net = _untaught(voices, NUM_VOICE, seed=seed)
    voices, plain = (_normalised(part, net) for part in (voices, lessons.sounds.where(_is_plain(lessons.sounds))))
    groups = [np.flatnonzero(voices.label == c) for c in range(len(VOICE_CLASSES))]
    talkers = _talker_means(voices)

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([seed, step])
        chosen = _drawn(groups, rng)
        label = voices.label[chosen]
        rows = voices.figures[chosen] + TALKER_SHIFT * rng.random((BATCH, 1)) * _difference(talkers, rng)
        read = (label == 0) & (rng.random(BATCH) < PLAIN_SHARE)
        rows[read] = plain.figures[rng.integers(0, len(plain.label), int(read.sum()))]
        share, pair = rng.beta(MIXUP, MIXUP, (BATCH, 1)), rng.permutation(BATCH)
        rows = share * rows + (1.0 - share) * rows[pair] + rng.normal(0.0, NOISE, rows.shape)
        classes = np.eye(len(VOICE_CLASSES))[label]
        return _voice_loss(_answers(net, rows, rng=rng), share * classes + (1.0 - share) * classes[pair])

    fit(net, loss_at=loss, config=FIT, report=logger.debug)
    return net


def taught_sounds(lessons: Lessons, *, seed: int, hold_out: bool) -> TorchConvNet:
    """A net that tells bursts apart, and from speech; `hold_out`: some talkers are kept to measure with."""
    speech = replace(lessons.voices, label=np.full_like(lessons.voices.label, len(BURSTS)))
    sounds = joined([lessons.sounds.where(~_is_unseen(lessons.sounds)) if hold_out else lessons.sounds, speech])
    net = _untaught(sounds, NUM_SOUND, seed=seed)
    sounds = _normalised(sounds, net)
    groups = [np.flatnonzero(sounds.label == c) for c in range(NUM_SOUND)]

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([seed, 1, step])
        chosen = _drawn(groups, rng)
        share, pair = rng.beta(MIXUP, MIXUP, (BATCH, 1)), rng.permutation(BATCH)
        rows = sounds.figures[chosen]
        rows = share * rows + (1.0 - share) * rows[pair] + rng.normal(0.0, NOISE, rows.shape)
        classes = np.eye(NUM_SOUND)[sounds.label[chosen]]
        classes = share * classes + (1.0 - share) * classes[pair]
        return _named(_answers(net, rows, rng=rng), classes)

    fit(net, loss_at=loss, config=SOUND_FIT, report=logger.debug)
    return net


def _untaught(examples: Examples, answers: int, *, seed: int) -> TorchConvNet:
    spec = ConvNetSpec(inputs=examples.figures.shape[1], convs=(Conv(HIDDEN), Conv(answers)))
    net = TorchConvNet(spec, generator=torch.Generator().manual_seed(seed))
    set_normalisation(net, torch.from_numpy(examples.figures))
    with torch.no_grad():
        for kernel, share in zip(net.kernels, QUIET_START, strict=True):
            kernel.mul_(share)
    return net


def _normalised(examples: Examples, net: TorchConvNet) -> Examples:
    rows = (examples.figures - net.mean.numpy()) / net.scale.numpy()
    return replace(examples, figures=np.clip(rows, -FARTHEST, FARTHEST))


def _is_plain(sounds: Examples) -> Bool[Array, " example"]:
    return np.asarray(sounds.label == len(BURSTS))


def _is_unseen(sounds: Examples) -> Bool[Array, " example"]:
    return np.asarray((sounds.talker % UNSEEN_EVERY == 0) & (sounds.label < len(BURSTS)))


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
    """Of normalised rows, with some of them and of the hidden units left out at random."""
    rows = rows * (rng.random(rows.shape) >= LOST) / (1.0 - LOST)
    hidden = functional.relu(torch.from_numpy(rows.astype(np.float32)) @ net.kernels[0][0] + net.biases[0])
    kept = torch.from_numpy((rng.random((len(rows), HIDDEN)) >= DROPOUT).astype(np.float32) / (1.0 - DROPOUT))
    answers: Tensor = hidden * kept @ net.kernels[1][0] + net.biases[1]
    return answers


def _voice_loss(answers: Tensor, classes: Float[Array, "example voice_class"]) -> Tensor:
    """Cross-entropy of the classes, and the likelihood of their VAD under the mean and deviation that are answered."""
    vad = torch.from_numpy((classes @ CLASS_VAD).astype(np.float32))
    log_sd = answers[:, SD].clamp(-3.0, 1.0)
    return (
        _named(answers[:, CLASSES], classes)
        + 0.5 * (log_sd + 0.5 * (vad - answers[:, VAD]) ** 2 * torch.exp(-2.0 * log_sd)).mean()
    )


def _named(logits: Tensor, classes: Float[Array, "example label"]) -> Tensor:
    """Cross-entropy, with a share of doubt."""
    soft = torch.from_numpy(((1.0 - SMOOTHING) * classes + SMOOTHING / classes.shape[1]).astype(np.float32))
    return -(soft * logits.log_softmax(dim=1)).sum(dim=1).mean()


def reader_of(nets: Sequence[TorchConvNet], sounds: Sequence[TorchConvNet]) -> VoiceReader:
    """A reader that is neither calibrated yet nor knows what people are like."""
    voice, sound = (tuple(net.in_numpy() for net in group) for group in (nets, sounds))
    width = nets[0].spec.inputs if nets else 0
    return VoiceReader(
        voice, sound, 1.0, bias=np.zeros(len(VOICE_CLASSES)), vad_gain=np.ones(3), sd_gain=np.ones(3),
        people=np.zeros(width), class_shift=np.zeros((len(VOICE_CLASSES), width)),
    )  # fmt: skip


def knowing_people(reader: VoiceReader, voices: Examples) -> VoiceReader:
    """A reader that can tell a talker from a feeling: what people are like, and what each class adds."""
    means = np.full((len(np.unique(voices.talker)), len(VOICE_CLASSES), voices.figures.shape[1]), np.nan)
    for own, talker in zip(means, np.unique(voices.talker), strict=True):
        for label in range(len(VOICE_CLASSES)):
            chosen = (voices.talker == talker) & (voices.label == label)
            if chosen.any():
                own[label] = voices.figures[chosen].mean(axis=0)
    talkers = np.nanmean(means, axis=1)
    return replace(
        reader, people=talkers.mean(axis=0), class_shift=np.nanmean(means - talkers[:, None], axis=0)
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """What is said of windows by readers that have not heard their talkers."""

    windows: Examples
    answers: Float[Array, "window answer=24"]
    """Of the nets, as they are: logits, VAD, logarithms of deviations, logits."""

    def of_clips(
        self, gain: Float[Array, " vad=3"]
    ) -> tuple[Float[Array, "clip voice_class"], Float[Array, "clip vad"], Int[Array, " clip"]]:
        """Logits, VAD and truth of clips: the means of their windows."""
        order = np.unique(self.windows.clip)
        own = [self.windows.clip == clip for clip in order]
        means = np.stack([self.answers[where].mean(axis=0) for where in own])
        vad = 0.5 * gain * (means[:, VAD] + softmax(means[:, CLASSES]) @ CLASS_VAD)
        return means[:, CLASSES], vad, np.array([self.windows.label[where][0] for where in own])


def judged_unseen(lessons: Lessons, *, seeds: int) -> tuple[dict[str, Unseen], float]:
    """Every actor heard by readers taught without that actor; and how well bursts of unseen talkers are named."""
    found: dict[str, list[tuple[Examples, Array]]] = {kind: [] for kind in lessons.windows}
    bursts = lessons.sounds.where(_is_unseen(lessons.sounds))
    sounds = [taught_sounds(lessons, seed=seed, hold_out=True) for seed in range(seeds)]
    for talker in np.unique(lessons.voices.talker):
        reader = reader_of([taught_voice(lessons, without=int(talker), seed=seed) for seed in range(seeds)], sounds)
        for kind, windows in lessons.windows.items():
            own = windows.where(windows.talker == talker)
            found[kind].append((own, reader.raw(own.figures)))
        logger.info("actor %02d judged", talker)
    named = mean_recall(reader.raw(bursts.figures)[:, KINDS][:, :-1], bursts.label)
    return {kind: Unseen(joined([e for e, _ in parts]), np.concatenate([a for _, a in parts]))
            for kind, parts in found.items()}, named  # fmt: skip


def mean_recall(scores: Float[Array, "row label"], truth: Int[Array, " row"]) -> float:
    """Share of every class that is named right, averaged over classes."""
    right = scores.argmax(axis=1) == truth
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def figures_of(unseen: Unseen, gain: Float[Array, " vad=3"]) -> dict[str, float]:
    """Mean recall of the seven classes, concordance of arousal, how often joy is more positive than a bad feeling."""
    logits, vad, truth = unseen.of_clips(gain)
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
              "sd_gain": reader.sd_gain, "people": reader.people, "class_shift": reader.class_shift}  # fmt: skip
    stacks = {f"voice{i}": net for i, net in enumerate(reader.nets)}
    stacks |= {f"sound{i}": net for i, net in enumerate(reader.sounds)}
    write_expert(ExpertFile(path, kind="voice_reader", stacks=stacks, extras=extras, labels=VOICE_CLASSES, card=card))


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge by leaving actors out, calibrate, teach with all, write."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_voice.reader")
    parser.add_argument("cache", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, help="nets whose answers are averaged")
    parser.add_argument("--unseen", type=Path, help="keep the answers on unseen actors, for whoever fits the gates")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    lessons = lessons_of(read_heard(given.cache))
    unseen, bursts = judged_unseen(lessons, seeds=given.seeds)
    reader = calibrated(reader_of([], []), pooled(unseen))
    lines = [f"bursts: mean recall of {len(BURSTS)}, unseen talkers {bursts:.3f}"]
    for kind, heard in unseen.items():
        figures = figures_of(heard, reader.vad_gain)
        lines.append(f"{kind}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    logger.info("%s", "\n".join(lines))
    logits, vad, truth = unseen[CLEAN].of_clips(reader.vad_gain)
    if given.unseen is not None:
        np.savez(given.unseen, logits=reader.sharpness * logits + reader.bias, vad=vad, truth=truth)
    nets = [taught_voice(lessons, without=None, seed=seed) for seed in range(given.seeds)]
    sounds = [taught_sounds(lessons, seed=seed, hold_out=False) for seed in range(given.seeds)]
    whole = reader_of(nets, sounds)
    reader = knowing_people(reader, lessons.voices)
    write_reader(replace(reader, nets=whole.nets, sounds=whole.sounds), given.output, card="\n".join(lines))
    return 0


def pooled(unseen: dict[str, Unseen]) -> Unseen:
    """All disturbances together, so that the reader is as sure as it may be of a recording that nobody knows."""
    parts = list(unseen.values())
    return Unseen(joined([part.windows for part in parts]), np.concatenate([part.answers for part in parts]))


if __name__ == "__main__":
    sys.exit(main())
