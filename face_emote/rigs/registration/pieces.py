"""The pieces of a character's meshes: which is skin, eye, teeth or tongue, and how those that are not skin move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import ARKIT_ORDER, JOINTS
from face_emote.face.head import Head
from face_emote.rigs.registration.face_surface import edges_of
from face_emote.rigs.registration.sparse import components, nearest

PARTS = {
    "skin": ("head", "torso"), "eye_left": ("eyeL",), "eye_right": ("eyeR",), "teeth_upper": ("teethU", "toothU"),
    "teeth_lower": ("teethL", "toothL"), "tongue": ("tongue",), "attached": ("lashL", "lashR"),
}  # fmt: skip
"""Kinds of pieces, and parts of the bundled head that are such. What is attached (lashes, brows) goes with the skin."""
EYE_NEAR = 0.012
"""Metres on a human head: what is centred so near the middle of an eye is the eye, or its cornea or iris."""
NEIGHBOURS, ROOTS = 4, 35.0
"""Points that something follows; and per cent of what is attached that sits on the skin."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A connected piece of a mesh, placed on the bundled head."""

    mesh: str
    index: Int[Array, " vertex"]
    """Vertices of the mesh."""
    points: Float[Array, "vertex 3"]
    triangles: Int[Array, "triangle 3"]
    """Indices into `index`."""
    kind: str
    """One of `PARTS`; only how it begins (eye, teeth, or nothing) while it is not known."""


def pieces_of(name: str, points: Array, *, triangles: Array, kind: str) -> list[Piece]:
    """A mesh in its connected pieces, all of one kind; "" is not known yet."""
    label = components(edges_of(triangles)[0], num_vertices=len(points))
    found = []
    for number in np.unique(label[triangles[:, 0]]):
        index = np.flatnonzero(label == number)
        local = np.searchsorted(index, triangles[label[triangles[:, 0]] == number])
        found.append(Piece(name, index, points[index], local, kind))
    return found


def with_kinds(pieces: Sequence[Piece], person: Head, *, placed: Array) -> list[Piece]:
    """Pieces whose kind is not known are what they lie nearest to on the fitted head; what is in an eye is the eye."""
    parts = {kind: placed[_vertices(person, kind)] for kind in PARTS}
    out = []
    for piece in pieces:
        if piece.kind not in PARTS:
            centre = 0.5 * (piece.points.min(axis=0) + piece.points.max(axis=0))
            far = {
                kind: np.linalg.norm(points.mean(axis=0) - centre) / EYE_NEAR
                if kind.startswith("eye")
                else 1.0 + nearest(points, piece.points)[0].mean()
                for kind, points in parts.items()
                if kind.startswith(piece.kind)
            }
            kind = min(far, key=lambda name: far[name])
            piece = replace(piece, kind="attached" if kind == "skin" else kind)
        out.append(piece)
    return out


def _vertices(head: Head, kind: str) -> Int[Array, " vertex"]:
    assert head.layout is not None
    return head.layout.vertices_of(*PARTS[kind])


def moved(
    piece: Piece,
    *,
    person: Head,
    placed: Array,
    moves: Float[Array, "key vertex 3"],
    skin: Piece,
    skin_moves: Array,
    pieces: Sequence[Piece],
) -> Float[Array, "key piece_vertex 3"]:
    """What the shapes do to a piece that is no skin.

    Args:
        piece: An eye, teeth, a tongue, or what is attached.
        person: The fitted head.
        placed: Its vertices where the mesh is.
        moves: Displacements of its vertices, key by key.
        skin: The mesh's skin.
        skin_moves: What the shapes do to that.
        pieces: All pieces.
    """
    if piece.kind == "teeth_upper":
        return np.zeros((len(moves), len(piece.points), 3))
    if piece.kind.startswith("eye"):
        ball = np.concatenate([other.points for other in pieces if other.kind == piece.kind])
        return _turned_eye(piece, person, centre=0.5 * (ball.min(axis=0) + ball.max(axis=0)))
    if piece.kind == "teeth_lower":
        own = _vertices(person, "teeth_lower")
        return np.stack([_rigid(placed[own], move[own], piece.points) for move in moves])
    if piece.kind == "tongue":
        own = _vertices(person, "tongue")
        return _followed(piece.points, placed[own], moves[:, own])
    far, _ = nearest(skin.points, piece.points)
    roots = np.flatnonzero(far[:, 0] <= np.percentile(far[:, 0], ROOTS))  # A lash's tip goes where its root goes.
    at_roots = _followed(piece.points[roots], skin.points, skin_moves)
    return _followed(piece.points, piece.points[roots], at_roots)


def _followed(points: Array, around: Array, moves: Array) -> Array:
    """What the nearest points do, the nearer the more."""
    distance, index = nearest(around, points, count=NEIGHBOURS)
    share = 1.0 / np.maximum(distance, 1e-5) ** 2
    share /= share.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("pk,npkc->npc", share, moves[:, index]))


def _turned_eye(piece: Piece, person: Head, *, centre: Array) -> Float[Array, "key piece_vertex 3"]:
    """About the middle of the ball, iris and cornea too."""
    out = np.zeros((52, len(piece.points), 3))
    arm = piece.points - centre
    for item in person.control_joints:
        if item.joint == JOINTS.index(piece.kind):
            axis = np.eye(3)[item.axis]
            turned = np.cos(item.angle) * arm + np.sin(item.angle) * np.cross(axis, arm)
            out[ARKIT_ORDER.index(item.control)] = (
                turned + (1.0 - np.cos(item.angle)) * (arm @ axis)[:, None] * axis - arm
            )
    return out


def _rigid(points: Array, moves: Array, others: Array) -> Array:
    """The motion of a rigid body, given by some of its points (Kabsch 1976), at others."""
    centre, goal = points.mean(axis=0), (points + moves).mean(axis=0)
    left, _, right = np.linalg.svd((points + moves - goal).T @ (points - centre))
    rotation = (left * [1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
    out: Array = (others - centre) @ rotation.T + goal - others
    return out


def gathered(pieces: Sequence[Piece], values: Sequence[Array], *, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Values [key, vertex, ..] of pieces as those of the meshes."""
    out = {name: np.zeros((values[0].shape[0], size, *values[0].shape[2:])) for name, size in sizes.items()}
    for piece, own in zip(pieces, values, strict=True):
        out[piece.mesh][:, piece.index] = own
    return out
