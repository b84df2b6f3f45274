"""A stretch of voice in figures that do not depend on its level: how pitch, loudness, voicing and timbre go.

After the extended Geneva set (Eyben et al. 2016), from what the analysis of a recording holds anyway. Stretches are
read side by side: what is not asked about is masked, and a stretch gets the same figures whatever lies beside it.
"""

from functools import lru_cache

import numpy as np

from face_emote.audio.features import cepstral_basis
from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.names import FEATURE_HZ
from face_emote.core.types import Prosody

LEAST_ROWS = 20  # Of speech; nothing is said about less.
_FEW = 5
_LOWEST_DB = -40.0
_STEP_ST = 3.0  # The pitch moves by no more from row to row, in semitones; more is an octave error.
_BANDS = ((0, 8), (8, 14), (14, 20), (20, 26), (26, 32), (32, 40))
_NUM_SLOW, _NUM_TILTS = 8, 7
NUM_FIGURES = 18 + 11 + 13 + 2 * 20 + _NUM_SLOW + 2 * _NUM_TILTS + 2 * len(_BANDS) + 2
_TOGETHER = 32  # Stretches side by side: memory does not grow with their number.


def functionals_of(
    prosody: Prosody, *, first: Int[Array, " stretch"], length: int
) -> tuple[Float[Array, f"stretch figure={NUM_FIGURES}"], Bool[Array, " stretch"]]:
    """Figures of `length` rows from each first one on, fewer at the end of the sound, and whether anybody speaks there
    long enough to say anything; where not, the figures mean nothing.
    """
    figures = np.zeros((len(first), NUM_FIGURES), np.float32)
    usable = np.zeros(len(first), bool)
    if not prosody.speaking.any():
        return figures, usable
    for begin in range(0, len(first), _TOGETHER):
        part = slice(begin, begin + _TOGETHER)
        index = first[part, None] + np.arange(length)
        inside = index < len(prosody.speaking)
        index = np.minimum(index, len(prosody.speaking) - 1)
        speaks = (prosody.speaking[index] > 0.5) & inside
        usable[part] = heard = speaks.sum(axis=1) >= LEAST_ROWS
        figures[part][heard] = _figures(prosody, index[heard], speaks=speaks[heard])
    return figures, usable


def _figures(
    prosody: Prosody, index: Int[Array, "stretch row"], *, speaks: Bool[Array, "stretch row"]
) -> Float[Array, "stretch figure"]:
    # From the first row of speech to the last one.
    within = np.logical_or.accumulate(speaks, axis=1) & np.logical_or.accumulate(speaks[:, ::-1], axis=1)[:, ::-1]
    f0 = prosody.f0_hz[index].astype(np.float64)
    tone = np.isfinite(f0) & speaks
    pitch = 12.0 * np.log2(np.where(tone, f0, 100.0) / 100.0)
    level = prosody.loudness_db[index].astype(np.float64)
    level = np.maximum(level - _quantiles(level, speaks, 0.5), _LOWEST_DB)
    voiced, timbre = prosody.voiced[index].astype(np.float64), prosody.timbre[index].astype(np.float64)
    return np.concatenate(
        [
            _pitch(pitch, tone),
            _level(np.where(within, level, 0.0), within=within, speaks=speaks, tone=tone),
            _voicing(voiced, within=within, speaks=speaks, tone=tone),
            _timbre(timbre, within=within, speaks=speaks, tone=tone, level=level),
        ],
        axis=1,
    )


def _pitch(pitch: Float[Array, "stretch row"], tone: Bool[Array, "stretch row"]) -> Float[Array, "stretch figure=18"]:
    """Height, width, movement and slope, in semitones above 100 Hz and a second; zeros where hardly any is voiced."""
    low, lower, middle, higher, high = _quantiles(pitch, tone, 0.1, 0.2, 0.5, 0.8, 0.9).T
    mean, deviation = _moments(pitch, tone)
    place, count = np.cumsum(tone, axis=1) - 1, tone.sum(axis=1, keepdims=True)
    third = np.maximum(count // 3, 1)
    secs = np.arange(pitch.shape[1]) / FEATURE_HZ
    around = np.where(tone, secs - _mean(np.broadcast_to(secs, pitch.shape), tone)[:, None], 0.0)
    slope = (around * pitch).sum(axis=1) / np.maximum((around * around).sum(axis=1), 1e-6)
    steps, is_step = np.clip(np.diff(pitch, axis=1), -_STEP_ST, _STEP_ST), tone[:, 1:] & tone[:, :-1]
    size, up, down = np.abs(steps), is_step & (steps > 0.0), is_step & (steps < 0.0)
    bends, is_bend = _bends(steps, is_step)
    figures = np.stack(
        [
            low, lower, middle, higher, high, higher - lower, high - low, mean, deviation, slope,
            _mean(pitch, tone & (place >= count - third)) - mean, _mean(pitch, tone & (place < third)) - mean,
            _mean(size, is_step), _quantiles(size, is_step, 0.5)[:, 0],
            _mean(steps, up), _mean(steps, down), up.sum(axis=1) / np.maximum(is_step.sum(axis=1), 1),
            _mean(np.abs(bends), is_bend),
        ],
        axis=1,
    )  # fmt: skip
    return np.where(count >= _FEW, figures, 0.0)


def _bends(steps: Array, is_step: Array) -> tuple[Array, Array]:
    """Change of each step from the one before, whatever lies between them, and where there is one."""
    latest = np.maximum.accumulate(np.where(is_step, np.arange(steps.shape[1]), -1), axis=1)[:, :-1]
    before = np.take_along_axis(steps, np.maximum(latest, 0), axis=1)
    return steps[:, 1:] - before, is_step[:, 1:] & (latest >= 0)


def _level(
    level: Float[Array, "stretch row"], *, within: Bool[Array, "stretch row"], speaks: Bool[Array, "stretch row"],
    tone: Bool[Array, "stretch row"],
) -> Float[Array, "stretch figure=11"]:  # fmt: skip
    """Swing of the loudness about its median in speech, and syllables a second; 0 dB outside the stretch."""
    steps, is_step = np.diff(level, axis=1), within[:, 1:] & within[:, :-1]
    bell, rows = _bell(), level.shape[1]
    padded = np.pad(level, ((0, 0), (len(bell) // 2, len(bell) // 2)))
    smooth = sum(weight * padded[:, i : i + rows] for i, weight in enumerate(bell))
    middle = smooth[:, 1:-1]
    peaks = (middle > smooth[:, :-2]) & (middle > smooth[:, 2:]) & (middle > -8.0) & within[:, :-2] & within[:, 2:]
    return np.column_stack([
        _moments(level, within)[1], _moments(level, speaks)[1], _quantiles(level, within, 0.1, 0.2, 0.8, 0.95),
        _mean(np.abs(steps), is_step), _mean(steps, is_step & (steps > 0.0)), _mean(steps, is_step & (steps < 0.0)),
        _mean(np.abs(steps), tone[:, 1:] & tone[:, :-1]), FEATURE_HZ * peaks.sum(axis=1) / within.sum(axis=1),
    ])  # fmt: skip


def _voicing(
    strength: Float[Array, "stretch row"], *, within: Bool[Array, "stretch row"], speaks: Bool[Array, "stretch row"],
    tone: Bool[Array, "stretch row"],
) -> Float[Array, "stretch figure=13"]:  # fmt: skip
    """How much of it is voiced, how clean, and how long in one piece."""
    rows = within.sum(axis=1)
    pieces, mean, deviation = _pieces(tone)
    _, between, between_deviation = _pieces(within & ~tone)
    return np.column_stack([
        tone.sum(axis=1) / rows, speaks.sum(axis=1) / rows, *_moments(strength, speaks), *_moments(strength, tone),
        _quantiles(strength, tone, 0.2, 0.8), FEATURE_HZ * np.maximum(pieces, 1) / rows,
        mean, deviation, between, between_deviation,
    ])  # fmt: skip


def _pieces(mask: Bool[Array, "stretch row"]) -> tuple[Array, Array, Array]:
    """Number of unbroken pieces, and mean and deviation of their lengths in seconds."""
    padded = np.pad(mask, ((0, 0), (1, 1)))
    begins, ends = padded[:, 1:-1] & ~padded[:, :-2], padded[:, 1:-1] & ~padded[:, 2:]
    at = np.arange(mask.shape[1])
    length = (at - np.maximum.accumulate(np.where(begins, at, 0), axis=1) + 1) / FEATURE_HZ
    return ends.sum(axis=1), *_moments(length, ends)


def _timbre(
    timbre: Float[Array, "stretch row cepstrum"], *, within: Bool[Array, "stretch row"],
    speaks: Bool[Array, "stretch row"], tone: Bool[Array, "stretch row"], level: Float[Array, "stretch row"],
) -> Float[Array, "stretch figure"]:  # fmt: skip
    """Means and spreads of cepstra and bands in voiced sound, and how the spectrum tilts with the loudness."""
    sung = np.where(tone.sum(axis=1, keepdims=True) >= _FEW, tone, speaks)
    toneless = speaks & ~sung
    rest = np.where(toneless.sum(axis=1, keepdims=True) > 3, toneless, sung)
    change = np.abs(np.diff(timbre[:, :, :_NUM_SLOW], axis=1))
    mels = cepstral_basis() @ timbre.swapaxes(1, 2).astype(np.float32)
    reach = (mels[:, :10].max(axis=1) - mels[:, 14:].max(axis=1)).astype(np.float64)
    loud, soft = sung & (level > 0.0), sung & (level <= 0.0)
    tilts = timbre[:, :, :_NUM_TILTS]
    tells = np.minimum(loud.sum(axis=1), soft.sum(axis=1)) > _FEW
    return np.column_stack([
        *_moments(timbre, sung), _mean(change, within[:, 1:] & within[:, :-1]), _mean(tilts, rest),
        *_moments(timbre @ _band_means(), sung), *_moments(reach, sung),
        np.where(tells[:, None], _mean(tilts, loud) - _mean(tilts, soft), 0.0),
    ])  # fmt: skip


def _mean(values: Float[Array, "stretch row ..."], mask: Bool[Array, "stretch row"]) -> Float[Array, "stretch ..."]:
    """Of the rows that are asked about; 0 where there are none."""
    shares = mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    mean: Array = np.matmul(shares[:, None], values if values.ndim == 3 else values[:, :, None])[:, 0]
    return mean if values.ndim == 3 else mean[:, 0]


def _moments(
    values: Float[Array, "stretch row ..."], mask: Bool[Array, "stretch row"]
) -> tuple[Float[Array, "stretch ..."], Float[Array, "stretch ..."]]:
    """Mean and standard deviation of the rows that are asked about."""
    mean = _mean(values, mask)
    away = values - mean[:, None]
    return mean, np.sqrt(_mean(away * away, mask))


def _quantiles(
    values: Float[Array, "stretch row"], mask: Bool[Array, "stretch row"], *shares: float
) -> Float[Array, "stretch share"]:
    """Of the rows that are asked about, linearly between neighbours; 0 where there are none."""
    count = mask.sum(axis=1, keepdims=True)
    ordered = np.sort(np.where(mask, values, np.inf), axis=1)
    place = np.maximum(count - 1, 0) * np.array(shares)
    below = place.astype(np.int64)
    low, high = (np.take_along_axis(ordered, np.minimum(below + i, np.maximum(count - 1, 0)), axis=1) for i in (0, 1))
    low, high = (np.where(count > 0, side, 0.0) for side in (low, high))
    return np.asarray(low + (place - below) * (high - low))


@lru_cache(maxsize=1)
def _band_means() -> Float[Array, "cepstrum band"]:
    """From cepstra to the mean log energy of bands, relative to that of all."""
    basis = cepstral_basis().astype(np.float64)
    return np.stack([basis[low:high].mean(axis=0) for low, high in _BANDS], axis=1)


@lru_cache(maxsize=1)
def _bell() -> Float[Array, " rows"]:
    window = np.hanning(11)
    return np.asarray(window / window.sum())
