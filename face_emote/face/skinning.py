"""FLAME's vertex function in numpy: template + blendshapes + pose correctives, then linear blend skinning.

Li et al. 2017, "Learning a model of facial shape and expression from 4D scans", equations 1-5. Arrays are planar
([.., 3, vertex]) so that every step is either one matrix product or a pass over contiguous memory.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import JOINT_PARENTS, JOINTS
from face_emote.core.rotations import rotation_matrix

NUM_JOINTS = len(JOINTS)
NUM_CORRECTIVES = 9 * (NUM_JOINTS - 1)
CHUNK = 256  # Points skinned at once: all that a block of 64 frames needs for them stays in a core's cache.


@dataclass(frozen=True, slots=True, eq=False)
class SkinnedPoints:
    """A set of points that follow expression and joints: a whole head, or only some of its vertices."""

    template: Float[Array, "3 point"]
    columns: Float[Array, "column 3 point"]  # Expression columns, then the 36 pose correctives.
    skin_weights: Float[Array, "joint=5 point"]

    def subset(self, point_index: Int[Array, " kept"]) -> "SkinnedPoints":
        """The same function for fewer points."""
        return SkinnedPoints(
            template=np.ascontiguousarray(self.template[:, point_index]),
            columns=np.ascontiguousarray(self.columns[:, :, point_index]),
            skin_weights=np.ascontiguousarray(self.skin_weights[:, point_index]),
        )

    def active(self, coefficients: Float[Array, "frames column"]) -> tuple["SkinnedPoints", Int[Array, " active"]]:
        """The points with only those columns that any frame uses, and the indices of these columns."""
        index = np.flatnonzero(np.any(coefficients != 0.0, axis=0))
        return SkinnedPoints(self.template, self.columns[index], self.skin_weights), index

    def posed(
        self, coefficients: Float[Array, "frames column"], transforms: Float[Array, "frames joint=5 3 4"]
    ) -> Float[Array, "frames point 3"]:
        """Positions in metres, float32."""
        frames, points = len(coefficients), self.template.shape[1]
        flat = self.columns.reshape(len(self.columns), 3 * points)
        shaped = coefficients.astype(np.float32) @ flat
        shaped += self.template.reshape(-1)
        planes = shaped.reshape(frames, 3, points).transpose(1, 0, 2)
        # Row, column (the last is the offset) and frame of each transform, times joint.
        rows = transforms.transpose(2, 3, 0, 1).reshape(12 * frames, NUM_JOINTS).astype(np.float32)
        out = np.empty((frames, points, 3), np.float32)
        for first in range(0, points, CHUNK):
            part = slice(first, first + CHUNK)
            blended = (rows @ self.skin_weights[:, part]).reshape(3, 4, frames, -1)
            for row in range(3):
                total = blended[row, 3]
                for axis in range(3):
                    blended[row, axis] *= planes[axis, :, part]
                    total += blended[row, axis]
                out[:, part, row] = total
        return out


def joint_rotations(
    *,
    global_pose: Float[Array, "frames 3"],
    neck_pose: Float[Array, "frames 3"],
    jaw_pose: Float[Array, "frames 3"],
    eye_pose: Float[Array, "frames 2 3"],
) -> Float[Array, "frames joint=5 3 3"]:
    """Rotation of every joint relative to its parent, float64, in the order of `names.JOINTS`."""
    pose = np.stack([global_pose, neck_pose, jaw_pose, eye_pose[:, 0], eye_pose[:, 1]], axis=1)
    return rotation_matrix(pose.astype(np.float64))


def corrective_coefficients(rotations: Float[Array, "frames joint=5 3 3"]) -> Float[Array, "frames corrective=36"]:
    """R - I of all joints but the root, row by row: what drives the pose correctives."""
    return (rotations[:, 1:] - np.eye(3)).reshape(len(rotations), NUM_CORRECTIVES)


def skin_transforms(
    rotations: Float[Array, "frames joint=5 3 3"], joints: Float[Array, "frames joint=5 3"]
) -> Float[Array, "frames joint=5 3 4"]:
    """World transform of each joint relative to its rest position (rotation | offset)."""
    world = np.empty((len(rotations), NUM_JOINTS, 3, 4))
    place = np.empty((len(rotations), NUM_JOINTS, 3))
    for joint, parent in enumerate(JOINT_PARENTS):
        if parent < 0:
            world[:, joint, :, :3] = rotations[:, joint]
            place[:, joint] = joints[:, joint]
        else:
            above = world[:, parent, :, :3]
            world[:, joint, :, :3] = above @ rotations[:, joint]
            arm = joints[:, joint] - joints[:, parent]
            place[:, joint] = place[:, parent] + np.einsum("fij,fj->fi", above, arm)
        moved = np.einsum("fij,fj->fi", world[:, joint, :, :3], joints[:, joint])
        world[:, joint, :, 3] = place[:, joint] - moved
    return world
