"""Curves as a file has them: tables (`.csv`) of seconds or of Live Link Face's timecodes, and ARKit `.json`.

Nothing here trusts a file: ValueError says what is wrong. Tables are read as spreadsheets leave them, too: parted by
commas, semicolons or tabs, with decimal commas, a byte-order mark, empty columns at the end, rows that stand twice.

A row of Live Link Face is `HH:MM:SS:FF.fff`, the number of values, and the values. FF counts frames of the recording
app (60 a second by default, 30 and others by choice); the file does not say how many make a second, so the rate that
spaces the rows most evenly is taken. Rows without a tracked face, and rows that the app dropped, are filled in
linearly.
"""

import codecs
import csv
import math
import re
import warnings
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import FaceEmoteWarning
from face_emote.core.names import LIVE_LINK_TICKS_HZ
from face_emote.core.reading import content_of, opened
from face_emote.core.records import Record, parsed_json
from face_emote.core.timing import MAX_FPS, MIN_FPS

MAX_NUMBERS = 60_000_000  # In one capture: 4.5 hours of 61 curves at 60 fps, 0.5 GB; split longer ones.
MAX_CURVES = 4096
MAX_BYTES = 1 << 30
USUAL_FPS = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 120.0, 24000 / 1001, 30000 / 1001, 60000 / 1001)
TICK_RATES_HZ = (LIVE_LINK_TICKS_HZ, 24.0, 25.0, 30.0, 48.0, 50.0, 120.0)  # Likeliest first.
TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:[.,]\d{1,9})?)", re.ASCII)
DAY_SECS = 86400.0
MAX_GAP_SECS = 600.0
SMALLEST_STEP_SECS = 1e-4
ROUNDING_SECS = 5e-5
"""Unevenness of a row that says nothing; a wrong rate of ticks shows as 10 ms or more in every second."""
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
AUDIO2FACE = {"fps": "exportFps", "names": "facsNames", "frames": "weightMat"}  # What Audio2Face calls the same.
FORM = '{"fps": 30, "names": [..], "frames": [[..], ..]}'


@dataclass(frozen=True, slots=True)
class RecordedCurves:
    """Curves as a file has them."""

    names: tuple[str, ...]
    values: Float[Array, "frames curve"]  # Float64, finite; frame i is at i / fps.
    fps: float


def read_table(path: Path, *, fps: float | None = None) -> RecordedCurves:
    """Read a header `time,NAME,..` and lines of seconds and values, or a recording of Live Link Face.

    `fps` is for a take whose timecodes do not say its rate: one that lies within one second. Raises ValueError saying
    what is wrong, and OSError.
    """
    rows = _table_rows(path)
    _, header = next(rows, (1, [""]))
    in_seconds = header[0].lower() == "time"
    if not in_seconds and [word.lower() for word in header[:2]] != ["timecode", "blendshapecount"]:
        raise ValueError(
            "its first line does not begin with Timecode,BlendshapeCount as Live Link Face writes it, nor with time"
        )
    first = 1 if in_seconds else 2
    names, stamps, numbers = tuple(header[first:]), array("d"), array("d")
    if not 0 < len(names) <= MAX_CURVES:
        raise ValueError(f"it names {len(names)} curves; expected 1 to {MAX_CURVES}")
    for line, row in rows:
        if not in_seconds and row[1:2] in (["0"], ["0.0"], ["0,0"]):  # No face was seen.
            continue
        if len(row) != len(header):
            raise ValueError(f"line {line} has {len(row)} columns, the first line {len(header)}")
        stamps.extend((*_numbers_of(row[:1], line=line), 0.0) if in_seconds else _stamp(row[0], line=line))
        numbers.extend(_numbers_of(row[first:], line=line))
        if len(numbers) > MAX_NUMBERS:
            raise ValueError("it has too many rows to hold at once; split it")
    if not stamps:
        raise ValueError("it has no rows" if in_seconds else "it has no rows with a tracked face")
    times, values = np.frombuffer(stamps).reshape(-1, 2), np.frombuffer(numbers).reshape(-1, len(names))
    new = np.append(True, np.any(np.diff(times, axis=0) != 0.0, axis=1))
    times, values = times[new], values[new]
    seconds = times[:, 0] if in_seconds else _seconds(times, fps=fps)
    _require_rising(seconds)
    rate = _rate_of(seconds - seconds[0], known=fps)
    if fps is None and (len(seconds) == 1 or (not in_seconds and np.ptp(times[:, 0]) == 0.0)):
        warnings.warn(
            f"This take lies within one second, so its times do not say its frame rate; it is read as {rate:g} frames "
            f"a second. If it was recorded at another rate, name that (--fps, or fps=): {path}",
            FaceEmoteWarning,
            stacklevel=2,
        )
    return RecordedCurves(names=names, values=_evenly(seconds - seconds[0], values, fps=rate), fps=rate)


def read_json(path: Path) -> RecordedCurves:
    """Read `{"fps": .., "names": [..], "frames": [[..], ..]}`, or what Audio2Face exports.

    Raises ValueError saying what is wrong, and OSError.
    """
    content = parsed_json(content_of(path, most=MAX_BYTES))
    if isinstance(content, dict) and "weightMat" in content:
        content |= {name: content[theirs] for name, theirs in AUDIO2FACE.items() if theirs in content}
    if not isinstance(content, dict) or not {"fps", "names", "frames"} <= set(content):
        raise ValueError(f"it has not the form {FORM}")
    record = Record.of(content)
    names = [name for name in record.rows("names") if isinstance(name, str)]
    if len(names) != len(record.rows("names")):
        raise ValueError("its names are no list of words")
    if not 0 < len(names) <= MAX_CURVES:
        raise ValueError(f"it names {len(names)} curves; expected 1 to {MAX_CURVES}")
    frames = record.rows("frames")
    if not frames:
        raise ValueError("it has no frames")
    fps = record.number("fps", low=MIN_FPS, high=MAX_FPS)
    return RecordedCurves(names=tuple(names), values=_values(frames, width=len(names)), fps=fps)


def _values(frames: list[object], *, width: int) -> Float[Array, "frames curve"]:
    if len(frames) * width > MAX_NUMBERS:
        raise ValueError("it has too many frames to hold at once; split it")
    out = np.empty((len(frames), width))
    for i, row in enumerate(frames, 1):
        if not isinstance(row, list) or len(row) != width:
            raise ValueError(f"frame {i} is no list of {width} numbers")
        if not {type(value) for value in row} <= {int, float}:
            raise ValueError(f"frame {i} holds something that is no number")
        try:
            out[i - 1] = row
        except OverflowError:
            raise ValueError(f"frame {i} holds a number that is too large") from None
    if not np.all(np.isfinite(out)):
        raise ValueError("a number in it is too large")
    return out


def _table_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and words of every row that has any; the first one is the header."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    with opened(path) as raw:
        mark = raw.read(2)
    try:
        with path.open(encoding=MARKS.get(mark, "utf-8-sig"), newline="") as file:
            named = re.fullmatch(r"sep=(.)\s*", file.readline(100), re.IGNORECASE)  # As Excel writes it.
            start = file.tell() if named else 0
            file.seek(start)
            head = file.readline(MAX_BYTES)
            file.seek(start)
            sign = named[1] if named else max(",;\t", key=head.count)
            for line, row in enumerate(csv.reader(file, delimiter=sign, strict=True), 2 if named else 1):
                words = [word.strip() for word in row]
                while words and not words[-1]:
                    words.pop()
                if words:
                    yield line, words
    except UnicodeError:
        raise ValueError("it is not text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"it is no table of comma-separated values ({error})") from None


def _numbers_of(words: list[str], *, line: int) -> list[float]:
    """Finite numbers, with decimal points or commas; or ValueError."""
    try:
        values = [float(word.replace(",", ".")) for word in words]
    except ValueError:
        raise ValueError(f"line {line} holds something that is no number") from None
    if not all(map(math.isfinite, values)):
        raise ValueError(f"line {line} holds a number that is not finite")
    return values


def _stamp(word: str, *, line: int) -> tuple[float, float]:
    """Whole seconds, and ticks of the last one."""
    stamp = TIMECODE.fullmatch(word)
    if stamp is None:
        raise ValueError(f"line {line} does not begin with a timecode such as 00:00:01:12.500")
    hours, minutes, seconds = (int(part) for part in stamp.groups()[:3])
    return hours * 3600.0 + minutes * 60.0 + seconds, float(stamp[4].replace(",", "."))


def _seconds(stamps: Float[Array, "row 2"], *, fps: float | None) -> Float[Array, " row"]:
    """Seconds of timecodes, by the rate of ticks that spaces the rows most evenly."""
    whole, ticks = stamps.T
    whole = whole + DAY_SECS * np.cumsum(np.diff(whole, prepend=whole[0]) < -0.5 * DAY_SECS)
    if fps is not None and len(ticks) > 1 and np.ptp(whole) == 0.0:
        seconds: Array = ticks / (fps * max(float(np.median(np.diff(ticks))), SMALLEST_STEP_SECS))
        return seconds
    readings = [whole + ticks / rate for rate in TICK_RATES_HZ if ticks.max() < rate]
    if not readings:
        raise ValueError(f"its timecodes count {ticks.max():g} frames in a second; expected fewer than 120")
    steps = [np.diff(reading) for reading in readings]
    uneven = [float(np.abs(step - np.median(step)).sum()) if len(step) else 0.0 for step in steps]
    # Timecodes are rounded to a thousandth of a tick, and clips within one second fit every rate: likeliest first.
    best = next(i for i, sum_secs in enumerate(uneven) if sum_secs <= min(uneven) + ROUNDING_SECS * len(stamps))
    if len(steps[best]) and steps[best].max() > MAX_GAP_SECS:
        raise ValueError("its timecode jumps by more than ten minutes; split it there")
    likeliest: Array = readings[best]
    return likeliest


def _require_rising(seconds: Float[Array, " row"]) -> None:
    steps = np.diff(seconds)
    if len(steps) and not steps.min() > SMALLEST_STEP_SECS:
        raise ValueError(f"its timecode does not advance after row {int(np.argmin(steps)) + 1}")


def _rate_of(times: Float[Array, " row"], *, known: float | None) -> float:
    """Frames per second: the rows' usual step, refined over the whole clip; what is known, or 60, of one row alone."""
    if len(times) < 2:
        return known or LIVE_LINK_TICKS_HZ
    steps = np.diff(times)
    frames = np.maximum(np.round(steps / np.median(steps)), 1.0).sum()
    found = float(frames / times[-1])
    usual = min((*USUAL_FPS, known or LIVE_LINK_TICKS_HZ), key=lambda fps: abs(fps - found))
    # Rounding shows most in short clips.
    tolerance = max(2e-5, 2e-3 / LIVE_LINK_TICKS_HZ / times[-1])
    return usual if abs(usual / found - 1.0) < tolerance else float(np.round(found, 3))


def _evenly(
    times: Float[Array, " row"], values: Float[Array, "row curve"], *, fps: float
) -> Float[Array, "frames curve"]:
    """One row per frame, as recorded where a row lies on the frame, else linear between its neighbours."""
    position = times * fps
    nearest = np.round(position)
    on_grid = np.abs(position - nearest).max() < 0.02
    if on_grid and np.array_equal(nearest, np.arange(len(times))):
        return values.copy()
    count = int(nearest[-1]) + 1
    if count * values.shape[1] > MAX_NUMBERS:
        raise ValueError("its timecode leaves too many frames to fill in; split it")
    known = nearest if on_grid else position
    return np.stack([np.interp(np.arange(count), known, curve) for curve in values.T], axis=1)
