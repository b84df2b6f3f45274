"""Draw triangles into an image by pixel centres: an atlas of texels, or a depth picture."""

import math

import numpy as np
from numba import njit

from face_emote.core.arrays import Array, Float, Int


@njit(cache=True)
def _draw(corners: Array, depth: Array, margin: float, index: Array, weights: Array, nearest: Array) -> None:
    """Corners [triangle, 3, 2] in pixels; the highest depth wins, then the most interior triangle."""
    height, width = index.shape
    for f in range(len(corners)):
        x0, y0, x1, y1 = corners[f, 0, 0], corners[f, 0, 1], corners[f, 1, 0], corners[f, 1, 1]
        x2, y2 = corners[f, 2, 0], corners[f, 2, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left = max(0, math.floor(min(x0, x1, x2) - margin))
        right = min(width - 1, math.ceil(max(x0, x1, x2) + margin))
        top = max(0, math.floor(min(y0, y1, y2) - margin))
        bottom = min(height - 1, math.ceil(max(y0, y1, y2) + margin))
        # Slack in barycentric units that corresponds to `margin` pixels beyond each side.
        s0 = margin * math.hypot(x2 - x1, y2 - y1) / abs(area)
        s1 = margin * math.hypot(x0 - x2, y0 - y2) / abs(area)
        s2 = margin * math.hypot(x1 - x0, y1 - y0) / abs(area)
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                px, py = c + 0.5, r + 0.5
                b0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
                b1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
                b2 = 1.0 - b0 - b1
                if b0 < -s0 or b1 < -s1 or b2 < -s2:
                    continue
                key = b0 * depth[f, 0] + b1 * depth[f, 1] + b2 * depth[f, 2] + min(0.0, min(b0, b1, b2)) * 1e3
                if key > nearest[r, c]:
                    nearest[r, c] = key
                    index[r, c] = f
                    weights[r, c, 0], weights[r, c, 1], weights[r, c, 2] = b0, b1, b2


def rasterise(
    corners: Float[Array, "triangle 3 2"],
    *,
    shape: tuple[int, int],
    depth: Float[Array, "triangle 3"] | None = None,
    margin: float = 0.0,
) -> tuple[Int[Array, "rows columns"], Float[Array, "rows columns 3"]]:
    """Triangle of each pixel (-1 for none) and its barycentric coordinates there.

    Args:
        corners: In pixels, x right and y down; pixel (r, c) has its centre at (c + 0.5, r + 0.5). Either winding.
        shape: Rows and columns.
        depth: The larger wins; without it, where triangles overlap within the margin, the more interior one wins.
        margin: Pixels by which each triangle is grown; coordinates there are extrapolated (slightly negative).
    """
    index = np.full(shape, -1, np.int32)
    weights = np.zeros((*shape, 3), np.float32)
    key = np.zeros(corners.shape[:2]) if depth is None else depth.astype(np.float64)
    _draw(corners.astype(np.float64), key, margin, index, weights, np.full(shape, -np.inf))
    return index, weights
