"""Reads a plain table of curves: a header `time,NAME,..`, then seconds and values, one line a frame; as `export --rig`
writes it. Trusts nothing: ValueError says what is wrong.
"""

import csv
import math
from array import array
from pathlib import Path

import numpy as np

from face_emote.formats.arkit.live_link_reader import evenly, rate_of
from face_emote.formats.recorded import MAX_BYTES, MAX_CURVES, MAX_NUMBERS, RecordedCurves


def is_curve_table(path: Path) -> bool:
    """Whether a file's first word is `time`."""
    with path.open("rb") as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").lower().lstrip(b'"').startswith((b"time,", b'time",'))


def read_curve_table(path: Path) -> RecordedCurves:
    """Raises ValueError saying what is wrong, and OSError."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    numbers = array("d")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            names = tuple(word.strip() for word in next(rows, [])[1:])
            if not 0 < len(names) <= MAX_CURVES:
                raise ValueError(f"it names {len(names)} curves; expected 1 to {MAX_CURVES}")
            for line, row in enumerate(rows, 2):
                if not row:
                    continue
                if len(row) != len(names) + 1:
                    raise ValueError(f"line {line} has {len(row)} columns, the first line {len(names) + 1}")
                try:
                    values = [float(word) for word in row]
                except ValueError:
                    raise ValueError(f"line {line} holds something that is no number") from None
                if not all(map(math.isfinite, values)):
                    raise ValueError(f"line {line} holds a number that is not finite")
                numbers.extend(values)
                if len(numbers) > MAX_NUMBERS:
                    raise ValueError("it has too many rows to hold at once; split it")
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"it is no table of comma-separated values ({error})") from None
    table = np.frombuffer(numbers).reshape(-1, len(names) + 1).copy()
    if not len(table):
        raise ValueError("it has no rows")
    times = table[:, 0] - table[0, 0]
    steps = np.diff(times)
    if len(steps) and not steps.min() > 1e-4:
        raise ValueError(f"its time does not advance after row {int(np.argmin(steps)) + 1}")
    fps = rate_of(times)
    return RecordedCurves(names=names, values=evenly(times, table[:, 1:], fps=fps), fps=fps)
