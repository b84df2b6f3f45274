"""What the reader of voices learns from: figures of stretches of what `clips` has heard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.perception.functionals import functionals_of
from face_emote.perception.voice import BURSTS, STEP_ROWS, VOICE_CLASSES, WINDOW_ROWS
from tools.train_voice.clips import CLEAN, DISTURBANCES, VARIED, HeardClip

CROPS = 2
"""Random stretches of a clip that are learnt from, beside the whole."""
CROP_ROWS = (120, 260)
Cut = Callable[[HeardClip], list[tuple[int, int]]]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Figures of stretches of voice and what is known of them."""

    figures: Float[Array, "example figure"]
    label: Int[Array, " example"]
    """Of `VOICE_CLASSES` or of `BURSTS`; of the latter, the last one is plain speech."""
    talker: Int[Array, " example"]
    clip: Int[Array, " example"]

    def where(self, chosen: Bool[Array, " example"]) -> "Examples":
        """Some of them."""
        return Examples(self.figures[chosen], self.label[chosen], self.talker[chosen], self.clip[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """All that can be learnt from, and what measures."""

    voices: Examples
    """Whole clips and crops of actors' sentences, as they are and varied."""
    sounds: Examples
    """Bursts and plain speech."""
    windows: dict[str, Examples]
    """Of the sentences, as the product cuts them, for each disturbance."""


def lessons_of(clips: Sequence[HeardClip], *, seed: int = 0) -> Lessons:
    """Cut what was heard."""
    rng = np.random.default_rng(seed)
    emodb = [clip for clip in clips if clip.corpus == "emodb"]
    others = [clip for clip in clips if clip.corpus != "emodb"]
    names = (*BURSTS, "")
    learnt = [clip for clip in emodb if clip.kind in (CLEAN, VARIED)]
    sounds = _examples([clip for clip in others if clip.corpus != "plain"], names, cut=_whole)
    plain = _examples([clip for clip in others if clip.corpus == "plain"], names, cut=lambda c: _crops(c, rng))
    return Lessons(
        voices=_examples(learnt, VOICE_CLASSES, cut=lambda clip: _crops(clip, rng)),
        sounds=joined([sounds, plain]),
        windows={
            kind: _examples([clip for clip in emodb if clip.kind == kind], VOICE_CLASSES, cut=_windows)
            for kind in (CLEAN, *DISTURBANCES)
        },
    )


def joined(parts: Sequence[Examples]) -> Examples:
    """One after the other; clips stay apart."""
    shift = np.cumsum([0, *(int(part.clip.max()) + 1 for part in parts)])
    arrays = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Examples)}
    clips = np.concatenate([part.clip + more for part, more in zip(parts, shift, strict=False)])
    return Examples(**{**arrays, "clip": clips})


def _examples(clips: Sequence[HeardClip], names: Sequence[str], *, cut: Cut) -> Examples:
    rows, label, talker, number = [], [], [], []
    for i, clip in enumerate(clips):
        for first, stop in cut(clip):
            (figures,), (told,) = functionals_of(clip.prosody, first=np.array([first]), length=stop - first)
            if told:
                rows.append(figures)
                label.append(names.index(clip.label))
                talker.append(int(clip.talker) if clip.talker.isdigit() else -1)
                number.append(i)
    return Examples(np.stack(rows), np.array(label), np.array(talker), np.array(number))


def _whole(clip: HeardClip) -> list[tuple[int, int]]:
    return [(0, len(clip.prosody.speaking))]


def _crops(clip: HeardClip, rng: np.random.Generator) -> list[tuple[int, int]]:
    total = len(clip.prosody.speaking)
    spans = [(0, min(total, 2 * CROP_ROWS[1]))]
    for _ in range(CROPS):
        length = int(rng.uniform(*CROP_ROWS))
        first = int(rng.integers(0, max(total - length, 1)))
        spans.append((first, min(first + length, total)))
    return spans


def _windows(clip: HeardClip) -> list[tuple[int, int]]:
    total, half = len(clip.prosody.speaking), WINDOW_ROWS // 2
    starts = [min(max(c - half, 0), max(total - WINDOW_ROWS, 0)) for c in range(0, total + STEP_ROWS, STEP_ROWS)]
    return [(first, min(first + WINDOW_ROWS, total)) for first in starts]
