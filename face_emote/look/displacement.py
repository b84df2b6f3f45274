"""The part of the creases that is large enough to move the mesh: folds get a silhouette and hide what lies behind.

A refined skin vertex moves along its smooth normal by `relief * (activation + resting)` metres. Normals stay those of
the mesh before it moved, because the normal map describes the whole crease, large and small: shading is as without
displacement, and the two cannot disagree.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.look.maps import WRINKLE_DEPTH
from face_emote.look.surface import SKIN_PARTS, SkinSurface

COARSE = 128  # Side of the map that vertices read: its texels are about as wide (2 mm) as the mesh is fine.
STILL_LIPS = 0.3  # Lip mask at which nothing moves any more. What closes the mouth must not.


def crease_relief(
    height: Float[Array, "size size"], *, surface: SkinSurface, lips: Float[Array, " head_vertex"]
) -> Float[Array, " skin_vertex"]:
    """Metres by which every refined vertex moves out at activation 1; 0 on lips, lid margins, mouth and sockets."""
    count = surface.matrix.num_rows
    corner = np.zeros((count, 2), np.float32)
    corner[surface.triangles.reshape(-1)] = surface.uv[surface.uv_triangles.reshape(-1)]
    moves = 1.0 - np.clip(surface.linear.apply(lips[surface.vertex_index].astype(np.float64)) / STILL_LIPS, 0.0, 1.0)
    # Vertices that a hidden part shares, the margins of lids and lips among them, stay where contact put them.
    hidden = surface.triangles[surface.part >= SKIN_PARTS.index("mouth")]
    moves[np.unique(hidden)] = 0.0
    found: Array = (moves * relief_at(height, corner)).astype(np.float32)
    return found


def relief_at(height: Float[Array, "size size"], uv: Float[Array, "point 2"]) -> Float[Array, " point"]:
    """Metres of the part of the creases that a mesh can carry, at texture coordinates; `SkinMaps.wrinkle_height`."""
    factor = len(height) // COARSE
    coarse = height.reshape(COARSE, factor, COARSE, factor).mean(axis=(1, 3))
    x = np.clip(uv[:, 0] * COARSE - 0.5, 0.0, COARSE - 1.001)
    y = np.clip((1.0 - uv[:, 1]) * COARSE - 0.5, 0.0, COARSE - 1.001)
    column, row = x.astype(int), y.astype(int)
    u, v = x - column, y - row
    upper = coarse[row, column] * (1.0 - u) + coarse[row, column + 1] * u
    lower = coarse[row + 1, column] * (1.0 - u) + coarse[row + 1, column + 1] * u
    found: Array = WRINKLE_DEPTH * (upper * (1.0 - v) + lower * v)
    return found
