"""From the fast renderer's geometry to vertex buffers: one GL vertex for every pair of point and texture coordinate."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.buffers import NUM_ATTRIBUTES, Geometry
from face_emote.rendering.stage.mesh import RenderMesh

FRAME_LAYOUT = ("3f 3f 3f 3f 2f 3f", "position", "normal", "sky_plain", "sky_skin", "opened", "state")
"""`buffers.Geometry.attributes`: what changes from frame to frame."""
FIXED_LAYOUT = ("2f 3f 1f", "uv", "local", "material")


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """Which points the GL vertices are, and what never changes about them."""

    point: Int[Array, " gl_vertex"]
    indices: Int[Array, "triangle 3"]
    fixed: Float[Array, "gl_vertex 6"]
    """uv, local, material: `FIXED_LAYOUT`."""

    def frame(self, geometry: Geometry) -> Float[Array, f"gl_vertex {NUM_ATTRIBUTES}"]:
        """`FRAME_LAYOUT` of one frame."""
        found: Array = geometry.attributes[self.point]
        return found


def make_corners(mesh: RenderMesh) -> Corners:
    """Split points at seams of the texture and between materials."""
    uv_index = np.where((mesh.material == buffers.SKIN)[:, None], mesh.uv_triangles, -1).astype(np.int64)
    material = np.repeat(mesh.material.astype(np.int64), 3)
    key = np.stack([mesh.triangles.reshape(-1).astype(np.int64), uv_index.reshape(-1), material], axis=1)
    unique, inverse = np.unique(key, axis=0, return_inverse=True)
    uv = np.where((unique[:, 1] >= 0)[:, None], mesh.uv[unique[:, 1]], 0.0)
    return Corners(
        point=unique[:, 0],
        indices=inverse.reshape(-1, 3).astype(np.int32),
        fixed=np.concatenate([uv, mesh.local[unique[:, 0]], unique[:, 2:3]], axis=1, dtype=np.float32),
    )
