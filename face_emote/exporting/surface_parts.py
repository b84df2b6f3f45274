"""The head cut into parts of one material each, with one texture coordinate per vertex, as engines want it."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.face.head import Head
from face_emote.face.layout import HeadLayout
from face_emote.face.subdivision import triangles

EYES = ("eyeL", "eyeR")
MATERIAL_PARTS = {
    "skin": ("head", "torso", "socketL", "socketR"),
    "eyes": EYES,
    "teeth": ("toothL", "toothU"),
    "mouth": ("mouth", "tongue", "teethL", "teethU"),
}
"""Materials and the parts of the bundled head that wear them. Lashes need a hair shader and stay out."""


@dataclass(frozen=True, slots=True)
class SurfacePart:
    """Triangles of one material. Vertices on a texture seam are there once per side."""

    material: str
    vertex_index: Int[Array, " corner_vertex"]
    """Head vertex of each of the part's vertices."""
    uv: Float[Array, "corner_vertex 2"] | None
    """(0, 0) bottom left."""
    triangles: Int[Array, "triangle 3"]
    """Indices into `vertex_index`."""


def surface_parts(head: Head) -> tuple[SurfacePart, ...]:
    """Parts of a head; an imported FLAME head is one part without texture coordinates."""
    layout = head.layout
    if layout is None:
        used, corners = np.unique(head.faces, return_inverse=True)
        return (SurfacePart("skin", used, None, corners.reshape(-1, 3)),)
    return tuple(_part(material, layout, layout.in_parts(*names)) for material, names in MATERIAL_PARTS.items())


def _part(material: str, layout: HeadLayout, chosen: Bool[Array, " quad"]) -> SurfacePart:
    pairs = np.stack([layout.quads[chosen], layout.quad_uv[chosen]], axis=-1).reshape(-1, 2)
    unique, corners = np.unique(pairs, axis=0, return_inverse=True)
    return SurfacePart(material, unique[:, 0], layout.uv[unique[:, 1]], triangles(corners.reshape(-1, 4)))


def vertex_normals(vertices: Float[Array, "vertex 3"], faces: Int[Array, "triangle 3"]) -> Float[Array, "vertex 3"]:
    """Unit normals, triangles weighted by area; +Z where a vertex has none."""
    corners = vertices[faces].astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [np.bincount(faces.ravel(), np.repeat(across[:, axis], 3), len(vertices)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-20, total / np.maximum(length, 1e-20), (0.0, 0.0, 1.0)).astype(np.float32)
