"""A part of a motion, with its sound: what `export` and `render` have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from face_emote.audio.reader import write_part
from face_emote.core.motion import MotionSource, span, view_of
from face_emote.core.options import Excerpt
from face_emote.core.types import FaceMotion, Speech


def excerpt(source: MotionSource, part: Excerpt) -> MotionSource:
    """The frames of a part. The whole recording is not theirs any more; nor are its words and sounds.

    Raises OptionError when the motion has ended by then.
    """
    if part == Excerpt():
        return source
    first, stop = part.frames(source.num_frames, fps=source.fps)
    secs = min(source.info.speech_secs, stop / source.fps) - first / source.fps
    info = replace(source.info, speech_secs=max(secs, 0.0), speech_sha256="", cues="")
    rows = span(source, first=first, stop=stop)

    def read(size: int) -> Iterator[FaceMotion]:
        return (replace(block, info=info) for block in rows.blocks(size))

    return view_of(rows, read, info=info)


@contextmanager
def sound_part(speech: Speech | Path, source: MotionSource, part: Excerpt) -> Iterator[Path]:
    """The sound of a part of a motion as a .wav that is gone afterwards. Raises AudioError when it has none then."""
    first, stop = part.frames(source.num_frames, fps=source.fps)
    ends = {} if part.end is None else {"end_secs": stop / source.fps}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        write_part(speech, path, start_secs=first / source.fps, **ends)
        yield path


@contextmanager
def excerpted(
    source: MotionSource, speech: Speech | Path | None, part: Excerpt
) -> Iterator[tuple[MotionSource, Speech | Path | None]]:  # fmt: skip
    """A part of a motion and its sound; both as they are when all of it is meant. Errors as above."""
    if speech is None or part == Excerpt():
        yield excerpt(source, part), speech
        return
    with sound_part(speech, source, part) as sound:
        yield excerpt(source, part), sound
