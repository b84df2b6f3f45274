"""What has memory, stepped at `names.MOTION_HZ`: the emotion on the face, its folds and its blood."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, EMOTIONS, MOTION_HZ
from face_emote.core.types import EmotionTrack, PerformanceStyle
from face_emote.motion.dynamics import LEAD_SECS, UNSTARTED, liveliness, step_mood
from face_emote.motion.emotion_expression import emotion_bias, expression_controls
from face_emote.motion.face_controls import face_controls
from face_emote.motion.score import PerformanceScore
from face_emote.skin.blood import blood_drives, blood_flow, pressed_blood, pulse_of, rested_blood, step_blood
from face_emote.skin.wrinkles import UNFOLDED, WrinkleModel, folding, step_wrinkles


@dataclass(frozen=True, slots=True, eq=False)
class SlowTracks:
    """Consecutive steps, or the same tracks sampled at other instants."""

    first: int
    """Number of the first step since the start of the clip."""
    emotion: Float[Array, "steps control=100"]
    hidden: Float[Array, "steps control=100"]
    """Full expression of the hidden emotion."""
    leak: Float[Array, " steps"]
    energy: Float[Array, " steps"]
    """Factor on head and brow movement."""
    frown: Float[Array, " steps"]
    """How much the mood presses the brows down, 0..1."""
    head_tendency: Float[Array, "steps 3"]
    wrinkles: Float[Array, "steps wrinkle=16"]
    blood: Float[Array, "steps region=8"]

    @property
    def last_secs(self) -> float:
        """Instant of the last step."""
        return (self.first + len(self.leak) - 1) / MOTION_HZ

    def since(self, time_secs: float) -> "SlowTracks":
        """Without the steps that no instant from `time_secs` on can need."""
        spare = max(min(int(time_secs * MOTION_HZ) - self.first, len(self.leak) - 1), 0)
        return _each(self, lambda values: values[spare:], first=self.first + spare)

    def at(self, times: Float[Array, " frames"]) -> "SlowTracks":
        """Linearly between steps; `times` must lie within them."""
        place = np.clip(times * MOTION_HZ - self.first, 0.0, len(self.leak) - 1)
        low = np.minimum(place.astype(np.int64), max(len(self.leak) - 2, 0))
        high = np.minimum(low + 1, len(self.leak) - 1)
        share = place - low

        def sampled(values: Array) -> Array:
            s = share.reshape(-1, *([1] * (values.ndim - 1)))
            return (1.0 - s) * values[low] + s * values[high]

        return _each(self, sampled, first=0)


_ARRAYS = tuple(field.name for field in fields(SlowTracks) if field.name != "first")


def _each(tracks: SlowTracks, change: Callable[[Array], Array], *, first: int) -> SlowTracks:
    arrays: dict[str, Any] = {name: change(getattr(tracks, name)) for name in _ARRAYS}
    return replace(tracks, first=first, **arrays)


def joined(a: SlowTracks, b: SlowTracks) -> SlowTracks:
    """`b` follows `a` without a gap."""
    arrays: dict[str, Any] = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in _ARRAYS}
    return replace(a, **arrays)


def slow_tracks(
    score: PerformanceScore, *, model: WrinkleModel, style: PerformanceStyle, chunk: int
) -> Iterator[SlowTracks]:
    """Steps 0, 1, 2 .. in chunks of `chunk`, without end; what is remembered is carried from one to the next."""
    mood_state, skin_state = UNSTARTED, UNFOLDED
    blood_state = rested_blood(style.blood, step_hz=MOTION_HZ)
    first = 0
    while True:
        times = np.arange(first, first + chunk) / MOTION_HZ
        lively = liveliness(score.cues, times, key=score.life_key)
        mood, mood_state = step_mood(
            score.plan_at(times + LEAD_SECS, rate_hz=MOTION_HZ), mood_state, lively=lively, step_hz=MOTION_HZ
        )
        emotion = expression_controls(mood, style=style)
        hidden = _hidden_expression(mood, style=style)
        frown = _frown(mood)
        controls = face_controls(
            score, times, emotion=emotion, hidden=hidden, leak=mood.leak, frown=frown, style=style, gauge=None
        )
        folds, skin_state = step_wrinkles(
            folding(model, controls, amount=style.wrinkles), skin_state, step_hz=MOTION_HZ
        )
        levels, blood_state = step_blood(blood_drives(mood), blood_state, preset=style.blood, step_hz=MOTION_HZ)
        beat, blood_state = pulse_of(mood.vad[:, 1], blood_state, preset=style.blood, step_hz=MOTION_HZ)
        pressed = pressed_blood(controls) * (style.blood != "off")
        bias = emotion_bias(mood)
        yield SlowTracks(
            first=first,
            emotion=emotion,
            hidden=hidden,
            leak=mood.leak,
            energy=bias.motion_energy,
            frown=frown,
            head_tendency=np.stack([bias.head_pitch, bias.head_yaw, bias.head_roll], axis=-1),
            wrinkles=folds,
            blood=blood_flow(levels, pressed=pressed, pulse=beat),
        )
        first += chunk


def _hidden_expression(mood: EmotionTrack, *, style: PerformanceStyle) -> Float[Array, "steps control=100"]:
    strength = mood.covert.sum(axis=1)
    if not strength.any():
        return np.zeros((len(strength), len(CONTROLS)), np.float32)
    covert = mood.covert / np.maximum(strength, 1e-6)[:, None]
    covert[:, 0] = np.maximum(1.0 - covert[:, 1:].sum(axis=1), 0.0)
    shown = replace(
        mood, mix=covert, vad=np.zeros_like(mood.vad), intensity=strength, covert=np.zeros_like(covert),
        leak=np.zeros_like(mood.leak),
    )  # fmt: skip
    return expression_controls(shown, style=style)


def _frown(mood: EmotionTrack) -> Float[Array, " steps"]:
    weight = {name: mood.intensity * mood.mix[:, i] for i, name in enumerate(EMOTIONS)}
    return np.clip(1.6 * weight["anger"] + 1.2 * weight["disgust"] + 0.6 * weight["contempt"], 0.0, 1.0)
