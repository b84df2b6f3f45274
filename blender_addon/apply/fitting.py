# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys, same curve: the fewest Bezier segments that stay within a tolerance at every frame. No bpy here.

A Bezier segment whose handles lie at thirds of its length is a cubic polynomial of time. Its ends are values of the
curve, its two slopes the best in the sense of least squares; which frames get a key, dynamic programming finds.
"""

import functools
from dataclasses import dataclass

import numpy as np

LENGTHS = (*range(1, 9), 10, 12, 14, 16, 20, 24, 32, 48)
"""Frames that a segment may last."""
TOGETHER = 16
"""Curves that are fitted at once: more need much memory, fewer are slower."""
ROUGH = 0.4
"""Of the tolerance: what segments may be off before their slopes are joined, which costs the rest of it."""
FINE = 0.25
"""How much a segment's error counts against one key less, at its limit."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One curve's keys."""

    index: np.ndarray
    """Frames of the keys, counted from the first."""
    values: np.ndarray
    slope_in: np.ndarray
    """Value per frame, left of each key."""
    slope_out: np.ndarray
    """Right of it; the same where the curve is smooth."""


@functools.cache
def _segment(length: int) -> tuple[np.ndarray, np.ndarray]:
    """From the values at the frames of a segment: what the best cubic is off at those within, and its two slopes."""
    u = np.arange(length + 1) / length
    ends = np.stack([(1 + 2 * u) * (1 - u) ** 2, u**2 * (3 - 2 * u)], axis=1)
    tangents = length * np.stack([u * (1 - u) ** 2, u**2 * (u - 1)], axis=1)[1:-1]
    rest = np.eye(length + 1)[1:-1]
    rest[:, 0] -= ends[1:-1, 0]
    rest[:, -1] -= ends[1:-1, 1]
    if length < 3:  # Too few frames for two slopes: those of the parabola, or of the line.
        chord = np.zeros((2, length + 1))
        chord[:, 0], chord[:, -1] = -1.0 / length, 1.0 / length
        if length == 2:
            chord[0] += (-1.0, 2.0, -1.0)
            chord[1] -= (-1.0, 2.0, -1.0)
        return np.zeros((max(length - 1, 0), length + 1), np.float32), chord.astype(np.float32)
    slopes = np.linalg.pinv(tangents) @ rest
    return (rest - tangents @ slopes).astype(np.float32), slopes.astype(np.float32)


def fitted(values: np.ndarray, *, tolerance: np.ndarray) -> list[Fit]:
    """Keys for every curve [curve, frame], none of which is further off at a frame than `tolerance` [curve, frame].

    A curve that stays within its tolerance of its mean has one key.
    """
    fits: list[Fit] = []
    for first in range(0, len(values), TOGETHER):
        part = slice(first, first + TOGETHER)
        fits += _fitted_together(values[part].astype(np.float32), tolerance[part].astype(np.float32))
    return fits


def _fitted_together(values: np.ndarray, tolerance: np.ndarray) -> list[Fit]:
    count, num = values.shape
    flat = np.abs(values - values.mean(axis=1, keepdims=True)) <= tolerance
    cost = np.full((count, num), np.inf, np.float32)
    came = np.zeros((count, num), np.int32)
    cost[:, 0] = 0.0
    prices = {length: _prices(values, tolerance, length) for length in LENGTHS if length < num}
    for frame in range(1, num):
        lengths = [length for length in prices if length <= frame]
        ways = np.stack([cost[:, frame - n] + prices[n][:, frame - n] for n in lengths])
        best = np.argmin(ways, axis=0)
        cost[:, frame] = ways[best, np.arange(count)]
        came[:, frame] = np.array(lengths)[best]
    return [
        Fit(np.zeros(1, np.int64), values[i, :1] * 0.0 + values[i].mean(), np.zeros(1), np.zeros(1))
        if flat[i].all()
        else _traced(values[i], tolerance[i], came[i])
        for i in range(count)
    ]


def _prices(values: np.ndarray, tolerance: np.ndarray, length: int) -> np.ndarray:
    """What a segment from each frame costs: one key and a little for its error, infinite beyond the tolerance."""
    if length < 3:
        return np.ones((len(values), values.shape[1] - length), np.float32)
    windows = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(values, length + 1, axis=1))
    allowed = np.lib.stride_tricks.sliding_window_view(tolerance, length + 1, axis=1)[..., 1:-1]
    # Not `@`: a library's threads would wait for the next product all the time between, on every processor.
    off = np.abs(np.einsum("cfi,oi->cfo", windows, _segment(length)[0]))
    worst = np.max(off / np.maximum(ROUGH * allowed, 1e-9), axis=2)
    out: np.ndarray = np.where(worst <= 1.0, 1.0 + FINE * worst, np.inf).astype(np.float32)
    return out


def _traced(values: np.ndarray, tolerance: np.ndarray, came: np.ndarray) -> Fit:
    index = [len(values) - 1]
    while index[-1] > 0:
        index.append(index[-1] - int(came[index[-1]]))
    keys = np.array(index[::-1])
    steps = np.diff(keys)
    pairs = [
        _segment(int(step))[1] @ values[start : start + step + 1] for start, step in zip(keys[:-1], steps, strict=True)
    ]
    slopes = np.array(pairs, np.float64).reshape(-1, 2)
    left, right = np.append(slopes[:1, 0], slopes[:, 1]), np.append(slopes[:, 0], slopes[-1:, 1])
    free, smooth = Fit(keys, values[keys], left, right), _smooth(slopes, steps)
    off = np.abs(sampled(Fit(keys, values[keys], smooth, smooth), len(values)) - values) / np.maximum(tolerance, 1e-9)
    worst = np.maximum.reduceat(off, keys[:-1])
    is_good = worst <= 1.0
    free.slope_in[1:][is_good], free.slope_out[:-1][is_good] = smooth[1:][is_good], smooth[:-1][is_good]
    return free


def _smooth(slopes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """One slope a key, nearest in the sense of least squares to what the segments on both sides want."""
    weight = steps.astype(np.float64) ** 3 / 105.0  # Integrals of the squared tangent functions over a segment.
    diagonal = (np.append(weight, 0.0) + np.append(0.0, weight)).tolist()
    wanted = np.append(weight * (slopes[:, 0] - 0.75 * slopes[:, 1]), 0.0)
    wanted[1:] += weight * (slopes[:, 1] - 0.75 * slopes[:, 0])
    out, beside = wanted.tolist(), (-0.75 * weight).tolist()
    for i, between in enumerate(beside):  # A key knows its neighbours alone: each is eliminated from the next.
        share = between / diagonal[i]
        diagonal[i + 1] -= share * between
        out[i + 1] -= share * out[i]
    out[-1] /= diagonal[-1]
    for i in reversed(range(len(beside))):
        out[i] = (out[i] - beside[i] * out[i + 1]) / diagonal[i]
    return np.array(out)


def cubic(
    u: np.ndarray, *, start: np.ndarray, end: np.ndarray, leave: np.ndarray, arrive: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Values of a Hermite segment at `u` 0..1; the slopes are per segment."""
    out: np.ndarray = (
        start * (1 + 2 * u) * (1 - u) ** 2
        + end * u**2 * (3 - 2 * u)
        + leave * u * (1 - u) ** 2
        + arrive * u**2 * (u - 1)
    )
    return out


def sampled(fit: Fit, count: int) -> np.ndarray:
    """The curve at every frame, as Blender evaluates it."""
    if len(fit.index) == 1:
        return np.full(count, fit.values[0], np.float32)
    frames = np.arange(count)
    place = np.clip(np.searchsorted(fit.index, frames, side="right") - 1, 0, len(fit.index) - 2)
    steps = np.diff(fit.index)[place]
    u = (frames - fit.index[place]) / steps
    out: np.ndarray = cubic(
        u,
        start=fit.values[place],
        end=fit.values[place + 1],
        leave=fit.slope_out[place] * steps,
        arrive=fit.slope_in[place + 1] * steps,
    ).astype(np.float32)
    return out


def every_frame(values: np.ndarray) -> Fit:
    """A key a frame, straight between them."""
    slopes = np.diff(values, append=values[-1:])
    return Fit(np.arange(len(values)), values, np.concatenate([slopes[:1], slopes[:-1]]), slopes)
