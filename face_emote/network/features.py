"""What the network hears: log-mel rows whose level is followed causally and taken off (`docs/network.md`)."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ

MEMORY_SECS = 6.0
"""Time constant of the level."""
PRIOR_WEIGHT = 0.2
"""w0: how much the training speech's mean counts, always; so much as 0.2 / w rows of amplitude w just heard. It does
not fade, so a long silence cannot become the level."""
QUIETEST, LOUDEST = -9.0, 5.0
"""Rows are held in this range (natural log units around the level)."""
SCALE = 2.5
SILENCE_LOG_MEL = -20.0
"""Log-mel of digital silence, in every band."""
QUIET = QUIETEST / SCALE
"""Every band of the rows before the start and after the end of the sound."""


class LevelFollower:
    """Normalises a stream of log-mel rows; the same rows come out however the stream is cut, to the bit."""

    def __init__(self, x0: Float[Array, " band=40"], *, batch: tuple[int, ...] = ()) -> None:
        """Start with nothing heard.

        Args:
            x0: Mean log-mel of the training speech.
            batch: Axes of streams that are followed side by side.
        """
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

    Args:
        log_mels: As `audio.logmel.log_mels` gives them; pad clips of a batch at the end with `SILENCE_LOG_MEL`.
        x0: Mean log-mel of the training speech.
    """
    return LevelFollower(x0, batch=log_mels.shape[:-2]).push(log_mels)
