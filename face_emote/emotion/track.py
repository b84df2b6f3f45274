"""An emotion plan spread over time, with what is to be read from the voice filled in."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import EmotionPlan, EmotionTrack, SpeechAnalysis
from face_emote.emotion.voice import VoiceEmotion, auto_track, from_voice


def track(
    plan: EmotionPlan, *, times: Float[Array, " frames"], fps: float, auto: EmotionTrack | None = None
) -> EmotionTrack:
    """The emotion at each of `times` (seconds, any order).

    A pure function of each instant: any cut of `times` into blocks gives the same bytes. Before the first key and after
    the last the emotion holds; between two keys it eases in and out (3u^2 - 2u^3). What blends is the felt strength of
    each emotion (share x intensity), so that a change from faint joy to full anger does not pass through full joy.

    The result is labelled with `fps`. `auto` is the emotion heard in the voice at the same instants.

    Raises:
        ValueError: when the plan asks for the voice and `auto` is missing or has another number of frames.
    """
    if plan.auto > 0.0 and (auto is None or len(auto.intensity) != len(times)):
        raise ValueError("this plan reads the voice: pass auto=auto_track(..) at the same times")
    starts = np.array([key.time_secs for key in plan.keys])
    before = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    after = np.minimum(before + 1, len(starts) - 1)
    span = np.where(after > before, starts[after] - starts[before], 1.0)
    u = np.clip((times - starts[before]) / span, 0.0, 1.0)
    ease = u * u * (3.0 - 2.0 * u)
    first, second = _on_frames(plan, index=before, fps=fps), _on_frames(plan, index=after, fps=fps)
    own = blend(first, second, share=ease)
    if plan.auto <= 0.0 or auto is None:
        return own
    return blend(own, auto, share=np.full(len(times), plan.auto))


def blend(a: EmotionTrack, b: EmotionTrack, *, share: Float[Array, " frames"]) -> EmotionTrack:
    """`a` where `share` is 0, `b` where it is 1; felt strengths, VAD and hidden feelings blend linearly."""
    s = np.asarray(share, np.float64)
    r = 1.0 - s
    intensity = r * a.intensity + s * b.intensity
    weight_a, weight_b = _weights(r * a.intensity, s * b.intensity, otherwise=(r, s))
    hidden_a, hidden_b = _mass(a.covert), _mass(b.covert)
    leak_a, leak_b = _weights(r * hidden_a, s * hidden_b, otherwise=(r, s))
    return EmotionTrack(
        mix=(weight_a[:, None] * a.mix + weight_b[:, None] * b.mix).astype(np.float32),
        vad=(r[:, None] * a.vad + s[:, None] * b.vad).astype(np.float32),
        intensity=intensity.astype(np.float32),
        covert=(r[:, None] * a.covert + s[:, None] * b.covert).astype(np.float32),
        leak=(leak_a * a.leak + leak_b * b.leak).astype(np.float32),
        fps=fps_of(a, b),
    )


def fps_of(a: EmotionTrack, b: EmotionTrack) -> float:
    """The rate that two tracks share; raises ValueError when they differ."""
    if a.fps != b.fps:
        raise ValueError(f"tracks of {a.fps:g} and {b.fps:g} frames per second cannot be blended")
    return a.fps


def _on_frames(plan: EmotionPlan, *, index: Array, fps: float) -> EmotionTrack:
    emotions = [key.emotion for key in plan.keys]
    return EmotionTrack(
        mix=np.stack([emotion.mix for emotion in emotions])[index],
        vad=np.stack([emotion.vad for emotion in emotions])[index],
        intensity=np.array([emotion.intensity for emotion in emotions])[index],
        covert=np.stack([emotion.covert for emotion in emotions])[index],
        leak=np.array([emotion.leak for emotion in emotions])[index],
        fps=fps,
    )


def _weights(
    a: Float[Array, " frames"], b: Float[Array, " frames"], *, otherwise: tuple[Array, Array]
) -> tuple[Float[Array, " frames"], Float[Array, " frames"]]:
    """Shares of two strengths; `otherwise` where both vanish."""
    total = a + b
    nothing = total <= 1e-12
    safe = np.where(nothing, 1.0, total)
    return np.where(nothing, otherwise[0], a / safe), np.where(nothing, otherwise[1], b / safe)


def _mass(covert: Float[Array, "frames emotion=8"]) -> Float[Array, " frames"]:
    """Sum over emotions, always in the same order (a reduction's order may depend on the number of frames)."""
    mass = np.zeros(len(covert))
    for column in range(covert.shape[1]):
        mass += covert[:, column]
    return mass


@dataclass(frozen=True, slots=True, eq=False)
class PlannedEmotion:
    """A plan and what was heard; a pure function of time."""

    plan: EmotionPlan
    voice: VoiceEmotion | None
    """The emotion heard in the voice; None when the plan does not ask for it."""
    duration_secs: float

    def at(self, times: Float[Array, " frames"], *, rate_hz: float) -> EmotionTrack:
        """What is asked for at instants (held before 0 and after the end)."""
        clipped = np.clip(times, 0.0, self.duration_secs)
        auto = None if self.voice is None else auto_track(self.voice, times=clipped, fps=rate_hz)
        return track(self.plan, times=clipped, fps=rate_hz, auto=auto)

    @property
    def hides(self) -> bool:
        """Whether a hidden emotion is ever asked for."""
        return any(bool(key.emotion.covert.any()) for key in self.plan.keys)


def planned_emotion(analysis: SpeechAnalysis, plan: EmotionPlan) -> PlannedEmotion:
    """Read the voice if the plan asks for it."""
    voice = from_voice(analysis.prosody) if plan.auto > 0.0 else None
    return PlannedEmotion(plan, voice, analysis.duration_secs)
