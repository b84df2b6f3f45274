"""Files of a body's recording - tables of text, and EDF - as columns in known units.

Rules. Time 0 is the start of the sound; times of day, and stamps above `_STAMP_SECS`, count from the earliest. A blank
cell is no value. A cell that is no number, or that no living body gives, is left out, and so is one whose time is
missing; rows out of order are sorted, and of several at one instant the first counts. Without times only intervals
between heartbeats can be read: they are their own clock.
"""

import csv
import io
import itertools
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.body.quantities import KNOWN, Quantity, quantity_in
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError, HeartError
from face_emote.core.reading import TEXT_MARKS, MemoryBudget, opened

MAX_BYTES = 2**28
LONGEST_SECS = 86_400.0
LEAST_VALUES = 3
_STAMP_SECS, _DAYS = 1e6, 1e9
_MOST_COLUMNS = 4096
_DAY = re.compile(r"(?:.*[T ])?(\d{1,2}):(\d{2}):(\d{2}(?:[.,]\d+)?)(?:Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One measured column, in order of time."""

    secs: Float[Array, " sample"]
    values: Float[Array, " sample"]
    """In the first unit of its quantity."""
    heading: str
    """As the file has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What a file holds of a body."""

    columns: dict[str, Samples]
    """By names of `quantities.QUANTITIES`."""
    path: Path
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """One of a file, as it was read."""

    heading: str
    secs: Array
    """As written; empty: there are no times."""
    values: Array
    bad: int = 0
    """Cells that are no number, or have no time."""
    time_scale: float = 1.0


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        HeartError: it is missing, damaged, or holds nothing of a living body.
        DependencyError: it is EDF, and pyedflib is not installed.
    """
    try:
        is_edf = path.suffix.lower() in (".edf", ".bdf")
        return _checked(_edf_columns(path) if is_edf else _table_columns(path), path)
    except OSError as error:
        raise HeartError(f"The heart file cannot be read ({error.strerror or error}): {path}") from None
    except (ValueError, csv.Error) as error:
        raise HeartError(f"The heart file cannot be used: {error}: {path}") from None


def _edf_columns(path: Path) -> list[_Column]:
    try:
        import pyedflib
    except ImportError:
        raise DependencyError("EDF needs pyedflib: pip install 'face-emote[body]'") from None
    with opened(path):
        budget = MemoryBudget(path.stat().st_size)
    found = []
    with pyedflib.EdfReader(str(path)) as file:
        for i, label in enumerate(file.getSignalLabels()):
            heading, rate_hz = f"{label} [{file.getPhysicalDimension(i)}]", float(file.getSampleFrequency(i))
            if quantity_in(heading) is not None and rate_hz > 0.0:
                budget.take(16 * int(file.getNSamples()[i]))
                values = np.asarray(file.readSignal(i), np.float64)
                found.append(_Column(heading, np.arange(len(values)) / rate_hz, values))
    return found


def _table_columns(path: Path) -> list[_Column]:
    rows = _rows(path)
    headings = next(rows, None)
    if headings is None:
        raise ValueError("it is empty")
    if len(headings) > _MOST_COLUMNS:
        raise ValueError(f"it has more than {_MOST_COLUMNS} columns")
    if all(_number(cell.strip()) is not None for cell in headings):
        if len(headings) > 1:
            raise ValueError(f"its columns have no names; call them time and {KNOWN}")
        headings, rows = ["rr"], itertools.chain([headings], rows)
    kinds = {i: kind for i, heading in enumerate(headings) if (kind := quantity_in(heading)) is not None}
    clock = next((i for i, (quantity, _) in kinds.items() if quantity.name == "time"), None)
    wanted = [i for i, (quantity, _) in kinds.items() if quantity.name != "time"]
    secs, values = ([array("d") for _ in wanted] for _ in range(2))
    bad = [0] * len(wanted)
    for row in rows:
        now = 0.0 if clock is None else _instant(row[clock].strip() if clock < len(row) else "")
        for place, column in enumerate(wanted):
            cell = row[column].strip() if column < len(row) else ""
            number = _number(cell)
            if number is not None and now is not None:
                secs[place].append(now)
                values[place].append(number)
            elif cell:
                bad[place] += 1
    scale = 1.0 if clock is None else kinds[clock][0].units.get(kinds[clock][1] or "s", math.nan)
    if math.isnan(scale):
        raise ValueError(f"times come in s, ms or min, not as {headings[clock or 0]!r}")
    return [
        _Column(headings[column], np.array(when if clock is not None else ()), np.array(what), fault, scale)
        for column, when, what, fault in zip(wanted, secs, values, bad, strict=True)
    ]


def _rows(path: Path) -> Iterator[list[str]]:
    """Rows of cells; blank lines and remarks behind # are passed over."""
    with opened(path) as file:
        start = file.read(4)
        if file.seek(0, io.SEEK_END) > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB; cut it to the sound")
        file.seek(0)
        encoding = next((name for mark, name in TEXT_MARKS.items() if start.startswith(mark)), "utf-8")
        text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
        lines: Iterator[str] = (line for line in text if line.strip() and not line.lstrip().startswith("#"))
        first = next(lines, None)
        if first is None:
            return
        separator = next((sign for sign in "\t;," if sign in first), None)
        lines = itertools.chain([first], lines)
        yield from (line.split() for line in lines) if separator is None else csv.reader(lines, delimiter=separator)


def _number(cell: str) -> float | None:
    """A finite number, decimal commas included; None for all else."""
    if "_" in cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        try:
            number = float(cell.replace(",", "."))
        except ValueError:
            return None
    return number if math.isfinite(number) else None


def _instant(cell: str) -> float | None:
    """A number as it is, or a time of day in seconds above `_DAYS`; None for all else."""
    number = _number(cell)
    day = None if number is not None else _DAY.fullmatch(cell)
    if day is None:
        return number
    hours, minutes, seconds = (float(part.replace(",", ".")) for part in day.groups())
    return _DAYS + 3600.0 * hours + 60.0 * minutes + seconds


def _checked(columns: list[_Column], path: Path) -> Recording:
    """In known units, in order, and within what a body can be. Raises ValueError."""
    if not columns:
        raise ValueError(f"none of its columns is called {KNOWN}")
    scaled = [_in_seconds(column.secs, column.time_scale) for column in columns]
    earliest = min((float(secs.min()) for secs in scaled if len(secs)), default=0.0)
    found: dict[str, Samples] = {}
    remarks: list[str] = []
    for column, secs in zip(columns, scaled, strict=True):
        quantity, unit = quantity_in(column.heading) or (None, "")
        if quantity is not None and quantity.name not in found and len(column.values) + column.bad:
            since = secs - (earliest if earliest > _STAMP_SECS else 0.0)
            found[quantity.name] = _samples(column, quantity, unit, secs=since, remarks=remarks)
    if not found:
        raise ValueError("it has headings and no rows")
    return Recording(found, path, tuple(f"{remark}: {path.name}" for remark in remarks))


def _samples(column: _Column, quantity: Quantity, unit: str, *, secs: Array, remarks: list[str]) -> Samples:
    """What can be used of a column; what was done to it is added to the remarks. Raises ValueError."""
    values = _in_unit(quantity, unit, column)
    if not len(secs):
        if quantity.name != "rr" and len(values):
            raise ValueError(f"{column.heading!r} has no times beside it; add a column called 'time (s)'")
        secs = np.cumsum(np.clip(values, 0.0, 60.0))
    usual = (values >= quantity.low) & (values <= quantity.high)
    if usual.sum() < LEAST_VALUES:
        raise ValueError(_too_few(quantity, column, count=int(usual.sum())))
    if secs.min() < -LONGEST_SECS or secs.max() > LONGEST_SECS:
        raise ValueError("it lasts longer than a day; say the unit of its times, as in 'time (ms)'")
    lost, total = column.bad + int((~usual).sum()), len(values) + column.bad
    if lost:
        remarks.append(
            f"{lost} of {total} values of {column.heading!r} are no numbers{_range_of(quantity)} and left out"
        )
    order = np.argsort(secs[usual], kind="stable")
    if np.any(np.diff(order) < 0):
        remarks.append(f"The rows of {column.heading!r} are not in order of time and were sorted")
    secs, values = secs[usual][order], values[usual][order]
    once = np.concatenate([[True], np.diff(secs) > 0.0])
    if once.sum() < LEAST_VALUES:
        raise ValueError(f"{column.heading!r} holds {int(once.sum())} instants; it takes {LEAST_VALUES}")
    return Samples(secs[once], values[once], column.heading)


def _in_seconds(secs: Array, scale: float) -> Array:
    """Times of day are seconds whatever the heading says: their figures tell nothing of a unit."""
    is_day = (secs >= _DAYS) & (secs < _DAYS + LONGEST_SECS)
    return np.asarray(np.where(is_day, secs, secs * scale))


def _in_unit(quantity: Quantity, unit: str, column: _Column) -> Array:
    """Raises ValueError for a unit that the quantity does not come in, or values that only another one explains."""
    values = column.values
    if not quantity.units or not len(values):
        return values
    if unit in quantity.resistances:
        return np.asarray(quantity.resistances[unit] / np.maximum(values, 1e-12))
    if unit and unit not in quantity.units:
        raise ValueError(
            f"the unit of {column.heading!r} is not known; {quantity.name} comes in {', '.join(quantity.units)}"
        )
    if not unit and quantity.name == "rr" and np.median(values) > 10.0:
        unit = "ms"
    return np.asarray(values * quantity.units[unit or next(iter(quantity.units))])


def _too_few(quantity: Quantity, column: _Column, *, count: int) -> str:
    has_other_unit = len(column.values) > count and np.any(column.values != 0.0)
    advice = (
        f"; its median is {np.median(column.values):g}. Say the unit in its name, as in "
        f"'{quantity.name} ({(*quantity.units, 'mV')[0]})'"
        if has_other_unit else "; record for longer" if count else "; all of it is zero" if len(column.values) else
        "; none of them is a number"
    )  # fmt: skip
    return f"{column.heading!r} holds {count} usable values{_range_of(quantity)}, and it takes {LEAST_VALUES}{advice}"


def _range_of(quantity: Quantity) -> str:
    if not math.isfinite(quantity.low):
        return ""
    top = f" to {quantity.high:g}" if math.isfinite(quantity.high) else " on"
    return f" from {quantity.low:g}{top}{(' ' + next(iter(quantity.units), '')).rstrip()}"
