"""Opens exported files in Blender and tells where their vertices are; runs in Blender's Python."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from face_emote.blender_side import files
from face_emote.blender_side.arrays_file import load
from face_emote.blender_side.files_job import SurfaceJob


def measure(path: str, surface: str, frames: list[int], fps: float, out: str) -> Mapping[str, Any]:
    """World positions of all vertices on some frames, as `out` (.npy) [frame, vertex, 3] in Blender's axes.

    Point caches are put on the mesh of `surface` as they are, whatever their axes.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    files.set_time(max(frames) + 1, fps=fps)
    suffix = Path(path).suffix
    if suffix in (".pc2", ".mdd"):
        files.follow_cache(files.make_mesh(load(SurfaceJob, Path(surface))), path, kind=suffix[1:].upper())
    else:
        IMPORTERS[suffix](path)
    files.set_time(max(frames) + 1, fps=fps)  # Importers change the rate.
    shown = [item for item in bpy.context.scene.objects if item.type == "MESH" and item.name.split(".")[0] == "head"]
    assert len(shown) == 1, [item.name for item in shown]
    np.save(out, np.stack([_positions(shown[0], frame) for frame in frames]))
    return {}


VERBS = {"measure": measure}


def _glb(path: str) -> None:
    bpy.ops.import_scene.gltf(filepath=path)


def _fbx(path: str) -> None:
    bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)


def _abc(path: str) -> None:
    bpy.ops.wm.alembic_import(filepath=path, as_background_job=False)


def _usd(path: str) -> None:
    bpy.ops.wm.usd_import(filepath=path)


IMPORTERS: Mapping[str, Callable[[str], None]] = {
    ".glb": _glb, ".fbx": _fbx, ".abc": _abc, ".usda": _usd, ".usdc": _usd,
}  # fmt: skip


def _positions(shown: Any, frame: int) -> Any:
    bpy.context.scene.frame_set(frame)
    graph = bpy.context.evaluated_depsgraph_get()
    posed = shown.evaluated_get(graph)
    mesh = posed.to_mesh()
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    matrix = np.array(posed.matrix_world)
    posed.to_mesh_clear()
    return points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
