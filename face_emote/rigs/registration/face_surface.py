"""The skin of a face model and the places on it that topology gives away: rims of the eyes, corners of the mouth, nose.

Nothing is known of a foreign model but its template, its triangles and its joints. Its skin is the largest connected
piece; the openings in that are the eyes, the mouth and the neck. What a model does not have (some close the mouth, some
sink the rim of the lids into the socket) is left out; the joints of the eyes are always there.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.rigs.registration.sparse import components

RING = 12
"""Points around each eye."""
LID_REACH = 0.024
"""Metres (on a head of human size): the rim of an eye lies so near its joint across the line of sight."""
LEAST_LOOP = 8


@dataclass(frozen=True, slots=True, eq=False)
class FaceSurface:
    """One mesh piece, with its places by name."""

    vertex_index: Int[Array, " skin_vertex"]
    """Vertices of the model."""
    points: Float[Array, "skin_vertex 3"]
    triangles: Int[Array, "triangle 3"]
    """Indices into `vertex_index`."""
    places: dict[str, int]
    """Index into `vertex_index` by the place's name."""


def face_surface(
    template: Float[Array, "vertex 3"],
    *,
    faces: Int[Array, "triangle 3"],
    eyes: Float[Array, "eye=2 3"],
    jaw: Float[Array, " axis=3"],
) -> FaceSurface:
    """Find the skin and its places; `eyes` (left, right) and `jaw` are joints. Raises ValueError without a face."""
    label = components(edges_of(faces)[0], num_vertices=len(template))
    names, count = np.unique(label[faces[:, 0]], return_counts=True)
    skin_faces = faces[label[faces[:, 0]] == names[np.argmax(count)]]
    index, local = np.unique(skin_faces, return_inverse=True)
    triangles = local.reshape(-1, 3)
    points = template[index].astype(np.float64)
    size = float(np.linalg.norm(eyes[0] - eyes[1])) / 0.064  # Against a human 64 mm between the pupils.
    if not 1e-6 < size < 1e6:
        raise ValueError("its eyes are at one place")
    places = _nose(points, eyes=eyes, jaw=jaw)
    for loop in border_loops(triangles, num_vertices=len(points)):
        if len(loop) >= LEAST_LOOP:
            places |= _places_of(loop, points, eyes=eyes, size=size)
    return FaceSurface(vertex_index=index, points=points, triangles=triangles, places=places)


def edges_of(faces: Int[Array, "triangle 3"]) -> tuple[Int[Array, "edge 2"], Int[Array, " edge"]]:
    """Undirected edges and the number of triangles at each."""
    sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges, count = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    return edges, count


def border_loops(faces: Int[Array, "triangle 3"], *, num_vertices: int) -> list[Int[Array, " loop_vertex"]]:
    """Vertices of each border (unordered), the longest border first."""
    edges, count = edges_of(faces)
    rim = edges[count == 1]
    label = components(rim, num_vertices=num_vertices)
    on_rim = np.unique(rim)
    loops = [on_rim[label[on_rim] == number] for number in np.unique(label[on_rim])]
    return sorted(loops, key=len, reverse=True)


def normals(points: Float[Array, "vertex 3"], triangles: Int[Array, "triangle 3"]) -> Float[Array, "vertex 3"]:
    """Unit normals of vertices, triangles weighted by area."""
    corners = points[triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(points)
    np.add.at(total, triangles, across[:, None])
    normals: Array = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
    return normals


def _nose(points: Array, *, eyes: Array, jaw: Array) -> dict[str, int]:
    """The tip: the foremost point near the middle, below the eyes."""
    middle, reach = 0.5 * (eyes[0] + eyes[1]), 0.3 * np.linalg.norm(eyes[0] - eyes[1])
    low = middle[1] - 3.0 * reach
    near = (np.abs(points[:, 0] - middle[0]) < reach) & (points[:, 1] < middle[1]) & (points[:, 1] > low)
    if not near.any() or not np.all(np.isfinite(jaw)):
        raise ValueError("there is no nose between its eyes and its jaw")
    chosen = np.flatnonzero(near)
    return {"nose": int(chosen[np.argmax(points[chosen, 2])])}


def _places_of(loop: Array, points: Array, *, eyes: Array, size: float) -> dict[str, int]:
    """Names for the vertices of a border: of an eye, of the mouth, or none."""
    rim = points[loop]
    centre = 0.5 * (rim.min(axis=0) + rim.max(axis=0))
    for eye, name in zip(eyes, ("left", "right"), strict=True):
        if np.linalg.norm((centre - eye)[:2]) < LID_REACH * size and rim[:, 2].mean() > eye[2]:
            return {f"eye_{name}_{i}": int(vertex) for i, vertex in enumerate(_ring(loop, rim, centre=centre))}
    middle = 0.5 * (eyes[0] + eyes[1])
    wide = np.ptp(rim[:, 0])
    below = middle[1] - centre[1]
    is_mouth = abs(centre[0] - middle[0]) < 0.01 * size and 0.03 * size < below < 0.12 * size and wide < 0.09 * size
    if not (is_mouth and centre[2] > middle[2] - 0.02 * size):
        return {}
    central = np.abs(rim[:, 0] - centre[0]) <= np.sort(np.abs(rim[:, 0] - centre[0]))[min(5, len(rim) - 1)]
    inner = loop[central]
    return {
        "mouth_left": int(loop[np.argmax(rim[:, 0])]),
        "mouth_right": int(loop[np.argmin(rim[:, 0])]),
        "mouth_upper": int(inner[np.argmax(points[inner, 1])]),
        "mouth_lower": int(inner[np.argmin(points[inner, 1])]),
    }


def _ring(loop: Array, rim: Array, *, centre: Array) -> Int[Array, " ring"]:
    """Vertices at RING even angles around an opening, seen from the front, its height stretched to its width."""
    width, height = np.ptp(rim[:, 0]), max(float(np.ptp(rim[:, 1])), 1e-9)
    angle = np.arctan2((rim[:, 1] - centre[1]) * width / height, rim[:, 0] - centre[0])
    wanted = 2.0 * np.pi * np.arange(RING) / RING
    away = np.abs(np.angle(np.exp(1j * (angle[None] - wanted[:, None]))))
    nearest: Array = loop[np.argmin(away, axis=1)]
    return nearest
