"""The skin of the bundled head as one smooth mesh: which quads it has, and how it is refined.

Strands are rooted in this mesh and maps are baked on it, so its numbering is part of the asset format:

1. take the quads whose part is one of `SKIN_PARTS`, in the head's own order;
2. renumber their vertices in rising order (`vertex_index`) and their uv vertices likewise;
3. refine positions by `catmull_clark` and texture coordinates by `bilinear`, `levels` times;
4. `triangles` of the refined quads, two a quad, are numbered in that order.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.face.layout import HeadLayout
from face_emote.face.subdivision import SparseRows, bilinear, catmull_clark, triangles

SKIN_PARTS = ("head", "torso", "mouth", "socketL", "socketR")


@dataclass(frozen=True, slots=True)
class SkinSurface:
    """Topology of the refined skin; positions come from `matrix.apply(head_vertices[vertex_index])`."""

    vertex_index: Int[Array, " skin_vertex"]  # Head vertex of each skin vertex before refinement.
    matrix: SparseRows  # From skin vertices to refined vertices (smooth).
    linear: SparseRows  # The same without smoothing, for masks given at vertices.
    triangles: Int[Array, "triangle 3"]  # Refined vertices, counter-clockwise seen from outside.
    uv: Float[Array, "uv_vertex 2"]  # Refined texture coordinates.
    uv_triangles: Int[Array, "triangle 3"]  # Indices into `uv`, corner by corner of `triangles`.
    part: Int[Array, " triangle"]  # Index into `SKIN_PARTS`.


def skin_surface(
    quads: Int[Array, "quad 4"],
    *,
    quad_uv: Int[Array, "quad 4"],
    uv: Float[Array, "head_uv 2"],
    quad_part: Int[Array, " quad"],
    part_names: tuple[str, ...],
    levels: int = 1,
) -> SkinSurface:
    """Refine the skin of a head, given the arrays of its `HeadLayout`; `levels` of 1 is what strands refer to."""
    number = np.array([SKIN_PARTS.index(name) if name in SKIN_PARTS else -1 for name in part_names])
    part = number[quad_part.astype(np.int64)]
    chosen = part >= 0
    vertex_index, vertex_quads = np.unique(quads[chosen].astype(np.int64), return_inverse=True)
    uv_index, uv_quads = np.unique(quad_uv[chosen].astype(np.int64), return_inverse=True)
    smooth_quads = vertex_quads.reshape(-1, 4)
    uv_quads = uv_quads.reshape(-1, 4)
    matrix = linear = uv_matrix = None
    for _ in range(levels):
        count = len(vertex_index) if matrix is None else matrix.num_rows
        step, refined = catmull_clark(smooth_quads, num_vertices=count)
        mask_step, _linear_quads = bilinear(smooth_quads, num_vertices=count)
        uv_step, uv_quads = bilinear(uv_quads, num_vertices=len(uv_index) if uv_matrix is None else uv_matrix.num_rows)
        matrix = step if matrix is None else step.after(matrix)
        linear = mask_step if linear is None else mask_step.after(linear)
        uv_matrix = uv_step if uv_matrix is None else uv_step.after(uv_matrix)
        smooth_quads = refined
    if matrix is None or linear is None or uv_matrix is None:
        raise ValueError(f"levels must be at least 1, got {levels}")
    return SkinSurface(
        vertex_index=vertex_index,
        matrix=matrix,
        linear=linear,
        triangles=triangles(smooth_quads).astype(np.int32),
        uv=uv_matrix.apply(uv[uv_index].astype(np.float32)),
        uv_triangles=triangles(uv_quads).astype(np.int32),
        part=np.repeat(part[chosen], 2 * 4**levels).astype(np.int8),
    )


def layout_skin(layout: HeadLayout, *, levels: int = 1) -> SkinSurface:
    """`skin_surface` of a head's layout."""
    return skin_surface(
        layout.quads,
        quad_uv=layout.quad_uv,
        uv=layout.uv,
        quad_part=layout.quad_part,
        part_names=tuple(layout.part_names),
        levels=levels,
    )
