"""What each wrinkle and each region of blood does to a written surface."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.mesh.colours import BlushColours
from face_emote.formats.mesh.surface import MATERIAL_PARTS, Surface, vertex_normals
from face_emote.look.displacement import STILL_LIPS, relief_at
from face_emote.look.maps import SkinMaps
from face_emote.look.regions import wrinkle_masks

FINE_ENOUGH = 1
"""Level of detail from which the mesh has the vertices for a crease: 3 mm apart on the forehead."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """What curves of the skin do to the written vertices of one person; nothing off the skin."""

    masks: Float[Array, "vertex wrinkle=16"]  # Share of each wrinkle's activation that shows.
    moves: Float[Array, "wrinkle=16 vertex 3"] | None
    """Metres by which an activation of 1 moves a vertex; None where the mesh is too coarse for it."""
    shifts: Float[Array, "region=8 vertex 3"]
    """Change of a vertex colour (1 at rest) per unit of each region's blood flow."""


def folds_of(person: Head, surface: Surface, *, maps: SkinMaps, lod: int, colours: BlushColours) -> Folds:
    """Creases of a surface of the bundled head, of any identity; their depth is of the mesh's own scale and wider."""
    average, layout = load_head(), person.layout
    assert layout is not None
    skin = np.zeros(person.num_vertices, np.float32)
    skin[layout.vertices_of(*MATERIAL_PARTS["skin"])] = 1.0
    masks = wrinkle_masks(1000.0 * surface.of(average.template)) * surface.of(skin)[:, None]
    if lod < FINE_ENOUGH:
        return Folds(masks, None, colours.shifts())
    skin[layout.vertices_of("mouth", "socketL", "socketR")] = 0.0  # What closes stays where contact put it.
    lips = np.clip(surface.of(layout.mask_lips.astype(np.float32)) / STILL_LIPS, 0.0, 1.0)
    depth = relief_at(maps.wrinkle_height, surface.vertex_uv()) * surface.of(skin) * (1.0 - lips)
    normals = vertex_normals(surface.of(person.template.astype(np.float32)), surface.triangles())
    moves = masks.T[..., None] * (depth[:, None] * normals)
    return Folds(masks, moves.astype(np.float32), colours.shifts())
