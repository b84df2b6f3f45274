"""A place in the tokens of an emotion description: what comes next, phrases, numbers and times."""

import math
from collections.abc import Container
from dataclasses import dataclass, field

from face_emote.core.errors import EmotionError
from face_emote.emotion.tokens import Token

MAX_TIME_SECS = 360_000.0
MAX_KEYS = 200
_UNITS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0, "mins": 60.0}
_LONGEST = 4
"""Words in the longest phrase of any table."""


@dataclass(slots=True)
class Cursor:
    """The next token of one segment; moves forward, or back to a remembered `at`."""

    tokens: tuple[Token, ...]
    at: int = 0
    stop: int = 0
    _end: Token = field(default_factory=lambda: Token(kind="end", text="", place=1))

    def segments(self) -> list[tuple[int, int]]:
        """First and stop token of each part between semicolons."""
        marks = [i for i, token in enumerate(self.tokens) if token.text == ";" or token.kind == "end"]
        spans = list(zip([0, *(i + 1 for i in marks)], marks, strict=False))
        if len(spans) > 1 and spans[-1][0] == spans[-1][1]:
            spans.pop()
        for first, stop in spans:
            if first == stop:
                raise EmotionError(
                    f"There is no emotion before the semicolon at character {self.tokens[stop].place}; write one there"
                )
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
        following = self.tokens[self.at + 1] if self.at + 1 < self.stop else self._end
        if following.text == "%":
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
        following = self.tokens[self.at + 1] if self.at + 1 < self.stop else self._end
        if token.kind != "number" or following.text == "%":
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
