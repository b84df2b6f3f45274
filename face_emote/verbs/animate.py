"""Speech and an emotion in words become a facial performance.

The main path of the product, in five steps:

    analysis = analyse(speech)          what was said, and how              face_emote.audio
    plan = describe("calm anger")       what is felt, and when              face_emote.emotion
    person = character("default")       who plays it                        face_emote.face
    net_answers(net, speech, ..)        what the network makes of both      face_emote.network
    perform(analysis, plan, ..)         lips, expression, head, gaze,       face_emote.motion
                                        blinks, wrinkles, blood             (face_emote.look)

`animate` gives the whole performance at once; `animate_blocks` gives it block by block, so that an hour of speech needs
no more memory than ten seconds.
"""

import hashlib
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse, blocks_of
from face_emote.audio.reader import sha256_of
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError, OptionError
from face_emote.core.motion import MotionStream, joined_motion
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.core.timing import frames_in, require_fps
from face_emote.core.types import EmotionPlan, FaceMotion, MotionInfo, PerformanceStyle, Speech, SpeechAnalysis
from face_emote.core.version import VERSION
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import PlannedEmotion, planned_emotion
from face_emote.emotion.voice import from_voice
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as load_character
from face_emote.face.head import Head
from face_emote.motion.feeling.blood import timing_of
from face_emote.motion.net_listening import NetAnswers, net_answers
from face_emote.motion.over_capture import over_capture
from face_emote.motion.perform import perform
from face_emote.motion.player import player_of
from face_emote.network.runtime import MotionNet, load_motion_net
from face_emote.rigs.retarget import retargeted

Progress = Callable[[float, float, str], None]
"""progress(done, total, what): seconds heard or frames made, of how many, and which of the two."""
ANIMATORS = ("net", "rules")
DEFAULT_ANIMATOR = "net"
"""`net` has learnt from recorded faces and voices; `rules` follow the phones, and need no network file."""
DEFAULT_MODEL = "default"
_ANALYSIS_SHARE = 0.7
"""Of the time that listening takes, when the network listens too."""
_MOST = 4.0
"""Sliders above this are surely a mistake (a percentage, say)."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """A performance that is made while it is read, and what it was made from."""

    motion: MotionStream
    analysis: SpeechAnalysis
    plan: EmotionPlan
    answers: NetAnswers | None
    """Of the network; None: the rules played."""


def animate(
    speech: Speech | str | Path,
    *,
    emotion: str | EmotionPlan = "auto",
    transcript: str | Path | None = None,
    fps: float = 30.0,
    seed: int = 0,
    head: Head | None = None,
    character: str = "default",
    style: PerformanceStyle = PerformanceStyle(),  # noqa: B008 - frozen
    animator: str = DEFAULT_ANIMATOR,
    model: str | Path = DEFAULT_MODEL,
    progress: Progress | None = None,
) -> FaceMotion:
    """Make the performance of a recording.

    Args:
        speech: a recording, or the path of one: wav, flac, mp3, ogg, m4a, or a video with sound.
        emotion: what is felt, in words: `"joy tinged with guilt"`, `"calm anger"`, `"0s neutral; 1.5s surprise:0.8"`;
            `"auto"` reads it from the voice.
        transcript: the words spoken (English), or a .txt, .srt or .vtt file with them; sharpens the lips.
        fps: frames per second, any.
        seed: another number gives other blinks, glances and nods; the same number gives the same bytes.
        head: a head from `load_head`; the bundled one when left out. On an imported FLAME head the performance of the
            bundled one is shown, in FLAME's coefficients.
        character: who plays it, one of `characters()`.
        style: the animator's sliders.
        animator: `"net"`, the trained network, or `"rules"`, which follow the phones.
        model: which network: `"default"`, `"fast"` (a smaller one), or the path of a checkpoint file.
        progress: called with (done, total, what) while it works.

    Raises:
        AudioError, AlignmentError, EmotionError, HeadError, OptionError, CheckpointError: the input cannot be used; the
            message says why and what to do.
        DependencyError: the file's format, or the transcript, needs a package that is not installed.
    """
    named = head is None or head.is_semantic
    take = animate_blocks(
        speech,
        emotion=emotion,
        transcript=transcript,
        fps=fps,
        seed=seed,
        head=head if named else None,
        character=character,
        style=style,
        animator=animator,
        model=model,
        progress=progress,
    )
    shown = take.motion if named or head is None else retargeted(take.motion, head)
    return joined_motion(list(shown.blocks()))


def animate_capture(
    capture: FaceMotion,
    *,
    emotion: str | EmotionPlan = "neutral",
    speech: Speech | str | Path | None = None,
    style: PerformanceStyle = PerformanceStyle(),  # noqa: B008 - frozen
    character: str | None = None,
) -> FaceMotion:
    """A recorded face with an emotion, wrinkles and blood flow on top; lips and expression stay the artist's.

    Args:
        capture: The recording: of the bundled head, as `read_motion` gives it.
        emotion: What is felt, in words; `neutral` adds the skin alone, `auto` needs the speech.
        speech: The sound that was recorded with it; its name and length travel with the motion.
        style: `energy`, `brows`, `asymmetry`, `wrinkles` and `blood` are heeded.
        character: Who plays it; the capture's if left out.

    Raises:
        EmotionError, AudioError, HeadError: the input cannot be used.
        OptionError: `auto` without speech, or a slider out of its range.
    """
    _require_style(style)
    plan = describe(emotion) if isinstance(emotion, str) else emotion
    head = load_head()
    if capture.info.basis != head.basis:
        raise HeadError(
            f"The capture belongs to face model '{capture.info.basis}', not to the bundled head; convert it"
        )
    info = replace(capture.info, emotion=plan.text, version=VERSION)
    voice, duration_secs = None, capture.num_frames / capture.fps
    if speech is None and plan.auto > 0.0:
        raise OptionError("'auto' is read from the voice, and there is no speech; give it, or name an emotion")
    if speech is not None:
        source = speech if isinstance(speech, Speech) else Path(speech)
        analysis = analyse(source)
        voice = from_voice(analysis.prosody) if plan.auto > 0.0 else None
        info = _with_source(replace(info, speech_secs=analysis.duration_secs), source)
    recorded = replace(capture, info=info)
    if character is not None:
        person = load_character(character)
        recorded = replace(recorded, character=person.name, betas=np.asarray(person.betas, np.float32))
    planned = PlannedEmotion(plan, voice, duration_secs)
    return joined_motion(list(over_capture(recorded, planned, head=head, style=style)))


def animate_blocks(
    speech: Speech | str | Path,
    *,
    emotion: str | EmotionPlan = "auto",
    transcript: str | Path | None = None,
    fps: float = 30.0,
    seed: int = 0,
    head: Head | None = None,
    character: str = "default",
    style: PerformanceStyle = PerformanceStyle(),  # noqa: B008 - frozen
    animator: str = DEFAULT_ANIMATOR,
    model: str | Path = DEFAULT_MODEL,
    progress: Progress | None = None,
) -> Take:
    """As `animate`, but made block by block while it is read: for long recordings. Arguments and errors are the same.

    The speech is heard at once, so that every mistake in the input is raised here and not half way through.
    """
    require_fps(fps)
    _require_seed(seed)
    _require_style(style)
    plan = describe(emotion) if isinstance(emotion, str) else emotion
    person = load_character(character)
    head = load_head() if head is None else head
    _require_semantic(head)
    net = _net(animator, model)
    listening = _Listening(progress, share=1.0 if net is None else _ANALYSIS_SHARE)
    source = speech if isinstance(speech, Speech) else Path(speech)
    analysis = analyse(source, transcript=transcript, progress=listening.analysed)
    _log.info("heard %.2f s, %d phones", analysis.duration_secs, len(analysis.phones))
    answers = None
    if net is not None:
        sound = listening.passing(blocks_of(source)[0](), total_secs=analysis.duration_secs)
        answers = net_answers(net, sound, analysis=analysis, planned=planned_emotion(analysis, plan))
    info = MotionInfo(
        basis=head.basis,
        emotion=plan.text,
        speech_secs=analysis.duration_secs,
        animator="rules" if net is None else f"net {net.name} {net.sha256[:8]}",
        seed=seed,
        version=VERSION,
    )
    info = _with_source(info, source)
    betas = np.asarray(person.betas if head.betas is None else head.betas, np.float32)
    player = player_of(head, style=style, fps=float(fps), info=info, betas=betas, character=person.name)
    num_frames = frames_in(analysis.duration_secs, fps=fps)

    def read(size: int) -> Iterator[FaceMotion]:
        made = 0
        for block in perform(analysis, plan, player=player, answers=answers, block_frames=size):
            yield block
            made += block.num_frames
            if progress is not None:
                progress(made, num_frames, "animating")

    motion = MotionStream(
        num_frames=num_frames, fps=float(fps), info=info, read=read, betas=betas, character=person.name
    )
    return Take(motion, analysis, plan, answers)


def require_performance(
    *,
    fps: float,
    seed: int,
    character: str,
    style: PerformanceStyle,
    animator: str = DEFAULT_ANIMATOR,
    model: str | Path = DEFAULT_MODEL,
    head: Path | None = None,
) -> None:
    """Raise the error that `animate` would, before any sound is heard. Networks and heads are loaded for it."""
    require_fps(fps)
    _require_seed(seed)
    _require_style(style)
    load_character(character)
    _net(animator, model)
    _require_semantic(load_head(head))


def _require_semantic(head: Head) -> None:
    if not head.is_semantic:
        raise HeadError(
            "This head's expression columns have no names, so speech cannot drive it yet; animate the bundled head "
            "(leave `head` out)"
        )


def _net(animator: str, model: str | Path) -> MotionNet | None:
    if animator not in ANIMATORS:
        raise OptionError(f"There is no animator {animator!r}; choose one of: {', '.join(ANIMATORS)}")
    return load_motion_net(model) if animator == "net" else None


@dataclass(frozen=True, slots=True)
class _Listening:
    """Tells how much of the sound has been heard: first by the analysis, then by the network."""

    progress: Progress | None
    share: float
    """Of the analysis."""

    def analysed(self, done_secs: float, total_secs: float) -> None:
        if self.progress is not None:
            self.progress(self.share * done_secs, total_secs, "listening")

    def passing(self, blocks: Iterable[Array], *, total_secs: float) -> Iterator[Float[Array, " _samples"]]:
        """The blocks, each told when the next one is asked for."""
        num_samples = 0
        for block in blocks:
            yield block
            num_samples += len(block)
            heard_secs = min(num_samples / SAMPLE_RATE_HZ, total_secs)
            if self.progress is not None:
                self.progress(self.share * total_secs + (1.0 - self.share) * heard_secs, total_secs, "listening")


def _with_source(info: MotionInfo, source: Speech | Path) -> MotionInfo:
    if isinstance(source, Path):
        return replace(info, speech_name=source.name, speech_sha256=sha256_of(source))
    return replace(info, speech_sha256=_samples_sha256(source.samples))


def _samples_sha256(samples: Float[Array, " samples"]) -> str:
    return hashlib.sha256(np.ascontiguousarray(samples, np.float32).tobytes()).hexdigest()


def _require_seed(seed: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise OptionError(f"The seed must be a whole number from 0 to 2^63 - 1, got {seed!r}")


def _require_style(style: PerformanceStyle) -> None:
    """Raise OptionError unless every slider lies in its range."""
    timing_of(style.blood)
    for item in fields(PerformanceStyle):
        value = getattr(style, item.name)
        if item.name == "blood":
            continue
        top = 0.25 if item.name == "asymmetry" else _MOST
        if not (isinstance(value, int | float) and math.isfinite(value) and 0.0 <= value <= top):
            hint = "" if item.name == "asymmetry" else "; 1 is the natural amount"
            raise OptionError(f"The slider {item.name} must lie between 0 and {top:g}, got {value!r}{hint}")
