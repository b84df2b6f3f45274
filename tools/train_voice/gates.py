"""Fit how far voice and words are believed: `python -m tools.train_voice.gates UNSEEN SENTENCES`.

UNSEEN is what `voice_reader --unseen` kept: answers on actors that were not learnt from. SENTENCES is the folder of
GoEmotions, EmoBank and XED; sentences that chose settings fit, those that only measure measure. No corpus has both a
voice and words, so utterances are put together and their truth is a convention: 40 % agree; 25 % are neutral words in
a voice that feels; 20 % words that feel in a neutral voice; 15 % contradict each other in valence, and the voice is
right. Prints the constants of `perception.fusion`, and how well they do beside simpler rules.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import EMOTIONS
from face_emote.perception import fusion
from face_emote.perception.evidence import Evidence
from face_emote.perception.fusion import Gates, fused
from face_emote.perception.reading import coverage
from face_emote.perception.voice import VOICE_CLASSES, evidence_of, softmax
from face_emote.perception.words import FINE_MIXES, FINE_WORDS, WordsReading, read_words
from tools.train_words.texts import read_sentences

CLASSES = ("neutral", "joy", "sadness", "fear", "disgust", "anger")
"""Those that both senses can tell."""
SHARES = (0.40, 0.25, 0.20, 0.15)
CASES = ("agree", "voice", "words", "contradict")
COUNT, MOST_SENTENCES, HELD_OUT_EVERY = 4000, 2500, 2
_INDEX = np.array([EMOTIONS.index(name) for name in CLASSES])


def voices_of(path: Path) -> tuple[Evidence, Int[Array, " clip"]]:
    """What the reader says of clips, and their class; boredom is left out."""
    with np.load(path) as file:
        classes, vad, truth = softmax(file["logits"]), file["vad"], file["truth"]
    chosen = truth < len(VOICE_CLASSES) - 1
    rows = np.concatenate(
        [classes, vad, np.full_like(vad, 0.3), np.zeros((len(vad), 10)), np.ones((len(vad), 1))], axis=1
    )
    names = [VOICE_CLASSES[label] for label in truth[chosen]]
    evidence = evidence_of(rows[chosen], weight=np.ones(int(chosen.sum())))
    return evidence, np.array([CLASSES.index(name) for name in names])


def words_of(folder: Path, part: str) -> tuple[Evidence, Int[Array, " sentence"]]:
    """What the reader says of sentences of GoEmotions whose label stands for one of `CLASSES` alone."""
    sentences = read_sentences(folder)
    labelled = sentences.part(part) & np.isfinite(sentences.fine).all(axis=1)
    kept = sentences.of(labelled)
    meaning = {name: FINE_MIXES[name] for name in FINE_WORDS}
    rows: list[WordsReading] = []
    truth: list[int] = []
    for line, fine in zip(kept.lines, kept.fine, strict=True):
        names = {meaning[FINE_WORDS[i]] for i in np.flatnonzero(fine > 0.5)}
        if len(names) == 1 and (name := names.pop()) in CLASSES and len(rows) < MOST_SENTENCES:
            rows.append(read_words(line))
            truth.append(CLASSES.index(name))
    evidence = Evidence(
        np.stack([row.mix for row in rows]).astype(np.float64), np.ones((len(rows), len(EMOTIONS))),
        np.stack([row.vad for row in rows]), vad_sd=np.stack([row.vad_sd for row in rows]),
        weight=np.array([coverage(row) for row in rows]),
    )  # fmt: skip
    return evidence, np.array(truth)


def utterances(
    voices: tuple[Evidence, Int[Array, " clip"]],
    words: tuple[Evidence, Int[Array, " sentence"]],
    *,
    rng: np.random.Generator,
) -> tuple[Evidence, Evidence, Int[Array, " utterance"], Int[Array, " utterance"]]:
    """Voices and words put together, their truth (of `CLASSES`) and the number of the case."""
    clips, lines = ([np.flatnonzero(part[1] == c) for c in range(len(CLASSES))] for part in (voices, words))
    rows = []
    for case in rng.choice(len(SHARES), COUNT, p=SHARES):
        truth = int(rng.integers(len(CLASSES)))
        heard = read = truth
        if truth and case == 1:
            read = 0
        elif truth and case == 2:
            heard = 0
        elif truth and case == 3:
            read = int(rng.integers(2, len(CLASSES))) if truth == 1 else 1
        rows.append((rng.choice(clips[heard]), rng.choice(lines[read]), truth, case if truth else 0))
    clip, line, truths, cases = (np.array(column) for column in zip(*rows, strict=True))
    return voices[0].at(clip), words[0].at(line), truths, cases


def likelihood(mix: Float[Array, "utterance emotion=8"], truth: Int[Array, " utterance"]) -> Float[Array, " utterance"]:
    """Probability of the truth among `CLASSES`."""
    shares = mix[:, _INDEX] + 1e-6
    return np.asarray((shares / shares.sum(axis=1, keepdims=True))[np.arange(len(truth)), truth])


def set_gates(values: Float[Array, " number=14"]) -> None:
    """Eight numbers of two gates, six of the bias, as the optimiser has them."""
    voice, words = (Gates(*(float(v) for v in part)) for part in (values[:4], values[4:8]))
    bias = np.zeros(len(EMOTIONS))
    bias[_INDEX] = values[8:]
    fusion.GATES, fusion.BIAS = (voice, words, voice), bias


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and report."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_voice.gates")
    parser.add_argument("unseen", type=Path)
    parser.add_argument("sentences", type=Path)
    given = parser.parse_args(arguments)
    voices, rng = voices_of(given.unseen), np.random.default_rng(0)
    odd = np.arange(len(voices[1])) % HELD_OUT_EVERY == 0
    own, others = ((voices[0].at(np.flatnonzero(where)), voices[1][where]) for where in (~odd, odd))
    heard, read, truth, _ = utterances(own, words_of(given.sentences, "check"), rng=rng)

    def badness(values: Array) -> float:
        set_gates(values)
        return float(-np.log(likelihood(fused((heard, read, None)).mix, truth)).mean() + 0.002 * (values**2).sum())

    start = np.array([*astuple(fusion.GATES[0]), *astuple(fusion.GATES[1]), *np.zeros(6)])
    best = minimize(badness, start, method="L-BFGS-B", options={"maxiter": 40}).x
    heard, read, truth, case = utterances(others, words_of(given.sentences, "test"), rng=rng)
    mixes = {"voice alone": fused((heard, None, None)).mix, "words alone": fused((None, read, None)).mix}
    mixes["mean"] = 0.5 * (heard.mix + read.mix)
    for name, values in (("before", start), ("fitted", best)):
        set_gates(values)
        mixes[name] = fused((heard, read, None)).mix
    for name, mix in mixes.items():
        right = mix[:, _INDEX].argmax(axis=1) == truth
        loss = -np.log(likelihood(mix, truth)).mean()
        sure = mix[:, _INDEX].max(axis=1) / mix[:, _INDEX].sum(axis=1)
        tenth = np.minimum((10.0 * sure).astype(int), 9)
        gap = sum(
            abs(right[tenth == k].mean() - sure[tenth == k].mean()) * (tenth == k).mean() for k in np.unique(tenth)
        )
        parts = " ".join(f"{label} {right[case == i].mean():.2f}" for i, label in enumerate(CASES))
        sys.stdout.write(f"{name}: right {right.mean():.3f}, -log p {loss:.2f}, sureness off by {gap:.3f}; {parts}\n")
    sys.stdout.write(
        f"gates {best[:4].round(2).tolist()} {best[4:8].round(2).tolist()} bias {best[8:].round(2).tolist()}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
