"""Strands in space: posed with the skull or with their skin triangle, cast into the shadow map, lit knot by knot."""

import math

from face_emote.look.hair_follow import FADE
from face_emote.look.hair_reflection import (
    BODY,
    DEPTH,
    INSIDE_GAIN,
    INSIDE_SHIFT,
    INSIDE_WIDTH,
    SHIFT_SPREAD,
    SKY,
    SURFACE_GAIN,
    SURFACE_SHIFT,
    SURFACE_WIDTH,
    THROUGH_GAIN,
    THROUGH_SHIFT,
    THROUGH_WIDTH,
    WRAP,
)
from face_emote.rendering.stage.kernels import compiled, inlined

SELF_BIAS = 0.0012
"""Metres: a strand does not shadow itself."""
SKIN_SKY = 1.1
"""Brows, lashes and a crop stand in the sky light of their root's skin, a little above it."""


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


@inlined
def _key_light_left(light, x, y, z):
    """Share of the key light left after the hair and head before a point; light dies away in hair, not at once."""
    size = light.shadow.shape[0]
    scale = 0.5 * size / light.shadow_radius
    frame = light.shadow_frame
    dx, dy, dz = x - light.shadow_centre[0], y - light.shadow_centre[1], z - light.shadow_centre[2]
    column = int(0.5 * size + scale * (frame[0, 0] * dx + frame[0, 1] * dy + frame[0, 2] * dz))
    row = int(0.5 * size - scale * (frame[1, 0] * dx + frame[1, 1] * dy + frame[1, 2] * dz))
    distance = -(frame[2, 0] * dx + frame[2, 1] * dy + frame[2, 2] * dz) - SELF_BIAS
    if row < 3 or column < 3 or row >= size - 3 or column >= size - 3:
        return 1.0
    left = 0.0
    for k in range(4):
        r, c = row + (3 if k == 0 else (-3 if k == 1 else 0)), column + (3 if k == 2 else (-3 if k == 3 else 0))
        left += math.exp(-max(0.0, distance - light.shadow[r, c, 0]) / DEPTH)
    return 0.25 * left


@inlined
def _lobe(h, shift, width):
    """exp(-((h - shift) / width)^2 / 2), and nothing where that is under 1 %."""
    x = (h - shift) / width
    return math.exp(-0.5 * x * x) if x * x < 9.2 else 0.0


@compiled
def light_knot(light, overhead, p, t, n, colour, gloss, jitter, openness, root_sky, out):
    """`skin.hair_reflection` for one knot under all lights; `out` [3], exposed, linear.

    `p` position, `t` unit direction to the tip, `n` away from the head. With `root_sky` [7] the sky light is that of
    the skin (buffers.Geometry.sky); if its openness is negative, the hair's own.
    """
    vx, vy, vz = light.eye[0] - p[0], light.eye[1] - p[1], light.eye[2] - p[2]
    inverse = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz + 1e-30)
    vx, vy, vz = vx * inverse, vy * inverse, vz * inverse
    ahead = t[0] * vx + t[1] * vy + t[2] * vz
    around_view = math.sqrt(max(0.0, 1.0 - ahead * ahead))
    own_sky = root_sky[6] < 0.0
    for k in range(3):
        if own_sky:
            out[k] = colour[k] * openness * max(0.0, SKY[0] + SKY[1] * n[1]) * overhead[k]
        else:
            out[k] = colour[k] * openness * root_sky[k] * SKIN_SKY
    closed = openness if own_sky else openness * root_sky[6]
    for i in range(3):
        lx, ly, lz = light.directions[i, 0], light.directions[i, 1], light.directions[i, 2]
        seen = _key_light_left(light, p[0], p[1], p[2]) * (0.35 + 0.65 * openness) if i == 0 else closed
        if seen < 0.004:
            continue
        along = t[0] * lx + t[1] * ly + t[2] * lz
        across = math.sqrt(max(0.0, 1.0 - along * along))
        facing = max(0.0, (n[0] * lx + n[1] * ly + n[2] * lz + WRAP) / (1.0 + WRAP))
        around = (lx * vx + ly * vy + lz * vz - along * ahead) / max(across * around_view, 1e-3)
        near = min(1.0, max(0.0, 0.5 + 0.5 * around))
        h = 0.5 * (along + ahead) - jitter * SHIFT_SPREAD
        surface, inside, through = 0.0, 0.0, 0.0
        if gloss > 0.0:
            surface = gloss * SURFACE_GAIN * _lobe(h, SURFACE_SHIFT, SURFACE_WIDTH) * math.sqrt(near) * facing
            inside = gloss * INSIDE_GAIN * _lobe(h, INSIDE_SHIFT, INSIDE_WIDTH) * near * near * facing
            far = 1.0 - near
            if far > 0.05:
                through = gloss * THROUGH_GAIN * _lobe(h, THROUGH_SHIFT, THROUGH_WIDTH) * far * far * far
        body = BODY * across * facing + through
        for k in range(3):
            out[k] += light.colours[i, k] * seen * (colour[k] * body + math.sqrt(colour[k]) * inside + surface)
    for k in range(3):
        out[k] *= light.exposure
