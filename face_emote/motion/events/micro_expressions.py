"""Micro-expressions: a hidden emotion breaks through for 1/15 to 1/2 s, at pauses and on stressed words.

Ekman puts them at 1/25 to 1/5 s; measured ones last up to half a second (Yan et al. 2013), and shorter ones than 1/15 s
would be lost between video frames. One side leads. What stays on the face the whole time, and which regions break
through, belongs to `feeling.masks`.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.core.types import Pause
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import pulse, reaching

MIN_SPACING_SECS = 1.2
LONGEST_CALM_SECS = 3.0
SHORTEST_SECS, LONGEST_SECS = 0.12, 0.42
_ON_STRESS_SECS = 0.08  # So long before the middle of a stressed vowel a flash begins that is seen with it.
STRESSED = 0.45  # Strength of an accent from which it may bring a flash.
_LEAN = 0.25  # Standard deviation of how much one side leads.


@dataclass(frozen=True, slots=True)
class LeakScore:
    """Every moment at which a hidden emotion may break through, in order; seconds."""

    start: Float[Array, " leak"]
    attack: Float[Array, " leak"]
    hold: Float[Array, " leak"]
    release: Float[Array, " leak"]
    strength: Float[Array, " leak"]  # 0..1, before the emotion's own leak is counted in.
    lean: Float[Array, " leak"]  # -1 on the right side alone, +1 on the left side alone.


def leak_score(cues: SpeechCues, pauses: tuple[Pause, ...], *, rng: np.random.Generator) -> LeakScore:
    """Choose the moments: most pauses, at either edge, strong accents, any stressed word in long speech."""
    wanted = [pause.start_secs + rng.uniform(0.0, 0.08) for pause in pauses if rng.random() < 0.66]
    wanted += [pause.end_secs - rng.uniform(0.1, 0.2) for pause in pauses if rng.random() < 0.2]
    wanted += [float(end) + 0.05 for end in cues.phrases[:, 1] if rng.random() < 0.5]
    stressed = cues.accent_secs[cues.accent_strength > STRESSED]
    wanted += [float(centre) - _ON_STRESS_SECS for centre in stressed if rng.random() < 0.25]
    # Nothing leaks in the first moments: the viewer has not yet learned the face.
    earliest = min(0.5, 0.3 * cues.duration_secs)
    start: list[float] = []
    for time in sorted(wanted):
        if time > earliest and (not start or time - start[-1] > MIN_SPACING_SECS):
            start.append(time)
    edges = [0.0, *start, cues.duration_secs]
    on_words = cues.accent_secs - _ON_STRESS_SECS
    for before, after in pairwise(edges):
        place = before + rng.uniform(0.35, 0.65) * (after - before)
        if after - before > LONGEST_CALM_SECS or not start:
            apart = on_words[(on_words > before + MIN_SPACING_SECS) & (on_words < after - MIN_SPACING_SECS)]
            start.append(float(apart[np.abs(apart - place).argmin()]) if len(apart) else place)
    start.sort()
    return shaped_leaks(np.array(start), rng=rng)


def shaped_leaks(start: Float[Array, " leak"], *, rng: np.random.Generator) -> LeakScore:
    """Leaks at these instants, each with a length and a strength of its own."""
    count = len(start)
    length = np.exp(rng.uniform(np.log(SHORTEST_SECS), np.log(LONGEST_SECS), count))
    return LeakScore(
        start=start,
        attack=0.4 * length,
        hold=0.2 * length,
        release=0.4 * length,
        strength=rng.uniform(0.7, 1.0, count),
        lean=np.clip(rng.normal(0.0, _LEAN, count), -0.7, 0.7),
    )


def leak_pulses(score: LeakScore, times: Float[Array, " frames"]) -> Float[Array, "frames side=2"]:
    """How much breaks through at each instant on the left and on the right, 0..1."""
    here = reaching(score.start, times=times, longest_secs=LONGEST_SECS)
    shape = pulse(
        times, start=score.start[here], attack=score.attack[here], hold=score.hold[here], release=score.release[here]
    )
    shape *= score.strength[here, None]
    sides = (np.minimum(1.0, 1.0 + sign * score.lean[here, None]) for sign in (1.0, -1.0))
    strength: Array = np.stack([np.minimum((shape * side).sum(axis=0), 1.0) for side in sides], axis=1)
    return strength


def leak_weight(
    pulses: Float[Array, "frames side=2"], *, leak: Float[Array, " frames"]
) -> Float[Array, "frames control=100"]:
    """Share of every hidden control that shows in a pulse: even a well-kept secret flashes at 0.3."""
    strength = pulses * np.where(leak > 0.0, np.clip(0.3 + 0.7 * leak, 0.0, 1.0), 0.0)[:, None]
    return np.concatenate([strength, strength.mean(axis=1, keepdims=True)], axis=1)[:, _SIDE_OF]


_SIDE_OF = np.array([0 if name.endswith("Left") else 1 if name.endswith("Right") else 2 for name in CONTROLS])
