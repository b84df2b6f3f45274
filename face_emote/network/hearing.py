"""What the network hears: log-mel rows whose level is followed causally and taken off (`docs/network.md`)."""

import numpy as np

from face_emote.audio.logmel import CHUNK_FRAMES, HOP, NUM_BANDS, WINDOW, log_mel, num_feature_frames
from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ

MEMORY_SECS = 6.0  # Time constant of the level.
PRIOR_WEIGHT = 0.2
"""w0: how much the training speech's mean counts, always; so much as 0.2 / w rows of amplitude w just heard. It does
not fade, so a long silence cannot become the level."""
QUIETEST, LOUDEST = -9.0, 5.0  # Rows are held in this range (natural log units around the level).
SCALE = 2.5
SILENCE_LOG_MEL = -20.0  # Log-mel of digital silence, in every band.
QUIET = QUIETEST / SCALE  # Every band of the rows before the start and after the end of the sound.


class LevelFollower:
    """Normalises a stream of log-mel rows; the same rows come out however the stream is cut, to the bit."""

    def __init__(self, x0: Float[Array, " band=40"], *, batch: tuple[int, ...] = ()) -> None:
        """Start with nothing heard; `batch` are axes of streams that are followed side by side."""
        self._decay = float(np.exp(-1.0 / (FEATURE_HZ * MEMORY_SECS)))
        self._prior = PRIOR_WEIGHT * np.append(np.asarray(x0, np.float64), 1.0)
        self._sums = np.tile(self._prior, (*batch, 1))
        """a_j in the first 40 columns, b_j in the last one."""

    def push(self, log_mels: Float[Array, "*batch rows band=40"]) -> Float[Array, "*batch rows band=40"]:
        """The next rows, normalised; float32 in -3.6..2."""
        values = np.moveaxis(log_mels, -2, 0).astype(np.float64, order="C")
        weights = np.sqrt(np.exp(values).mean(axis=-1, keepdims=True))
        sums = np.concatenate([weights * values, weights], axis=-1)
        sums += (1.0 - self._decay) * self._prior
        state = self._sums
        for row in sums:
            state *= self._decay
            state += row
            row[...] = state
        centred = values - sums[..., :-1] / sums[..., -1:]
        rows = (np.clip(centred, QUIETEST, LOUDEST) / SCALE).astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(rows, 0, -2))


def normalised(
    log_mels: Float[Array, "*batch rows band=40"], x0: Float[Array, " band=40"]
) -> Float[Array, "*batch rows band=40"]:
    """Normalised rows of whole clips that all start at their first row; float32 in -3.6..2.

    Pad clips of a batch at the end with `SILENCE_LOG_MEL`. `x0` is the mean log-mel of the training speech.
    """
    return LevelFollower(x0, batch=log_mels.shape[:-2]).push(log_mels)


CHUNK_ROWS = CHUNK_FRAMES
"""Rows computed at a time when nobody waits for them: then they equal `audio.logmel.log_mels`, to the bit."""


class Hearing:
    """Blocks of 16 kHz sound in, normalised log-mel rows out; memory of fixed size."""

    def __init__(self, x0: Float[Array, " band=40"], *, chunk_rows: int = CHUNK_ROWS) -> None:
        """Start before the sound; `chunk_rows` rows (of 10 ms) are computed at a time: few, to be live.

        Rows are the same however the sound was cut, to the bit; other chunks give the same rows but for rounding.
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
