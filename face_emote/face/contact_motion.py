"""Contact on a moving head: the edges are posed apart from the rest, and their field is added to what is wanted."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import JOINTS
from face_emote.face.contact import ContactOperator
from face_emote.face.skinning import SkinnedPoints

HEAD_JOINT = JOINTS.index("neck")
"""The frame in which the skull, the upper teeth and the eye sockets rest."""


@dataclass(frozen=True, slots=True, eq=False)
class MovingEdges:
    """An opening of a head, or of a restricted head that holds only some of the moved skin."""

    operator: ContactOperator
    points: SkinnedPoints
    """The loop alone."""
    own: Int[Array, " moved"]
    """Vertices of the (restricted) head that the field moves."""
    response: Float[Array, "moved loop"]

    def loop_in_head(
        self, coefficients: Float[Array, "frames column"], transforms: Float[Array, "frames joint=5 3 4"]
    ) -> Float[Array, "frames loop 3"]:
        """The posed loop, seen from the resting skull."""
        points, active = self.points.active(coefficients)
        posed = points.posed(coefficients[:, active], transforms)
        skull = transforms[:, HEAD_JOINT]
        return (posed - skull[:, None, :, 3]) @ skull[:, :, :3]

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
