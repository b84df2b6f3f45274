# SPDX-License-Identifier: GPL-3.0-or-later
"""An own mesh as a file, as it plays here: the take with all that lies over it, by Blender's exporters."""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..messages import tr
from ..report import UserError
from . import takes
from .channels import meshes_of

FORMATS = (".glb", ".usda", ".usdc", ".pc2", ".mdd")


def exports(character: Any, path: Path) -> bool:
    """Whether a file would hold this very mesh; other formats hold curves, which the engine writes."""
    return character is not None and character.face_emote.kind == "OWN" and path.suffix.lower() in FORMATS


def export(context: Any, character: Any, take: Any, *, path: Path) -> None:
    """Write a character's meshes and rig over the frames of a take.

    Raises:
        UserError: a modifier changes the vertices of a point cache, or Blender wrote nothing.
    """
    strips = list(takes.strips_of(take, character))
    first, last = round(min(s.frame_start for s in strips)), round(max(s.frame_end for s in strips))
    ending = path.suffix.lower()
    with _set_aside(context, character, first=first, last=last):
        if ending == ".glb":
            bpy.ops.export_scene.gltf(
                filepath=str(path), export_format="GLB", use_selection=True, export_animations=True,
                export_animation_mode="SCENE", export_anim_slide_to_zero=True, export_frame_range=True,
                export_morph_animation=True, export_force_sampling=True, export_optimize_animation_size=False,
            )  # fmt: skip
        elif ending in (".usda", ".usdc"):
            bpy.ops.wm.usd_export(
                filepath=str(path), selected_objects_only=True, export_animation=True, export_shapekeys=True,
                export_armatures=True,
            )  # fmt: skip
        else:
            _point_cache(context, character, path=path, first=first, last=last)
    if not path.is_file():
        raise UserError(tr("Blender wrote no file; is the folder writable? {path}", path=path))


@contextlib.contextmanager
def _set_aside(context: Any, character: Any, *, first: int, last: int) -> Iterator[None]:
    """Select the character alone and let the scene last as long as the take; all is put back in the end."""
    scene, layer = context.scene, context.view_layer
    span, now = (scene.frame_start, scene.frame_end), scene.frame_current
    selected, active = [item for item in layer.objects if item.select_get()], layer.objects.active
    rig = character.face_emote.rig
    wanted = [*meshes_of(character).values(), *([rig] if rig is not None else [])]
    try:
        for item in layer.objects:
            item.select_set(item in wanted)
        layer.objects.active = character
        scene.frame_start, scene.frame_end = first, last
        yield
    finally:
        for item in layer.objects:
            item.select_set(item in selected)
        layer.objects.active = active
        scene.frame_start, scene.frame_end = span
        scene.frame_set(now)


def _point_cache(context: Any, character: Any, *, path: Path, first: int, last: int) -> None:
    """Vertices in the object's space, Z up: `.pc2` little endian, `.mdd` big endian with the seconds of each frame."""
    scene, count = context.scene, len(character.data.vertices)
    table = np.empty((last - first + 1, count, 3), np.float32)
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        mesh = character.evaluated_get(context.evaluated_depsgraph_get()).data
        if len(mesh.vertices) != count:
            raise UserError(
                tr(
                    "A modifier changes the vertices of '{name}'; switch it off in the viewport first",
                    name=character.name,
                )
            )
        mesh.vertices.foreach_get("co", table[frame - first].reshape(-1))
    if path.suffix.lower() == ".pc2":
        head = struct.pack("<12siiffi", b"POINTCACHE2\0", 1, count, float(first), 1.0, len(table))
        path.write_bytes(head + table.astype("<f4").tobytes())
        return
    seconds = (np.arange(len(table)) / (scene.render.fps / scene.render.fps_base)).astype(">f4")
    path.write_bytes(struct.pack(">ii", len(table), count) + seconds.tobytes() + table.astype(">f4").tobytes())
