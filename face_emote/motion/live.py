"""A performance while the words are being said: sound goes in as it comes, frames come out a fixed time later.

    performer = LivePerformer(load_head(), "calm joy", latency_ms=160)
    for samples in microphone:              # 16 kHz mono float32, any number at a time
        for motion in performer.feed(samples):
            show(motion)
    motions = performer.finish()

The network hears `latency_ms` into the future at most (see `docs/network.md`). At 25 or 50 frames a second that is all
the delay there is; other rates wait for the next two answers of the network, up to 40 ms more. Lips and expression are
those of a recording animated with the same look-ahead; blinks, glances, nods and breath are decided on the way. What
comes out does not depend on how the sound was cut.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import HeadError, OptionError
from face_emote.core.names import MOTION_HZ, SAMPLE_RATE_HZ
from face_emote.core.timing import frame_times, frames_in, require_fps
from face_emote.core.types import EmotionPlan, FaceMotion, MotionInfo, PerformanceStyle
from face_emote.core.version import VERSION
from face_emote.emotion.grammar import describe
from face_emote.emotion.voice import VoiceEmotion
from face_emote.face.characters import character as load_character
from face_emote.face.head import Head
from face_emote.motion.events.blinks import BlinkScore
from face_emote.motion.events.breathing import BreathScore
from face_emote.motion.events.brows import BrowScore
from face_emote.motion.events.curves import ease
from face_emote.motion.events.gaze import GazeScore
from face_emote.motion.events.head_motion import HeadScore
from face_emote.motion.events.live_events import Director, Moment
from face_emote.motion.events.micro_expressions import LeakScore
from face_emote.motion.face_controls import face_controls
from face_emote.motion.feeling.dynamics import LEAD_SECS, swell_of, wandering
from face_emote.motion.feeling.expression import REST_BREATH_HZ
from face_emote.motion.feeling.net_expression import bearing_from, felt_from, step_presence
from face_emote.motion.feeling.planned import PlannedEmotion
from face_emote.motion.feeling.wrinkles import wrinkle_model
from face_emote.motion.frames import Performer, face_frames, person_of
from face_emote.motion.layering import mouth_gauge
from face_emote.motion.live_hearing import MouthGate, SpeechDetector
from face_emote.motion.mouth.lip_rig import lip_rig
from face_emote.motion.mouth.net_lips import MOST_WINDOW_SECS, REST, NetLips, last_answer
from face_emote.motion.net_listening import asked_rows
from face_emote.motion.slow_tracks import SlowTracks, joined, rested_skin, step_skin
from face_emote.network.channels import (
    LIP_CHANNELS,
    NUM_EXPRESSION_OUTPUTS,
    VOICE_SLICE,
)
from face_emote.network.config import LATENT_FRAMES
from face_emote.network.runtime import ExpressionStream, Hearing, LipStream, MotionNet, load_motion_net

LIVE_FPS = 50.0
SLOWEST_FPS = 10.0
"""Below it events would be forgotten before a frame shows them."""
_PIECE = SAMPLE_RATE_HZ // 4
"""Samples heard at once: events are forgotten soon after they have been seen."""
_WINDOW_MS = 12.5
"""Half a window of sound, which the last row that is heard reaches beyond its instant."""
_PHRASE_GAP_SECS = 0.22
_LEISURE_SECS, _BACK_SECS = 0.8, 0.15
"""In which the mouth leaves the speech, and is back."""
_ALWAYS = np.array([[-np.inf, np.inf]])


@dataclass(frozen=True, slots=True, eq=False)
class LiveScore:
    """What can show of the events so far. A `frames.Events`."""

    lips: NetLips
    blinks: BlinkScore
    gaze: GazeScore
    head: HeadScore
    brows: BrowScore
    breath: BreathScore
    leaks: LeakScore


class LivePerformer:
    """One person performing what is being said; memory of fixed size."""

    def __init__(
        self,
        head: Head,
        emotion: str | EmotionPlan = "auto",
        *,
        style: PerformanceStyle = PerformanceStyle(),  # noqa: B008 - frozen
        seed: int = 0,
        fps: float = LIVE_FPS,
        latency_ms: int = 160,
        character: str = "default",
        net: MotionNet | None = None,
    ) -> None:
        """Get ready.

        Args:
            head: the bundled head, or one of its identities.
            emotion: what is felt, in words or as a plan; times count from the first sample. What is to be read from
                the voice (`auto`) is taken as mildly engaged: a voice can only be judged against what follows.
            style: the animator's sliders.
            seed: another number gives other blinks, glances and nods.
            fps: of the frames; 25 and 50 come out soonest.
            latency_ms: 80 or 160. The longer one hears more of what comes and closes the lips better.
            character: who plays it, unless the head has an identity already.
            net: the network; the bundled one by default.

        Raises:
            HeadError: an imported head, whose controls have no names.
            OptionError: fps or latency are out of range, or the network cannot be used live.
            EmotionError: the emotion cannot be read.
            CheckpointError: there is no usable network.
        """
        if require_fps(fps) < SLOWEST_FPS:
            raise OptionError(f"A live performance has at least {SLOWEST_FPS:g} frames a second, got {fps:g}")
        if not head.is_semantic:
            raise HeadError("This head's expression columns have no names; give the bundled head, load_head()")
        net = load_motion_net() if net is None else net
        self._ahead = look_ahead_within(net, latency_ms)
        if net.config.lips_see_emotion:
            raise OptionError("This network's lips see the emotion, which is for comparison only; choose another one")
        plan = describe(emotion) if isinstance(emotion, str) else emotion
        person = load_character(character)
        betas = np.asarray(person.betas if head.betas is None else head.betas, np.float32)
        self._head = person_of(head, betas)
        self._style, self._fps = style, float(fps)
        voice = VoiceEmotion(np.zeros(1, np.float32), np.zeros(1, np.float32)) if plan.auto > 0.0 else None
        self._planned = PlannedEmotion(plan, voice, np.inf)
        self._rig, self._gauge, self._model = lip_rig(self._head), mouth_gauge(self._head), wrinkle_model(self._head)
        self._betas, self._character = betas, person.name
        self._info = MotionInfo(
            basis=head.basis, emotion=plan.text, animator=f"net {net.name} {net.sha256[:8]}", seed=seed, version=VERSION
        )  # fmt: skip
        self._ears = _Ears(net, self._ahead, self._planned)
        self._gate = MouthGate(self._ahead)
        self._director = Director(style=style, seed=seed)
        self._skin = rested_skin(style)
        self._present: Array | None = None
        self._slow: SlowTracks | None = None
        self._answers = np.zeros((0, len(LIP_CHANNELS)), np.float32)
        self._tempo = np.zeros((0, 2))
        """Activity and leisure of the steps of `_answers`."""
        self._leisure = 1.0
        self._first, self._frame = 0, 0
        """Step of the first row of `_answers`; next frame."""

    def feed(self, samples: Float[Array, " _samples"]) -> list[FaceMotion]:
        """Hear the next samples (16 kHz mono, -1..1); returns the frames that they complete, in blocks."""
        made: list[FaceMotion] = []
        for first in range(0, len(samples), _PIECE):
            made += self._played(self._ears.hear(samples[first : first + _PIECE]), until=None)
        return made

    def finish(self) -> list[FaceMotion]:
        """End the sound: the frames that are missing to cover it. The performer must not be used any more."""
        if not self._ears.num_samples:
            return []
        num_frames = frames_in(self._ears.num_samples / SAMPLE_RATE_HZ, fps=self._fps)
        last_secs = (num_frames - 1) / self._fps
        steps = max(last_answer(last_secs, fps=self._fps), int(np.ceil(last_secs * MOTION_HZ))) + 1
        return self._played(self._ears.end(steps), until=num_frames)

    def _played(self, heard: "_Heard", *, until: int | None) -> list[FaceMotion]:
        if len(heard.lips):
            self._step(heard)
        return self._frames(until)

    def _step(self, heard: "_Heard") -> None:
        """Everything that is stepped at `MOTION_HZ`."""
        first = self._first + len(self._answers)
        count = len(heard.lips)
        times = frame_times(first, first + count, fps=MOTION_HZ)
        plan = self._planned.at(times + LEAD_SECS, rate_hz=MOTION_HZ)
        bias = bearing_from(heard.shown)
        accent, activity, energy = np.clip(heard.shown[:, VOICE_SLICE].astype(np.float64), 0.0, 1.0).T
        opened, leisure = np.zeros(count), np.zeros(count)
        for i in range(count):
            opened[i] = self._gate.step(heard.speaks[i])
            leisure[i] = self._leisure = self._leisure_after(heard.speaks[i])
            self._director.step(
                Moment(
                    secs=float(times[i]),
                    speaking=self._gate.since_secs <= _PHRASE_GAP_SECS,
                    accent=float(accent[i]),
                    activity=float(activity[i]),
                    gaze_pitch=float(bias.gaze_pitch[i]),
                    gaze_avert=float(bias.gaze_avert[i]),
                    gaze_scan=float(bias.gaze_scan[i]),
                    blink_factor=float(bias.blink_factor[i]),
                    breath_factor=float(bias.breath_rate_hz[i]) / REST_BREATH_HZ,
                    hides=float(plan.leak[i] * plan.covert[i].sum()),
                )
            )
        gated = REST + opened[:, None] * (heard.lips - REST)
        self._answers = np.concatenate([self._answers, gated.astype(np.float32)])
        self._tempo = np.concatenate([self._tempo, np.stack([activity, leisure], axis=-1)])
        presence, self._present = step_presence(plan, self._present)
        chance = presence * wandering(swell_of(energy, activity), times, key=self._director.life_key)
        felt = felt_from(heard.shown, heard.hidden, plan=plan, chance=chance, style=self._style)
        controls = face_controls(
            self._score(), times, leisure=leisure, emotion=felt.emotion, hidden=felt.hidden, leak=felt.leak,
            frown=felt.frown, style=self._style, gauge=None,
        )  # fmt: skip
        tracks, self._skin = step_skin(
            felt, controls, self._skin, first=first, model=self._model, style=self._style
        )  # fmt: skip
        self._slow = tracks if self._slow is None else joined(self._slow, tracks)

    def _leisure_after(self, speaks: Bool[Array, " rows"]) -> float:
        """How far the mouth is from speech in time: the steps' `SpeechCues.rest_at`, as far as it can be known."""
        if speaks.any():
            return max(self._leisure - 1.0 / (_BACK_SECS * MOTION_HZ), 0.0)
        return max(self._leisure, float(ease(np.array([self._gate.since_secs / _LEISURE_SECS]))[0]))

    def _score(self) -> LiveScore:
        recent = self._director.events()
        lips = NetLips(
            answers=self._answers, first=self._first, spoken_secs=_ALWAYS, contacts=None, told=False, rig=self._rig,
            style=self._style, fps=self._fps,
        )  # fmt: skip
        return LiveScore(
            lips, recent.blinks, recent.gaze, recent.head, recent.brows, recent.breath, recent.leaks
        )  # fmt: skip

    def _frames(self, until: int | None) -> list[FaceMotion]:
        """The frames that can be shown now, and what they no longer need is forgotten."""
        last = self._first + len(self._answers) - 1
        stop = self._frame
        while (until is None or stop < until) and self._needs(stop) <= last:
            stop += 1
        if stop == self._frame or self._slow is None:
            return []
        times = frame_times(self._frame, stop, fps=self._fps)
        performer = Performer(
            score=self._score(), head=self._head, gauge=self._gauge, style=self._style, fps=self._fps, info=self._info,
            betas=self._betas, character=self._character,
        )  # fmt: skip
        steps = np.arange(self._first, last + 1) / MOTION_HZ
        activity, leisure = (np.interp(times, steps, column) for column in self._tempo.T)
        motion = face_frames(performer, times, now=self._slow.at(times), activity=activity, leisure=leisure)
        self._frame = stop
        self._forget(stop / self._fps)
        return [motion]

    def _needs(self, frame: int) -> int:
        """The last step that a frame depends on."""
        secs = frame / self._fps
        return max(last_answer(secs, fps=self._fps), int(np.ceil(secs * MOTION_HZ - 1e-6)))

    def _forget(self, next_secs: float) -> None:
        spare = max(int((next_secs - MOST_WINDOW_SECS - 0.1) * MOTION_HZ) - self._first, 0)
        spare = min(spare, len(self._answers) - 1)
        self._answers, self._tempo = self._answers[spare:], self._tempo[spare:]
        self._first += spare
        if self._slow is not None:
            self._slow = self._slow.since(next_secs - 1.0 / MOTION_HZ)


def look_ahead_within(net: MotionNet, latency_ms: int) -> int:
    """The longest of the network's look-aheads, in frames, that fits into a latency.

    Raises:
        OptionError: none does.
    """
    fitting = [f for f in net.config.look_ahead_frames if 1000.0 * f / MOTION_HZ + _WINDOW_MS <= latency_ms]
    if not fitting:
        least = 1000.0 * min(net.config.look_ahead_frames) / MOTION_HZ + _WINDOW_MS
        raise OptionError(f"The latency must be at least {np.ceil(least):.0f} ms for this network, got {latency_ms}")
    return max(fitting)


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """What the network says of the next steps, and who speaks in each one's look-ahead."""

    lips: Float[Array, "steps lip=9"]
    shown: Float[Array, "steps answer=80"]
    hidden: Float[Array, "steps answer=80"]
    speaks: Bool[Array, "steps rows"]


class _Ears:
    """Runs the network and the speech detector side by side, so that both speak of the same steps."""

    def __init__(self, net: MotionNet, look_ahead: int, planned: PlannedEmotion) -> None:
        self._ahead, self._planned = look_ahead, planned
        self._hearing = Hearing(net.x0, chunk_rows=1)
        self._lips = LipStream(net, look_ahead, chunk_frames=1)
        self._streams = [ExpressionStream(net, look_ahead, chunk_latents=1) for _ in range(1 + planned.hides)]
        self._detector = SpeechDetector()
        self._waiting = [
            np.zeros((0, width), np.float32)
            for width in (len(LIP_CHANNELS), *[NUM_EXPRESSION_OUTPUTS] * len(self._streams))
        ]
        """Answers of lips and expressions that are not there for all of them yet."""
        self._speaks = np.zeros(0, bool)
        self._told = 0
        self._num_rows = 0
        self.num_samples = 0

    def hear(self, samples: Array) -> _Heard:
        self.num_samples += len(samples)
        self._speaks = np.concatenate([self._speaks, self._detector.push(samples)])
        return self._ready(self._answers(self._hearing.push(samples)))

    def end(self, steps: int) -> _Heard:
        """The answers up to step `steps`, behind the end of the sound."""
        answers = self._answers(self._hearing.finish())
        streams: list[LipStream | ExpressionStream] = [self._lips, *self._streams]
        for i, stream in enumerate(streams):
            if stream.num_answered < steps:
                answers[i] = np.concatenate([answers[i], stream.finish(steps)])
        return self._ready(answers)

    def _answers(self, rows: Array) -> list[Array]:
        self._num_rows += len(rows)
        until = self._num_rows // 2 + 2 * LATENT_FRAMES
        answers = [self._lips.push(rows)]
        for stream, is_hidden in zip(self._streams, (False, True), strict=False):
            answers.append(stream.push(rows, asked_rows(self._planned, self._told, until, is_hidden=is_hidden)))
        self._told = until
        return answers

    def _ready(self, answers: list[Array]) -> _Heard:
        self._waiting = [np.concatenate(pair) for pair in zip(self._waiting, answers, strict=True)]
        count = min(map(len, self._waiting))
        ready = [rows[:count] for rows in self._waiting]
        self._waiting = [rows[count:] for rows in self._waiting]
        span = 2 * self._ahead + 1
        missing = max(2 * max(count - 1, 0) + span - len(self._speaks), 0)
        known = np.concatenate([self._speaks, np.zeros(missing, bool)])
        speaks = np.lib.stride_tricks.sliding_window_view(known, span)[: 2 * count : 2]
        self._speaks = self._speaks[2 * count :]
        hidden = ready[2] if len(ready) > 2 else np.zeros((count, NUM_EXPRESSION_OUTPUTS))
        return _Heard(lips=ready[0], shown=ready[1], hidden=hidden, speaks=speaks)
