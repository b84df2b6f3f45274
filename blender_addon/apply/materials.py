# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials of our head. The skin follows the engine's model of pigment and blood; EEVEE and Cycles draw the same.

    albedo = epidermis + base * exp(-melanin * em - haemoglobin * eh),  haemoglobin = resting * exp(gain * blood flow)

Blood flow and wrinkles come from custom properties of the object, so that two characters can share a material; where
they act comes from mask attributes of the mesh.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import compat
from .eyes import solid_colours
from .skin_nodes import channels_group, skin_group

SUBSURFACE_SCALE = 0.0017
"""Metres that red light wanders in skin."""
SUBSURFACE_RADIUS = (1.0, 0.38, 0.20)
RELIEF_RANGE = 0.002
"""Metres; see the engine's pictures."""
EYE_SOLID, PUPIL_SOLID = (0.62, 0.58, 0.55), (0.003, 0.003, 0.003)
IRIS_SOLID = 1.4
"""In iris colours: somewhat lighter than the engine's picture, for pupils to be seen in brown eyes."""
PLAIN = {
    "teeth": ((0.72, 0.66, 0.55), 0.22),
    "mouth": ((0.38, 0.11, 0.10), 0.35),
}


@dataclass(frozen=True, slots=True)
class HeadLook:
    """What a head wears."""

    materials: list[Any]
    """In the order of the mesh's slots."""
    corners: np.ndarray
    """Colour of every corner of its faces in sRGB, for Solid mode."""


def head_look(arrays: dict[str, np.ndarray], *, folder: Path, name: str) -> HeadLook:
    """Materials and colours from the pictures in a folder."""
    skin_a, skin_b, eye, look = (packed_image(folder / str(item), name=name) for item in arrays["pictures"])
    for picture in (eye, look):
        picture.colorspace_settings.name = "sRGB"
    iris = IRIS_SOLID * arrays["iris_colour"]
    made = {
        "skin": lambda: _skin(skin_a, skin_b, look, arrays, name=name),
        "eyes": lambda: _eyes("eyes", eye, name=name, solid=EYE_SOLID),
        "iris": lambda: _eyes("iris", eye, name=name, solid=iris),
        "pupil": lambda: _eyes("pupil", eye, name=name, solid=PUPIL_SOLID),
    }
    materials = [
        made[part]() if part in made else _plain(part, *PLAIN[part], name=name)
        for part in arrays["material_names"].tolist()
    ]
    plain = {part: colour for part, (colour, _roughness) in PLAIN.items()} | {"iris": iris, "pupil": PUPIL_SOLID}
    return HeadLook(materials, solid_colours(arrays, {"skin": look, "eyes": eye}, plain))


def packed_image(path: Path, *, name: str) -> Any:
    """A picture inside the .blend, so that the file can travel."""
    image = bpy.data.images.load(str(path))
    image.name = f"{name} {path.stem}"
    image.colorspace_settings.name = "Non-Color"
    image.pack()
    return image


def _started(name: str, *, solid: Iterable[float]) -> tuple[Any, Any, Any, Any]:
    """An empty material; `solid` is its colour in the viewport's Solid mode."""
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*(float(value) for value in solid), 1.0)
    tree = compat.use_nodes(material)
    tree.nodes.clear()
    out, shader = tree.nodes.new("ShaderNodeOutputMaterial"), tree.nodes.new("ShaderNodeBsdfPrincipled")
    out.location, shader.location = (900, 0), (550, 0)
    tree.links.new(shader.outputs[0], out.inputs["Surface"])
    return material, tree, shader, out


def _picture(tree: Any, image: Any, place: tuple[float, float]) -> Any:
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image, node.interpolation, node.location = image, "Cubic", place
    return node


def _skin(skin_a: Any, skin_b: Any, look: Any, arrays: dict[str, np.ndarray], *, name: str) -> Any:
    material, tree, shader, _out = _started(f"{name} skin", solid=arrays["solid_skin"])
    first, second = _picture(tree, skin_a, (-700, 200)), _picture(tree, skin_b, (-700, -150))
    shown = _picture(tree, look, (-700, 500))
    shown.label, tree.nodes.active = "Shown in Solid mode", shown
    group = tree.nodes.new("ShaderNodeGroup")
    group.node_tree = skin_group(channels_group(), relief_range=RELIEF_RANGE)
    group.location, group.width = (-300, 0), 240
    group.inputs["Hair colour"].default_value = (*(float(value) for value in arrays["hair_colour"]), 1.0)
    tree.links.new(first.outputs["Color"], group.inputs["Pigment map"])
    tree.links.new(second.outputs["Color"], group.inputs["Relief map"])
    bump = tree.nodes.new("ShaderNodeBump")
    bump.location = (200, -250)
    bump.inputs["Distance"].default_value = 1.0
    bump.inputs["Strength"].default_value = 1.0
    links = (
        (group.outputs["Colour"], shader.inputs["Base Color"]),
        (group.outputs["Roughness"], shader.inputs["Roughness"]),
        (group.outputs["Specular"], shader.inputs["Specular IOR Level"]),
        (group.outputs["Height"], bump.inputs["Height"]),
        (group.outputs["Shown region"], shader.inputs["Emission Color"]),
        (group.outputs["Showing"], shader.inputs["Emission Strength"]),
        (bump.outputs["Normal"], shader.inputs["Normal"]),
    )
    for start, end in links:
        tree.links.new(start, end)
    shader.inputs["Subsurface Weight"].default_value = 1.0
    shader.inputs["Subsurface Scale"].default_value = SUBSURFACE_SCALE
    shader.inputs["Subsurface Radius"].default_value = SUBSURFACE_RADIUS
    return material


def _eyes(part: str, image: Any, *, name: str, solid: Iterable[float]) -> Any:
    """White, iris and pupil are one picture; apart they are told in Solid mode."""
    material, tree, shader, _out = _started(f"{name} {part}", solid=solid)
    picture = _picture(tree, image, (0, 0))
    picture.extension, tree.nodes.active = "EXTEND", picture
    tree.links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = 0.08
    shader.inputs["Specular IOR Level"].default_value = 0.5
    shader.inputs["Coat Weight"].default_value = 1.0
    shader.inputs["Coat Roughness"].default_value = 0.03
    return material


def _plain(part: str, colour: tuple[float, ...], roughness: float, *, name: str) -> Any:
    material, _tree, shader, _out = _started(f"{name} {part}", solid=colour)
    material.roughness = roughness  # In Solid mode.
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    return material


def cloth_material(colour: np.ndarray, *, name: str) -> Any:
    """The collar's material."""
    return _plain("cloth", tuple(float(value) for value in colour), 0.9, name=name)
