"""Materials of a `.glb` and their pictures, in the core of glTF and the extensions that most programs draw well.

Eyes are an opaque ball with a wet surface over it (clearcoat) whose normals stand up as the cornea does; lips have one
where they are red: programs that sort or refract transparent shells badly draw this right. The last material is
that of the creases.
"""

from collections.abc import Callable
from typing import Any

from face_emote.formats.glb.file import GltfFile
from face_emote.formats.mesh.materials import MATERIALS, Material, Picture, SkinPictures
from face_emote.formats.mesh.person import Person

WEBP = "EXT_texture_webp"
CLEARCOAT, SPECULAR = "KHR_materials_clearcoat", "KHR_materials_specular"
FOLDS = "folds"
"""Name of material and object."""
Texture = Callable[[str, Picture], dict[str, int]]
"""Adds a picture under a name and returns the reference to it."""


def materials_of(gltf: GltfFile, person: Person) -> dict[str, Any]:
    """Add the pictures of a person and return the materials of its surface; without pictures they are plain."""
    images: list[dict[str, Any]] = []
    textures: list[dict[str, Any]] = []
    materials: list[dict[str, Any]] = []
    pictures = person.pictures

    def texture(name: str, picture: Picture) -> dict[str, int]:
        view = gltf.add_blob(picture.data)
        images.append({"name": name, "bufferView": view, "mimeType": f"image/{picture.kind}"})
        source: dict[str, Any] = {"source": len(images) - 1}
        if picture.kind == "webp":
            gltf.extensions.add(WEBP)
            source = {"extensions": {WEBP: source}}
        textures.append({"sampler": 0, **source})
        return {"index": len(textures) - 1}

    used = person.surface.materials()
    for item in (item for item in MATERIALS if item.name in used):
        materials.append(_material(item, pictures, texture))
    if pictures is not None and person.folds is not None and "skin" in used:
        materials.append(_folded(materials[0], pictures, texture))
    gltf.extensions_used |= {name for item in materials for name in item.get("extensions", {})}
    out: dict[str, Any] = {"materials": materials}
    if images:
        smooth = {"magFilter": 9729, "minFilter": 9987}  # Linear, with mipmaps.
        out |= {"images": images, "textures": textures, "samplers": [smooth]}
    return out


def _material(item: Material, pictures: SkinPictures | None, texture: Texture) -> dict[str, Any]:
    """What the core of glTF knows, and as extensions a reflectance of its own and a wet surface over it."""
    shading: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": item.roughness}
    coat: dict[str, Any] = {"clearcoatFactor": item.coat, "clearcoatRoughnessFactor": item.coat_roughness}
    made: dict[str, Any] = {"name": item.name, "pbrMetallicRoughness": shading}
    if pictures is not None and item.name == "skin":
        shading["baseColorTexture"] = texture("skin", pictures.colour)
        made["normalTexture"] = texture("skin_normal", pictures.normal)
        shine = texture("skin_shine", pictures.shine)
        shading |= {"metallicRoughnessTexture": shine, "roughnessFactor": 1.0}
        coat |= {"clearcoatFactor": 1.0, "clearcoatTexture": shine}
    elif pictures is not None and item.name == "eyes":
        shading["baseColorTexture"] = texture("eyes", pictures.eye)
        made["normalTexture"] = texture("eyes_normal", pictures.eye_normal)
        coat["clearcoatNormalTexture"] = texture("eyes_coat", pictures.eye_coat)
    else:
        shading["baseColorFactor"] = [item.red, item.green, item.blue, 1.0]
    extensions = {SPECULAR: {"specularFactor": item.reflects}} if item.reflects != 1.0 else {}
    if coat["clearcoatFactor"] > 0.0:
        extensions[CLEARCOAT] = coat
    return made | ({"extensions": extensions} if extensions else {})


def _folded(skin: dict[str, Any], pictures: SkinPictures, texture: Texture) -> dict[str, Any]:
    """The skin with every crease at its deepest, shown as far as the vertices' alpha says."""
    shading = skin["pbrMetallicRoughness"] | {"baseColorTexture": texture("folds", pictures.folds_colour)}
    normal = texture("folds_normal", pictures.folds_normal)
    return skin | {"name": FOLDS, "alphaMode": "BLEND", "pbrMetallicRoughness": shading, "normalTexture": normal}
