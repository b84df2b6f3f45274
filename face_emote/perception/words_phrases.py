"""Phrases that say a feeling outright, and how irony is put: what a small net cannot learn from the few who wrote them.

`assets/perception/phrases.txt` holds the phrases, `assets/perception/irony.txt` the turns of irony.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Bool
from face_emote.core.assets import ASSETS
from face_emote.perception.words_features import tokens_of

PHRASES, IRONY = ASSETS / "perception" / "phrases.txt", ASSETS / "perception" / "irony.txt"
GAP = 3  # Words that `..` may stand for.


@dataclass(frozen=True, slots=True)
class Phrase:
    """One turn of speech and what it says."""

    tokens: tuple[str, ...]
    meaning: Mapping[str, float]  # Feelings, each with how sure a listener is of it.


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase in a sentence."""

    phrase: Phrase
    start: int
    stop: int


def phrases_in(tokens: Sequence[str], denied: Bool[Array, " token"]) -> list[Found]:
    """The phrases of a sentence, longest first where they overlap; those that a negator denies are left out."""
    found = sorted(_all_in(tokens, PHRASES), key=lambda one: (one.start - one.stop, one.start))
    taken = np.zeros(len(tokens), bool)
    kept = []
    for one in found:
        if not taken[one.start : one.stop].any():
            taken[one.start : one.stop] = True
            if not denied[one.start]:
                kept.append(one)
    return kept


def irony_in(tokens: Sequence[str], after: Sequence[str] = ()) -> float:
    """How likely the words are meant the other way round, 0..1, by how they are put.

    Turns of irony count together as independent witnesses, burdens (`another meeting`) beside them, those of the
    sentence `after` too; what is glad outright (`we made it`) takes irony back.
    """
    left = {"irony": 1.0, "burden": 1.0, "sincere": 1.0}
    for one in _all_in([*tokens, *after], IRONY):
        for kind, weight in one.phrase.meaning.items():
            if kind == "irony" and one.start >= len(tokens):
                continue
            left[kind] = min(left[kind], 1.0 - weight) if kind != "irony" else left[kind] * (1.0 - weight)
    turned = 1.0 - left["irony"]
    return (1.0 - left["irony"] * (left["burden"] if turned else 1.0)) * left["sincere"]


def _all_in(tokens: Sequence[str], path: Path) -> Iterator[Found]:
    by_start = load_phrases(path)
    for start, (token, following) in enumerate(zip(tokens, [*tokens[1:], ""], strict=True)):
        for key in (token, f"{token} {following}", token[:3] + "*"):
            for phrase in by_start.get(key, ()):
                stop = _reach(phrase.tokens, tokens, start=start)
                if stop:
                    yield Found(phrase, start, stop)


def _reach(wanted: Sequence[str], tokens: Sequence[str], *, start: int) -> int:
    """Where a phrase that starts here ends, or 0."""
    place, skip = start, 0
    for want in wanted:
        if want == "..":
            skip = GAP
            continue
        ends = range(place, min(place + skip + 1, len(tokens)))
        place = next((i + 1 for i in ends if _fits(want, tokens[i])), 0)
        if not place:
            return 0
        skip = 0
    return place


def _fits(want: str, token: str) -> bool:
    if want.endswith("*"):
        return token.startswith(want[:-1])
    return token == want or (want in "!?" and token.startswith(want))


@lru_cache(maxsize=4)
def load_phrases(path: Path) -> Mapping[str, tuple[Phrase, ...]]:
    """The phrases of a file by how they start: two tokens, one, or three letters and `*` for a stem."""
    by_start: dict[str, list[Phrase]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if "|" in line and not line.startswith("#"):
            said, phrases = line.split("|")
            meaning = {name: float(sure) for name, _, sure in (part.partition(":") for part in said.split())}
            for phrase in filter(None, (_spelt(text) for text in phrases.split(";"))):
                by_start.setdefault(_start(phrase), []).append(Phrase(phrase, meaning))
    return {start: tuple(phrases) for start, phrases in by_start.items()}


def _start(phrase: Sequence[str]) -> str:
    if phrase[0].endswith("*"):
        return phrase[0][:3] + "*"
    return " ".join(phrase[:2]) if len(phrase) > 1 and phrase[1].isalnum() else phrase[0]


def _spelt(text: str) -> tuple[str, ...]:
    """A phrase in tokens as a sentence has them; `*` stays with its word."""
    parts: list[str] = []
    for part in text.split():
        if part == "..":
            parts.append(part)
        else:
            tokens = tokens_of(part.removesuffix("*"))
            parts += [*tokens[:-1], tokens[-1] + "*"] if part.endswith("*") else tokens
    return tuple(parts)
