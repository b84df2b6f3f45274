"""All controls of the face at any instants: the score's events over the emotion of those instants."""

from typing import Protocol, runtime_checkable

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import PerformanceStyle
from face_emote.motion.events.blinks import BlinkScore, lid_closure
from face_emote.motion.events.breathing import BreathScore, breath_volume
from face_emote.motion.events.brows import BrowScore, brow_controls
from face_emote.motion.events.micro_expressions import LeakScore, leak_pulses, leak_weight
from face_emote.motion.layering import MouthGauge, layered
from face_emote.motion.mouth.lips import Lips


@runtime_checkable
class FaceEvents(Protocol):
    """What moves a face: a clip's `PerformanceScore`, or the latest seconds of a live one."""

    @property
    def lips(self) -> Lips: ...  # noqa: D102
    @property
    def blinks(self) -> BlinkScore: ...  # noqa: D102
    @property
    def brows(self) -> BrowScore: ...  # noqa: D102
    @property
    def breath(self) -> BreathScore: ...  # noqa: D102
    @property
    def leaks(self) -> LeakScore: ...  # noqa: D102


def face_controls(
    score: FaceEvents,
    times: Float[Array, " frames"],
    *,
    leisure: Float[Array, " frames"],
    emotion: Float[Array, "frames control=100"],
    hidden: Float[Array, "frames control=100"],
    leak: Float[Array, " frames"],
    frown: Float[Array, " frames"],
    style: PerformanceStyle,
    gauge: MouthGauge | None,
) -> Float[Array, "frames control=100"]:
    """Lips, emotion, leaks, brow accents, blinks and breath in one, 0..1.

    Args:
        score: the events.
        times: ascending seconds.
        leisure: how far the mouth is from speech in time, 0 while talking .. 1 (`SpeechCues.rest_at`).
        emotion: expression of the shown emotion.
        hidden: full expression of the hidden one; it appears in pulses only.
        leak: how much of the hidden one shows, 0..1.
        frown: how much the mood frowns, 0..1.
        style: the animator's sliders.
        gauge: keeps the lips' gap (see `layering`); None for a cheaper, slightly less exact mouth.
    """
    lips = score.lips.sample(times)
    breaks_through = leak_weight(leak_pulses(score.leaks, times), leak=leak)[:, None]
    felt = emotion + breaks_through * (hidden - np.minimum(emotion, hidden))
    return layered(
        lips.controls,
        emotion=np.asarray(felt, np.float32),
        accents=brow_controls(score.brows, times, frown=frown, amount=style.brows),
        ownership=np.maximum(lips.ownership, 1.0 - leisure),
        closure=lips.closure,
        blink=lid_closure(score.blinks, times),
        inhaled=breath_volume(score.breath, times),
        gauge=gauge,
    )
