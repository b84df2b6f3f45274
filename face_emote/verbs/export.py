"""`export`: a motion as files for other programs; the output's name says which."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from face_emote.blender_side.process import blender_python
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource, instant, resampled
from face_emote.core.output import require_replaceable, require_writable, written_beside
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.arkit.writer import write_arkit_json, write_live_link_csv
from face_emote.formats.bvh import write_bvh
from face_emote.formats.captures import is_capture, read_capture
from face_emote.formats.catalogue import FORMATS, ExportFormat
from face_emote.formats.coefficients.writer import write_coefficients
from face_emote.formats.glb.glb import write_glb
from face_emote.formats.mesh.frames import MeshFrames, mesh_frames
from face_emote.formats.mesh.options import MeshOptions
from face_emote.formats.mesh.person import Progress, person_of
from face_emote.formats.mesh.space import MeshSpace
from face_emote.formats.motion_file.motion_file import open_motion, write_motion
from face_emote.formats.obj import write_obj, write_one_obj
from face_emote.formats.ply import write_one_ply, write_ply
from face_emote.formats.point_cache import write_mdd, write_pc2
from face_emote.formats.rig.writer import require_rig_suffix, write_rig
from face_emote.formats.through_blender import write_abc, write_fbx
from face_emote.formats.usd.usd import require_usd, write_usd
from face_emote.provenance.credential import Provenance
from face_emote.provenance.marking import MEDIA_TYPES, mark
from face_emote.rigs.models import is_model_file, named_model
from face_emote.rigs.retarget import shown_on
from face_emote.rigs.rig_file import Rig, load_rig

_MESHES = {
    "": write_obj,
    ".obj": write_obj,
    ".ply": write_ply,
    ".pc2": write_pc2,
    ".mdd": write_mdd,
    ".glb": write_glb,
    ".usda": write_usd,
    ".usdc": write_usd,
    ".usdz": write_usd,
}
_ONE_FRAME = {".obj": write_one_obj, ".ply": write_one_ply}
_PLAIN = {
    ".csv": write_live_link_csv,
    ".json": write_arkit_json,
    ".bvh": write_bvh,
    ".abc": write_abc,
    ".fbx": write_fbx,
}
"""Formats that have no place for options of the mesh."""
_THROUGH_BLENDER = (".abc", ".fbx")
OWN_COEFFICIENTS = "amass"
"""The rig that writes the bundled head's own coefficients as arrays."""
_OPTION_WORDS = {
    "up": "an up-axis", "unit": "a unit", "lod": "a level of detail", "parts": "parts", "blush": "vertex colours",
    "static": "one instant",
}  # fmt: skip


def export(
    motion: MotionSource | str | Path,
    path: str | Path,
    *,
    head: Head | None = None,
    rig: str | Path | Rig | None = None,
    flame: str | Path | None = None,
    up: str = "y",
    unit: str = "m",
    fps: float | None = None,
    lod: int = 0,
    parts: Iterable[str] = (),
    blush: bool = False,
    static_secs: float | None = None,
    provenance: Provenance | None = Provenance(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Path:
    """Write a motion as another file; the suffix of `path` chooses among `FORMATS` (none: a folder of .obj).

    Args:
        motion: A FaceMotion, an open motion file, or a path: of a motion file, which is then streamed, or of a
            capture (`.csv`, `.json`, `.npz` of coefficients).
        path: Where to. A `.ply` or `.obj` is a folder of that name, unless `static_secs` is given.
        head: The face model to show it on: the one that the motion was made for, or an imported FLAME head, to which
            a motion of the bundled head is retargeted. The bundled head if left out.
        rig: Targets of another face instead of our own format: a name of `rig_names()`, a rig file, `amass`
            (coefficients of the bundled head as arrays), or a FLAME or SMPL-X file (its coefficients).
        flame: The FLAME or SMPL-X file that the coefficients in `motion` belong to, when that is a path of such.
        up: `y`, the face looks along +Z; or `z`, it looks along -Y as in Blender. Only for .obj, .ply, .pc2, .mdd.
        unit: `m` or `cm`; only for these too.
        fps: Another frame rate than the motion's; frames between its frames are linear.
        lod: 0 the head's own mesh, 1 and 2 subdivided smoothly once and twice. For all formats that hold meshes.
        parts: Of `skin`, `eye_left`, `eye_right`, `teeth`, `mouth`, `tongue`, `eyes`, `all`: only these, each as an
            object of its own where the format has objects. For all formats that hold meshes.
        blush: Blood flow as vertex colours, for .glb, USD, .ply and .obj.
        static_secs: Only this instant, as a plain mesh: for .glb, USD, .ply and .obj.
        provenance: What the signed mark (C2PA; .glb) says beside the facts; None: no mark.
        progress: Called with (frames done, frames in all, what) now and then.

    Raises:
        OptionError: no such format, axis, unit or part, or the format has no place for an option.
        MotionFileError: the motion file cannot be used.
        DependencyError: USD, and usd-core is not installed; Alembic or FBX, and Blender's module is not.
        BlenderError: Blender failed at Alembic or FBX.
        HeadError: the motion belongs to another face model than `head`.
        OutputError: nothing can be written there.
    """
    target = Path(path)
    options = MeshOptions(
        space=MeshSpace(up=up, unit=unit), lod=lod, parts=tuple(parts), blush=blush, static_secs=static_secs
    )
    if rig is None:
        require_options(target, options)
    else:
        require_rig(target, rig, asked=options.asked)
    with ExitStack() as files:
        source = _opened(motion, files, flame=flame) if isinstance(motion, str | Path) else motion
        source = resampled(source, fps=fps)
        person = head or load_head()
        if rig is not None:
            return _export_rig(source, target, rig, head=person, progress=progress)
        return _export_own(
            shown_on(source, person), target, head=person, options=options, provenance=provenance, progress=progress
        )


def _export_own(
    source: MotionSource, target: Path, *, head: Head, options: MeshOptions, provenance: Provenance | None,
    progress: Progress | None,
) -> Path:  # fmt: skip
    """One of `FORMATS`."""
    suffix = target.suffix.lower()
    if suffix == ".npz":
        return write_motion(source, target)
    if options.blush and head.layout is None:
        raise OptionError("Vertex colours are known on the bundled head only; leave out blush for this head")
    if suffix in _PLAIN:
        _PLAIN[suffix](source, target, head=head, progress=progress)
        return target
    write = _MESHES[suffix]
    if options.static_secs is not None:
        source = instant(source, time_secs=options.static_secs)
        write = _ONE_FRAME.get(suffix, write)
    if provenance is None or suffix not in MEDIA_TYPES:
        write(source, target, head=head, options=options, progress=progress)
        return target
    with written_beside(target) as beside:
        write(source, beside, head=head, options=options, progress=progress)
        mark(beside, source, provenance)
    return target


def meshes(
    motion: MotionSource,
    *,
    head: Head | None = None,
    up: str = "y",
    unit: str = "m",
    fps: float | None = None,
    lod: int = 0,
    parts: Iterable[str] = (),
) -> MeshFrames:
    """The moving mesh of a motion as numpy arrays, made while it is gone through. Arguments as `export`.

    Raises:
        OptionError: no such axis, unit, part or level.
        HeadError: the motion belongs to another face model than `head`.
    """
    person = head or load_head()
    options = MeshOptions(space=MeshSpace(up=up, unit=unit), lod=lod, parts=tuple(parts))
    return mesh_frames(shown_on(resampled(motion, fps=fps), person), head=person, options=options)


def _export_rig(
    source: MotionSource, target: Path, rig: str | Path | Rig, *, head: Head, progress: Progress | None
) -> Path:
    if isinstance(rig, Rig):
        write_rig(source, target, head=head, rig=rig, progress=progress)
    elif str(rig).lower() == OWN_COEFFICIENTS:
        person_of(source, head)
        write_coefficients(source, target, model="face_emote", basis=head.basis, solved=None, progress=progress)
    elif is_model_file(rig):
        person_of(source, load_head())
        kind, basis, solved = named_model(rig)
        write_coefficients(source, target, model=kind, basis=basis, solved=solved, progress=progress)
    else:
        write_rig(source, target, head=head, rig=load_rig(rig), progress=progress)
    return target


def require_rig(path: Path, rig: str | Path | Rig, *, asked: Iterable[str] = ()) -> None:
    """Raise OptionError unless there is such a rig, and it can be written as such a file with these mesh options."""
    named = next(iter(asked), None)
    if named is not None:
        raise OptionError(f"A rig is written as curves, which have no place for {_OPTION_WORDS[named]}; leave it out")
    if isinstance(rig, Rig):
        require_rig_suffix(path, rig)
    elif str(rig).lower() == OWN_COEFFICIENTS or is_model_file(rig):
        if path.suffix.lower() != ".npz":
            raise OptionError(f"Coefficients are written as .npz, not as '{path.suffix}'; end the output so: {path}")
    else:
        require_rig_suffix(path, load_rig(rig))


def require_format(path: Path) -> ExportFormat:
    """The format that a path's suffix means. Raises OptionError when there is none."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(f"{suffix or 'no suffix'} ({item.title})" for suffix, item in FORMATS.items())
        raise OptionError(f"Cannot write '{path.suffix}' files; give the output one of {known}: {path}")
    return FORMATS[suffix]


def require_options(path: Path, options: MeshOptions) -> None:
    """Raise OptionError unless the format of a path is known and has a place for every option that is given."""
    takes = require_format(path).takes
    for name in options.asked:
        if name not in takes:
            able = ", ".join(suffix or "no suffix" for suffix, item in FORMATS.items() if name in item.takes)
            fixed = name in ("up", "unit")
            raise OptionError(
                (f"Up-axis and unit of {path.suffix} files are fixed" if fixed
                 else f"A {path.suffix or 'folder of .obj'} file has no place for {_OPTION_WORDS[name]}")
                + f"; leave {'them' if fixed else 'it'} out, or write one of {able}: {path}"
            )  # fmt: skip


def require_place(path: Path, *, one_file: bool = False) -> None:
    """Raise OptionError, OutputError or DependencyError unless `export` could write its result there.

    `one_file`: one instant is wanted, so that formats that are folders else are files.
    """
    names = require_format(path).folder_names
    if _MESHES.get(path.suffix.lower()) is write_usd:
        require_usd()
    if path.suffix.lower() in _THROUGH_BLENDER:
        blender_python()
    if names is None or one_file:
        require_writable(path)
    else:
        require_replaceable(path, own_names=names)


def _opened(path: str | Path, files: ExitStack, *, flame: str | Path | None) -> MotionSource:
    """A motion file is streamed; captures are small enough to be read whole."""
    if is_capture(Path(path)):
        return read_capture(path, model=flame).motion
    return files.enter_context(open_motion(path))
