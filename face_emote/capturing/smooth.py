"""Channels without their noise: a Kalman filter of constant velocity run forth and back (Rauch, Tung, Striebel 1965).

Nothing lags, and quick things stay: how quick a channel may be is its drive, how exactly it was seen its noise.
True time stamps are heeded; a NaN is a gap.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float

BLOCK, OVERLAP = 4096, 256  # Frames smoothed at once, and how many of them are there only for their neighbours.


@dataclass(frozen=True, slots=True, eq=False)
class _Belief:
    """Of every channel: value and slope, and the three numbers of their covariance."""

    value: Float[Array, " channel"]
    slope: Float[Array, " channel"]
    vv: Float[Array, " channel"]
    vs: Float[Array, " channel"]
    ss: Float[Array, " channel"]


def smoothed(
    values: Float[Array, "frames channel"], times: Float[Array, " frames"], *, drive: Float[Array, " channel"],
    noise: Float[Array, " channel"],
) -> Float[Array, "frames channel"]:  # fmt: skip
    """The channels at the same instants; a channel that is nowhere known stays NaN.

    `drive`: how quickly a channel's speed may change, units per second to the power 1.5: the density of the white noise
    that accelerates it. In d seconds it gets away from its course by drive * sqrt(d^3 / 3). `noise`: standard deviation
    of what was seen (NaN where nothing was).
    """
    out = np.empty_like(values)
    for first in range(0, len(values), BLOCK):
        low, high = max(first - OVERLAP, 0), min(first + BLOCK + OVERLAP, len(values))
        stop = min(first + BLOCK, len(values))
        part = _smoothed(values[low:high], times[low:high], drive=drive**2, doubt=noise**2)
        out[first:stop] = part[first - low : stop - low]
    return out


def _smoothed(values: Array, times: Array, *, drive: Array, doubt: Array) -> Float[Array, "frames channel"]:
    known = np.isfinite(values)
    start = np.where(known.any(axis=0), values[np.argmax(known, axis=0), np.arange(values.shape[1])], np.nan)
    none = np.zeros_like(start)
    now = _Belief(start, none, doubt.astype(np.float64), none, np.ones_like(start))
    before, after = [], []
    for i, row in enumerate(values):
        guess = _later(now, float(times[i] - times[i - 1]) if i else 0.0, drive=drive)
        now = _seen(guess, row, known[i], doubt=doubt)
        before.append(guess)
        after.append(now)
    value, slope = after[-1].value, after[-1].slope
    out = np.empty_like(values)
    out[-1] = value
    for i in range(len(values) - 2, -1, -1):
        here, there = after[i], before[i + 1]
        step = float(times[i + 1] - times[i])
        # Gain G = P F' inv(P'), for two by two written out.
        a, b = here.vv + step * here.vs, here.vs
        c, d = here.vs + step * here.ss, here.ss
        scale = 1.0 / np.maximum(there.vv * there.ss - there.vs**2, 1e-300)
        off_value, off_slope = value - there.value, slope - there.slope
        towards_value = (there.ss * off_value - there.vs * off_slope) * scale
        towards_slope = (there.vv * off_slope - there.vs * off_value) * scale
        value = here.value + a * towards_value + b * towards_slope
        slope = here.slope + c * towards_value + d * towards_slope
        out[i] = value
    return out


def _later(now: _Belief, step: float, *, drive: Array) -> _Belief:
    return _Belief(
        value=now.value + step * now.slope,
        slope=now.slope,
        vv=now.vv + 2.0 * step * now.vs + step**2 * now.ss + drive * step**3 / 3.0,
        vs=now.vs + step * now.ss + drive * step**2 / 2.0,
        ss=now.ss + drive * step,
    )


def _seen(guess: _Belief, row: Array, known: Array, *, doubt: Array) -> _Belief:
    gain = np.where(known, 1.0 / (guess.vv + doubt), 0.0)
    off = np.where(known, row - guess.value, 0.0)
    return _Belief(
        value=guess.value + guess.vv * gain * off,
        slope=guess.slope + guess.vs * gain * off,
        vv=guess.vv - guess.vv * gain * guess.vv,
        vs=guess.vs - guess.vs * gain * guess.vv,
        ss=guess.ss - guess.vs * gain * guess.vs,
    )
