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


def turned_by(vectors: np.ndarray) -> np.ndarray:
    """Rotation vectors [..., 3] (radians about an axis) as matrices [..., 3, 3]."""
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    half = 0.5 * angle
    return rotation_matrices(np.concatenate([np.cos(half), vectors * (0.5 * np.sinc(half / np.pi))], axis=-1))


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


def quaternions_of(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions w, x, y, z [..., 4] with w >= 0, by way of the largest of the four (Shepperd 1978)."""
    r = np.asarray(rotations, np.float64)
    xx, yy, zz = (r[..., i, i] for i in range(3))
    squares = np.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], axis=-1)
    wx, wy, wz = r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]
    xy, xz, yz = r[..., 1, 0] + r[..., 0, 1], r[..., 0, 2] + r[..., 2, 0], r[..., 2, 1] + r[..., 1, 2]
    products = [[squares[..., 0], wx, wy, wz], [wx, squares[..., 1], xy, xz], [wy, xy, squares[..., 2], yz],
                [wz, xz, yz, squares[..., 3]]]  # fmt: skip
    every = np.stack([np.stack(row, axis=-1) for row in products], axis=-2)
    out = np.take_along_axis(every, squares.argmax(axis=-1)[..., None, None], axis=-2)[..., 0, :]
    out *= np.where(out[..., :1] < 0.0, -1.0, 1.0) / np.linalg.norm(out, axis=-1, keepdims=True)
    return np.asarray(out)


def continuous(quaternions: np.ndarray) -> np.ndarray:
    """A course of quaternions [frame, 4] without the jumps between q and -q that a curve would swing through."""
    steps = np.einsum("fc,fc->f", quaternions[1:], quaternions[:-1])
    signs = np.cumprod(np.where(steps < 0.0, -1.0, 1.0))
    out: np.ndarray = quaternions * np.concatenate([[1.0], signs])[:, None]
    return out
