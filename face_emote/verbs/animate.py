"""Speech and an emotion in words become a facial performance.

The main path of the product, in five steps:

    analysis = analyse(speech)          what was said, and how              face_emote.audio
    plan = describe("calm anger")       what is felt, and when              face_emote.emotion
           or read from the speech      ("auto")                            face_emote.perception
    person = character("default")       who plays it                        face_emote.face
    net_answers(net, speech, ..)        what the network makes of both      face_emote.network
    drawn_take(performance, net, ..)    head, brows and blinks of a take    face_emote.generation, face_emote.bank
    perform(analysis, plan, ..)         lips, expression, head, gaze,       face_emote.motion
                                        blinks, wrinkles, blood             (face_emote.look)

`perform` is the one way there: it takes a record of everything that decides the motion and gives a `Take`, which is
made block by block while it is read, so that an hour of speech needs no more memory than ten seconds. `animate` builds
that record from keywords and gives the whole motion at once.
"""

import hashlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import Listening, heard_recording
from face_emote.audio.cue_words import with_sounds
from face_emote.audio.languages import language_of
from face_emote.audio.reader import sha256_of
from face_emote.bank.retrieval import Use, library_of, pins_in
from face_emote.body.recording import Recording, read_recording
from face_emote.body.signals import signals_of
from face_emote.core.body import BodySignals
from face_emote.core.cameras import lens_of
from face_emote.core.cues import MouthCues
from face_emote.core.errors import CuesError, FaceEmoteWarning, OptionError
from face_emote.core.motion import MotionStream, joined_motion
from face_emote.core.names import CONTROLS, DEFAULT_FPS
from face_emote.core.options import BankUse, Performance
from face_emote.core.timing import frames_in
from face_emote.core.types import (
    Camera,
    Character,
    EmotionPlan,
    FaceMotion,
    MotionInfo,
    PerformanceStyle,
    Progress,
    Speech,
    SpeechAnalysis,
    Talker,
)
from face_emote.core.version import VERSION
from face_emote.emotion.grammar import plan_of
from face_emote.emotion.track import PlannedEmotion, in_turn, with_auto
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as load_character
from face_emote.face.head import Head
from face_emote.formats.cues_file import cues_text, read_cues
from face_emote.generation.net import DrawNet, load_draw_net
from face_emote.generation.style_file import MotionStyle, read_style
from face_emote.motion.events.blinks import BlinkScore
from face_emote.motion.events.drawn import Drawn
from face_emote.motion.feeling.body import stirred_by
from face_emote.motion.net_listening import NetAnswers, net_answers
from face_emote.motion.perform import played
from face_emote.motion.player import player_of
from face_emote.motion.score import OwnWays, performance_score
from face_emote.network.runtime import MotionNet, load_motion_net
from face_emote.perception.phrases import auto_plan
from face_emote.perception.reading import read_feelings
from face_emote.rigs.retarget import retargeted
from face_emote.verbs.company import consents, drawn_take, told, with_partner

CUES_SLACK_SECS = 0.1  # By which cues and their recording may differ in length.
_ANALYSIS_SHARE = 0.7  # Of the time that listening takes, when the network listens too.
_OTHER_LIPS = "the style's lips were learnt with another network and are left out; clone it again to have them"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """A performance that is made while it is read, and what it was made from."""

    motion: MotionStream
    analysis: SpeechAnalysis
    plan: EmotionPlan  # Of keys alone: what was to be read has been.
    answers: NetAnswers | None  # Of the network; None: the rules played.
    blinks: BlinkScore
    heard: EmotionPlan | None = None  # What was read for `auto`; its text can be written in place of it.
    moments: tuple[Use, ...] = ()  # What the take was drawn after, and what was pinned.

    def whole(self) -> FaceMotion:
        """All of the motion at once."""
        return joined_motion(list(self.motion.blocks()))


def animate(  # noqa: PLR0913
    speech: Speech | str | Path,
    *,
    emotion: str | EmotionPlan = "auto",
    intensity: float = 1.0,
    transcript: str | Path | None = None,
    language: str | None = None,
    cues: MouthCues | str | Path | None = None,
    heart: str | Path | None = None,
    fps: float = DEFAULT_FPS,
    seed: int = 0,
    head: Head | None = None,
    character: str = "default",
    look_at: str | Camera | None = None,
    style: PerformanceStyle = PerformanceStyle(),  # noqa: B008 - frozen
    animator: str = "net",
    model: str | Path = "default",
    moves_like: str | Path | None = None,
    talker: Talker | None = None,
    progress: Progress | None = None,
) -> FaceMotion:
    """Make the performance of a recording.

    Args:
        speech: a recording, or the path of one: wav, flac, mp3, ogg, m4a, or a video with sound.
        emotion: what is felt, in words: `"joy tinged with guilt"`, `"calm anger"`, `"0s neutral; 1.5s surprise:0.8"`,
            `"hurt, then cold"`; `"auto"` reads it from the voice.
        intensity: how strongly an emotion that is named is felt, 0..1: `"joy"` at .5 is `"joy:0.5"`.
        transcript: the words spoken, or a file with them: text or subtitles; sharpens the lips.
        language: code of the transcript's language (`de`); told by its words when left out.
        cues: corrected words and sounds, or a file of them (`.json`, `.TextGrid`); they change the mouth alone.
        heart: a file of heart rate, intervals between beats, ECG, PPG, skin conductance, breath or EEG powers (`.csv`,
            `.edf`), whose time 0 is the start of the sound; without it the heart follows the emotion.
        fps: frames per second, 1 to 1000.
        seed: another number gives other blinks, glances and nods; the same number gives the same bytes.
        head: a head from `load_head`; the bundled one when left out. On an imported FLAME head the performance of the
            bundled one is shown, in FLAME's coefficients.
        character: who plays it, one of `characters()`.
        look_at: the camera whose lens the eyes meet: the name of a preset or an own one; the portrait camera if left
            out.
        style: the animator's sliders.
        animator: `"net"`, the trained network; `"rules"`, which follow the phones; or `"takes"`, the network with head,
            brows and blinks drawn anew for every seed.
        model: which network: `"default"`, `"fast"` (a smaller one), or the path of a checkpoint file.
        moves_like: somebody's way to move, a `.style` file that `clone` wrote; played by the animator takes.
        talker: whose voice it is, from `talker_of` its other lines; `"auto"` reads it against them.
        progress: called with (done, total, what) while it works.

    Raises:
        AudioError, AlignmentError, EmotionError, HeadError, HeartError, OptionError, CheckpointError: the input cannot
            be used; the message says why and what to do.
        DependencyError: the file's format, or the kind of subtitles, needs a package that is not installed.

    Warns:
        FaceEmoteWarning: no speech was found, the transcript fits poorly, or damage was left out.
    """
    performance = Performance(
        speech, emotion=emotion, intensity=intensity, transcript=transcript, language=language,
        cues=Path(cues) if isinstance(cues, str) else cues, heart=None if heart is None else Path(heart), fps=fps,
        seed=seed, character=character, look_at=look_at, style=style, animator=animator, model=model, talker=talker,
        moves_like=None if moves_like is None else Path(moves_like),
    )  # fmt: skip
    take = _taken(performance, head=head, progress=progress)
    warn_of(take.analysis)
    return take.whole()


def perform(performance: Performance, *, head: Head | None = None, progress: Progress | None = None) -> Take:
    """Make a performance, block by block while it is read; `head` takes the place of the file that it names.

    The speech is heard at once, so that every mistake in the input is raised here and not half way through. Errors and
    warnings as of `animate`.
    """
    take = _taken(performance, head=head, progress=progress)
    warn_of(take.analysis)
    return take


def warn_of(analysis: SpeechAnalysis) -> None:
    """Warn the caller of the function that calls this one."""
    for remark in analysis.remarks:
        warnings.warn(remark, FaceEmoteWarning, stacklevel=3)


def _taken(performance: Performance, *, head: Head | None, progress: Progress | None) -> Take:
    cast = _cast(performance, head=head)
    net = cast.net
    listening = Listening(progress, share=1.0 if net is None else _ANALYSIS_SHARE)
    speech = performance.speech
    source = speech if isinstance(speech, Speech) else Path(speech)
    analysis, mels = heard_recording(
        source, transcript=performance.transcript, language=performance.language, progress=listening.analysed
    )
    _log.info("heard %.2f s, %d phones", analysis.duration_secs, len(analysis.phones))
    if cast.spoken is not None:
        _require_same_clip(cast.spoken, analysis)
    if net is not None and cast.style is not None and cast.style.lips_of not in ("", net.sha256):
        analysis = replace(analysis, remarks=(*analysis.remarks, _OTHER_LIPS))
    heard = heard_plan(cast.plan, analysis, talker=performance.talker)
    plan = in_turn(cast.plan, duration_secs=analysis.duration_secs, pauses=analysis.pauses)
    cast = replace(cast, plan=plan if heard is None else with_auto(plan, heard))
    body = None if cast.body is None else signals_of(cast.body, duration_secs=analysis.duration_secs)
    if body is not None:
        analysis = replace(analysis, remarks=(*analysis.remarks, *body.remarks))
    analysis, partner = with_partner(analysis, performance)
    plan, answers = cast.plan, None
    planned = PlannedEmotion(plan, analysis.duration_secs, stirred=None if body is None else stirred_by(body))
    drawn: Drawn | None = None
    moments: tuple[Use, ...] = ()
    if cast.draws is not None:
        drawn, moments = drawn_take(
            performance, cast.draws, style=cast.style, analysis=analysis, partner=partner, planned=planned
        )  # fmt: skip
    if net is not None:
        sound = listening.passing(mels, total_secs=analysis.duration_secs)
        answers = net_answers(net, sound, analysis=analysis, planned=planned)
        del sound
    del mels  # what plays an hour takes their place
    info = MotionInfo(
        basis=cast.head.basis,
        emotion=plan.text,
        speech_secs=analysis.duration_secs,
        animator=_animator_of(cast),
        seed=performance.seed,
        version=VERSION,
        cues=cues_text(cast.spoken or _heard_cues(analysis, performance.language)),
        consent="; ".join((*(() if cast.style is None else (cast.style.consent,)), *consents(moments))),
        moments=told(moments),
    )
    info = with_source(info, source)
    score = _Scored(analysis, answers=answers, body=body, drawn=drawn, partner=partner)
    motion, blinks = _stream(performance, cast, scored=score, info=info, progress=progress)
    shown = motion if cast.shown_on is None else retargeted(motion, cast.shown_on)
    return Take(shown, analysis, plan, answers, blinks, heard, moments)


def _heard_cues(analysis: SpeechAnalysis, language: str | None) -> MouthCues:
    spoken = language or language_of(analysis.text)
    return MouthCues(analysis.words, analysis.phones, analysis.duration_secs, language=spoken)


def _require_same_clip(spoken: MouthCues, analysis: SpeechAnalysis) -> None:
    if abs(spoken.duration_secs - analysis.duration_secs) > CUES_SLACK_SECS:
        raise CuesError(
            f"The cues are of {spoken.duration_secs:.2f} s, and the speech lasts {analysis.duration_secs:.2f} s; give "
            "those of this recording"
        )


def heard_plan(plan: EmotionPlan, analysis: SpeechAnalysis, *, talker: Talker | None = None) -> EmotionPlan | None:
    """What is felt in the speech, phrase by phrase; None when the plan does not ask for it."""
    if plan.auto <= 0.0:
        return None
    return auto_plan(read_feelings(analysis, text=analysis.text or None, talker=talker), analysis.pauses)


def require_performance(performance: Performance) -> None:
    """Raise the error that `perform` would before it hears any sound. Networks and heads are loaded for it."""
    _cast(performance, head=None)


@dataclass(frozen=True, slots=True, eq=False)
class _Cast:
    """Everything that a performance names, loaded."""

    plan: EmotionPlan
    person: Character
    net: MotionNet | None
    draws: DrawNet | None  # Draws takes of head, brows and blinks.
    style: MotionStyle | None  # In which they are drawn.
    head: Head  # Who plays: a head whose controls have names.
    shown_on: Head | None  # An imported head that shows what is played.
    spoken: MouthCues | None  # Corrected words and sounds.
    body: Recording | None


def _cast(performance: Performance, *, head: Head | None) -> _Cast:
    plan = plan_of(performance.emotion, performance.intensity)
    if performance.moments != BankUse():
        pins_in(performance.moments.pin, library_of(performance.moments))
    wanted = load_head(performance.head) if head is None else head
    given = performance.cues
    style = None if performance.moves_like is None else read_style(performance.moves_like)
    person = load_character(performance.character)
    if performance.looks_like and style is not None and performance.character == "default":
        if style.betas is None:
            raise OptionError(f"The style holds no face; clone it with --identity: {performance.moves_like}")
        person = replace(person, betas=style.betas)
    net = None if performance.animator == "rules" else load_motion_net(performance.model)
    if net is not None and style is not None:
        net = net.with_lips_of(style.lips, strength=performance.likeness)
    return _Cast(
        plan=plan,
        person=person,
        net=net,
        draws=load_draw_net() if performance.is_drawn else None,
        style=style,
        head=wanted if wanted.is_semantic else load_head(),
        shown_on=None if wanted.is_semantic else wanted,
        body=None if performance.heart is None else read_recording(performance.heart),
        spoken=None if given is None else with_sounds(read_cues(given) if isinstance(given, Path) else given),
    )


def _animator_of(cast: _Cast) -> str:
    """What made a motion, as its header says it."""
    if cast.net is None:
        return "rules"
    drawn = "" if cast.draws is None else f", takes {cast.draws.sha256[:8]}"
    return f"net {cast.net.name} {cast.net.sha256[:8]}{drawn}"


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """What a performance is played from."""

    analysis: SpeechAnalysis
    answers: NetAnswers | None
    body: BodySignals | None
    drawn: Drawn | None
    partner: SpeechAnalysis | None  # Who is listened to.


def _stream(
    performance: Performance, cast: _Cast, *, scored: _Scored, info: MotionInfo, progress: Progress | None
) -> tuple[MotionStream, BlinkScore]:  # fmt: skip
    """The frames, for whoever goes through them, and the blinks in them."""
    head, person, fps = cast.head, cast.person, float(performance.fps)
    betas = np.asarray(person.betas if head.betas is None else head.betas, np.float32)
    style = performance.style.as_played_by(person)
    player = player_of(
        head, style=style, fps=fps, info=info, betas=betas, character=person.name, age=person.skin.age,
        viewer=lens_of(performance.look_at),
    )  # fmt: skip
    player, analysis = replace(player, eyes=performance.eyes, body=scored.body), scored.analysis
    num_frames = frames_in(analysis.duration_secs, fps=fps)
    score = performance_score(
        analysis, cast.plan, player=player, answers=scored.answers, spoken=cast.spoken, drawn=scored.drawn,
        partner=scored.partner, own=_ways(performance, cast),
    )  # fmt: skip

    def read(size: int) -> Iterator[FaceMotion]:
        frames_done = 0
        for block in played(score, player=player, duration_secs=analysis.duration_secs, block_frames=size):
            yield block
            frames_done += block.num_frames
            if progress is not None:
                progress(float(frames_done), float(num_frames), "animating")

    stream = MotionStream(num_frames=num_frames, fps=fps, info=info, read=read, betas=betas, character=person.name)
    return stream, score.face.blinks


def _ways(performance: Performance, cast: _Cast) -> OwnWays:
    style, share = cast.style, performance.likeness
    if style is None:
        return OwnWays()
    rest = np.array([style.rest.get(name, 0.0) for name in CONTROLS])
    return OwnWays(None if style.habits is None else share * style.habits, np.clip(share * rest, 0.0, 1.0))


def with_source(info: MotionInfo, source: Speech | Path) -> MotionInfo:
    """With the recording's name, and the hash of what is heard."""
    if isinstance(source, Path):
        return replace(info, speech_name=source.name, speech_sha256=sha256_of(source))
    samples = np.ascontiguousarray(source.samples, np.float32)
    return replace(info, speech_sha256=hashlib.sha256(samples.tobytes()).hexdigest())
