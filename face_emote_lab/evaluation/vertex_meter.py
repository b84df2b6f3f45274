"""The vertices of the posed face that errors are taken at. Nothing here knows how a motion was made."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import HeadError
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls

SAMPLED = 4  # One of so many vertices of the face is looked at where all count alike.


@dataclass(frozen=True, slots=True, eq=False)
class VertexMeter:
    """The vertices of the face and which of them are lips or upper face; head and eyes held still."""

    head: Head
    points: Head
    lips: Bool[Array, " point"]
    face: Bool[Array, " point"]  # Every SAMPLED-th vertex of the face, lips included.
    upper_face: Bool[Array, " point"]  # Forehead, brows, lids and upper cheeks: above the middle of the nose.

    def vertices(self, controls: Float[Array, "frames control"]) -> Float[Array, "frames point 3"]:
        """Millimetres, on frames of `names.CONTROLS`."""
        pose = pose_from_controls(controls.astype(np.float32), control_joints=self.head.control_joints)
        return 1e3 * self.points.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)

    def motion_vertices(self, motion: FaceMotion) -> Float[Array, "frames point 3"]:
        """Millimetres; the motion's face on this head, held still."""
        return 1e3 * self.points.pose_vertices(expression=motion.expression, jaw_pose=motion.jaw_pose)


def vertex_meter(head: Head) -> VertexMeter:
    """The outer skin of the face of the bundled head (or of a person made from it).

    HeadError: the head is an imported one, on which face and lips are not known.
    """
    if head.layout is None:
        raise HeadError(
            "Errors of vertices are measured on the bundled head, and this is another one; give load_head()"
        )
    layout = head.layout
    skin = np.zeros(head.num_vertices, bool)
    skin[layout.vertices_of("head")] = True
    lips = skin & (layout.mask_lips > 0.5)
    face = np.zeros(head.num_vertices, bool)
    face[np.flatnonzero(skin & (lips | (layout.mask_face > 0.5)) & (layout.mask_inside_mouth < 0.5))[::SAMPLED]] = True
    lips &= layout.mask_inside_mouth < 0.5
    index = np.flatnonzero(lips | face)
    eyes = head.joints()[3:, 1].mean()
    nose_middle = 0.5 * (eyes + head.template[lips, 1].max())
    return VertexMeter(
        head=head,
        points=head.restricted_to(index),
        lips=lips[index],
        face=face[index],
        upper_face=head.template[index, 1] > nose_middle,
    )
