"""All controls of the face at any instants: the score's events over the emotion of those instants."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import PerformanceStyle
from face_emote.motion.blinks import lid_closure
from face_emote.motion.breathing import breath_volume
from face_emote.motion.brows import brow_controls
from face_emote.motion.layering import MouthGauge, layered
from face_emote.motion.lips import sample_lips
from face_emote.motion.micro_expressions import leak_pulses, leak_weight
from face_emote.motion.score import PerformanceScore


def face_controls(
    score: PerformanceScore,
    times: Float[Array, " frames"],
    *,
    emotion: Float[Array, "frames control=100"],
    hidden: Float[Array, "frames control=100"],
    leak: Float[Array, " frames"],
    frown: Float[Array, " frames"],
    style: PerformanceStyle,
    gauge: MouthGauge | None,
) -> Float[Array, "frames control=100"]:
    """Lips, emotion, leaks, brow accents, blinks and breath in one, 0..1.

    Args:
        score: the clip's events.
        times: ascending seconds.
        emotion: expression of the shown emotion.
        hidden: full expression of the hidden one; it appears in pulses only.
        leak: how much of the hidden one shows, 0..1.
        frown: how much the mood frowns, 0..1.
        style: the animator's sliders.
        gauge: keeps the lips' gap (see `layering`); None for a cheaper, slightly less exact mouth.
    """
    lips = sample_lips(score.lips, times=times)
    breaks_through = leak_weight(leak_pulses(score.leaks, times), leak=leak)[:, None]
    felt = emotion + breaks_through * (hidden - np.minimum(emotion, hidden))
    return layered(
        lips.controls,
        emotion=np.asarray(felt, np.float32),
        accents=brow_controls(score.brows, times, frown=frown, amount=style.brows),
        ownership=np.maximum(lips.ownership, 1.0 - score.cues.rest_at(times)),
        closure=lips.closure,
        blink=lid_closure(score.blinks, times),
        inhaled=breath_volume(score.breath, times),
        gauge=gauge,
    )
