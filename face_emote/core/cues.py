"""What the mouth says when: words and sounds, as they were heard or as somebody has corrected them."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from face_emote.core.names import PHONES, VOWELS
from face_emote.core.types import Phone, SpokenWord

MOST_STRENGTH = 2.0
LONGEST_TEXT = 200
MOST_CUES = 1_000_000
EDGE_SECS = 1e-4  # Times are kept to this; shorter gaps and overlaps are none.


@dataclass(frozen=True, slots=True)
class MouthCues:
    """The cues of a clip. Raises ValueError unless they are in order, apart, and within the clip."""

    words: tuple[SpokenWord, ...]
    phones: tuple[Phone, ...]  # Gaps between them are silence.
    duration_secs: float
    offset_secs: float = 0.0  # How much later the mouth plays all of them.
    language: str = "en"  # In which words without sounds are spoken.

    def __post_init__(self) -> None:
        """Refuse what no mouth can do."""
        kinds: tuple[tuple[str, Sequence[SpokenWord | Phone]], ...] = (("word", self.words), ("phone", self.phones))
        for name, spans in kinds:
            if len(spans) > MOST_CUES:
                raise ValueError(f"it has more than {MOST_CUES} {name}s")
            end_before = 0.0
            for number, span in enumerate(spans, 1):
                what = f"{name} {number} ({span.text if isinstance(span, SpokenWord) else span.label})"
                if not span.start_secs >= end_before - EDGE_SECS:
                    raise ValueError(f"{what} starts at {span.start_secs:g} s, before {end_before:g} s")
                if not span.start_secs < span.end_secs <= self.duration_secs + EDGE_SECS:
                    raise ValueError(
                        f"{what} lasts from {span.start_secs:g} to {span.end_secs:g} s in a clip of "
                        f"{self.duration_secs:g} s"
                    )
                end_before = span.end_secs
        if not math.isfinite(self.offset_secs) or abs(self.offset_secs) > self.duration_secs:
            raise ValueError(f"its offset is {self.offset_secs:g} s in a clip of {self.duration_secs:g} s")

    @property
    def sounds(self) -> tuple[Phone, ...]:
        """The phones, gapless from 0 to the end."""
        out: list[Phone] = []
        now = 0.0
        for phone in self.phones:
            if phone.start_secs - now > EDGE_SECS:
                out.append(Phone("SIL", now, phone.start_secs))
            out.append(replace(phone, start_secs=now if phone.start_secs - now <= EDGE_SECS else phone.start_secs))
            now = phone.end_secs
        if self.duration_secs - now > EDGE_SECS or not out:
            out.append(Phone("SIL", now, self.duration_secs))
        return tuple(out)


def sounds_of(word: SpokenWord, labels: Sequence[str]) -> tuple[Phone, ...]:
    """Phones spread over a word: a vowel has twice a consonant's time; the first vowel is stressed."""
    weights = [2.0 if label in VOWELS else 1.0 for label in labels]
    edges = [0.0, *itertools.accumulate(weights)]
    secs = (word.end_secs - word.start_secs) / edges[-1]
    first = next((i for i, label in enumerate(labels) if label in VOWELS), -1)
    times = [word.start_secs + edge * secs for edge in edges]
    return tuple(
        Phone(label, start, end, int(i == first))
        for i, (label, (start, end)) in enumerate(zip(labels, itertools.pairwise(times), strict=True))
    )


def label_of(text: str) -> tuple[str, int]:
    """A sound as people write it - `AA1`, `aa`, `sil`, `sp` or nothing - and its stress.

    ValueError: it is none of `names.PHONES`.
    """
    plain = text.strip().upper()
    if plain in ("", "SIL", "SP", "SPN", "<EPS>", "<SIL>", "PAU"):
        return "SIL", 0
    label, stress = (plain[:-1], int(plain[-1])) if plain[-1] in "012" else (plain, 0)
    if label not in PHONES:
        raise ValueError(f"the sound {text[:20]!r} is not known; there are {' '.join(PHONES)}")
    return label, stress
