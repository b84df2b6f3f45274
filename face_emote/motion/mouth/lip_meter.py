"""Lips of a posed head as a camera sees them: gap, width and jaw."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import HeadError
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.mouth.lip_rig import lip_edges

BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class LipMeter:
    """The measured points of one head."""

    points: Head  # Only upper middle, lower middle, right corner, left corner of the inner lips.
    unit_metres: float  # Distance between the outer corners of the eyes.
    rest_width: float  # Of the neutral mouth, in units of `unit_metres`.
    jaw_radians: float  # Rotation of the jaw at jawOpen 1.

    def measure(
        self, expression: Float[Array, "frames expr"], *, jaw_pose: Float[Array, "frames 3"]
    ) -> Float[Array, "frames aim=3"]:
        """Gap, width less that at rest, and jaw in jawOpen, as in `viseme_table.CHANNELS`."""
        out = np.empty((len(expression), 3))
        for first in range(0, len(expression), BLOCK):
            part = slice(first, first + BLOCK)
            places = self.points.pose_vertices(
                expression=expression[part].astype(np.float32), jaw_pose=jaw_pose[part].astype(np.float64)
            )
            out[part] = lip_aims(places, unit=self.unit_metres, rest_width=self.rest_width)
        out[:, 2] = jaw_pose[:, 0] / self.jaw_radians
        return out

    def of_controls(self, controls: Float[Array, "frames control"]) -> Float[Array, "frames aim=3"]:
        """The same on frames of `names.CONTROLS`."""
        pose = pose_from_controls(controls.astype(np.float32), control_joints=self.points.control_joints)
        return self.measure(pose.expression, jaw_pose=pose.jaw_pose)

    def of_motion(self, motion: FaceMotion) -> Float[Array, "frames aim=3"]:
        """The same of a motion, whichever way the head is turned.

        HeadError: the motion belongs to another face model.
        """
        if motion.info.basis != self.points.basis:
            raise HeadError(
                f"The motion belongs to face model '{motion.info.basis}', its lips are measured on "
                f"'{self.points.basis}'; make it on the bundled head"
            )
        return self.measure(motion.expression, jaw_pose=motion.jaw_pose)


def lip_meter(head: Head) -> LipMeter:
    """Points of the bundled head (any identity). HeadError: the head is an imported one, on which no lips are known."""
    edges = lip_edges(head)
    x = np.abs(head.template[:, 0])
    middle = [edges.upper[np.argmin(x[edges.upper])], edges.lower[np.argmin(x[edges.lower])]]
    index = np.array([*middle, edges.upper[0], edges.upper[-1]])
    angle = next(item.angle for item in head.control_joints if item.control == "jawOpen")
    return meter_at(head, index=index, eye_corners=edges.eye_corners, jaw_radians=float(angle))


def meter_at(
    head: Head, *, index: Int[Array, " four"], eye_corners: Int[Array, " two"], jaw_radians: float
) -> LipMeter:
    """A meter at given vertices: upper middle, lower middle, right corner, left corner."""
    unit = float(np.linalg.norm(head.template[eye_corners[0]] - head.template[eye_corners[1]]))
    width = float(np.linalg.norm(head.template[index[3]] - head.template[index[2]])) / unit
    return LipMeter(points=head.restricted_to(index), unit_metres=unit, rest_width=width, jaw_radians=jaw_radians)


def lip_aims(
    places: Float[Array, "frames point=4 3"], *, unit: float, rest_width: float
) -> Float[Array, "frames aim=3"]:
    """Gap and width of four points in units of the eye corners' distance; the third column is zero."""
    gap = (places[:, 0, 1] - places[:, 1, 1]) / unit
    width = np.linalg.norm(places[:, 3] - places[:, 2], axis=1) / unit - rest_width
    return np.column_stack([gap, width, np.zeros(len(places))]).astype(np.float64)
