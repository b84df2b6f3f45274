"""Reads the mouth off the posed mesh, as a camera reads it off a face, and gives the vertices that errors are taken at.

Gap: between the inner lips at the middle. Width: between the inner corners, less the width at rest. Both in units of
the distance between the outer corners of the eyes. Nothing here knows how a motion was made.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import HeadError
from face_emote.core.names import NUM_EXPRESSION
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.mouth.lip_rig import lip_edges

BLOCK = 256
"""Frames posed at once."""
SAMPLED = 4
"""One of so many vertices of the face is looked at where all count alike."""


@dataclass(frozen=True, slots=True, eq=False)
class GapMeter:
    """Reads gap and width off the mesh of one head."""

    head: Head
    points: Head
    """Upper lip, lower lip, both at the middle; the two corners."""
    unit_metres: float
    rest_width: float
    jaw_angle: float
    """Radians at jawOpen = 1."""

    def gap(self, controls: Float[Array, "frames control"]) -> Float[Array, " frames"]:
        """Height between the lips' middles; negative where they overlap."""
        return self.geometry(controls)[:, 0]

    def geometry(self, controls: Float[Array, "frames control"]) -> Float[Array, "frames channel=3"]:
        """Gap, width and jaw (in jawOpen) on frames of `names.CONTROLS`."""
        pose = pose_from_controls(controls.astype(np.float32), control_joints=self.head.control_joints)
        return self._measured(pose.expression, pose.jaw_pose)

    def motion_geometry(self, motion: FaceMotion) -> Float[Array, "frames channel=3"]:
        """Gap, width and jaw of a motion on this head, whichever way the head is turned.

        Raises:
            HeadError: the motion belongs to another face model.
        """
        if motion.info.basis != self.head.basis:
            raise HeadError(
                f"The motion belongs to face model '{motion.info.basis}', its lips are measured on "
                f"'{self.head.basis}'; make it on the bundled head"
            )
        parts = [self._measured(part.expression, part.jaw_pose) for part in motion.blocks(BLOCK)]
        return np.concatenate(parts)

    def _measured(
        self, expression: Float[Array, f"frames expr={NUM_EXPRESSION}"], jaw_pose: Float[Array, "frames 3"]
    ) -> Float[Array, "frames channel=3"]:
        at = self.points.pose_vertices(expression=expression, jaw_pose=jaw_pose).astype(np.float64)
        gap = (at[:, 0, 1] - at[:, 1, 1]) / self.unit_metres
        width = (at[:, 3, 0] - at[:, 2, 0]) / self.unit_metres - self.rest_width
        return np.stack([gap, width, jaw_pose[:, 0] / self.jaw_angle], axis=1)


def gap_meter(head: Head) -> GapMeter:
    """Measure at the vertices of both lips that lie nearest to the middle, and at the corners.

    Raises:
        HeadError: the head is an imported one, on which no lips are known.
    """
    edges = lip_edges(head)
    x = np.abs(head.template[:, 0])
    index = np.array(
        [
            edges.upper[np.argmin(x[edges.upper])],
            edges.lower[np.argmin(x[edges.lower])],
            edges.upper[0],
            edges.upper[-1],
        ]
    )
    unit = float(np.linalg.norm(head.template[edges.eye_corners[0]] - head.template[edges.eye_corners[1]]))
    jaw = next(joint for joint in head.control_joints if joint.control == "jawOpen")
    points = head.restricted_to(index)
    return GapMeter(
        head=head,
        points=points,
        unit_metres=unit,
        rest_width=float(points.template[3, 0] - points.template[2, 0]) / unit,
        jaw_angle=float(jaw.angle),
    )


@dataclass(frozen=True, slots=True, eq=False)
class VertexMeter:
    """The vertices of the face and which of them are lips or upper face; head and eyes held still."""

    head: Head
    points: Head
    lips: Bool[Array, " point"]
    face: Bool[Array, " point"]
    """Every SAMPLED-th vertex of the face, lips included."""
    upper_face: Bool[Array, " point"]
    """Forehead, brows, lids and upper cheeks: above the middle of the nose."""

    def vertices(self, controls: Float[Array, "frames control"]) -> Float[Array, "frames point 3"]:
        """Millimetres, on frames of `names.CONTROLS`."""
        pose = pose_from_controls(controls.astype(np.float32), control_joints=self.head.control_joints)
        return 1e3 * self.points.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)

    def motion_vertices(self, motion: FaceMotion) -> Float[Array, "frames point 3"]:
        """Millimetres; the motion's face on this head, held still."""
        return 1e3 * self.points.pose_vertices(expression=motion.expression, jaw_pose=motion.jaw_pose)


def vertex_meter(head: Head) -> VertexMeter:
    """The outer skin of the face of the bundled head (or of a person made from it).

    Raises:
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
