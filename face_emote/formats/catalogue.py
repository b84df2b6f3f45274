"""What can be written, by suffix: what each format keeps of a performance, and what it loses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from face_emote.formats import obj, ply

SPACE = frozenset({"up", "unit"})
SURFACE = frozenset({"lod", "parts"})
COLOURED = frozenset({"blush", "static"})


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format."""

    title: str
    keeps: str
    loses: str
    takes: frozenset[str] = frozenset()
    """Of `MeshOptions.asked`: what can be chosen. The formats without `up` and `unit` fix them or hold no positions."""
    folder_names: re.Pattern[str] | None = None
    """For formats that are a folder of files: the names of these files."""


FORMATS: Mapping[str, ExportFormat] = {
    ".npz": ExportFormat(
        title="motion file",
        keeps="everything, exactly",
        loses="nothing",
    ),
    ".glb": ExportFormat(
        title="glTF with morph targets and joints",
        keeps="every vertex within 0.5 mm, named shapes, joints, pictures of the skin; wrinkles and blood as curves",
        loses="lashes; lip contact is approximated",
        takes=SURFACE | COLOURED,
    ),
    ".usda": ExportFormat(
        title="USD text with blend shapes and joints",
        keeps="every vertex within 0.5 mm, named shapes, joints, normals; wrinkles and blood flow as attributes",
        loses="lashes, pictures of the materials; lip contact is approximated; needs face-emote[usd]",
        takes=SURFACE | COLOURED,
    ),
    ".usdc": ExportFormat(
        title="USD in binary",
        keeps="what .usda keeps, a third of the size",
        loses="what .usda loses; needs face-emote[usd]",
        takes=SURFACE | COLOURED,
    ),
    ".usdz": ExportFormat(
        title="USD in one package",
        keeps="what .usda keeps, and the materials' pictures",
        loses="lashes; lip contact is approximated; needs face-emote[usd]",
        takes=SURFACE | COLOURED,
    ),
    ".abc": ExportFormat(
        title="Alembic vertex cache",
        keeps="every vertex within 0.05 mm, faces, texture coordinates, names of materials, seconds",
        loses="lashes, shapes, joints, wrinkles, blood flow; needs face-emote[blender]",
    ),
    ".fbx": ExportFormat(
        title="FBX with shape keys and bones",
        keeps="every vertex within 0.5 mm, named shapes, bones, materials; wrinkles and blood flow as curves",
        loses="lashes, pictures of the materials; lip contact is approximated; needs face-emote[blender]",
    ),
    ".csv": ExportFormat(
        title="Live Link Face recording",
        keeps="ARKit-52 weights, angles of head and eyes, time",
        loses="shapes beyond ARKit-52 (the nearest stand in), place, identity, wrinkles, blood flow",
    ),
    ".json": ExportFormat(
        title="ARKit curves",
        keeps="what .csv keeps, and the frame rate by name",
        loses="what .csv loses",
    ),
    ".bvh": ExportFormat(
        title="skeleton in motion",
        keeps="place and turns of head, neck, jaw and eyes",
        loses="the face: mesh, shapes, wrinkles, blood flow",
    ),
    ".pc2": ExportFormat(
        title="point cache",
        keeps="every vertex exactly (float32)",
        loses="the mesh itself (take a .ply), seconds, shapes, joints, materials, wrinkles, blood flow",
        takes=SPACE | SURFACE,
    ),
    ".mdd": ExportFormat(
        title="LightWave point cache",
        keeps="every vertex exactly (float32), seconds",
        loses="the mesh itself (take a .ply), shapes, joints, materials, wrinkles, blood flow",
        takes=SPACE | SURFACE,
    ),
    ".ply": ExportFormat(
        title="folder of .ply, one a frame",
        keeps="every vertex exactly (float32), faces",
        loses="time, texture coordinates, materials, shapes, joints, wrinkles, blood flow",
        takes=SPACE | SURFACE | COLOURED,
        folder_names=ply.OWN_NAMES,
    ),
    ".obj": ExportFormat(
        title="folder of .obj, one a frame",
        keeps="what the folder without a suffix keeps",
        loses="what the folder without a suffix loses",
        takes=SPACE | SURFACE | COLOURED,
        folder_names=obj.OWN_NAMES,
    ),
    "": ExportFormat(
        title="the same",
        keeps="every vertex within 0.001 mm, faces, texture coordinates, names of materials",
        loses="time, shapes, joints, wrinkles, blood flow (colours with --blush)",
        takes=SPACE | SURFACE | {"blush"},
        folder_names=obj.OWN_NAMES,
    ),
}
"""By suffix; no suffix means a folder of `.obj`."""
