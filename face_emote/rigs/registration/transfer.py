"""The 52 ARKit shapes for a character that has none, from the bundled head.

The head is fitted to the mesh by places (identity, then smoothly), its shapes are made for that person, and carried by
deformation transfer (Sumner & Popovic 2004): how each triangle is turned and stretched, not where its corners go, so
that shapes keep their character on other proportions. Each lip is fitted to its own lip: the mesh itself tells them
apart, whose edges do not cross the mouth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError
from face_emote.core.names import ARKIT_ORDER, CONTROLS, NUM_SHAPE
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.rigs.registration.face_surface import FaceSurface, edges_of, normals
from face_emote.rigs.registration.fitting import NUM_BETAS, Similarity, fit_identity, settle, similarity_of
from face_emote.rigs.registration.pieces import Piece, gathered, moved, pieces_of, with_kinds
from face_emote.rigs.registration.register import SKIN, closest_on_triangles
from face_emote.rigs.registration.sparse import Links, nearest, solved

ARKIT = ARKIT_ORDER[:52]
PLACES = {
    "chin": 8, "brow_outer_right": 17, "brow_inner_right": 21, "brow_inner_left": 22, "brow_outer_left": 26,
    "nose_bridge": 27, "nose_tip": 30, "nose_base": 33, "eye_outer_right": 36, "eye_inner_right": 39,
    "eye_inner_left": 42, "eye_outer_left": 45, "lid_top_right": 37, "lid_bottom_right": 41, "lid_top_left": 44,
    "lid_bottom_left": 46, "mouth_right": 48, "lip_top": 51, "mouth_left": 54, "lip_bottom": 57, "upper_lip_edge": 62,
    "lower_lip_edge": 66,
}  # fmt: skip
"""Marks on a face that a person can place, and their numbers among the 68 of iBUG."""
LEAST_PLACES = 8
REACH = 0.006
"""Metres on a head of human size: a vertex further from the fitted skin has no partner."""
ZONE = 0.05
"""So far beyond the fitted skin a mesh still gives way."""
LIPS, SEEDS = 0.016, 0.003
"""Within the one of the line between the lips a vertex belongs to one; beyond the other nearest skin tells which.

Only where that faces the same way, though: the back of one lip touches the rim of the other.
"""
ALIKE = 0.5
"""Cosine between the normals of skin that faces the same way."""
LEVER = 0.003
"""Metres within which shapes follow turns and stretches rather than places."""
AT_ONCE = 4
SLACK = 0.02
"""Share of its stiffness that a mesh keeps where there is nothing to follow."""
WEAK = 0.4
"""A shape that moves the mesh by less of what it moves the head is named."""
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """Shapes of a character, and how well they were found. Metres are those of a head of human size."""

    keys: Mapping[str, Float[Array, "key vertex 3"]]
    """By mesh: displacements of `ARKIT`, in the mesh's own units."""
    gap: Mapping[str, Float[Array, " vertex"]]
    """By mesh: metres to the fitted skin; NaN where none is in reach."""
    coverage: float
    """Share of the head's face that has a partner on the mesh."""
    error: float
    """Metres between the two faces, mean."""
    worst: float
    """The same; 95 of 100 vertices are nearer."""
    weak: tuple[str, ...]
    """Shapes that hardly move the mesh."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The bundled head as the person whose mesh it is, on the mesh."""

    person: Head
    source: FaceSurface
    similarity: Similarity
    settled: Float[Array, "skin_vertex 3"]
    front: Int[Array, " front"]
    """Vertices of the face."""

    def placed(self) -> Float[Array, "vertex 3"]:
        """All of the head, teeth too, on the mesh: what is inside goes with the skin around it."""
        every = self.similarity.of(self.person.template.astype(np.float64))
        _, around = nearest(every[self.source.vertex_index], every, count=12)
        placed: Array = every + (self.settled - every[self.source.vertex_index])[around].mean(axis=1)
        return placed


def own_places(head: Head) -> Float[Array, "place 3"]:
    """Where `PLACES` are on a head."""
    assert head.landmark_points is not None
    return np.asarray(head.landmark_points.of(head.template[None].astype(np.float64))[0, list(PLACES.values())])


def transferred(
    head: Head, meshes: Mapping[str, tuple[Array, Array, str]], *, places: Mapping[str, Array], progress: Progress
) -> Transfer:
    """Make the shapes.

    Args:
        head: The bundled head.
        meshes: Vertices, triangles and kind (of `pieces.PARTS`, or how one begins) by name; +Y up, any unit.
        places: Where `PLACES` are; some may be missing.
        progress: Told share and stage; may raise to cancel.

    Raises:
        HeadError: too few places, or there is no skin at them.
    """
    known = [name for name in PLACES if name in places]
    if len(known) < LEAST_PLACES:
        raise HeadError(f"Only {len(known)} marks of the face are known; at least {LEAST_PLACES} are needed")
    goal = np.array([places[name] for name in known], np.float64)
    start = similarity_of(own_places(head)[[list(PLACES).index(name) for name in known]], goal)
    pieces = [
        piece
        for name, (points, triangles, kind) in meshes.items()
        for piece in pieces_of(name, start.undone(points.astype(np.float64)), triangles=triangles, kind=kind)
    ]
    marks = start.undone(goal)
    skin = max((p for p in pieces if p.kind in ("", "skin")), key=lambda p: len(p.points), default=None)
    if skin is None or np.median(nearest(skin.points, marks)[0]) > REACH:
        raise HeadError("There is no skin at the marks of the face; move them onto the face")
    progress(0.05, "fitting the face")
    fitted = fitted_head(head, skin, marks=dict(zip(known, marks, strict=True)))
    progress(0.3, "telling the lips apart")
    moves = arkit_moves(fitted.person)
    triangle, weights, gap = _partners(fitted, skin, moves=moves[ARKIT.index("jawOpen")])
    found = _carried(
        fitted, skin, triangle=triangle, weights=weights, gap=gap, moves=moves,
        progress=lambda share: progress(0.35 + 0.55 * share, "carrying the shapes"),
    )  # fmt: skip
    progress(0.92, "eyes, teeth and lashes")
    placed, inner = fitted.placed(), fitted.similarity.turned(moves)
    skin = replace(skin, kind="skin")
    pieces = with_kinds([skin if p.points is skin.points else p for p in pieces], fitted.person, placed=placed)
    every = [
        found if piece is skin else moved(
            piece, person=fitted.person, placed=placed, moves=inner, skin=skin, skin_moves=found, pieces=pieces
        )
        for piece in pieces
    ]  # fmt: skip
    return _judged(fitted, pieces, every, skin=skin, gap=gap, moves=moves, start=start,
                   sizes={name: len(points) for name, (points, _, _) in meshes.items()})  # fmt: skip


def _judged(
    fitted: Fitted, pieces: list[Piece], every: list[Array], *, skin: Piece, gap: Array, moves: Array,
    start: Similarity, sizes: Mapping[str, int],
) -> Transfer:  # fmt: skip
    near = gap < REACH
    found = every[[piece is skin for piece in pieces].index(True)]
    distance, _ = nearest(skin.points, fitted.settled[fitted.front])
    whole = np.linalg.norm(moves[:, fitted.source.vertex_index[fitted.front]], axis=2).max(axis=1)
    got = np.linalg.norm(found, axis=2).max(axis=1)
    judged = [name for name in ARKIT if not name.startswith(("eyeLook", "tongue"))]
    gaps = [np.where(near, gap, np.nan) if piece is skin else np.full(len(piece.points), np.nan) for piece in pieces]
    return Transfer(
        keys={name: start.turned(keys) for name, keys in gathered(pieces, every, sizes=sizes).items()},
        gap={name: row[0] for name, row in gathered(pieces, [row[None] for row in gaps], sizes=sizes).items()},
        coverage=float((distance[:, 0] < REACH).mean()),
        error=float(gap[near].mean()),
        worst=float(np.percentile(gap[near], 95)),
        weak=tuple(name for name in judged if got[ARKIT.index(name)] < WEAK * whole[ARKIT.index(name)]),
    )


def fitted_head(head: Head, skin: Piece, *, marks: Mapping[str, Array], start: Similarity | None = None) -> Fitted:
    """The bundled head as the person whose skin this is: by marks, or from where it is about."""
    assert head.layout is not None
    quads = head.layout.quads[head.layout.in_parts(*SKIN)]
    index, local = np.unique(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]), return_inverse=True)
    points = head.template[index].astype(np.float64)
    own = own_places(head)
    places = {name: int(nearest(points, own[None, list(PLACES).index(name)])[1][0, 0]) for name in marks}
    source = FaceSurface(vertex_index=index, points=points, triangles=local.reshape(-1, 3), places=places)
    extra = [
        np.asarray(mark) + points[places[name]] - own[list(PLACES).index(name)] for name, mark in marks.items()
    ]  # Marks lie between vertices, on both.
    every = np.concatenate([skin.points, np.reshape(extra, (-1, 3))])
    theirs = {name: len(skin.points) + number for number, name in enumerate(marks)}
    target = FaceSurface(np.arange(len(every)), every, skin.triangles, theirs)
    columns = head.shape_basis[:NUM_BETAS, index].astype(np.float64)
    front = np.flatnonzero(head.layout.mask_face[index] > 0.02)
    fit = fit_identity(source, columns, target=target, pairs=np.zeros((0, 2, 3)), front=front, start=start)
    betas = np.zeros(NUM_SHAPE, np.float32)
    betas[:NUM_BETAS] = fit.betas
    person = head.with_identity(betas)
    placed = fit.similarity.of(person.template[index].astype(np.float64))
    return Fitted(person, source, fit.similarity, settle(placed, source, target=target), front)


def arkit_moves(person: Head) -> Float[Array, "key vertex 3"]:
    """What each of `ARKIT` does to a head at 1; mouthClose is what it does to an open jaw."""
    controls = np.zeros((len(ARKIT) + 1, len(CONTROLS)), np.float32)
    for row, name in enumerate(ARKIT):
        controls[row, CONTROLS.index(name)] = 1.0
    close = ARKIT.index("mouthClose")
    controls[close, CONTROLS.index("jawOpen")] = 1.0
    pose = pose_from_controls(controls, control_joints=person.control_joints)
    posed = person.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)
    moves: Array = (posed[:-1] - posed[-1]).astype(np.float64)
    moves[close] -= moves[ARKIT.index("jawOpen")]
    return moves


def _partners(fitted: Fitted, skin: Piece, *, moves: Array) -> tuple[Array, Array, Array]:
    """For each vertex of a skin the triangle of the fitted head on which it lies, where on it, and how far from it."""
    source, settled = fitted.source, fitted.settled
    assert fitted.person.layout is not None
    seam = np.searchsorted(source.vertex_index, fitted.person.layout.lip_loop)
    drop = -moves[source.vertex_index, 1]
    lower = drop > 0.5 * drop[seam].max()
    near_seam, _ = nearest(settled[seam], settled)
    corner = np.abs(settled[:, 0] - settled[seam, 0].mean()) > 0.8 * np.ptp(settled[seam, 0]) / 2
    lip = np.where((near_seam[:, 0] < LIPS) & ~corner, np.where(lower, -1, 1), 0)
    of_triangle = np.sign(lip[source.triangles].sum(axis=1)) * (np.abs(lip[source.triangles]).min(axis=1) > 0)
    normal, facing = normals(skin.points, skin.triangles), _triangle_normals(settled, source.triangles)
    triangle, weights, gap = closest_on_triangles(
        skin.points, settled, triangles=source.triangles, normal=normal, facing=facing
    )
    at_seam, _ = nearest(settled[seam], skin.points)
    outside = np.einsum("pc,pc->p", normal, facing[triangle]) > ALIKE
    outside &= (near_seam[source.triangles, 0].min(axis=1) > 0.8 * SEEDS)[triangle]
    seeds = np.where((at_seam[:, 0] > SEEDS) & (gap < REACH) & outside, of_triangle[triangle], 0)
    label = _grown(skin, seeds, within=at_seam[:, 0] < LIPS)
    for side in (-1, 1):
        own = np.flatnonzero(label == side)
        fitting = np.flatnonzero(of_triangle != -side)
        if len(own):
            chosen, weights[own], gap[own] = closest_on_triangles(
                skin.points[own], settled, triangles=source.triangles[fitting], normal=normal[own],
                facing=facing[fitting],
            )  # fmt: skip
            triangle[own] = fitting[chosen]
    return triangle, weights, gap


def _grown(skin: Piece, seeds: Array, *, within: Array) -> Int[Array, " vertex"]:
    """Labels -1 and 1 grown along the edges from their seeds, through vertices that have none; the nearer seed wins."""
    links = Links.of(edges_of(skin.triangles)[0], num_vertices=len(seeds))
    length = np.linalg.norm(skin.points[links.start] - skin.points[links.end], axis=1)
    reach = []
    for side in (-1, 1):
        far = np.where(seeds == side, 0.0, np.inf)
        for _round in range(40):
            step = links.gathered(far[links.end] + length, how=np.minimum)
            step[links.degree == 0] = np.inf
            far = np.where(within & (seeds != -side), np.minimum(far, step), far)
        reach.append(far)
    grown = np.where(np.isfinite(np.minimum(*reach)), np.where(reach[0] < reach[1], -1, 1), 0)
    return np.where(seeds != 0, seeds, grown)


def _triangle_normals(points: Array, triangles: Array) -> Array:
    corner = points[triangles]
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    out: Array = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-20)
    return out


def _frames(points: Float[Array, "*batch vertex 3"], triangles: Array) -> Float[Array, "*batch triangle 3 3"]:
    """Two sides and the normal, as long as a side, as columns."""
    corner = points[..., triangles, :]
    one, two = corner[..., 1, :] - corner[..., 0, :], corner[..., 2, :] - corner[..., 0, :]
    across = np.cross(one, two)
    third = across / np.maximum(np.sqrt(np.linalg.norm(across, axis=-1, keepdims=True)), 1e-12)
    return np.stack([one, two, third], axis=-1)


def _carried(
    fitted: Fitted, skin: Piece, *, triangle: Array, weights: Array, gap: Array, moves: Array,
    progress: Callable[[float], None],
) -> Float[Array, "key skin_vertex 3"]:  # fmt: skip
    """Deformation transfer: gradients of the head's triangles, integrated over the mesh, held by carried places."""
    source, own = fitted.source, moves[:, fitted.source.vertex_index]
    base = fitted.person.template[source.vertex_index].astype(np.float64)
    rest = np.linalg.inv(_frames(base, source.triangles))
    warp = _smoothed(_frames(fitted.settled, source.triangles) @ rest, source)
    turned = np.einsum("vij,kvj->kvi", warp, own)
    places = np.einsum("kvnc,vn->kvc", turned[:, source.triangles[triangle]], weights)
    solving = np.flatnonzero(gap < ZONE)
    held = (gap < REACH)[solving]
    number = np.full(len(gap), -1)
    number[solving] = np.arange(len(solving))
    triangles = number[skin.triangles[(number[skin.triangles] >= 0).all(axis=1)]]
    corner = solving[triangles]
    known = (gap[corner] < REACH).all(axis=1)
    spread = _slopes(skin.points[solving], triangles)
    area = 0.5 * np.linalg.norm(
        np.cross(*(skin.points[corner[:, i]] - skin.points[corner[:, 0]] for i in (1, 2))), axis=1
    )
    area = np.where(known, area, SLACK * area)  # Inside the mouth nothing holds the lips back.
    wide = warp[source.triangles].mean(axis=1)
    narrow, wanted = np.linalg.inv(wide), np.zeros((len(solving), len(moves), 3))
    for key in range(len(moves)):
        stretch = wide @ (_frames(base + own[key], source.triangles) @ rest - np.eye(3)) @ narrow
        followed = stretch[triangle[corner[:, 0]]] * (area * known)[:, None, None]
        np.add.at(wanted[:, key], triangles, np.einsum("tij,tnj->tni", followed, spread))
    links = Links.of(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]),
        num_vertices=len(solving),
        weight=-np.concatenate([(spread[:, i] * spread[:, j]).sum(axis=1) * area for i, j in ((0, 1), (1, 2), (2, 0))]),
    )
    mass = np.bincount(triangles.reshape(-1), np.repeat(area / 3.0, 3), minlength=len(solving))
    hold = np.where(held, mass, 1e-9 * mass.mean()) / LEVER**2
    out = np.zeros((len(moves), len(gap), 3))
    for start in range(0, len(moves), AT_ONCE):  # Few at a time stay in the cache.
        progress(start / len(moves))
        some = slice(start, start + AT_ONCE)
        out[some, solving] = _integrated(links, wanted[:, some], hold, places[some, solving].transpose(1, 0, 2), held)
    return out


def _integrated(links: Links, wanted: Array, hold: Array, places: Array, held: Array) -> Array:
    """Displacements [key, vertex, 3] whose gradients are the wanted ones, drawn to places where they are held."""
    count, pull = len(held), hold[:, None].astype(np.float32)
    right = (wanted + hold[:, None, None] * places).reshape(count, -1).astype(np.float32)
    first = np.where(held[:, None, None], places, 0.0).reshape(count, -1).astype(np.float32)
    answer = solved(
        lambda u: links.laplacian(u) + pull * u, right, diagonal=links.degree + hold, first=first, rounds=80,
        exact=1e-3,
    )  # fmt: skip
    return np.asarray(answer.reshape(count, -1, 3).transpose(1, 0, 2))


def _slopes(points: Array, triangles: Array) -> Float[Array, "triangle corner=3 3"]:
    """Gradient of each corner's hat function over its triangle."""
    corner = points[triangles]
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    squared = np.maximum((across**2).sum(axis=1), 1e-24)[:, None]
    opposite = [corner[:, (i + 2) % 3] - corner[:, (i + 1) % 3] for i in range(3)]
    return np.stack([np.cross(across, side) / squared for side in opposite], axis=1)


def _smoothed(warp: Float[Array, "triangle 3 3"], source: FaceSurface) -> Float[Array, "skin_vertex 3 3"]:
    """Per vertex, blended with neighbours: one triangle's fit is noise, the face's proportions are not."""
    count = len(source.points)
    total = np.zeros((count, 9))
    np.add.at(total, source.triangles, np.repeat(warp.reshape(-1, 1, 9), 3, axis=1))
    mean = total / np.maximum(np.bincount(source.triangles.reshape(-1), minlength=count), 1)[:, None]
    links = Links.of(edges_of(source.triangles)[0], num_vertices=count)
    for _round in range(20):
        mean = mean - 0.5 * links.laplacian(mean) / np.maximum(links.degree, 1.0)[:, None]
    return mean.reshape(-1, 3, 3)
