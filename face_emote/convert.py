"""`export`: a motion as files for other programs; the output's name says which."""

from collections.abc import Mapping
from pathlib import Path

from face_emote.core.errors import OptionError
from face_emote.core.types import MotionSource
from face_emote.exporting.glb import write_glb
from face_emote.exporting.obj import write_obj
from face_emote.exporting.person import Progress
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.motion.motion_file import MotionReader, write_motion

FORMATS: Mapping[str, str] = {
    ".npz": "motion file",
    ".glb": "glTF with morph targets and joints",
    "": "folder of .obj, one a frame",
}
"""What can be written, by suffix; no suffix means a folder."""


def export(
    motion: MotionSource | str | Path,
    path: str | Path,
    *,
    head: Head | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a motion as .glb, .npz, or (no suffix) a folder of .obj files.

    Args:
        motion: A FaceMotion, an open MotionReader, or the path of a motion file, which is then streamed.
        path: Where to; its suffix chooses the format.
        head: The face model that the motion was made for; the bundled head if left out.
        progress: Called with (frames done, frames in all, what) now and then.

    Raises:
        OptionError: no such format.
        MotionFileError: the motion file cannot be used.
        HeadError: the motion belongs to another face model than `head`.
        OutputError: nothing can be written there.
    """
    target = Path(path)
    require_format(target)
    if isinstance(motion, str | Path):
        with MotionReader(motion) as reader:
            return export(reader, target, head=head, progress=progress)
    suffix = target.suffix.lower()
    if suffix == ".npz":
        return write_motion(motion, target)
    write = write_glb if suffix == ".glb" else write_obj
    write(motion, target, head=head or load_head(), progress=progress)
    return target


def require_format(path: Path) -> None:
    """Raise OptionError unless `export` knows the suffix of a path."""
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(f"{suffix or 'no suffix'} ({meaning})" for suffix, meaning in FORMATS.items())
        raise OptionError(f"Cannot write '{path.suffix}' files; give the output one of {known}: {path}")
