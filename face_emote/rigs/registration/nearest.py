"""Nearest points, normals, closest points on triangles: brute force in blocks, which BLAS makes quick enough."""

import numpy as np

from face_emote.core.arrays import Array, Float, Int

ROWS = 512


def nearest(
    wanted: Float[Array, "point 3"], known: Float[Array, "known 3"], *, count: int = 1
) -> tuple[Float[Array, "point count"], Int[Array, "point count"]]:
    """Distances and indices of the `count` nearest known points, nearest first."""
    middle = known.mean(axis=0)
    a, b = (wanted - middle).astype(np.float32), (known - middle).astype(np.float32)
    squares = np.einsum("kc,kc->k", b, b)
    index = np.empty((len(a), count), np.int64)
    for first in range(0, len(a), ROWS):
        score = squares - 2.0 * (a[first : first + ROWS] @ b.T)
        if count == 1:
            index[first : first + ROWS, 0] = np.argmin(score, axis=1)
        else:
            part = np.argpartition(score, count - 1, axis=1)[:, :count]
            order = np.argsort(np.take_along_axis(score, part, axis=1), axis=1)
            index[first : first + ROWS] = np.take_along_axis(part, order, axis=1)
    return np.linalg.norm(wanted[:, None] - known[index], axis=2), index


def normals(points: Float[Array, "vertex 3"], triangles: Int[Array, "triangle 3"]) -> Float[Array, "vertex 3"]:
    """Unit normals of vertices, triangles weighted by area."""
    corners = points[triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(across[:, axis], 3), len(points)) for axis in range(3)], axis=1
    )
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)


def closest_on_triangles(
    wanted: Float[Array, "point 3"],
    points: Float[Array, "vertex 3"],
    triangles: Int[Array, "triangle 3"],
    *,
    candidates: int = 12,
) -> tuple[Int[Array, " point"], Float[Array, "point 3"], Float[Array, " point"]]:
    """For each wanted point a triangle, barycentric weights in it, and the distance.

    Only the triangles whose centres are nearest are tried; weights outside are clipped, which is exact inside and good
    to a fraction of an edge at corners.
    """
    centres = points[triangles].mean(axis=1)
    _, tried = nearest(wanted, centres, count=min(candidates, len(triangles)))
    best = np.full(len(wanted), np.inf)
    triangle = np.zeros(len(wanted), np.int64)
    weights = np.zeros((len(wanted), 3))
    for column in range(tried.shape[1]):
        corner = points[triangles[tried[:, column]]]
        share = _barycentric(wanted, corner)
        distance = np.linalg.norm(np.einsum("pk,pkc->pc", share, corner) - wanted, axis=1)
        better = distance < best
        best[better], triangle[better], weights[better] = distance[better], tried[better, column], share[better]
    return triangle, weights, best


def _barycentric(wanted: Array, corner: Array) -> Array:
    """Cramer's rule for the projection into each triangle's plane (Ericson 2004, 3.4), clipped to the triangle."""
    one, two, to = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], wanted - corner[:, 0]
    a, b, d = (np.einsum("pc,pc->p", x, y) for x, y in ((one, one), (one, two), (two, two)))
    e, f = np.einsum("pc,pc->p", to, one), np.einsum("pc,pc->p", to, two)
    whole = a * d - b * b + 1e-24
    v, w = (d * e - b * f) / whole, (a * f - b * e) / whole
    share = np.clip(np.stack([1.0 - v - w, v, w], axis=1), 0.0, None)
    return share / share.sum(axis=1, keepdims=True)
