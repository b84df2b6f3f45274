"""Meshes of a `.glb`: vertices, texture coordinates, joints and morph targets of each object of a surface."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import BLOOD_REGIONS
from face_emote.face.head import Head
from face_emote.formats.glb.file import INDEX_BUFFER, VERTEX_BUFFER, GltfFile
from face_emote.formats.glb.morph_targets import BLOOD_PREFIX, MorphTarget
from face_emote.formats.mesh.blush_colours import BASE, BlushColours
from face_emote.formats.mesh.materials import eye_uv
from face_emote.formats.mesh.surface import Surface, SurfaceObject
from face_emote.formats.mesh.surface_parts import SurfacePart, object_parts, vertex_normals, vertex_tangents

SMALLEST_MOVE = 2e-6
"""Metres; vertices that a target moves less are left out of it (about the step of the stored basis)."""
SMALLEST_TURN = 2e-3
"""The same for normals, radians."""
SMALLEST_SHIFT = 2e-3
"""The same for colours."""


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


def animated_objects(
    gltf: GltfFile,
    surface: Surface,
    *,
    person: Head,
    targets: tuple[MorphTarget, ...],
    materials: tuple[str, ...],
    colours: BlushColours | None,
) -> tuple[GlbObject, ...]:
    """Skinned meshes at rest with their targets. A split part has only the targets that change it."""
    rest = surface.of(person.template.astype(np.float32))
    faces = surface.triangles()
    normals = vertex_normals(rest, faces)
    weights = surface.of(person.skin_weights)
    written = [
        _written(item, surface, rest=rest, normals=normals, faces=faces, shift=shift)
        for item, shift in zip(targets, _shifts(targets, colours), strict=True)
    ]
    out = []
    for item in surface.objects():
        columns = tuple(i for i, target in enumerate(written) if _has(item, surface, targets[i], target))
        primitives = []
        for part in object_parts(surface, item):
            primitive = _primitive(
                gltf, part, places=rest, rest=rest, normals=normals, colours=colours, blood_flow=None
            )
            joints, shares = _influences(weights[part.vertex_index])
            primitive["attributes"]["JOINTS_0"] = gltf.add_array(joints, target=VERTEX_BUFFER)
            primitive["attributes"]["WEIGHTS_0"] = gltf.add_array(shares, target=VERTEX_BUFFER)
            primitive["material"] = materials.index(part.material)
            if columns:
                primitive["targets"] = _morphs(
                    gltf,
                    part.vertex_index,
                    targets=[written[i] for i in columns],
                    coloured=colours is not None and part.material == "skin",
                )
            primitives.append(primitive)
        out.append(GlbObject(item.name, primitives, columns))
    return tuple(out)


def plain_object(
    gltf: GltfFile,
    surface: Surface,
    *,
    person: Head,
    vertices: Float[Array, "head_vertex 3"],
    materials: tuple[str, ...],
    colours: BlushColours | None,
    blood_flow: Float[Array, " region=8"],
) -> tuple[GlbObject, ...]:
    """Meshes of one posed frame, without joints and targets."""
    rest, places = surface.of(person.template.astype(np.float32)), surface.of(vertices)
    normals = vertex_normals(places, surface.triangles())
    return tuple(
        GlbObject(
            item.name,
            [
                _primitive(
                    gltf, part, places=places, rest=rest, normals=normals, colours=colours, blood_flow=blood_flow
                )
                | {"material": materials.index(part.material)}
                for part in object_parts(surface, item)
            ],
        )
        for item in surface.objects()
    )


def _shifts(
    targets: tuple[MorphTarget, ...], colours: BlushColours | None
) -> Iterator[Float[Array, "vertex 3"] | None]:  # fmt: skip
    """The colour shift of each target; only those of the blood have one."""
    all_shifts = None if colours is None else colours.shifts()
    for item in targets:
        region = item.name.removeprefix(BLOOD_PREFIX)
        known = all_shifts is not None and item.name.startswith(BLOOD_PREFIX) and region in BLOOD_REGIONS
        yield all_shifts[BLOOD_REGIONS.index(region)] if known and all_shifts is not None else None


def _written(
    item: MorphTarget,
    surface: Surface,
    *,
    rest: Float[Array, "vertex 3"],
    normals: Float[Array, "vertex 3"],
    faces: Int[Array, "triangle 3"],
    shift: Float[Array, "vertex 3"] | None,
) -> _WrittenTarget:
    if item.delta is None:
        return _WrittenTarget(None, None, shift)
    move = surface.of(item.delta.astype(np.float32))
    return _WrittenTarget(move, vertex_normals(rest + move, faces) - normals, None)


def _has(item: SurfaceObject, surface: Surface, target: MorphTarget, written: _WrittenTarget) -> bool:
    """Whether an object has a target: the whole head has all, a part those that move it; skin curves go to the skin."""
    if not surface.split:
        return True
    if written.move is None:
        return item.name == "skin"
    return bool(np.abs(written.move[item.vertex_index]).max() > SMALLEST_MOVE)


def _primitive(
    gltf: GltfFile,
    part: SurfacePart,
    *,
    places: Float[Array, "vertex 3"],
    rest: Float[Array, "vertex 3"],
    normals: Float[Array, "vertex 3"],
    colours: BlushColours | None,
    blood_flow: Float[Array, " region=8"] | None,
) -> dict[str, Any]:
    index = part.vertex_index
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
    no_turn = gltf.add_sparse(count, nothing, values=np.zeros((0, 3)))
    has_shift = coloured and any(
        item.shift is not None and np.abs(item.shift[index]).max() > SMALLEST_SHIFT for item in targets
    )
    out = []
    for item in targets:
        morph = {"POSITION": still, "NORMAL": no_turn} | ({"COLOR_0": no_turn} if has_shift else {})
        if item.move is not None and item.turn is not None:
            moved = np.flatnonzero(np.abs(item.move[index]).max(axis=1) > SMALLEST_MOVE)
            turned = np.flatnonzero(np.abs(item.turn[index]).max(axis=1) > SMALLEST_TURN)
            if len(moved):
                morph["POSITION"] = gltf.add_sparse(count, moved, values=item.move[index][moved], bounds=True)
                if len(turned):
                    morph["NORMAL"] = gltf.add_sparse(count, turned, values=item.turn[index][turned])
        if has_shift and item.shift is not None:
            shifted = np.flatnonzero(np.abs(item.shift[index]).max(axis=1) > SMALLEST_SHIFT)
            if len(shifted):
                morph["COLOR_0"] = gltf.add_sparse(count, shifted, values=item.shift[index][shifted])
        out.append(morph)
    return out


def eyes_uv(places: Float[Array, "corner_vertex 3"]) -> Float[Array, "corner_vertex 2"]:
    """Each eyeball unrolled around its own axis; `places` are those of the head at rest."""
    uv = np.empty((len(places), 2), np.float32)
    for own in (places[:, 0] > 0.0, places[:, 0] <= 0.0):
        if own.any():
            uv[own] = eye_uv(places[own])
    return uv


def _influences(skin_weights: Float[Array, "vertex joint=5"]) -> tuple[Array, Array]:
    """The four strongest joints of each vertex and their weights, summing to 1 (the fifth never matters)."""
    order = np.argsort(-skin_weights, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(skin_weights, order, axis=1).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(weights > 0.0, order, 0).astype(np.uint8), weights
