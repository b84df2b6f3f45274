"""How a word may be said, in the phones of English: the likeliest way first.

A small net reads the letters of English words; frequent words that it would get wrong are known.
`tools/train_letters.py` makes it; `assets/phones/README.md` says from what. Several guesses are given: whoever has the
sound chooses among them.
"""

import io
import json
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from face_emote.audio.letter_rules import RULES, read_by_rule
from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import PHONES

LETTER_NAMES = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
VOWEL_LETTERS = frozenset("aeiouy")
LONGEST_ACRONYM = 5
SPELT = ("en", *RULES)  # Languages whose spelling is known.


@lru_cache(maxsize=4096)
def pronunciations(word: str, *, language: str = "en") -> tuple[tuple[str, ...], ...]:
    """Ways to say a word of one of `SPELT`; none is empty, and there is at least one.

    In English, all capitals without a vowel, or up to five letters long, are spelt out letter by letter, or read.
    """
    if language != "en":
        return (read_by_rule(word, language) or ("AH",),)
    letters = word.lower()
    by_name = tuple(phone for letter in letters for phone in LETTER_NAMES.get(letter, "").split())
    ways = [] if not set(letters) & VOWEL_LETTERS else load_speller().spelt(letters)
    if word.isupper() and len(word) <= LONGEST_ACRONYM:
        ways = [by_name, *ways]
    return tuple(ways) or (by_name or ("AH",),)


ASSET = ASSETS / "phones" / "letters.npz"
LETTERS = "abcdefghijklmnopqrstuvwxyz'"
BEFORE, AFTER, PAST = 5, 5, 3  # Letters that are seen on either side of one, and chunks of phones before it.
GUESSES = 4
LEAST_SHARE = 0.1  # Of the best guess's probability; what is less likely is no guess.
_LEVELS = 127.0
WEIGHTS = ("letters", "said", "first", "first_bias", "second", "second_bias", "head", "head_bias")


@dataclass(frozen=True, slots=True, eq=False)
class PhoneSpeller:
    """The net and the words that it need not guess."""

    weights: tuple[Float[Array, "..."], ...]
    """In the order of `WEIGHTS`: of letters (and none) [28, embedding] and of chunks (and none); three layers, inputs
    first, each followed by its biases."""
    chunks: tuple[str, ...]  # Phones that one letter can have, parted by blanks.
    known: dict[str, tuple[str, ...]]

    def spelt(self, word: str) -> list[tuple[str, ...]]:
        """Pronunciations of a word in lower case, the likeliest first; signs that are no letters are passed over."""
        if word in self.known:
            return [self.known[word]]
        letters = [LETTERS.index(letter) for letter in word if letter in LETTERS]
        padded = np.array([len(LETTERS)] * BEFORE + letters + [len(LETTERS)] * AFTER)
        embedded, embedded_said, first, first_bias, second, second_bias, head, head_bias = self.weights
        paths = np.full((1, PAST), len(self.chunks))
        scores = np.zeros(1)
        for i in range(len(letters)):
            around = embedded[padded[i : i + BEFORE + 1 + AFTER]].ravel()
            said = embedded_said[paths[:, -PAST:]].reshape(len(paths), -1)
            x = np.concatenate([np.broadcast_to(around, (len(paths), len(around))), said], axis=1)
            x = np.maximum(x @ first + first_bias, 0.0)
            logits = np.maximum(x @ second + second_bias, 0.0) @ head + head_bias
            logits = logits - logits.max(axis=1, keepdims=True)
            total = scores[:, None] + logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            best = np.argsort(-total, axis=None, kind="stable")[:GUESSES]
            origin, chunk = np.unravel_index(best, total.shape)
            paths, scores = np.concatenate([paths[origin], chunk[:, None]], axis=1), total[origin, chunk]
        sure = scores > scores[0] + np.log(LEAST_SHARE)
        said_aloud = (" ".join(self.chunks[c] for c in path[PAST:]).split() for path in paths[sure])
        return list(dict.fromkeys(tuple(phones) for phones in said_aloud if phones))


def packed(speller: PhoneSpeller) -> bytes:
    """A file of it: weights in steps of 1/127 of their greatest, words as text."""
    arrays: dict[str, Any] = {}
    for name, values in zip(WEIGHTS, speller.weights, strict=True):
        step = np.abs(values).max() / _LEVELS
        arrays[name], arrays[f"{name}_step"] = np.round(values / step).astype(np.int8), np.float32(step)
    known = "\n".join(" ".join((word, *phones)) for word, phones in sorted(speller.known.items()))
    words = json.dumps({"chunks": speller.chunks, "known": known})
    arrays["words"] = np.frombuffer(zlib.compress(words.encode(), 9), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@lru_cache(maxsize=1)
def load_speller() -> PhoneSpeller:
    """The bundled one."""
    with np.load(ASSET, allow_pickle=False) as file:
        words = json.loads(zlib.decompress(file["words"].tobytes()))
        weights = tuple(file[name].astype(np.float32) * file[f"{name}_step"] for name in WEIGHTS)
    rows = (line.split() for line in words["known"].splitlines())
    known = {word: tuple(phone for phone in phones if phone in PHONES) for word, *phones in rows}
    return PhoneSpeller(weights, chunks=tuple(words["chunks"]), known=known)
