"""Is what somebody hides to be found, by whoever has learnt to look, and does what is shown still come first?

    python -m bench.covert DATA [--animator net] [--rounds N] [--curve FILE.png]

DATA holds `librispeech/`. A reader (`tools.train_judges.covert_reader`) learns from pairs: the same words and seed over
another hidden feeling, by rules and network. It is asked about sentences, talkers, seeds, words for feelings and
strengths that it never met, performed by one animator at the usual leak, and spoilt as a camera spoils them.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch

from bench.performances import lip_change, speaking_at
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array
from face_emote.core.names import ANIMATORS, EMOTIONS
from face_emote.core.options import Performance
from face_emote.core.types import PerformanceStyle, Speech
from face_emote.face.bundled import load_head
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote.perception.evidence import READING_HZ
from face_emote.perception.face import face_cells
from face_emote.verbs.animate import perform
from tools.train_judges.covert_reader import HIDDEN, SHOWN, Performed, read, taught
from tools.train_network.voices import librispeech_jobs

CLIP_SECS = 7.0
CLIP_FRAMES = round(CLIP_SECS * READING_HZ)
PERFORMED_FPS = 25.0
AT_ONCE = 8
STEPS = 1500
LOOKS = 4
"""Spoilt stretches of each performance that is judged."""
BASICS = tuple(name for name in EMOTIONS[1:] if name != "contempt")
KNOWN_WORDS = {
    "joy": ("joy", "smile"), "sadness": ("sadness", "discouragement"), "surprise": ("surprise",), "fear": ("fear",),
    "disgust": ("disgust",), "anger": ("anger", "fierceness"), "contempt": ("contempt",), "neutral": ("neutral",),
}  # fmt: skip
NEW_WORDS = {
    "joy": ("ecstasy", "laughter"), "sadness": ("depression",), "surprise": ("astonishment",), "fear": ("terror",),
    "disgust": ("revulsion",), "anger": ("fury",), "contempt": ("contempt",), "neutral": ("neutral",),
}  # fmt: skip
"""Words for each feeling that the reader learns from, and those that it is asked about."""
_BLOOD = ("stage", "physiological", "off")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a face is to show, and what beneath it."""

    shown: str
    hidden: str = "nothing"

    def in_words(self, words: dict[str, tuple[str, ...]], rng: np.random.Generator) -> str:
        """As an animator would write it."""

        def said(name: str, least: float) -> str:
            word = str(rng.choice(words[name]))
            return word if name == "neutral" else f"{word}:{rng.uniform(least, 1.0):.2f}"

        shown = " + ".join(said(name, 0.7) for name in self.shown.split("+"))
        return shown if self.hidden == "nothing" else f"{said(self.hidden, 0.8)} hidden under {shown}"


ASKED = (
    *(Asked(name) for name in SHOWN),
    *(Asked(shown, hidden) for shown, hidden in product(EMOTIONS, HIDDEN[1:]) if shown != hidden),
)


def sentences(data: Path, *, split: str) -> list[Speech]:
    """So many seconds of every talker of a split."""
    found = []
    for job in librispeech_jobs(data):
        if job.split == split:
            speech = read_speech(data / job.audio)
            found.append(replace(speech, samples=speech.samples[: round(CLIP_SECS * speech.sample_rate)]))
    return found


def performed(
    speeches: Sequence[Speech],
    *,
    words: dict[str, tuple[str, ...]],
    animators: Sequence[str],
    rounds: int,
    seed: int,
) -> Performed:
    """All of `ASKED` so many times over, in any order; so many at once share sentence, seed and style."""
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(ASKED)) for _ in range(rounds)])
    faces, takes = [], [order[i : i + AT_ONCE] for i in range(0, len(order), AT_ONCE)]
    for number, cases in enumerate(takes):
        play = partial(
            Performance,
            speech=speeches[number % len(speeches)],
            animator=animators[number % len(animators)],
            seed=int(rng.integers(2**31)),
            style=_random_style(rng),
            fps=PERFORMED_FPS,
        )
        for case in cases:
            motion = perform(play(emotion=ASKED[case].in_words(words, rng))).whole()
            faces.append(resized(face_cells(motion)))
        if number % 10 == 0:
            print(f"performed {len(faces)} of {len(order)}", file=sys.stderr)
    asked = [ASKED[case] for case in order]
    return Performed(
        np.stack(faces),
        shown=np.array([SHOWN.index(one.shown) for one in asked]),
        hidden=np.array([HIDDEN.index(one.hidden) for one in asked]),
    )


def _random_style(rng: np.random.Generator) -> PerformanceStyle:
    return PerformanceStyle(
        energy=float(rng.uniform(0.85, 1.15)),
        asymmetry=float(rng.uniform(0.0, 0.2)),
        head=float(rng.uniform(0.6, 1.3)),
        lips=float(rng.uniform(0.8, 1.2)),
        blood=_BLOOD[int(rng.integers(len(_BLOOD)))],
    )


def resized(seen: Array) -> Array:
    """`CLIP_FRAMES` of them; a shorter performance is held at its end."""
    return np.pad(seen[:CLIP_FRAMES], ((0, max(CLIP_FRAMES - len(seen), 0)), (0, 0)), mode="edge")


@dataclass(frozen=True, slots=True)
class Row:
    """How often the reader is right about some performances."""

    what: str
    shown_first: float
    """Share of looks in which what is shown is read first."""
    hidden_named: float | None
    """Share in which the hidden feeling is named, of seven and nothing; None where nothing is hidden."""
    told_apart: float | None
    """Area under the curve: these against faces that show the same and hide nothing."""


def rows(asked: Performed, *, shown: Array, hidden: Array) -> Iterator[Row]:
    """Of all pairs, of those whose two feelings are basic, and by what is hidden; then of faces that hide nothing."""
    basic = np.array([EMOTIONS.index(name) for name in BASICS])
    single, covert = asked.shown < len(EMOTIONS), asked.hidden > 0
    groups = {
        "hides nothing, one feeling": ~covert & single,
        "hides nothing, 15 compounds": ~single,
        "X hidden under Y, 30 pairs of the six": covert & np.isin(asked.shown, basic) & np.isin(asked.hidden, basic),
        "X hidden under Y, all 49": covert,
    }
    groups |= {f"{name} hidden": asked.hidden == number for number, name in enumerate(HIDDEN) if number}
    for what, these in groups.items():
        if these.any():
            yield _row(what, asked, these, shown=shown, hidden=hidden)


def _row(what: str, asked: Performed, these: Array, *, shown: Array, hidden: Array) -> Row:
    first = (shown[:, these].argmax(axis=-1) == asked.shown[these]).mean()
    if not asked.hidden[these].any():
        return Row(what, float(first), None, None)
    named = (hidden[:, these].argmax(axis=-1) == asked.hidden[these]).mean()
    plain = (asked.hidden == 0) & np.isin(asked.shown, asked.shown[these])
    return Row(what, float(first), float(named), area(1.0 - hidden[:, these, 0], 1.0 - hidden[:, plain, 0]))


def area(there: Array, absent: Array) -> float:
    """Probability that a random one of the first is above a random one of the second."""
    order = np.sort(absent.ravel())
    return float(np.searchsorted(order, there.ravel()).mean() / len(order))


def table(found: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| | what is shown comes first | the hidden one is named | told from hiding nothing, AUC |",
        "|---|---|---|---|",
    ]
    for row in found:
        cells = [
            f"{row.shown_first:.2f}",
            *("-" if v is None else f"{v:.2f}" for v in (row.hidden_named, row.told_apart)),
        ]
        lines.append(f"| {row.what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def lips_kept(speeches: Sequence[Speech], *, animator: str) -> tuple[float, float]:
    """What hiding something does to the lips: mean change of their gap over its mean opening, while speaking and in
    pauses, against the same performance with nothing hidden.
    """
    meter = lip_meter(load_head())
    changes = []
    for number, speech in enumerate(speeches):
        shown, hidden = EMOTIONS[1 + number % 7], EMOTIONS[1 + (number + 1 + number // 7) % 7]
        play = partial(Performance, speech=speech, animator=animator, fps=PERFORMED_FPS)
        gaps = [
            meter.of_motion(perform(play(emotion=words)).whole())[:, 0]
            for words in (shown, f"{hidden} hidden under {shown}")
        ]
        speaks = speaking_at(speech, times=np.arange(len(gaps[0])) / PERFORMED_FPS)
        changes.append([lip_change(gaps[1], gaps[0], where=where, speaking=speaks) for where in (speaks, ~speaks)])
    speaking, pausing = np.nanmean(changes, axis=0)
    return float(speaking), float(pausing)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--animator", default="net", choices=ANIMATORS, help="whose faces are judged")
    parser.add_argument("--rounds", type=int, default=12, help="performances of each case that the reader learns from")
    parser.add_argument("--curve", type=Path, metavar="FILE", help="draw the ROC of telling hidden from absent")
    options = parser.parse_args()
    torch.set_num_threads(1)
    play = partial(performed, seed=1)
    known = play(
        sentences(options.data, split="train"), words=KNOWN_WORDS, animators=("rules", "net"), rounds=options.rounds
    )
    heldout = sentences(options.data, split="test")
    asked = performed(
        heldout, words=NEW_WORDS, animators=(options.animator,), rounds=max(options.rounds // 3, 1), seed=2
    )
    net = taught(known, steps=STEPS, seed=7, report=partial(print, file=sys.stderr))
    shown, hidden = read(net, asked.faces, looks=LOOKS, seed=1)
    print(table(list(rows(asked, shown=shown, hidden=hidden))))
    speaking, pausing = lips_kept(heldout, animator=options.animator)
    print(f"lip gap under another hidden feeling: {speaking:.1%} while speaking, {pausing:.1%} in pauses")
    if options.curve:
        draw_curve(
            options.curve, there=1.0 - hidden[:, asked.hidden > 0, 0], absent=1.0 - hidden[:, asked.hidden == 0, 0]
        )
    return 0


def draw_curve(path: Path, *, there: Array, absent: Array) -> None:
    """The ROC: of faces that hide something, how many are found, by how many of the others are suspected."""
    import matplotlib.pyplot as plt

    limits = np.sort(np.concatenate([there.ravel(), absent.ravel()]))[::-1]
    found, suspected = ((one.ravel()[None] >= limits[:, None]).mean(axis=1) for one in (there, absent))
    figure, axes = plt.subplots(figsize=(4.2, 4.0), layout="constrained")
    axes.plot(suspected, found, label=f"AUC {area(there, absent):.2f}")
    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.set(xlabel="suspected, of faces that hide nothing", ylabel="found, of faces that hide something")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
