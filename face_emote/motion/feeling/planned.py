"""The emotion that a plan asks for at any instant of a clip, with what is to be read from the voice filled in."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import EmotionPlan, EmotionTrack, SpeechAnalysis
from face_emote.emotion.track import track
from face_emote.emotion.voice import VoiceEmotion, auto_track, from_voice


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
