"""Subdivision of a mesh as a sparse matrix, so that a moving mesh is refined by one product.

Quads: Catmull & Clark 1978; new vertices come in the order: old vertices, face points, edge points. Triangles (heads
whose mesh has no quads, FLAME): Loop 1987, with Warren's weights (3/16 at valence 3, else 3 / 8n); old vertices, edge
points. Borders follow the cubic B-spline rule (3/4, 1/8, 1/8). Numpy only: the matrix is a compressed-row triple.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int


@dataclass(frozen=True, slots=True)
class SparseRows:
    """A sparse matrix in compressed rows: row i holds columns `index[start[i]:start[i+1]]`."""

    start: Int[Array, " row_starts"]
    index: Int[Array, " entry"]
    weight: Float[Array, " entry"]
    num_columns: int

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.start) - 1

    def apply(self, values: Float[Array, "column ..."]) -> Float[Array, "row ..."]:
        """Matrix times `values`; every row must have an entry."""
        flat = values.reshape(len(values), -1)
        terms = self.weight[:, None] * flat[self.index]
        summed = np.add.reduceat(terms, self.start[:-1], axis=0)
        return summed.reshape(self.num_rows, *values.shape[1:]).astype(values.dtype)

    def after(self, first: "SparseRows") -> "SparseRows":
        """The matrix that applies `first`, then this one."""
        counts = np.diff(first.start)[self.index]
        row = np.repeat(np.repeat(np.arange(self.num_rows), np.diff(self.start)), counts)
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        entry = np.repeat(first.start[self.index], counts) + offset
        weight = np.repeat(self.weight, counts) * first.weight[entry]
        return sparse_rows(row, first.index[entry], weight, shape=(self.num_rows, first.num_columns))


def sparse_rows(
    row: Int[Array, " entry"], column: Int[Array, " entry"], weight: Array, *, shape: tuple[int, int]
) -> SparseRows:
    """Compress triplets; duplicates are summed."""
    key = row.astype(np.int64) * shape[1] + column
    unique, inverse = np.unique(key, return_inverse=True)
    summed = np.bincount(inverse.reshape(-1), weight, len(unique))
    start = np.searchsorted(unique // shape[1], np.arange(shape[0] + 1))
    return SparseRows(
        start=start.astype(np.int64),
        index=(unique % shape[1]).astype(np.int32),
        weight=summed.astype(np.float32),
        num_columns=shape[1],
    )


def _joined(parts: list[tuple[Array, Array, Array]], *, shape: tuple[int, int]) -> SparseRows:
    """The matrix of triplets that come in parts; entries of 0 are left out."""
    row, column, weight = (np.concatenate([part[k] for part in parts]) for k in range(3))
    kept = weight != 0.0
    return sparse_rows(row[kept], column[kept], weight[kept], shape=shape)


def _edges(faces: Int[Array, "face corner"]) -> tuple[Array, Array, Array]:
    """Unique edges [edge, 2], the edge of each side [face, corner] and the number of faces at each edge."""
    sides = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, inverse, count = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    return edges, inverse.reshape(faces.shape), count


def _children(quads: Int[Array, "quad 4"], side_edge: Array, *, num_vertices: int) -> Int[Array, "child 4"]:
    """Four quads per quad, all of them with their old corner first; children of a quad are consecutive."""
    face_point = num_vertices + np.arange(len(quads))
    edge_point = num_vertices + len(quads) + side_edge
    corners = [np.stack([quads[:, k], edge_point[:, k], face_point, edge_point[:, k - 1]], axis=1) for k in range(4)]
    return np.stack(corners, axis=1).reshape(-1, 4)


def catmull_clark(quads: Int[Array, "quad 4"], *, num_vertices: int) -> tuple[SparseRows, Int[Array, "child 4"]]:
    """One smooth subdivision step: the matrix from old to new vertices, and the new quads."""
    edges, side_edge, count = _edges(quads)
    num_faces, num_edges = len(quads), len(edges)
    total = num_vertices + num_faces + num_edges
    corner_of = np.repeat(np.arange(num_faces), 4)
    border = count == 1
    on_border = np.zeros(num_vertices, bool)
    on_border[edges[border].reshape(-1)] = True
    valence = np.bincount(edges.reshape(-1), minlength=num_vertices).astype(np.float64)
    smooth = ~on_border & (valence > 0)
    n = np.maximum(valence, 1.0)
    parts: list[tuple[Array, Array, Array]] = []
    # Face points: mean of the corners.
    parts.append((num_vertices + corner_of, quads.reshape(-1), np.full(4 * num_faces, 0.25)))
    # Edge points: mean of the ends and of the two face points; border edges: the midpoint.
    ends = num_vertices + num_faces + np.repeat(np.arange(num_edges), 2)
    parts.append((ends, edges.reshape(-1), np.repeat(np.where(border, 0.5, 0.25), 2)))
    inner_side = ~border[side_edge.reshape(-1)]
    side_rows = num_vertices + num_faces + side_edge.reshape(-1)[inner_side]
    parts.append(
        (np.repeat(side_rows, 4), quads[corner_of[inner_side]].reshape(-1), np.full(4 * len(side_rows), 0.0625))
    )
    # Old vertices inside: F/n + 2E/n + (n-3)/n * v, with F and E the means of face points and edge midpoints.
    vertex = np.arange(num_vertices)
    own = np.where(smooth, (n - 3.0) / n, np.where(on_border, 0.5, 1.0))
    parts.append((vertex, vertex, own))
    ring_vertex = np.repeat(quads.reshape(-1), 4)
    ring_weight = np.where(smooth, 0.25 / n**2, 0.0)[ring_vertex]
    parts.append((ring_vertex, np.repeat(quads, 4, axis=0).reshape(-1), ring_weight))
    for a, b in ((0, 1), (1, 0)):
        for end in (a, b):
            # Border vertices see border edges only: 1/4 of each of their two midpoints.
            at_border = border & on_border[edges[:, a]]
            weight = np.where(smooth[edges[:, a]], 1.0 / n[edges[:, a]] ** 2, np.where(at_border, 0.125, 0.0))
            parts.append((edges[:, a], edges[:, end], weight))
    matrix = _joined(parts, shape=(total, num_vertices))
    return matrix, _children(quads, side_edge, num_vertices=num_vertices)


def bilinear(quads: Int[Array, "quad 4"], *, num_vertices: int) -> tuple[SparseRows, Int[Array, "child 4"]]:
    """The same splitting without smoothing, for texture coordinates and masks."""
    edges, side_edge, _ = _edges(quads)
    num_faces, num_edges = len(quads), len(edges)
    total = num_vertices + num_faces + num_edges
    row = np.concatenate(
        [
            np.arange(num_vertices),
            num_vertices + np.repeat(np.arange(num_faces), 4),
            num_vertices + num_faces + np.repeat(np.arange(num_edges), 2),
        ]
    )
    column = np.concatenate([np.arange(num_vertices), quads.reshape(-1), edges.reshape(-1)])
    weight = np.concatenate([np.ones(num_vertices), np.full(4 * num_faces, 0.25), np.full(2 * num_edges, 0.5)])
    matrix = sparse_rows(row, column, weight, shape=(total, num_vertices))
    return matrix, _children(quads, side_edge, num_vertices=num_vertices)


def triangles(quads: Int[Array, "quad 4"]) -> Int[Array, "triangle 3"]:
    """Two triangles a quad, consecutive: corners 0 1 2 and 0 2 3."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)


def loop_step(faces: Int[Array, "triangle 3"], *, num_vertices: int) -> tuple[SparseRows, Int[Array, "child 3"]]:
    """One smooth step: the matrix from old to new vertices, and the new triangles (four consecutive ones for each)."""
    across = np.roll(faces, -2, axis=1)
    edges, side_edge, count = _edges(faces)
    border = count != 2
    middle = num_vertices + np.arange(len(edges))
    inner_side = ~border[side_edge.reshape(-1)]
    inner_row = (num_vertices + side_edge.reshape(-1))[inner_side]
    parts = [
        (np.repeat(middle, 2), edges.reshape(-1), np.repeat(np.where(border, 0.5, 0.375), 2)),
        (inner_row, across.reshape(-1)[inner_side], np.full(len(inner_row), 0.125)),
        *_old_vertices(edges, border, num_vertices=num_vertices),
    ]
    matrix = _joined(parts, shape=(num_vertices + len(edges), num_vertices))
    a, b, c = faces.T
    ab, bc, ca = (num_vertices + side_edge).T
    children = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]])
    return matrix, children.transpose(2, 0, 1).reshape(-1, 3)


def _old_vertices(edges: Int[Array, "edge 2"], border: Array, *, num_vertices: int) -> list[tuple[Array, Array, Array]]:
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
