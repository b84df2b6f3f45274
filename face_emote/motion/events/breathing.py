"""Breath: a quick inhalation before each phrase, a long exhalation while it is spoken, quiet breathing in silence.

The chest lifts the head a little and tips it back; the nostrils open. Sizes are a few millimetres. In a long pause,
when nobody has to breathe in yet, there is time to swallow.
"""

from dataclasses import dataclass, field

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import ease

_LIFT_METRES = 0.0028
_TIP = np.radians(0.35)
REST_PERIOD_SECS = 4.2  # About 14 breaths a minute at rest.
_MIN_GAP_SECS = 0.3  # Shorter gaps between phrases are spoken through on one breath.
_MAX_EXHALE_SECS = 7.0
_SWALLOW_GAP_SECS = 1.6
_SWALLOW_AFTER_SECS, _SWALLOW_RISE_SECS, _SWALLOW_FALL_SECS = 0.35, 0.3, 0.45
"""The larynx rises within a third of a second and sinks more slowly, about a second in all."""


@dataclass(frozen=True, slots=True)
class BreathScore:
    """Turning points of the breath, in order: the volume eases from one to the next."""

    time: Float[Array, " turn"]
    volume: Float[Array, " turn"]  # 0 empty, 1 full; quiet breathing swings between 0.2 and 0.55.
    swallows: Float[Array, " swallow"] = field(default_factory=lambda: np.zeros(0))  # When the larynx begins to rise.


def breath_score(
    cues: SpeechCues, *, rate: Float[Array, " grid"], grid_hz: float, rng: np.random.Generator
) -> BreathScore:
    """Place the clip's breaths; `rate` is the emotion's factor on the rate of quiet breathing, about 1."""
    turns: list[tuple[float, float]] = [(-0.5 * rng.uniform(0.5, 1.5), 0.25)]

    def quiet(until: float) -> None:
        while True:
            time = turns[-1][0]
            period = REST_PERIOD_SECS * rng.uniform(0.85, 1.15)
            period /= max(float(rate[min(max(int(time * grid_hz), 0), len(rate) - 1)]), 0.3)
            if time + period > until:
                return
            turns.append((time + 0.4 * period, rng.uniform(0.5, 0.62)))
            turns.append((time + period, rng.uniform(0.18, 0.26)))

    for i, (start, end) in enumerate(cues.phrases):
        before = start - (cues.phrases[i - 1, 1] if i else turns[0][0])
        if before < _MIN_GAP_SECS:
            continue
        last = i
        while last + 1 < len(cues.phrases) and cues.phrases[last + 1, 0] - cues.phrases[last, 1] < _MIN_GAP_SECS:
            last += 1
        end = float(cues.phrases[last, 1])
        inhale = float(np.clip(0.7 * before, 0.22, 0.6))
        quiet(start - inhale)
        if start - inhale > turns[-1][0] + 0.3:
            turns.append((start - inhale, 0.22))
        depth = float(np.clip(0.55 + 0.09 * (end - start), 0.6, 1.0)) * rng.uniform(0.9, 1.0)
        turns.append((max(start - 0.03, turns[-1][0] + 0.15), depth))
        empty = min(end, start + _MAX_EXHALE_SECS) + 0.15
        turns.append((max(empty, turns[-1][0] + 0.3), rng.uniform(0.1, 0.2)))
    quiet(cues.duration_secs + REST_PERIOD_SECS * 4.0)
    table = np.array(turns)
    ends = cues.phrases[:, 1]
    room = np.append(cues.phrases[1:, 0], cues.duration_secs)[: len(ends)] - ends
    return BreathScore(table[:, 0], table[:, 1], ends[room >= _SWALLOW_GAP_SECS] + _SWALLOW_AFTER_SECS)


def swallowed(score: BreathScore, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """How far the larynx is lifted, 0..1."""
    begun = np.concatenate([[-np.inf], score.swallows])
    since = times - begun[np.searchsorted(score.swallows, times, side="right")]
    lifted: Array = ease(since / _SWALLOW_RISE_SECS)
    lifted *= ease((_SWALLOW_RISE_SECS + _SWALLOW_FALL_SECS - since) / _SWALLOW_FALL_SECS)
    return lifted


def breath_volume(score: BreathScore, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """Volume at instants, 0..1."""
    last = np.clip(np.searchsorted(score.time, times, side="right") - 1, 0, len(score.time) - 2)
    span = score.time[last + 1] - score.time[last]
    share = ease((times - score.time[last]) / span)
    volume: Array = score.volume[last] + share * (score.volume[last + 1] - score.volume[last])
    return volume


def breath_motion(volume: Float[Array, " frames"], *, amount: float) -> tuple[Array, Array]:
    """Lift of the head (metres, along +Y) and tip of the neck (radians about +X, negative is back)."""
    return amount * _LIFT_METRES * (volume - 0.35), -amount * _TIP * (volume - 0.35)
