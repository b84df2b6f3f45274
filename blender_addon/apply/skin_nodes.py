# SPDX-License-Identifier: GPL-3.0-or-later
"""The shader groups of the skin: `Face Emote Channels` (where and how much) and `Face Emote Skin` (what it looks like).

Own meshes can use `Face Emote Channels` alone: it gives wrinkle depth and blood flow at every point, from the mesh's
mask attributes and the object's custom properties.
"""

import json
from pathlib import Path
from typing import Any

import bpy

from ..names import BLOOD_PROPERTIES, BLOOD_REGIONS, SKIN_PROPERTY, WRINKLE_PROPERTIES, WRINKLES

CHANNELS, SKIN = "Face Emote Channels", "Face Emote Skin"
LOOK = json.loads((Path(__file__).parent / "look.json").read_text(encoding="utf-8"))
"""The engine's numbers, written by `python -m tools.write_shaders`."""
NECK_FROM = ("cheek_left", "cheek_right", "ears")
"""The neck follows the mean of these."""


class Graph:
    """A few words for building node trees."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        self._count = 0

    def node(self, kind: str) -> Any:
        """A new node, placed in a grid."""
        made = self.tree.nodes.new(kind)
        made.location = (180 * (self._count // 12), -160 * (self._count % 12))
        made.hide = True
        self._count += 1
        return made

    def feed(self, socket: Any, value: Any) -> None:
        """Link a socket, or set a constant."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Any, clamp: bool = False) -> Any:
        """A scalar operation."""
        made = self.node("ShaderNodeMath")
        made.operation, made.use_clamp = operation, clamp
        for socket, value in zip(made.inputs, values, strict=False):
            self.feed(socket, value)
        return made.outputs[0]

    def vector(self, operation: str, *values: Any) -> Any:
        """A vector operation; its only output that has a value."""
        made = self.node("ShaderNodeVectorMath")
        made.operation = operation
        sockets = [made.inputs[0], made.inputs["Scale"]] if operation == "SCALE" else list(made.inputs)
        for socket, value in zip(sockets, values, strict=False):
            self.feed(socket, value)
        return made.outputs["Value"] if operation == "DOT_PRODUCT" else made.outputs[0]

    def attribute(self, name: str, kind: str) -> tuple[Any, Any]:
        """RGB as a vector, and alpha: four numbers."""
        made = self.node("ShaderNodeAttribute")
        made.attribute_name, made.attribute_type = name, kind
        return made.outputs["Vector"], made.outputs["Alpha"]

    def split(self, vector: Any) -> tuple[Any, Any, Any]:
        """x, y, z."""
        made = self.node("ShaderNodeSeparateXYZ")
        self.feed(made.inputs[0], vector)
        return made.outputs[0], made.outputs[1], made.outputs[2]

    def exp(self, vector: Any) -> Any:
        """The exponential of each component."""
        made = self.node("ShaderNodeCombineXYZ")
        for socket, part in zip(made.inputs, self.split(vector), strict=True):
            self.feed(socket, self.math("EXPONENT", part))
        return made.outputs[0]

    def mix(self, start: Any, end: Any, share: Any) -> Any:
        """Linear from start (share 0) to end (1)."""
        return self.vector("ADD", start, self.vector("SCALE", self.vector("SUBTRACT", end, start), share))

    def total(self, values: list[Any]) -> Any:
        """Sum of scalars."""
        out = values[0]
        for value in values[1:]:
            out = self.math("ADD", out, value)
        return out


def _group(name: str, *, inputs: dict[str, str], outputs: dict[str, str]) -> tuple[Graph, Any, Any]:
    tree = bpy.data.node_groups.new(name, "ShaderNodeTree")
    for title, kind in inputs.items():
        tree.interface.new_socket(title, in_out="INPUT", socket_type=kind)
    for title, kind in outputs.items():
        tree.interface.new_socket(title, in_out="OUTPUT", socket_type=kind)
    graph = Graph(tree)
    return graph, graph.node("NodeGroupInput"), graph.node("NodeGroupOutput")


def _fours(graph: Graph, names: tuple[str, ...] | list[str], kind: str) -> list[Any]:
    """Components of four-number attributes, one after the other."""
    out: list[Any] = []
    for name in names:
        vector, alpha = graph.attribute(name, kind)
        out += [*graph.split(vector), alpha]
    return out


def channels_group() -> Any:
    """Wrinkle depth 0..1.2, blood flow -1..1, and the amount of the region that is shown, at every point."""
    if CHANNELS in bpy.data.node_groups:
        return bpy.data.node_groups[CHANNELS]
    outputs = dict.fromkeys(("Wrinkle", "Blood", "Region", "Showing"), "NodeSocketFloat")
    graph, _start, end = _group(CHANNELS, inputs={}, outputs=outputs)
    wrinkles = _fours(graph, list(WRINKLE_PROPERTIES), "OBJECT")
    blood = _fours(graph, list(BLOOD_PROPERTIES), "OBJECT")
    wrinkle_masks = _fours(graph, [f"face_emote_mask_w{i}" for i in range(4)], "GEOMETRY")
    blood_masks = _fours(graph, [f"face_emote_mask_b{i}" for i in range(3)], "GEOMETRY")
    strength, _alpha = graph.attribute(SKIN_PROPERTY, "OBJECT")
    wrinkle_strength, blood_strength, shown = graph.split(strength)
    neck = graph.math("DIVIDE", graph.total([blood[BLOOD_REGIONS.index(name)] for name in NECK_FROM]), 3.0)
    folds = [graph.math("MULTIPLY", *pair) for pair in zip(wrinkle_masks, wrinkles, strict=True)]
    flows = [graph.math("MULTIPLY", *pair) for pair in zip(blood_masks[:9], [*blood, neck], strict=True)]
    wrinkle = graph.math("MULTIPLY", graph.total(folds), wrinkle_strength)
    wrinkle = graph.math("MINIMUM", wrinkle, LOOK["reflection.MAX_WRINKLE"])
    flow = graph.math("MULTIPLY", graph.total(flows), blood_strength)
    flow = graph.math("MAXIMUM", graph.math("MINIMUM", flow, 1.0), -1.0)
    views = [wrinkle, graph.math("ABSOLUTE", flow), *wrinkle_masks[: len(WRINKLES)], *blood_masks[: len(BLOOD_REGIONS)]]
    chosen = [
        graph.math("MULTIPLY", graph.math("COMPARE", shown, float(i), 0.5), view)
        for i, view in enumerate(views, start=1)
    ]
    graph.feed(end.inputs["Wrinkle"], wrinkle)
    graph.feed(end.inputs["Blood"], flow)
    graph.feed(end.inputs["Region"], graph.total(chosen))
    graph.feed(end.inputs["Showing"], graph.math("GREATER_THAN", shown, 0.5))
    return graph.tree


def skin_group(channels: Any, *, relief_range: float) -> Any:
    """Colour, roughness, reflection and height of living skin from its two maps."""
    if SKIN in bpy.data.node_groups:
        return bpy.data.node_groups[SKIN]
    colour, number = "NodeSocketColor", "NodeSocketFloat"
    graph, start, end = _group(
        SKIN,
        inputs={"Pigment map": colour, "Relief map": colour, "Hair colour": colour},
        outputs={
            "Colour": colour, "Roughness": number, "Specular": number, "Height": number, "Shown region": colour,
            "Showing": number,
        },
    )  # fmt: skip
    inner = graph.node("ShaderNodeGroup")
    inner.node_tree = channels
    wrinkle, blood, region, showing = inner.outputs[:4]
    melanin, haemoglobin, hair = graph.split(start.outputs["Pigment map"])
    relief, fold, gloss = graph.split(start.outputs["Relief map"])
    melanin, haemoglobin = graph.math("MULTIPLY", melanin, 4.0), graph.math("MULTIPLY", haemoglobin, 4.0)
    gained = graph.math("EXPONENT", graph.math("MULTIPLY", blood, LOOK["colour.BLOOD_GAIN"]))
    flowing = graph.math("MULTIPLY", haemoglobin, gained)
    absorbed = graph.vector(
        "ADD",
        graph.vector("SCALE", tuple(-v for v in LOOK["colour.MELANIN_EXTINCTION"]), melanin),
        graph.vector("SCALE", tuple(-v for v in LOOK["colour.HAEMOGLOBIN_EXTINCTION"]), flowing),
    )
    deep = graph.vector("MULTIPLY", LOOK["colour.BASE_ALBEDO"], graph.exp(absorbed))
    albedo = graph.vector("ADD", deep, (LOOK["colour.EPIDERMIS"],) * 3)
    grey = graph.vector("SCALE", (1.0, 1.0, 1.0), graph.vector("DOT_PRODUCT", albedo, LOOK["colour.LUMINANCE"]))
    pale = graph.math("MULTIPLY", graph.math("MULTIPLY", blood, -1.0, clamp=True), LOOK["colour.PALLOR_GREYING"])
    albedo = graph.mix(albedo, grey, pale)
    height = graph.math("MULTIPLY", graph.math("SUBTRACT", fold, 0.5), 2.0 * relief_range)
    depth = graph.math("DIVIDE", graph.math("MULTIPLY", height, -1.0), LOOK["maps.WRINKLE_DEPTH"])
    crease = graph.math("MULTIPLY", depth, wrinkle, clamp=True)
    albedo = graph.vector("MULTIPLY", albedo, graph.mix((1.0, 1.0, 1.0), LOOK["colour.CREASE_TINT"], crease))
    cover = graph.math("MULTIPLY", hair, LOOK["reflection.HAIR_PAINT"], clamp=True)
    cover = graph.math("MULTIPLY", cover, LOOK["reflection.HAIR_COVER"])
    shaded = graph.vector("SCALE", start.outputs["Hair colour"], LOOK["reflection.HAIR_SHADOW"])
    albedo = graph.mix(albedo, shaded, cover)
    resting = graph.math("MULTIPLY", graph.math("SUBTRACT", relief, 0.5), 2.0 * relief_range)
    bare = graph.math("SUBTRACT", 1.0, cover)
    specular = graph.math("MULTIPLY", graph.math("MULTIPLY", gloss, 2.0), bare)
    smoother = graph.math("MULTIPLY", gloss, 2.0 * LOOK["maps.GLOSS_SMOOTHS"])
    rough = graph.math("SUBTRACT", LOOK["maps.ROUGH"], smoother)
    least, most = LOOK["maps.ROUGHNESS"]
    rough = graph.math("MINIMUM", graph.math("MAXIMUM", rough, least), most)
    hot = graph.vector("SCALE", (1.0, 0.16, 0.02), region)
    graph.feed(
        end.inputs["Colour"],
        graph.vector("SCALE", albedo, graph.math("SUBTRACT", 1.0, graph.math("MULTIPLY", showing, 0.8))),
    )
    graph.feed(end.inputs["Roughness"], rough)
    graph.feed(end.inputs["Specular"], graph.math("MULTIPLY", specular, 0.35))
    graph.feed(end.inputs["Height"], graph.math("ADD", resting, graph.math("MULTIPLY", height, wrinkle)))
    graph.feed(end.inputs["Shown region"], hot)
    graph.feed(end.inputs["Showing"], showing)
    return graph.tree
