"""Materials of exported heads: skin with its own picture, eyes with an iris, plain teeth and mouth."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.png import png_bytes, srgb_bytes
from face_emote.core.types import SkinParams
from face_emote.formats.glb.file import GltfFile
from face_emote.formats.mesh.relief import normal_picture
from face_emote.look.colour import painted, skin_albedo
from face_emote.look.hair import mean_hair_colour
from face_emote.look.maps import load_skin_maps

SKIN_TEXELS = 1024
EYE_TEXELS = 256
IRIS_ANGLE = 0.355
"""Angular radius of the iris on the eyeball (radius 16.5 mm): 11.7 mm across."""
PUPIL_ANGLE = 0.115
EYE_SPAN = 1.3
"""Angle from the eye's axis that its picture covers, radians."""
SCLERA = (0.70, 0.66, 0.63)
PUPIL = (0.004, 0.004, 0.004)


@dataclass(frozen=True, slots=True)
class Surface:
    """What one material looks like without a picture; linear colour."""

    name: str
    red: float
    green: float
    blue: float
    roughness: float


SURFACES = (
    Surface("skin", 0.60, 0.34, 0.25, roughness=0.5),
    Surface("eyes", 0.75, 0.72, 0.70, roughness=0.12),
    Surface("teeth", 0.72, 0.66, 0.55, roughness=0.25),
    Surface("mouth", 0.38, 0.11, 0.10, roughness=0.35),
)


@dataclass(frozen=True, slots=True)
class GltfMaterials:
    """Materials of a scene: their JSON, and the index of each by its place in `names`."""

    json: dict[str, Any]
    names: tuple[str, ...]


def gltf_materials(
    gltf: GltfFile, *, skin: SkinParams, textured: bool, names: tuple[str, ...], skin_gain: float = 1.0
) -> GltfMaterials:
    """Add pictures and materials of a person; a head without texture coordinates gets plain colours.

    `names` are the materials that are worn; `skin_gain` brightens the skin's picture, for vertex colours to darken.
    """
    pictures = {"skin": _skin_png(skin, skin_gain), "eyes": _eye_png(skin)} if textured else {}
    images: list[dict[str, Any]] = []
    textures: list[dict[str, Any]] = []
    materials: list[dict[str, Any]] = []

    def texture(name: str, png: bytes) -> dict[str, int]:
        images.append({"name": name, "bufferView": gltf.add_blob(png), "mimeType": "image/png"})
        textures.append({"source": len(images) - 1, "sampler": 0})
        return {"index": len(textures) - 1}

    for surface in (item for item in SURFACES if item.name in names):
        shading: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": surface.roughness}
        material: dict[str, Any] = {"name": surface.name, "pbrMetallicRoughness": shading}
        if surface.name in pictures:
            shading["baseColorTexture"] = texture(surface.name, pictures[surface.name])
        else:
            gain = skin_gain if surface.name == "skin" else 1.0
            shading["baseColorFactor"] = [min(1.0, gain * x) for x in (surface.red, surface.green, surface.blue)] + [
                1.0
            ]
        if surface.name == "skin" and textured:
            material["normalTexture"] = texture("skin_normal", normal_png(skin))
        materials.append(material)
    json: dict[str, Any] = {"materials": materials}
    if images:
        smooth = {"magFilter": 9729, "minFilter": 9987}  # Linear, with mipmaps.
        json |= {"images": images, "textures": textures, "samplers": [smooth]}
    return GltfMaterials(json=json, names=tuple(item["name"] for item in materials))


@lru_cache(maxsize=2)
def _skin_png(skin: SkinParams, gain: float) -> bytes:
    return png_bytes(skin_picture(skin, gain=gain))


@lru_cache(maxsize=2)
def normal_png(skin: SkinParams) -> bytes:
    """The skin's resting relief as a picture."""
    return png_bytes(normal_picture(skin, texels=SKIN_TEXELS))


@lru_cache(maxsize=2)
def _eye_png(skin: SkinParams) -> bytes:
    return png_bytes(eye_picture(skin))


def skin_picture(skin: SkinParams, *, gain: float = 1.0) -> Array:
    """Resting skin in the head's texture coordinates, 8-bit sRGB, row 0 at the top."""
    maps = load_skin_maps(skin, size=SKIN_TEXELS)
    bare = skin_albedo(melanin=maps.melanin, haemoglobin=maps.haemoglobin)
    between = maps.melanin <= 0.0  # The charts leave gaps; a viewer's small mipmaps must not mix white into the seams.
    bare[between] = np.median(bare[~between], axis=0)
    return srgb_bytes(gain * painted(bare, maps.hair_coverage, hair_colour=mean_hair_colour(skin)))


def eye_picture(skin: SkinParams) -> Array:
    """Front of an eyeball, unrolled: distance from the middle is the angle from its axis, EYE_SPAN at the rim."""
    row, column = np.mgrid[0:EYE_TEXELS, 0:EYE_TEXELS]
    x, y = (2.0 * (column + 0.5) / EYE_TEXELS - 1.0), (2.0 * (row + 0.5) / EYE_TEXELS - 1.0)
    angle = EYE_SPAN * np.hypot(x, y)
    blur = EYE_SPAN / EYE_TEXELS
    inside = _step(IRIS_ANGLE, angle, blur)[..., None]
    fibres = 1.0 + 0.18 * np.cos(37.0 * np.arctan2(y, x)) * np.sin(3.0 * angle / IRIS_ANGLE)
    shade = fibres * (1.0 - 0.6 * np.clip((angle / IRIS_ANGLE - 0.75) / 0.25, 0.0, 1.0))
    iris = 2.2 * shade[..., None] * np.asarray(skin.iris_colour)
    pupil = _step(PUPIL_ANGLE, angle, blur)[..., None]
    iris = iris * (1.0 - pupil) + np.asarray(PUPIL) * pupil
    return srgb_bytes(np.asarray(SCLERA) * (1.0 - inside) + iris * inside)


def eye_uv(points: Float[Array, "point 3"]) -> Float[Array, "point 2"]:
    """Texture coordinates of an eyeball at rest for `eye_picture`."""
    ball = 0.5 * (points.min(axis=0) + points.max(axis=0))
    x, y, z = (points - ball).T
    across = np.hypot(x, y)
    angle = np.minimum(np.arctan2(across, z) / EYE_SPAN, 1.0)  # All white beyond; the picture's rim serves it.
    scale = np.divide(0.5 * angle, across, out=np.zeros_like(across), where=across > 0.0)
    return np.stack([0.5 + scale * x, 0.5 + scale * y], axis=1).astype(np.float32)


def _step(edge: float, value: Array, blur: float) -> Array:
    """1 below the edge, 0 above, linear over twice the blur."""
    return np.clip(0.5 + (edge - value) / (2.0 * blur), 0.0, 1.0)
