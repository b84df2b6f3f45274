"""Where the marks of a face are on a mesh of which nothing is known but that it stands upright."""

from collections.abc import Mapping

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.names import JOINTS
from face_emote.face.head import Head
from face_emote.rigs.registration.fitting import Similarity, similarity_of
from face_emote.rigs.registration.pieces import Piece, pieces_of
from face_emote.rigs.registration.sparse import nearest
from face_emote.rigs.registration.transfer import PLACES, fitted_head, own_places

SHARES = (1.0, 0.8, 0.65, 0.5, 0.36, 0.25, 0.18, 0.14, 0.11)
"""What part of a mesh's height its head may be: a mask, a bust, a whole body."""
TURNS = (0.0, 0.5 * np.pi, np.pi, -0.5 * np.pi)
TILTS = ((0.0, 0.0), (0.4, 0.0), (-0.4, 0.0), (0.0, 0.4), (0.0, -0.4))
"""Nods and leans of a head that is not upright."""
COMPARED, THEIRS = 500, 4000
"""So many points of our head, and of theirs, are compared."""
KEPT = 0.8
"""Share of points that count: an ear, a collar or a hole may be missing."""


def guessed_places(
    head: Head, meshes: Mapping[str, tuple[Array, Array, str]], *, eyes: Float[Array, "eye=2 3"] | None = None
) -> dict[str, Float[Array, " 3"]]:
    """Where `PLACES` are likely to be, in the mesh's own units.

    Args:
        head: The bundled head.
        meshes: As `transfer.transferred` takes them; the largest piece without another kind is the skin.
        eyes: Centres of the left and the right eye, where they are known.

    Raises:
        HeadError: there is no mesh that could be a face.
    """
    pieces = [
        piece
        for name, (points, triangles, kind) in meshes.items()
        if kind in ("", "skin")
        for piece in pieces_of(name, points.astype(np.float64), triangles=triangles, kind="skin")
    ]
    if not pieces:
        raise HeadError("There is no mesh that could be a face")
    skin = max(pieces, key=lambda piece: len(piece.points))
    start = _coarse(head, skin.points, eyes=eyes)
    near = Piece(skin.mesh, skin.index, start.undone(skin.points), skin.triangles, "skin")
    fitted = fitted_head(head, near, marks={}, start=Similarity(1.0, np.eye(3), np.zeros(3)))
    own = own_places(fitted.person)
    base = fitted.person.template[fitted.source.vertex_index].astype(np.float64)
    _, vertex = nearest(base, own)
    found = start.of(fitted.settled[vertex[:, 0]] + fitted.similarity.turned(own - base[vertex[:, 0]]))
    return dict(zip(PLACES, found, strict=True))


def _coarse(head: Head, points: Array, *, eyes: Array | None) -> Similarity:
    """The best of several starts, also tilted, refined by nearest points (Besl & McKay 1992, trimmed)."""
    assert head.layout is not None
    own = head.template[head.layout.vertices_of("head")].astype(np.float64)
    sample = own[:: max(1, len(own) // COMPARED)]
    joints = dict(zip(JOINTS, head.joints(), strict=True))
    if eyes is not None:
        across, ours = eyes[0] - eyes[1], joints["eye_left"] - joints["eye_right"]
        scale = float(np.linalg.norm(across) / np.linalg.norm(ours))
        turn = _about_y(float(np.arctan2(-across[2], across[0])))
        starts = [Similarity(scale, turn, eyes.mean(axis=0) - scale * turn @ head.eyes_middle())]
    else:
        starts = [_under_the_top(own, points, share=share, angle=angle) for share in SHARES for angle in TURNS]
    tried = [_refined(start, sample, points=points, rounds=4) for start in starts]
    best = sorted(tried, key=lambda item: item[0])[:5]
    tilted = [
        _refined(_tilted(fit, own.mean(axis=0), nod=nod, lean=lean), sample, points=points, rounds=6)
        for _, fit in best
        for nod, lean in TILTS
    ]
    best = sorted(tilted, key=lambda item: item[0])[:5]
    off, fit = min((_refined(fit, sample, points=points, rounds=16) for _, fit in best), key=lambda item: item[0])
    if not np.isfinite(off):
        raise HeadError("This mesh has too few vertices to be a face; choose another, or subdivide it")
    return fit


def _tilted(fit: Similarity, centre: Array, *, nod: float, lean: float) -> Similarity:
    """The same with our head turned about its centre first."""
    c, s, d, t = np.cos(nod), np.sin(nod), np.cos(lean), np.sin(lean)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]) @ np.array(
        [[d, -t, 0.0], [t, d, 0.0], [0.0, 0.0, 1.0]]
    )
    rotation = fit.rotation @ turn
    return Similarity(fit.scale, rotation, fit.of(centre[None])[0] - fit.scale * rotation @ centre)


def _under_the_top(own: Array, points: Array, *, share: float, angle: float) -> Similarity:
    scale = share * float(np.ptp(points[:, 1]) / np.ptp(own[:, 1]))
    crown = points[points[:, 1] > points[:, 1].max() - 0.7 * scale * np.ptp(own[:, 1])]
    turn = _about_y(angle)
    goal = 0.5 * (crown.min(axis=0) + crown.max(axis=0))
    goal[1] = points[:, 1].max()
    turned = scale * own @ turn.T
    middle = 0.5 * (turned.min(axis=0) + turned.max(axis=0))
    middle[1] = turned[:, 1].max()
    return Similarity(scale, turn, goal - middle)


def _refined(fit: Similarity, sample: Array, *, points: Array, rounds: int) -> tuple[float, Similarity]:
    """How far the points are off, against the size of the head, and the better fit."""
    low = fit.of(sample).min(axis=0)[1] - 0.04 * fit.scale
    theirs = points[points[:, 1] > low]
    theirs = theirs[:: max(1, len(theirs) // THEIRS)]
    off = np.inf
    if len(theirs) < 50:
        return off, fit
    for _round in range(rounds):
        placed = fit.of(sample)
        distance, partner = nearest(theirs, placed)
        kept = np.argsort(distance[:, 0])[: int(KEPT * len(placed))]
        off = float(distance[kept].mean() / fit.scale)
        fit = similarity_of(sample[kept], theirs[partner[kept, 0]])
    return off, fit


def _about_y(angle: float) -> Float[Array, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
