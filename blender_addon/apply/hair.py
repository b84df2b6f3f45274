# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair as Blender curves. Brows and lashes ride on the deforming skin, the scalp's hair on the neck bone."""

from typing import Any

import bpy
import numpy as np

from .. import compat
from .axes import placed

KINDS = ("scalp", "brow", "lash")
FOLLOW = "Face Emote Follow Skin"
KIND = "face_emote_hair"
"""Custom property of the curves: which of `KINDS`."""


def add_hair(arrays: dict[str, np.ndarray], *, head: Any, rig: Any, collection: Any) -> list[Any]:
    """One curves object per kind of hair that the person has."""
    made, follow = [], _follow_group(head)
    for kind in KINDS:
        points = arrays[f"hair_{kind}_points"]
        if len(points) == 0:
            continue
        data = bpy.data.hair_curves.new(f"{head.name} {kind}")
        data[KIND] = kind
        num_strands, num_knots = points.shape[:2]
        data.add_curves([num_knots] * num_strands)
        data.position_data.foreach_set("vector", placed(points).ravel())
        colour = arrays[f"hair_{kind}_colour"]
        _attribute(data, "radius", "FLOAT", "POINT", "value", arrays[f"hair_{kind}_radius"])
        _attribute(data, "face_emote_colour", "FLOAT_VECTOR", "CURVE", "vector", colour)
        data.materials.append(_material(kind, colour.mean(axis=0), name=head.name))
        hair = bpy.data.objects.new(data.name, data)
        collection.objects.link(hair)
        if kind == "scalp":
            _follow_bone(hair, rig)
        else:
            hair.parent = head
            anchors = arrays[f"hair_{kind}_anchor"]
            corners = placed(arrays["vertices"])[anchors]
            _attribute(data, "face_emote_local", "FLOAT_VECTOR", "POINT", "vector", _in_frames(placed(points), corners))
            for corner in range(3):
                _attribute(data, f"face_emote_anchor{corner}", "INT", "CURVE", "value", anchors[:, corner])
            hair.modifiers.new("Follow the skin", "NODES").node_group = follow
        made.append(hair)
    return made


def dress(copy: Any, original: Any) -> None:
    """Give a duplicated head brows and lashes that follow it: its copies follow the original, or are missing."""
    worn = {_kind(item): item for item in copy.children if _follower(item) is not None}
    for item in original.children:
        modifier = _follower(item)
        if modifier is None:
            continue
        hair = worn.get(_kind(item))
        if hair is None:
            hair = item.copy()
            hair.data, hair.parent = item.data.copy(), copy
            for collection in copy.users_collection:
                collection.objects.link(hair)
        group = modifier.node_group.copy()
        group.name = f"{FOLLOW} {copy.name}"
        for node in group.nodes:
            if node.bl_idname == "GeometryNodeObjectInfo":
                node.inputs["Object"].default_value = copy
        _follower(hair).node_group = group


def _follower(thing: Any) -> Any:
    """The modifier that lets hair ride on the skin; None for anything else."""
    groups = (item for item in thing.modifiers if item.type == "NODES" and item.node_group is not None)
    return next((item for item in groups if item.node_group.name.startswith(FOLLOW)), None)


def _kind(hair: Any) -> str:
    """Which of a head's hairs this is, however it is called."""
    return str(hair.data.get(KIND, ""))


def _attribute(data: Any, name: str, kind: str, domain: str, field: str, values: np.ndarray) -> None:
    attribute = data.attributes.get(name) or data.attributes.new(name, kind, domain)
    attribute.data.foreach_set(field, np.ascontiguousarray(values, np.int32 if kind == "INT" else np.float32).ravel())


def _follow_bone(hair: Any, rig: Any) -> None:
    hair.parent, hair.parent_type, hair.parent_bone = rig, "BONE", "neck"
    bone = rig.data.bones["neck"]
    tail = bone.matrix_local.copy()
    tail.translation = bone.tail_local  # Children of a bone hang on its tail.
    hair.matrix_parent_inverse = tail.inverted()


def _in_frames(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Knots [strand, knot, 3] in the frames of their anchor triangles [strand, 3, 3]: Z the normal, X along a side.

    The same frame as in `_follow_group`; strands keep their shape while the triangle moves.
    """
    along = corners[:, 1] - corners[:, 0]
    up = np.cross(along, corners[:, 2] - corners[:, 0])
    x = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    z = up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-12)
    frames = np.stack([x, np.cross(z, x), z], axis=1)
    inside: np.ndarray = np.einsum("sij,skj->ski", frames, points - corners.mean(axis=1)[:, None])
    return inside


def _follow_group(head: Any) -> Any:
    """A modifier of one head's hair: how a shared one is given its head differs between versions.

    Puts every knot back into the frame of its anchor triangle. Blender's own Deform Curves on Surface looks roots up
    in texture coordinates at every frame, which takes longer than all the rest of the face.
    """
    tree = bpy.data.node_groups.new(f"{FOLLOW} {head.name}", "GeometryNodeTree")
    tree.is_modifier = True
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    place = iter(range(100))

    def node(kind: str, **settings: Any) -> Any:
        made = tree.nodes.new(kind)
        made.location = (190 * next(place), 0)
        for name, value in settings.items():
            setattr(made, name, value)
        return made

    def vector(operation: str, first: Any, second: Any) -> Any:
        made = node("ShaderNodeVectorMath", operation=operation)
        for socket, value in zip(made.inputs, (first, second), strict=False):
            if isinstance(value, tuple):
                socket.default_value = value
            else:
                tree.links.new(value, socket)
        return made.outputs[0]

    start, end = node("NodeGroupInput"), node("NodeGroupOutput")
    info = node("GeometryNodeObjectInfo", transform_space="RELATIVE")
    info.inputs["Object"].default_value = head
    position = node("GeometryNodeInputPosition")
    corners = []
    for corner in range(3):
        index = node("GeometryNodeInputNamedAttribute", data_type="INT")
        index.inputs["Name"].default_value = f"face_emote_anchor{corner}"
        sample = node("GeometryNodeSampleIndex", data_type="FLOAT_VECTOR", domain="POINT")
        tree.links.new(info.outputs["Geometry"], sample.inputs["Geometry"])
        tree.links.new(position.outputs[0], sample.inputs["Value"])
        tree.links.new(index.outputs["Attribute"], sample.inputs["Index"])
        corners.append(sample.outputs["Value"])
    along = vector("SUBTRACT", corners[1], corners[0])
    up = vector("CROSS_PRODUCT", along, vector("SUBTRACT", corners[2], corners[0]))
    middle = vector("ADD", vector("ADD", corners[0], corners[1]), corners[2])
    frame = node("FunctionNodeAxesToRotation", primary_axis="Z", secondary_axis="X")
    tree.links.new(up, frame.inputs[0])
    tree.links.new(along, frame.inputs[1])
    local = node("GeometryNodeInputNamedAttribute", data_type="FLOAT_VECTOR")
    local.inputs["Name"].default_value = "face_emote_local"
    turn = node("FunctionNodeRotateVector")
    tree.links.new(local.outputs["Attribute"], turn.inputs["Vector"])
    tree.links.new(frame.outputs[0], turn.inputs["Rotation"])
    third = 1.0 / 3.0
    moved = vector("ADD", turn.outputs[0], vector("MULTIPLY", middle, (third, third, third)))
    put = node("GeometryNodeSetPosition")
    tree.links.new(start.outputs["Geometry"], put.inputs["Geometry"])
    tree.links.new(moved, put.inputs["Position"])
    tree.links.new(put.outputs[0], end.inputs[0])
    return tree


def _material(kind: str, colour: np.ndarray, *, name: str) -> Any:
    material = bpy.data.materials.new(f"{name} {kind}")
    material.diffuse_color = (*(float(value) for value in colour), 1.0)
    tree = compat.use_nodes(material)
    tree.nodes.clear()
    own = tree.nodes.new("ShaderNodeAttribute")
    own.attribute_name = "face_emote_colour"
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    out = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(own.outputs["Vector"], shader.inputs["Base Color"])
    tree.links.new(shader.outputs[0], out.inputs["Surface"])
    shader.inputs["Roughness"].default_value = 0.55 if kind == "scalp" else 0.8
    shader.inputs["Specular IOR Level"].default_value = 0.35 if kind == "scalp" else 0.1
    for x, node in enumerate((own, shader, out)):
        node.location = (220 * x, 0)
    return material
