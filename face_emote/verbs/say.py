"""A line that nobody has recorded: a speaker says it, the voice is re-tuned to what is felt, the face performs it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from face_emote.audio.analyse import analyse
from face_emote.audio.directions import spoken_part
from face_emote.audio.reader import read_speech
from face_emote.core.errors import AlignmentError, FaceEmoteWarning, OptionError
from face_emote.core.names import DEFAULT_FPS
from face_emote.core.options import Performance
from face_emote.core.output import written_beside
from face_emote.core.types import FaceMotion, Progress, Speech, SpeechAnalysis
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import in_turn
from face_emote.lines.feeling import beneath, felt_in
from face_emote.lines.speakers import SaidLine, said
from face_emote.verbs.animate import perform
from face_emote.verbs.voice import write_retuned

UNTUNED = "The voice stays as its speaker says it; to re-tune it to what is felt: pip install 'face-emote[voice]'"


class Line(NamedTuple):
    """What `say` made."""

    speech: Speech
    motion: FaceMotion


def say(
    text: str,
    *,
    emotion: str = "auto",
    speaker: str | None = None,
    language: str | None = None,
    fps: float = DEFAULT_FPS,
    seed: int = 0,
    character: str = "default",
    progress: Progress | None = None,
) -> Line:
    """Say a text with a feeling.

    Args:
        text: what is said; stage directions in brackets are left out.
        emotion: as `animate` takes it; `"auto"` reads it from the words.
        speaker: who says it, perhaps with a voice: `"flite:rms"`; if left out, the first here who knows the language.
        language: code of the text's language; told by its words when left out.
        fps: as this and the others for `animate`.
        seed: of blinks, glances and nods.
        character: who plays it.
        progress: called with (done, total, what).

    Raises:
        SpeakerError: nobody here can say it; and what `animate` raises.

    Warns:
        FaceEmoteWarning: as `animate`; and when the voice is not re-tuned, for want of the extra.
    """
    wanted = Performance(Path(), emotion=emotion, language=language, fps=fps, seed=seed, character=character)
    with tempfile.TemporaryDirectory(prefix="face_emote_say_") as folder:
        spoken = said_performance(text, wanted, speaker=speaker, progress=progress)
        spoken = tuned_performance(spoken, Path(folder) / "line.wav", progress=progress)
        assert isinstance(spoken.speech, Path)
        with sure_of_words():
            motion = perform(spoken, progress=progress).whole()
        return Line(read_speech(spoken.speech, transcript=str(spoken.transcript or "") or None), motion)


@contextmanager
def sure_of_words() -> Iterator[None]:
    """Inside the block nobody asks whether the transcript is right: it is what was said."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The transcript fits", FaceEmoteWarning)
        yield


def said_performance(
    text: str, wanted: Performance, *, speaker: str | None = None, hidden: str = "", progress: Progress | None = None
) -> Performance:
    """As wanted, of a text instead of a recording: what is said is its speech, its transcript and its cues.

    `hidden` is what is felt beneath the emotion, in words.
    """
    if not isinstance(wanted.emotion, str):
        raise OptionError("A line is said with an emotion in words; give it so")
    plain = spoken_part(text, [])
    emotion = felt_in(plain).words if wanted.emotion.strip().lower() == "auto" else wanted.emotion
    emotion = beneath(emotion, hidden)
    plan = describe(emotion)  # Its mistakes are told before anybody speaks.
    if progress is not None:
        progress(0.0, 1.0, "speaking")
    line = said(plain, speaker=speaker, language=wanted.language)
    transcript, heard = heard_as_said(line)
    if plan.turns:  # Voice and face turn at the same instants.
        emotion = in_turn(plan, duration_secs=heard.duration_secs, pauses=heard.pauses).text
    return replace(
        wanted, speech=line.path, transcript=transcript, language=line.language, emotion=emotion,
        cues=wanted.cues or line.cues,
    )  # fmt: skip


def heard_as_said(line: SaidLine) -> tuple[str | None, SpeechAnalysis]:
    """What is heard of a line, and its text; None where a speaker reads signs so freely that it is lost."""
    try:
        return line.text, analyse(line.path, transcript=line.text, language=line.language)
    except AlignmentError:
        return None, analyse(line.path)


def tuned_performance(spoken: Performance, target: Path, *, progress: Progress | None = None) -> Performance:
    """The same with the voice re-tuned to what is felt, in a .wav; as it is, where nothing can re-tune it."""
    assert isinstance(spoken.speech, Path)
    if find_spec("pyworld") is not None:
        write_retuned(
            spoken.speech, target, emotion=spoken.emotion, intensity=spoken.intensity, seed=spoken.seed,
            progress=progress,
        )  # fmt: skip
    else:
        warnings.warn(UNTUNED, FaceEmoteWarning, stacklevel=2)
        with written_beside(target) as beside:
            shutil.copyfile(spoken.speech, beside)
    return replace(spoken, speech=target)
