"""What `animate`, `render` and `demo` share: from speech to a motion file, and from there to any result."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from face_emote.cli.options import PerformanceOptions
from face_emote.cli.progress import Progress
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionStream
from face_emote.core.output import require_writable
from face_emote.core.types import MotionInfo
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import open_motion, write_motion
from face_emote.rendering.scene import make_scene
from face_emote.rendering.video import DEFAULT_CODEC, choose_codec
from face_emote.rigs.retarget import shown_on
from face_emote.verbs.animate import animate_blocks
from face_emote.verbs.export import FORMATS, require_place

VIDEOS = tuple(DEFAULT_CODEC)


def require_output(path: Path, *, speech: Path) -> None:
    """Before any work: the suffix is one that can be written, so is the place, and it is not the speech itself."""
    require_other_file(path, speech)
    suffix = path.suffix.lower()
    if suffix in VIDEOS:
        require_writable(path)
    elif suffix in FORMATS:
        require_place(path)
    else:
        known = ", ".join([*(kind for kind in FORMATS if kind), *VIDEOS])
        raise OptionError(f"Cannot write '{suffix}' files; end the output in {known}, or in nothing for a folder of "
                          f".obj: {path}")  # fmt: skip


def require_video(
    path: Path,
    *,
    codec: str | None,
    size: int | tuple[int, int],
    camera: str,
    light: str,
    dof: float | None = None,
    engine: str = "fast",
) -> None:
    """Before any work: the file type takes the codec, and the picture can be drawn at this size, through this lens."""
    from face_emote.rendering.engines import require_lens

    require_lens(engine, dof=dof)
    choose_codec(path, codec)
    width, height = (size, size) if isinstance(size, int) else size
    make_scene(camera=camera, light=light, width=width, height=height, f_number=dof)


def require_other_file(path: Path, source: Path) -> None:
    """Raise OptionError if the output would take the place of the input."""
    if path.exists() and source.exists() and path.samefile(source):
        raise OptionError(f"The output would replace the input; choose another name: {path}")


def write_performance(speech: Path, path: Path, *, options: PerformanceOptions, progress: Progress | None) -> None:
    """Perform a speech into a motion file; memory does not grow with its length."""
    head = load_head(options.head)
    stream = animate_blocks(
        speech,
        emotion=options.emotion,
        transcript=options.transcript,
        fps=options.fps,
        seed=options.seed,
        head=head if head.is_semantic else None,
        character=options.character,
        style=options.style,
        animator=options.animator,
        model=options.model,
        progress=progress,
    ).motion
    write_motion(shown_on(stream, head), path)


@contextmanager
def performance(
    speech: Path, *, beside: Path, options: PerformanceOptions, progress: Progress | None
) -> Iterator[MotionStream]:
    """The performed speech as an open motion file, which lies in a temporary folder next to `beside` meanwhile."""
    with tempfile.TemporaryDirectory(prefix=".face_emote_", dir=beside.absolute().parent) as folder:
        path = Path(folder) / "motion.npz"
        write_performance(speech, path, options=options, progress=progress)
        with open_motion(path) as reader:
            yield reader


def told(path: Path, *, num_frames: int, fps: float) -> str:
    """The line that says what was written."""
    return f"{path}: {num_frames} frames, {num_frames / fps:.2f} s at {fps:g} fps"


def sound_of(motion: Path, info: MotionInfo) -> Path | None:
    """The recording that a motion file was made from, if the very same still lies beside it."""
    from face_emote.audio.reader import sha256_of

    path = motion.with_name(Path(info.speech_name).name) if info.speech_name else None
    return path if path and path.is_file() and sha256_of(path) == info.speech_sha256 else None
