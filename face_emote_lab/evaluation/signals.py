"""Measures of lip-gap curves: agreement, lag, misalignment, smoothness. Plain arrays in, numbers out.

NaN stands for "does not follow from this" (a constant curve has no correlation, a clip without extrema no lag).
"""

import numpy as np

from face_emote.core.arrays import Array, Float, Int

LONGEST_SHIFT_SECS = 0.2
SHIFT_STEP_SECS = 0.01
WARP_HZ = 50.0
LONGEST_WARP_SECS = 0.3  # The warping path stays within this of the diagonal.
PROMINENCE = 0.2  # Extrema count whose neighbours differ by at least so many standard deviations of the curve.
_FLAT = 1e-9
_FORBIDDEN = 1e6


def correlation(a: Float[Array, " frames"], b: Float[Array, " frames"]) -> float:
    """Pearson's r; NaN when either curve is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > _FLAT else float("nan")


def best_shift_secs(
    dense: Float[Array, " samples"],
    *,
    dense_times: Float[Array, " samples"],
    truth: Float[Array, " frames"],
    times: Float[Array, " frames"],
) -> float:
    """By how much the truth follows the curve under test, in steps of 10 ms within +-200 ms.

    The shift s that makes dense(t - s) correlate best with truth(t): positive when our lips are early.
    """
    steps = round(LONGEST_SHIFT_SECS / SHIFT_STEP_SECS)
    shifts = np.arange(-steps, steps + 1) * SHIFT_STEP_SECS
    fits = np.array([correlation(np.interp(times - shift, dense_times, dense), truth) for shift in shifts])
    return float("nan") if np.isnan(fits).any() else float(shifts[int(np.argmax(fits))])


def misalignment_secs(
    ours: Float[Array, " frames"], truth: Float[Array, " frames"], *, times: Float[Array, " frames"]
) -> float:
    """MTM: mean time between each local extremum of the truth and the instant of ours that it is matched with.

    After Chae-Yeon et al. 2025 ("Perceptually accurate 3D talking head generation"): matched by derivative dynamic
    time warping (Keogh and Pazzani 2001), here at 50 Hz and within 300 ms. NaN for constant curves.
    """
    grid = np.arange(times[0], times[-1] + 1e-9, 1.0 / WARP_HZ)
    a, b = (np.interp(grid, times, curve) for curve in (ours, truth))
    at = extrema(b)
    if a.std() < _FLAT or b.std() < _FLAT or len(at) == 0:
        return float("nan")
    slopes = (_slope(a / a.std()), _slope(b / b.std()))
    mine, theirs = warping_path(*slopes, band=round(LONGEST_WARP_SECS * WARP_HZ))
    matched = np.array([mine[theirs == i].mean() for i in at])
    return float(np.abs(matched - at).mean() / WARP_HZ)


def extrema(curve: Float[Array, " frames"]) -> Int[Array, " extremum"]:
    """Indices of turning points between which the curve moves by at least PROMINENCE standard deviations.

    A walk that remembers the furthest point since the last turn; the ends of the curve are no turns.
    """
    needed = PROMINENCE * curve.std()
    if needed < _FLAT:
        return np.zeros(0, np.int64)
    turns: list[int] = []
    low = high = furthest = rising = 0
    for i, value in enumerate(curve):
        if not rising:
            low, high = (i if value < curve[low] else low), (i if value > curve[high] else high)
            if curve[high] - curve[low] > needed:
                rising, furthest = (1, high) if high > low else (-1, low)
                turns += [min(low, high)] if min(low, high) > 0 else []
        elif rising * (value - curve[furthest]) > 0.0:
            furthest = i
        elif rising * (curve[furthest] - value) > needed:
            turns.append(furthest)
            rising, furthest = -rising, i
    return np.array(turns, np.int64)


def warping_path(
    a: Float[Array, " frames"], b: Float[Array, " frames"], *, band: int
) -> tuple[Int[Array, " step"], Int[Array, " step"]]:
    """The cheapest monotone pairing of two curves of equal length, no further than `band` frames off the diagonal.

    Row i of the table holds the costs of pairing a[i] with b[i - band .. i + band]. Along a row
    c[k] = min over l <= k of (entry[l] + d[l+1] + .. + d[k]), which is a running minimum.
    """
    length, width = len(a), 2 * band + 1
    other = np.arange(length)[:, None] + np.arange(-band, band + 1)
    inside = (other >= 0) & (other < length)
    distance = np.where(inside, np.abs(a[:, None] - b[np.clip(other, 0, length - 1)]), _FORBIDDEN)
    cost = np.full((length, width + 1), _FORBIDDEN * length)
    for i in range(length):
        entry = np.minimum(cost[i - 1, :-1], cost[i - 1, 1:]) if i else np.where(np.arange(width) == band, 0.0, np.inf)
        summed = np.cumsum(distance[i])
        cost[i, :-1] = summed + np.minimum.accumulate(entry + distance[i] - summed)
    i, j = length - 1, length - 1
    path = [(i, j)]
    while i or j:
        k = j - i + band
        ways = []
        if i and j:
            ways.append((cost[i - 1, k], i - 1, j - 1))
        if i and k + 1 < width:
            ways.append((cost[i - 1, k + 1], i - 1, j))
        if j and k > 0:
            ways.append((cost[i, k - 1], i, j - 1))
        _, i, j = min(ways, key=lambda way: float(way[0]))
        path.append((i, j))
    steps = np.array(path[::-1])
    return steps[:, 0], steps[:, 1]


def rms(values: Float[Array, " n"]) -> float:
    """Root of the mean square; NaN of nothing."""
    return float(np.sqrt(np.mean(values * values))) if len(values) else float("nan")


def jerk(curve: Float[Array, " frames"], *, fps: float) -> float:
    """RMS of the third derivative, units per second cubed."""
    return rms(np.diff(curve, n=3)) * fps**3


def _slope(curve: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """Keogh and Pazzani's estimate: mean of the slope to the left and the slope through both neighbours."""
    padded = np.concatenate([curve[:1], curve, curve[-1:]])
    left, through = padded[1:-1] - padded[:-2], 0.5 * (padded[2:] - padded[:-2])
    return np.asarray(0.5 * (left + through))
