"""Cutting the head out of the body: which quads stay, and what part each belongs to."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from face_emote.core.arrays import Array, Bool, Float, Int
from tools.build_head.makehuman import BaseMesh, MakeHuman

SKIN_PARTS = ("head", "mouth", "torso", "socketL", "socketR")
PART_NAMES = (*SKIN_PARTS, "eyeL", "eyeR", "teethU", "teethL", "tongue", "lashL", "lashR", "toothU", "toothL")
HELPERS = {
    "helper-l-eye": "eyeL",
    "helper-r-eye": "eyeR",
    "helper-upper-teeth": "teethU",
    "helper-lower-teeth": "teethL",
    "helper-tongue": "tongue",
    "helper-l-eyelashes-1": "lashL",
    "helper-l-eyelashes-2": "lashL",
    "helper-r-eyelashes-1": "lashR",
    "helper-r-eyelashes-2": "lashR",
}
BUST_RINGS = 9
"""Rows of torso quads kept below the neck; about the shoulder line."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """The topology of the head."""

    quads: Int[Array, "quad 4"]
    quad_uv: Int[Array, "quad 4"]
    uv: Float[Array, "uv_vertex 2"]
    part: Int[Array, " quad"]
    """Index into PART_NAMES."""
    ring: Int[Array, " vertex"]
    mirror: Int[Array, " vertex"]
    source: Int[Array, " vertex"]
    """Vertex of the MakeHuman base mesh; -1 for vertices made here."""

    def in_parts(self, *names: str) -> Bool[Array, " quad"]:
        """Which quads belong to any of the named parts."""
        return np.isin(self.part, [PART_NAMES.index(name) for name in names])

    def vertices_of(self, *names: str) -> Int[Array, " vertex"]:
        """Sorted vertices of the named parts."""
        return np.unique(self.quads[self.in_parts(*names)])

    def uv_of(self, *names: str) -> Int[Array, " uv_vertex"]:
        """Sorted texture vertices of the named parts."""
        return np.unique(self.quad_uv[self.in_parts(*names)])

    def shared(self, first: str, second: str) -> Int[Array, " vertex"]:
        """Vertices on the seam between two parts."""
        return np.intersect1d(self.vertices_of(first), self.vertices_of(second))

    def edges(self, *parts: str) -> Int[Array, "edge 2"]:
        """Unique edges of the named parts."""
        return quad_edges(self.quads[self.in_parts(*parts)])

    def with_uv(self, uv: Float[Array, "uv_vertex 2"]) -> "Mesh":
        """The same mesh with other texture coordinates."""
        return replace(self, uv=uv)


def quad_edges(quads: Int[Array, "quad 4"]) -> Int[Array, "edge 2"]:
    """Unique undirected edges."""
    sides = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    return np.unique(np.sort(sides, axis=1), axis=0)


def laplacian(edges: Int[Array, "edge 2"], *, num_vertices: int) -> sparse.csr_matrix:
    """Graph Laplacian: degree on the diagonal, -1 per edge."""
    both = np.concatenate([edges, edges[:, ::-1]])
    ones = np.ones(len(both))
    adjacent = sparse.coo_matrix((ones, (both[:, 0], both[:, 1])), (num_vertices, num_vertices)).tocsr()
    return (sparse.diags(np.asarray(adjacent.sum(axis=1)).ravel()) - adjacent).tocsr()


def cut_head(base: BaseMesh, data: MakeHuman) -> Mesh:
    """Head chart, mouth cavity, eye sockets, nine rows of the bust, and the helpers inside the head."""
    body = base.groups["body"]
    chart = _charts(body.quad_uv, num_uv=len(base.uv))
    names = _chart_names(base, chart)
    ring = _rings(body.quads, chart, names=names, num_vertices=len(base.vertices))
    quads, quad_uv, part = [], [], []
    for name, label in names.items():
        kept = chart == label
        if name == "torso":
            kept &= ring[body.quads].max(axis=1) <= BUST_RINGS
        quads.append(body.quads[kept])
        quad_uv.append(body.quad_uv[kept])
        part.append(np.full(kept.sum(), PART_NAMES.index(name)))
    for helper, name in HELPERS.items():
        group = base.groups[helper]
        quads.append(group.quads)
        quad_uv.append(group.quad_uv)
        part.append(np.full(len(group.quads), PART_NAMES.index(name)))
    source, own_quads = np.unique(np.concatenate(quads), return_inverse=True)
    uv_source, own_uv = np.unique(np.concatenate(quad_uv), return_inverse=True)
    own = np.full(len(base.vertices), -1)
    own[source] = np.arange(len(source))
    return Mesh(
        quads=own_quads.reshape(-1, 4),
        quad_uv=own_uv.reshape(-1, 4),
        uv=base.uv[uv_source],
        part=np.concatenate(part),
        ring=ring[source],
        mirror=own[data.mirror()[source]],
        source=source,
    )


def _charts(quad_uv: Int[Array, "quad 4"], *, num_uv: int) -> Int[Array, " quad"]:
    """Label of the connected piece of the texture map that each quad lies in."""
    edges = quad_edges(quad_uv)
    graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (num_uv, num_uv))
    _, label = connected_components(graph, directed=False)
    out: Int[Array, " quad"] = label[quad_uv[:, 0]]
    return out


def _chart_names(base: BaseMesh, chart: Int[Array, " quad"]) -> dict[str, int]:
    """Recognise the charts of the body by where they lie (decimetres above the ground-centred origin)."""
    found: dict[str, int] = {}
    quads = base.groups["body"].quads
    for label in np.unique(chart):
        points = base.vertices[np.unique(quads[chart == label])]
        low, high = points[:, 1].min(), points[:, 1].max()
        if high > 8.4:
            found["head"] = int(label)
        elif 6.0 < low < 6.5:
            found["mouth"] = int(label)
        elif low > 7.0:
            found["socketL" if points[:, 0].mean() > 0 else "socketR"] = int(label)
        elif low < -5.0 and (chart == label).sum() > 3000:
            found["torso"] = int(label)
    return {name: found[name] for name in SKIN_PARTS}


def _rings(
    quads: Int[Array, "quad 4"], chart: Int[Array, " quad"], *, names: dict[str, int], num_vertices: int
) -> Int[Array, " vertex"]:
    """0 on head, mouth and sockets; 1, 2, .. counting vertex rows down the torso; 99 below; 0 on helpers."""
    on_torso = chart == names["torso"]
    ring = np.zeros(num_vertices, np.int64)
    ring[np.unique(quads[on_torso])] = 99
    ring[np.unique(quads[chart == names["head"]])] = 0
    for row in range(1, BUST_RINGS + 1):
        touching = np.unique(quads[on_torso & (ring[quads] < row).any(axis=1)])
        ring[touching[ring[touching] == 99]] = row
    return ring
