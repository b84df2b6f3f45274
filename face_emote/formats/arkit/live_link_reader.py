"""Reads the `.csv` of Epic's Live Link Face app. Trusts nothing: ValueError says what is wrong.

A row is `HH:MM:SS:FF.fff`, the number of values, and the values. FF counts frames of the recording app (60 a second by
default, 30 and others by choice); the file does not say how many make a second, so the rate that spaces the rows most
evenly is taken. Rows without a tracked face, and rows that the app dropped, are filled in linearly.
"""

import csv
import math
import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import LIVE_LINK_TICKS_HZ
from face_emote.formats.recorded import MAX_BYTES, MAX_CURVES, MAX_NUMBERS, RecordedCurves

TICK_RATES_HZ = (LIVE_LINK_TICKS_HZ, 24.0, 25.0, 30.0, 48.0, 50.0, 120.0)
"""Likeliest first."""
USUAL_FPS = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 120.0, 24000 / 1001, 30000 / 1001, 60000 / 1001)
TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d{1,9})?)", re.ASCII)
DAY_SECS = 86400.0
MAX_GAP_SECS = 600.0
ROUNDING_SECS = 5e-5
"""Unevenness of a row that says nothing; a wrong rate of ticks shows as 10 ms or more in every second."""


def read_curves_csv(path: Path) -> RecordedCurves:
    """Raises ValueError saying what is wrong, and OSError."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    stamps, numbers = array("d"), array("d")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            names = _header(next(rows, []))
            for whole_secs, ticks, row in _tracked(rows, width=len(names), line=2):
                stamps.extend((whole_secs, ticks))
                numbers.extend(row)
                if len(numbers) > MAX_NUMBERS:
                    raise ValueError("it has too many rows to hold at once; split it")
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"it is no table of comma-separated values ({error})") from None
    if not stamps:
        raise ValueError("it has no rows with a tracked face")
    values = np.frombuffer(numbers).reshape(-1, len(names)).copy()
    times = _times(np.frombuffer(stamps).reshape(-1, 2))
    fps = rate_of(times)
    return RecordedCurves(names=names, values=evenly(times, values, fps=fps), fps=fps)


def _header(row: list[str]) -> tuple[str, ...]:
    words = [word.strip() for word in row]
    if [word.lower() for word in words[:2]] != ["timecode", "blendshapecount"] or len(words) < 3:
        raise ValueError("its first line does not begin with Timecode,BlendshapeCount as Live Link Face writes it")
    if len(words) > MAX_CURVES:
        raise ValueError(f"it names {len(words)} columns; expected at most {MAX_CURVES}")
    return tuple(words[2:])


def _tracked(
    rows: Iterator[list[str]], *, width: int, line: int
) -> Iterator[tuple[float, float, list[float]]]:  # fmt: skip
    """Whole seconds, ticks and values of every row that has a face."""
    for number, row in enumerate(rows, line):
        if not row or row[1:2] == ["0"]:
            continue
        if len(row) != width + 2:
            raise ValueError(f"line {number} has {len(row)} columns, the first line {width + 2}")
        stamp = TIMECODE.fullmatch(row[0].strip())
        if stamp is None:
            raise ValueError(f"line {number} does not begin with a timecode such as 00:00:01:12.500")
        hours, minutes, seconds = (int(part) for part in stamp.groups()[:3])
        try:
            values = [float(word) for word in row[2:]]
        except ValueError:
            raise ValueError(f"line {number} holds something that is no number") from None
        if not all(map(math.isfinite, values)):
            raise ValueError(f"line {number} holds a number that is not finite")
        yield hours * 3600.0 + minutes * 60.0 + seconds, float(stamp.group(4)), values


def _times(stamps: Float[Array, "row 2"]) -> Float[Array, " row"]:
    """Seconds since the first row, rising. Raises ValueError when time runs backwards or stands still."""
    whole, ticks = stamps.T
    whole = whole + DAY_SECS * np.cumsum(np.diff(whole, prepend=whole[0]) < -0.5 * DAY_SECS)
    readings = [whole + ticks / rate for rate in TICK_RATES_HZ if ticks.max() < rate]
    if not readings:
        raise ValueError(f"its timecodes count {ticks.max():g} frames in a second; expected fewer than 120")
    steps = [np.diff(reading) for reading in readings]
    uneven = [float(np.abs(step - np.median(step)).sum()) if len(step) else 0.0 for step in steps]
    # Timecodes are rounded to a thousandth of a tick, and clips within one second fit every rate: likeliest first.
    best = next(i for i, sum_secs in enumerate(uneven) if sum_secs <= min(uneven) + ROUNDING_SECS * len(stamps))
    if len(steps[best]) and not steps[best].min() > 1e-4:
        raise ValueError(f"its timecode does not advance after row {int(np.argmin(steps[best])) + 1}")
    if len(steps[best]) and steps[best].max() > MAX_GAP_SECS:
        raise ValueError("its timecode jumps by more than ten minutes; split it there")
    return readings[best] - readings[best][0]


def rate_of(times: Float[Array, " row"]) -> float:
    """Frames per second: the rows' usual step, refined over the whole clip; one row alone is taken as 60 fps."""
    if len(times) < 2:
        return LIVE_LINK_TICKS_HZ
    steps = np.diff(times)
    frames = np.maximum(np.round(steps / np.median(steps)), 1.0).sum()
    found = float(frames / times[-1])
    usual = min(USUAL_FPS, key=lambda fps: abs(fps - found))
    # Rounding shows most in short clips.
    tolerance = max(2e-5, 2e-3 / LIVE_LINK_TICKS_HZ / times[-1])
    return usual if abs(usual / found - 1.0) < tolerance else float(np.round(found, 3))


def evenly(
    times: Float[Array, " row"], values: Float[Array, "row curve"], *, fps: float
) -> Float[Array, "frames curve"]:
    """One row per frame, as recorded where a row lies on the frame, else linear between its neighbours."""
    position = times * fps
    nearest = np.round(position)
    on_grid = np.abs(position - nearest).max() < 0.02
    if on_grid and np.array_equal(nearest, np.arange(len(times))):
        return values
    count = int(nearest[-1]) + 1
    if count * values.shape[1] > MAX_NUMBERS:
        raise ValueError("its timecode leaves too many frames to fill in; split it")
    known = nearest if on_grid else position
    return np.stack([np.interp(np.arange(count), known, curve) for curve in values.T], axis=1)
