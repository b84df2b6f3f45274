"""Meshes of a `.glb`: materials, vertices, texture coordinates, joints and targets of each object of a surface."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.formats.glb.file import INDEX_BUFFER, VERTEX_BUFFER, GltfFile
from face_emote.formats.mesh.colours import BASE
from face_emote.formats.mesh.materials import MATERIALS, Picture
from face_emote.formats.mesh.person import Person
from face_emote.formats.mesh.surface import (
    SurfaceObject,
    SurfacePart,
    eyes_uv,
    object_parts,
    vertex_normals,
    vertex_tangents,
)

SMALLEST_MOVE = 1e-5
"""Metres; vertices that a target moves less are left out of it."""
SMALLEST_TURN = 4e-3
"""The same for normals, radians: half a step of the bytes that they are stored in."""
WEBP = "EXT_texture_webp"
SMALLEST_SHIFT = 2e-3
"""The same for colours."""


@dataclass(frozen=True, slots=True, eq=False)
class GlbTarget:
    """One morph target of the whole head."""

    name: str
    delta: Float[Array, "head_vertex 3"] | None
    """Metres at weight 1; None for a target that only carries a curve of the skin."""
    shift: Float[Array, "vertex 3"] | None = None
    """Of the written vertices' colour."""


@dataclass(frozen=True, slots=True, eq=False)
class GlbObject:
    """One mesh in the making."""

    name: str
    primitives: list[dict[str, Any]]
    columns: tuple[int, ...] = ()
    """Which targets it has."""


@dataclass(frozen=True, slots=True, eq=False)
class _WrittenTarget:
    """One target at the written vertices."""

    move: Float[Array, "vertex 3"] | None
    turn: Float[Array, "vertex 3"] | None
    shift: Float[Array, "vertex 3"] | None
    """Of the vertex colour."""


def materials_of(gltf: GltfFile, person: Person) -> dict[str, Any]:
    """Add the pictures of a person and return the materials of its surface; without pictures they are plain."""
    images: list[dict[str, Any]] = []
    textures: list[dict[str, Any]] = []
    materials: list[dict[str, Any]] = []
    pictures = person.pictures
    colours = {} if pictures is None else {"skin": pictures.colour, "eyes": pictures.eye}

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
        shading: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": item.roughness}
        material: dict[str, Any] = {"name": item.name, "pbrMetallicRoughness": shading}
        if item.name in colours:
            shading["baseColorTexture"] = texture(item.name, colours[item.name])
        else:
            shading["baseColorFactor"] = [item.red, item.green, item.blue, 1.0]
        if item.name == "skin" and pictures is not None:
            material["normalTexture"] = texture("skin_normal", pictures.normal)
        materials.append(material)
    out: dict[str, Any] = {"materials": materials}
    if images:
        smooth = {"magFilter": 9729, "minFilter": 9987}  # Linear, with mipmaps.
        out |= {"images": images, "textures": textures, "samplers": [smooth]}
    return out


def animated_objects(gltf: GltfFile, person: Person, *, targets: list[GlbTarget]) -> tuple[GlbObject, ...]:
    """Skinned meshes at rest with their targets. A split part has only the targets that change it."""
    surface, coloured = person.surface, person.colours is not None
    rest = surface.of(person.head.template.astype(np.float32))
    faces = surface.triangles()
    normals = vertex_normals(rest, faces)
    weights = surface.of(person.head.skin_weights)
    written = []
    for target in targets:
        move = turn = None
        if target.delta is not None:
            move = surface.of(target.delta.astype(np.float32))
            turn = vertex_normals(rest + move, faces) - normals
        written.append(_WrittenTarget(move, turn, target.shift))
    out = []
    for item in surface.objects():
        columns = tuple(i for i, target in enumerate(written) if not surface.split or _changes(target, item))
        primitives = []
        for part in object_parts(surface, item):
            primitive = _primitive(gltf, part, person=person, places=rest, rest=rest, normals=normals, blood_flow=None)
            joints, shares = _influences(weights[part.vertex_index])
            primitive["attributes"]["JOINTS_0"] = gltf.add_array(joints, target=VERTEX_BUFFER)
            primitive["attributes"]["WEIGHTS_0"] = gltf.add_array(shares, target=VERTEX_BUFFER)
            primitive["material"] = surface.materials().index(part.material)
            if columns:
                tinted = coloured and part.material == "skin"
                own = [written[i] for i in columns]
                primitive["targets"] = _morphs(gltf, part.vertex_index, targets=own, coloured=tinted)
            primitives.append(primitive)
        out.append(GlbObject(item.name, primitives, columns))
    return tuple(out)


def plain_objects(
    gltf: GltfFile, person: Person, *, vertices: Float[Array, "head_vertex 3"], blood_flow: Float[Array, " region=8"]
) -> tuple[GlbObject, ...]:
    """Meshes of one posed frame, without joints and targets."""
    surface = person.surface
    rest, places = surface.of(person.head.template.astype(np.float32)), surface.of(vertices)
    normals = vertex_normals(places, surface.triangles())
    return tuple(
        GlbObject(
            item.name,
            [
                _primitive(gltf, part, person=person, places=places, rest=rest, normals=normals, blood_flow=blood_flow)
                | {"material": surface.materials().index(part.material)}
                for part in object_parts(surface, item)
            ],
        )
        for item in surface.objects()
    )


def _changes(target: _WrittenTarget, item: SurfaceObject) -> bool:
    """Whether a target changes one of the parts that a head is split into; the skin has all of its own curves."""
    if target.move is None:
        return item.name == "skin"
    return bool(np.abs(target.move[item.vertex_index]).max() > SMALLEST_MOVE)


def _primitive(
    gltf: GltfFile,
    part: SurfacePart,
    *,
    person: Person,
    places: Float[Array, "vertex 3"],
    rest: Float[Array, "vertex 3"],
    normals: Float[Array, "vertex 3"],
    blood_flow: Float[Array, " region=8"] | None,
) -> dict[str, Any]:
    index, colours = part.vertex_index, person.colours
    attributes = {
        "POSITION": gltf.add_array(places[index].astype(np.float32), target=VERTEX_BUFFER, bounds=True),
        "NORMAL": gltf.add_array(normals[index], target=VERTEX_BUFFER),
    }
    uv = eyes_uv(rest[index]) if part.material == "eyes" else part.uv
    if uv is not None:
        flipped = np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1).astype(np.float32)
        attributes["TEXCOORD_0"] = gltf.add_array(flipped, target=VERTEX_BUFFER)
        if part.material == "skin":  # Its picture of normals needs them.
            tangents = vertex_tangents(places[index], normals=normals[index], uv=uv, faces=part.triangles)
            attributes["TANGENT"] = gltf.add_array(tangents, target=VERTEX_BUFFER)
    if colours is not None and part.material == "skin":
        tint = np.full((len(index), 3), BASE, np.float32)
        if blood_flow is not None:
            tint = np.clip(tint + np.tensordot(blood_flow, colours.shifts()[:, index], axes=1), 0.0, 1.0)
        attributes["COLOR_0"] = gltf.add_array(tint.astype(np.float32), target=VERTEX_BUFFER)
    indices = part.triangles.astype(np.uint16 if len(index) <= 0xFFFF else np.uint32).reshape(-1)
    return {"attributes": attributes, "indices": gltf.add_array(indices, target=INDEX_BUFFER)}


def _morphs(
    gltf: GltfFile, index: Int[Array, " own"], *, targets: list[_WrittenTarget], coloured: bool
) -> list[dict[str, Any]]:
    """Sparse storage of every target's part on some vertices; all of a primitive's targets have the same attributes."""
    count, nothing = len(index), np.zeros(0, np.int64)
    still = gltf.add_sparse(count, nothing, values=np.zeros((0, 3)), bounds=True)
    no_turn = gltf.add_sparse_directions(count, nothing, values=np.zeros((0, 3)))
    no_shift = gltf.add_sparse(count, nothing, values=np.zeros((0, 3))) if coloured else 0
    has_shift = coloured and any(
        item.shift is not None and np.abs(item.shift[index]).max() > SMALLEST_SHIFT for item in targets
    )
    out = []
    for item in targets:
        morph = {"POSITION": still, "NORMAL": no_turn} | ({"COLOR_0": no_shift} if has_shift else {})
        if item.move is not None and item.turn is not None:
            moved = np.flatnonzero(np.abs(item.move[index]).max(axis=1) > SMALLEST_MOVE)
            turned = np.flatnonzero(np.abs(item.turn[index]).max(axis=1) > SMALLEST_TURN)
            if len(moved):
                morph["POSITION"] = gltf.add_sparse(count, moved, values=item.move[index][moved], bounds=True)
                if len(turned):
                    morph["NORMAL"] = gltf.add_sparse_directions(count, turned, values=item.turn[index][turned])
        if has_shift and item.shift is not None:
            shifted = np.flatnonzero(np.abs(item.shift[index]).max(axis=1) > SMALLEST_SHIFT)
            if len(shifted):
                morph["COLOR_0"] = gltf.add_sparse(count, shifted, values=item.shift[index][shifted])
        out.append(morph)
    return out


def _influences(skin_weights: Float[Array, "vertex joint=5"]) -> tuple[Array, Array]:
    """The four strongest joints of each vertex and their weights, summing to 1 (the fifth never matters)."""
    order = np.argsort(-skin_weights, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(skin_weights, order, axis=1).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(weights > 0.0, order, 0).astype(np.uint8), weights
