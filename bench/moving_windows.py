"""Windows of a face that moves (`generation.seen`), and the figures that tell one from another."""

from collections.abc import Sequence

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.generation.seen import CHANNELS, FPS, from_rest, without_noise

UPPER, HEAD, HEAD_AND_LIDS, ALL = (0, 1, 2, 3, 4), (5, 6, 7), (3, 4, 5, 6, 7), tuple(range(8))
WINDOW, STEP = 50, 7
"""Frames of a window, and from one to the next."""


def windows_of(curves: Sequence[Float[Array, "_frames channel"]]) -> Float[Array, "window frames channel"]:
    """Two seconds each, of clips as they were seen."""
    moved = [without_noise(from_rest(curve)) for curve in curves]
    cut = [curve[k : k + WINDOW] for curve in moved for k in range(0, len(curve) - WINDOW + 1, STEP)]
    return np.array(cut).reshape(-1, WINDOW, moved[0].shape[1] if moved else len(CHANNELS))


def figures_of(windows: Float[Array, "window frames channel"]) -> Float[Array, "window figure"]:
    """How each channel lies, spreads, speeds, swings in octaves and goes with the others: what a window is told by."""
    still = windows - windows.mean(axis=1, keepdims=True)
    speed = np.diff(windows, axis=1) * FPS
    power = np.abs(np.fft.rfft(still * np.hanning(windows.shape[1])[:, None], axis=1)) ** 2
    hz = np.fft.rfftfreq(windows.shape[1], 1.0 / FPS)
    bands = [power[:, (hz >= low) & (hz < 2.0 * low)].sum(axis=1) for low in (0.4, 0.8, 1.6, 3.2)]
    spread = still.std(axis=1)
    unit = still / np.maximum(spread, 1e-6)[:, None]
    upper = np.triu_indices(windows.shape[2], 1)
    together = (np.einsum("wfa,wfb->wab", unit, unit) / windows.shape[1])[:, upper[0], upper[1]]
    jolt = np.abs(np.diff(windows, n=2, axis=1))
    late = [(unit[:, lag:] * unit[:, :-lag]).mean(axis=1) for lag in (1, 2, 4, 8)]
    figures = [
        windows.mean(axis=1), np.log(jolt.mean(axis=1) + 1e-3), np.log(np.percentile(jolt, 95.0, axis=1) + 1e-3), *late,
        np.log(spread + 1e-3), np.log(np.abs(speed).mean(axis=1) + 1e-2),
        np.log(np.percentile(np.abs(speed), 95.0, axis=1) + 1e-2),
        np.clip((unit**3).mean(axis=1), -4.0, 4.0), windows.min(axis=1), windows.max(axis=1),
        *(np.log(band + 1e-3) for band in bands), together,
    ]  # fmt: skip
    return np.concatenate(figures, axis=1)


def gist_of(windows: Float[Array, "window frames channel"]) -> Float[Array, "window figure"]:
    """How far, how fast and how unevenly each channel moves: few enough for covariances of some hundred windows."""
    still = windows - windows.mean(axis=1, keepdims=True)
    spread = still.std(axis=1)
    speed = np.abs(np.diff(windows, axis=1)).mean(axis=1) * FPS
    uneven = ((still / np.maximum(spread, 1e-6)[:, None]) ** 3).mean(axis=1)
    return np.concatenate([np.log(spread + 1e-2), np.log(speed + 1e-1), np.clip(uneven, -3.0, 3.0)], axis=1)
