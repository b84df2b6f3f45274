"""Geometry kernels: sparse rows, normals, projection, orthographic depth maps.

Everything here is compiled by numba to one thread without the interpreter lock, so frames may be drawn in parallel
threads. Arrays are float32, arithmetic is double: on scalar code it costs nothing and keeps edges watertight.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from face_emote.rendering.stage.cache import kept_here

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "_nrt": False,
    "error_model": "numpy",
    "fastmath": {"nsz", "arcp", "contract", "afn", "reassoc"},
}


def compiled(function: Callable[..., Any]) -> Any:
    """Decorator of every kernel.

    Without numba's reference counting (`_nrt`) a kernel may not allocate; with it, counting the arrays of the named
    tuples took half of the shading time.
    """
    with kept_here():
        return njit(**_OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """The same for functions that are copied into their callers."""
    with kept_here():
        return njit(inline="always", **_OPTIONS)(function)


@compiled
def apply_rows(start, index, weight, values, out):
    """out[i] = sum over row i of weight * values[index]; `values` [V, C], `out` [rows, C]."""
    channels = values.shape[1]
    for i in range(out.shape[0]):
        for c in range(channels):
            total = 0.0
            for k in range(start[i], start[i + 1]):
                total += weight[k] * values[index[k], c]
            out[i, c] = total


@inlined
def sum_normals(points, triangles, total):
    """At every point the sum of its triangles' normals, each as long as twice the triangle's area."""
    total[:] = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            total[k, 0] += nx
            total[k, 1] += ny
            total[k, 2] += nz


@compiled
def vertex_normals(points, triangles, out):
    """Area-weighted unit normals; zero where a vertex has no triangle."""
    sum_normals(points, triangles, out)
    for i in range(out.shape[0]):
        length = math.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2)
        if length > 0.0:
            out[i, 0] /= length
            out[i, 1] /= length
            out[i, 2] /= length


@inlined
def seen_from(view, points, i):
    """A point as the camera has it: to the right, up, and its depth along the view, metres."""
    x, y, z = points[i, 0], points[i, 1], points[i, 2]
    across = view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3]
    up = view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3]
    return across, up, -(view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3])


@compiled
def project(points, view, focal, centre_x, centre_y, out):
    """Perspective: out[i] = (pixel x, pixel y, depth, 1 / depth); y runs down, depth in metres along the view."""
    for i in range(points.shape[0]):
        cx, cy, depth = seen_from(view, points, i)
        depth = max(depth, 1e-4)
        inverse = 1.0 / depth
        out[i, 0] = centre_x + focal * cx * inverse
        out[i, 1] = centre_y - focal * cy * inverse
        out[i, 2] = depth
        out[i, 3] = inverse


@compiled
def visibility(screen, triangles, face_id, inverse_depth):
    """Z-buffer of perspective triangles, counter-clockwise ones only.

    `face_id` [H, W] receives the nearest triangle or -1, `inverse_depth` [H, W] its 1 / depth (linear on screen).
    A sample lies at (column + 0.5, row + 0.5). Ties go to the lower triangle index, so the result has no order.
    """
    height, width = face_id.shape
    face_id[:] = -1
    inverse_depth[:] = 0.0
    for t in range(triangles.shape[0]):
        # Unsigned, so that no index is looked at for being negative.
        a, b, c = np.uintp(triangles[t, 0]), np.uintp(triangles[t, 1]), np.uintp(triangles[t, 2])
        x0, y0 = np.float64(screen[a, 0]), np.float64(screen[a, 1])
        x1, y1 = np.float64(screen[b, 0]), np.float64(screen[b, 1])
        x2, y2 = np.float64(screen[c, 0]), np.float64(screen[c, 1])
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area >= -1e-9:  # rows run down: a front face has negative area
            continue
        top = max(0, math.ceil(min(y0, min(y1, y2)) - 0.5))
        bottom = min(height - 1, math.floor(max(y0, max(y1, y2)) - 0.5))
        left = max(0, math.ceil(min(x0, min(x1, x2)) - 0.5))
        right = min(width - 1, math.floor(max(x0, max(x1, x2)) - 0.5))
        if top > bottom or left > right:
            continue
        scale = 1.0 / area
        w0, w1, w2 = np.float64(screen[a, 3]), np.float64(screen[b, 3]), np.float64(screen[c, 3])
        b0_dx, b0_dy = (y1 - y2) * scale, (x2 - x1) * scale
        b1_dx, b1_dy = (y2 - y0) * scale, (x0 - x2) * scale
        w_dx = b0_dx * (w0 - w2) + b1_dx * (w1 - w2)
        for i in range(top, bottom + 1):
            py, px = i + 0.5 - y2, left + 0.5 - x2
            b0 = b0_dx * px + b0_dy * py
            b1 = b1_dx * px + b1_dy * py
            w = b0 * (w0 - w2) + b1 * (w1 - w2) + w2
            row = np.uintp(i)
            for j in range(left, right + 1):
                column = np.uintp(j)
                if b0 >= 0.0 and b1 >= 0.0 and b0 + b1 <= 1.0 and w > inverse_depth[row, column]:
                    inverse_depth[row, column] = w
                    face_id[row, column] = t
                b0 += b0_dx
                b1 += b1_dx
                w += w_dx


@compiled
def to_map(points, frame, centre, scale, size, out):
    """Orthographic map coordinates: out[i] = (column, row, distance along -frame[2])."""
    for i in range(points.shape[0]):
        dx, dy, dz = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        out[i, 0] = 0.5 * size + scale * (frame[0, 0] * dx + frame[0, 1] * dy + frame[0, 2] * dz)
        out[i, 1] = 0.5 * size - scale * (frame[1, 0] * dx + frame[1, 1] * dy + frame[1, 2] * dz)
        out[i, 2] = -(frame[2, 0] * dx + frame[2, 1] * dy + frame[2, 2] * dz)


@compiled
def depth_map(points, triangles, frame, centre, radius, mapped, depth):
    """Orthographic distance along -frame[2], both sides of every triangle; `depth` [R, R], far = 1e9.

    `frame` [3, 3] holds the map's right, up and towards-the-light axes; `mapped` [V, 3] receives map coordinates.
    """
    size = depth.shape[0]
    to_map(points, frame, centre, 0.5 * size / radius, size, mapped)
    depth[:] = 1e9
    for t in range(triangles.shape[0]):
        a, b, c = np.uintp(triangles[t, 0]), np.uintp(triangles[t, 1]), np.uintp(triangles[t, 2])
        x, y = np.float64(mapped[a, 0]), np.float64(mapped[a, 1])
        x1, y1 = np.float64(mapped[b, 0]), np.float64(mapped[b, 1])
        x2, y2 = np.float64(mapped[c, 0]), np.float64(mapped[c, 1])
        top = max(0, math.ceil(min(y, min(y1, y2)) - 0.5))
        bottom = min(size - 1, math.floor(max(y, max(y1, y2)) - 0.5))
        left = max(0, math.ceil(min(x, min(x1, x2)) - 0.5))
        right = min(size - 1, math.floor(max(x, max(x1, x2)) - 0.5))
        area = (x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)
        if top > bottom or left > right or abs(area) < 1e-9:
            continue
        z, z1, z2 = mapped[a, 2], mapped[b, 2], mapped[c, 2]
        inverse = 1.0 / area
        b0_dx, b0_dy = (y1 - y2) * inverse, (x2 - x1) * inverse
        b1_dx, b1_dy = (y2 - y) * inverse, (x - x2) * inverse
        for i in range(top, bottom + 1):
            py, px = i + 0.5 - y2, left + 0.5 - x2
            b0 = b0_dx * px + b0_dy * py
            b1 = b1_dx * px + b1_dy * py
            row = np.uintp(i)
            for j in range(left, right + 1):
                column = np.uintp(j)
                if b0 >= 0.0 and b1 >= 0.0 and b0 + b1 <= 1.0:
                    distance = b0 * z + b1 * z1 + (1.0 - b0 - b1) * z2
                    if distance < depth[row, column]:
                        depth[row, column] = distance
                b0 += b0_dx
                b1 += b1_dx
