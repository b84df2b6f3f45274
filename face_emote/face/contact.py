"""Contact of lips and of lids: where two edges should meet, and the smooth field that brings them there.

The edges are the inner-lip loop and the lid margins. The field of a moved loop is the minimiser of the squared
bi-Laplacian over the skin around it, zero beyond a small radius. That is linear in the loop's displacement, so the
builder factorises once and ships the dense response; here it is one small matrix product.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import JOINTS
from face_emote.face.skinning import SkinnedPoints

LIP_PRESS = 0.0004
"""How far each lip is pushed past the meeting line, metres: sealed lips are pressed, not kissing at a point."""
UPPER_LIP_SHARE = 0.4  # Part of a gap that the upper lip closes; the lower lip is the more mobile one.
UPPER_LID_SHARE = 0.85
LID_PRESS = 0.0002
LID_SOFTNESS = 0.0003  # Crossed lids are parted fully from this much overlap on, metres; below, gradually.
TEETH_CLEARANCE = 0.0014  # Sealed lips stay this far in front of the upper teeth's row, metres.
LID_CLEARANCE = 0.0006  # Closed lids stay this far outside the eyeball, metres.


@dataclass(frozen=True, eq=False)
class ContactOperator:
    """Two edges of one opening and the skin that follows them."""

    upper: Int[Array, " upper"]  # Upper edge in order of x, both corners included.
    lower: Int[Array, " lower"]  # Lower edge in order of x, corners excluded.
    free: Int[Array, " free"]  # Vertices that the field moves, sorted; contains both edges.
    response: Float[Array, "free loop"]  # Displacement of `free` per displacement of the loop (`upper`, then `lower`).
    lower_on_upper: Float[Array, "lower upper"]
    """The point of the upper edge that faces each lower vertex, as weights of the upper vertices."""
    upper_on_loop: Float[Array, "upper loop"]
    """The point of the lower edge (with corners) that faces each upper vertex, as weights of the loop."""

    @cached_property
    def loop(self) -> Int[Array, " loop"]:
        """Vertices of both edges: `upper`, then `lower`."""
        return np.concatenate([self.upper, self.lower])

    def field(self, loop_displacement: Float[Array, "*frames loop 3"]) -> Float[Array, "*frames free 3"]:
        """Displacement of `free` when the loop moves so."""
        return self.response @ loop_displacement.astype(np.float32)


def contact_operator(
    *,
    upper: Int[Array, " upper"],
    lower: Int[Array, " lower"],
    free: Int[Array, " free"],
    response: Float[Array, "free loop"],
    template: Float[Array, "vertex 3"],
) -> ContactOperator:
    """Pair the two edges by their x on the template."""
    upper_x = np.maximum.accumulate(template[upper, 0])
    lower_x = np.maximum.accumulate(template[lower, 0])
    loop_order = np.concatenate([[0], len(upper) + np.arange(len(lower)), [len(upper) - 1]])
    on_loop = np.zeros((len(upper), len(upper) + len(lower)))
    edge_x = np.concatenate([upper_x[:1], lower_x, upper_x[-1:]])
    np.add.at(on_loop.T, loop_order, _interpolation(upper_x, edge_x).T)
    return ContactOperator(
        upper=upper,
        lower=lower,
        free=free,
        response=np.ascontiguousarray(response, np.float32),
        lower_on_upper=_interpolation(lower_x, upper_x),
        upper_on_loop=on_loop,
    )


def _interpolation(at: Float[Array, " point"], knots: Float[Array, " knot"]) -> Float[Array, "point knot"]:
    """Rows that interpolate linearly between rising knots, constant outside."""
    return np.stack([np.interp(at, knots, column) for column in np.eye(len(knots))], axis=1)


def meeting_displacement(
    operator: ContactOperator, loop_points: Float[Array, "*frames loop 3"], *, upper_share: float, press: float
) -> Float[Array, "*frames loop 3"]:
    """How the loop must move for both edges to meet on one line. Linear in `loop_points`.

    +Y of `loop_points` must point from the lower to the upper edge. The meeting line is the upper edge moved
    `upper_share` of the way; the lower edge is laid onto that very polyline, so no gap is left between vertices.
    `press` moves both edges past the line, except the two corners.
    """
    split = len(operator.upper)
    upper, lower = loop_points[..., :split, :], loop_points[..., split:, :]
    line = upper + upper_share * (operator.upper_on_loop @ loop_points - upper)
    move = np.concatenate([line - upper, operator.lower_on_upper @ line - lower], axis=-2)
    move[..., 1 : split - 1, 1] -= press
    move[..., split:, 1] += press
    return move


def lip_seal(
    operator: ContactOperator, vertices: Float[Array, "vertex 3"], *, teeth: Int[Array, " tooth"]
) -> Float[Array, "vertex 3"]:
    """Displacement of every vertex that seals the lips of a neutral head, whether they gaped or overlapped."""
    points = vertices[operator.loop].astype(np.float64)
    move = closing_displacement(operator, points[None], strength=np.ones(1), teeth=vertices[teeth])
    out = np.zeros_like(vertices)
    out[operator.free] = operator.field(move[0])
    return out


def closing_displacement(
    operator: ContactOperator,
    loop_points: Float[Array, "frames loop 3"],
    *,
    strength: Float[Array, " frames"],
    teeth: Float[Array, "tooth 3"],
) -> Float[Array, "frames loop 3"]:
    """How the inner-lip loop of a posed mesh must move to lie on the meeting line, gaping and overlapping alike.

    `loop_points` are in the head's frame, in which the upper teeth rest: `teeth` holds one point of each outer face,
    x rising, and the loop is kept in front of that row. `strength` 0..1 is the part of the way, per frame.
    """
    move = meeting_displacement(operator, loop_points, upper_share=UPPER_LIP_SHARE, press=LIP_PRESS)
    goal = loop_points + move
    row = np.interp(goal[..., 0], teeth[:, 0], teeth[:, 2]) + TEETH_CLEARANCE
    move[..., 2] += np.maximum(row - goal[..., 2], 0.0)
    return np.asarray(move * strength[:, None, None])


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """An eyeball that lids must not enter."""

    centre: Float[Array, "3"]
    radius: float

    def outside(self, points: Float[Array, "*frames point 3"]) -> Float[Array, "*frames point 3"]:
        """Points, those inside moved radially onto the surface."""
        arm = points - self.centre
        distance = np.maximum(np.linalg.norm(arm, axis=-1, keepdims=True), 1e-9)
        return np.asarray(self.centre + arm * np.maximum(self.radius / distance, 1.0))


def eyeball(vertices: Float[Array, "vertex 3"], *, index: Int[Array, " eye_vertex"]) -> Ball:
    """The ball around an eye's vertices, with clearance for the lid."""
    points = vertices[index].astype(np.float64)
    centre = points.mean(axis=0)
    return Ball(centre=centre, radius=float(np.linalg.norm(points - centre, axis=1).max()) + LID_CLEARANCE)


def parting_displacement(
    operator: ContactOperator, loop_points: Float[Array, "frames loop 3"], *, ball: Ball
) -> Float[Array, "frames loop 3"]:
    """How the margins of closed lids must move when a blink and a squint together would cross them.

    Zero where the lids are open or just meet. `loop_points` and `ball` are in the head's frame.
    """
    split = len(operator.upper)
    upper, lower = loop_points[..., :split, :], loop_points[..., split:, :]
    gap_upper = (upper - operator.upper_on_loop @ loop_points)[..., 1]
    gap_lower = (operator.lower_on_upper @ upper - lower)[..., 1]
    overlap = -np.concatenate([gap_upper, gap_lower], axis=-1) - 2.0 * LID_PRESS
    share = np.clip(overlap / LID_SOFTNESS, 0.0, 1.0)[..., None]
    if not share.any():
        return np.zeros_like(loop_points)
    goal = loop_points + meeting_displacement(operator, loop_points, upper_share=0.5, press=LID_PRESS)
    return np.asarray((ball.outside(goal) - loop_points) * share)


def blink_fix(
    operator: ContactOperator, *, vertices: Float[Array, "vertex 3"], blink: Float[Array, "vertex 3"], ball: Ball
) -> Float[Array, "vertex 3"]:
    """What to add to a blink column so that the lids of this head meet at 1 and stay outside the eyeball."""
    loop = operator.loop
    open_points = vertices[loop].astype(np.float64)
    closed = open_points + blink[loop]
    move = meeting_displacement(operator, closed, upper_share=UPPER_LID_SHARE, press=LID_PRESS)
    goal = ball.outside(closed + move)
    out = np.zeros_like(vertices)
    out[operator.free] = operator.field(goal - closed)
    return out


HEAD_JOINT = JOINTS.index("neck")  # The frame in which the skull, the upper teeth and the eye sockets rest.


@dataclass(frozen=True, slots=True, eq=False)
class MovingEdges:
    """An opening of a head, or of a restricted head that holds only some of the moved skin."""

    operator: ContactOperator
    points: SkinnedPoints  # The loop alone.
    own: Int[Array, " moved"]  # Vertices of the (restricted) head that the field moves.
    response: Float[Array, "moved loop"]

    def loop_in_head(
        self, coefficients: Float[Array, "frames column"], transforms: Float[Array, "frames joint=5 3 4"]
    ) -> Float[Array, "frames loop 3"]:
        """The posed loop, seen from the resting skull."""
        points, active = self.points.active(coefficients)
        posed = points.posed(coefficients[:, active], transforms)
        skull = transforms[:, HEAD_JOINT]
        return np.asarray((posed - skull[:, None, :, 3]) @ skull[:, :, :3])

    def add(
        self,
        vertices: Float[Array, "frames vertex 3"],
        move: Float[Array, "touching loop 3"],
        *,
        frames: Int[Array, " touching"],
        transforms: Float[Array, "frames joint=5 3 4"],
    ) -> None:
        """Add, in place, the field of a loop that moves so (in the skull's frame) on those frames."""
        turned = move @ transforms[frames, HEAD_JOINT, :, :3].swapaxes(1, 2)
        vertices[frames[:, None], self.own] += self.response @ turned.astype(np.float32)


def moving_edges(operator: ContactOperator, *, whole: SkinnedPoints, kept: Int[Array, " kept"] | None) -> MovingEdges:
    """Edges of a whole head, or of one that keeps only the vertices `kept`."""
    points = whole.subset(operator.loop)
    if kept is None:
        return MovingEdges(operator, points, operator.free, operator.response)
    row = np.full(whole.template.shape[1], -1)
    row[operator.free] = np.arange(len(operator.free))
    own = np.flatnonzero(row[kept] >= 0)
    return MovingEdges(operator, points, own, operator.response[row[kept[own]]])
