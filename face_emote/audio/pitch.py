"""Fundamental frequency: Boersma's autocorrelation candidates and a Viterbi path through them.

P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound": the autocorrelation of the windowed sound is divided by that of the window.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from face_emote.audio.activity import runs
from face_emote.audio.best_path import BATCH_FRAMES, Stretches
from face_emote.core.arrays import Array, Float
from face_emote.core.names import SAMPLE_RATE_HZ

LOW_HZ, HIGH_HZ = 60.0, 500.0
WINDOW = 752  # Samples: 47 ms, about three periods of the lowest voice; with the longest lag it fits an FFT of 1024.
FFT_SIZE = 1024
LAGS = np.arange(int(SAMPLE_RATE_HZ / HIGH_HZ) - 1, int(SAMPLE_RATE_HZ / LOW_HZ) + 3)
NUM_CANDIDATES = 5
VOICING_THRESHOLD = 0.45
OCTAVE_COST = 0.02  # Per octave, in favour of the higher of two equally good candidates.
JUMP_COST = 0.35  # Per octave between neighbouring frames.
VOICING_COST = 0.14  # Of switching between voiced and unvoiced.
QUIET_DB = -70.0  # Below this level nothing counts as voiced.

Candidates = tuple[Array, Array]
"""Frequencies and strengths, each [frames, candidate] - or [frames] once a path is chosen."""


def pitch_candidates(windows: Float[Array, "frames window"], level_db: Float[Array, " frames"]) -> Candidates:
    """Frequencies in Hz and strengths (correlation, 0..1) of the best peaks; absent ones have strength -1."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred * _hann(), FFT_SIZE)
    r = _correlation(spectrum.real**2 + spectrum.imag**2)
    inner = r[:, 1:-1]
    is_peak = (inner > r[:, :-2]) & (inner >= r[:, 2:]) & (inner > 0.2) & (level_db[:, None] > QUIET_DB)
    score = np.where(is_peak, inner - _octave_costs(), np.float32(-1.0))
    rows = np.arange(len(r))
    best, value = np.empty((len(r), NUM_CANDIDATES), np.int64), np.empty((len(r), NUM_CANDIDATES), np.float32)
    for number in range(NUM_CANDIDATES):
        best[:, number] = found = score.argmax(axis=1)
        value[:, number] = score[rows, found]
        score[rows, found] = -1.0
    left, centre, right = (r[rows[:, None], best + k].astype(np.float64) for k in range(3))
    bend = left - 2.0 * centre + right
    present = value > 0.0
    shift = np.where(present, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)  # parabola through three points
    strength = np.clip(centre - 0.25 * (left - right) * shift, 0.0, 1.0)
    hz = SAMPLE_RATE_HZ / (LAGS[1:-1][best] + shift)
    return hz, np.where(present, strength, -1.0)


def _correlation(power: Float[Array, "frames bin"]) -> Float[Array, "frames lag"]:
    """Autocorrelation at `LAGS`, relative to that at 0 and to the window's own, from the power spectrum.

    It is a sum of cosines, as half an inverse transform would be. Bins k and half - k have the same cosine at even lags
    and opposite ones at odd lags: their sum and their difference are weighed.
    """
    half = FFT_SIZE // 4
    low, high = power[:, : half + 1], power[:, : half - 1 : -1]
    even, odd = _cosines()
    r = np.empty((len(power), len(LAGS)), np.float32)
    at_even = (low + high) @ even
    r[:, LAGS[0] % 2 :: 2], r[:, 1 - LAGS[0] % 2 :: 2] = at_even[:, 1:], (low - high) @ odd
    r /= np.maximum(at_even[:, :1], 1e-12)
    return r


@lru_cache(maxsize=1)
def _cosines() -> tuple[Float[Array, "bin even_lag"], Float[Array, "bin odd_lag"]]:
    """For the even lags, 0 before them, and for the odd ones of `LAGS`."""
    bins = np.arange(FFT_SIZE // 4 + 1)
    weights = np.where(bins == 0, 1.0, np.where(bins == bins[-1], 1.0, 2.0)) / FFT_SIZE
    window = np.concatenate([[1.0], _window_correlation()])
    lags = np.concatenate([[0], LAGS])
    table = weights[:, None] * np.cos(2.0 * np.pi * np.outer(bins, lags) / FFT_SIZE) / window
    return table[:, lags % 2 == 0].astype(np.float32), table[:, lags % 2 == 1].astype(np.float32)


@lru_cache(maxsize=1)
def _octave_costs() -> Float[Array, " lag"]:
    return np.asarray(OCTAVE_COST * np.log2(LAGS[1:-1] * LOW_HZ / SAMPLE_RATE_HZ), np.float32)


def track_pitch(candidates: Iterable[Candidates]) -> Iterator[Candidates]:
    """The best path through a stream of candidates.

    Frames without any candidate are unvoiced: what lies between two of them is settled when the second one is heard.

    Yields:
        Chunks of F0 in Hz (NaN where unvoiced) and of the strength of voicing (0 where unvoiced), which together
        are as long as the stream; memory stays bounded.
    """
    held: list[Candidates] = []
    count, is_start = 0, True
    for chunk in candidates:
        held.append(chunk)
        count += len(chunk[0])
        if count < BATCH_FRAMES or (chunk[1] > 0.0).any(axis=1).all():
            continue
        hz, strength = (np.concatenate(parts) for parts in zip(*held, strict=True))
        stop = 1 + int(np.flatnonzero(~(strength > 0.0).any(axis=1))[-1])
        yield _along(hz[:stop], strength[:stop], is_start=is_start)
        held, count, is_start = [(hz[stop:], strength[stop:])], len(hz) - stop, False
    if count:
        hz, strength = (np.concatenate(parts) for parts in zip(*held, strict=True))
        yield _along(hz, strength, is_start=is_start)


def _along(hz: Float[Array, "frames c"], strength: Float[Array, "frames c"], *, is_start: bool) -> Candidates:
    """F0 and voicing along the best path; `is_start`: before the first frame there is nothing, not even silence."""
    voiced = runs(strength.max(axis=1) > 0.0)
    if not voiced:
        return np.full(len(hz), np.nan), np.zeros(len(hz))
    octaves, gains = _gains(hz, strength)
    jumps = _jump_costs(octaves)
    bounds = np.array(voiced)
    stretches = Stretches.of(bounds[:, 0], bounds[:, 1] - bounds[:, 0])
    came_from = np.zeros(gains.shape, np.int8)
    steps = stretches.forward()
    total = gains[next(steps)]
    total[(stretches.first > 0) | (not is_start), 1:] -= VOICING_COST
    for rows in steps:
        options = total[: len(rows), None, :] - jumps[rows]
        came_from[rows] = best = options.argmax(axis=2)
        total[: len(rows)] = np.take_along_axis(options, best[:, :, None], axis=2)[:, :, 0] + gains[rows]
    total[stretches.last + 1 < len(hz), 1:] -= VOICING_COST
    state = total.argmax(axis=1)
    chosen = np.zeros(len(hz), np.int64)
    for rows in stretches.backward():
        now = state[: len(rows)]
        chosen[rows] = now
        now[:] = came_from[rows, now]
    every, column = np.arange(len(hz)), np.maximum(chosen - 1, 0)
    return np.where(chosen > 0, hz[every, column], np.nan), np.where(chosen > 0, strength[every, column], 0.0)


class LivePitch:
    """`track_pitch` for sound that is still coming: every row is settled by the `lag` rows after it."""

    def __init__(self, lag: int) -> None:
        self._lag = lag
        self._total, self._octave = np.zeros(0), np.zeros(0)
        self._pointers: list[Array] = []
        self._held: list[tuple[Array, Array]] = []

    def push(self, hz: Float[Array, "frames c"], strength: Float[Array, "frames c"]) -> list[tuple[float, float]]:
        """F0 (NaN where unvoiced) and the strength of voicing of the rows that are settled now, in order."""
        octaves, gains = _gains(hz, strength)
        settled = []
        for i, (gain, now) in enumerate(zip(gains, octaves, strict=True)):
            self._held.append((hz[i], strength[i]))
            if len(self._total):
                options = self._total - _jump_costs(np.stack([self._octave, now]))[1]
                came_from = options.argmax(axis=1)
                self._pointers.append(came_from)
                gain = options[np.arange(len(gain)), came_from] + gain
            self._total, self._octave = gain - gain.max(), now
            if len(self._held) > self._lag:
                settled.append(self._oldest())
        return settled

    def finish(self) -> list[tuple[float, float]]:
        """The rows that are left."""
        return [self._oldest() for _ in range(len(self._held))]

    def _oldest(self) -> tuple[float, float]:
        state = int(self._total.argmax())
        for pointers in reversed(self._pointers):
            state = int(pointers[state])
        self._pointers = self._pointers[1:]
        hz, strength = self._held.pop(0)
        return (float(hz[state - 1]), float(strength[state - 1])) if state else (float("nan"), 0.0)


def _gains(hz: Float[Array, "frames c"], strength: Float[Array, "frames c"]) -> Candidates:
    """Octaves above the lowest pitch, and what each state gains: unvoiced, then the candidates."""
    octaves = np.log2(hz / LOW_HZ)
    gains = np.where(strength > 0.0, strength + OCTAVE_COST * octaves, -1e3)
    return octaves, np.concatenate([np.full((len(hz), 1), VOICING_THRESHOLD), gains], axis=1)


def _jump_costs(octaves: Float[Array, "frames c"]) -> Float[Array, "frames to from"]:
    """Of coming to each frame from the one before: state 0 is unvoiced, k is candidate k - 1."""
    states = octaves.shape[1] + 1
    costs = np.full((len(octaves), states, states), VOICING_COST)
    costs[:, 0, 0] = 0.0
    costs[1:, 1:, 1:] = JUMP_COST * np.abs(octaves[1:, :, None] - octaves[:-1, None, :])
    return costs


@lru_cache(maxsize=1)
def _hann() -> Float[Array, " window"]:
    return np.hanning(WINDOW + 2)[1:-1].astype(np.float32)


@lru_cache(maxsize=1)
def _window_correlation() -> Float[Array, " lag"]:
    power = np.abs(np.fft.rfft(_hann().astype(np.float64), FFT_SIZE)) ** 2
    correlation = np.fft.irfft(power, FFT_SIZE)
    normalised: Array = correlation[LAGS] / correlation[0]
    return normalised
