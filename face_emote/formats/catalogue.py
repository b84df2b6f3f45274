"""What can be written and read, by suffix: what each format keeps of a performance, what it loses, and by whom."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from face_emote.core.errors import OptionError

SPACE = frozenset({"up", "unit"})
SURFACE = frozenset({"lod", "parts"})
COLOURED = frozenset({"blush", "frame"})
SKIN_CURVES = frozenset({"skin_curves"})
MATERIAL_FILE = "head.mtl"
OBJ_NAMES = re.compile(r"frame_\d{4,}\.obj|head\.mtl")
"""A folder that holds nothing else may be replaced by a new export."""
PLY_NAMES = re.compile(r"frame_\d{4,}\.ply")
_OPTION_WORDS = {
    "up": "an up-axis", "unit": "a unit", "lod": "a level of detail", "parts": "parts", "blush": "vertex colours",
    "frame": "one instant", "skin_curves": "curves of the skin as shapes", "compress": "compression",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One format."""

    title: str
    keeps: str
    loses: str
    takes: frozenset[str] = frozenset()
    """Of `MeshOptions.changed`: what can be chosen. Formats without `up` and `unit` fix them or hold no positions."""
    folder_names: re.Pattern[str] | None = None
    """For formats that are a folder of files: the names of these files."""
    writes: str = ""
    """`room:function` that writes it: (motion, path, person=, progress=); looked up when it is first needed."""
    needs: str = ""
    """`room:function` that raises DependencyError unless what it is written with is installed."""
    pictured: bool = False
    """Whether it holds pictures of the skin."""
    readable: bool = False
    """Whether a motion can be read from it."""

    def writer(self) -> Callable[..., None]:
        """The function that writes it."""
        return _function(self.writes)

    def require_installed(self) -> None:
        """Raise DependencyError unless what it is written with is installed."""
        if self.needs:
            _function(self.needs)()


FORMATS: Mapping[str, FileFormat] = {
    ".npz": FileFormat(
        title="motion file",
        keeps="everything, exactly",
        loses="nothing",
        readable=True,
    ),
    ".glb": FileFormat(
        title="glTF with morph targets and joints",
        keeps="every vertex within 0.5 mm, named shapes, joints, pictures of the skin; wrinkles and blood as curves",
        loses="lashes; lip contact is approximated",
        takes=SURFACE | COLOURED | SKIN_CURVES | {"compress"},
        writes="glb.glb:write_glb",
        pictured=True,
    ),
    ".usda": FileFormat(
        title="USD text with blend shapes and joints",
        keeps="every vertex within 0.5 mm, named shapes, joints, normals; wrinkles and blood flow as attributes",
        loses="lashes, pictures of the materials; lip contact is approximated; needs face-emote[usd]",
        takes=SURFACE | COLOURED,
        writes="usd.usd:write_usd",
        needs="usd.usd:require_usd",
    ),
    ".usdc": FileFormat(
        title="USD in binary",
        keeps="what .usda keeps, a third of the size",
        loses="what .usda loses; needs face-emote[usd]",
        takes=SURFACE | COLOURED,
        writes="usd.usd:write_usd",
        needs="usd.usd:require_usd",
    ),
    ".usdz": FileFormat(
        title="USD in one package",
        keeps="what .usda keeps, and the materials' pictures",
        loses="lashes; lip contact is approximated; needs face-emote[usd]",
        takes=SURFACE | COLOURED,
        writes="usd.usd:write_usd",
        needs="usd.usd:require_usd",
        pictured=True,
    ),
    ".abc": FileFormat(
        title="Alembic vertex cache",
        keeps="every vertex within 0.05 mm, faces, texture coordinates, names of materials, seconds",
        loses="lashes, shapes, joints, wrinkles, blood flow; needs face-emote[blender]",
        writes="blender:write_abc",
        needs="blender:require_blender",
    ),
    ".fbx": FileFormat(
        title="FBX with shape keys and bones",
        keeps="every vertex within 0.5 mm, shapes, bones, materials; skin curves if asked for",
        loses="lashes, pictures of the materials; lip contact is approximated; needs face-emote[blender]",
        takes=SKIN_CURVES,
        writes="blender:write_fbx",
        needs="blender:require_blender",
    ),
    ".csv": FileFormat(
        title="Live Link Face recording",
        keeps="ARKit-52 weights, angles of head and eyes, time",
        loses="shapes beyond ARKit-52 (the nearest stand in), place, identity, wrinkles, blood flow",
        writes="arkit:write_live_link",
        readable=True,
    ),
    ".json": FileFormat(
        title="ARKit curves",
        keeps="what .csv keeps, and the frame rate by name",
        loses="what .csv loses",
        writes="arkit:write_json",
        readable=True,
    ),
    ".bvh": FileFormat(
        title="skeleton in motion",
        keeps="place and turns of head, neck, jaw and eyes",
        loses="the face: mesh, shapes, wrinkles, blood flow",
        writes="bvh:write_bvh",
    ),
    ".pc2": FileFormat(
        title="point cache",
        keeps="every vertex exactly (float32)",
        loses="the mesh itself (take a .ply), seconds, shapes, joints, materials, wrinkles, blood flow",
        takes=SPACE | SURFACE,
        writes="point_cache:write_pc2",
    ),
    ".mdd": FileFormat(
        title="LightWave point cache",
        keeps="every vertex exactly (float32), seconds",
        loses="the mesh itself (take a .ply), shapes, joints, materials, wrinkles, blood flow",
        takes=SPACE | SURFACE,
        writes="point_cache:write_mdd",
    ),
    ".ply": FileFormat(
        title="folder of .ply, one a frame",
        keeps="every vertex exactly (float32), faces",
        loses="time, texture coordinates, materials, shapes, joints, wrinkles, blood flow",
        takes=SPACE | SURFACE | COLOURED,
        folder_names=PLY_NAMES,
        writes="frame_folder:write_ply",
    ),
    ".obj": FileFormat(
        title="folder of .obj, one a frame",
        keeps="what the folder without a suffix keeps",
        loses="what the folder without a suffix loses",
        takes=SPACE | SURFACE | COLOURED,
        folder_names=OBJ_NAMES,
        writes="frame_folder:write_obj",
    ),
    "": FileFormat(
        title="the same",
        keeps="every vertex within 0.001 mm, faces, texture coordinates, names of materials",
        loses="time, shapes, joints, wrinkles, blood flow (colours with --blush)",
        takes=SPACE | SURFACE | {"blush"},
        folder_names=OBJ_NAMES,
        writes="frame_folder:write_obj",
    ),
}
"""By suffix; no suffix means a folder of `.obj`."""


def format_of(path: Path) -> FileFormat:
    """The format that a path's suffix means. Raises OptionError when there is none."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(f"{suffix or 'no suffix'} ({item.title})" for suffix, item in FORMATS.items())
        raise OptionError(f"Cannot write '{path.suffix}' files; give the output one of {known}: {path}")
    return FORMATS[suffix]


def require_options(path: Path, changed: tuple[str, ...]) -> None:
    """Raise OptionError unless the format of a path is known and has a place for every option that is given."""
    takes = format_of(path).takes
    for name in changed:
        if name in takes:
            continue
        able = ", ".join(suffix or "no suffix" for suffix, item in FORMATS.items() if name in item.takes)
        if name in SPACE:
            fault, remedy = f"Up-axis and unit of {path.suffix} files are fixed", "leave them out"
        else:
            fault = f"A {path.suffix or 'folder of .obj'} file has no place for {_OPTION_WORDS[name]}"
            remedy = "leave it out"
        raise OptionError(f"{fault}; {remedy}, or write one of {able}: {path}")


def require_no_options(changed: tuple[str, ...]) -> None:
    """Raise OptionError when any option of the mesh is given."""
    if changed:
        word = _OPTION_WORDS[changed[0]]
        raise OptionError(f"A rig is written as curves, which have no place for {word}; leave it out")


def _function(name: str) -> Callable[..., Any]:
    room, function = name.split(":")
    found: Callable[..., Any] = getattr(import_module(f"face_emote.formats.{room}"), function)
    return found
