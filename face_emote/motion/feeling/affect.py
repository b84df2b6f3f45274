"""What is felt at every step, and how it bears on the face: what the rules, or the network, say of an emotion."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, EMOTIONS, MOTION_HZ
from face_emote.core.types import EmotionTrack, PerformanceStyle
from face_emote.emotion.blending import PROTOTYPE_VAD
from face_emote.motion.feeling.blood import blood_drives
from face_emote.motion.feeling.dynamics import Mood, step_mood
from face_emote.motion.feeling.expression import emotion_bias, expression_controls
from face_emote.motion.feeling.masks import behind_mask


@dataclass(frozen=True, slots=True, eq=False)
class Display:
    """How a feeling shows on face and head: consecutive steps at `names.MOTION_HZ`, or any instants."""

    emotion: Float[Array, "steps control=100"]  # What shows all the time, 0..1.
    hidden: Float[Array, "steps control=100"]  # What of the hidden emotion can break through, 0..1.
    leak: Float[Array, " steps"]
    energy: Float[Array, " steps"]  # Factor on head and brow movement; 1 at rest.
    frown: Float[Array, " steps"]  # How much the mood presses the brows down, 0..1.
    head_tendency: Float[Array, "steps 3"]  # Where the emotion holds the head, radians.

    @classmethod
    def each(cls, change: Callable[..., Array], *shown: "Display") -> "Display":
        """What becomes of every array of one or several."""
        return cls(**{item.name: change(*(getattr(one, item.name) for one in shown)) for item in fields(cls)})


@dataclass(frozen=True, slots=True, eq=False)
class Affect:
    """A feeling at consecutive steps: what shows of it at once, and what the skin makes of it in time."""

    display: Display
    drives: Float[Array, "steps drive=4"]  # Of `blood.DRIVES`, 0..1.
    arousal: Float[Array, " steps"]  # -1..1; for the heartbeat.
    residual: Float[Array, "steps wrinkle=16"] | None = None  # Folds beyond what the controls call for; None: none.

    def with_gains(self, gains: Float[Array, "steps control=100"]) -> "Affect":
        """With every control of the shown emotion that many times as strong, at most 1."""
        return replace(self, display=replace(self.display, emotion=np.clip(gains * self.display.emotion, 0.0, 1.0)))


def affect_by_rules(plan: EmotionTrack, state: Mood, *, style: PerformanceStyle) -> tuple[Affect, Mood]:
    """The next steps of a plan, `LEAD_SECS` ahead of them, and the mood to go on from."""
    mood, state = step_mood(plan, state, step_hz=MOTION_HZ)
    bias = emotion_bias(mood)
    shown, hidden = behind_mask(
        expression_controls(mood, style=style), _hidden_expression(mood, style=style), track=mood
    )
    display = Display(
        emotion=shown,
        hidden=hidden,
        leak=mood.leak,
        energy=bias.motion_energy,
        frown=frown_of(mood),
        head_tendency=np.stack([bias.head_pitch, bias.head_yaw, bias.head_roll], axis=-1),
    )
    return Affect(display, drives=blood_drives(mood), arousal=mood.vad[:, 1]), state


def frown_of(mood: EmotionTrack) -> Float[Array, " steps"]:
    """How much an emotion presses the brows down, 0..1."""
    weight = {name: mood.intensity * mood.mix[:, i] for i, name in enumerate(EMOTIONS)}
    frown: Array = np.clip(1.6 * weight["anger"] + 1.2 * weight["disgust"] + 0.6 * weight["contempt"], 0.0, 1.0)
    return frown


def hidden_emotion(track: EmotionTrack) -> EmotionTrack:
    """The hidden emotion as if it were shown, with its own strength and its usual VAD."""
    strength = track.covert.sum(axis=1)
    covert = track.covert / np.maximum(strength, 1e-6)[:, None]
    covert[:, 0] = np.maximum(1.0 - covert[:, 1:].sum(axis=1), 0.0)
    usual = strength[:, None] * (covert @ PROTOTYPE_VAD.astype(np.float32))
    return replace(
        track, mix=covert, vad=usual, intensity=strength, covert=np.zeros_like(covert),
        leak=np.zeros_like(track.leak),
    )  # fmt: skip


def _hidden_expression(mood: EmotionTrack, *, style: PerformanceStyle) -> Float[Array, "steps control=100"]:
    if not mood.covert.sum(axis=1).any():
        return np.zeros((len(mood.leak), len(CONTROLS)), np.float32)
    return expression_controls(hidden_emotion(mood), style=style)
