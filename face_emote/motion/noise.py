"""Smooth noise as a pure function of time: the same instant has the same value in any block and at any frame rate.

Values hashed from integer lattice points are joined by a uniform cubic B-spline, so the curve has two continuous
derivatives, never repeats and needs no memory however long the clip is.
"""

import numpy as np

from face_emote.core.arrays import Array, Float

_SPLINE_GAIN = 1.0 / 0.6924
"""A B-spline averages its neighbours: its weights have a root mean sum of squares of 0.6924 over a cell."""


def _lattice(index: Array, key: int) -> Array:
    """Uniform numbers in [-1, 1) from lattice indices (splitmix64's finaliser on index and key)."""
    x = index.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.array(key, np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def smooth_noise(times: Float[Array, " frames"], *, rate_hz: float, key: int) -> Float[Array, " frames"]:
    """Noise of bandwidth about `rate_hz` / 2, standard deviation about 0.58, never beyond +-1.45.

    Args:
        times: seconds.
        rate_hz: lattice points a second.
        key: 64-bit number that names the curve.
    """
    place = times * rate_hz
    cell = np.floor(place)
    u = place - cell
    first = cell.astype(np.int64)
    v = 1.0 - u
    weights = (v * v * v, 3.0 * u * u * u - 6.0 * u * u + 4.0, 3.0 * v * v * v - 6.0 * v * v + 4.0, u * u * u)
    total = sum(w * _lattice(first + i - 1, key) for i, w in enumerate(weights))
    return np.asarray(total) * (_SPLINE_GAIN / 6.0)


def drift(times: Float[Array, " frames"], *, key: int, channels: int = 1) -> Float[Array, "frames channel"]:
    """1/f noise, as heads and eyes wander: octaves from 0.07 to 1.1 Hz, amplitude falling as 1/sqrt(f).

    Standard deviation about 0.3 per channel, never beyond +-1.6.
    """
    columns = []
    for channel in range(channels):
        total = np.zeros(len(times))
        for octave in range(5):
            name = (key + 7919 * channel + 104_729 * octave) % 2**63
            total += smooth_noise(times, rate_hz=0.14 * 2.0**octave, key=name) * 2.0 ** (-0.5 * octave)
        columns.append(total / 2.6)
    return np.stack(columns, axis=-1)
