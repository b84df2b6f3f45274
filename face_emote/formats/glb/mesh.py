"""Meshes of a `.glb`: vertices, texture coordinates, colours, joints and targets of each object of a surface.

Creases are finer than the mesh, so they are a mesh of their own over the skin, with its shapes and the material of the
deepest creases: targets move its alpha, which blends the two. Eyes are an opaque ball with a wet surface over it
(clearcoat) whose normals stand up as the cornea does, and lips have such a surface where they are red: programs that
sort or refract transparent shells badly draw this right.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import FaceMotion
from face_emote.formats.glb.file import INDEX_BUFFER, VERTEX_BUFFER, GltfFile
from face_emote.formats.mesh.attachments import COVERED, Attachment
from face_emote.formats.mesh.materials import MATERIALS, Material, Picture, SkinPictures
from face_emote.formats.mesh.person import Person, attachment_places
from face_emote.formats.mesh.surface import SurfaceObject, SurfacePart, object_parts, vertex_normals, vertex_tangents

WEBP = "EXT_texture_webp"
CLEARCOAT, SPECULAR = "KHR_materials_clearcoat", "KHR_materials_specular"
FOLDS = "folds"  # Name of the creases' mesh and material.
Texture = Callable[[str, Picture], dict[str, int]]  # Adds a picture under a name and returns the reference to it.
SMALLEST_MOVE = 1e-5  # Metres; vertices that a target moves less are left out of it.
ATTACHMENT_MOVE = 5e-5  # The same for cards and cloth.
SMALLEST_TURN = 4e-3  # The same for normals, radians: half a step of the bytes that they are stored in.
SMALLEST_SHIFT = 2e-3  # The same for colours.
SMALLEST_FOLD = 0.02  # Activation that is no crease.
LIFT = 1e-4  # Metres that the mesh of the creases lies over the skin.
RELIEFS = ("skin", "eyes")  # Materials whose pictures of normals need tangents.


@dataclass(frozen=True, slots=True, eq=False)
class GlbTarget:
    """One morph target; what it has none of is None."""

    name: str
    delta: Float[Array, "head_vertex 3"] | None = None  # Metres at weight 1.
    move: Float[Array, "vertex 3"] | None = None  # The same of the written vertices.
    shift: Float[Array, "vertex 3"] | None = None  # Of the written vertices' colour.
    alpha: Float[Array, " vertex"] | None = None  # How much of the creases shows.


@dataclass(frozen=True, slots=True, eq=False)
class GlbObject:
    """One mesh in the making."""

    name: str
    primitives: list[dict[str, Any]]
    columns: tuple[int, ...] = ()  # Which targets it has.
    like: int | None = None  # The object whose weights are also its own.


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """Written vertices as they lie in the file."""

    places: Float[Array, "vertex 3"]
    normals: Float[Array, "vertex 3"]
    tint: Float[Array, "vertex 3"] | None  # Of the skin; None without vertex colours.
    folded: Float[Array, " vertex"]  # How much of the creases shows, 0..1.


def materials_of(gltf: GltfFile, person: Person) -> dict[str, Any]:
    """Add the pictures of a person and return the materials of its surface; without pictures they are plain."""
    images: list[dict[str, Any]] = []
    textures: list[dict[str, Any]] = []
    materials: list[dict[str, Any]] = []
    pictures = person.pictures

    def texture(name: str, picture: Picture) -> dict[str, int]:
        images.append(gltf.add_picture(name, picture.data, kind=picture.kind))
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
    materials += [_attachment_material(item, texture) for item in person.attachments]
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


def _attachment_material(item: Attachment, texture: Texture) -> dict[str, Any]:
    made = _material(item.material, None, texture)
    if item.picture is not None:
        shading = made["pbrMetallicRoughness"]
        del shading["baseColorFactor"]
        shading["baseColorTexture"] = texture(item.name, item.picture)
    if item.alpha != "OPAQUE":
        made |= {"alphaMode": item.alpha, "doubleSided": True}
    return made | ({"alphaCutoff": COVERED} if item.alpha == "MASK" else {})


def _folded(skin: dict[str, Any], pictures: SkinPictures, texture: Texture) -> dict[str, Any]:
    """The skin with every crease at its deepest, shown as far as the vertices' alpha says."""
    shading = skin["pbrMetallicRoughness"] | {"baseColorTexture": texture("folds", pictures.folds_colour)}
    normal = texture("folds_normal", pictures.folds_normal)
    return skin | {"name": FOLDS, "alphaMode": "BLEND", "pbrMetallicRoughness": shading, "normalTexture": normal}


def animated_objects(gltf: GltfFile, person: Person, *, targets: list[GlbTarget]) -> tuple[GlbObject, ...]:
    """Skinned meshes at rest with their targets. A split part has only those that change it."""
    surface = person.surface
    rest, faces = surface.of(person.head.template.astype(np.float32)), surface.triangles()
    normals = vertex_normals(rest, faces)
    weights = surface.of(person.head.skin_weights)
    written, turns = [], []
    for target in targets:
        move = target.move if target.delta is None else surface.of(target.delta.astype(np.float32))
        written.append(replace(target, move=move))
        turns.append(None if move is None else vertex_normals(rest + move, faces) - normals)
    tint = None if person.colours is None else np.ones((surface.num_vertices, 3), np.float32)
    shown = _Shown(rest, normals, tint, np.zeros(surface.num_vertices, np.float32))
    out: list[GlbObject] = []
    creases: list[GlbObject] = []
    for item in surface.objects():
        columns = tuple(i for i, target in enumerate(written) if not surface.split or _changes(target, item))
        own, primitives = [written[i] for i in columns], []
        for part in object_parts(surface, item):
            primitive = _primitive(gltf, part, person=person, shown=shown)
            joints, shares = _influences(weights[part.vertex_index])
            primitive["attributes"]["JOINTS_0"] = gltf.add_array(joints, target=VERTEX_BUFFER)
            primitive["attributes"]["WEIGHTS_0"] = gltf.add_array(shares, target=VERTEX_BUFFER)
            if columns:
                primitive["targets"] = _morphs(gltf, part, own, turns=[turns[i] for i in columns])
            primitives.append(primitive)
            if part.material == "skin" and item.name != "lips":
                over = _creases(gltf, primitive, part, person=person, shown=shown, targets=own)
                creases += [] if over is None else [GlbObject(FOLDS, [over], columns, like=len(out))]
        out.append(GlbObject(item.name, primitives, columns))
    return (*out, *creases, *_attachment_objects(gltf, person, targets=targets))


def plain_objects(
    gltf: GltfFile, person: Person, *, vertices: Float[Array, "head_vertex 3"], moment: FaceMotion
) -> tuple[GlbObject, ...]:
    """Meshes of one posed frame, without joints and targets."""
    surface, folds = person.surface, person.folds
    places = surface.of(vertices)
    folded, tint = np.zeros(surface.num_vertices, np.float32), None
    if folds is not None:
        folded = np.clip(folds.masks @ moment.wrinkles[0], 0.0, 1.0)
        if folds.moves is not None:
            places = places + np.tensordot(moment.wrinkles[0], folds.moves, axes=1)
        tint = np.clip(1.0 + np.tensordot(moment.blood_flow[0], folds.shifts, axes=1), 0.0, 1.0)
    shown = _Shown(places, vertex_normals(places, surface.triangles()), tint, folded)
    out, creases = [], []
    for item in surface.objects():
        primitives = []
        for part in object_parts(surface, item):
            primitives.append(_primitive(gltf, part, person=person, shown=shown))
            if part.material == "skin" and item.name != "lips":
                over = _creases(gltf, primitives[-1], part, person=person, shown=shown, targets=[])
                creases += [] if over is None else [GlbObject(FOLDS, [over])]
        out.append(GlbObject(item.name, primitives))
    placed = zip(person.attachments, attachment_places(person, moment), strict=True)
    dressed = [
        GlbObject(item.name, [_attachment_primitive(gltf, item, places=own, material=_first_attachment(person) + i)])
        for i, (item, own) in enumerate(placed)
    ]
    return (*out, *creases, *dressed)


def _attachment_objects(gltf: GltfFile, person: Person, *, targets: list[GlbTarget]) -> list[GlbObject]:
    """Garment and hair, each with the targets that move it."""
    out = []
    for number, item in enumerate(person.attachments, start=_first_attachment(person)):
        moves = {i: item.moved(own.delta.astype(np.float32)) for i, own in enumerate(targets) if own.delta is not None}
        columns = tuple(i for i, move in moves.items() if np.abs(move).max(initial=0.0) > ATTACHMENT_MOVE)
        made = _attachment_primitive(gltf, item, places=item.points, material=number)
        joints, shares = _influences(item.joint_weights)
        bytes_ = np.round(255.0 * shares).astype(np.int64)
        bytes_[:, 0] += 255 - bytes_.sum(axis=1)
        made["attributes"]["JOINTS_0"] = gltf.add_array(joints, target=VERTEX_BUFFER)
        made["attributes"]["WEIGHTS_0"] = gltf.add_array(bytes_.astype(np.uint8), target=VERTEX_BUFFER, shares=True)
        morphs = []
        for i in columns:
            moved = np.flatnonzero(np.abs(moves[i]).max(axis=1) > ATTACHMENT_MOVE)
            morphs.append(gltf.add_sparse(len(item.points), moved, values=moves[i][moved], bounds=True))
        if morphs:
            made["targets"] = [{"POSITION": index} for index in morphs]
        out.append(GlbObject(item.name, [made], columns))
    return out


def _first_attachment(person: Person) -> int:
    """Number of the materials before those of attachments."""
    used = person.surface.materials()
    return len(used) + (person.pictures is not None and person.folds is not None and "skin" in used)


def _attachment_primitive(
    gltf: GltfFile, item: Attachment, *, places: Float[Array, "vertex 3"], material: int
) -> dict[str, Any]:  # fmt: skip
    uv = np.stack([item.uv[:, 0], 1.0 - item.uv[:, 1]], axis=1).astype(np.float32)
    attributes = {
        "POSITION": gltf.add_array(places, target=VERTEX_BUFFER, bounds=True),
        "NORMAL": gltf.add_array(item.normals.astype(np.float32), target=VERTEX_BUFFER),
    }
    if item.picture is not None:
        short = np.round(65535.0 * uv).astype(np.uint16)
        attributes["TEXCOORD_0"] = gltf.add_array(short, target=VERTEX_BUFFER, shares=True)
    indices = item.triangles.astype(np.uint16 if len(places) <= 0xFFFF else np.uint32).reshape(-1)
    return {
        "attributes": attributes, "material": material, "indices": gltf.add_array(indices, target=INDEX_BUFFER)
    }  # fmt: skip


def _creases(
    gltf: GltfFile, skin: dict[str, Any], part: SurfacePart, *, person: Person, shown: _Shown,
    targets: list[GlbTarget],
) -> dict[str, Any] | None:  # fmt: skip
    """The skin's primitive again where it can fold, a little over it: only place, colour and faces are its own."""
    if person.folds is None or person.pictures is None:
        return None
    index = part.vertex_index
    able = (person.folds.masks[index] > SMALLEST_FOLD).any(axis=1)[part.triangles].any(axis=1)
    over = replace(part, material=FOLDS, triangles=part.triangles[able])
    places = shown.places[index] + np.float32(LIFT) * shown.normals[index]
    made = {
        "attributes": skin["attributes"]
        | {"POSITION": gltf.add_array(places.astype(np.float32), target=VERTEX_BUFFER, bounds=True)},
        **_faces(gltf, over, person=person),
    }
    made["attributes"] |= _colours(gltf, over, person=person, shown=shown)
    if targets:
        colours = _colour_morphs(gltf, over, targets)
        made["targets"] = [own | colour for own, colour in zip(skin["targets"], colours, strict=True)]
    return made


def _changes(target: GlbTarget, item: SurfaceObject) -> bool:
    """Whether a target changes one of the parts that a head is split into; the skin has all of its own curves."""
    if target.delta is None:
        return item.name == "skin"
    return target.move is not None and bool(np.abs(target.move[item.vertex_index]).max() > SMALLEST_MOVE)


def _primitive(gltf: GltfFile, part: SurfacePart, *, person: Person, shown: _Shown) -> dict[str, Any]:
    index, normals = part.vertex_index, shown.normals[part.vertex_index]
    places = shown.places[index].astype(np.float32)
    attributes = {
        "POSITION": gltf.add_array(places, target=VERTEX_BUFFER, bounds=True),
        "NORMAL": gltf.add_array(normals, target=VERTEX_BUFFER),
    }
    uv, eyes = part.uv, person.surface.eye_uv
    if eyes is not None and part.material == "eyes":
        uv = eyes[index]
    if uv is not None:
        flipped = np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1).astype(np.float32)
        attributes["TEXCOORD_0"] = gltf.add_array(flipped, target=VERTEX_BUFFER)
        if person.pictures is not None and part.material in RELIEFS:
            tangents = vertex_tangents(places, normals=normals, uv=uv, faces=part.triangles)
            attributes["TANGENT"] = gltf.add_array(tangents, target=VERTEX_BUFFER)
    attributes |= _colours(gltf, part, person=person, shown=shown)
    return {"attributes": attributes, **_faces(gltf, part, person=person)}


def _faces(gltf: GltfFile, part: SurfacePart, *, person: Person) -> dict[str, int]:
    indices = part.triangles.astype(np.uint16 if len(part.vertex_index) <= 0xFFFF else np.uint32).reshape(-1)
    material = (*person.surface.materials(), FOLDS).index(part.material)
    return {"indices": gltf.add_array(indices, target=INDEX_BUFFER), "material": material}


def _colours(gltf: GltfFile, part: SurfacePart, *, person: Person, shown: _Shown) -> dict[str, int]:
    """Vertex colours: what blood does to the skin, the alpha of creases, the dark of the mouth."""
    index = part.vertex_index
    if person.colours is None or shown.tint is None or part.material == "eyes":
        return {}
    if part.material == "skin":
        tint = shown.tint[index]
    elif part.material == FOLDS:
        tint = np.concatenate([shown.tint[index], shown.folded[index, None]], axis=1)
    else:
        plain = next(item for item in MATERIALS if item.name == part.material)
        tint = np.clip(person.colours.flesh[index] / (plain.red, plain.green, plain.blue), 0.0, 1.0)
    return {"COLOR_0": gltf.add_array(np.ascontiguousarray(tint, np.float32), target=VERTEX_BUFFER)}


def _morphs(
    gltf: GltfFile, part: SurfacePart, targets: list[GlbTarget], *, turns: list[Float[Array, "vertex 3"] | None]
) -> list[dict[str, int]]:
    """Sparse storage of every target's part on some vertices; all of a primitive's targets have the same attributes."""
    index, nothing = part.vertex_index, np.zeros((0, 3))
    still = gltf.add_sparse(len(index), nothing[:, 0].astype(np.int64), values=nothing, bounds=True)
    no_turn = gltf.add_sparse_directions(len(index), nothing[:, 0].astype(np.int64), values=nothing)
    out = []
    for item, turn, colour in zip(targets, turns, _colour_morphs(gltf, part, targets), strict=True):
        morph = {"POSITION": still, "NORMAL": no_turn} | colour
        if item.move is not None and turn is not None:
            moved = np.flatnonzero(np.abs(item.move[index]).max(axis=1) > SMALLEST_MOVE)
            turned = np.flatnonzero(np.abs(turn[index]).max(axis=1) > SMALLEST_TURN)
            if len(moved):
                values = item.move[index][moved]
                morph["POSITION"] = gltf.add_sparse(len(index), moved, values=values, bounds=True)
                if len(turned):
                    morph["NORMAL"] = gltf.add_sparse_directions(len(index), turned, values=turn[index][turned])
        out.append(morph)
    return out


def _colour_morphs(gltf: GltfFile, part: SurfacePart, targets: list[GlbTarget]) -> list[dict[str, int]]:
    """What each target does to the vertex colours of skin (three channels) and creases (four); nothing to others."""
    index, width = part.vertex_index, {"skin": 3, FOLDS: 4}.get(part.material, 0)
    changes = np.zeros((len(targets), len(index), width), np.float32)
    for change, target in zip(changes, targets, strict=True):
        if width and target.shift is not None:
            change[:, :3] = target.shift[index]
        if width == 4 and target.alpha is not None:
            change[:, 3] = target.alpha[index]
    if not (np.abs(changes) > SMALLEST_SHIFT).any():
        return [{}] * len(targets)
    none = gltf.add_sparse(len(index), np.zeros(0, np.int64), values=np.zeros((0, width)))
    out = []
    for change in changes:
        shifted = np.flatnonzero(np.abs(change).max(axis=1) > SMALLEST_SHIFT)
        known = gltf.add_sparse(len(index), shifted, values=change[shifted]) if len(shifted) else none
        out.append({"COLOR_0": known})
    return out


def _influences(skin_weights: Float[Array, "vertex joint=5"]) -> tuple[Array, Array]:
    """The four strongest joints of each vertex and their weights, summing to 1 (the fifth never matters)."""
    order = np.argsort(-skin_weights, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(skin_weights, order, axis=1).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(weights > 0.0, order, 0).astype(np.uint8), weights
