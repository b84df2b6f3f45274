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

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.cameras import lens_of
from face_emote.core.errors import EmotionError, HeadError, OptionError
from face_emote.core.names import MOTION_HZ, SAMPLE_RATE_HZ
from face_emote.core.timing import frame_times, frames_in, require_fps
from face_emote.core.types import Camera, EmotionPlan, FaceMotion, MotionInfo, PerformanceStyle
from face_emote.core.version import VERSION
from face_emote.emotion.grammar import plan_of
from face_emote.emotion.track import PlannedEmotion
from face_emote.face.characters import character as load_character
from face_emote.face.head import Head
from face_emote.motion.events.breathing import breath_volume
from face_emote.motion.events.cues import LEAVE_SECS, PHRASE_GAP_SECS
from face_emote.motion.events.curves import ease
from face_emote.motion.feeling.dynamics import LEAD_SECS
from face_emote.motion.feeling.expression import REST_BREATH_HZ
from face_emote.motion.feeling.life import LifeState, Tempo, step_life
from face_emote.motion.feeling.net_expression import affect_by_net, bias_by_net, step_presence
from face_emote.motion.live.director import Director, Moment
from face_emote.motion.live.ears import Ears, Heard, MouthGate, look_ahead_within
from face_emote.motion.mouth.lip_rig import lip_rig
from face_emote.motion.mouth.net_lips import MOST_WINDOW_SECS, REST, NetLips, last_answer
from face_emote.motion.perform import face_frames
from face_emote.motion.player import player_of
from face_emote.motion.score import FaceScore, face_controls
from face_emote.motion.slow_tracks import SlowTracks, joined, rested_skin, step_skin
from face_emote.network.config import LIP_CHANNELS
from face_emote.network.runtime import MotionNet, load_motion_net
from face_emote.perception.live import LiveFeeling

LIVE_FPS = 50.0
SLOWEST_FPS = 10.0  # Below it events would be forgotten before a frame shows them.
_PIECE = SAMPLE_RATE_HZ // 4  # Samples heard at once: events are forgotten soon after they have been seen.
_BACK_SECS = 0.1  # In which the mouth is back at the speech, which nothing announces.
_ALWAYS = np.array([[-np.inf, np.inf]])


class LivePerformer:
    """One person performing what is being said; memory of fixed size."""

    def __init__(  # noqa: PLR0913 - its keywords are the public words for a live performance
        self,
        head: Head,
        emotion: str | EmotionPlan = "auto",
        *,
        style: PerformanceStyle = PerformanceStyle(),  # noqa: B008 - frozen
        seed: int = 0,
        fps: float = LIVE_FPS,
        latency_ms: int = 160,
        character: str = "default",
        look_at: str | Camera | None = None,
        net: MotionNet | None = None,
    ) -> None:
        """Get ready.

        Args:
            head: the bundled head, or one of its identities.
            emotion: what is felt, in words or as a plan; times count from the first sample. What is to be read from
                the voice (`auto`) shows two seconds after it is heard; words are not known live.
            style: the animator's sliders.
            seed: another number gives other blinks, glances and nods.
            fps: of the frames; 25 and 50 come out soonest.
            latency_ms: 80 or 160. The longer one hears more of what comes and closes the lips better.
            character: who plays it, unless the head has an identity already.
            look_at: the camera whose lens the eyes meet; the portrait camera if left out.
            net: the network; the bundled one by default.

        Raises:
            HeadError: an imported head, whose controls have no names.
            OptionError: fps or latency are out of range, or the network cannot be used live.
            EmotionError: the emotion cannot be read.
            CheckpointError: there is no usable network.
        """
        _require_playable(head, fps=fps)
        net = load_motion_net() if net is None else net
        ahead = look_ahead_within(net, latency_ms)
        if net.config.lips_see_emotion:
            raise OptionError("This network's lips see the emotion, which is for comparison only; choose another one")
        plan = plan_of(emotion)
        if plan.turns:
            raise EmotionError(
                "Nobody knows yet how long this speech is; give times in place of then: 0s hurt; 4s cold"
            )
        person = load_character(character)
        style = style.as_played_by(person)
        betas = np.asarray(person.betas if head.betas is None else head.betas, np.float32)
        feeling = LiveFeeling() if plan.auto > 0.0 else None
        self._planned = PlannedEmotion(plan, np.inf, feeling)
        animator = f"net {net.name} {net.sha256[:8]}"
        info = MotionInfo(basis=head.basis, emotion=plan.text, animator=animator, seed=seed, version=VERSION)
        self._player = player_of(
            head, style=style, fps=float(fps), info=info, betas=betas, character=person.name, age=person.skin.age,
            viewer=lens_of(look_at),
        )  # fmt: skip
        self._rig = lip_rig(self._player.head)
        self._ears = Ears(net, ahead, planned=self._planned, feeling=feeling)
        self._gate = MouthGate()
        self._director = Director(style=style, seed=seed)
        self._skin = rested_skin(style)
        self._present: Array | None = None
        self._life: LifeState | None = None
        self._slow: SlowTracks | None = None
        self._answers = np.zeros((0, len(LIP_CHANNELS)), np.float32)
        self._tempo = np.zeros((0, 2))
        """Activity and leisure of the steps of `_answers`."""
        self._leisure = 1.0
        self._first, self._frame = 0, 0
        """Step of the first row of `_answers`; next frame."""

    @property
    def head(self) -> Head:
        """Who plays."""
        return self._player.head

    @property
    def delay_secs(self) -> float:
        """How long after its instant a frame is known at the latest."""
        fps = self._player.fps
        waits = max(self._needs(frame) / MOTION_HZ - frame / fps for frame in range(round(fps)))
        return self._ears.delay_secs + waits

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
        fps = self._player.fps
        num_frames = frames_in(self._ears.num_samples / SAMPLE_RATE_HZ, fps=fps)
        last_secs = (num_frames - 1) / fps
        steps = max(last_answer(last_secs, fps=fps), int(np.ceil(last_secs * MOTION_HZ))) + 1
        return self._played(self._ears.end(steps), until=num_frames)

    def _played(self, heard: Heard, *, until: int | None) -> list[FaceMotion]:
        if len(heard.lips):
            self._step(heard)
        return self._frames(until)

    def _step(self, heard: Heard) -> None:
        """Everything that is stepped at `MOTION_HZ`."""
        first, style = self._first + len(self._answers), self._player.style
        times = frame_times(first, first + len(heard.lips), fps=MOTION_HZ)
        plan = self._planned.at(times + LEAD_SECS, rate_hz=MOTION_HZ)
        accent, activity, energy = heard.voice()
        opened, leisure = self._direct(heard, times, hides=plan.leak * plan.covert.sum(axis=1))
        gated = REST + opened[:, None] * (heard.lips - REST)
        self._answers = np.concatenate([self._answers, gated.astype(np.float32)])
        self._tempo = np.concatenate([self._tempo, np.stack([activity, leisure], axis=-1)])
        presence, self._present = step_presence(plan, self._present)
        affect = affect_by_net(heard.shown, heard.hidden, plan=plan, presence=presence, style=style)
        tempo = Tempo(accent, activity, energy)
        gains, self._life = step_life(tempo, self._life, times=times, key=self._director.life_key)
        affect = affect.with_gains(gains)
        score = self._score()
        controls = face_controls(score, times, display=affect.display, leisure=leisure, style=style, gauge=None)
        inhaled = breath_volume(score.breath, times)
        tracks, self._skin = step_skin(
            affect, controls, state=self._skin, first=first, player=self._player, inhaled=inhaled
        )
        self._slow = tracks if self._slow is None else joined(self._slow, tracks)

    def _direct(
        self, heard: Heard, times: Float[Array, " steps"], *, hides: Float[Array, " steps"]
    ) -> tuple[Float[Array, " steps"], Float[Array, " steps"]]:
        """Decide the events of the steps; how far the gate is open at each, and how far the mouth is from speech."""
        bias = bias_by_net(heard.shown)
        accent, activity, _ = heard.voice()
        opened, leisure = np.zeros(len(times)), np.zeros(len(times))
        for i, speaks in enumerate(heard.speaks):
            opened[i] = self._gate.step(speaks)
            leisure[i] = self._leisure = self._leisure_after(speaks)
            self._director.step(
                Moment(
                    secs=float(times[i]),
                    speaking=self._gate.since_secs <= PHRASE_GAP_SECS,
                    accent=float(accent[i]),
                    activity=float(activity[i]),
                    gaze_pitch=float(bias.gaze_pitch[i]),
                    gaze_avert=float(bias.gaze_avert[i]),
                    gaze_scan=float(bias.gaze_scan[i]),
                    blink_factor=float(bias.blink_factor[i]),
                    breath_factor=float(bias.breath_rate_hz[i]) / REST_BREATH_HZ,
                    hides=float(hides[i]),
                )
            )
        return opened, leisure

    def _leisure_after(self, speaks: Bool[Array, " rows"]) -> float:
        """How far the mouth is from speech in time: the steps' `SpeechCues.rest_at`, as far as it can be known."""
        if speaks.any():
            return max(self._leisure - 1.0 / (_BACK_SECS * MOTION_HZ), 0.0)
        since = (self._gate.since_secs - LEAVE_SECS[0]) / LEAVE_SECS[1]
        return max(self._leisure, float(ease(np.array([since]))[0]))

    def _score(self) -> FaceScore:
        lips = NetLips(
            answers=self._answers,
            first=self._first,
            spoken_secs=_ALWAYS,
            contacts=None,
            aligned=False,
            rig=self._rig,
            style=self._player.style,
            fps=self._player.fps,
        )
        return self._director.score(lips)

    def _frames(self, until: int | None) -> list[FaceMotion]:
        """The frames that can be shown now, and what they no longer need is forgotten."""
        last, fps = self._first + len(self._answers) - 1, self._player.fps
        stop = self._frame
        while (until is None or stop < until) and self._needs(stop) <= last:
            stop += 1
        if stop == self._frame or self._slow is None:
            return []
        times = frame_times(self._frame, stop, fps=fps)
        steps = np.arange(self._first, last + 1) / MOTION_HZ
        activity, leisure = (np.interp(times, steps, column) for column in self._tempo.T)
        now = self._slow.at(times)
        motion = face_frames(self._player, times, score=self._score(), now=now, activity=activity, leisure=leisure)
        self._frame = stop
        self._forget(stop / fps)
        return [motion]

    def _needs(self, frame: int) -> int:
        """The last step that a frame depends on."""
        secs = frame / self._player.fps
        return max(last_answer(secs, fps=self._player.fps), int(np.ceil(secs * MOTION_HZ - 1e-6)))

    def _forget(self, next_secs: float) -> None:
        spare = max(int((next_secs - MOST_WINDOW_SECS - 0.1) * MOTION_HZ) - self._first, 0)
        spare = min(spare, len(self._answers) - 1)
        self._answers, self._tempo = self._answers[spare:], self._tempo[spare:]
        self._first += spare
        if self._slow is not None:
            self._slow = self._slow.since(next_secs - 1.0 / MOTION_HZ)


def _require_playable(head: Head, *, fps: float) -> None:
    if require_fps(fps) < SLOWEST_FPS:
        raise OptionError(f"A live performance has at least {SLOWEST_FPS:g} frames a second, got {fps:g}")
    if not head.is_semantic:
        raise HeadError("This head's expression columns have no names; give the bundled head, load_head()")
