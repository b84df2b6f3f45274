"""What is known about a head's surface besides its shape: charts, parts, loops, masks, landmarks, controls."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.face.subdivision import triangles


@dataclass(frozen=True, slots=True, eq=False)
class SurfacePoints:
    """Points fixed to triangles of the mesh."""

    corners: Int[Array, "point 3"]  # Vertices of the triangle that carries each point.
    weights: Float[Array, "point 3"]  # Barycentric, summing to 1.

    def of(self, vertices: Float[Array, "frames vertex 3"]) -> Float[Array, "frames point 3"]:
        """Where the points are on a moving mesh."""
        carried = vertices[:, self.corners] * self.weights[..., None].astype(vertices.dtype)
        return np.asarray(carried.sum(axis=2))


@dataclass(frozen=True, slots=True)
class ControlJoint:
    """An expression control that turns a joint instead of moving vertices."""

    control: str  # One of `names.CONTROLS`.
    joint: int  # Index into `names.JOINTS`.
    axis: int  # 0 about +X (nodding), 1 about +Y (turning).
    angle: float  # Radians at control = 1.


@dataclass(frozen=True, slots=True, eq=False)
class HeadLayout:
    """The surface of the bundled head. Masks are per vertex, 0..1."""

    quads: Int[Array, "quad 4"]
    """Vertex indices, counter-clockwise seen from outside; `Head.faces` are these, split along corners 0 and 2."""
    quad_uv: Int[Array, "quad 4"]  # Indices into `uv`, corner by corner of `quads`.
    uv: Float[Array, "uv_vertex 2"]
    """Texture coordinates of this package, (0, 0) bottom left; the face gets most of the area."""
    uv_makehuman: Float[Array, "uv_vertex 2"]  # The original chart: skins made for MakeHuman fit it.
    lash_uv: Float[Array, "uv_vertex 2"]
    """Eyelash strips only: x along the lid 0..1, y from root 0 to tip about 1. Zero elsewhere."""
    quad_part: Int[Array, " quad"]  # Index into `part_names`.
    part_names: tuple[str, ...]
    mirror: Int[Array, " vertex"]  # The vertex on the other side of x = 0.
    left_lid_loop: Int[Array, " lid_vertex"]  # Lid margin of the character's left eye.
    right_lid_loop: Int[Array, " lid_vertex"]
    lip_loop: Int[Array, " lip_vertex"]  # Where the outer skin meets the inside of the mouth, all around.
    ring: Int[Array, " vertex"]  # 0 on the head, 1..9 counting rows down the bust; 9 is the cut edge.
    mask_lips: Float[Array, " vertex"]
    mask_eyelids: Float[Array, " vertex"]
    mask_ears: Float[Array, " vertex"]
    mask_face: Float[Array, " vertex"]
    mask_inside_mouth: Float[Array, " vertex"]

    @property
    def uv_faces(self) -> Int[Array, "triangle 3"]:
        """Indices into `uv`, corner by corner of `Head.faces`."""
        return triangles(self.quad_uv)

    def in_parts(self, *names: str) -> Bool[Array, " quad"]:
        """Which quads belong to any of the named parts."""
        wanted = [self.part_names.index(name) for name in names]
        return np.isin(self.quad_part, wanted)

    def vertices_of(self, *names: str) -> Int[Array, " vertex"]:
        """Sorted vertex indices of the named parts."""
        return np.unique(self.quads[self.in_parts(*names)])
