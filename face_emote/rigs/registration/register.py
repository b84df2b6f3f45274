"""Registration: where on the bundled head each point of another face lies, and how motion is carried there."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError
from face_emote.core.names import JOINTS, NUM_EXPRESSION, NUM_SHAPE
from face_emote.face.head import Head
from face_emote.rigs.registration.face_surface import RING, FaceSurface, face_surface
from face_emote.rigs.registration.fitting import NUM_BETAS, Similarity, fit_identity, settle
from face_emote.rigs.registration.sparse import nearest
from face_emote.rigs.registration.target_model import TargetModel

SKIN = ("head", "torso")
"""Parts of the bundled head that other models have too; their borders are the lids, the lips and the bust."""
REACH_METRES = 0.004
"""A point of the other model further from the fitted skin has no partner."""
DEPTH_METRES = 0.11
"""The face reaches so far behind the tip of the nose, on a head of human size."""


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A fitted person, and the other model's points on it."""

    person: Head
    similarity: Similarity
    reached: Int[Array, " point"]
    """Vertices of the other model that have a partner."""
    corners: Int[Array, "point 3"]
    """Vertices of the bundled head around each."""
    weights: Float[Array, "point 3"]
    distance: float
    """Metres between the two faces, mean over the reached points."""

    def carried(self, moves: Float[Array, "*batch vertex 3"]) -> Float[Array, "*batch point 3"]:
        """Displacements of the bundled head's vertices as displacements of the reached points."""
        around = moves[..., self.corners, :].astype(np.float64)
        return self.similarity.turned(np.einsum("...pkc,pk->...pc", around, self.weights))

    def carried_open_jaw(self, angle: float) -> Float[Array, "point 3"]:
        """What the jaw turned by an angle does."""
        still = np.zeros((2, NUM_EXPRESSION), np.float32)
        posed = self.person.pose_vertices(expression=still, jaw_pose=np.array([[0.0, 0.0, 0.0], [angle, 0.0, 0.0]]))
        return self.carried(posed[1] - posed[0])


def register(head: Head, target: TargetModel) -> Registration:
    """Fit the bundled head onto a model.

    Raises:
        HeadError: no face can be found in the model, or the fit misses it.
    """
    assert head.layout is not None
    try:
        other = face_surface(target.template, faces=target.faces, eyes=target.eyes, jaw=target.jaw)
    except ValueError as error:
        raise HeadError(f"No face was found in the model: {error}; give a FLAME or SMPL-X head") from None
    source = own_surface(head)
    joints = dict(zip(JOINTS, head.joints(), strict=True))
    eyes = np.stack([np.stack([joints["eye_left"], joints["eye_right"]]), target.eyes], axis=1)
    front = np.flatnonzero(head.layout.mask_face[source.vertex_index] > 0.02)
    columns = head.shape_basis[:NUM_BETAS, source.vertex_index].astype(np.float64)
    fit = fit_identity(source, columns, target=other, pairs=eyes, front=front)
    betas = np.zeros(NUM_SHAPE, np.float32)
    betas[:NUM_BETAS] = fit.betas
    person = head.with_identity(betas)
    placed = fit.similarity.of(person.template[source.vertex_index].astype(np.float64))
    settled = settle(placed, source, target=other)
    size = fit.similarity.scale
    tip = other.points[other.places["nose"]]
    near = np.flatnonzero(other.points[:, 2] > tip[2] - DEPTH_METRES * size)
    triangle, weights, distance = closest_on_triangles(
        other.points[near], settled, triangles=source.triangles, candidates=8
    )
    hit = distance < REACH_METRES * size
    if hit.sum() < 0.3 * len(near):
        raise HeadError(f"The fit reaches only {hit.mean():.0%} of the model's face; is it a head in metres, +Y up?")
    _, _, gap = closest_on_triangles(settled[front], other.points, triangles=other.triangles, candidates=6)
    return Registration(
        person=person,
        similarity=fit.similarity,
        reached=other.vertex_index[near[hit]],
        corners=source.vertex_index[source.triangles[triangle[hit]]],
        weights=weights[hit],
        distance=float(gap.mean()),
    )


@lru_cache(maxsize=2)
def own_surface(head: Head) -> FaceSurface:
    """The bundled head's skin; its places come from the same search as everybody's."""
    assert head.layout is not None
    quads = head.layout.quads[head.layout.in_parts(*SKIN)]
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    joints = dict(zip(JOINTS, head.joints(), strict=True))
    eyes = np.stack([joints["eye_left"], joints["eye_right"]])
    surface = face_surface(head.template.astype(np.float64), faces=faces, eyes=eyes, jaw=joints["jaw"])
    assert len(surface.places) == 2 * RING + 5, sorted(surface.places)
    return surface


def closest_on_triangles(
    wanted: Float[Array, "point 3"],
    points: Float[Array, "vertex 3"],
    *,
    triangles: Int[Array, "triangle 3"],
    candidates: int = 12,
    normal: Float[Array, "point 3"] | None = None,
    facing: Float[Array, "triangle 3"] | None = None,
) -> tuple[Int[Array, " point"], Float[Array, "point 3"], Float[Array, " point"]]:
    """For each wanted point a triangle, barycentric weights in it, and the distance.

    Only the triangles whose centres are nearest are tried; weights outside are clipped, which is exact inside and good
    to a fraction of an edge at corners.
    """
    _, tried = nearest(points[triangles].mean(axis=1), wanted, count=candidates)
    best, gap = np.full(len(wanted), np.inf), np.full(len(wanted), np.inf)
    triangle = np.zeros(len(wanted), np.int64)
    weights = np.zeros((len(wanted), 3))
    for column in range(tried.shape[1]):
        corner = points[triangles[tried[:, column]]]
        share = _barycentric(wanted, corner)
        distance = np.linalg.norm(np.einsum("pk,pkc->pc", share, corner) - wanted, axis=1)
        cost = distance
        if normal is not None and facing is not None:  # What faces elsewhere is as if further off.
            away = 0.6 - np.einsum("pc,pc->p", normal, facing[tried[:, column]])
            cost = distance * (1.0 + 4.0 * np.maximum(away, 0.0)) + 0.002 * np.maximum(away, 0.0)
        better = cost < best
        best[better], gap[better] = cost[better], distance[better]
        triangle[better], weights[better] = tried[better, column], share[better]
    return triangle, weights, gap


def _barycentric(wanted: Array, corner: Array) -> Array:
    """Cramer's rule for the projection into each triangle's plane (Ericson 2004, 3.4), clipped to the triangle."""
    one, two, to = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], wanted - corner[:, 0]
    a, b, d = (np.einsum("pc,pc->p", x, y) for x, y in ((one, one), (one, two), (two, two)))
    e, f = np.einsum("pc,pc->p", to, one), np.einsum("pc,pc->p", to, two)
    whole = a * d - b * b + 1e-24
    v, w = (d * e - b * f) / whole, (a * f - b * e) / whole
    share = np.clip(np.stack([1.0 - v - w, v, w], axis=1), 0.0, None)
    shares: Array = share / share.sum(axis=1, keepdims=True)
    return shares
