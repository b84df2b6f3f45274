"""Fundamental frequency: Boersma's autocorrelation candidates and a Viterbi path through them.

P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound": the autocorrelation of the windowed sound is divided by that of the window.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from face_emote.audio.best_path import Traceback
from face_emote.core.arrays import Array, Float
from face_emote.core.names import SAMPLE_RATE_HZ

LOW_HZ, HIGH_HZ = 60.0, 500.0
WINDOW = 752
"""Samples: 47 ms, about three periods of the lowest voice; with the longest lag it fits an FFT of 1024."""
FFT_SIZE = 1024
LAGS = np.arange(int(SAMPLE_RATE_HZ / HIGH_HZ) - 1, int(SAMPLE_RATE_HZ / LOW_HZ) + 3)
NUM_CANDIDATES = 5
VOICING_THRESHOLD = 0.45
OCTAVE_COST = 0.02
"""Per octave, in favour of the higher of two equally good candidates."""
JUMP_COST = 0.35
"""Per octave between neighbouring frames."""
VOICING_COST = 0.14
"""Of switching between voiced and unvoiced."""
QUIET_DB = -70.0
"""Below this level nothing counts as voiced."""

Candidates = tuple[Array, Array]
"""Frequencies and strengths, each [frames, candidate] - or [frames] once a path is chosen."""


def pitch_candidates(windows: Float[Array, "frames window"], level_db: Float[Array, " frames"]) -> Candidates:
    """Frequencies in Hz and strengths (correlation, 0..1) of the best peaks; absent ones have strength -1."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred * _hann(), FFT_SIZE)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, FFT_SIZE)
    peak_power = np.maximum(correlation[:, :1], 1e-12)
    r = correlation[:, LAGS] / peak_power / _window_correlation()
    inner = r[:, 1:-1]
    is_peak = (inner > r[:, :-2]) & (inner >= r[:, 2:]) & (inner > 0.2) & (level_db[:, None] > QUIET_DB)
    score = np.where(is_peak, inner - OCTAVE_COST * np.log2(LAGS[1:-1] * LOW_HZ / SAMPLE_RATE_HZ), -1.0)
    best = np.argsort(-score, axis=1, kind="stable")[:, :NUM_CANDIDATES]
    rows = np.arange(len(r))[:, None]
    left, centre, right = (r[rows, best + k] for k in range(3))
    bend = left - 2.0 * centre + right
    present = score[rows, best] > 0.0
    shift = np.where(present, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)  # parabola through three points
    strength = np.clip(centre - 0.25 * (left - right) * shift, 0.0, 1.0)
    hz = SAMPLE_RATE_HZ / (LAGS[1:-1][best] + shift)
    return hz, np.where(present, strength, -1.0)


def track_pitch(candidates: Iterable[Candidates]) -> Iterator[Candidates]:
    """The best path through a stream of candidates.

    Yields:
        Chunks of F0 in Hz (NaN where unvoiced) and of the strength of voicing (0 where unvoiced), which together
        are as long as the stream; memory stays bounded.
    """
    traceback = Traceback(NUM_CANDIDATES + 1)
    total, octave = np.zeros(0), np.zeros(0)
    held_hz, held_strength = np.zeros((0, NUM_CANDIDATES)), np.zeros((0, NUM_CANDIDATES))
    for hz, strength in candidates:
        held_hz, held_strength = np.concatenate([held_hz, hz]), np.concatenate([held_strength, strength])
        octaves = np.log2(hz / LOW_HZ)
        gains = np.where(strength > 0.0, strength + OCTAVE_COST * octaves, -1e3)
        gains = np.concatenate([np.full((len(hz), 1), VOICING_THRESHOLD), gains], axis=1)
        for gain, now in zip(gains, octaves, strict=True):
            if len(total):
                options = total[:, None] - _jump_costs(octave, now)
                came_from = options.argmax(axis=0)
                traceback.push(came_from)
                total = options[came_from, np.arange(len(total))] + gain
                total -= total.max()
            else:
                total = gain
            octave = now
        path = traceback.settled()
        yield _along(path, held_hz, strength=held_strength)
        held_hz, held_strength = held_hz[len(path) :], held_strength[len(path) :]
    if len(total):
        yield _along(traceback.finish(int(total.argmax())), held_hz, strength=held_strength)


def _jump_costs(before: Float[Array, " candidate"], now: Float[Array, " candidate"]) -> Float[Array, "from to"]:
    costs = np.full((len(before) + 1, len(now) + 1), VOICING_COST)
    costs[0, 0] = 0.0
    costs[1:, 1:] = JUMP_COST * np.abs(before[:, None] - now[None])
    return costs


def _along(path: list[int], hz: Float[Array, "frames c"], *, strength: Float[Array, "frames c"]) -> Candidates:
    """F0 and voicing along a path of states: 0 is unvoiced, k is candidate k - 1."""
    state = np.array(path, np.int64)
    rows, column = np.arange(len(state)), np.maximum(state - 1, 0)
    voiced = state > 0
    return np.where(voiced, hz[rows, column], np.nan), np.where(voiced, strength[rows, column], 0.0)


@lru_cache(maxsize=1)
def _hann() -> Float[Array, " window"]:
    return np.hanning(WINDOW + 2)[1:-1].astype(np.float32)


@lru_cache(maxsize=1)
def _window_correlation() -> Float[Array, " lag"]:
    power = np.abs(np.fft.rfft(_hann().astype(np.float64), FFT_SIZE)) ** 2
    correlation = np.fft.irfft(power, FFT_SIZE)
    normalised: Array = correlation[LAGS] / correlation[0]
    return normalised
