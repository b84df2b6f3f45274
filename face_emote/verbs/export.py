"""`export`: a motion as files for other programs; the output's name says which."""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource, instant, resampled
from face_emote.core.options import Excerpt
from face_emote.core.output import require_replaceable, require_writable, written_beside
from face_emote.core.types import Progress, Speech
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.catalogue import FORMATS, format_of, require_no_options, require_options, suffix_of
from face_emote.formats.cues_file import is_cues, parse_cues, write_cues
from face_emote.formats.mesh.frames import MeshFrames
from face_emote.formats.mesh.options import MeshOptions
from face_emote.formats.mesh.person import person_of
from face_emote.formats.mesh.surface import parts_named
from face_emote.formats.motion_file import opened_motion, write_motion
from face_emote.formats.rig import OWN_COEFFICIENTS, RigName, require_rig, write_rig
from face_emote.provenance.credential import Provenance
from face_emote.provenance.marking import MEDIA_TYPES, mark
from face_emote.rigs.retarget import shown_on
from face_emote.verbs.excerpt import excerpt, sound_part

__all__ = ["FORMATS", "OWN_COEFFICIENTS", "export", "meshes", "require_export", "require_place"]


def export(  # noqa: PLR0913
    motion: MotionSource | str | Path,
    path: str | Path,
    *,
    head: Head | None = None,
    rig: RigName | None = None,
    flame: str | Path | None = None,
    up: str = "y",
    unit: str = "m",
    fps: float | None = None,
    lod: int = 0,
    parts: str | Iterable[str] = (),
    blush: bool = False,
    hair: str = "cards",
    frame: float | None = None,
    skin_curves: bool = False,
    compress: bool = False,
    dense: bool = False,
    avatar: str = "",
    start: float | None = None,
    end: float | None = None,
    speech: Speech | str | Path | None = None,
    provenance: Provenance | None = Provenance(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Path:
    """Write a motion as another file; the suffix of `path` chooses among `FORMATS` (none: a folder of .obj).

    Args:
        motion: A FaceMotion, an open motion file, or the path of a motion file (which is streamed) or of a capture.
        path: Where to. A `.ply` or `.obj` is a folder of that name, unless `frame` is given.
        head: The face model to show it on, if not the bundled one: an imported FLAME head is retargeted to.
        rig: Targets of another face instead of our own format: a name of `rig_names()`, a rig file or what it would
            hold, `amass` (the bundled head's coefficients), a FLAME or SMPL-X file (its coefficients).
        flame: The FLAME or SMPL-X file that the coefficients in `motion` belong to, when that is a path of such.
        up: `y`, the face looks along +Z; or `z`, along -Y as in Blender. Only for .obj, .ply, .pc2, .mdd.
        unit: `m` or `cm`; only for these too.
        fps: Another frame rate than the motion's. Of a capture that does not say its own: the recorded one.
        lod: 0 the head's own mesh, 1 and 2 subdivided smoothly. For formats that hold meshes, as are `parts`.
        parts: Of `surface.PARTS`, `eyes`, `all`: only these, each an object of its own where the format has them.
        blush: Blood flow as vertex colours, for .glb, USD, .ply and .obj.
        hair: `cards`, strips of triangles with a picture, `strands`, a ribbon each, or `none`: for .glb, USD and .fbx.
        frame: Only this instant (seconds), as a plain mesh: for .glb, USD, .ply and .obj.
        skin_curves: Wrinkles and blood as shapes that move nothing, for .glb (extras have them anyway) and .fbx.
        compress: A .glb of half the size, for programs that know EXT_meshopt_compression and EXT_texture_webp.
        dense: The shapes of a .glb in full, six times the size, for programs that read no sparse arrays: older Godots.
        avatar: `talkinghead`: a .glb with the bones, meshes and shapes that TalkingHead and Ready Player Me look up.
        start: Leave out what comes before this instant (seconds).
        end: And what comes after this one.
        speech: The recording, whose sound goes along: inside a .usdz, else beside the file as a .wav of its name.
        provenance: What the signed mark (C2PA; .glb) says beside the facts; None: no mark.
        progress: Called with (frames done, frames in all, what) now and then.

    Raises:
        OptionError, MotionFileError, HeadError, OutputError, BlenderError: it cannot be written so.
        AudioError: the sound cannot be read, or is too short.
        DependencyError: the format needs a package that is not installed.
    """
    target, head, part = Path(path), head or load_head(), Excerpt(start, end)
    if rig is None and is_cues(target):
        return _write_cues(motion, target)
    options = MeshOptions(
        up=up, unit=unit, lod=lod, parts=parts_named(parts), blush=blush, hair=hair, frame=frame,
        skin_curves=skin_curves, compress=compress, dense=dense, avatar=avatar,
    )  # fmt: skip
    require_export(target, options, rig=rig)
    _require_sound(target, speech, part=part, frame=frame)
    with ExitStack() as files:
        if isinstance(motion, str | Path):
            motion = files.enter_context(opened_motion(motion, model=flame, fps=fps))
        whole = resampled(motion, fps=fps)
        source = excerpt(whole, part)
        if speech is not None:
            recording = speech if isinstance(speech, Speech) else Path(speech)
            options = replace(options, sound=files.enter_context(sound_part(recording, whole, part)))
        if rig is not None:
            write_rig(source, target, head=head, rig=rig, progress=progress)
        else:
            source = shown_on(source, head)
            _write(source, target, head=head, options=options, provenance=provenance, progress=progress)
        if options.sound is not None and suffix_of(target) != ".usdz":
            _lay_beside(options.sound, target, recording=speech)
    return target


def _lay_beside(sound: Path, target: Path, *, recording: Speech | str | Path | None) -> None:
    """Give a file the sound that goes along, unless the recording itself lies there already."""
    place = target.with_suffix(".wav")
    if not isinstance(recording, str | Path) or not place.exists() or not place.samefile(recording):
        with written_beside(place) as beside:
            shutil.copyfile(sound, beside)


def _require_sound(target: Path, speech: Speech | str | Path | None, *, part: Excerpt, frame: float | None) -> None:
    """Raise OptionError where a sound, or a part, has no sense."""
    if frame is not None and (speech is not None or part != Excerpt()):
        raise OptionError("One instant has no sound and no parts; leave out frame, or speech, from and to")
    place = target.with_suffix(".wav")
    if isinstance(speech, str | Path) and part != Excerpt() and place.exists() and place.samefile(speech):
        raise OptionError(f"The part's sound would replace the recording; give the output another name: {target}")


def _write_cues(motion: MotionSource | str | Path, target: Path) -> Path:
    """The words and sounds that a motion carries."""
    with ExitStack() as files:
        if isinstance(motion, str | Path):
            motion = files.enter_context(opened_motion(motion))
        if not motion.info.cues:
            raise OptionError("The motion carries no words and sounds; captured ones, parts and older ones have none")
        write_cues(parse_cues(motion.info.cues.encode()), target)
    return target


def _write(
    source: MotionSource, target: Path, *, head: Head, options: MeshOptions, provenance: Provenance | None,
    progress: Progress | None,
) -> None:  # fmt: skip
    """One of `FORMATS`."""
    suffix, form = target.suffix.lower(), format_of(target)
    if suffix == ".npz":
        write_motion(source, target)
        return
    person = person_of(
        source, head=head, options=options, pictured=form.pictured, expressive=form.expressive,
        dressed="hair" in form.takes,
    )  # fmt: skip
    write = form.writer(options.avatar)
    if options.frame is not None:
        source = instant(source, time_secs=options.frame)
    if provenance is None or suffix not in MEDIA_TYPES:
        write(source, target, person=person, progress=progress)
        return
    with written_beside(target) as beside:
        write(source, beside, person=person, progress=progress)
        mark(beside, source, provenance)


def meshes(
    motion: MotionSource,
    *,
    head: Head | None = None,
    up: str = "y",
    unit: str = "m",
    fps: float | None = None,
    lod: int = 0,
    parts: str | Iterable[str] = (),
) -> MeshFrames:
    """The moving mesh of a motion as numpy arrays, made while it is gone through. Arguments as `export`.

    Raises:
        OptionError: no such axis, unit, part or level.
        HeadError: the motion belongs to another face model than `head`.
    """
    person = head or load_head()
    options = MeshOptions(up=up, unit=unit, lod=lod, parts=parts_named(parts))
    shown = shown_on(resampled(motion, fps=fps), person)
    return MeshFrames(shown, person_of(shown, head=person, options=options))


def require_export(path: Path, options: MeshOptions, *, rig: RigName | None) -> None:
    """Raise OptionError unless there is such a format, or rig, and it has a place for every option that is given."""
    if rig is None and is_cues(path):
        require_no_options(options.changed)
    elif rig is None:
        require_options(path, options.changed)
    else:
        require_no_options(options.changed)
        require_rig(path, rig)


def require_place(path: Path, *, one_file: bool = False) -> None:
    """Raise OptionError, OutputError or DependencyError unless `export` could write its result there.

    `one_file`: one instant is wanted, so that formats that are folders else are files.
    """
    if is_cues(path):
        require_writable(path)
        return
    form = format_of(path)
    form.require_installed()
    if not form.folder_names or one_file:
        require_writable(path)
    else:
        require_replaceable(path, own_names=form.own_names)
