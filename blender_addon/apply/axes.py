# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's axes (+Y up, the face looks along +Z) and Blender's (+Z up, the face looks along -Y). No bpy here."""

import numpy as np

TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""blender_point = TO_BLENDER @ engine_point."""


def placed(points: np.ndarray) -> np.ndarray:
    """Engine points or offsets [..., 3] in Blender's axes, float32."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1).astype(np.float32)


def rotation_matrices(quaternions: np.ndarray) -> np.ndarray:
    """Unit quaternions w, x, y, z [..., 4] as matrices [..., 3, 3]."""
    w, x, y, z = np.moveaxis(np.asarray(quaternions, np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def blender_rotations(quaternions: np.ndarray, *, facing: float = 0.0) -> np.ndarray:
    """Engine rotations as matrices in Blender's axes [..., 3, 3].

    `facing` turns them with a character that does not look along -Y at rest: radians about +Z.
    """
    c, s = np.cos(facing), np.sin(facing)
    basis = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ TO_BLENDER
    turned: np.ndarray = basis @ rotation_matrices(quaternions) @ basis.T
    return turned


def in_bone_space(rotations: np.ndarray, bone: np.ndarray) -> np.ndarray:
    """Rotations [..., 3, 3] against the rest pose as a bone with rest matrix `bone` [3, 3] has to turn: B' R B."""
    turned: np.ndarray = bone.T @ rotations @ bone
    return turned


def euler_xyz(rotations: np.ndarray) -> np.ndarray:
    """Blender's XYZ Euler angles [..., 3], R = Rz Ry Rx; for turns well below 90 degrees."""
    x = np.arctan2(rotations[..., 2, 1], rotations[..., 2, 2])
    y = np.arcsin(np.clip(-rotations[..., 2, 0], -1.0, 1.0))
    z = np.arctan2(rotations[..., 1, 0], rotations[..., 0, 0])
    return np.stack([x, y, z], axis=-1)


def quaternions_of(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions w, x, y, z [..., 4] with w >= 0; for turns well below 180 degrees."""
    trace = np.trace(rotations, axis1=-2, axis2=-1)
    w = 0.5 * np.sqrt(np.maximum(1.0 + trace, 1e-12))
    skew = rotations - np.swapaxes(rotations, -1, -2)
    xyz = np.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], axis=-1) / (4.0 * w[..., None])
    out = np.concatenate([w[..., None], xyz], axis=-1)
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    return out
