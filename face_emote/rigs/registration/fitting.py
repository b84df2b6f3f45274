"""Bringing the bundled head's skin onto another one: similarity, then identity, then whatever is left, smoothly.

Similarity: Umeyama 1991. Identity: iterated point-to-plane least squares over the identity columns (Chen & Medioni
1992). The rest: displacements along the other's normals that differ little between neighbours (Laplacian smoothness,
after Amberg, Romdhani & Vetter 2007, without their affine part): one sparse system.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.rigs.registration.face_surface import FaceSurface, edges_of, normals
from face_emote.rigs.registration.sparse import Links, nearest, solved

NUM_BETAS = 100
IDENTITY_ROUNDS, SMOOTH_ROUNDS = 12, (8.0, 8.0, 4.0, 4.0, 2.0, 2.0, 1.0, 1.0)
PLACE_WEIGHT = 6.0
BETA_COST = 1.6e-7
"""Square metres per compared point that one standard deviation of identity costs."""
FAR_METRES, NEAR_METRES = 0.02, 0.01
FACING = 0.6
"""Cosine between the normals of points that are paired."""


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """scale * rotation @ point + shift."""

    scale: float
    rotation: Float[Array, "3 3"]
    shift: Float[Array, " 3"]

    def of(self, points: Float[Array, "point 3"]) -> Float[Array, "point 3"]:
        """Points moved."""
        placed: Array = self.scale * points @ self.rotation.T + self.shift
        return placed

    def undone(self, points: Float[Array, "point 3"]) -> Float[Array, "point 3"]:
        """Points moved back."""
        back: Array = (points - self.shift) @ self.rotation / self.scale
        return back

    def turned(self, moves: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3"]:
        """Displacements moved: no shift."""
        turned: Array = self.scale * moves @ self.rotation.T
        return turned


@dataclass(frozen=True, slots=True, eq=False)
class IdentityFit:
    """How the bundled head looks most like the other."""

    betas: Float[Array, " shape"]
    similarity: Similarity


def similarity_of(source: Float[Array, "point 3"], target: Float[Array, "point 3"]) -> Similarity:
    """The similarity that brings paired points together best."""
    a, b = source.mean(axis=0), target.mean(axis=0)
    left, strength, right = np.linalg.svd((target - b).T @ (source - a))
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * flip) @ right
    scale = float((strength * flip).sum() / ((source - a) ** 2).sum())
    return Similarity(scale, rotation, b - scale * rotation @ a)


def fit_identity(
    source: FaceSurface,
    columns: Float[Array, "shape skin_vertex 3"],
    *,
    target: FaceSurface,
    pairs: Float[Array, "pair 2 3"],
    front: Int[Array, " front"],
    start: Similarity | None = None,
) -> IdentityFit:
    """Betas of the source that look like the target.

    Args:
        source: The bundled head's skin.
        columns: Its identity columns.
        target: The other skin.
        pairs: Further paired points (joints), source then target.
        front: Source vertices that are compared: the face, not the bust.
        start: Where the source is about, where places and pairs do not tell.
    """
    names = [name for name in source.places if name in target.places]
    own, other = (np.array([item.places[name] for name in names], np.int64) for item in (source, target))
    goal = np.concatenate([target.points[other], pairs[:, 1]])
    normal = normals(target.points, target.triangles)
    count = len(columns)
    betas = np.zeros(count)
    fit = start or similarity_of(np.concatenate([source.points[own], pairs[:, 0]]), goal)
    for step in range(IDENTITY_ROUNDS):
        shaped = source.points + np.tensordot(betas, columns, axes=1)
        if step < 3 and start is None:
            fit = similarity_of(np.concatenate([shaped[own], pairs[:, 0]]), goal)
        placed = fit.of(shaped)
        far = FAR_METRES if step < 6 else NEAR_METRES
        paired, partner = _paired(placed, source, target=target, normal=normal, far=far, index=front)
        use, partner = front[paired], partner[paired]
        along = normal[partner]
        rows = np.einsum("vc,kvc->vk", along, fit.turned(columns[:, use]))
        gap = np.einsum("vc,vc->v", target.points[partner] - placed[use], along)
        marks = PLACE_WEIGHT * fit.turned(columns[:, own]).transpose(1, 2, 0).reshape(-1, count)
        short = PLACE_WEIGHT * (target.points[other] - placed[own]).reshape(-1)
        left = rows.T @ rows + marks.T @ marks + BETA_COST * len(use) * np.eye(count)
        right = rows.T @ gap + marks.T @ short - BETA_COST * len(use) * betas
        betas = np.clip(betas + np.linalg.solve(left, right), -4.0, 4.0)
        if step >= 3 or start is not None:
            placed = fit.of(source.points + np.tensordot(betas, columns, axes=1))
            again = similarity_of(
                np.concatenate([placed[use], np.repeat(placed[own], 20, axis=0)]),
                np.concatenate([target.points[partner], np.repeat(target.points[other], 20, axis=0)]),
            )
            shift = again.of(fit.shift[None])[0]
            fit = Similarity(again.scale * fit.scale, again.rotation @ fit.rotation, shift)
    return IdentityFit(betas, fit)


def settle(placed: Float[Array, "skin_vertex 3"], source: FaceSurface, *, target: FaceSurface) -> Array:
    """The placed source drawn onto the target, smoothly."""
    names = [name for name in source.places if name in target.places]
    own, other = (np.array([item.places[name] for name in names], np.int64) for item in (source, target))
    normal = normals(target.points, target.triangles)
    edges, _ = edges_of(source.triangles)
    now, every = placed.copy(), np.arange(len(placed))
    for stiffness in SMOOTH_ROUNDS:
        paired, partner = _paired(now, source, target=target, normal=normal, far=1.2 * NEAR_METRES, index=every)
        along = normal[partner]
        gap = np.einsum("vc,vc->v", target.points[partner] - now, along)
        goal = now + along * gap[:, None]
        weight = paired.astype(np.float64)
        goal[own], weight[own] = target.points[other], 20.0
        now = placed + _smooth_field(goal - placed, weight, edges=edges, stiffness=stiffness)
    return now


def _paired(
    placed: Array, source: FaceSurface, *, target: FaceSurface, normal: Array, far: float, index: Array
) -> tuple[Array, Array]:
    """Which of some source vertices have a partner, and the nearest target vertex of each of them."""
    used = np.flatnonzero(normal.any(axis=1))  # Marks may lie beside the surface.
    distances, partners = nearest(target.points[used], placed[index])
    distance, partner = distances[:, 0], used[partners[:, 0]]
    facing = np.einsum("vc,vc->v", normals(placed, source.triangles)[index], normal[partner])
    return (distance < far) & (facing > FACING), partner


def _smooth_field(wanted: Array, weight: Array, *, edges: Array, stiffness: float) -> Array:
    """The field u of least sum weight |u - wanted|^2 + stiffness * sum over edges |u_a - u_b|^2."""
    links, push = Links.of(edges, num_vertices=len(wanted)), weight[:, None] + 1e-9  # What nothing pulls stays.
    return solved(
        lambda u: push * u + stiffness * links.laplacian(u), weight[:, None] * wanted,
        diagonal=push[:, 0] + stiffness * links.degree, first=wanted * (weight > 0.0)[:, None], rounds=150,
    )  # fmt: skip
