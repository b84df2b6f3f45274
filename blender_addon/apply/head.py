# SPDX-License-Identifier: GPL-3.0-or-later
"""Our head as Blender objects: a mesh with shape keys, an armature of five bones, hair, a bust in its garment."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..messages import tr
from ..names import BLOOD_PROPERTIES, SKIN_PROPERTY, SOLID_COLOURS, WRINKLE_PROPERTIES
from ..report import UserError
from .axes import placed
from .eyes import with_corneas
from .hair import add_hair
from .materials import cloth_material, head_look

PARENTS = {"neck": "global", "jaw": "neck", "eye_left": "neck", "eye_right": "neck"}
TAILS = {
    "global": (0.0, 0.0, 0.06), "neck": (0.0, -0.01, 0.07), "jaw": (0.0, -0.045, -0.025),
    "eye_left": (0.0, -0.008, 0.0), "eye_right": (0.0, -0.008, 0.0),
}  # fmt: skip
"""Where each bone points to from its joint, Blender's axes, metres: none sticks out of the skin."""
BEYOND = ("corrective_", "lipSeal_")
"""Shape keys whose weights leave 0..1 by nature."""
MASK_GROUPS = (("wrinkle_masks", "face_emote_mask_w"), ("blood_masks", "face_emote_mask_b"))
"""Masks travel four to a colour attribute: EEVEE gives a material about a dozen attributes."""


@dataclass(frozen=True, slots=True)
class NewHead:
    """What was made."""

    mesh: Any
    rig: Any


def add_head(path: Path, *, collection: Any, name: str, person: str) -> NewHead:
    """Build a head from the engine's file. `person` is stored with it, so that takes are made for the same one.

    Raises:
        UserError: the file is gone or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise UserError(
            tr("The head's file is missing or damaged; add the character again: {path}", path=path)
        ) from None
    arrays = with_corneas(arrays)
    rig = _rig(arrays, name, collection)
    mesh = _mesh(arrays, name)
    collection.objects.link(mesh)
    _bind(mesh, rig, arrays["skin_weights"], joint_names=arrays["joint_names"])
    _shape_keys(mesh, arrays)
    _masks(mesh.data, arrays)
    _properties(mesh)
    look = head_look(arrays, folder=path.parent, name=name)
    for material in look.materials:
        mesh.data.materials.append(material)
    _solid_colours(mesh, look.corners)
    smooth = mesh.modifiers.new("Smooth", "SUBSURF")
    smooth.levels, smooth.render_levels = 0, 1
    smooth.boundary_smooth = "PRESERVE_CORNERS"
    settings = mesh.face_emote
    settings.kind, settings.person, settings.rig = "HEAD", person, rig
    garment = _garment(arrays, name, collection)
    _bind(garment, rig, arrays["garment_weights"], joint_names=arrays["joint_names"])
    add_hair(arrays, head=mesh, rig=rig, collection=collection)
    return NewHead(mesh, rig)


def _rig(arrays: dict[str, np.ndarray], name: str, collection: Any) -> Any:
    data = bpy.data.armatures.new(f"{name} rig")
    data.display_type = "STICK"
    rig = bpy.data.objects.new(f"{name} rig", data)
    collection.objects.link(rig)
    view_layer = bpy.context.view_layer
    former = view_layer.objects.active
    view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    joints = placed(arrays["joints"])
    for i, joint in enumerate(arrays["joint_names"].tolist()):
        bone = data.edit_bones.new(joint)
        bone.head = joints[i].tolist()
        bone.tail = (joints[i] + np.array(TAILS[joint])).tolist()
        bone.parent = data.edit_bones.get(PARENTS.get(joint, ""))
    bpy.ops.object.mode_set(mode="OBJECT")
    view_layer.objects.active = former
    for bone in rig.pose.bones:
        bone.rotation_mode = "XYZ"
    return rig


def _mesh(arrays: dict[str, np.ndarray], name: str) -> Any:
    mesh = bpy.data.meshes.new(name)
    quads = arrays["quads"]
    mesh.from_pydata(placed(arrays["vertices"]).tolist(), [], quads.tolist(), shade_flat=False)
    layer = mesh.uv_layers.new(name="UVMap")
    layer.uv.foreach_set("vector", arrays["quad_uv"].astype(np.float32).ravel())
    mesh.polygons.foreach_set("material_index", arrays["quad_material"].astype(np.int32))
    mesh.validate()
    mesh.update()
    return bpy.data.objects.new(name, mesh)


def _bind(mesh: Any, rig: Any, weights: np.ndarray, *, joint_names: np.ndarray) -> None:
    """Vertex groups and the armature modifier. Weights are grouped by value, for groups take one value at a time."""
    for joint, name in enumerate(joint_names.tolist()):
        group = mesh.vertex_groups.new(name=name)
        rounded = np.round(weights[:, joint], 3)
        for value in np.unique(rounded[rounded > 0.0]).tolist():
            group.add(np.flatnonzero(rounded == value).tolist(), value, "REPLACE")
    mesh.parent = rig
    modifier = mesh.modifiers.new("Rig", "ARMATURE")
    modifier.object = rig


def _shape_keys(mesh: Any, arrays: dict[str, np.ndarray]) -> None:
    rest = placed(arrays["vertices"])
    mesh.shape_key_add(name="Basis", from_mix=False)
    for name, delta in zip(arrays["key_names"].tolist(), arrays["key_deltas"], strict=True):
        key = mesh.shape_key_add(name=name, from_mix=False)
        low, high = (-10.0, 10.0) if name.startswith(BEYOND) else (-1.0, 2.0)
        key.slider_min, key.slider_max = low, high
        key.value = 0.0
        key.data.foreach_set("co", (rest + placed(delta)).ravel())


def _masks(mesh: Any, arrays: dict[str, np.ndarray]) -> None:
    for source, prefix in MASK_GROUPS:
        masks = arrays[source]
        padded = np.zeros((len(masks), 4 * -(-masks.shape[1] // 4)), np.float32)
        padded[:, : masks.shape[1]] = masks
        for group in range(padded.shape[1] // 4):
            attribute = mesh.attributes.new(f"{prefix}{group}", "FLOAT_COLOR", "POINT")
            attribute.data.foreach_set("color", np.ascontiguousarray(padded[:, 4 * group : 4 * group + 4]).ravel())


def _solid_colours(mesh: Any, corners: np.ndarray) -> None:
    """What Solid mode shows where colours are those of attributes, and of objects."""
    shown = mesh.data.attributes.new(SOLID_COLOURS, "BYTE_COLOR", "CORNER")
    shown.data.foreach_set("color_srgb", corners.ravel())
    mesh.data.color_attributes.active_color_name = shown.name
    mesh.color = mesh.data.materials[0].diffuse_color


def _properties(mesh: Any) -> None:
    """What the shader reads and takes animate."""
    for name, low in (*((n, 0.0) for n in WRINKLE_PROPERTIES), *((n, -1.0) for n in BLOOD_PROPERTIES)):
        mesh[name] = [0.0, 0.0, 0.0, 0.0]
        mesh.id_properties_ui(name).update(min=low, max=1.0, soft_min=low, soft_max=1.0, default=[0.0] * 4)
    mesh[SKIN_PROPERTY] = [1.0, 1.0, 0.0, 0.0]
    mesh.id_properties_ui(SKIN_PROPERTY).update(min=0.0, max=100.0, soft_max=2.0, default=[1.0, 1.0, 0.0, 0.0])


def _garment(arrays: dict[str, np.ndarray], name: str, collection: Any) -> Any:
    mesh = bpy.data.meshes.new(f"{name} collar")
    points = placed(arrays["garment_vertices"]).tolist()
    mesh.from_pydata(points, [], arrays["garment_triangles"].tolist(), shade_flat=False)
    mesh.materials.append(cloth_material(arrays["garment_colour"], name=name))
    collar = bpy.data.objects.new(f"{name} collar", mesh)
    collar.color = mesh.materials[0].diffuse_color
    collection.objects.link(collar)
    return collar
