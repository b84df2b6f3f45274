"""JSON (and TOML) that nobody vouches for, read value by value: type, range, and the name of the place.

Everything here raises ValueError with a clause ("fps must be a number, got null"); who reads a file makes the user's
error of it.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from face_emote.core.fields import shown

MAX_DIGITS = 400  # Of a whole number; more are beyond every float.


def parsed_json(data: bytes) -> object:
    """What a JSON text in UTF-8 says. Refused are names that stand twice, NaN and infinities, and endless nesting."""
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refused, parse_int=_whole)
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is damaged on line {error.lineno}") from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None


@dataclass(frozen=True, slots=True)
class Record:
    """A table of named values, and where it stands."""

    values: Mapping[str, object]
    place: str = ""  # Empty at the top of a file.

    @classmethod
    def of(cls, value: object, place: str = "") -> "Record":
        """Raises ValueError when the value is no table."""
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise ValueError(f"{place or 'it'} must be a table of named values, got {said(value)}")
        return cls(value, place)

    def require_names(self, known: Collection[str]) -> None:
        """Raise ValueError when there is a name that means nothing here."""
        unknown = next((name for name in self.values if name not in known), None)
        if unknown is not None:
            raise ValueError(f"{shown(unknown)} means nothing {self._where}; it may hold {', '.join(known)}")

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise ValueError(f"{self._named(name)} must be a text, got {said(value)}")
        return value

    def number(
        self, name: str, default: float | None = None, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A finite number in a range."""
        return number_from(self._value(name, default), self._named(name), low=low, high=high)

    def whole(self, name: str, default: int | None = None, *, low: int, high: int) -> int:
        """A whole number in a range."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{self._named(name)} must be a whole number from {low} to {high}, got {said(value)}")
        return value

    def table(self, name: str, default: Mapping[str, object] | None = None) -> "Record":
        """A table inside this one."""
        return Record.of(self._value(name, default), self._named(name))

    def rows(self, name: str, default: list[object] | None = None) -> list[object]:
        """A list."""
        value = self._value(name, default)
        if not isinstance(value, list):
            raise ValueError(f"{self._named(name)} must be a list, got {said(value)}")
        return value

    def tables(self, name: str, default: list[object] | None = None) -> Iterator["Record"]:
        """A list of tables."""
        for number, value in enumerate(self.rows(name, default)):
            yield Record.of(value, f"{self._named(name)}[{number}]")

    def _value(self, name: str, default: object) -> object:
        if name in self.values:
            return self.values[name]
        if default is None:
            raise ValueError(f"there is no {name} {self._where}")
        return default

    def _named(self, name: str) -> str:
        return f"{name} {self._where}" if self.place else name

    @property
    def _where(self) -> str:
        return f"of {self.place}" if self.place else "in it"


def number_from(value: object, place: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in a range; truth values are none."""
    right = isinstance(value, int | float) and not isinstance(value, bool)
    # A whole number may have more digits than a float can take.
    if not right or not isinstance(value, int | float) or not low <= value <= high or value in (math.inf, -math.inf):
        ends = f" from {low:g} to {high:g}" if math.isfinite(low) and math.isfinite(high) else ""
        raise ValueError(f"{place} must be a number{ends}, got {said(value)}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{place} is too large") from None


def said(value: object) -> str:
    """A value in a message, as JSON spells it; short, however long it is."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict | list):
        return f"{'a table' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return shown(value)


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"it names {shown(name)} twice")
        found[name] = value
    return found


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number in it is too large: it has {len(digits)} digits")
    return int(digits)


def _refused(word: str) -> float:
    raise ValueError(f"it holds {word}, which is no number")
