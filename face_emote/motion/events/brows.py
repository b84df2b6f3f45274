"""Brows and lids beside any feeling. Accents are short raises on prominent syllables, and raised brows on questions.

When the mood frowns accents press the brows down instead. Raises begin early: they peak about 60 ms before the pitch
accent (Flecha-Garcia 2010), and stay modest: the emotion owns the brows and the voice only lends them a rhythm.
Between accents the brows of somebody who talks stir a little, up or down, and the lids with them.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.curves import octaves, pulse, reaching

_LEAD_SECS = 0.06
CALM_SECS = 0.6  # Accents of the brows are at least so far apart.
_RAISE, _FROWN = 0.3, 0.24  # The most that one accent does.
_LONGEST_SECS = 2.6
_STIR, _STIR_HZ = 0.12, 0.5
"""Deviation of what stirs, and the rate of its slowest octave: with these the brows of neutral performances rise and
fall by nearly as much of the face's width as those of tracked readers (`bench.liveliness`)."""
_OLD, _STIFF = 0.5, 0.3
"""Age of the skin from which inner and outer brows lose their independence, and the share of it that age 1 has lost."""
_INNER = CONTROLS.index("browInnerUp")
_OUTER = (CONTROLS.index("browOuterUpLeft"), CONTROLS.index("browOuterUpRight"))
_DOWN = (CONTROLS.index("browDownLeft"), CONTROLS.index("browDownRight"))
_SQUINT = (CONTROLS.index("eyeSquintLeft"), CONTROLS.index("eyeSquintRight"))
_LID = (CONTROLS.index("eyeWideLeft"), CONTROLS.index("eyeWideRight"))


@dataclass(frozen=True, slots=True)
class BrowScore:
    """Every accent of the brows, in order; seconds."""

    start: Float[Array, " accent"]
    attack: Float[Array, " accent"]
    hold: Float[Array, " accent"]
    release: Float[Array, " accent"]
    strength: Float[Array, " accent"]  # 0..1.
    lean: Float[Array, " accent"]  # -1 the right brow more, +1 the left brow more.
    question: Float[Array, " accent"]  # 1 for the raise of a question, which even a frowning mood makes.
    key: int = 0  # Names the noise of what stirs.


def brow_score(cues: SpeechCues, *, rng: np.random.Generator) -> BrowScore:
    """Decide the accents throughout the clip: the stronger about half of the prominent syllables, and questions."""
    rows = []
    last = -1.0
    for time, strength in zip(cues.accent_secs, cues.accent_strength, strict=True):
        accent = brow_accent(float(strength), rng=rng)
        if accent is None or time - last < CALM_SECS:
            continue
        last = time
        attack = accent[0]
        rows.append((time - _LEAD_SECS - attack, *accent, 0.0))
    for (_, end), rise in zip(cues.phrases, cues.rising, strict=True):
        if rise > 0.2:
            rows.append((end - 0.45, 0.3, 0.4, 0.55, 0.6 + 0.4 * rise, 0.0, 1.0))
    return brow_score_of(np.array(sorted(rows), np.float64).reshape(-1, 7).T, key=int(rng.integers(2**62)))


def brow_score_of(columns: Float[Array, "column=7 accent"], *, key: int) -> BrowScore:
    """The score of accents given as the columns of a table."""
    start, attack, hold, release, strength, lean, question = columns
    return BrowScore(start, attack, hold, release, strength, lean, question, key)


def brow_accent(strength: float, *, rng: np.random.Generator) -> tuple[float, float, float, float, float] | None:
    """Attack, hold, release (seconds), strength and lean of what a prominent syllable does to the brows, or None."""
    chance, size, hold = rng.random(), rng.uniform(0.75, 1.15), rng.uniform(0.03, 0.16)
    attack, release = rng.uniform(0.14, 0.22), rng.uniform(0.28, 0.5)
    lean = float(np.clip(rng.normal(0.0, 0.3), -0.8, 0.8))
    if chance > 0.1 + 0.75 * strength:
        return None
    return attack, hold, release, min((0.4 + 0.6 * strength) * size, 1.0), lean


def brow_controls(
    score: BrowScore,
    times: Float[Array, " frames"],
    *,
    frown: Float[Array, " frames"],
    amount: Float[Array, " frames"] | float,
) -> Float[Array, "frames control=100"]:
    """Controls of the accents alone, to be added to the emotion's.

    `frown` says how much the mood frowns, 0..1; then accents press the brows down instead of raising them.
    """
    out = np.zeros((len(times), len(CONTROLS)), np.float32)
    here = reaching(score.start, times=times, longest_secs=_LONGEST_SECS)
    shape = pulse(
        times, start=score.start[here], attack=score.attack[here], hold=score.hold[here], release=score.release[here]
    )
    weight, lean = score.strength[here, None] * shape, score.lean[here, None]
    asking = score.question[here, None]
    raised = weight * (1.0 - frown * (1.0 - asking))
    pressed = weight * frown * (1.0 - asking)
    out[:, _INNER] = amount * _RAISE * 0.8 * _joined(raised)
    for side, outer, down, lid in zip((1.0, -1.0), _OUTER, _DOWN, _LID, strict=True):
        tilt = 1.0 + 0.35 * side * lean
        out[:, outer] = amount * _RAISE * _joined(raised * tilt)
        out[:, down] = amount * _FROWN * _joined(pressed * tilt)
        out[:, lid] = amount * 0.25 * _RAISE * _joined(raised)
    return out


def stirring(
    score: BrowScore, times: Float[Array, " frames"], *, talking: Float[Array, " frames"], amount: float
) -> Float[Array, "frames control=100"]:
    """Controls of what brows and lids do between accents while somebody is `talking`, 0..1; to be added as well."""
    out = np.zeros((len(times), len(CONTROLS)), np.float32)
    noise = 2.0 * np.tanh(0.5 * octaves(times, key=score.key, channels=4, lowest_hz=_STIR_HZ, fall=0.0).T)
    noise *= amount * _STIR * talking
    brow, uneven, lid, squint = noise[0], 0.3 * noise[1], noise[2], 0.8 * noise[3]
    out[:, _INNER] = np.maximum(brow, 0.0)
    for sign, outer, down, wide, narrow in zip((1.0, -1.0), _OUTER, _DOWN, _LID, _SQUINT, strict=True):
        side = brow + sign * uneven
        out[:, outer], out[:, down] = np.maximum(side, 0.0), np.maximum(-0.6 * side, 0.0)
        out[:, wide], out[:, narrow] = np.maximum(lid, 0.0), np.maximum(squint, 0.0)
    return out


def _joined(accents: Float[Array, "accent frames"]) -> Float[Array, " frames"]:
    """Accents that overlap, such as the last stress of a question and its rise, are one raise and not two."""
    top = 1.3
    lift: Array = top * (1.0 - np.prod(1.0 - accents / top, axis=0))
    return lift


def aged_brows(controls: Float[Array, "frames control=100"], *, age: float) -> Float[Array, "frames control=100"]:
    """Raised brows of the old move more as one: each part goes some of the way to the mean of inner and outer."""
    share = _STIFF * float(np.clip((age - _OLD) / (1.0 - _OLD), 0.0, 1.0))
    if share == 0.0:
        return controls
    stiff = controls.copy()
    raised = controls[:, [_INNER, *_OUTER]]
    mean = 0.5 * (raised[:, :1] + raised[:, 1:].mean(axis=1, keepdims=True))
    stiff[:, [_INNER, *_OUTER]] = raised + share * (mean - raised)
    return stiff
