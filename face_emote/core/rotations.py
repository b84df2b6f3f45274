"""Axis-angle rotations. Radians, right-handed, column vectors: `point_in_parent = R @ point`."""

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
