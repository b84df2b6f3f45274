# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys, same curve: keep as few frames as linear interpolation between them needs. No bpy here."""

import numpy as np


def kept_frames(values: np.ndarray, *, tolerance: float) -> np.ndarray:
    """Indices to keep, rising, first and last included, so that no value is further off than `tolerance`.

    Ramer-Douglas-Peucker with vertical distance.
    """
    count = len(values)
    if count <= 2 or np.ptp(values) <= tolerance:
        return np.array([0]) if count and np.ptp(values) <= tolerance else np.arange(count)
    keep = np.zeros(count, bool)
    keep[[0, -1]] = True
    todo = [(0, count - 1)]
    while todo:
        first, last = todo.pop()
        if last - first < 2:
            continue
        inside = np.arange(first + 1, last)
        line = values[first] + (values[last] - values[first]) * (inside - first) / (last - first)
        off = np.abs(values[inside] - line)
        worst = int(np.argmax(off))
        if off[worst] > tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            todo += [(first, middle), (middle, last)]
    return np.flatnonzero(keep)
