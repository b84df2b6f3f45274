"""Is what somebody hides to be found, by whoever has learnt to look, and does what is shown still come first?

    python -m bench.covert DATA [--animator net] [--clips N] [--table FILE] [--curve FILE.png]

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

from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.names import ANIMATORS, EMOTIONS
from face_emote.core.options import Performance
from face_emote.core.types import PerformanceStyle, Speech
from face_emote.perception.evidence import READING_HZ
from face_emote.perception.face import face_cells
from face_emote.verbs.animate import perform
from tools.train_judges.covert_reader import HIDDEN, SHOWN, Performed, read, taught
from tools.train_judges.experts import COMPOUNDS
from tools.train_network.voices import librispeech_jobs

CLIP_SECS = 6.0
CLIP_FRAMES = round(CLIP_SECS * READING_HZ)
PERFORMED_FPS = 25.0
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
    per_case: int,
    seed: int,
) -> Performed:
    """`per_case` performances of all of `ASKED`; the same sentence, seed and style for all of them, then the next."""
    rng = np.random.default_rng(seed)
    faces, shown, hidden = [], [], []
    for take in range(per_case):
        play = partial(
            Performance,
            speech=speeches[take % len(speeches)],
            animator=animators[take % len(animators)],
            seed=int(rng.integers(2**31)),
            style=PerformanceStyle(
                energy=float(rng.uniform(0.85, 1.15)),
                asymmetry=float(rng.uniform(0.0, 0.2)),
                head=float(rng.uniform(0.6, 1.3)),
                lips=float(rng.uniform(0.8, 1.2)),
                blood=_BLOOD[int(rng.integers(len(_BLOOD)))],
            ),
            fps=PERFORMED_FPS,
        )
        for case in ASKED:
            motion = perform(play(emotion=case.in_words(words, rng))).whole()
            faces.append(resized(face_cells(motion)))
            shown.append(SHOWN.index(case.shown))
            hidden.append(HIDDEN.index(case.hidden))
        print(f"performed {take + 1} of {per_case}", file=sys.stderr)
    return Performed(np.stack(faces), np.array(shown), np.array(hidden))


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
    yield _row("hides nothing, one feeling", asked, ~covert & single, shown=shown, hidden=hidden)
    yield _row("hides nothing, 15 compounds", asked, ~single, shown=shown, hidden=hidden)
    pairs = covert & np.isin(asked.shown, basic) & np.isin(asked.hidden, basic)
    yield _row("X hidden under Y, 30 pairs of the six", asked, pairs, shown=shown, hidden=hidden)
    yield _row("X hidden under Y, all 49", asked, covert, shown=shown, hidden=hidden)
    for number, name in enumerate(HIDDEN[1:], 1):
        yield _row(f"{name} hidden", asked, asked.hidden == number, shown=shown, hidden=hidden)


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
