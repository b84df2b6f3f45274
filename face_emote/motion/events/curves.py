"""Shapes that events have in time, sampled at any instants: eased steps, pulses, and smooth noise.

An event list is a few parallel arrays, made once for the clip and ordered by time. Sampling looks only at the events
that can reach those instants, so an hour-long list costs a block no more than a short one.

Noise is a pure function of time: values hashed from integer lattice points are joined by a uniform cubic B-spline, so
the curve has two continuous derivatives, never repeats and needs no memory however long the clip is.
"""

from types import ModuleType
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Bool, Float


def ease(u: Array) -> Array:
    """Quintic step: 0 before 0, 1 after 1, with two continuous derivatives (minimum jerk)."""
    u = np.clip(u, 0.0, 1.0)
    eased: Array = u * u * u * (u * (6.0 * u - 15.0) + 10.0)
    return eased


def smoothstep(x: Any, *, xp: ModuleType = np) -> Any:
    """0 below 0, 1 above 1, 3x^2 - 2x^3 between: C1; of arrays or tensors of the module `xp`."""
    u = xp.clip(x, 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def between(rows: Array, place: Float[Array, " frames"]) -> Array:
    """Linearly from row to row; `place` counts rows, and the first and the last one are held."""
    place = np.clip(place, 0.0, len(rows) - 1)
    low = np.minimum(place.astype(np.int64), max(len(rows) - 2, 0))
    share = (place - low).reshape(-1, *[1] * (rows.ndim - 1))
    value: Array = (1.0 - share) * rows[low] + share * rows[np.minimum(low + 1, len(rows) - 1)]
    return value


def since_and_until(
    spans: Float[Array, "span 2"], times: Float[Array, " frames"]
) -> tuple[Float[Array, " frames"], Float[Array, " frames"], Bool[Array, " frames"]]:
    """Time since the last span ended, time until the next one starts, and whether an instant lies in one."""
    starts, ends = spans.T
    begun, ended = (np.searchsorted(edges, times, side="right") for edges in (starts, ends))
    return (
        times - np.concatenate([[-np.inf], ends])[ended],
        np.concatenate([starts, [np.inf]])[begun] - times,
        begun > ended,
    )


def pulse(
    times: Float[Array, " frames"],
    *,
    start: Float[Array, " event"],
    attack: Float[Array, " event"],
    hold: Float[Array, " event"],
    release: Float[Array, " event"],
) -> Float[Array, "event frames"]:
    """Each event's pulse: eased up during `attack`, 1 during `hold`, eased down during `release` (all seconds)."""
    since = times[None, :] - start[:, None]
    up = ease(since / attack[:, None])
    return up * (1.0 - ease((since - (attack + hold)[:, None]) / release[:, None]))


def reaching(start: Float[Array, " event"], *, times: Float[Array, " frames"], longest_secs: float) -> slice:
    """Which events, ordered by start and none longer than `longest_secs`, can show at `times` (ascending)."""
    first = np.searchsorted(start, times[0] - longest_secs, side="left")
    stop = np.searchsorted(start, times[-1], side="right")
    return slice(int(first), int(stop))


def eased_steps(
    times: Float[Array, " frames"],
    *,
    start: Float[Array, " event"],
    values: Float[Array, "event channel"],
    duration_secs: float,
) -> Float[Array, "frames channel"]:
    """Goes from value to value: at `start[i]` an eased move of `duration_secs` towards `values[i]` begins.

    Moves may overlap; the curve is the sum of the eased differences, zero before the first move.
    """
    if not len(start):
        return np.zeros((len(times), values.shape[1]))
    here = reaching(start, times=times, longest_secs=duration_secs)
    settled = values[here.start - 1] if here.start else np.zeros(values.shape[1])
    path = np.concatenate([settled[None], values[here]])
    share = ease((times[None, :] - start[here, None]) / duration_secs)
    position: Array = settled + share.T @ np.diff(path, axis=0)
    return position


_SPLINE_GAIN = 1.0 / 0.6924
"""A B-spline averages its neighbours: its weights have a root mean sum of squares of 0.6924 over a cell."""


def _lattice(index: Array, key: Array) -> Array:
    """Uniform numbers in [-1, 1) from lattice indices (splitmix64's finaliser on index and key)."""
    x = index.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    value: Array = (x >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    return value


def smooth_noise(times: Float[Array, " frames"], *, rate_hz: float, key: int) -> Float[Array, " frames"]:
    """Noise of bandwidth about `rate_hz` / 2, standard deviation about 0.58, never beyond +-1.45.

    `rate_hz` counts lattice points a second; `key`, of 64 bits, names the curve.
    """
    noise: Array = noises(times, rates_hz=np.array([rate_hz]), keys=np.array([key], np.uint64))[0]
    return noise


def drift(times: Float[Array, " frames"], *, key: int, channels: int = 1) -> Float[Array, "frames channel"]:
    """Noise as heads and eyes wander: octaves from 0.07 to 1.1 Hz, amplitude falling as 1/sqrt(f).

    Standard deviation about 0.3 per channel, never beyond +-1.6.
    """
    return 0.31 * octaves(times, key=key, channels=channels, lowest_hz=0.14, fall=0.5)


def octaves(
    times: Float[Array, " frames"], *, key: int, channels: int, lowest_hz: float, fall: float
) -> Float[Array, "frames channel"]:
    """Noise of standard deviation 1, independent by channel: the sum of five octaves of `smooth_noise`.

    Their rates double from `lowest_hz`, their amplitudes fall as f^-`fall`; 0 gives every octave the same power.
    """
    keys = [(key + 7919 * channel + 104_729 * octave) % 2**63 for channel in range(channels) for octave in range(5)]
    steps = 2.0 ** np.arange(5)
    curves = noises(times, rates_hz=np.tile(lowest_hz * steps, channels), keys=np.array(keys, np.uint64))
    sizes, total = steps**-fall, np.zeros((channels, len(times)))
    for octave, size in enumerate(sizes):  # one after the other: blocks give the bytes of the whole
        total += size * curves[octave::5]
    return total.T / (_NOISE_DEVIATION * float(np.sqrt((sizes * sizes).sum())))


_NOISE_DEVIATION = 0.58


def noises(
    times: Float[Array, " frames"], *, rates_hz: Float[Array, " curve"], keys: Array
) -> Float[Array, "curve frames"]:
    """Several curves of `smooth_noise` at once."""
    place = times * rates_hz[:, None]
    cell = np.floor(place)
    u = place - cell
    first = cell.astype(np.int64)
    v = 1.0 - u
    weights = (v * v * v, 3.0 * u * u * u - 6.0 * u * u + 4.0, 3.0 * v * v * v - 6.0 * v * v + 4.0, u * u * u)
    # A cell lasts for many frames: its values are hashed once.
    lowest = first.min(axis=1, keepdims=True)
    cells = _lattice(lowest + np.arange(-1, int((first - lowest).max()) + 3), keys[:, None])
    at = first - lowest + np.arange(len(cells))[:, None] * cells.shape[1]
    total = sum(w * cells.take(at + i) for i, w in enumerate(weights))
    return np.asarray(total) * (_SPLINE_GAIN / 6.0)
