"""For gui_session_steps.py: a mesh of somebody else's put into the face of a Rigify rig, Blender's own add-on."""

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

ENDS = {
    "chin": ("chin", "head"), "nose_bridge": ("nose", "head"), "nose_tip": ("nose.002", "head"),
    "nose_base": ("nose.004", "head"), "lip_top": ("lip.T.L", "head"), "lip_bottom": ("lip.B.L", "head"),
    "mouth_left": ("lip.T.L.001", "tail"), "brow_outer_left": ("brow.T.L.001", "head"),
    "brow_inner_left": ("brow.T.L.003", "head"), "eye_outer_left": ("lid.T.L", "head"),
    "eye_inner_left": ("lid.T.L.003", "tail"), "lid_top_left": ("lid.T.L.002", "head"),
    "lid_bottom_left": ("lid.B.L.002", "head"),
}  # fmt: skip
"""Which end of which bone of the human metarig lies at a mark of the face."""
FACE = ("Face", "Face (Primary)")
"""Bone collections that are shown."""


def bare_parts(path: str) -> dict[str, Any]:
    """A glTF head without shape keys and rig, an object a material; eyes left and right apart."""
    before = set(bpy.data.objects)
    bpy.ops.import_scene.gltf(filepath=path)
    new = [item for item in bpy.data.objects if item not in before]
    mesh = max((item for item in new if item.type == "MESH"), key=lambda item: len(item.data.vertices))
    mesh.parent = None
    mesh.modifiers.clear()
    for item in new:
        if item != mesh:
            bpy.data.objects.remove(item)
    jaw, flat = mesh.vertex_groups["jaw"].index, mesh.data.attributes.new("lower", "FLOAT", "POINT")
    for vertex in mesh.data.vertices:
        flat.data[vertex.index].value = sum(group.weight for group in vertex.groups if group.group == jaw)
    mesh.shape_key_clear()
    mesh.vertex_groups.clear()
    mesh.name = "Hero"
    _alone(mesh)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.remove_doubles(threshold=1e-6)
    bpy.ops.mesh.separate(type="MATERIAL")
    bpy.ops.object.mode_set(mode="OBJECT")
    parts = {item.data.materials[0].name.split(".")[0]: item for item in bpy.context.selected_objects}
    eyes = parts.pop("eyes")
    for side in "LR":
        half = eyes.copy()
        half.data = eyes.data.copy()
        bpy.context.scene.collection.objects.link(half)
        _keep(half, [vertex.index for vertex in half.data.vertices if (vertex.co.x > 0.0) == (side == "L")])
        parts[f"eye.{side}"] = half
    bpy.data.objects.remove(eyes)
    return parts


def rigged(parts: dict[str, Any]) -> Any:
    """Rigify's human metarig warped onto the marks of a face, generated; the parts bound to it. Returns the rig."""
    import addon_utils

    addon_utils.enable("rigify", default_set=True)
    marks = {item.face_emote.mark: np.array(item.matrix_world.translation) for item in parts["skin"].children}
    bpy.ops.object.armature_human_metarig_add()
    meta = bpy.context.object
    ends = ENDS | {_other(mark): (_other(bone), end) for mark, (bone, end) in ENDS.items()}
    start = np.array([getattr(meta.data.bones[bone], f"{end}_local") for bone, end in ends.values()])
    warp = _warp(start, np.array([marks[mark] for mark in ends]))
    bpy.ops.object.mode_set(mode="EDIT")
    places = {bone: warp(np.array([bone.head, bone.tail])) for bone in meta.data.edit_bones}
    for bone, (head, tail) in places.items():  # Ends of connected bones move together.
        bone.head, bone.tail = head.tolist(), tail.tolist()
    for side in "LR":
        bone, eye = meta.data.edit_bones[f"eye.{side}"], parts[f"eye.{side}"]
        corners = np.array([eye.matrix_world @ vertex.co for vertex in eye.data.vertices])
        middle = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
        bone.head, bone.tail = middle.tolist(), (middle - (0.0, 0.016, 0.0)).tolist()
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.pose.rigify_generate()
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE" and "rig_id" in item.data)
    bpy.data.objects.remove(meta)
    _alone(rig, parts["skin"])
    bpy.ops.object.parent_set(type="ARMATURE_AUTO")
    for name, part in parts.items():
        if name.startswith("eye"):
            place = part.matrix_world.copy()
            part.parent, part.parent_type, part.parent_bone = rig, "BONE", f"MCH-{name}"
            bpy.context.view_layer.update()
            part.matrix_world = place
        elif name != "skin":
            _between_the_jaws(part, rig)
    for collection in rig.data.collections_all:
        collection.is_visible = collection.name in FACE
    return rig


def _between_the_jaws(part: Any, rig: Any) -> None:
    """Teeth and the inside of the mouth go with the jaw as far as they did."""
    head, jaw = (part.vertex_groups.new(name=name) for name in ("DEF-spine.006", "DEF-jaw"))
    for index, value in enumerate(part.data.attributes["lower"].data):
        head.add([index], 1.0 - value.value, "REPLACE")
        jaw.add([index], value.value, "REPLACE")
    part.parent = rig
    part.modifiers.new("Rig", "ARMATURE").object = rig


def _warp(start: np.ndarray, goal: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The smoothest map that brings points onto others: linear, and radial functions for the rest."""

    def linear(points: np.ndarray) -> np.ndarray:
        return np.column_stack([points, np.ones(len(points))])

    far = np.linalg.norm(start[:, None] - start[None], axis=2)
    system = np.block([[far, linear(start)], [linear(start).T, np.zeros((4, 4))]])
    answer = np.linalg.solve(system, np.concatenate([goal, np.zeros((4, 3))]))
    return lambda points: (
        np.linalg.norm(points[:, None] - start[None], axis=2) @ answer[: len(start)]
        + linear(points) @ answer[len(start) :]
    )


def _other(name: str) -> str:
    return name.replace("left", "right").replace(".L", ".R")


def _alone(*things: Any) -> None:
    """Only these are selected, the first of them active."""
    for item in bpy.context.view_layer.objects:
        item.select_set(item in things)
    bpy.context.view_layer.objects.active = things[0]


def _keep(thing: Any, kept: list[int]) -> None:
    """A mesh without all other vertices."""
    import bmesh

    content = bmesh.new()
    content.from_mesh(thing.data)
    inside = set(kept)
    bmesh.ops.delete(content, geom=[vertex for vertex in content.verts if vertex.index not in inside])
    content.to_mesh(thing.data)
    content.free()
