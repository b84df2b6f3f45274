"""The score of a clip: everything that is decided once, before any frame is made."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import EmotionPlan, EmotionTrack, PerformanceStyle, SpeechAnalysis
from face_emote.face.head import Head
from face_emote.motion.events.blinks import BlinkScore, blink_score
from face_emote.motion.events.breathing import BreathScore, breath_score
from face_emote.motion.events.brows import BrowScore, brow_score
from face_emote.motion.events.cues import SpeechCues, speech_cues
from face_emote.motion.events.gaze import GazeScore, gaze_score, head_follow
from face_emote.motion.events.head_motion import HeadScore, head_score
from face_emote.motion.events.micro_expressions import LeakScore, leak_score
from face_emote.motion.feeling.expression import REST_BREATH_HZ, EmotionBias, emotion_bias
from face_emote.motion.feeling.net_expression import NetExpression, bearing_at
from face_emote.motion.feeling.planned import PlannedEmotion, planned_emotion
from face_emote.motion.mouth.lips import Lips, lip_score
from face_emote.motion.mouth.net_lips import net_lips
from face_emote.motion.net_answers import NetAnswers

_GRID_HZ = 10.0
"""Resolution at which the mood steers the placing of events."""
_BLINKS, _GAZE, _HEAD, _BROWS, _BREATH, _LEAKS, _LIFE = range(7)
"""Each layer draws from its own generator, so that one slider never changes another layer's dice."""


@dataclass(frozen=True, slots=True, eq=False)
class PerformanceScore:
    """All events of a clip; a few hundred bytes a second of speech."""

    cues: SpeechCues
    planned: PlannedEmotion
    lips: Lips
    blinks: BlinkScore
    gaze: GazeScore
    head: HeadScore
    brows: BrowScore
    breath: BreathScore
    leaks: LeakScore
    life_key: int
    """Names the noise of the emotion's strength."""
    expression: NetExpression | None = None
    """What the network says of the feeling; None: the rules say it."""

    def plan_at(self, times: Float[Array, " frames"], *, rate_hz: float) -> EmotionTrack:
        """What the plan asks for at instants (held before 0 and after the end)."""
        return self.planned.at(times, rate_hz=rate_hz)


def performance_score(
    analysis: SpeechAnalysis,
    plan: EmotionPlan,
    *,
    head: Head,
    style: PerformanceStyle,
    seed: int,
    fps: float,
    answers: NetAnswers | None = None,
) -> PerformanceScore:
    """Decide a clip: same arguments, same score.

    Args:
        analysis: what was said, and how.
        plan: what is felt.
        head: the person's head.
        style: the animator's sliders.
        seed: 0 or more.
        fps: at which the motion will be shown.
        answers: of the network; without them the rules decide.
    """

    def dice(layer: int) -> np.random.Generator:
        return np.random.default_rng([seed, layer])

    cues = speech_cues(analysis)
    planned = planned_emotion(analysis, plan)
    bias = _bias(planned, expression=None if answers is None else answers.expression)
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
    return PerformanceScore(
        cues=cues,
        planned=planned,
        lips=lip_score(analysis, head=head, style=style, fps=fps)
        if answers is None
        else net_lips(answers.lips, analysis=analysis, head=head, style=style, fps=fps),
        blinks=blink_score(
            cues,
            factor=bias.blink_factor,
            factor_hz=_GRID_HZ,
            shift_secs=gaze.start,
            shift_size=gaze.sizes,
            amount=style.blinks,
            rng=dice(_BLINKS),
            spared_secs=leaks.start if planned.hides else np.zeros(0),
        ),
        gaze=gaze,
        head=head_score(cues, follow_start=follow_start, follow=follow, rng=dice(_HEAD)),
        brows=brow_score(cues, rng=dice(_BROWS)),
        breath=breath_score(cues, rate=bias.breath_rate_hz / REST_BREATH_HZ, grid_hz=_GRID_HZ, rng=dice(_BREATH)),
        leaks=leaks,
        life_key=int(dice(_LIFE).integers(2**62)),
        expression=None if answers is None else answers.expression,
    )


def _bias(planned: PlannedEmotion, *, expression: NetExpression | None) -> EmotionBias:
    times = np.arange(int(np.ceil(planned.duration_secs * _GRID_HZ)) + 1) / _GRID_HZ
    if expression is not None:
        return bearing_at(expression, times)
    return emotion_bias(planned.at(times, rate_hz=_GRID_HZ))
