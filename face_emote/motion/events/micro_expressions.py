"""Micro-expressions: a hidden emotion breaks through for 150-200 ms, mostly at pauses.

Ekman puts them at 40-200 ms; the shorter ones would be lost between video frames. What stays on the face the whole
time (the 10-20 % on muscles that lie badly) belongs to the static expression, not here.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import Pause
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import pulse, reaching

MIN_SPACING_SECS = 1.4
LONGEST_CALM_SECS = 4.5
_LONGEST_SECS = 0.4


@dataclass(frozen=True, slots=True)
class LeakScore:
    """Every moment at which a hidden emotion may break through, in order; seconds."""

    start: Float[Array, " leak"]
    attack: Float[Array, " leak"]
    hold: Float[Array, " leak"]
    release: Float[Array, " leak"]
    strength: Float[Array, " leak"]
    """0..1, before the emotion's own leak is counted in."""


def leak_score(cues: SpeechCues, pauses: tuple[Pause, ...], *, rng: np.random.Generator) -> LeakScore:
    """Choose the moments: two pauses in three, at their beginnings, and one now and then in long unbroken speech."""
    wanted = [pause.start_secs + rng.uniform(0.0, 0.08) for pause in pauses if rng.random() < 0.66]
    wanted += [float(end) + 0.05 for end in cues.phrases[:, 1] if rng.random() < 0.5]
    # Nothing leaks in the first moments: the viewer has not yet learned the face.
    earliest = min(0.5, 0.3 * cues.duration_secs)
    start: list[float] = []
    for time in sorted(wanted):
        if time > earliest and (not start or time - start[-1] > MIN_SPACING_SECS):
            start.append(time)
    edges = [0.0, *start, cues.duration_secs]
    for before, after in pairwise(edges):
        place = before + rng.uniform(0.35, 0.65) * (after - before)
        if after - before > LONGEST_CALM_SECS or not start:
            start.append(place)
    start.sort()
    return shaped_leaks(np.array(start), rng=rng)


def shaped_leaks(start: Float[Array, " leak"], *, rng: np.random.Generator) -> LeakScore:
    """Leaks at these instants, each with a length and a strength of its own."""
    count = len(start)
    # Near the upper end of 1/25..1/5 s: two frames of video look like a fault of the picture, not like a feeling.
    length = rng.uniform(0.16, 0.22, count)
    return LeakScore(
        start=start,
        attack=0.45 * length,
        hold=0.1 * length,
        release=0.45 * length,
        strength=rng.uniform(0.7, 1.0, count),
    )


def leak_pulses(score: LeakScore, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """How much breaks through at each instant, 0..1."""
    here = reaching(score.start, times=times, longest_secs=_LONGEST_SECS)
    shape = pulse(
        times, start=score.start[here], attack=score.attack[here], hold=score.hold[here], release=score.release[here]
    )
    strength: Array = np.minimum((score.strength[here, None] * shape).sum(axis=0), 1.0)
    return strength


def leak_weight(pulses: Float[Array, " frames"], *, leak: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """Strength of the hidden emotion's expression in a pulse: even a well-kept secret flashes at 0.3."""
    return pulses * np.where(leak > 0.0, np.clip(0.3 + 0.7 * leak, 0.0, 1.0), 0.0)
