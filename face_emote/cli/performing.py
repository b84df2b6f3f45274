"""What commands share: from speech to a motion file, and from there to any result."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource, MotionStream
from face_emote.core.options import Picture
from face_emote.core.output import require_writable
from face_emote.core.types import MotionInfo, Progress, Speech
from face_emote.face.head import Head
from face_emote.formats.motion_file import open_motion, write_motion
from face_emote.provenance.credential import Provenance
from face_emote.rendering.video import DEFAULT_CODEC, choose_codec
from face_emote.verbs.animate import Take
from face_emote.verbs.export import FORMATS, export, require_place
from face_emote.verbs.render import require_picture, write_video

VIDEOS = tuple(DEFAULT_CODEC)


def require_output(path: Path, *, source: Path, picture: Picture, head: Path | None) -> None:
    """Before any work: the suffix is one that can be written, so is the place, and it is not the input itself."""
    require_other_file(path, source)
    suffix = path.suffix.lower()
    if suffix in VIDEOS:
        require_writable(path)
        require_video(path, picture, head=head)
    elif suffix in FORMATS:
        require_place(path)
    else:
        known = ", ".join([*(kind for kind in FORMATS if kind), *VIDEOS])
        raise OptionError(f"Cannot write '{suffix}' files; end the output in {known}, or in nothing for a folder of "
                          f".obj: {path}")  # fmt: skip


def require_video(path: Path, picture: Picture, *, head: Path | None = None) -> None:
    """Before any work: the file type takes the codec, and the engine can draw this head."""
    choose_codec(path, picture.codec)
    require_picture(picture, head=head)


def require_other_file(path: Path, source: Path) -> None:
    """Raise OptionError if the output would take the place of the input."""
    if path.exists() and source.exists() and path.samefile(source):
        raise OptionError(f"The output would replace the input; choose another name: {path}")


@contextmanager
def performed(take: Take, *, beside: Path) -> Iterator[MotionStream]:
    """The performed speech as an open motion file, which lies in a temporary folder next to `beside` meanwhile."""
    with tempfile.TemporaryDirectory(prefix=".face_emote_", dir=beside.absolute().parent) as folder:
        path = write_motion(take.motion, Path(folder) / "motion.npz")
        with open_motion(path) as motion:
            yield motion


def write_result(
    motion: MotionSource, path: Path, *, picture: Picture, speech: Speech | Path | None, head: Head,
    provenance: Provenance | None, progress: Progress | None,
) -> str:  # fmt: skip
    """Write a motion as what the path's ending says: video, mesh or curves. Returns the line that says so."""
    if path.suffix.lower() in VIDEOS:
        write_video(motion, path, picture=picture, speech=speech, head=head, provenance=provenance, progress=progress)
    else:
        export(motion, path, head=head, provenance=provenance, progress=progress)
    return summary(path, num_frames=motion.num_frames, fps=motion.fps)


def summary(path: Path, *, num_frames: int, fps: float) -> str:
    """The line that says what was written."""
    return f"{path}: {num_frames} frames, {num_frames / fps:.2f} s at {fps:g} fps"


def sound_of(motion: Path, info: MotionInfo) -> Path | None:
    """The recording that a motion file was made from, if the very same still lies beside it."""
    from face_emote.audio.reader import sha256_of

    path = motion.with_name(Path(info.speech_name).name) if info.speech_name else None
    return path if path and path.is_file() and sha256_of(path) == info.speech_sha256 else None
