"""A surface cut into parts of one material each, with one texture coordinate per vertex, as engines want it."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.face.head import Head
from face_emote.face.subdivision import triangles
from face_emote.formats.mesh.surface import MATERIAL_OF, MATERIALS, PARTS, Surface, SurfaceObject, surface_of

MATERIAL_PARTS = {
    material: tuple(name for part, names in PARTS.items() if MATERIAL_OF[part] == material for name in names)
    for material in MATERIALS
}
"""Materials and the parts of the bundled head that wear them."""


@dataclass(frozen=True, slots=True)
class SurfacePart:
    """Triangles of one material. Vertices on a texture seam are there once per side."""

    material: str
    vertex_index: Int[Array, " corner_vertex"]
    """Written vertex (of the surface; of the head at LOD 0) of each of the part's vertices."""
    uv: Float[Array, "corner_vertex 2"] | None
    """(0, 0) bottom left."""
    triangles: Int[Array, "triangle 3"]
    """Indices into `vertex_index`."""


def surface_parts(head: Head) -> tuple[SurfacePart, ...]:
    """Parts of a whole head; an imported FLAME head is one part without texture coordinates."""
    surface = surface_of(head)
    return object_parts(surface, surface.objects()[0])


def object_parts(surface: Surface, item: SurfaceObject) -> tuple[SurfacePart, ...]:
    """Parts of one object of a surface."""
    return tuple(
        _part(surface, material, faces=item.face_index[own])
        for material, own in surface.material_faces(item.face_index)
    )


def _part(surface: Surface, material: str, *, faces: Int[Array, " face"]) -> SurfacePart:
    corners = surface.corners[faces]
    if surface.uv is None or surface.uv_corners is None:
        used, local = np.unique(corners, return_inverse=True)
        return SurfacePart(material, used, None, _as_triangles(local.reshape(corners.shape)))
    pairs = np.stack([corners, surface.uv_corners[faces]], axis=-1).reshape(-1, 2)
    unique, local = np.unique(pairs, axis=0, return_inverse=True)
    return SurfacePart(material, unique[:, 0], surface.uv[unique[:, 1]], _as_triangles(local.reshape(corners.shape)))


def _as_triangles(corners: Int[Array, "face corner"]) -> Int[Array, "triangle 3"]:
    return corners if corners.shape[1] == 3 else triangles(corners)


def vertex_normals(vertices: Float[Array, "vertex 3"], faces: Int[Array, "triangle 3"]) -> Float[Array, "vertex 3"]:
    """Unit normals, triangles weighted by area; +Z where a vertex has none."""
    corners = vertices[faces].astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [np.bincount(faces.ravel(), np.repeat(across[:, axis], 3), len(vertices)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-20, total / np.maximum(length, 1e-20), (0.0, 0.0, 1.0)).astype(np.float32)


def vertex_tangents(
    places: Float[Array, "vertex 3"],
    *,
    normals: Float[Array, "vertex 3"],
    uv: Float[Array, "vertex 2"],
    faces: Int[Array, "triangle 3"],
) -> Float[Array, "vertex 4"]:
    """Directions of growing u along the surface, and +1 or -1 in w: growing v is w * cross(normal, tangent).

    Lengyel 2001, "Computing tangent space basis vectors for an arbitrary mesh".
    """
    edge_1, edge_2 = (places[faces[:, k]].astype(np.float64) - places[faces[:, 0]] for k in (1, 2))
    step_1, step_2 = (uv[faces[:, k]].astype(np.float64) - uv[faces[:, 0]] for k in (1, 2))
    area = step_1[:, 0] * step_2[:, 1] - step_2[:, 0] * step_1[:, 1]
    sign = np.where(area < 0.0, -1.0, 1.0)[:, None]
    along_u = sign * (edge_1 * step_2[:, 1:] - edge_2 * step_1[:, 1:])
    along_v = sign * (edge_2 * step_1[:, :1] - edge_1 * step_2[:, :1])
    total_u, total_v = (
        np.stack([np.bincount(faces.ravel(), np.repeat(a[:, axis], 3), len(places)) for axis in range(3)], axis=1)
        for a in (along_u, along_v)
    )
    normal = normals.astype(np.float64)
    tangent = total_u - normal * np.sum(normal * total_u, axis=1, keepdims=True)
    length = np.linalg.norm(tangent, axis=1, keepdims=True)
    # Where the chart is degenerate any direction across the normal will do.
    other = np.cross(normal, np.where(np.abs(normal[:, :1]) < 0.9, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    tangent = np.where(length > 1e-16, tangent / np.maximum(length, 1e-16), other)
    side = np.where(np.sum(np.cross(normal, tangent) * total_v, axis=1, keepdims=True) < 0.0, -1.0, 1.0)
    return np.concatenate([tangent, side], axis=1).astype(np.float32)
