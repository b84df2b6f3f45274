"""Nearest points, and systems over the edges of a mesh, in numpy alone: the engine inside Blender has no scipy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from face_emote.core.arrays import Array, Float, Int

AT_ONCE = 4_000_000
"""Distances that are compared at a time."""


def nearest(
    points: Float[Array, "point 3"], wanted: Float[Array, "query 3"], *, count: int = 1
) -> tuple[Float[Array, "query count"], Int[Array, "query count"]]:
    """Distances and indices of the nearest points, the nearest first."""
    count = min(count, len(points))
    lengths = np.einsum("pc,pc->p", points, points)
    index = np.empty((len(wanted), count), np.int64)
    rows = max(1, AT_ONCE // max(len(points), 1))
    for start in range(0, len(wanted), rows):
        gap = lengths - 2.0 * wanted[start : start + rows] @ points.T
        index[start : start + rows] = np.argpartition(gap, count - 1, axis=1)[:, :count]
    distance = np.linalg.norm(points[index] - wanted[:, None], axis=2)
    order = np.argsort(distance, axis=1)
    return np.take_along_axis(distance, order, axis=1), np.take_along_axis(index, order, axis=1)


@dataclass(frozen=True, eq=False)
class Links:
    """Weighted edges of a mesh, both ways, sorted by the vertex that they start from."""

    start: Int[Array, " link"]
    end: Int[Array, " link"]
    weight: Float[Array, " link"]
    num_vertices: int

    @classmethod
    def of(
        cls, edges: Int[Array, "edge 2"], *, num_vertices: int, weight: Float[Array, " edge"] | None = None
    ) -> "Links":
        """From edges with one direction each; all weigh 1 if nothing is said."""
        weight = np.ones(len(edges)) if weight is None else weight
        start, end = np.concatenate([edges, edges[:, ::-1]]).T
        order = np.argsort(start, kind="stable")
        return cls(start[order], end[order], np.concatenate([weight, weight])[order], num_vertices)

    def gathered(self, values: Array, *, how: np.ufunc = np.add) -> Array:
        """What links bring to their start [link, ..], summed or the least of it; zero where there is none."""
        out = np.zeros((self.num_vertices, *values.shape[1:]), values.dtype)
        if len(values):
            first = np.flatnonzero(np.diff(self.start, prepend=-1))
            out[self.start[first]] = how.reduceat(values, first, axis=0)
        return out

    def laplacian(self, values: Float[Array, "vertex column"]) -> Float[Array, "vertex column"]:
        """Sum over neighbours of weight * (own value - theirs)."""
        theirs = values[self.end]
        theirs *= self.weight.astype(values.dtype)[:, None]
        brought: Array = self.degree.astype(values.dtype)[:, None] * values - self.gathered(theirs)
        return brought

    @cached_property
    def degree(self) -> Float[Array, " vertex"]:
        """Sum of the weights at each vertex."""
        return self.gathered(self.weight)


def components(edges: Int[Array, "edge 2"], *, num_vertices: int) -> Int[Array, " vertex"]:
    """Number of the connected piece that each vertex belongs to."""
    links = Links.of(edges, num_vertices=num_vertices)
    label, before = np.arange(num_vertices), np.array([-1])
    while not np.array_equal(label, before):
        before = label
        near = links.gathered(label[links.end], how=np.minimum)
        label = np.minimum(label, np.where(links.degree > 0, near, label))
        label = label[label]  # Labels are vertices: paths halve.
    return np.asarray(np.unique(label, return_inverse=True)[1])


def solved(
    times: Callable[[Array], Array], wanted: Float[Array, "row column"], *, diagonal: Float[Array, " row"],
    first: Float[Array, "row column"], rounds: int = 200, exact: float = 1e-5,
) -> Float[Array, "row column"]:  # fmt: skip
    """Conjugate gradients (Hestenes & Stiefel 1952), Jacobi's preconditioner, all columns at once.

    Args:
        times: The symmetric, positive system applied to columns.
        wanted: The right sides.
        diagonal: Of the system.
        first: Where to start.
        rounds: At most so many.
        exact: Residual, relative to the right side, that is good enough.
    """
    x = first
    left = wanted - times(x)
    scale = (1.0 / np.maximum(diagonal, 1e-12))[:, None].astype(first.dtype)
    ahead = scale * left
    step, size = ahead, np.einsum("rc,rc->c", left, ahead)
    goal = exact**2 * max(float(np.einsum("rc,rc->", wanted, scale * wanted)), 1e-30)
    for _round in range(rounds):
        if size.sum() <= goal:
            break
        moved = times(step)
        share = size / np.maximum(np.einsum("rc,rc->c", step, moved), 1e-37)
        x, left = x + share * step, left - share * moved
        ahead = scale * left
        again = np.einsum("rc,rc->c", left, ahead)
        step, size = ahead + again / np.maximum(size, 1e-37) * step, again
    return x
