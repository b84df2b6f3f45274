"""A thing that is configured is a frozen dataclass whose fields describe themselves: range, unit, choices, help.

Command line, manifests and worker requests are made from `options_of(record)`; none of them lists a field again.
Whatever a value comes from - an argument, a cell, JSON - it is checked by `require_option`, so that limits and messages
are the same everywhere.
"""

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Any, TypeVar

from face_emote.core.errors import OptionError

Record = TypeVar("Record")
Sides = tuple[int, int]
TRANSCRIPT_SUFFIXES = (".txt", ".srt", ".vtt")  # Of what lies beside a recording.
_DOCUMENT = re.compile(
    r".*\.(txt|srt|vtt|ass|ssa|sub|sbv|ttml|dfxp|sami|smi|lrc|stl|md|rtf|docx?|odt|pdf|csv|tsv|json|xml|html?)",
    re.IGNORECASE,
)
"""What is written like the name of a file of words."""
LONGEST_PATH = 4096
TRUE, FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

_INSTANT = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,9}(?:[.,]\d{0,9})?)\s*s?", re.ASCII | re.IGNORECASE)


class Kind(Enum):
    """How a value is written down."""

    TEXT = auto()
    NUMBER = auto()
    WHOLE = auto()
    FLAG = auto()
    FILE = auto()  # A file that exists, or one of the choices.
    FOLDER = auto()  # One that exists.
    WORDS = auto()  # A text, or the file that holds it.
    TIME = auto()  # Seconds, written as 2, 2s or 00:02.
    SIZE = auto()  # Pixels: one side of a square, or width x height.


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is known about a field."""

    help: str
    kind: Kind = Kind.TEXT
    section: str = ""  # Title of the group in which --help shows it.
    metavar: str = ""
    letter: str = ""  # Short form on the command line.
    low: float | int = -math.inf
    high: float | int = math.inf
    hint: str = ""  # What to say after a value that is out of range.
    choices: tuple[str, ...] = ()
    usual: str = ""  # In words, what is taken when nothing is given, where the default does not say it.
    name: str = ""
    """What the outside calls it; empty until `options_of` fills it in, unless it differs from the field's."""
    attribute: str = ""  # Name of the field.
    owner: str = ""  # Field of the record in whose own record this one lies.
    default: Any = None


def option(default: Any, text: str, /, **about: Any) -> Any:
    """A dataclass field that describes itself; `about` are fields of `Option`."""
    return field(default=default, metadata={"option": Option(help=text, default=default, **about)})


def options_of(record: type[Any]) -> tuple[Option, ...]:
    """The table of a record's fields, those of records inside it included, in order of declaration."""
    found: list[Option] = []
    for item in fields(record):
        known = item.metadata.get("option")
        if known is not None:
            found.append(replace(known, name=known.name or item.name, attribute=item.name))
        elif item.default is not MISSING and is_dataclass(item.default):
            found += [replace(inner, owner=item.name) for inner in options_of(type(item.default))]
    return tuple(found)


def built(record: type[Record], values: Mapping[str, Any], **fixed: Any) -> Record:
    """A record from values by the options' names; what is absent or None has its default.

    `fixed` are fields as such.
    """
    own: dict[str, Any] = dict(fixed)
    inner: dict[str, dict[str, Any]] = {}
    for item in options_of(record):
        value = values.get(item.name)
        if value is not None:
            (inner.setdefault(item.owner, {}) if item.owner else own)[item.attribute] = value
    defaults: dict[str, Any] = {item.name: item.default for item in fields(record)}  # type: ignore[arg-type]
    own |= {owner: replace(defaults[owner], **given) for owner, given in inner.items()}
    return record(**own)


def require_fields(record: Any) -> None:
    """Raise OptionError unless every field of a record lies in its range."""
    for item in options_of(type(record)):
        value = getattr(getattr(record, item.owner) if item.owner else record, item.attribute)
        if value is not None:
            require_option(item, value)


def require_option(item: Option, value: Any) -> None:
    """Raise OptionError, with name, value and range, unless a field can have this value."""
    if item.kind in (Kind.NUMBER, Kind.WHOLE, Kind.TIME):
        whole = item.kind is Kind.WHOLE
        require_number(item.name, value, low=item.low, high=item.high, whole=whole, hint=item.hint)
    elif item.kind is Kind.SIZE:
        for side, pixels in zip(("width", "height"), sides_of(value), strict=True):
            require_side(side, pixels, low=int(item.low), high=int(item.high))
    elif isinstance(value, str) and not _is_text(value):
        raise OptionError(f"{item.name} holds signs that are no letters of any script; write it anew")
    elif item.choices and item.kind is Kind.TEXT and isinstance(value, str) and value not in item.choices:
        raise OptionError(f"There is no {item.name} {value!r}; {nearest(value, item.choices)}")


def require_number(
    name: str,
    value: Any,
    *,
    low: float | int = -math.inf,
    high: float | int = math.inf,
    whole: bool = False,
    hint: str = "",
) -> None:
    """Raise OptionError unless a value is a finite (or whole) number in a range."""
    right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    # A whole number may have more digits than a float can take.
    if not (right and (isinstance(value, int) or math.isfinite(value)) and low <= value <= high):
        raise OptionError(_out_of_range(name, value, low=low, high=high, whole=whole, hint=hint))


def require_side(side: str, pixels: int, *, low: int, high: int) -> None:
    """Raise OptionError unless a picture can be so wide, or high."""
    if not low <= pixels <= high or pixels % 2:
        raise OptionError(f"The picture's {side} must be an even number from {low} to {high}, got {shown(pixels)}")


def sides_of(size: int | Sides) -> Sides:
    """Width and height."""
    return (size, size) if isinstance(size, int) else size


def nearest(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not known: the nearest one, or all."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(names)}"


def read_option(item: Option, text: str, *, folder: Path = Path()) -> Any:
    """A value from its text, as in a cell or on the command line; paths are relative to `folder`.

    OptionError: it cannot be read; the message has name, value and range. Texts are checked later, by the record.
    """
    match item.kind:
        case Kind.NUMBER | Kind.WHOLE:
            value = number_in(text)
            if item.kind is Kind.WHOLE and isinstance(value, float) and value.is_integer():
                value = int(value)
            require_option(item, text if value is None else value)
            return value if item.kind is Kind.WHOLE else float(value or 0.0)
        case Kind.TIME:
            seconds = _seconds_in(item.name, text)
            require_option(item, seconds)
            return seconds
        case Kind.FLAG:
            if text.lower() not in TRUE + FALSE:
                raise OptionError(f"{item.name} must be yes or no, got {shown(text)}")
            return text.lower() in TRUE
        case Kind.SIZE:
            return _size_in(item.name, text)
        case Kind.FILE | Kind.FOLDER:
            there = _existing_folder if item.kind is Kind.FOLDER else existing_file
            return text if text in item.choices else there(item.name, text, folder=folder)
        case Kind.WORDS:
            return words_or_file(item.name, text, folder=folder)
    return text


def json_option(item: Option, value: Any) -> Any:
    """A value as it came in JSON; null is None. Raises OptionError for another kind of value, or one out of range."""
    if value is None:
        return None
    if item.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise OptionError(f"{item.name} must be true or false, got {shown(value)}")
    elif item.kind is Kind.SIZE:
        sides = value if isinstance(value, list) and len(value) == 2 else [value]
        for side in sides:
            require_number(item.name, side, low=item.low, high=item.high, whole=True)
        value = value if len(sides) == 1 else tuple(sides)
    elif item.kind not in (Kind.NUMBER, Kind.WHOLE):
        if not isinstance(value, str):
            raise OptionError(f"{item.name} must be a text, got {shown(value)}")
        value = read_option(item, value) if value.strip() else None
    if value is not None:
        require_option(item, value)
    return float(value) if item.kind is Kind.NUMBER else value


def number_in(text: str) -> float | int | None:
    """The number that a text is, decimal commas included; None when it is none."""
    plain = text.strip()
    if len(plain) > 40 or not _NUMBER.fullmatch(plain):
        return None
    digits = plain.lstrip("+-")
    return int(plain) if digits.isdigit() else float(plain.replace(",", "."))


def existing_file(name: str, text: str, *, folder: Path) -> Path:
    """The path of a file. Raises OptionError when there is none."""
    path = _place(text, folder)
    if not is_file(path):
        raise OptionError(f"{name}: there is no such file: {path}")
    return path


def _existing_folder(name: str, text: str, *, folder: Path) -> Path:
    path = _place(text, folder)
    if not _is_there(path) or not path.is_dir():
        raise OptionError(f"{name}: there is no such folder: {path}")
    return path


def words_or_file(name: str, text: str, *, folder: Path = Path()) -> str | Path:
    """Words as they are, or the path of the file that they name. Raises OptionError when it is not there."""
    plain = text.strip()
    if len(plain) < LONGEST_PATH and len(plain.splitlines()) == 1:
        place = _place(plain, folder)
        if _DOCUMENT.fullmatch(plain) or is_file(place) or (os.sep in plain and _is_there(place)):
            return existing_file(name, plain, folder=folder)
    return text


def is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file system takes is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _place(text: str, folder: Path) -> Path:
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:  # `~nobody`
        return folder / text


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def shown(value: object) -> str:
    """A value in a message: short, however long it is."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of over 40 digits"
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 80 else f"{text[:60]}..{text[-8:]}"


def _is_text(value: str) -> bool:
    """False for halves of letters, as a damaged file name or a damaged terminal gives them."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _seconds_in(name: str, text: str) -> float:
    """Raises OptionError."""
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise OptionError(f"{name} takes an instant such as 2, 2.5s or 00:02, got {shown(text)}")
    hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups())
    return 3600.0 * hours + 60.0 * minutes + seconds


def _size_in(name: str, text: str) -> int | Sides:
    width, cross, height = text.strip().lower().partition("x")
    if not re.fullmatch(r"\d{1,5}", width, re.ASCII) or (cross and not re.fullmatch(r"\d{1,5}", height, re.ASCII)):
        raise OptionError(f"{name} takes pixels such as 512 or 1280x720, got {shown(text)}")
    return (int(width), int(height)) if cross else int(width)


def _out_of_range(name: str, value: object, *, low: float | int, high: float | int, whole: bool, hint: str) -> str:
    ends = f" from {low:g} to {_number(high)}" if math.isfinite(high) else ""
    return f"{name} must be a {'whole ' * whole}number{ends}, got {shown(value)}{f'; {hint}' if hint else ''}"


def _number(value: float | int) -> str:
    return "2^63 - 1" if value == 2**63 - 1 else f"{value:g}"
