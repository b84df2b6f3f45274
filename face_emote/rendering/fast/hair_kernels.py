"""Strands as antialiased, depth-tested ribbons of light: posed with their skin triangle, lit along their tangent."""

import math

from face_emote.rendering.fast.kernels import compiled, inlined
from face_emote.rendering.fast.lighting import key_light_seen
from face_emote.rendering.fast.shade import tone

FAR_SIDE = -0.45
"""Cosine between a root's normal and the direction to the camera under which its strand is skipped."""
ROOT_TOLERANCE = 0.0016
"""A strand may lie this deep behind the surface (metres) and still show: roots sit in the skin."""


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
def pose_strands(points, corners, weights, local, frame, out):
    """Knots in space, out [strand, knot, 3]: root by barycentric weights, offsets turned with the triangle."""
    for s in range(corners.shape[0]):
        a, b, c = corners[s, 0], corners[s, 1], corners[s, 2]
        _triangle_frame(points, a, b, c, frame)
        for axis in range(3):
            root = points[a, axis] * weights[s, 0] + points[b, axis] * weights[s, 1] + points[c, axis] * weights[s, 2]
            for k in range(local.shape[1]):
                turned = (
                    frame[axis, 0] * local[s, k, 0] + frame[axis, 1] * local[s, k, 1] + frame[axis, 2] * local[s, k, 2]
                )
                out[s, k, axis] = root + turned


@compiled
def _strand_light(light, geometry, knots, s, corners, weights, tint, colour, gloss, out):
    """Kajiya-Kay along the strand's chord plus sky light of its root; `out` [3] exposed, linear."""
    last = knots.shape[1] - 1
    tx, ty, tz = (
        knots[s, last, 0] - knots[s, 0, 0],
        knots[s, last, 1] - knots[s, 0, 1],
        knots[s, last, 2] - knots[s, 0, 2],
    )
    inverse = 1.0 / math.sqrt(tx * tx + ty * ty + tz * tz + 1e-30)
    tx, ty, tz = tx * inverse, ty * inverse, tz * inverse
    x, y, z = knots[s, last, 0], knots[s, last, 1], knots[s, last, 2]
    vx, vy, vz = light.eye[0] - x, light.eye[1] - y, light.eye[2] - z
    inverse = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz + 1e-30)
    vx, vy, vz = vx * inverse, vy * inverse, vz * inverse
    a, b, c = corners[s, 0], corners[s, 1], corners[s, 2]
    normal = geometry.normals
    nx = normal[a, 0] * weights[s, 0] + normal[b, 0] * weights[s, 1] + normal[c, 0] * weights[s, 2]
    ny = normal[a, 1] * weights[s, 0] + normal[b, 1] * weights[s, 1] + normal[c, 1] * weights[s, 2]
    nz = normal[a, 2] * weights[s, 0] + normal[b, 2] * weights[s, 1] + normal[c, 2] * weights[s, 2]
    seen = key_light_seen(light, x + 0.002 * nx, y + 0.002 * ny, z + 0.002 * nz, nx, ny, nz)
    for k in range(3):
        out[k] = colour[k] * tint * geometry.sky[a, k] * 1.1
    for i in range(3):
        lx, ly, lz = light.directions[i, 0], light.directions[i, 1], light.directions[i, 2]
        along = tx * lx + ty * ly + tz * lz
        view = tx * vx + ty * vy + tz * vz
        across = math.sqrt(max(0.0, 1.0 - along * along))
        facing = max(0.0, (nx * lx + ny * ly + nz * lz + 0.35) / 1.35)
        shadow = seen if i == 0 else geometry.sky[a, 6]
        diffuse = across * facing * shadow
        glint = max(0.0, across * math.sqrt(max(0.0, 1.0 - view * view)) - along * view)
        sheen = gloss * (0.10 * glint**24 + 0.05 * glint**7) * facing * shadow
        for k in range(3):
            received = light.colours[i, k]
            out[k] += received * (colour[k] * tint * diffuse * 0.85 + (0.35 + 0.65 * colour[k]) * sheen * 0.6)
    for k in range(3):
        out[k] *= light.exposure


@compiled
def draw_strands(
    order, knots, corners, weights, width, tint, colour, gloss, root_shade, tip_width, geometry, light, view,
    focal, centre_x, centre_y, lit, picture, depth,
):  # fmt: skip
    """Blend strands over `picture` [H, W, 3] in the given order, far to near.

    `depth` [H, W] holds 1 / depth; `lit` [9] is scratch: light of the strand, tone at both ends of a segment.
    """
    num_segments = knots.shape[1] - 1
    for position in range(order.shape[0]):
        s = order[position]
        if _far_side(geometry, light, corners[s, 0]):
            continue
        _strand_light(light, geometry, knots, s, corners, weights, tint[s], colour, gloss, lit)
        for channel in range(3):
            lit[6 + channel] = tone(lit[channel] * root_shade)
        x0, y0, w0 = _to_screen(knots, s, 0, view, focal, centre_x, centre_y)
        for k in range(num_segments):
            x1, y1, w1 = _to_screen(knots, s, k + 1, view, focal, centre_x, centre_y)
            rise = root_shade + (1.0 - root_shade) * (k + 1) / num_segments
            for channel in range(3):
                lit[3 + channel] = lit[6 + channel]
                lit[6 + channel] = tone(lit[channel] * rise)
            taper = 1.0 - (1.0 - tip_width) * (k + 0.5) / num_segments
            _draw_segment(x0, y0, w0, x1, y1, w1, width[s] * taper * focal * w0, lit, picture, depth)
            x0, y0, w0 = x1, y1, w1


@inlined
def _far_side(geometry, light, vertex):
    """Whether a root faces well away from the camera: its strand cannot reach round the head's outline."""
    p, n = geometry.points, geometry.normals
    x, y, z = light.eye[0] - p[vertex, 0], light.eye[1] - p[vertex, 1], light.eye[2] - p[vertex, 2]
    facing = n[vertex, 0] * x + n[vertex, 1] * y + n[vertex, 2] * z
    return facing < FAR_SIDE * math.sqrt(x * x + y * y + z * z)


@compiled
def _draw_segment(x0, y0, w0, x1, y1, w1, pixels, lit, picture, depth):
    """One straight piece, `pixels` wide; thinner than a pixel it becomes fainter instead of narrower."""
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx + dy * dy
    opacity = min(1.0, pixels)
    if length2 < 1e-8 or opacity <= 0.004:
        return
    length = math.sqrt(length2)
    half = 0.5 * max(pixels, 1.0)
    reach = half + 0.5
    top = max(0, math.floor(min(y0, y1) - reach))
    bottom = min(depth.shape[0] - 1, math.floor(max(y0, y1) + reach))
    left = max(0, math.floor(min(x0, x1) - reach))
    right = min(depth.shape[1] - 1, math.floor(max(x0, x1) + reach))
    for i in range(top, bottom + 1):
        py = i + 0.5 - y0
        first, last = left, right
        if abs(dy) > 1e-3 * length:  # where this row crosses the band of `reach` on both sides of the line
            middle, spread = x0 + py * dx / dy - 0.5, reach * length / abs(dy)
            first, last = max(left, math.floor(middle - spread)), min(right, math.ceil(middle + spread))
        for j in range(first, last + 1):
            px = j + 0.5 - x0
            t = (px * dx + py * dy) / length2
            cover = min(1.0, half + 0.5 - abs(px * dy - py * dx) / length)
            if t < 0.0 or t >= 1.0 or cover <= 0.0:
                continue
            behind = depth[i, j]
            if behind > 0.0 and (w0 + (w1 - w0) * t) * (1.0 + ROOT_TOLERANCE * behind) < behind:
                continue
            alpha = cover * opacity
            for channel in range(3):
                shade = lit[3 + channel] + (lit[6 + channel] - lit[3 + channel]) * t
                picture[i, j, channel] += alpha * (shade - picture[i, j, channel])


@inlined
def _to_screen(knots, s, k, view, focal, centre_x, centre_y):
    x, y, z = knots[s, k, 0], knots[s, k, 1], knots[s, k, 2]
    cx = view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3]
    cy = view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3]
    depth = max(-(view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3]), 1e-4)
    return centre_x + focal * cx / depth, centre_y - focal * cy / depth, 1.0 / depth
