"""Blinks: when they come and how the lids move.

Intervals are log-normal about a rate of 20 a minute while speaking and 14 while silent, which the emotion changes.
Blinks gather where speakers put them: at the ends of phrases, in pauses, and on large shifts of gaze. A blink closes
in about 100 ms, rests 30 ms and opens in 170 ms (lid kinematics: closing is about twice as fast as opening). Some stay
partial, and some come in pairs. Opening starts at once and ends slowly, as tracked lids do.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import ease, reaching

SPEAKING_HZ = 20.0 / 60.0
SILENT_HZ = 14.0 / 60.0
SIGMA = 0.55  # Standard deviation of the log interval.
REFRACTORY_SECS = 0.55
_LONGEST_SECS = 0.5
_USUAL_SECS = 0.28
_SPARED_SECS = 0.4  # How long a moment that has to be seen lasts.
_GRID_HZ = 10.0
EVOKING_SHIFT = np.radians(9.0)  # Shifts of gaze beyond this often carry a blink.
EVOKED = 0.5  # How often.
_PARTIAL, _DOUBLE = 0.22, 0.06  # Shares of blinks that do not close the lids, and that come in pairs.
_LEAST_SPONTANEOUS = 0.35  # Share of the spontaneous blinks that stays however often the gaze shifts.


@dataclass(frozen=True, slots=True)
class BlinkScore:
    """Every blink of the clip, in order; seconds."""

    start: Float[Array, " blink"]
    closing: Float[Array, " blink"]
    hold: Float[Array, " blink"]
    opening: Float[Array, " blink"]
    depth: Float[Array, " blink"]  # How far the lids come together, 0..1; some blinks stay incomplete.


def blink_score(
    cues: SpeechCues,
    *,
    factor: Float[Array, " grid"],
    factor_hz: float,
    shifts: Float[Array, "shift 2"],
    amount: float,
    rng: np.random.Generator,
    spared_secs: Float[Array, " moment"] = np.zeros(0),  # noqa: B008 - not written to
    slots_secs: Float[Array, " slot"] = np.zeros(0),  # noqa: B008 - not written to
) -> BlinkScore:
    """Place the clip's blinks.

    `factor` is the emotion's on the rate, `factor_hz` values a second; `shifts` are those of the gaze, their instants
    and sizes in radians; `amount` is the user's factor, 0 never blinks; blinks wait until the moments that begin at
    `spared_secs` have been seen, and gather at `slots_secs` as at the ends of phrases.
    """
    if amount <= 0.0:
        return shaped_blinks(np.zeros(0), rng)
    grid = np.arange(int(np.ceil(cues.duration_secs * _GRID_HZ)) + 1) / _GRID_HZ
    mood = np.interp(grid, np.arange(len(factor)) / factor_hz, factor)
    rate = amount * mood * (SILENT_HZ + (SPEAKING_HZ - SILENT_HZ) * cues.activity_at(grid))
    shift_secs, evoking = shifts[:, 0], shifts[:, 1] > EVOKING_SHIFT
    chance = EVOKED * min(amount, 1.6)
    expected = np.concatenate([[0.0], np.cumsum(rate[:-1]) / _GRID_HZ])
    # The rates count every blink, so those that come with the gaze are not on top of them.
    expected *= max(1.0 - chance * float(evoking.sum()) / max(expected[-1], 1e-9), _LEAST_SPONTANEOUS)
    count = int(expected[-1] * 2.0) + 8
    draws = np.exp(rng.normal(-0.5 * SIGMA**2, SIGMA, count))
    draws[0] *= rng.uniform(0.2, 1.0)  # the clip begins somewhere between two blinks
    reached = np.cumsum(draws)
    times = np.interp(reached[reached < expected[-1]], expected, grid)
    times = _attracted(times, np.sort(np.concatenate([cues.phrases[:, 1], slots_secs])), rng=rng)
    evoked = shift_secs[evoking & (rng.random(len(shift_secs)) < chance)]
    times, evoked = (_waiting(blinks, spared_secs) for blinks in (times, evoked - 0.03))
    return shaped_blinks(_spaced(times, evoked, duration_secs=cues.duration_secs), rng)


def _waiting(times: Array, spared_secs: Array) -> Array:
    """Blinks that would hide one of the moments, put after it."""
    moved = times.copy()
    for moment in spared_secs:
        moved[(times > moment - _USUAL_SECS) & (times < moment + _SPARED_SECS)] = moment + _SPARED_SECS
    return np.sort(moved)


def _attracted(times: Array, ends: Array, *, rng: np.random.Generator) -> Array:
    """Move most blinks to an end within 1.1 s of them."""
    if not len(ends) or not len(times):
        return times
    nearest = ends[np.abs(times[:, None] - _window(ends, times)).argmin(1) + _first(ends, times)]
    place = nearest + rng.uniform(-0.05, 0.2, len(times))
    pulled = (np.abs(nearest - times) < 1.1) & (rng.random(len(times)) < 0.8)
    return np.sort(np.where(pulled, place, times))


def _first(ends: Array, times: Array) -> Array:
    return np.clip(np.searchsorted(ends, times) - 1, 0, max(len(ends) - 2, 0))


def _window(ends: Array, times: Array) -> Array:
    """The phrase ends on either side of each time."""
    first = _first(ends, times)
    around: Array = ends[np.stack([first, np.minimum(first + 1, len(ends) - 1)], axis=1)]
    return around


def _spaced(times: Array, evoked: Array, *, duration_secs: float) -> Array:
    """Merge both kinds, drop blinks that follow another too soon; a gaze shift's blink wins over a spontaneous one."""
    kept: list[float] = []
    kinds = np.concatenate([np.zeros(len(times), bool), np.ones(len(evoked), bool)])
    every = np.concatenate([times, evoked])
    order = np.argsort(every, kind="stable")
    last_kind = False
    for time, kind in zip(every[order], kinds[order], strict=True):
        if time < 0.12 or time > duration_secs - 0.15:
            continue
        if kept and time - kept[-1] < REFRACTORY_SECS:
            if kind and not last_kind and (len(kept) < 2 or time - kept[-2] >= REFRACTORY_SECS):
                kept[-1], last_kind = float(time), True
            continue
        kept.append(float(time))
        last_kind = bool(kind)
    return np.array(kept)


def shaped_blinks(start: Float[Array, " blink"], rng: np.random.Generator) -> BlinkScore:
    """Blinks at these instants, each with a speed and a depth of its own; some are followed by a second one."""
    count = len(start)
    closing, hold = rng.uniform(0.08, 0.105, count), rng.uniform(0.02, 0.04, count)
    opening, partial = rng.uniform(0.19, 0.245, count), rng.random(count) < _PARTIAL
    depth = np.where(partial, rng.uniform(0.55, 0.85, count), 1.0)
    again = np.flatnonzero(rng.random(count) < _DOUBLE)
    second = (start + closing + hold + 0.7 * opening)[again]
    rows = np.stack([start, closing, hold, opening, depth])
    follows = np.stack([second, closing[again], hold[again], opening[again], 0.9 * depth[again]])
    rows = np.concatenate([rows, follows], axis=1)
    return BlinkScore(*rows[:, np.argsort(rows[0], kind="stable")])


def lid_closure(score: BlinkScore, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """How closed blinking makes the lids at each instant, 0..1."""
    here = reaching(score.start, times=times, longest_secs=_LONGEST_SECS)
    since = times[None, :] - score.start[here, None]
    closing, hold = score.closing[here, None], score.hold[here, None]
    down = ease(since / closing)
    u = np.clip((since - closing - hold) / score.opening[here, None], 0.0, 1.0)
    shut_still = (1.0 - u) ** 2.5 * (1.0 + 2.5 * u)  # without speed at either end; 5 % are left after four fifths
    closed = score.depth[here, None] * down * shut_still
    shut: Array = 1.0 - np.prod(1.0 - closed, axis=0)
    return shut
