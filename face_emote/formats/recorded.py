"""Curves as a file has them: what the readers of captures share. Nothing here trusts a file: ValueError says what is
wrong.
"""

import csv
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import LIVE_LINK_TICKS_HZ

MAX_NUMBERS = 60_000_000
"""In one capture: 4.5 hours of 61 curves at 60 fps, 0.5 GB; split longer ones."""
MAX_CURVES = 4096
MAX_BYTES = 1 << 30
USUAL_FPS = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 120.0, 24000 / 1001, 30000 / 1001, 60000 / 1001)


@dataclass(frozen=True, slots=True)
class RecordedCurves:
    """Curves as a file has them."""

    names: tuple[str, ...]
    values: Float[Array, "frames curve"]
    """Float64, finite; frame i is at i / fps."""
    fps: float


def table_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and words of every row of a table that has any; the first one is the header.

    Raises ValueError saying what is wrong, and OSError.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, row in enumerate(csv.reader(file, strict=True), 1):
                if row:
                    yield line, [word.strip() for word in row]
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"it is no table of comma-separated values ({error})") from None


def numbers_of(words: list[str], *, line: int) -> list[float]:
    """Finite numbers, or ValueError."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        raise ValueError(f"line {line} holds something that is no number") from None
    if not all(map(math.isfinite, values)):
        raise ValueError(f"line {line} holds a number that is not finite")
    return values


class NumberTable:
    """Rows of numbers that are read one by one, up to what memory is allowed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """Raises ValueError when there are no curves, or too many."""
        if not 0 < len(names) <= MAX_CURVES:
            raise ValueError(f"it names {len(names)} curves; expected 1 to {MAX_CURVES}")
        self.names = names
        self._numbers = array("d")

    def append(self, row: list[float]) -> None:
        """Raises ValueError when the table grows too long."""
        self._numbers.extend(row)
        if len(self._numbers) > MAX_NUMBERS:
            raise ValueError("it has too many rows to hold at once; split it")

    def values(self) -> Float[Array, "row curve"]:
        """All rows."""
        return np.frombuffer(self._numbers).reshape(-1, len(self.names)).copy()


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
