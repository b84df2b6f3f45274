"""The words that name an emotion, read once from `assets/emotion/lexicon.csv`.

Each row gives a word, its other forms, its mix over the eight emotions, how strong it is said to be, and its
valence/arousal/dominance at that strength. Rows marked `RM77` carry the VAD figures of Russell & Mehrabian (1977);
all else, mixes and strengths included, is our choice and may be edited.
"""

import difflib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import EMOTIONS

LEXICON_PATH = ASSETS / "emotion" / "lexicon.csv"

_ENDINGS = (
    ("iness", "y"), ("fulness", "ful"), ("ness", ""), ("ily", "y"), ("ably", "able"), ("ibly", "ible"), ("ly", ""),
    ("iest", "y"), ("ier", "y"), ("ies", "y"), ("es", ""), ("s", ""), ("ish", ""),
    ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"),
)  # fmt: skip
"""Endings that are undone, in this order, when a form is not listed itself."""


@dataclass(frozen=True, slots=True)
class EmotionWord:
    """What one word means."""

    word: str
    mix: Float[Array, " emotion=8"]  # Weights over `names.EMOTIONS`, summing to 1, float64.
    intensity: float  # 0..1: `fury` 1, `irritation` 0.45.
    vad: Float[Array, " vad=3"]  # Valence, arousal, dominance of the word at its own intensity, each in [-1, 1].
    source: str  # Where the VAD comes from: `RM77 <word of the paper>`, `origin`, or `choice`.


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All words, by every listed form; forms of several words are joined by blanks."""

    words: tuple[EmotionWord, ...]
    by_form: dict[str, EmotionWord]
    longest_phrase: int  # Number of words in the longest form.


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """Read the lexicon (about 3 ms, once per process)."""
    words: list[EmotionWord] = []
    by_form: dict[str, EmotionWord] = {}
    for line in LEXICON_PATH.read_text(encoding="utf-8").splitlines()[1:]:
        name, forms, mix, intensity, *vad, source = line.split(",")
        word = EmotionWord(
            word=name.replace("_", " "),
            mix=_mix(mix),
            intensity=float(intensity),
            vad=np.array([float(value) for value in vad]),
            source=source,
        )
        words.append(word)
        for form in (name, *forms.split()):
            by_form[form.replace("_", " ")] = word
    return Lexicon(words=tuple(words), by_form=by_form, longest_phrase=max(form.count(" ") + 1 for form in by_form))


def find_word(form: str) -> EmotionWord | None:
    """The meaning of a word in any form (`happily`, `angers`), or None. Several words are joined by single blanks."""
    by_form = load_lexicon().by_form
    found = by_form.get(form)
    if found is not None or " " in form:
        return found
    for ending, instead in _ENDINGS:
        stem = form.removesuffix(ending) + instead
        if form.endswith(ending) and len(stem) > 2 and stem in by_form:
            return by_form[stem]
    return None


def nearest_words(word: str, *, count: int = 3) -> tuple[str, ...]:
    """The `count` known forms that look most like `word`, one for each meaning."""
    by_form = load_lexicon().by_form
    best: dict[str, str] = {}
    for form in difflib.get_close_matches(word[:24], by_form, n=20 * count, cutoff=0.0):
        best.setdefault(by_form[form].word, form)
    return tuple(best.values())[:count]


def _mix(text: str) -> Float[Array, " emotion=8"]:
    mix = np.zeros(len(EMOTIONS))
    for part in text.split():
        emotion, weight = part.split(":")
        mix[EMOTIONS.index(emotion)] = float(weight)
    return np.asarray(mix / mix.sum())
