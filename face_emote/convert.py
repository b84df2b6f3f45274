"""`export`: a motion as files for other programs; the output's name says which."""

from contextlib import ExitStack
from pathlib import Path

from face_emote.core.errors import OptionError
from face_emote.core.output import require_replaceable, require_writable
from face_emote.core.types import MotionSource
from face_emote.exporting.arkit_files import write_arkit_json, write_live_link_csv
from face_emote.exporting.bvh import write_bvh
from face_emote.exporting.formats import FORMATS, ExportFormat
from face_emote.exporting.glb import write_glb
from face_emote.exporting.mesh_space import OURS, MeshSpace
from face_emote.exporting.obj import write_obj
from face_emote.exporting.person import Progress
from face_emote.exporting.ply import write_ply
from face_emote.exporting.point_cache import write_mdd, write_pc2
from face_emote.exporting.resampled import ResampledMotion
from face_emote.exporting.usd import require_usd, write_usd
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.motion.imports.capture import CAPTURE_SUFFIXES
from face_emote.motion.motion_file import MotionReader, read_motion, write_motion

_MESHES = {"": write_obj, ".ply": write_ply, ".pc2": write_pc2, ".mdd": write_mdd}
_RIGS = {
    ".glb": write_glb,
    ".csv": write_live_link_csv,
    ".json": write_arkit_json,
    ".bvh": write_bvh,
    ".usda": write_usd,
    ".usdc": write_usd,
}


def export(
    motion: MotionSource | str | Path,
    path: str | Path,
    *,
    head: Head | None = None,
    up: str = "y",
    unit: str = "m",
    fps: float | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a motion as another file; the suffix of `path` chooses among `FORMATS` (none: a folder of .obj).

    Args:
        motion: A FaceMotion, an open MotionReader, or a path: of a motion file, which is then streamed, or of a
            capture (`.csv`, `.json`).
        path: Where to. A `.ply` is a folder of that name.
        head: The face model that the motion was made for; the bundled head if left out.
        up: `y`, the face looks along +Z; or `z`, it looks along -Y as in Blender. Only for .obj, .ply, .pc2, .mdd.
        unit: `m` or `cm`; only for these too.
        fps: Another frame rate than the motion's; frames between its frames are linear.
        progress: Called with (frames done, frames in all, what) now and then.

    Raises:
        OptionError: no such format, axis or unit, or the format fixes them.
        MotionFileError: the motion file cannot be used.
        DependencyError: USD, and usd-core is not installed.
        HeadError: the motion belongs to another face model than `head`.
        OutputError: nothing can be written there.
    """
    target, space = Path(path), MeshSpace(up=up, unit=unit)
    require_space(target, space)
    suffix = target.suffix.lower()
    with ExitStack() as files:
        source = _opened(motion, files) if isinstance(motion, str | Path) else motion
        if fps is not None and fps != source.fps:
            source = ResampledMotion(source, fps=fps)
        if suffix == ".npz":
            return write_motion(source, target)
        person = head or load_head()
        if suffix in _MESHES:
            _MESHES[suffix](source, target, head=person, space=space, progress=progress)
        else:
            _RIGS[suffix](source, target, head=person, progress=progress)
    return target


def require_format(path: Path) -> ExportFormat:
    """The format that a path's suffix means. Raises OptionError when there is none."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(f"{suffix or 'no suffix'} ({item.title})" for suffix, item in FORMATS.items())
        raise OptionError(f"Cannot write '{path.suffix}' files; give the output one of {known}: {path}")
    return FORMATS[suffix]


def require_space(path: Path, space: MeshSpace) -> None:
    """Raise OptionError unless the format of a path is known and can have these axes and this unit."""
    if space != OURS and not require_format(path).takes_space:
        able = ", ".join(suffix or "no suffix" for suffix, item in FORMATS.items() if item.takes_space)
        raise OptionError(
            f"Up-axis and unit of {path.suffix} files are fixed; leave them out, or write one of {able}: {path}"
        )
    require_format(path)


def require_place(path: Path) -> None:
    """Raise OptionError, OutputError or DependencyError unless `export` could write its result there."""
    names = require_format(path).folder_names
    if _RIGS.get(path.suffix.lower()) is write_usd:
        require_usd()
    if names is None:
        require_writable(path)
    else:
        require_replaceable(path, own_names=names)


def _opened(path: str | Path, files: ExitStack) -> MotionSource:
    """A motion file is streamed; captures are small enough to be read whole."""
    if Path(path).suffix.lower() in CAPTURE_SUFFIXES:
        return read_motion(path)
    return files.enter_context(MotionReader(path))
