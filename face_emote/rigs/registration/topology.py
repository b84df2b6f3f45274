"""What the triangles of a mesh say: connected pieces, borders, neighbours. Numpy only."""

import numpy as np

from face_emote.core.arrays import Array, Int


def components(faces: Int[Array, "triangle 3"], *, num_vertices: int) -> Int[Array, " vertex"]:
    """The smallest vertex of the piece that each vertex belongs to."""
    label = np.arange(num_vertices)
    while True:
        least = label[faces].min(axis=1)
        new = label.copy()
        for corner in range(3):
            np.minimum.at(new, faces[:, corner], least)
        new = new[new]  # Jump ahead: a label's own label is as good.
        if np.array_equal(new, label):
            return label
        label = new


def edges_of(faces: Int[Array, "triangle 3"]) -> tuple[Int[Array, "edge 2"], Int[Array, " edge"]]:
    """Undirected edges and the number of triangles at each."""
    sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges, count = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    return edges, count


def border_loops(faces: Int[Array, "triangle 3"], *, num_vertices: int) -> list[Int[Array, " loop_vertex"]]:
    """Vertices of each border (unordered), the longest border first."""
    edges, count = edges_of(faces)
    rim = edges[count == 1]
    label = np.arange(num_vertices)
    while len(rim):
        least = label[rim].min(axis=1)
        new = label.copy()
        for end in range(2):
            np.minimum.at(new, rim[:, end], least)
        new = new[new]
        if np.array_equal(new, label):
            break
        label = new
    on_rim = np.unique(rim)
    names, inverse = np.unique(label[on_rim], return_inverse=True)
    loops = [on_rim[inverse == number] for number in range(len(names))]
    return sorted(loops, key=len, reverse=True)
