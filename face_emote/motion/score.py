"""The score of a clip: everything that is decided once, before any frame is made."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import EmotionPlan, EmotionTrack, PerformanceStyle, SpeechAnalysis
from face_emote.emotion.track import track
from face_emote.emotion.voice import VoiceEmotion, auto_track, from_voice
from face_emote.face.head import Head
from face_emote.motion.blinks import BlinkScore, blink_score
from face_emote.motion.breathing import BreathScore, breath_score
from face_emote.motion.brows import BrowScore, brow_score
from face_emote.motion.cues import SpeechCues, speech_cues
from face_emote.motion.emotion_expression import REST_BREATH_HZ, EmotionBias, emotion_bias
from face_emote.motion.gaze import GazeScore, gaze_score, head_follow
from face_emote.motion.head_motion import HeadScore, head_score
from face_emote.motion.lips import LipScore, lip_score
from face_emote.motion.micro_expressions import LeakScore, leak_score

_GRID_HZ = 10.0
"""Resolution at which the mood steers the placing of events."""
_BLINKS, _GAZE, _HEAD, _BROWS, _BREATH, _LEAKS, _LIFE = range(7)
"""Each layer draws from its own generator, so that one slider never changes another layer's dice."""


@dataclass(frozen=True, slots=True, eq=False)
class PerformanceScore:
    """All events of a clip; a few hundred bytes a second of speech."""

    cues: SpeechCues
    plan: EmotionPlan
    voice: VoiceEmotion | None
    """The emotion heard in the voice; None when the plan does not ask for it."""
    lips: LipScore
    blinks: BlinkScore
    gaze: GazeScore
    head: HeadScore
    brows: BrowScore
    breath: BreathScore
    leaks: LeakScore
    life_key: int
    """Names the noise of the emotion's strength."""

    def plan_at(self, times: Float[Array, " frames"], *, rate_hz: float) -> EmotionTrack:
        """What the plan asks for at instants (held before 0 and after the end)."""
        clipped = np.clip(times, 0.0, self.cues.duration_secs)
        auto = None if self.voice is None else auto_track(self.voice, times=clipped, fps=rate_hz)
        return track(self.plan, times=clipped, fps=rate_hz, auto=auto)


def performance_score(
    analysis: SpeechAnalysis, plan: EmotionPlan, *, head: Head, style: PerformanceStyle, seed: int, fps: float
) -> PerformanceScore:
    """Decide a clip: same arguments, same score.

    Args:
        analysis: what was said, and how.
        plan: what is felt.
        head: the person's head.
        style: the animator's sliders.
        seed: 0 or more.
        fps: at which the motion will be shown.
    """

    def dice(layer: int) -> np.random.Generator:
        return np.random.default_rng([seed, layer])

    cues = speech_cues(analysis)
    voice = from_voice(analysis.prosody) if plan.auto > 0.0 else None
    bias = _bias(cues, plan, voice=voice)
    gaze = gaze_score(
        cues,
        pitch=bias.gaze_pitch,
        avert=bias.gaze_avert,
        restless=1.0 + 1.4 * bias.gaze_scan,
        grid_hz=_GRID_HZ,
        amount=style.gaze,
        rng=dice(_GAZE),
    )
    follow_start, follow = head_follow(gaze)
    leaks = leak_score(cues, analysis.pauses, rng=dice(_LEAKS))
    hides = any(key.emotion.covert.any() for key in plan.keys)
    return PerformanceScore(
        cues=cues,
        plan=plan,
        voice=voice,
        lips=lip_score(analysis, head=head, style=style, fps=fps),
        blinks=blink_score(
            cues,
            factor=bias.blink_factor,
            factor_hz=_GRID_HZ,
            shift_secs=gaze.start,
            shift_size=gaze.sizes,
            amount=style.blinks,
            rng=dice(_BLINKS),
            spared_secs=leaks.start if hides else np.zeros(0),
        ),
        gaze=gaze,
        head=head_score(cues, follow_start=follow_start, follow=follow, rng=dice(_HEAD)),
        brows=brow_score(cues, rng=dice(_BROWS)),
        breath=breath_score(cues, rate=bias.breath_rate_hz / REST_BREATH_HZ, grid_hz=_GRID_HZ, rng=dice(_BREATH)),
        leaks=leaks,
        life_key=int(dice(_LIFE).integers(2**62)),
    )


def _bias(cues: SpeechCues, plan: EmotionPlan, *, voice: VoiceEmotion | None) -> EmotionBias:
    times = np.arange(int(np.ceil(cues.duration_secs * _GRID_HZ)) + 1) / _GRID_HZ
    auto = None if voice is None else auto_track(voice, times=times, fps=_GRID_HZ)
    return emotion_bias(track(plan, times=times, fps=_GRID_HZ, auto=auto))
