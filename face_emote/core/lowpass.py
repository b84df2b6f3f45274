"""Low-pass filters that rise and fall at different speeds, stepped exactly and resumable at any step.

They are what remembers in a performance (emotion, blood, skin): everything else is a pure function of time. Channels
are followed one by one, as plain numbers: numpy takes longer over a short row than Python over its numbers.
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
    keep_on, keep_off = (np.exp(-_steps(secs, level, step_hz=step_hz)).tolist() for secs in (on_secs, off_secs))
    paths = []
    for us, y, on, off in zip(wanted.astype(np.float64).T.tolist(), level.tolist(), keep_on, keep_off, strict=True):
        path = []
        for u in us:
            y = u + (y - u) * (on if u > y else off)
            path.append(y)
        paths.append(path)
    out = np.ascontiguousarray(np.array(paths).T.reshape(wanted.shape))
    return out, out[-1] if len(out) else level


def _steps(secs: Array | float, level: Float[Array, " channel"], *, step_hz: float) -> Float[Array, " channel"]:
    """A step as a share of each channel's time constant."""
    return np.broadcast_to(1.0 / (step_hz * np.asarray(secs)), level.shape)


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
    paths, ends = [], []
    rates = [_steps(secs, levels[0], step_hz=step_hz) for secs in (on_secs, off_secs)]
    channels = np.concatenate([levels, rates, np.exp(-np.stack(rates))]).T.tolist()
    for us, (first, second, on, off, keep_on, keep_off) in zip(
        wanted.astype(np.float64).T.tolist(), channels, strict=True
    ):
        path = []
        for u in us:
            gap = first - u
            if gap < 0.0:
                second = u + ((second - u) + gap * on) * keep_on
                first = u + gap * keep_on
            else:
                second = u + ((second - u) + gap * off) * keep_off
                first = u + gap * keep_off
            path.append(second)
        paths.append(path)
        ends.append((first, second))
    return np.ascontiguousarray(np.array(paths).T.reshape(wanted.shape)), np.array(ends).T
