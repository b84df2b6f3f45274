"""Sound to the rows that the network hears, as the sound arrives."""

import numpy as np

from face_emote.audio.logmel import CHUNK_FRAMES, HOP, NUM_BANDS, WINDOW, log_mel, num_feature_frames
from face_emote.core.arrays import Array, Float
from face_emote.network.features import LevelFollower

CHUNK_ROWS = CHUNK_FRAMES
"""Rows computed at a time when nobody waits for them: then they equal `audio.logmel.log_mels`, to the bit."""


class Hearing:
    """Blocks of 16 kHz sound in, normalised log-mel rows out; memory of fixed size."""

    def __init__(self, x0: Float[Array, " band=40"], *, chunk_rows: int = CHUNK_ROWS) -> None:
        """Start before the sound.

        Args:
            x0: Of the network.
            chunk_rows: Rows (of 10 ms) computed at a time; small ones to be live. Rows are the same however the sound
                was cut, to the bit; other chunks give the same rows but for rounding.
        """
        self._level = LevelFollower(x0)
        self._chunk = chunk_rows
        self._samples = np.zeros(WINDOW // 2, np.float32)
        self._num_samples = 0
        self._done = 0

    def push(self, samples: Float[Array, " _samples"]) -> Float[Array, "_rows band=40"]:
        """Hear the next samples; returns the rows that they complete."""
        self._num_samples += len(samples)
        self._samples = np.concatenate([self._samples, samples.astype(np.float32, copy=False)])
        rows = [np.empty((0, NUM_BANDS), np.float32)]
        while len(self._samples) >= self._span:
            rows.append(self._next())
        return np.concatenate(rows)

    def finish(self) -> Float[Array, "_rows band=40"]:
        """The rows that are missing to cover the sound (`num_feature_frames`); the stream must not be used any more."""
        total = num_feature_frames(self._num_samples)
        first = self._done
        rows = [np.empty((0, NUM_BANDS), np.float32)]
        while self._done < total:
            self._samples = np.concatenate([self._samples, np.zeros(self._span, np.float32)])
            rows.append(self._next())
        return np.concatenate(rows)[: max(total - first, 0)]

    @property
    def _span(self) -> int:
        return (self._chunk - 1) * HOP + WINDOW

    def _next(self) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(self._samples[: self._span], WINDOW)[::HOP]
        self._samples = self._samples[self._chunk * HOP :]
        self._done += self._chunk
        return self._level.push(log_mel(windows))
