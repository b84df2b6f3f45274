"""Low-pass filters that rise and fall at different speeds, stepped exactly and resumable at any step.

They are what remembers in a performance (emotion, blood, skin): everything else is a pure function of time.
"""

import numpy as np

from face_emote.core.arrays import Array, Float


def follow(
    wanted: Float[Array, "steps channel"],
    level: Float[Array, " channel"],
    *,
    on_secs: Array | float,
    off_secs: Array | float,
    step_hz: float,
) -> tuple[Float[Array, "steps channel"], Float[Array, " channel"]]:
    """One stage: y' = (u - y) / tau, tau being `on_secs` where u > y and `off_secs` elsewhere.

    Exact for a u that holds within a step, because y never crosses it. Returns the level after each step, and the
    last one to go on from.
    """
    keep_on, keep_off = np.exp(-1.0 / (step_hz * np.asarray(on_secs))), np.exp(-1.0 / (step_hz * np.asarray(off_secs)))
    out = np.empty(wanted.shape)
    for i, u in enumerate(wanted.astype(np.float64)):
        level = u + (level - u) * np.where(u > level, keep_on, keep_off)
        out[i] = level
    return out, level


def follow_twice(
    wanted: Float[Array, "steps channel"],
    levels: Float[Array, "stage=2 channel"],
    *,
    on_secs: Array | float,
    off_secs: Array | float,
    step_hz: float,
) -> tuple[Float[Array, "steps channel"], Float[Array, "stage=2 channel"]]:
    """Two equal stages: y1' = (u - y1) / tau, y2' = (y1 - y2) / tau; y2 starts and arrives without a corner.

    tau is chosen by the sign of u - y1, which cannot change while u holds, so with d = dt / tau the step is exact:

        y1 <- u + (y1 - u) e^-d,   y2 <- u + ((y2 - u) + (y1 - u) d) e^-d.

    Returns y2 after each step, and both stages to go on from.
    """
    on, off = 1.0 / (step_hz * np.asarray(on_secs)), 1.0 / (step_hz * np.asarray(off_secs))
    keep_on, keep_off = np.exp(-on), np.exp(-off)
    first, second = levels
    out = np.empty(wanted.shape)
    for i, u in enumerate(wanted.astype(np.float64)):
        rises = u > first
        keep, ratio = np.where(rises, keep_on, keep_off), np.where(rises, on, off)
        gap = first - u
        second = u + ((second - u) + gap * ratio) * keep
        first = u + gap * keep
        out[i] = second
    return out, np.stack([first, second])
