"""What is felt in a voice, in words and in a face: `fe.perceive`, and the files that say it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from face_emote.audio.analyse import analyse
from face_emote.audio.conditioning import RumbleFilter, listened_to
from face_emote.audio.features import prosody_of
from face_emote.audio.transcripts import written_words
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AlignmentError, HeadError, OptionError
from face_emote.core.motion import MotionSource
from face_emote.core.output import require_writable
from face_emote.core.types import EmotionPlan, Progress, Speech, SpeechAnalysis, Talker
from face_emote.face.bundled import load_head
from face_emote.motion.live.ears import SpeechDetector
from face_emote.perception.encoder import ENCODER, load_encoder
from face_emote.perception.encoder_inputs import encoder_inputs
from face_emote.perception.evidence import Evidence
from face_emote.perception.face import face_cells, read_face
from face_emote.perception.feelings_file import write_feelings
from face_emote.perception.live_tokens import LiveTokens, PackedFrames
from face_emote.perception.phrases import auto_plan
from face_emote.perception.reading import EmotionReading, read_feelings
from face_emote.perception.talker import line_figures, talker_from
from face_emote.perception.tokens import head_of_stream, tokens_of, write_tokens
from face_emote.rendering.feelings_chart import write_chart

FILES = (".json", ".csv", ".png", ".npz", ".tokens")


@dataclass(frozen=True, slots=True, eq=False)
class Perceived:
    """A reading, and what it was made from."""

    reading: EmotionReading
    analysis: SpeechAnalysis | None  # None without a voice.

    def plan(self) -> EmotionPlan:
        """The emotion keys that the reading stands for: what `auto` performs."""
        return auto_plan(self.reading, () if self.analysis is None else self.analysis.pauses)


def perceive(
    speech: Speech | str | Path | None = None,
    *,
    text: str | Path | None = None,
    motion: MotionSource | None = None,
    talker: Talker | None = None,
    progress: Progress | None = None,
) -> EmotionReading:
    """Read what is felt, and how sure that is, from any of a voice, words and a face.

    Args:
        speech: a recording, or the path of one.
        text: what is said, as text or as a file of text or subtitles. English words are placed in time by the speech.
        motion: a face that moves, of the bundled head, as long as the speech.
        talker: whose voice it is, from `talker_of` its other lines; they are what it is read against.
        progress: called with (done, total, what) while it listens.

    Raises:
        OptionError: nothing is given.
        AudioError, AlignmentError, CheckpointError: what is given cannot be used.
    """
    there = ENCODER.is_file()
    return perceived(speech, text=text, motion=motion, talker=talker, progress=progress, encoded=there).reading


def talker_of(lines: Iterable[Speech | str | Path]) -> Talker | None:
    """Whose voice it is in other lines, for `perceive` and `animate`; None when fewer than five hold speech.

    About ten lines of different feelings are worth it. Their order does not matter.

    Raises:
        AudioError: a recording cannot be read.
    """
    heard = [figures_heard(line) for line in lines]
    return talker_from([figures for figures in heard if figures is not None])


def figures_heard(speech: Speech | str | Path) -> Float[Array, " figure"] | None:
    """What a line says of its talker; None where hardly anybody speaks."""
    return line_figures(prosody_of(listened_to(speech if isinstance(speech, Speech) else Path(speech)).blocks()))


def perceived(
    speech: Speech | str | Path | None,
    *,
    text: str | Path | None = None,
    motion: MotionSource | None = None,
    talker: Talker | None = None,
    progress: Progress | None = None,
    encoded: bool = False,
) -> Perceived:
    """`perceive`, with the analysis of the speech; the encoder goes over it if it is asked to."""
    if speech is None and text is None and motion is None:
        raise OptionError("There is nothing to read; give speech, text or a motion")
    analysis = None if speech is None else _heard(speech, text=text, progress=progress)
    words = None if text is None else written_words(text)
    face = None if motion is None else _seen(motion)
    reading = read_feelings(analysis, text=words, face=face, talker=talker)
    if encoded:
        inputs = encoder_inputs(analysis, text=words, face=None if motion is None else face_cells(motion))
        reading = replace(reading, encoded=load_encoder()(inputs))
    return Perceived(reading, analysis)


def _seen(motion: MotionSource) -> Evidence:
    basis = load_head().basis
    if motion.info.basis != basis:
        raise HeadError(f"The motion belongs to face model '{motion.info.basis}', not to the bundled head; convert it")
    return read_face(motion)


def _heard(speech: Speech | str | Path, *, text: str | Path | None, progress: Progress | None) -> SpeechAnalysis:
    source = speech if isinstance(speech, Speech) else Path(speech)

    def listening(done: float, total: float) -> None:
        if progress is not None:
            progress(done, total, "listening")

    try:
        return analyse(source, transcript=text, progress=listening)
    except AlignmentError:
        # Words of another language are read, but nobody knows when they are said.
        if text is None:
            raise
        return analyse(source, progress=listening)


def stream_tokens(sound: Iterable[Float[Array, " _samples"]]) -> Iterator[bytes]:
    """The bytes of a `.tokens` file of sound at 16 kHz that is still being spoken, as they are settled.

    They do not depend on how the sound was cut. `live_tokens.DELAY_SECS` says how late they are.
    """
    yield head_of_stream()
    tokens, packed = LiveTokens(), PackedFrames()
    cleaner, detector = RumbleFilter(), SpeechDetector()

    def heard(samples: Float[Array, " _samples"]) -> bytes:
        return packed.push(tokens.push(samples, detector.push(samples)))

    for samples in sound:
        yield heard(cleaner.push(samples))
    yield heard(cleaner.finish()) + packed.push(tokens.finish()) + packed.finish()


def write_perceived(found: Perceived, path: Path) -> None:
    """Write one of `FILES`; the ending says which.

    Raises:
        OptionError: another ending, or tokens without a voice.
        OutputError: the file cannot be written there.
    """
    require_feelings_file(path)
    if path.suffix.lower() == ".tokens":
        if found.analysis is None:
            raise OptionError(f"Tokens say how something was spoken, and there is no recording; give one: {path}")
        write_tokens(tokens_of(found.reading, found.analysis.prosody), path)
        return
    emotion = found.plan().text
    if path.suffix.lower() == ".png":
        write_chart(found.reading, path, analysis=found.analysis, emotion=emotion)
    else:
        write_feelings(found.reading, path, emotion=emotion)


def require_feelings_file(path: Path) -> None:
    """Raise the errors that `write_perceived` would before anything is heard."""
    if path.suffix.lower() not in FILES:
        raise OptionError(f"Feelings are written as {', '.join(FILES)}; give the output one of these endings: {path}")
    require_writable(path)
