"""The `.csv` of Epic's Live Link Face app. Reading trusts nothing: ValueError says what is wrong.

A row is `HH:MM:SS:FF.fff`, the number of values, and the values. FF counts frames of the recording app (60 a second by
default, 30 and others by choice); the file does not say how many make a second, so the rate that spaces the rows most
evenly is taken. Rows without a tracked face, and rows that the app dropped, are filled in linearly.
"""

import re
from array import array
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import LIVE_LINK_TICKS_HZ
from face_emote.core.output import written_beside
from face_emote.formats.arkit import CURVES, ArkitCurves, text_rows
from face_emote.formats.mesh.person import Person, Progress
from face_emote.formats.recorded import NumberTable, RecordedCurves, evenly, numbers_of, rate_of, table_rows

CSV_HEADER = ",".join(["Timecode", "BlendshapeCount", *(name[0].upper() + name[1:] for name in CURVES)])
TICK_RATES_HZ = (LIVE_LINK_TICKS_HZ, 24.0, 25.0, 30.0, 48.0, 50.0, 120.0)
"""Likeliest first."""
TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d{1,9})?)", re.ASCII)
DAY_SECS = 86400.0
MAX_GAP_SECS = 600.0
ROUNDING_SECS = 5e-5
"""Unevenness of a row that says nothing; a wrong rate of ticks shows as 10 ms or more in every second."""


def write_live_link(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write the 63 columns that Unreal's importer of Live Link Face recordings reads. Memory stays flat.

    Raises:
        HeadError: the head has no named shapes.
        OutputError: the file cannot be written there.
    """
    rows = text_rows(motion, ArkitCurves(person.model), progress=progress)
    with written_beside(path) as target, target.open("w", encoding="ascii", newline="\n") as file:
        file.write(CSV_HEADER + "\n")
        for time_secs, row in rows:
            file.write(f"{timecode(time_secs)},{len(CURVES)},{row}\n")


def timecode(time_secs: float) -> str:
    """`HH:MM:SS:FF.fff`, FF counting sixtieths of a second as Unreal's importer does; 24 hours wrap around."""
    thousandths = round(time_secs * LIVE_LINK_TICKS_HZ * 1000.0)
    seconds, rest = divmod(thousandths, round(LIVE_LINK_TICKS_HZ * 1000.0))
    ticks, fraction = divmod(rest, 1000)
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours % 24:02d}:{minutes % 60:02d}:{seconds % 60:02d}:{ticks:02d}.{fraction:03d}"


def read_live_link(path: Path) -> RecordedCurves:
    """Raises ValueError saying what is wrong, and OSError."""
    rows = table_rows(path)
    _, header = next(rows, (1, []))
    if [word.lower() for word in header[:2]] != ["timecode", "blendshapecount"]:
        raise ValueError("its first line does not begin with Timecode,BlendshapeCount as Live Link Face writes it")
    table, stamps = NumberTable(tuple(header[2:])), array("d")
    for line, row in rows:
        if row[1:2] == ["0"]:  # No face was seen.
            continue
        if len(row) != len(header):
            raise ValueError(f"line {line} has {len(row)} columns, the first line {len(header)}")
        stamps.extend(_stamp(row[0], line=line))
        table.append(numbers_of(row[2:], line=line))
    if not stamps:
        raise ValueError("it has no rows with a tracked face")
    times = _times(np.frombuffer(stamps).reshape(-1, 2))
    fps = rate_of(times)
    return RecordedCurves(names=table.names, values=evenly(times, table.values(), fps=fps), fps=fps)


def _stamp(word: str, *, line: int) -> tuple[float, float]:
    """Whole seconds, and ticks of the last one."""
    stamp = TIMECODE.fullmatch(word)
    if stamp is None:
        raise ValueError(f"line {line} does not begin with a timecode such as 00:00:01:12.500")
    hours, minutes, seconds = (int(part) for part in stamp.groups()[:3])
    return hours * 3600.0 + minutes * 60.0 + seconds, float(stamp.group(4))


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
