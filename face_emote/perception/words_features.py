"""A sentence as words and hashed pieces of words: the same for training and for reading."""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Int

BITS = 16
NUM_ROWS = 1 << BITS
"""Rows of the table that all pieces share."""
PIECE_LENGTHS = range(3, 6)
MOST_TOKENS = 64
"""Of a sentence; what comes after them is not read."""
LONGEST_TOKEN = 24
"""Letters of one word that are looked at."""

_APOSTROPHES = re.compile("[\u2018\u2019\u201b\u02bc\u00b4`\uff07]")
_TOKEN = re.compile(
    "[\u3040-\u30ff\u3400-\u9fff]"  # languages that set no blanks are read sign by sign
    "|[^\\W_]+(?:'[^\\W_]+)*|\\.\\.+|!+[?!]*|\\?+[?!]*|[^\\w\\s]"
)
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


def tokens_of(text: str) -> list[str]:
    """Words and marks in lower case, at most `MOST_TOKENS`. `so GREAT!!!` is `so`, `great`, `^`, `!!`."""
    text = _APOSTROPHES.sub("'", unicodedata.normalize("NFKC", text))
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match[0][:LONGEST_TOKEN]
        found.append(_DRAWN_OUT.sub(r"\1\1", token.lower()))
        if len(token) > 3 and token.isupper():
            found.append("^")
        if len(found) >= MOST_TOKENS:
            break
    return found[:MOST_TOKENS]


@lru_cache(maxsize=20_000)
def pieces_of(word: str) -> Int[Array, " piece"]:
    """Rows of a word: its own, then those of its pieces of 3 to 5 letters."""
    rows = [_row("1" + word)]
    if len(word) > 1 and (word[0].isalnum() or word[-1].isalnum()):
        marked = f"<{word}>"
        rows += [
            _row(marked[start : start + length])
            for length in PIECE_LENGTHS
            for start in range(len(marked) - length + 1)
            if length < len(marked)
        ]
    return np.array(rows, np.int64)


def pair_rows(tokens: Sequence[str]) -> Int[Array, " token"]:
    """The row of each token together with the one before it."""
    before = ["", *tokens[:-1]]
    return np.array([_row(f"2{first} {second}") for first, second in zip(before, tokens, strict=True)], np.int64)


def _row(key: str) -> int:
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) & (NUM_ROWS - 1)
