"""What a straight line can read from the encoder: `python -m tools.train_encoder.probe CACHE VOICES DIR [--face FILE]`.

DIR is what `teach` wrote. Linear probes (multinomial logistic and ridge regressions of one fixed strength) read
feelings from the encoder in its stages, from plain figures and from hidden layers of the readers that are shipped,
always on talkers, sentences and performances that neither probe nor encoder has learnt from. Of EmoDB's actors two at
a time measure.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import EMOTIONS
from face_emote.network.convnet import ConvNet
from face_emote.perception.encoder import EncoderSpec
from face_emote.perception.encoder_inputs import no_tokens
from face_emote.perception.feelings_file import VAD as VAD_NAMES
from face_emote.perception.voice import BURSTS, CLASS_VAD, FARTHEST, VOICE_CLASSES, softmax
from tools.train_encoder.lessons import BOTH_KNOW, alongside, cut
from tools.train_encoder.moments import Moment, read_moments
from tools.train_encoder.teach import FOLDS, Pupil, read_pupil
from tools.train_encoder.ways import Reads, encoded_by, hidden_layers, plain_figures, untaught, voice_figures
from tools.train_voice.clips import CLEAN, VARIED, read_heard
from tools.train_voice.lessons import Lessons, lessons_of
from tools.train_voice.reader import mean_recall, taught_voice

STRENGTH = 0.01
"""Of both regressions' penalty, on standardised columns: what is best for plain figures."""
SEEDS = 3
NEAREST = 5
BAD = ("sadness", "fear", "disgust", "anger")
UTTERANCES = (2400, 600)
"""Voices and words put together in each fold: to learn from, to measure."""
CASES = (0.40, 0.25, 0.20, 0.15)
"""As `tools.train_voice.gates`: agree, neutral words, neutral voice, contradict (the voice is right)."""

logger = logging.getLogger(__name__)


def logistic(
    rows: Float[Array, "row column"], label: Int[Array, " row"], *, count: int
) -> Float[Array, "column1 label"]:
    """Weights of a multinomial regression in which every class is as heavy as the others; the last row is the bias."""
    share = 1.0 / np.bincount(label, minlength=count).clip(1)[label] / len(np.unique(label))
    wanted = np.eye(count, dtype=np.float32)[label]
    columns = np.concatenate([rows, np.ones((len(rows), 1))], axis=1).astype(np.float32)

    def badness(flat: Array) -> tuple[float, Array]:
        weights = flat.reshape(columns.shape[1], count).astype(np.float32)
        logits = columns @ weights
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        shares /= shares.sum(axis=1, keepdims=True)
        loss = -(share * np.log(shares[np.arange(len(label)), label] + 1e-9)).sum()
        slope = columns.T @ ((shares - wanted) * share[:, None]).astype(np.float32) + STRENGTH * weights
        return float(loss + 0.5 * STRENGTH * (weights**2).sum()), slope.ravel().astype(np.float64)

    start = np.zeros(columns.shape[1] * count)
    found: Array = minimize(badness, start, jac=True, method="L-BFGS-B", options={"maxiter": 150}).x
    return found.reshape(-1, count)


def ridge(rows: Float[Array, "row column"], wanted: Float[Array, "row value"]) -> Float[Array, "column1 value"]:
    """Weights of a ridge regression; the last row is the bias."""
    middle = wanted.mean(axis=0)
    square = rows.T @ rows / len(rows) + 10.0 * STRENGTH * np.eye(rows.shape[1])
    found: Array = np.linalg.solve(square, rows.T @ (wanted - middle) / len(rows))
    return np.concatenate([found, middle[None]])


def said(weights: Float[Array, "column1 value"], rows: Float[Array, "row column"]) -> Float[Array, "row value"]:
    """Answers of either regression."""
    return np.asarray(rows @ weights[:-1] + weights[-1])


def standard(learnt: Array, measured: Array) -> tuple[Array, Array]:
    """Both in deviations of the first."""
    mean, spread = learnt.mean(axis=0), np.maximum(learnt.std(axis=0), 1e-6)
    return np.clip((learnt - mean) / spread, -6.0, 6.0), np.clip((measured - mean) / spread, -6.0, 6.0)


def concordance(a: Float[Array, " row"], b: Float[Array, " row"]) -> float:
    """Lin's."""
    return float(2.0 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2))


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Moments by what is asked of them."""

    acted: list[Moment]
    bursts: list[Moment]
    named: list[Moment]
    rated: list[Moment]
    faces: list[Moment]

    @classmethod
    def of(cls, moments: Sequence[Moment]) -> "Data":
        """All of them, but for training sentences, of which there are too many."""
        rng = np.random.default_rng(0)
        named = [m for m in moments if m.corpus == "goemotions" and m.label and (m.measures or rng.random() < 0.3)]
        faces = [m for m in moments if m.corpus == "performed"]
        return cls(
            acted=[m for m in moments if m.corpus == "emodb" and m.kind in (CLEAN, VARIED)],
            bursts=[m for m in moments if m.corpus == "emogator" and m.kind == CLEAN],
            named=named,
            rated=[m for m in moments if m.corpus == "emobank"],
            faces=[replace(m, tracks=(*map(no_tokens, range(4)), m.tracks[4])) for m in faces],
        )


def alike(asked: Array, others: Array, *, label: Int[Array, " asked"], of_others: Int[Array, " other"]) -> float:
    """Share of the five nearest others (by angle) that feel the same."""
    angles = asked @ others.T / np.linalg.norm(others, axis=1)
    nearest = np.argsort(-angles, axis=1)[:, :NEAREST]
    return float((of_others[nearest] == label[:, None]).mean())


def actors_told(data: Data, reads: Sequence[Reads]) -> dict[str, float]:
    """EmoDB: seven classes and VAD of every actor by what has not heard that actor; one way to read for each fold."""
    names, vads, truth, wanted, near = [], [], [], [], []
    for fold, read in zip(FOLDS, reads, strict=True):
        learnt = [m for m in data.acted if m.talker not in fold]
        measured = [m for m in data.acted if m.talker in fold and m.kind == CLEAN]
        rows, asked = standard(read(learnt), read(measured))
        label = np.array([VOICE_CLASSES.index(m.label) for m in learnt])
        names.append(said(logistic(rows, label, count=len(VOICE_CLASSES)), asked))
        vads.append(said(ridge(rows, np.stack([m.vad for m in learnt])), asked))
        truth.append(np.array([VOICE_CLASSES.index(m.label) for m in measured]))
        clean = np.array([m.kind == CLEAN for m in learnt])
        near.append(alike(asked, rows[clean], label=truth[-1], of_others=label[clean]))
        wanted.append(np.stack([m.vad for m in measured]))
    vad, known = np.concatenate(vads), np.concatenate(wanted)
    found = {"voice, 7 classes": mean_recall(np.concatenate(names), np.concatenate(truth))}
    found["voice, nearest five alike"] = float(np.mean(near))
    return found | {f"voice, {axis}": concordance(vad[:, i], known[:, i]) for i, axis in enumerate(VAD_NAMES)}


def told(name: str, moments: Sequence[Moment], read: Reads, labels: Sequence[str]) -> dict[str, float]:
    """Classes of what was kept back."""
    chosen = [m for m in moments if m.label in labels]
    keep = np.array([m.measures for m in chosen])
    rows = read(chosen)
    learnt, asked = standard(rows[~keep], rows[keep])
    label = np.array([labels.index(m.label) for m in chosen])
    answers = said(logistic(learnt, label[~keep], count=len(labels)), asked)
    own, count = label[keep], len(np.unique(label))
    half = np.random.default_rng(0).random(len(own)) < 0.5
    near = alike(asked[half], asked[~half], label=own[half], of_others=own[~half])
    return {f"{name}, {count} classes": mean_recall(answers, own), f"{name}, nearest five alike": near}


def rated(name: str, moments: Sequence[Moment], read: Reads) -> dict[str, float]:
    """VAD of what was kept back."""
    keep = np.array([m.measures and m.kind != "train" for m in moments])
    rows, wanted = read(moments), np.stack([m.vad for m in moments])
    learnt, asked = standard(rows[~keep], rows[keep])
    answers = said(ridge(learnt, wanted[~keep]), asked)
    return {f"{name}, {a}": concordance(answers[:, i], wanted[keep][:, i]) for i, a in enumerate(VAD_NAMES)}


def utterances(
    data: Data, fold: Sequence[str], *, measures: bool, rng: np.random.Generator
) -> tuple[list[Moment], Int[Array, " utterance"]]:
    """Voices with words and a face that agree or do not, and what is felt: the convention of `tools.train_voice.gates`.

    The face shows what is felt in one half, and nothing in the other.
    """
    voices = [m for m in data.acted if (m.talker in fold) == measures and (m.kind == CLEAN or not measures)]
    words, faces = ([m for m in part if m.measures == measures] for part in (data.named, data.faces))
    found, truths = [], []
    for case in rng.choice(len(CASES), UTTERANCES[measures], p=CASES):
        truth = heard = read = str(rng.choice(BOTH_KNOW))
        if truth != "neutral" and case == 1:
            read = "neutral"
        elif truth != "neutral" and case == 2:
            heard = "neutral"
        elif truth != "neutral" and case == 3:
            read = str(rng.choice(BOTH_KNOW[2:])) if truth == "joy" else "joy"
        seen = truth if rng.random() < 0.5 else "neutral"
        voice, line, face = (
            own[int(rng.integers(len(own)))]
            for own in ([m for m in part if m.label == name]
                        for part, name in ((voices, heard), (words, read), (faces, seen)))
        )  # fmt: skip
        tracks = alongside(voice, line, face, rng=rng, chunk=EncoderSpec().chunk)
        found.append(replace(voice, tracks=tracks, line=line.line))
        truths.append(BOTH_KNOW.index(truth))
    return found, np.array(truths)


SENSES_GIVEN = {
    "voice": (0, 1),
    "words": (2, 3),
    "voice + words": (0, 1, 2, 3),
    "voice + words + face": (0, 1, 2, 3, 4),
}


def together_told(data: Data, reads: Sequence[Reads]) -> dict[str, float]:
    """Six emotions of utterances, of which all or some of the senses are given."""
    right: dict[str, list[float]] = {name: [] for name in SENSES_GIVEN}
    for i, (fold, read) in enumerate(zip(FOLDS, reads, strict=True)):
        sides = [utterances(data, fold, measures=side, rng=np.random.default_rng([i, side])) for side in (False, True)]
        for name, kinds in SENSES_GIVEN.items():
            rows = [read([given(m, kinds) for m in moments]) for moments, _ in sides]
            learnt, asked = standard(*rows)
            weights = logistic(learnt, sides[0][1], count=len(BOTH_KNOW))
            right[name].append(float((said(weights, asked).argmax(axis=1) == sides[1][1]).mean()))
    return {f"together, {name}": float(np.mean(values)) for name, values in right.items()}


def given(moment: Moment, kinds: Sequence[int]) -> Moment:
    """Only some kinds of tokens."""
    tracks = tuple(track if k in kinds else no_tokens(k) for k, track in enumerate(moment.tracks))
    return replace(moment, tracks=tracks, line=moment.line if 2 in kinds else "")


def judged(data: Data, reads: Sequence[Reads]) -> dict[str, float]:
    """All figures of one way to read (a twin of it for each fold)."""
    read = reads[0]
    return (
        actors_told(data, reads)
        | told("bursts", data.bursts, read, BURSTS)
        | told("words", data.named, read, EMOTIONS)
        | rated("words", data.rated, read)
        | told("face", data.faces, read, EMOTIONS)
        | rated("face", data.faces, read)
        | together_told(data, reads)
    )


def own_answers(data: Data, readers: Sequence[Sequence[ConvNet]], pupils: Sequence[Pupil]) -> str:
    """What the reader of voices and a taught encoder say of EmoDB themselves, without any probe, and their mean.

    Each axis has the gain that suits its answers, as the reader is calibrated.
    """
    truth: list[Moment] = []
    answers: dict[str, list[Array]] = {"reader of voices": [], "encoder": []}
    for fold, nets, pupil in zip(FOLDS, readers, pupils, strict=True):
        measured = [m for m in data.acted if m.talker in fold and m.kind == CLEAN]
        mean, reach = nets[0].mean, FARTHEST * nets[0].scale
        rows = np.clip(np.stack([voice_figures(m) for m in measured]), mean - reach, mean + reach)
        said_ = np.mean([net(rows[:, None].astype(np.float32))[:, 0] for net in nets], axis=0)
        answers["reader of voices"].append(said_[:, : len(VOICE_CLASSES) + 3])
        with torch.no_grad():
            batch = pupil.net.batch([cut(m.tracks, chunk=pupil.net.spec.chunk) for m in measured])
            voice = pupil.answers(pupil.pooled(batch))["voice"].numpy()
        answers["encoder"].append(np.concatenate([voice[:, : len(VOICE_CLASSES)], voice[:, -3:]], axis=1))
        truth += measured
    label, wanted = np.array([VOICE_CLASSES.index(m.label) for m in truth]), np.stack([m.vad for m in truth])
    names = np.array([m.label for m in truth])
    found = {name: np.concatenate(parts) for name, parts in answers.items()}
    found["both"] = 0.5 * (found["reader of voices"] + found["encoder"])
    lines = []
    for name, rows in found.items():
        logits = rows[:, : len(VOICE_CLASSES)]
        vad = 0.5 * (rows[:, -3:] + softmax(logits) @ CLASS_VAD)
        vad = vad * np.clip((vad * wanted).sum(axis=0) / (vad**2).sum(axis=0), 0.7, 1.3)
        above = (vad[names == "joy", 0][:, None] > vad[np.isin(names, BAD), 0]).mean()
        axes = ", ".join(f"{a} {concordance(vad[:, i], wanted[:, i]):.3f}" for i, a in enumerate(VAD_NAMES))
        lines.append(
            f"own answers of {name}: {mean_recall(logits, label):.3f} of 7 classes, {axes}, joy above {above:.3f}\n"
        )
    return "".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_encoder.probe")
    for name in ("cache", "voices", "stages"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--only", nargs="*", default=(), help="rows whose name holds one of these")
    given_ = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    moments = read_moments(given_.cache)
    data, lessons = Data.of(moments), lessons_of(read_heard(given_.voices))
    nets = [_readers_without(lessons, fold) for fold in FOLDS]

    def stages(name: str) -> list[Pupil]:
        return [read_pupil(given_.stages / f"{name}{i}.pt") for i in range(len(FOLDS))]

    ways: dict[str, Callable[[], list[Reads]]] = {
        "plain figures": lambda: [plain_figures] * len(FOLDS),
        "hidden layers of the shipped readers": lambda: [hidden_layers(own) for own in nets],
        "encoder, random weights": lambda: [encoded_by(untaught(moments))] * len(FOLDS),
        "encoder, masked, frozen": lambda: [encoded_by(read_pupil(given_.stages / "masked.pt"))] * len(FOLDS),
        "encoder, taught from scratch": lambda: [encoded_by(pupil) for pupil in stages("scratch")],
        "encoder, masked, then taught": lambda: [encoded_by(pupil) for pupil in stages("taught")],
    }
    for name, make in ways.items():
        if not given_.only or any(word in name for word in given_.only):
            figures = judged(data, make())
            sys.stdout.write(f"{name}\n" + "".join(f"    {key}: {value:.3f}\n" for key, value in figures.items()))
            sys.stdout.flush()
    for name in ("scratch", "taught"):
        sys.stdout.write(f"{name}\n{own_answers(data, nets, stages(name))}")
    return 0


def _readers_without(lessons: Lessons, fold: Sequence[str]) -> list[ConvNet]:
    """Readers of voices taught as `tools.train_voice.reader` teaches them, without two actors."""
    kept = ~np.isin(lessons.voices.talker, [int(talker) for talker in fold])
    part = replace(lessons, voices=lessons.voices.where(kept))
    return [taught_voice(part, without=None, seed=seed).in_numpy() for seed in range(SEEDS)]


if __name__ == "__main__":
    sys.exit(main())
