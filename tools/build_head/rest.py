"""Faces that rest: lids and brows of everybody brought near where a calm face has them.

MakeHuman's people stare: many a face at rest has wide lids and high brows, and is read as surprised. How wide a face's
lids are open and how high its brows stand is nearly linear in its betas, so the way back is too: it is fitted on
sampled people and put into the template and the identity columns. Everybody keeps a part of what is their own.
"""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import CONTROLS
from face_emote.face.contact import ContactOperator
from face_emote.face.head import Head

APERTURE, BROW_HEIGHT = 0.095, 0.160
"""Of the distance between the outer corners of the eyes: the height of eyeball that shows, and how far the inner end of
the brow is above the corners of the eye. About what a face tracker calls 10.3 and 16.5 % on renders, where expression
networks of other people called a still face neutral most often."""
TOWARDS = {"lid": 0.75, "brow": 0.65}
"""Share of the way that everybody goes."""
ROUNDS = 2
"""The fold of the lid hides a part of its edge: what shows of the eye follows the lid not quite linearly."""
RIDGE = 8.0
PROBES = (-0.004, 0.0, 0.004)
"""Metres from the middle of the eye, where its opening is measured."""
BROW = (0.0115, 0.0543)
"""x and y of the inner end of the left brow on the mean head."""
SPLIT_WIDTH = 0.004
CORNER_FADE = 0.5
"""Share of the half width of the eye over which lids come to rest at its corners."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """What is measured of one eye, in vertices of the head."""

    lids: ContactOperator
    ball: Int[Array, " ball"]
    brow: int
    edges: Int[Array, "edge 2"]
    """Of the skin in front of the ball."""


def rested(head: Head, betas: Float[Array, "person shape"]) -> Head:
    """The head with lids and brows at rest, as fitted on these people."""
    eyes = resting_eyes(head)
    template, shapes = head.template.astype(np.float64), head.shape_basis.astype(np.float64)
    # A mirrored person has the right eye where the left one was: one fit for both keeps mirrored people mirrored.
    parity = _parity(shapes, head)
    both = np.concatenate([betas, betas * parity])
    design = np.concatenate([np.ones((len(both), 1)), both], axis=1)
    ridge = np.diag([0.0, *np.full(betas.shape[1], RIDGE)])
    solve = np.linalg.solve(design.T @ design + ridge, design.T)
    fields = [_fields(head, eye, left=side == 0) for side, eye in enumerate(eyes)]
    own: dict[str, Array] = {}
    for _ in range(ROUNDS):
        found = _measured(template, shapes, betas, eyes=eyes)
        for kind, share in TOWARDS.items():
            own.setdefault(kind, found[kind] * (1.0 - share))
            goal = own[kind] + share * (APERTURE if kind == "lid" else BROW_HEIGHT) * found["width"][:, None]
            way = solve @ (goal - found[kind]).T.reshape(-1)
            for side, turned in enumerate((np.ones_like(parity), parity)):
                template = template + way[0] * fields[side][kind]
                shapes = shapes + (way[1:] * turned)[:, None, None] * fields[side][kind]
    return replace(head, template=template.astype(np.float32), shape_basis=shapes.astype(np.float32))


def _parity(shapes: Float[Array, "shape vertex 3"], head: Head) -> Float[Array, " shape"]:
    """1 for columns that are symmetric, -1 for antisymmetric ones."""
    assert head.layout is not None
    same: Array = np.einsum("svc,svc->s", shapes, shapes[:, head.layout.mirror] * [-1.0, 1.0, 1.0])
    return np.where(same < 0.0, -1.0, 1.0)


def resting_eyes(head: Head) -> tuple[Eye, Eye]:
    """The left and the right eye of the bundled head."""
    assert head.contact is not None and head.layout is not None
    contact, rest = head.contact, head.template
    skin = head.layout.vertices_of("head")
    quads = head.layout.quads[head.layout.in_parts("head")]
    edges = np.unique(np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1), axis=0)
    sides = ((1.0, contact.left_lids, contact.left_eyeball), (-1.0, contact.right_lids, contact.right_eyeball))
    eyes = []
    for sign, lids, ball in sides:
        near = np.abs(rest[:, 0] - rest[ball, 0].mean()) < 0.02
        near &= (np.abs(rest[:, 1] - rest[ball, 1].mean()) < 0.03) & (rest[:, 2] > rest[ball, 2].mean() - 0.03)
        away = np.hypot(rest[skin, 0] - sign * BROW[0], rest[skin, 1] - BROW[1]) + (rest[skin, 2] < 0.05)
        eyes.append(Eye(lids, ball, int(skin[away.argmin()]), edges[near[edges].all(axis=1)]))
    return eyes[0], eyes[1]


def _fields(head: Head, eye: Eye, *, left: bool) -> dict[str, Array]:
    """How lid and brow of one side go up, per metre."""
    side = "Left" if left else "Right"
    column = {name: head.expression_basis[CONTROLS.index(name)].astype(np.float64) for name in CONTROLS[:52]}
    ends = head.template[eye.lids.upper[[0, -1]], 0].astype(np.float64)
    off_middle = np.abs(head.template[:, :1] - ends.mean()) / (0.5 * np.ptp(ends))
    # The corners of the eye are tied to the bone.
    lid = column[f"eyeWide{side}"] * np.clip((1.0 - off_middle) / CORNER_FADE, 0.0, 1.0)
    half = 1.0 / (1.0 + np.exp(-(1.0 if left else -1.0) * head.template[:, :1] / SPLIT_WIDTH))
    brow = column["browInnerUp"] * half + column[f"browOuterUp{side}"]
    return {"lid": lid / lid[eye.lids.upper, 1].max(), "brow": brow / brow[eye.brow, 1]}


def _measured(
    template: Float[Array, "vertex 3"],
    shapes: Float[Array, "shape vertex 3"],
    betas: Float[Array, "person shape"],
    *,
    eyes: tuple[Eye, Eye],
) -> dict[str, Array]:
    """Opening and height of the brow of both eyes, and the width over both, of every person, metres."""
    used = np.unique(np.concatenate([part.ravel() for eye in eyes for part in _parts(eye)]))
    row = np.full(len(template), -1)
    row[used] = np.arange(len(used))
    people = template[used] + np.tensordot(betas, shapes[:, used], axes=1)
    out: dict[str, Array] = {"lid": np.zeros((len(betas), 2)), "brow": np.zeros((len(betas), 2))}
    outer = []
    for side, eye in enumerate(eyes):
        upper = people[:, row[eye.lids.upper]]
        out["brow"][:, side] = people[:, row[eye.brow], 1] - 0.5 * (upper[:, 0, 1] + upper[:, -1, 1])
        out["lid"][:, side] = [opening(person, eye=eye, row=row) for person in people]
        outer.append(upper[:, -1 if side == 0 else 0, 0])
    return out | {"width": outer[0] - outer[1]}


def _parts(eye: Eye) -> tuple[Array, ...]:
    return eye.lids.upper, eye.lids.lower, eye.ball, np.array([eye.brow]), eye.edges


def opening(vertices: Float[Array, "vertex 3"], *, eye: Eye, row: Int[Array, " vertex"]) -> float:
    """Height of the eyeball that is seen from in front, metres: a fold that hangs over the lid hides it too.

    `row` finds the eye's vertices among `vertices`.
    """
    ball = vertices[row[eye.ball]]
    centre = ball.mean(axis=0)
    radius = np.linalg.norm(ball - centre, axis=1).max()
    start, end = vertices[row[eye.edges[:, 0]]], vertices[row[eye.edges[:, 1]]]
    upper = vertices[row[eye.lids.upper]]
    lower = vertices[row[[eye.lids.upper[0], *eye.lids.lower, eye.lids.upper[-1]]]]
    heights = []
    for probe in PROBES:
        x = centre[0] + probe
        share = (x - start[:, 0]) / np.where(np.abs(end[:, 0] - start[:, 0]) > 1e-9, end[:, 0] - start[:, 0], 1e-9)
        cut = (share >= 0.0) & (share <= 1.0)
        points = start[cut] + share[cut, None] * (end[cut] - start[cut])
        depth = centre[2] + np.sqrt(np.maximum(radius**2 - probe**2 - (points[:, 1] - centre[1]) ** 2, 0.0))
        points = points[points[:, 2] > depth - 0.002]
        middle = 0.5 * (np.interp(x, *_rising(upper)) + np.interp(x, *_rising(lower)))
        above, below = points[:, 1] > middle, points[:, 1] <= middle
        heights.append(points[above, 1].min(initial=middle + 0.02) - points[below, 1].max(initial=middle - 0.02))
    return float(np.mean(heights))


def _rising(edge: Float[Array, "point 3"]) -> tuple[Array, Array]:
    return np.maximum.accumulate(edge[:, 0]), edge[:, 1]
