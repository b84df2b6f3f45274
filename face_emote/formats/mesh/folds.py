"""Where each wrinkle shows on a written surface, and how far it moves the mesh."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.formats.mesh.surface import MATERIAL_PARTS, Surface, vertex_normals
from face_emote.look.displacement import STILL_LIPS, relief_at
from face_emote.look.maps import SkinMaps
from face_emote.look.regions import wrinkle_masks

FINE_ENOUGH = 1
"""Level of detail from which the mesh has the vertices for a crease: 3 mm apart on the forehead."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Of the written vertices of one person."""

    masks: Float[Array, "vertex wrinkle=16"]
    """Share of each wrinkle's activation that shows; 0 off the skin."""
    relief: Float[Array, "vertex 3"] | None
    """Metres by which an activation of 1 moves a vertex; None where the mesh is too coarse for it."""

    def move(self, wrinkle: int) -> Float[Array, "vertex 3"] | None:
        """How one wrinkle at activation 1 moves the vertices."""
        return None if self.relief is None else self.masks[:, wrinkle : wrinkle + 1] * self.relief


def folds_of(person: Head, surface: Surface, *, maps: SkinMaps, lod: int) -> Folds:
    """Creases of a surface of the bundled head, of any identity; their depth is of the mesh's own scale and wider."""
    average, layout = load_head(), person.layout
    assert layout is not None
    skin = np.zeros(person.num_vertices, np.float32)
    skin[layout.vertices_of(*MATERIAL_PARTS["skin"])] = 1.0
    hidden = layout.vertices_of("mouth", "socketL", "socketR")
    open_skin = skin.copy()
    open_skin[hidden] = 0.0  # The margins of lips and lids, too: what closes stays where contact put it.
    masks = wrinkle_masks(1000.0 * surface.of(average.template)) * surface.of(skin)[:, None]
    if lod < FINE_ENOUGH:
        return Folds(masks.astype(np.float32), None)
    lips = np.clip(surface.of(layout.mask_lips.astype(np.float32)) / STILL_LIPS, 0.0, 1.0)
    depth = relief_at(maps.wrinkle_height, surface.vertex_uv()) * surface.of(open_skin) * (1.0 - lips)
    normals = vertex_normals(surface.of(person.template.astype(np.float32)), surface.triangles())
    return Folds(masks.astype(np.float32), (depth[:, None] * normals).astype(np.float32))
