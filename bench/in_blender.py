"""Opens exported files in Blender, tells where their vertices are and shows them; runs in Blender's Python."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

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


def show(path: str, setup: dict[str, Any], out: str) -> Mapping[str, Any]:
    """One frame as EEVEE draws it, as `out` (.npy): linear light and alpha, row 0 at the top; see `bench.engines`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    IMPORTERS[Path(path).suffix](path)
    scene.frame_set(round(setup["time"] * scene.render.fps))
    lens = bpy.data.cameras.new("lens")
    lens.angle = setup["camera"]["fov"]
    scene.camera = _placed(lens, setup["camera"]["position"], towards=setup["camera"]["target"])
    middle = np.array(setup["middle"])
    for item in setup["lights"]:
        lamp = bpy.data.lights.new("lamp", "SUN")
        lamp.energy, lamp.color, lamp.angle = np.pi, item["colour"], 0.05
        _placed(lamp, middle + item["direction"], towards=middle)
    scene.world = bpy.data.worlds.new("sky")
    scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*np.mean([setup["sky"]["above"], setup["sky"]["below"]], axis=0), 1.0)
    engines = {item.identifier for item in scene.render.bl_rna.properties["engine"].enum_items}
    scene.render.engine = "BLENDER_EEVEE_NEXT" if "BLENDER_EEVEE_NEXT" in engines else "BLENDER_EEVEE"
    scene.eevee.taa_render_samples = 8
    scene.render.resolution_x, scene.render.resolution_y = setup["width"], setup["height"]
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = str(Path(out).with_suffix(".exr"))
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(scene.render.filepath)
    pixels = np.array(picture.pixels[:], np.float32).reshape(setup["height"], setup["width"], 4)
    np.save(out, pixels[::-1])
    return {}


def _placed(data: Any, position: Any, *, towards: Any) -> Any:
    """A camera or lamp that looks from one place (+Y up) to another."""
    made = bpy.data.objects.new(data.name, data)
    bpy.context.scene.collection.objects.link(made)
    start, end = (Vector((p[0], -p[2], p[1])) for p in (position, towards))
    made.location, made.rotation_euler = start, (end - start).to_track_quat("-Z", "Y").to_euler()
    return made


VERBS = {"measure": measure, "show": show}


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
