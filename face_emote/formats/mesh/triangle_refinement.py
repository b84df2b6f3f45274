"""Loop's subdivision of a triangle mesh as a sparse matrix: heads whose mesh has no quads (FLAME) are refined by it.

Loop 1987, with Warren's weights (3/16 at valence 3, else 3 / 8n). New vertices come in the order: old vertices, edge
points. Borders follow the cubic B-spline rule, as in `face.subdivision`.
"""

import numpy as np

from face_emote.core.arrays import Array, Int
from face_emote.face.subdivision import SparseRows, sparse_rows


def loop_step(faces: Int[Array, "triangle 3"], *, num_vertices: int) -> tuple[SparseRows, Int[Array, "child 3"]]:
    """One smooth step: the matrix from old to new vertices, and the new triangles (four consecutive ones for each)."""
    ends, across = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1), np.roll(faces, -2, axis=1)
    edges, inverse, count = np.unique(
        np.sort(ends.reshape(-1, 2), axis=1), axis=0, return_inverse=True, return_counts=True
    )
    side_edge = inverse.reshape(faces.shape)
    border = count != 2
    middle = num_vertices + np.arange(len(edges))
    inner_side = ~border[side_edge.reshape(-1)]
    parts = [
        (np.repeat(middle, 2), edges.reshape(-1), np.repeat(np.where(border, 0.5, 0.375), 2)),
        ((num_vertices + side_edge.reshape(-1))[inner_side], across.reshape(-1)[inner_side],
         np.full(int(inner_side.sum()), 0.125)),
        *_old_vertices(edges, border, num_vertices=num_vertices),
    ]  # fmt: skip
    row, column, weight = (np.concatenate([part[k] for part in parts]) for k in range(3))
    kept = weight != 0.0
    matrix = sparse_rows(row[kept], column[kept], weight[kept], shape=(num_vertices + len(edges), num_vertices))
    a, b, c = faces.T
    ab, bc, ca = (num_vertices + side_edge).T
    children = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]])
    return matrix, children.transpose(2, 0, 1).reshape(-1, 3)


def _old_vertices(
    edges: Int[Array, "edge 2"], border: Array, *, num_vertices: int
) -> list[tuple[Array, Array, Array]]:  # fmt: skip
    """Entries of the rows of the old vertices."""
    on_border = np.zeros(num_vertices, bool)
    on_border[edges[border].reshape(-1)] = True
    valence = np.bincount(edges.reshape(-1), minlength=num_vertices)
    share = np.where(valence == 3, 3.0 / 16.0, 3.0 / (8.0 * np.maximum(valence, 1)))
    vertex = np.arange(num_vertices)
    # A border vertex where several borders meet keeps its place: 1/8 of each neighbour only fits two of them.
    meets = np.bincount(edges[border].reshape(-1), minlength=num_vertices)
    own = np.where(on_border, np.where(meets == 2, 0.75, 1.0), 1.0 - valence * share)
    entries = [(vertex, vertex, np.where(valence == 0, 1.0, own))]
    for a, b in ((0, 1), (1, 0)):
        start = edges[:, a]
        weight = np.where(on_border[start], np.where(border & (meets[start] == 2), 0.125, 0.0), share[start])
        entries.append((start, edges[:, b], weight))
    return entries
