"""Rows that wait until enough of them are there."""

import numpy as np

from face_emote.audio.logmel import NUM_BANDS
from face_emote.core.arrays import Array, Float
from face_emote.network.features import QUIET


class RowBuffer:
    """A queue of normalised log-mel rows, with silence before the first one."""

    def __init__(self, *, before: int) -> None:
        self._held = self.silence(before)

    @staticmethod
    def silence(rows: int) -> Float[Array, "rows band=40"]:
        """Rows of silence."""
        return np.full((rows, NUM_BANDS), QUIET, np.float32)

    def push(self, rows: Float[Array, "_rows band=40"]) -> None:
        """Put rows at the end."""
        self._held = np.concatenate([self._held, rows.astype(np.float32, copy=False)])

    def has(self, rows: int) -> bool:
        """Whether so many rows are there."""
        return len(self._held) >= rows

    def next(self, rows: int, *, advance: int) -> Float[Array, "rows band=40"]:
        """The first rows; so many of them as `advance` says are then forgotten."""
        first = self._held[:rows]
        self._held = self._held[advance:]
        return first

    def __len__(self) -> int:
        return len(self._held)
