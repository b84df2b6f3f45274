"""The slow twin of `perception.functionals`: one stretch of voice at a time."""

from functools import lru_cache

import numpy as np

from face_emote.audio.activity import runs
from face_emote.audio.features import cepstral_basis
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import FEATURE_HZ
from face_emote.core.types import Prosody

LEAST_ROWS = 20
"""Of speech; nothing is said about less."""
_FEW = 5
_LOWEST_DB = -40.0
_STEP_ST = 3.0
"""The pitch moves by no more from row to row, in semitones; more is an octave error."""
_BANDS = ((0, 8), (8, 14), (14, 20), (20, 26), (26, 32), (32, 40))
_NUM_SLOW, _NUM_TILTS = 8, 7


def functionals_ref(prosody: Prosody, *, first: int, stop: int) -> Float[Array, " figure"] | None:
    """Figures of rows first..stop-1; None where hardly anybody speaks."""
    speaks = prosody.speaking[first:stop] > 0.5
    if speaks.sum() < LEAST_ROWS:
        return None
    said = np.flatnonzero(speaks)
    first, stop = first + int(said[0]), first + int(said[-1]) + 1
    rows = slice(first, stop)
    speaks = prosody.speaking[rows] > 0.5
    f0 = prosody.f0_hz[rows].astype(np.float64)
    tone = np.isfinite(f0) & speaks
    pitch = 12.0 * np.log2(np.where(tone, f0, 100.0) / 100.0)
    level = prosody.loudness_db[rows].astype(np.float64)
    level = np.maximum(level - np.median(level[speaks]), _LOWEST_DB)
    figures = [
        _pitch(pitch, tone),
        _level(level, speaks=speaks, tone=tone),
        _voicing(prosody.voiced[rows].astype(np.float64), speaks=speaks, tone=tone),
        _timbre(prosody.timbre[rows].astype(np.float64), speaks=speaks, tone=tone, level=level),
    ]
    return np.concatenate(figures).astype(np.float32)


def _pitch(pitch: Float[Array, " rows"], tone: Bool[Array, " rows"]) -> Float[Array, " figure"]:
    """Height, width, movement and slope, in semitones above 100 Hz and a second."""
    if tone.sum() < _FEW:
        return np.zeros(18)
    own = pitch[tone]
    low, lower, middle, higher, high = np.percentile(own, (10, 20, 50, 80, 90))
    steps = np.clip(np.diff(pitch)[tone[1:] & tone[:-1]], -_STEP_ST, _STEP_ST)
    up, down = steps[steps > 0.0], steps[steps < 0.0]
    secs = np.flatnonzero(tone) / FEATURE_HZ
    around = secs - secs.mean()
    slope = float(around @ own / max(float(around @ around), 1e-6))
    third = max(len(own) // 3, 1)
    bends = np.diff(steps)
    return np.array([
        low, lower, middle, higher, high, higher - lower, high - low, own.mean(), own.std(), slope,
        own[-third:].mean() - own.mean(), own[:third].mean() - own.mean(),
        np.abs(steps).mean() if len(steps) else 0.0, np.median(np.abs(steps)) if len(steps) else 0.0,
        up.mean() if len(up) else 0.0, down.mean() if len(down) else 0.0, len(up) / max(len(steps), 1),
        np.abs(bends).mean() if len(bends) else 0.0,
    ])  # fmt: skip


def _level(
    level: Float[Array, " rows"], *, speaks: Bool[Array, " rows"], tone: Bool[Array, " rows"]
) -> Float[Array, " figure"]:
    """Swing of the loudness about its median in speech, and syllables a second."""
    steps = np.diff(level)
    up, down = steps[steps > 0.0], steps[steps < 0.0]
    shimmer = np.abs(steps[tone[1:] & tone[:-1]])
    smooth = np.convolve(level, _bell(), "same")
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] > smooth[2:]) & (smooth[1:-1] > -8.0)
    return np.array([
        level.std(), level[speaks].std(), *np.percentile(level, (10, 20, 80, 95)), np.abs(steps).mean(),
        up.mean() if len(up) else 0.0, down.mean() if len(down) else 0.0,
        shimmer.mean() if len(shimmer) else 0.0, FEATURE_HZ * peaks.sum() / len(level),
    ])  # fmt: skip


def _voicing(
    strength: Float[Array, " rows"], *, speaks: Bool[Array, " rows"], tone: Bool[Array, " rows"]
) -> Float[Array, " figure"]:
    """How much of it is voiced, how clean, and how long in one piece."""
    clean = strength[tone] if tone.any() else np.zeros(1)
    voiced = np.array([stop - first for first, stop in runs(tone)] or [0]) / FEATURE_HZ
    between = np.array([stop - first for first, stop in runs(~tone)] or [0]) / FEATURE_HZ
    return np.array([
        tone.mean(), speaks.mean(), strength[speaks].mean(), strength[speaks].std(),
        clean.mean(), clean.std(), *np.percentile(clean, (20, 80)),
        FEATURE_HZ * len(voiced) / len(tone), voiced.mean(), voiced.std(), between.mean(), between.std(),
    ])  # fmt: skip


def _timbre(
    timbre: Float[Array, "rows cepstrum"],
    *,
    speaks: Bool[Array, " rows"],
    tone: Bool[Array, " rows"],
    level: Float[Array, " rows"],
) -> Float[Array, " figure"]:
    """Means and spreads of cepstra and bands in voiced sound, and how the spectrum tilts with the loudness."""
    sung = tone if tone.sum() >= _FEW else speaks
    own = timbre[sung]
    toneless = speaks & ~sung
    change = np.abs(np.diff(timbre, axis=0))
    bands = own @ _band_means()
    mels = own @ cepstral_basis().T.astype(np.float64)
    reach = mels[:, :10].max(axis=1) - mels[:, 14:].max(axis=1)
    loud, soft = sung & (level > 0.0), sung & (level <= 0.0)
    tilt = timbre[loud].mean(axis=0) - timbre[soft].mean(axis=0) if min(loud.sum(), soft.sum()) > _FEW else None
    return np.concatenate([
        own.mean(axis=0), own.std(axis=0), change.mean(axis=0)[:_NUM_SLOW] if len(change) else np.zeros(_NUM_SLOW),
        (timbre[toneless] if toneless.sum() > 3 else own).mean(axis=0)[:_NUM_TILTS],
        bands.mean(axis=0), bands.std(axis=0), [reach.mean(), reach.std()],
        np.zeros(_NUM_TILTS) if tilt is None else tilt[:_NUM_TILTS],
    ])  # fmt: skip


@lru_cache(maxsize=1)
def _band_means() -> Float[Array, "cepstrum band"]:
    """From cepstra to the mean log energy of bands, relative to that of all."""
    basis = cepstral_basis().astype(np.float64)
    return np.stack([basis[low:high].mean(axis=0) for low, high in _BANDS], axis=1)


@lru_cache(maxsize=1)
def _bell() -> Float[Array, " rows"]:
    window = np.hanning(11)
    return np.asarray(window / window.sum())
