"""Writes Alembic and FBX by Blender's own exporters."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from face_emote.blender_side import compat
from face_emote.blender_side.arrays_file import load
from face_emote.blender_side.child import report
from face_emote.blender_side.fbx import write_fbx_file
from face_emote.blender_side.files_job import RigJob, SurfaceJob


def alembic(*, surface: str, cache: str, path: str, num_frames: int, fps: float) -> Mapping[str, Any]:
    """A mesh that follows the point cache `cache` (.pc2), as Alembic; frame 0 is at 0 s."""
    shown = make_mesh(load(SurfaceJob, Path(surface)))
    set_time(num_frames, fps=fps)
    follow_cache(shown, cache, kind="PC2")

    def frame_written(scene: Any, *_: Any) -> None:
        report(scene.frame_current + 1, num_frames)

    bpy.app.handlers.frame_change_post.append(frame_written)
    bpy.ops.wm.alembic_export(
        filepath=path, start=0, end=num_frames - 1, selected=False, uvs=True, normals=False, face_sets=True,
        use_instancing=False, export_hair=False, export_particles=False, evaluation_mode="VIEWPORT",
        as_background_job=False,
    )  # fmt: skip
    return {}


def fbx(*, surface: str, rig: str, path: str, fps: float, attachments: str) -> Mapping[str, Any]:
    """A skinned mesh with shape keys and one animation, and its attachments, as FBX."""
    shown = make_mesh(load(SurfaceJob, Path(surface)))
    facts = load(RigJob, Path(rig))
    set_time(len(facts.turns), fps=fps)
    folder = Path(surface).parent
    others = []
    for name in attachments.split(",") if attachments else ():
        other = make_mesh(load(SurfaceJob, folder / f"{name}.npz"))
        picture = folder / f"{name}.png"
        if picture.is_file():
            _paint(other.data.materials[0], picture)
        others.append((other, load(RigJob, folder / f"{name}_rig.npz")))
    write_fbx_file(shown, facts, path=Path(path), attachments=others)
    return {}


VERBS = {"alembic": alembic, "fbx": fbx}


def make_mesh(job: SurfaceJob) -> Any:
    """An object with the job's vertices in their order, also those that no polygon uses."""
    mesh = bpy.data.meshes.new(job.name)
    mesh.from_pydata(job.rest.tolist(), [], job.polygons.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(job.polygons), bool))
    mesh.polygons.foreach_set("material_index", job.material.astype(np.int32))
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", np.ascontiguousarray(job.uv, np.float32).reshape(-1))
    for name, colour, rough in zip(job.material_names, job.material_colours, job.roughness, strict=True):
        made = bpy.data.materials.new(str(name))
        tree = compat.node_tree(made)
        shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
        shader.inputs["Base Color"].default_value = (*colour.tolist(), 1.0)
        shader.inputs["Roughness"].default_value = float(rough)
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        tree.links.new(shader.outputs[0], output.inputs["Surface"])
        made.diffuse_color = (*colour.tolist(), 1.0)
        mesh.materials.append(made)
    shown = bpy.data.objects.new(job.name, mesh)
    bpy.context.scene.collection.objects.link(shown)
    return shown


def _paint(material: Any, picture: Path) -> None:
    """Colour and coverage from a picture."""
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    image = tree.nodes.new("ShaderNodeTexImage")
    image.image = bpy.data.images.load(str(picture))
    tree.links.new(image.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(image.outputs["Alpha"], shader.inputs["Alpha"])


def set_time(num_frames: int, *, fps: float) -> None:
    """Frames 0 to num_frames - 1 at this rate."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 0, num_frames - 1
    whole = max(1, round(fps))
    scene.render.fps = whole
    scene.render.fps_base = float(whole / Fraction(fps).limit_denominator(1001))
    scene.frame_set(0)


def follow_cache(shown: Any, path: str, *, kind: str) -> None:
    """Move the vertices by a point cache in Blender's axes whose first sample is frame 0."""
    modifier = shown.modifiers.new("cache", "MESH_CACHE")
    modifier.cache_format, modifier.filepath = kind, path
    modifier.forward_axis, modifier.up_axis = "POS_Y", "POS_Z"
    modifier.frame_start = 0.0
    modifier.interpolation = "NONE"
