"""The score of a clip: everything that is decided once, before any frame is made; and the face that it makes."""

from dataclasses import dataclass, fields, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.cues import MouthCues
from face_emote.core.names import CONTROLS
from face_emote.core.types import EmotionPlan, PerformanceStyle, SpeechAnalysis
from face_emote.emotion.track import PlannedEmotion
from face_emote.generation.style_file import NUM_HABITS
from face_emote.motion.events.blinks import BlinkScore, blink_score, lid_closure
from face_emote.motion.events.breathing import BreathScore, breath_score, breath_volume, swallowed
from face_emote.motion.events.brows import BrowScore, brow_controls, brow_score, stirring
from face_emote.motion.events.cues import SpeechCues, speech_cues
from face_emote.motion.events.drawn import Drawn, drawn_brows, drawn_closure
from face_emote.motion.events.gaze import GazeScore, gaze_score, head_follow
from face_emote.motion.events.head_motion import HeadScore, head_score
from face_emote.motion.events.listening import ListeningScore, listening_controls, listening_score
from face_emote.motion.events.micro_expressions import LeakScore, leak_pulses, leak_score, leak_weight
from face_emote.motion.feeling.affect import Display
from face_emote.motion.feeling.body import body_bearing, stirred_by
from face_emote.motion.feeling.expression import REST_BREATH_HZ, EmotionBias, emotion_bias
from face_emote.motion.feeling.net_expression import NetExpression, bias_by_net
from face_emote.motion.layering import MouthGauge, layered
from face_emote.motion.mouth.edited_lips import EditedLips, corrected, edited_lips, is_unchanged
from face_emote.motion.mouth.lips import Lips, LipScore, lip_score
from face_emote.motion.mouth.net_lips import NetLips, net_lips
from face_emote.motion.net_listening import NetAnswers
from face_emote.motion.player import Player

_LARYNX, _JAW_OPEN = CONTROLS.index("larynxUp"), CONTROLS.index("jawOpen")
_SWALLOW_SHUT = 4.0  # Nobody swallows with an open mouth: none of it from a quarter of the jaw on.
_GRID_HZ = 10.0  # Resolution at which the mood steers the placing of events.
_GRID_PIECE = 1024  # Places of it that the network's answers are read at, at once.
_CALM_ACCENTS = 0.3
"""Of accents on a neutral face. On one stressed word in ten the brows of tracked readers rise by 0.4 % of the distance
between the outer corners of the eyes and more; ours by at most 0.5 %, or 1.8 % with a feeling at its full strength."""
_OUTER_BROWS, _INNER_BROWS = (
    [CONTROLS.index(name + side) for side in ("Left", "Right")] for name in ("browOuterUp", "innerBrowRaise")
)
_SLANTED = 0.8  # What fully slanted brows (AU1) take of an accent at their outer ends.
_BLINKS, _GAZE, _HEAD, _BROWS, _BREATH, _LEAKS, _LIFE, _LISTENING = range(8)
"""Each layer draws from its own generator, so that one slider never changes another layer's dice."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceScore:
    """What moves a face: all of a clip, or the latest seconds of a live performance."""

    lips: Lips
    blinks: BlinkScore
    gaze: GazeScore
    head: HeadScore
    brows: BrowScore
    breath: BreathScore
    leaks: LeakScore
    drawn: Drawn | None = None  # Plays head, brows and blinks in place of their scores.
    listening: ListeningScore | None = None  # To a partner; on top of all that.
    rest: Float[Array, f" control={len(CONTROLS)}"] | None = None  # Of a face that has a look of its own at rest.


@dataclass(frozen=True, slots=True, eq=False)
class OwnWays:
    """What somebody's face does that takes do not draw."""

    habits: Float[Array, f"knot={NUM_HABITS} aim=3"] | None = None  # Of the lips beside speech.
    rest: Float[Array, f" control={len(CONTROLS)}"] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PerformanceScore:
    """A clip; a few hundred bytes a second of speech."""

    face: FaceScore
    cues: SpeechCues
    planned: PlannedEmotion
    life_key: int  # Names the noise of the emotion's strength.
    expression: NetExpression | None = None  # What the network says of the feeling; None: the rules say it.


def performance_score(
    analysis: SpeechAnalysis,
    plan: EmotionPlan,
    *,
    player: Player,
    answers: NetAnswers | None = None,
    spoken: MouthCues | None = None,
    drawn: Drawn | None = None,
    partner: SpeechAnalysis | None = None,
    own: OwnWays = OwnWays(),
) -> PerformanceScore:
    """Decide a clip: same arguments, same score.

    Without answers of the network the rules decide. `spoken` are corrected cues: they change the mouth alone; `drawn`
    is a take of head, brows and blinks; a `partner` is listened to.
    """
    style = player.style

    def dice(layer: int) -> np.random.Generator:
        return np.random.default_rng([player.info.seed, layer])

    cues = speech_cues(analysis)
    body = player.body
    planned = PlannedEmotion(plan, analysis.duration_secs, stirred=None if body is None else stirred_by(body))
    bias = _bias(planned, expression=None if answers is None else answers.expression)
    if body is not None:
        bearing = body_bearing(body, np.arange(len(bias.blink_factor)) / _GRID_HZ)
        breath = bias.breath_rate_hz * bearing.breath
        bias = replace(bias, blink_factor=bias.blink_factor * bearing.blinks, breath_rate_hz=breath)
    listening = None
    if partner is not None:
        grid = np.arange(len(bias.blink_factor)) / _GRID_HZ
        feels = planned.at(grid, rate_hz=_GRID_HZ).vad[:, 0]
        listening = listening_score(cues, speech_cues(partner), pleasure=feels, grid_hz=_GRID_HZ, rng=dice(_LISTENING))
        bias = replace(bias, blink_factor=bias.blink_factor * listening.blink_factor(grid))
    gaze = gaze_score(
        cues,
        pitch=bias.gaze_pitch,
        avert=bias.gaze_avert,
        restless=1.0 + 1.4 * bias.gaze_scan,
        grid_hz=_GRID_HZ,
        amount=style.gaze,
        rng=dice(_GAZE),
        attending=None if listening is None else listening.spans,
    )
    follow_start, follow = head_follow(gaze)
    leaks = leak_score(cues, analysis.pauses, rng=dice(_LEAKS))
    lips: NetLips | LipScore | EditedLips
    if answers is None:
        lips = lip_score(analysis, head=player.head, style=style, fps=player.fps)
    else:
        lips = net_lips(
            answers.lips, analysis=analysis, head=player.head, style=style, fps=player.fps, habits=own.habits
        )
    if spoken is not None and not is_unchanged(analysis, spoken):
        rules = lip_score(corrected(analysis, spoken), head=player.head, style=style, fps=player.fps)
        lips = edited_lips(lips, spoken, analysis=analysis, rules=rules)
    blinks = blink_score(
        cues,
        factor=bias.blink_factor,
        factor_hz=_GRID_HZ,
        shifts=np.column_stack([gaze.start, gaze.sizes]),
        amount=style.blinks,
        rng=dice(_BLINKS),
        spared_secs=leaks.start if planned.hides else np.zeros(0),
        slots_secs=np.zeros(0) if listening is None else listening.blink_secs,
    )
    if player.eyes is not None and player.eyes.blinks is not None:
        blinks = BlinkScore(*player.eyes.blinks.T)
    face = FaceScore(
        lips=lips,
        blinks=blinks,
        gaze=gaze,
        head=head_score(cues, follow_start=follow_start, follow=follow, rng=dice(_HEAD)),
        brows=brow_score(cues, rng=dice(_BROWS)),
        breath=breath_score(cues, rate=bias.breath_rate_hz / REST_BREATH_HZ, grid_hz=_GRID_HZ, rng=dice(_BREATH)),
        leaks=leaks,
        drawn=drawn,
        listening=listening,
        rest=own.rest,
    )
    expression = None if answers is None else answers.expression
    return PerformanceScore(face, cues, planned, life_key=int(dice(_LIFE).integers(2**62)), expression=expression)


def _bias(planned: PlannedEmotion, *, expression: NetExpression | None) -> EmotionBias:
    times = np.arange(int(np.ceil(planned.duration_secs * _GRID_HZ)) + 1) / _GRID_HZ
    if expression is not None:
        parts = [bias_by_net(expression.at(times[i : i + _GRID_PIECE])) for i in range(0, len(times), _GRID_PIECE)]
        return EmotionBias(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(EmotionBias)})
    return emotion_bias(planned.at(times, rate_hz=_GRID_HZ))


def accent_size(emotion: Float[Array, "frames control=100"]) -> Float[Array, " frames"]:
    """Factor on the accents of the brows: who feels nothing hardly lifts them."""
    size: Array = _CALM_ACCENTS + (1.0 - _CALM_ACCENTS) * emotion.max(axis=1).astype(np.float64)
    return size


def _accents(
    score: FaceScore, times: Float[Array, " frames"], *, display: Display, emotion: Array, amount: float
) -> Float[Array, "frames control=100"]:
    """Stressed words on the brows. Worried brows rise at their inner ends alone, or fear would look surprised."""
    accents = brow_controls(score.brows, times, frown=display.frown, amount=amount * accent_size(emotion))
    accents[:, _OUTER_BROWS] *= 1.0 - _SLANTED * np.clip(emotion[:, _INNER_BROWS], 0.0, 1.0)
    return accents


def _closure(score: FaceScore, times: Float[Array, " frames"], *, blinks: bool) -> Float[Array, " frames"]:
    """How closed the lids are. A take knows how people blink who talk; listeners blink where a partner leaves room."""
    if score.drawn is None:
        return lid_closure(score.blinks, times)
    drawn = drawn_closure(score.drawn, times, blinks=blinks)
    if score.listening is None:
        return drawn
    tired = drawn_closure(score.drawn, times, blinks=False)
    listens = score.listening.attention(times)
    return np.asarray((1.0 - listens) * drawn + listens * np.maximum(0.5 * tired, lid_closure(score.blinks, times)))


def face_controls(
    score: FaceScore,
    times: Float[Array, " frames"],
    *,
    display: Display,
    leisure: Float[Array, " frames"],
    style: PerformanceStyle,
    gauge: MouthGauge | None,
) -> Float[Array, "frames control=100"]:
    """Lips, emotion, leaks, brow accents, blinks and breath in one, 0..1.

    Of the hidden emotion only pulses show. `leisure` says how far the mouth is from speech in time, 0 while talking ..
    1 (`SpeechCues.rest_at`). `gauge` keeps the lips' gap (see `layering`); None for a cheaper, slightly less exact
    mouth.
    """
    lips, drawn = score.lips.sample(times), score.drawn
    breaks_through = leak_weight(leak_pulses(score.leaks, times), leak=display.leak)
    emotion = display.emotion + breaks_through * (display.hidden - np.minimum(display.emotion, display.hidden))
    if score.rest is not None:
        emotion = emotion + (1.0 - np.clip(emotion, 0.0, 1.0)) * score.rest
    accents = (
        drawn_brows(drawn, times, amount=style.brows)
        if drawn is not None
        else _accents(score, times, display=display, emotion=emotion, amount=style.brows)
        + stirring(score.brows, times, talking=1.0 - leisure, amount=style.brows)
    )
    if score.listening is not None:
        accents += listening_controls(score.listening, times, leisure=leisure, amount=style.brows)
    controls = layered(
        lips.controls,
        emotion=np.asarray(emotion, np.float32),
        accents=accents,
        ownership=np.maximum(lips.ownership, 1.0 - leisure),
        closure=lips.closure,
        blink=_closure(score, times, blinks=style.blinks > 0.0),
        inhaled=breath_volume(score.breath, times),
        gauge=gauge,
    )
    shut = np.clip(1.0 - _SWALLOW_SHUT * controls[:, _JAW_OPEN], 0.0, 1.0)
    controls[:, _LARYNX] = swallowed(score.breath, times) * shut
    return controls
