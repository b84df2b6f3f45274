"""Rotations as axis-angle, matrices and Euler angles.

Radians, right-handed, column vectors: `point_in_parent = R @ point`.
"""

import numpy as np

from face_emote.core.arrays import Array, Float


def rotation_matrix(axis_angle: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3 3"]:
    """Rodrigues' formula: R = I + a K + b K^2, with a = sin t / t and b = (1 - cos t) / t^2.

    Exact at zero: both coefficients go over into their Taylor series below 1e-4 rad.
    """
    x, y, z = np.moveaxis(axis_angle, -1, 0)
    square = x * x + y * y + z * z
    angle = np.sqrt(square)
    small = square < 1e-8
    safe = np.where(small, 1.0, square)
    a = np.where(small, 1.0 - square / 6.0, np.sin(angle) / np.sqrt(safe))
    b = np.where(small, 0.5 - square / 24.0, (1.0 - np.cos(angle)) / safe)
    rows = [
        [1.0 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y],
        [b * x * y + a * z, 1.0 - b * (x * x + z * z), b * y * z - a * x],
        [b * x * z - a * y, b * y * z + a * x, 1.0 - b * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2).astype(axis_angle.dtype)


def axis_angle(rotation: Float[Array, "*batch 3 3"]) -> Float[Array, "*batch 3"]:
    """Inverse of `rotation_matrix`: axis times angle, 0..pi.

    By way of the quaternion whose largest element is computed first (Shepperd 1978), hence stable at every angle.
    """
    matrix = rotation.astype(np.float64)
    diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
    trace = diagonal.sum(axis=-1)
    squares = np.concatenate([trace[..., None], 2.0 * diagonal - trace[..., None]], axis=-1)  # 4 q^2 - 1.
    # Row i of the symmetric matrix 4 q q^T, for each i; the row of the largest element is divided by its root.
    products = np.empty((*trace.shape, 4, 4))
    for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        products[..., 0, i + 1] = products[..., i + 1, 0] = matrix[..., k, j] - matrix[..., j, k]
        products[..., j + 1, k + 1] = products[..., k + 1, j + 1] = matrix[..., j, k] + matrix[..., k, j]
    for i in range(4):
        products[..., i, i] = squares[..., i] + 1.0
    largest = np.argmax(squares, axis=-1)[..., None, None]
    quaternion = np.take_along_axis(products, largest, axis=-2)[..., 0, :]
    quaternion /= np.linalg.norm(quaternion, axis=-1, keepdims=True)
    quaternion *= np.where(quaternion[..., :1] < 0.0, -1.0, 1.0)
    sine = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, quaternion[..., :1])
    factor = np.where(sine < 1e-9, 2.0, angle / np.maximum(sine, 1e-9))
    axis_angle: Array = (factor * quaternion[..., 1:]).astype(rotation.dtype)
    return axis_angle


def turn_between(rest: Float[Array, "point 3"], posed: Float[Array, "point 3"]) -> Float[Array, "3 3"]:
    """The rotation that carries points best to where they are now (Kabsch 1976), wherever both lie."""
    u, _, vt = np.linalg.svd((rest - rest.mean(axis=0)).T @ (posed - posed.mean(axis=0)))
    rotation: Array = vt.T @ np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    return rotation


def yaw_pitch_roll(rotation: Float[Array, "*batch 3 3"]) -> Float[Array, "*batch 3"]:
    """Angles of R = Ry(yaw) Rx(pitch) Rz(roll): yaw +Z towards +X, pitch +Y towards +Z, roll +X towards +Y.

    Of a head that looks along +Z: yaw to its left, pitch down, roll towards its right shoulder. Pitch is in
    [-pi/2, pi/2]; at its ends only the sum or difference of the other two is known.
    """
    pitch = np.arcsin(np.clip(-rotation[..., 1, 2], -1.0, 1.0))
    yaw = np.arctan2(rotation[..., 0, 2], rotation[..., 2, 2])
    roll = np.arctan2(rotation[..., 1, 0], rotation[..., 1, 1])
    return np.stack([yaw, pitch, roll], axis=-1)


def from_yaw_pitch_roll(angles: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3 3"]:
    """Inverse of `yaw_pitch_roll`."""
    about_y, about_x, about_z = (
        rotation_matrix(angles[..., i, None] * np.eye(3, dtype=angles.dtype)[axis]) for i, axis in enumerate((1, 0, 2))
    )
    rotation: Array = about_y @ about_x @ about_z
    return rotation


def quaternions(rotation: Float[Array, "*batch 3 3"]) -> Float[Array, "*batch 4"]:
    """Unit quaternions x, y, z, w with w >= 0; exact for turns below 180 degrees, which a head never exceeds."""
    w = 0.5 * np.sqrt(np.maximum(1.0 + np.trace(rotation, axis1=-2, axis2=-1), 1e-12))
    skew = rotation - rotation.swapaxes(-1, -2)
    xyz = np.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], axis=-1) / (4.0 * w[..., None])
    out = np.concatenate([xyz, w[..., None]], axis=-1)
    unit: Array = out / np.linalg.norm(out, axis=-1, keepdims=True)
    return unit
