# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair: the scalp's as Blender curves on the neck bone; brows and lashes in the head itself, on its deforming skin."""

from typing import Any

import bpy
import numpy as np

from .. import compat
from ..names import SOLID_COLOURS
from .axes import placed

FINE = ("brow", "lash")
SIDES, WIDER = 3, 1.3
"""Corners of a brow's or lash's section, and how much wider a triangle is to cover as much as a round hair."""

LIFTED = 1e-4
"""Metres off the skin: hairs that dip into it would swallow light that wanders inside."""


def add_hair(arrays: dict[str, np.ndarray], *, head: Any, rig: Any, collection: Any) -> None:
    """Brows and lashes as a modifier, so that whatever happens to the head happens to them; scalp hair, if any."""
    head.modifiers.new("Brows and Lashes", "NODES").node_group = _wear_group(_fine(arrays, name=head.name))
    if len(arrays["hair_scalp_points"]):
        scalp = _scalp(arrays, name=f"{head.name} hair")
        collection.objects.link(scalp)
        _follow_bone(scalp, rig)


def _scalp(arrays: dict[str, np.ndarray], *, name: str) -> Any:
    points, colour = arrays["hair_scalp_points"], arrays["hair_scalp_colour"]
    data = bpy.data.hair_curves.new(name)
    data.add_curves([points.shape[1]] * len(points))
    data.position_data.foreach_set("vector", placed(points).ravel())
    _attribute(data, "radius", "FLOAT", "POINT", "value", arrays["hair_scalp_radius"])
    _attribute(data, "face_emote_colour", "FLOAT_VECTOR", "CURVE", "vector", colour)
    data.materials.append(_material(colour.mean(axis=0), name=name, is_fine=False))
    made = bpy.data.objects.new(name, data)
    made.color = data.materials[0].diffuse_color
    return made


def _fine(arrays: dict[str, np.ndarray], *, name: str) -> Any:
    """Brows and lashes as one mesh, in no scene: every vertex knows its place in the frame of its anchor triangle."""
    groups = [(placed(arrays[f"hair_{kind}_points"]), arrays[f"hair_{kind}_radius"]) for kind in FINE]
    tubes = [_tubes(points, radius) for points, radius in groups]
    per_strand = [len(tube[0]) // len(points) for tube, (points, _radius) in zip(tubes, groups, strict=True)]
    anchors, colour = (
        np.concatenate(
            [np.repeat(arrays[f"hair_{k}_{what}"], n, axis=0) for k, n in zip(FINE, per_strand, strict=True)]
        )
        for what in ("anchor", "colour")
    )
    vertices = np.concatenate([tube[0] for tube in tubes])
    first = np.cumsum([0, *(len(tube[0]) for tube in tubes)])
    faces = np.concatenate([np.where(tube[1] < 0, -1, tube[1] + n) for tube, n in zip(tubes, first, strict=False)])
    mesh = bpy.data.meshes.new(f"{name} brows and lashes")
    corners = [face[:3] if face[3] < 0 else face for face in faces.tolist()]
    mesh.from_pydata(vertices.tolist(), [], corners, shade_flat=False)
    local = _in_frames(vertices[:, None], placed(arrays["vertices"])[anchors])[:, 0]
    local[:, 2] += LIFTED
    _attribute(mesh, "face_emote_local", "FLOAT_VECTOR", "POINT", "vector", local)
    _attribute(mesh, "face_emote_colour", "FLOAT_VECTOR", "POINT", "vector", colour)
    for corner in range(3):
        _attribute(mesh, f"face_emote_anchor{corner}", "INT", "POINT", "value", anchors[:, corner])
    mean = colour.mean(axis=0)
    _attribute(mesh, SOLID_COLOURS, "BYTE_COLOR", "CORNER", "color", np.tile([*mean, 1.0], (len(mesh.loops), 1)))
    mesh.color_attributes.active_color_name = SOLID_COLOURS
    mesh.materials.append(_material(mean, name=mesh.name, is_fine=True))
    return bpy.data.objects.new(mesh.name, mesh)


def _tubes(points: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strands [strand, knot, 3] as pointed tubes: vertices strand by strand, and faces [face, 4], -1 for no corner."""
    num_strands, num_knots = points.shape[:2]
    along = np.gradient(points, axis=1)
    across = np.cross(along, (0.31, 0.87, 0.38))
    across /= np.maximum(np.linalg.norm(across, axis=2, keepdims=True), 1e-12)
    beside = np.cross(along / np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-12), across)
    turn = 2.0 * np.pi * np.arange(SIDES)[:, None] / SIDES
    ring = np.cos(turn) * across[:, :-1, None] + np.sin(turn) * beside[:, :-1, None]
    rings = points[:, :-1, None] + WIDER * radius[:, :-1, None, None] * ring
    vertices = np.concatenate([rings.reshape(num_strands, -1, 3), points[:, -1:]], axis=1)
    side, after = np.arange(SIDES), (np.arange(SIDES) + 1) % SIDES
    faces = [
        np.stack([SIDES * knot + side, SIDES * knot + after, SIDES * (knot + 1) + after, SIDES * (knot + 1) + side], 1)
        for knot in range(num_knots - 2)
    ]
    last, tip = SIDES * (num_knots - 2), SIDES * (num_knots - 1)
    tips = np.stack([last + side, last + after, np.full(SIDES, tip), np.full(SIDES, -1)], axis=1)
    every = np.concatenate([*faces, tips])
    shifted = every[None] + np.where(every >= 0, 1, 0) * (tip + 1) * np.arange(num_strands)[:, None, None]
    return vertices.reshape(-1, 3), shifted.reshape(-1, 4)


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

    The same frame as in `_wear_group`; strands keep their shape while the triangle moves.
    """
    along = corners[:, 1] - corners[:, 0]
    up = np.cross(along, corners[:, 2] - corners[:, 0])
    x = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    z = up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-12)
    frames = np.stack([x, np.cross(z, x), z], axis=1)
    inside: np.ndarray = np.einsum("sij,skj->ski", frames, points - corners.mean(axis=1)[:, None])
    return inside


def _wear_group(hair: Any) -> Any:
    """A modifier that adds brows and lashes to a head, whichever copy of it.

    Puts every knot back into the frame of its anchor triangle. Blender's own Deform Curves on Surface looks roots up
    in texture coordinates at every frame, which takes longer than all the rest of the face.
    """
    tree = bpy.data.node_groups.new(f"Face Emote {hair.name}", "GeometryNodeTree")
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
    info = node("GeometryNodeObjectInfo", transform_space="ORIGINAL")
    info.inputs["Object"].default_value = hair
    position = node("GeometryNodeInputPosition")
    corners = []
    for corner in range(3):
        index = node("GeometryNodeInputNamedAttribute", data_type="INT")
        index.inputs["Name"].default_value = f"face_emote_anchor{corner}"
        sample = node("GeometryNodeSampleIndex", data_type="FLOAT_VECTOR", domain="POINT")
        tree.links.new(start.outputs["Geometry"], sample.inputs["Geometry"])
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
    tree.links.new(info.outputs["Geometry"], put.inputs["Geometry"])
    tree.links.new(moved, put.inputs["Position"])
    both = node("GeometryNodeJoinGeometry")
    for part in (put.outputs[0], start.outputs["Geometry"]):
        tree.links.new(part, both.inputs[0])
    tree.links.new(both.outputs[0], end.inputs[0])
    return tree


def _material(colour: np.ndarray, *, name: str, is_fine: bool) -> Any:
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*(float(value) for value in colour), 1.0)
    tree = compat.use_nodes(material)
    tree.nodes.clear()
    own = tree.nodes.new("ShaderNodeAttribute")
    own.attribute_name = "face_emote_colour"
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    out = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(own.outputs["Vector"], shader.inputs["Base Color"])
    tree.links.new(shader.outputs[0], out.inputs["Surface"])
    shader.inputs["Roughness"].default_value = 0.8 if is_fine else 0.55
    shader.inputs["Specular IOR Level"].default_value = 0.1 if is_fine else 0.35
    for x, node in enumerate((own, shader, out)):
        node.location = (220 * x, 0)
    return material
