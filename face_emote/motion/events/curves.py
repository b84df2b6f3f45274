"""Shapes that events have in time: eased steps and pulses, sampled at any instants.

An event list is a few parallel arrays, made once for the clip and ordered by time. Sampling looks only at the events
that can reach the asked instants, so an hour-long list costs a block no more than a short one.
"""

import numpy as np

from face_emote.core.arrays import Array, Float


def ease(u: Array) -> Array:
    """Quintic step: 0 before 0, 1 after 1, with two continuous derivatives (minimum jerk)."""
    u = np.clip(u, 0.0, 1.0)
    return u * u * u * (u * (6.0 * u - 15.0) + 10.0)


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
    return settled + share.T @ np.diff(path, axis=0)
