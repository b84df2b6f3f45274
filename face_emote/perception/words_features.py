"""A sentence as words and hashed pieces of words: the same for training and for reading."""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Bool, Int

PIECE_LENGTHS = range(3, 6)
MOST_TOKENS = 64  # Of a sentence; what comes after them is not read.
LONGEST_TOKEN = 24  # Letters of one word that are looked at.

_APOSTROPHES = re.compile("[\u2018\u2019\u201b\u02bc\u00b4`\uff07]")
_TOKEN = re.compile(
    "[\u3040-\u30ff\u3400-\u9fff]"  # languages that set no blanks are read sign by sign
    "|[^\\W_]+(?:'[^\\W_]+)*|\\.\\.+|!+[?!]*|\\?+[?!]*|[^\\w\\s]"
)
NEGATORS = frozenset(
    "not no never nothing nobody none nor neither hardly barely cannot without ain't can't won't don't doesn't didn't "
    "isn't aren't wasn't weren't haven't hasn't hadn't couldn't wouldn't shouldn't "
    "nicht kein keine keinen keinem keiner nie niemals nichts niemand ohne "
    "pas jamais rien personne sans aucun aucune nunca nada nadie sin ningún ninguna "
    "não nem ninguém sem non mai niente nessuno senza niet geen nooit niets niemand zonder "
    "inte aldrig ingen inget не нет никогда ничего никто без nie nigdy nic nikt bez ne nikdy nikdo "
    "ei emme ette eivät değil yok hiç asla δεν μην ποτέ τίποτα 不 没 沒 别 niciodată nimic لا لم لن ليس".split()
)
NO_DENIALS = frozenset(
    {
        ("can't", "wait"), ("couldn't", "be"), ("can't", "believe"), ("can't", "help"), ("can't", "stop"),
        ("no", "doubt"), ("not", "only"), ("no", "wonder"), ("no", "way"), ("not", "just"), ("couldn't", "agree"),
        ("never", "been"), ("couldn't", "have"), ("don't", "you"), ("no", "idea"), ("isn't", "it"), ("isn't", "that"),
        ("aren't", "you"), ("cannot", "wait"), ("couldn't", "ask"), ("nothing", "but"),
    }
)  # fmt: skip
"""A negator and what follows it that deny nothing: `I can't wait`, `I couldn't be happier`."""
RAISED_REACH = 8
DENIAL_REACH = 4
"""Tokens after a negator that it denies, up to the next stop or `but`; and among which a comparative turns it to praise
or blame (`nobody could have done it better`)."""
NEVER = frozenset(
    "never nothing nobody haven't hasn't hadn't couldn't nie jamais rien nunca nada mai niente nooit".split()
)
SO = frozenset(
    "so such this more better happier prouder kinder nicer braver sweeter greater worse sadder crueller angrier "
    "tellement tan tanto così plus mehr más più meer".split()
)
"""`I have never been so happy`: with one of these behind it, one of those denies nothing."""
_DENIAL_ENDS = frozenset({"but", "aber", "mais", "pero", "ma", "mas", "maar", "men", "но", "ale"})

_STOPS = re.compile(r"(?<=[.!?\u2026\u3002\uff01\uff1f])\s+|\n+|(?<=[\u3002\uff01\uff1f])")
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
    """Keys of a word: its own, then those of its pieces. A table of 2^n rows takes their last n bits."""
    keys = [_key("1" + word)]
    if len(word) > 1 and (word[0].isalnum() or word[-1].isalnum()):
        marked = f"<{word}>"
        keys += [
            _key(marked[start : start + length])
            for length in PIECE_LENGTHS
            for start in range(len(marked) - length + 1)
            if length < len(marked)
        ]
    return np.array(keys, np.int64)


def pair_keys(tokens: Sequence[str]) -> Int[Array, " token"]:
    """The key of each token together with the one before it."""
    before = ["", *tokens[:-1]]
    return np.array([_key(f"2{first} {second}") for first, second in zip(before, tokens, strict=True)], np.int64)


def denied_in(tokens: Sequence[str]) -> Bool[Array, " token"]:
    """Which tokens a negator before them denies."""
    denied = np.zeros(len(tokens), bool)
    left = 0
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        if token in NEGATORS and (token, following) not in NO_DENIALS:
            never = token in NEVER or (token, following) == ("no", "one")
            raised = never and not SO.isdisjoint(tokens[i + 1 : i + 1 + RAISED_REACH])
            left = 0 if raised else DENIAL_REACH
        elif not token[0].isalnum() or token in _DENIAL_ENDS:
            left = 0
        elif left:
            denied[i], left = True, left - 1
    return denied


def is_known(token: str, known: Bool[Array, " bit"]) -> bool:
    """Whether a token stood in the training lines, by a table of bits (one in a dozen others passes as well)."""
    return not token[0].isalnum() or all(known[place] for place in known_places(token, len(known)))


def known_places(token: str, size: int) -> tuple[int, int]:
    """Bits of a token in a table of that size."""
    key = token.encode("utf-8", "surrogatepass")
    return zlib.crc32(key) % size, zlib.adler32(key) * 2_654_435_761 % size


def sentences_of(text: str) -> list[str]:
    """A text cut at its stops and lines; a stretch of signs without blanks is cut anywhere."""
    return [part for part in _STOPS.split(text) if part.strip()]


def _key(key: str) -> int:
    return zlib.crc32(key.encode("utf-8", "surrogatepass"))


DENIED = _key("3denied")  # Added to each denied token.
