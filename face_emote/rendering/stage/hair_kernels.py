"""Strands in space: posed with the skull or with their skin triangle, cast into the shadow map, lit knot by knot."""

import math

from face_emote.look.formula.printed import TILE
from face_emote.look.hair_follow import FADE
from face_emote.rendering.stage.kernels import compiled, inlined, seen_from

SELF_BIAS = 0.0012  # Metres: a strand does not shadow itself.
ROOT_TOLERANCE = 0.0016  # A strand may lie this deep behind the surface (metres) and still show: roots sit in the skin.
NUM_BUCKETS = 4096


@inlined
def _triangle_frame(points, a, b, c, frame):
    """Orthonormal columns of a triangle: first edge, normal x edge, normal."""
    ex, ey, ez = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    fx, fy, fz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
    inverse = 1.0 / math.sqrt(ex * ex + ey * ey + ez * ez + 1e-30)
    ex, ey, ez = ex * inverse, ey * inverse, ez * inverse
    nx, ny, nz = ey * fz - ez * fy, ez * fx - ex * fz, ex * fy - ey * fx
    inverse = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-30)
    nx, ny, nz = nx * inverse, ny * inverse, nz * inverse
    frame[0, 0], frame[1, 0], frame[2, 0] = ex, ey, ez
    frame[0, 1], frame[1, 1], frame[2, 1] = ny * ez - nz * ey, nz * ex - nx * ez, nx * ey - ny * ex
    frame[0, 2], frame[1, 2], frame[2, 2] = nx, ny, nz


@compiled
def local_offsets(rest_points, corners, offsets, frame, out):
    """Offsets [strand, knot, 3] from rest-world axes into each root triangle's own frame; `frame` [3, 3] is scratch."""
    for s in range(corners.shape[0]):
        _triangle_frame(rest_points, corners[s, 0], corners[s, 1], corners[s, 2], frame)
        for k in range(offsets.shape[1]):
            for axis in range(3):
                out[s, k, axis] = (
                    frame[0, axis] * offsets[s, k, 0]
                    + frame[1, axis] * offsets[s, k, 1]
                    + frame[2, axis] * offsets[s, k, 2]
                )


@compiled
def pose_rooted(points, normals, corners, weights, local, frame, out, outward):
    """Knots of strands that turn with their triangle, out [strand, knot, 3], and the skin's normal at their roots."""
    for s in range(corners.shape[0]):
        a, b, c = corners[s, 0], corners[s, 1], corners[s, 2]
        _triangle_frame(points, a, b, c, frame)
        for axis in range(3):
            root = points[a, axis] * weights[s, 0] + points[b, axis] * weights[s, 1] + points[c, axis] * weights[s, 2]
            normal = (
                normals[a, axis] * weights[s, 0] + normals[b, axis] * weights[s, 1] + normals[c, axis] * weights[s, 2]
            )
            for k in range(local.shape[1]):
                turned = (
                    frame[axis, 0] * local[s, k, 0] + frame[axis, 1] * local[s, k, 1] + frame[axis, 2] * local[s, k, 2]
                )
                out[s, k, axis] = root + turned
                outward[s, k, axis] = normal


@compiled
def pose_with_skull(points, corners, weights, rest_roots, rest, rest_outward, pitch, skull, out, outward):
    """Knots of strands that move with the skull [3, 4]; near its root a strand slides along with the scalp.

    `pitch` [strand] is the distance between two knots, `rest_roots` [strand, 3] the roots on the head at rest.
    """
    for s in range(corners.shape[0]):
        a, b, c = corners[s, 0], corners[s, 1], corners[s, 2]
        for axis in range(3):
            root = points[a, axis] * weights[s, 0] + points[b, axis] * weights[s, 1] + points[c, axis] * weights[s, 2]
            slide = root - (
                skull[axis, 0] * rest_roots[s, 0]
                + skull[axis, 1] * rest_roots[s, 1]
                + skull[axis, 2] * rest_roots[s, 2]
                + skull[axis, 3]
            )
            for k in range(rest.shape[1]):
                left = max(0.0, 1.0 - k * pitch[s] / FADE)
                out[s, k, axis] = (
                    skull[axis, 0] * rest[s, k, 0]
                    + skull[axis, 1] * rest[s, k, 1]
                    + skull[axis, 2] * rest[s, k, 2]
                    + skull[axis, 3]
                    + slide * left * left
                )
                outward[s, k, axis] = (
                    skull[axis, 0] * rest_outward[s, k, 0]
                    + skull[axis, 1] * rest_outward[s, k, 1]
                    + skull[axis, 2] * rest_outward[s, k, 2]
                )


@compiled
def cast_strands(knots, step, shadow, frame, centre, radius):
    """Draw every `step`-th strand of knots [strand, knot, 3] into a map of `kernels.depth_map`, two texels wide."""
    size = shadow.shape[0]
    scale = 0.5 * size / radius
    for s in range(0, knots.shape[0], step):
        x0, y0, d0 = 0.0, 0.0, 0.0
        for k in range(knots.shape[1]):
            dx, dy, dz = knots[s, k, 0] - centre[0], knots[s, k, 1] - centre[1], knots[s, k, 2] - centre[2]
            x1 = 0.5 * size + scale * (frame[0, 0] * dx + frame[0, 1] * dy + frame[0, 2] * dz)
            y1 = 0.5 * size - scale * (frame[1, 0] * dx + frame[1, 1] * dy + frame[1, 2] * dz)
            d1 = -(frame[2, 0] * dx + frame[2, 1] * dy + frame[2, 2] * dz)
            if k > 0:
                count = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
                for i in range(count):
                    t = (i + 0.5) / count
                    column, row = int(x0 + (x1 - x0) * t), int(y0 + (y1 - y0) * t)
                    if row < 0 or column < 0 or row >= size - 1 or column >= size - 1:
                        continue
                    distance = d0 + (d1 - d0) * t
                    shadow[row, column] = min(shadow[row, column], distance)
                    shadow[row, column + 1] = min(shadow[row, column + 1], distance)
            x0, y0, d0 = x1, y1, d1


@compiled
def before_knot(light, x, y, z, i, block, plane):
    """Metres of hair and head before a point on the key light's way, at four places around it, into four planes."""
    size = light.shadow.shape[0]
    scale = 0.5 * size / light.shadow_radius
    frame = light.shadow_frame
    dx, dy, dz = x - light.shadow_centre[0], y - light.shadow_centre[1], z - light.shadow_centre[2]
    column = int(0.5 * size + scale * (frame[0, 0] * dx + frame[0, 1] * dy + frame[0, 2] * dz))
    row = int(0.5 * size - scale * (frame[1, 0] * dx + frame[1, 1] * dy + frame[1, 2] * dz))
    distance = -(frame[2, 0] * dx + frame[2, 1] * dy + frame[2, 2] * dz) - SELF_BIAS
    inside = row >= 3 and column >= 3 and row < size - 3 and column < size - 3
    for k in range(4):
        r, c = row + (3 if k == 0 else (-3 if k == 1 else 0)), column + (3 if k == 2 else (-3 if k == 3 else 0))
        block[(plane + k) * TILE + i] = distance - light.shadow[r, c, 0] if inside else -1.0


@compiled
def project_knots(knots, view, focal, centre_x, centre_y, screen):
    """Screen [knot, 3]: pixel x, pixel y, 1 / depth."""
    for i in range(knots.shape[0]):
        cx, cy, depth = seen_from(view, knots, i)
        inverse = 1.0 / max(depth, 1e-4)
        screen[i, 0] = centre_x + focal * cx * inverse
        screen[i, 1] = centre_y - focal * cy * inverse
        screen[i, 2] = inverse


@inlined
def _hidden(screen, i, depth):
    """Whether the head is before a knot."""
    row, column = int(screen[i, 1]), int(screen[i, 0])
    if row < 0 or column < 0 or row >= depth.shape[0] or column >= depth.shape[1]:
        return True
    behind = depth[row, column]
    return behind > 0.0 and screen[i, 2] * (1.0 + ROOT_TOLERANCE * behind) < behind


@compiled
def nearest_first(screen, segment, depth, bucket, count, order):
    """Indices of the segments that may be seen, from near to far; returns how many.

    `segment` [n] holds the knot at the start of each, `bucket` [n] and `count` [NUM_BUCKETS + 1] are scratch. Within
    a bucket (a quarter of a millimetre or so) the order is that of the list.
    """
    nearest, farthest = 0.0, 1e9
    for n in range(segment.shape[0]):
        w = screen[segment[n], 2]
        nearest, farthest = max(nearest, w), min(farthest, w)
    scale = (NUM_BUCKETS - 1) / max(nearest - farthest, 1e-9)
    count[:] = 0
    for n in range(segment.shape[0]):
        a = segment[n]
        bucket[n] = -1
        if _hidden(screen, a, depth) and _hidden(screen, a + 1, depth):
            continue
        b = int((nearest - screen[a, 2]) * scale)
        bucket[n] = b
        count[b + 1] += 1
    for b in range(NUM_BUCKETS):
        count[b + 1] += count[b]
    total = count[NUM_BUCKETS]
    for n in range(segment.shape[0]):
        b = bucket[n]
        if b >= 0:
            order[count[b]] = n
            count[b] += 1
    return total
