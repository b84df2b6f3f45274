"""Landmarks as points of the surface.

Contours of lids and inner lips are put onto the margins themselves, so that they part and meet with them.

`data/landmarks478.npz` holds, for MediaPipe's 478 points, base-mesh vertices and barycentric weights; it was made by
running its face detector on a rendering of this head and casting rays through the points it found.
"""

from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from face_emote.core.arrays import Array, Float
from face_emote.face.head import HeadContact
from face_emote.face.layout import SurfacePoints
from face_emote.face.subdivision import triangles
from tools.build_head.cut import Mesh

PAIRING_ROUNDS = 5
INNER_LIPS = (
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    (95, 88, 178, 87, 14, 317, 402, 318, 324),
)
RIGHT_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (7, 163, 144, 145, 153, 154, 155))
LEFT_LIDS = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (382, 381, 380, 374, 373, 390, 249))
"""Contours in order of x: upper edge with both corners, lower edge without."""
MAX_ASYMMETRY = 0.008
"""Metres; pairs further apart are no pairs, and such points stay where they were found."""
SOURCE = Path(__file__).parent / "data" / "landmarks478.npz"
IBUG_FROM_478 = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""The usual subset: contour, brows, nose, eyes, outer lips, inner lips."""


def load_landmarks(mesh: Mesh, vertices: Float[Array, "vertex 3"], *, contact: HeadContact) -> SurfacePoints:
    """The 478 landmarks, averaged with their mirror images and laid back onto the surface."""
    own = np.full(mesh.source.max() + 1, -1)
    made = mesh.source >= 0
    own[mesh.source[made]] = np.flatnonzero(made)
    with np.load(SOURCE) as stored:
        found = SurfacePoints(corners=own[stored["vertices"]], weights=stored["weights"].astype(np.float64))
    points = found.of(vertices[None])[0]
    partner = _partners(points)
    mirrored = points[partner] * [-1.0, 1.0, 1.0]
    sure = np.linalg.norm(mirrored - points, axis=1) < MAX_ASYMMETRY
    balanced = np.where(sure[:, None], 0.5 * (points + mirrored), points)
    on_eye = np.isin(found.corners, mesh.vertices_of("eyeL", "eyeR")).any(axis=1)
    corners = np.empty_like(found.corners)
    weights = np.empty_like(found.weights)
    for chosen, parts in ((on_eye, ("eyeL", "eyeR")), (~on_eye, ("head",))):
        surface = triangles(mesh.quads[mesh.in_parts(*parts)])
        corners[chosen], weights[chosen] = nearest_on(surface, vertices, points=balanced[chosen])
    for contour, edges in (
        (INNER_LIPS, contact.lips),
        (LEFT_LIDS, contact.left_lids),
        (RIGHT_LIDS, contact.right_lids),
    ):
        upper, lower = list(contour[0]), list(contour[1])
        place = _along(balanced[upper, 0])
        corners[upper], weights[upper] = _on_edge(vertices, edges.upper, at=place)
        whole = np.concatenate([edges.upper[:1], edges.lower, edges.upper[-1:]])
        # The lips' inner points face each other in pairs; the lids' lower points are where they were found.
        below = place[1:-1] if contour is INNER_LIPS else _along(balanced[[upper[0], *lower, upper[-1]], 0])[1:-1]
        corners[lower], weights[lower] = _on_edge(vertices, whole, at=below)
    return SurfacePoints(corners=corners, weights=weights)


def ibug68(points: SurfacePoints) -> SurfacePoints:
    """The 68 iBUG landmarks among the 478."""
    chosen = list(IBUG_FROM_478)
    return SurfacePoints(corners=points.corners[chosen], weights=points.weights[chosen])


def _along(x: Float[Array, " point"]) -> Float[Array, " point"]:
    """Rising positions as shares of the way from the first to the last."""
    rising = np.maximum.accumulate(x)
    out: Float[Array, " point"] = (rising - rising[0]) / (rising[-1] - rising[0])
    return out


def _on_edge(vertices: Float[Array, "vertex 3"], edge: Array, *, at: Float[Array, " point"]) -> tuple[Array, Array]:
    """Points of a polyline of vertices at shares of its extent in x, as weights in degenerate triangles."""
    share = _along(vertices[edge, 0])
    after = np.clip(np.searchsorted(share, at), 1, len(edge) - 1)
    step = np.maximum(share[after] - share[after - 1], 1e-9)
    along = np.clip((at - share[after - 1]) / step, 0.0, 1.0)
    corners = np.stack([edge[after - 1], edge[after], edge[after]], axis=1)
    return corners, np.stack([1.0 - along, along, np.zeros_like(along)], axis=1)


def _partners(points: Float[Array, "point 3"]) -> Array:
    """Each point's counterpart on the other side: the cheapest assignment of points to mirror images.

    The detector's asymmetry is smooth; an affine map of the mirror image, fitted to the pairs so far, takes it out, so
    that neighbours in dense places (lids, lips) are not taken for each other.
    """
    own = np.arange(len(points))
    mirrored = np.concatenate([points * [-1.0, 1.0, 1.0], np.ones((len(points), 1))], axis=1)
    fitted = mirrored[:, :3]
    for _ in range(PAIRING_ROUNDS):
        cost = ((points[:, None] - fitted[None]) ** 2).sum(axis=2)
        partner = linear_sum_assignment(cost + cost.T)[1]
        affine = np.linalg.lstsq(mirrored, points[partner], rcond=None)[0]
        fitted = mirrored @ affine
    return np.where(partner[partner] == own, partner, own)


def nearest_on(
    surface: Array, vertices: Float[Array, "vertex 3"], *, points: Float[Array, "point 3"]
) -> tuple[Array, Array]:
    """Triangle corners and barycentric weights of the nearest surface point (Ericson 2005, by clamped projection)."""
    a, b, c = (vertices[surface[:, k]] for k in range(3))
    corners = np.empty((len(points), 3), np.int64)
    weights = np.empty((len(points), 3))
    for i, point in enumerate(points):
        bary = _clamped_barycentric(point, a, b, c)
        there = bary[:, :1] * a + bary[:, 1:2] * b + bary[:, 2:] * c
        best = int(((there - point) ** 2).sum(axis=1).argmin())
        corners[i], weights[i] = surface[best], bary[best]
    return corners, weights


def _clamped_barycentric(point: Array, a: Array, b: Array, c: Array) -> Float[Array, "triangle 3"]:
    """Barycentric weights of the nearest point of each triangle: the plane's, or the best of its three edges'."""
    u, v, w = b - a, c - a, point - a
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    wu, wv = (w * u).sum(1), (w * v).sum(1)
    area = np.maximum(uu * vv - uv * uv, 1e-30)
    s, t = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    inside = (s >= 0) & (t >= 0) & (s + t <= 1)
    best = np.stack([1 - s - t, s, t], axis=1)
    distance = np.where(inside, 0.0, np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, end = (a, b, c)[i], (a, b, c)[j]
        edge = end - start
        along = np.clip(((point - start) * edge).sum(1) / np.maximum((edge * edge).sum(1), 1e-30), 0.0, 1.0)
        off = ((start + along[:, None] * edge - point) ** 2).sum(1)
        closer = off < distance
        closer &= ~inside
        distance = np.where(closer, off, distance)
        on_edge = np.zeros_like(best)
        on_edge[:, i], on_edge[:, j] = 1.0 - along, along
        best = np.where(closer[:, None], on_edge, best)
    return best
