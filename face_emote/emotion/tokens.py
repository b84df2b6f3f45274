"""Cut an emotion description into tokens: words, numbers, times and marks, each with its place in the text."""

import math
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass, field

from face_emote.core.errors import EmotionError

MAX_CHARACTERS = 100_000
"""An hour of phrases, and some. A longer description is refused: it is a file by mistake, not an emotion."""

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

    kind: str  # `word`, `number`, `clock`, `mark`, or `end` after the last one.
    text: str  # Lower case, with typographic marks made plain.
    place: int  # Number of the token's first character in the description, counted from 1.


def tokenize(text: str) -> tuple[Token, ...]:
    """Tokens of a description, closed by one of kind `end`.

    Hyphens and underscores between words count as blanks (`matter-of-fact` is three words). A sign belongs to a number
    only where a value starts (`vad(-0.4`), so that `joy+.3` keeps its plus. EmotionError: for a text that is empty or
    too long, or a character that no description holds.
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
    return (*_with_turns(tokens), Token(kind="end", text="", place=len(text) + 1))


def _with_turns(tokens: list[Token]) -> list[Token]:
    """`; and then,` as one mark."""
    out: list[Token] = []
    for token in tokens:
        if token.text == "then":
            place = token.place
            for before in (("and",), (",", ";")):
                if out and out[-1].text in before:
                    place = out.pop().place
            out.append(Token(kind="mark", text="then", place=place))
        elif token.text != "," or not out or out[-1].text != "then":
            out.append(token)
    return out


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


MAX_TIME_SECS = 360_000.0
MAX_KEYS = 5000
_UNITS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0, "mins": 60.0}
_LONGEST = 4  # Words in the longest phrase of any table.


@dataclass(slots=True)
class Cursor:
    """The next token of one segment; moves forward, or back to a remembered `at`."""

    tokens: tuple[Token, ...]
    at: int = 0
    stop: int = 0
    _end: Token = field(default_factory=lambda: Token(kind="end", text="", place=1))

    def segments(self) -> list[tuple[int, int]]:
        """First and stop token of each part between semicolons, or `then`."""
        marks = [i for i, token in enumerate(self.tokens) if token.text in (";", "then") or token.kind == "end"]
        spans = list(zip([0, *(i + 1 for i in marks)], marks, strict=False))
        if len(spans) > 1 and spans[-1][0] == spans[-1][1] and self.tokens[spans[-1][0] - 1].text == ";":
            spans.pop()
        for first, stop in spans:
            if first == stop:
                side, mark = ("before", self.tokens[stop]) if stop < marks[-1] else ("after", self.tokens[stop - 1])
                what = "the semicolon" if mark.text == ";" else f"'{mark.text}'"
                raise EmotionError(f"There is no emotion {side} {what} at character {mark.place}; write one there")
        if len(spans) > MAX_KEYS:
            raise EmotionError(f"A description has at most {MAX_KEYS} keys, this one has {len(spans)}")
        return spans

    def enter(self, first: int, stop: int) -> None:
        """Go to the start of a segment."""
        self.at, self.stop = first, stop
        self._end = Token(kind="end", text="", place=self.tokens[stop].place)

    @property
    def token(self) -> Token:
        """The next token; of kind `end` when the segment is used up."""
        return self.tokens[self.at] if self.at < self.stop else self._end

    def take(self, text: str) -> bool:
        """Step over the next token if it reads so."""
        if self.token.kind != "end" and self.token.text == text:
            self.at += 1
            return True
        return False

    def phrase(self, table: Container[str]) -> str | None:
        """Step over the longest phrase of `table` that starts here, and return it."""
        found = self.peek_phrase(table)
        if found is not None:
            self.at += found.count(" ") + 1
        return found

    def peek_phrase(self, table: Container[str]) -> str | None:
        """The longest phrase of `table` that starts here."""
        for length in range(min(_LONGEST, self.stop - self.at), 0, -1):
            piece = self.tokens[self.at : self.at + length]
            if length > 1 and any(token.kind != "word" for token in piece):
                continue
            text = " ".join(token.text for token in piece)
            if text in table:
                return text
        return None

    def error(self, problem: str) -> EmotionError:
        """An error about the next token."""
        token = self.token
        what = "The end of the emotion" if token.kind == "end" else f"{token.text!r}"
        return EmotionError(f"{what} at character {token.place} {problem}")

    def number(self, *, lowest: float, highest: float, what: str) -> float:
        """Step over a number in a range."""
        if self.token.kind != "number":
            raise self.error(f"stands where {what} is expected, a number from {lowest:g} to {highest:g}")
        value = float(self.token.text)
        if not (math.isfinite(value) and lowest <= value <= highest):
            raise self.error(f"is no {what}: it runs from {lowest:g} to {highest:g}")
        self.at += 1
        return value

    def value(self, *, what: str) -> float:
        """A share, written 0..1 or 0%..100%."""
        if self.is_percent():
            share = self.number(lowest=0.0, highest=100.0, what=f"{what} in percent") / 100.0
            self.at += 1
            return share
        return self.number(lowest=0.0, highest=1.0, what=f"{what} (or write it with a % sign)")

    def time(self, *, bare: bool) -> float | None:
        """The time that opens a key, in seconds, or None; `bare` allows a number without unit or colon."""
        start = self.at
        named = self.take("at")
        token = self.token
        if token.kind == "clock":
            self.at += 1
            self.take(":")
            return self.clock(token)
        if token.kind != "number" or self.is_percent():
            self.at = start
            return None
        secs = self.number(lowest=0.0, highest=MAX_TIME_SECS, what="time in seconds")
        unit = _UNITS.get(self.token.text) if self.token.kind == "word" else None
        if unit is not None:
            self.at += 1
        if not self.take(":") and unit is None and not (bare or named):
            raise EmotionError(
                f"{token.text} at character {token.place} may be a time or an amount; write {token.text}s for a time, "
                f"a % sign for an amount"
            )
        return secs * (unit or 1.0)

    def clock(self, token: Token) -> float:
        """Seconds of `mm:ss.fff` or `hh:mm:ss.fff`."""
        pieces = [float(piece) for piece in token.text.split(":")]
        if any(piece >= 60.0 for piece in pieces[1:]):
            raise EmotionError(f"{token.text} at character {token.place} is no time; minutes and seconds stay below 60")
        secs = 0.0
        for piece in pieces:
            secs = secs * 60.0 + piece
        return secs

    def is_percent(self) -> bool:
        """Whether the next number carries a percent sign."""
        return self.at + 1 < self.stop and self.tokens[self.at + 1].text == "%"
