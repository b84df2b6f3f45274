"""Cut an emotion description into tokens: words, numbers, times and marks, each with its place in the text."""

import re
import unicodedata
from dataclasses import dataclass

from face_emote.core.errors import EmotionError

MAX_CHARACTERS = 2000
"""A longer description is refused: it is a file by mistake, not an emotion."""

_PATTERN = re.compile(
    r"(?P<blank>\s+)"
    r"|(?P<clock>[0-9]{1,4}(?::[0-9]{1,2}){1,2}(?:\.[0-9]{1,9})?(?!\.?[0-9]|:[0-9]))"
    r"|(?P<number>[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:e[+-]?[0-9]{1,3}(?![0-9a-z]))?)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<mark>[-_;:,()%=+&/])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, clock time or mark."""

    kind: str
    """`word`, `number`, `clock`, `mark`, or `end` after the last one."""
    text: str
    """Lower case, with typographic marks made plain."""
    place: int
    """Number of the token's first character in the description, counted from 1."""


def tokenize(text: str) -> tuple[Token, ...]:
    """Tokens of a description, closed by one of kind `end`.

    Hyphens and underscores between words count as blanks (`matter-of-fact` is three words). A sign belongs to a number
    only where a value starts (`vad(-0.4`), so that `joy+.3` keeps its plus.

    Raises:
        EmotionError: for a text that is empty or too long, or a character that no description holds.
    """
    if len(text) > MAX_CHARACTERS:
        raise EmotionError(f"An emotion description has at most {MAX_CHARACTERS} characters, this one has {len(text)}")
    plain = _plain(text)
    tokens: list[Token] = []
    at = 0
    while at < len(plain):
        match = _PATTERN.match(plain, at)
        if match is None:
            raise EmotionError(f"Unexpected {text[at]!r} at character {at + 1} of the emotion; {_ALLOWED}")
        kind, piece = match.lastgroup or "", match.group()
        if kind == "number" and piece[0] in "+-" and not _value_may_start(tokens):
            kind, piece = "mark", piece[0]
        at += len(piece)
        if kind == "blank" or (piece in {"-", "_"} and _joins_words(plain, at - 1)):
            continue
        if piece in {"-", "_"}:
            raise EmotionError(f"Unexpected {piece!r} at character {at} of the emotion; {_ALLOWED}")
        tokens.append(Token(kind=kind, text=piece, place=at - len(piece) + 1))
    if not tokens:
        raise EmotionError("The emotion is empty; write for example joy, joy:0.7, calm anger or auto")
    return (*tokens, Token(kind="end", text="", place=len(text) + 1))


_ALLOWED = "words, numbers and the marks + , ; : % ( ) = are understood"
_TYPOGRAPHIC = str.maketrans("’‘–—−·＋：；，（）％＝", "''---_+:;,()%=")


def _plain(text: str) -> str:
    """Lower case with plain marks, of the same length as `text`, so that places stay true."""
    return "".join(_plain_character(c) for c in text.translate(_TYPOGRAPHIC))


def _plain_character(character: str) -> str:
    low = unicodedata.normalize("NFKC", character).lower()
    return low if len(low) == 1 else character


def _joins_words(plain: str, at: int) -> bool:
    return 0 < at < len(plain) - 1 and plain[at - 1].isalpha() and plain[at + 1].isalpha()


def _value_may_start(before: list[Token]) -> bool:
    """Whether a sign after these tokens is a number's own rather than a plus between emotions."""
    return bool(before) and before[-1].kind == "mark" and before[-1].text in {"(", ",", "=", ":"}
