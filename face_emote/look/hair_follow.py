"""How long hair moves: rigidly with the skull, which neither the jaw nor the face's muscles move."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import JOINTS
from face_emote.core.rotations import turn_between
from face_emote.face.head import Head

STILL = 3e-4  # Metres that any one expression may move a vertex of the skull.
FADE = 0.022  # Metres along a strand within which it leaves its root, which may slide with the scalp, for the skull.


@dataclass(frozen=True, slots=True, eq=False)
class SkullFrame:
    """The skull of one head at rest."""

    vertex: Int[Array, " skull"]  # Vertices that move with the neck joint and with nothing else.
    rest: Float[Array, "skull 3"]

    def transform(self, vertices: Float[Array, "vertex 3"]) -> Float[Array, "3 4"]:
        """Rotation and translation from rest to a posed head, for points in metres."""
        posed = vertices[self.vertex].astype(np.float64)
        turn = turn_between(self.rest, posed)
        return np.column_stack([turn, posed.mean(axis=0) - turn @ self.rest.mean(axis=0)])


def skull_frame(head: Head) -> SkullFrame:
    """The skull of a head; its template is the rest."""
    still = np.abs(head.expression_basis).max(axis=(0, 2)) < STILL
    still &= np.abs(head.pose_correctives).max(axis=(0, 2)) < STILL
    still &= head.skin_weights[:, JOINTS.index("neck")] > 0.995
    vertex = np.flatnonzero(still)
    return SkullFrame(vertex, head.template[vertex].astype(np.float64))
