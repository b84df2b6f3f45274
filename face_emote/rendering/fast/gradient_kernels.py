"""What the differentiable renderer runs on a CPU: its steps and their ways back, one thread, single precision.

Each has a twin in torch in `face_emote/rendering/torch`, which says what it computes; tests hold the two together.
`*_back` kernels add to the gradients they are given. Arrays of points are [batch * point, channel].
"""

import math

import numpy as np

from face_emote.rendering.fast.shade import SAME_SURFACE
from face_emote.rendering.stage.kernels import compiled, inlined, sum_normals

BARY_LOW, BARY_HIGH = -0.2, 1.2
"""Barycentric weights are held within these: a fragment of several samples may lie beside its triangle."""


@compiled
def normals(points, triangles, total, out):
    """Area-weighted unit normals `out` and their sums before they are made unit, `total`; both [point, 3]."""
    sum_normals(points, triangles, total)
    for i in range(out.shape[0]):
        length = math.sqrt(total[i, 0] ** 2 + total[i, 1] ** 2 + total[i, 2] ** 2)
        scale = 1.0 / length if length > 1e-30 else 0.0
        for k in range(3):
            out[i, k] = total[i, k] * scale


@compiled
def normals_back(points, triangles, total, given, out):
    """Gradient of `points` from that of the unit normals. `given` [point, 3] is overwritten."""
    for i in range(given.shape[0]):
        x, y, z = total[i, 0], total[i, 1], total[i, 2]
        length = math.sqrt(x * x + y * y + z * z)
        scale = 1.0 / length if length > 1e-30 else 0.0
        x, y, z = x * scale, y * scale, z * scale
        along = x * given[i, 0] + y * given[i, 1] + z * given[i, 2]
        given[i, 0] = (given[i, 0] - along * x) * scale
        given[i, 1] = (given[i, 1] - along * y) * scale
        given[i, 2] = (given[i, 2] - along * z) * scale
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        gx = given[a, 0] + given[b, 0] + given[c, 0]
        gy = given[a, 1] + given[b, 1] + given[c, 1]
        gz = given[a, 2] + given[b, 2] + given[c, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        # n = u x v: the gradient of u is v x g, that of v is g x u.
        dux, duy, duz = vy * gz - vz * gy, vz * gx - vx * gz, vx * gy - vy * gx
        dvx, dvy, dvz = gy * uz - gz * uy, gz * ux - gx * uz, gx * uy - gy * ux
        out[b, 0] += dux
        out[b, 1] += duy
        out[b, 2] += duz
        out[c, 0] += dvx
        out[c, 1] += dvy
        out[c, 2] += dvz
        out[a, 0] -= dux + dvx
        out[a, 1] -= duy + dvy
        out[a, 2] -= duz + dvz


@inlined
def _one_surface(face_id, inverse_depth, material, row, column, r, c):
    t, o = face_id[row, column], face_id[r, c]
    if t < 0 or o < 0:
        return t == o
    if t == o:
        return True
    w = inverse_depth[row, column]
    return material[t] == material[o] and abs(w - inverse_depth[r, c]) < SAME_SURFACE * w


@compiled
def fragments(face_id, inverse_depth, material, member, found, count):
    """What of each pixel's 2 x 2 samples lies on one surface becomes one fragment.

    `face_id`, `inverse_depth` [batch, 2 height, 2 width]; `member`, of the same shape, receives each sample's fragment
    or -1; `found` [fragment, 5] pixel (through the batch), triangle, column and row on the grid of samples, share of
    the pixel; `count` [material] how many of each. Returns how many in all.
    """
    batch, height, width = face_id.shape[0], face_id.shape[1] // 2, face_id.shape[2] // 2
    count[:] = 0
    number = 0
    for frame in range(batch):
        ids, depth = face_id[frame], inverse_depth[frame]
        for i in range(height):
            for j in range(width):
                done = 0
                for first in range(4):
                    if done & (1 << first):
                        continue
                    row, column = 2 * i + (first >> 1), 2 * j + (first & 1)
                    t = ids[row, column]
                    share, x, y = 0.0, 0.0, 0.0
                    for other in range(first, 4):
                        r, c = 2 * i + (other >> 1), 2 * j + (other & 1)
                        if done & (1 << other) or not _one_surface(ids, depth, material, row, column, r, c):
                            continue
                        done |= 1 << other
                        member[frame, r, c] = number if t >= 0 else -1
                        share += 0.25
                        x += 0.25 * (c + 0.5)
                        y += 0.25 * (r + 0.5)
                    if t < 0:
                        continue
                    found[number, 0], found[number, 1] = (frame * height + i) * width + j, t
                    found[number, 2], found[number, 3], found[number, 4] = x / share, y / share, share
                    count[material[t]] += 1
                    number += 1
    return number


@compiled
def by_material(found, material, triangles, num_points, num_pixels, next_place, rank, out):
    """Sort fragments by material (stable). `next_place` [material] where each begins, `rank` [fragment] their numbers.

    `out`: pixel [fragment], triangle [fragment], corner [fragment, 3] (through the batch), place [fragment, 2], share.
    """
    pixel, triangle, corner, place, share = out
    for i in range(rank.shape[0]):
        t = int(found[i, 1])
        at = next_place[material[t]]
        next_place[material[t]] += 1
        rank[i] = at
        pixel[at], triangle[at], share[at] = int(found[i, 0]), t, found[i, 4]
        place[at, 0], place[at, 1] = found[i, 2], found[i, 3]
        base = (pixel[at] // num_pixels) * num_points
        for k in range(3):
            corner[at, k] = base + triangles[t, k]


@compiled
def renumber(member, rank):
    """Fragments of samples after sorting; both flat."""
    for i in range(member.shape[0]):
        if member[i] >= 0:
            member[i] = rank[member[i]]


@inlined
def _weights(screen, a, b, c, px, py):
    """Perspective-correct weights of three points at (px, py), and what the way back needs of them."""
    x0, y0, x1, y1 = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1]
    x2, y2 = screen[c, 0], screen[c, 1]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    raw0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
    raw1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
    b0, b1 = min(BARY_HIGH, max(BARY_LOW, raw0)), min(BARY_HIGH, max(BARY_LOW, raw1))
    s0, s1, s2 = b0 * screen[a, 3], b1 * screen[b, 3], (1.0 - b0 - b1) * screen[c, 3]
    inverse = 1.0 / (s0 + s1 + s2)
    return s0 * inverse, s1 * inverse, s2 * inverse, area, raw0, raw1, inverse


@inlined
def _weights_back(screen, a, b, c, px, py, w0, w1, w2, area, raw0, raw1, inverse, g0, g1, g2, out):
    """Adds to the gradient of `screen` what those of the weights (g0, g1, g2) make of it."""
    mean = g0 * w0 + g1 * w1 + g2 * w2
    g0, g1, g2 = (g0 - mean) * inverse, (g1 - mean) * inverse, (g2 - mean) * inverse
    b0, b1 = min(BARY_HIGH, max(BARY_LOW, raw0)), min(BARY_HIGH, max(BARY_LOW, raw1))
    out[a, 3] += g0 * b0
    out[b, 3] += g1 * b1
    out[c, 3] += g2 * (1.0 - b0 - b1)
    d0, d1, d2 = g0 * screen[a, 3], g1 * screen[b, 3], g2 * screen[c, 3]
    d0 = (d0 - d2) / area if b0 == raw0 else 0.0
    d1 = (d1 - d2) / area if b1 == raw1 else 0.0
    da = -(d0 * raw0 + d1 * raw1)
    x0, y0, x1, y1 = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1]
    x2, y2 = screen[c, 0], screen[c, 1]
    out[a, 0] += da * (y1 - y2) - d1 * (y2 - py)
    out[a, 1] += da * (x2 - x1) + d1 * (x2 - px)
    out[b, 0] += da * (y2 - y0) + d0 * (y2 - py)
    out[b, 1] += da * (x0 - x2) - d0 * (x2 - px)
    out[c, 0] += da * (y0 - y1) - d0 * (y1 - py) + d1 * (y0 - py)
    out[c, 1] += da * (x1 - x0) + d0 * (x1 - px) - d1 * (x0 - px)


@compiled
def mix(known, constant, screen, corner, place, out):
    """Values of the three corners mixed at each fragment: `out` [fragment, channel and more].

    `known` [batch * point, channel] comes first, then `constant` [point, more], which all frames share.
    """
    channels, more, points = known.shape[1], constant.shape[1], constant.shape[0]
    for i in range(corner.shape[0]):
        a, b, c = corner[i, 0], corner[i, 1], corner[i, 2]
        v0, v1, v2, _, _, _, _ = _weights(screen, a, b, c, place[i, 0], place[i, 1])
        w0, w1, w2 = np.float32(v0), np.float32(v1), np.float32(v2)
        for k in range(channels):
            out[i, k] = known[a, k] * w0 + known[b, k] * w1 + known[c, k] * w2
        if more > 0:
            a, b, c = a % points, b % points, c % points
            for k in range(more):
                out[i, channels + k] = constant[a, k] * w0 + constant[b, k] * w1 + constant[c, k] * w2


@compiled
def mix_back(known, constant, screen, corner, place, given, known_out, screen_out):
    """The way back of `mix`; `given` [fragment, channel and more]."""
    channels, more, points = known.shape[1], constant.shape[1], constant.shape[0]
    for i in range(corner.shape[0]):
        a, b, c = corner[i, 0], corner[i, 1], corner[i, 2]
        px, py = place[i, 0], place[i, 1]
        v0, v1, v2, area, raw0, raw1, inverse = _weights(screen, a, b, c, px, py)
        w0, w1, w2 = np.float32(v0), np.float32(v1), np.float32(v2)
        g0, g1, g2 = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for k in range(channels):
            g = given[i, k]
            g0 += g * known[a, k]
            g1 += g * known[b, k]
            g2 += g * known[c, k]
        for k in range(channels):
            known_out[a, k] += given[i, k] * w0
        for k in range(channels):
            known_out[b, k] += given[i, k] * w1
        for k in range(channels):
            known_out[c, k] += given[i, k] * w2
        for k in range(more):
            g = given[i, channels + k]
            g0 += g * constant[a % points, k]
            g1 += g * constant[b % points, k]
            g2 += g * constant[c % points, k]
        _weights_back(screen, a, b, c, px, py, v0, v1, v2, area, raw0, raw1, inverse, g0, g1, g2, screen_out)


@inlined
def _texel_place(u, v, side):
    """Upper left texel, lower right texel and shares of the latter; the edge's texels are repeated."""
    x, y = u * side - 0.5, (1.0 - v) * side - 0.5
    left, top = math.floor(x), math.floor(y)
    x0, y0 = min(max(int(left), 0), side - 1), min(max(int(top), 0), side - 1)
    return x0, y0, min(x0 + 1, side - 1), min(y0 + 1, side - 1), x - left, y - top


@inlined
def _level(uv, t, area, sides):
    """Side and first texel of the mip level of a triangle whose parallelogram covers `area` square pixels."""
    u1, v1 = uv[t, 1, 0] - uv[t, 0, 0], uv[t, 1, 1] - uv[t, 0, 1]
    u2, v2 = uv[t, 2, 0] - uv[t, 0, 0], uv[t, 2, 1] - uv[t, 0, 1]
    ratio = abs(u1 * v2 - u2 * v1) * sides[0] * sides[0] / max(area, 1e-6)
    level, base = 0, 0
    while ratio > 2.0 and level < sides.shape[0] - 1:
        ratio *= 0.25
        base += sides[level] * sides[level]
        level += 1
    return sides[level], base


@inlined
def _tangent_shares(uv, t):
    """(u1, v1, u2, v2) such that the tangent along u is u1 e1 + u2 e2, along v: v1 e1 + v2 e2, with edges e."""
    du1, dv1 = uv[t, 1, 0] - uv[t, 0, 0], uv[t, 1, 1] - uv[t, 0, 1]
    du2, dv2 = uv[t, 2, 0] - uv[t, 0, 0], uv[t, 2, 1] - uv[t, 0, 1]
    det = du1 * dv2 - dv1 * du2
    inverse = 1.0 / det if abs(det) >= 1e-14 else 1.0
    return dv2 * inverse, -du2 * inverse, -dv1 * inverse, du1 * inverse


@compiled
def look_up(known, screen, triangle, corner, place, uv, texels, sides, out):
    """Tangents and texels of skin: `out` [fragment, 6 + channel], along u, along v, then the mip-mapped texture.

    `known` begins with positions; `texels` [texel, channel] holds all levels, whose `sides` are given.
    """
    for i in range(triangle.shape[0]):
        t = triangle[i]
        a, b, c = corner[i, 0], corner[i, 1], corner[i, 2]
        w0, w1, w2, area, _, _, _ = _weights(screen, a, b, c, place[i, 0], place[i, 1])
        u1, v1, u2, v2 = _tangent_shares(uv, t)
        for k in range(3):
            e1, e2 = known[b, k] - known[a, k], known[c, k] - known[a, k]
            out[i, k] = e1 * u1 + e2 * u2
            out[i, 3 + k] = e1 * v1 + e2 * v2
        side, base = _level(uv, t, 0.25 * abs(area), sides)
        u = uv[t, 0, 0] * w0 + uv[t, 1, 0] * w1 + uv[t, 2, 0] * w2
        v = uv[t, 0, 1] * w0 + uv[t, 1, 1] * w1 + uv[t, 2, 1] * w2
        x0, y0, x1, y1, fx, fy = _texel_place(u, v, side)
        p00, p01, p10, p11 = base + y0 * side + x0, base + y0 * side + x1, base + y1 * side + x0, base + y1 * side + x1
        q00, q01 = np.float32((1.0 - fx) * (1.0 - fy)), np.float32(fx * (1.0 - fy))
        q10, q11 = np.float32((1.0 - fx) * fy), np.float32(fx * fy)
        for k in range(texels.shape[1]):
            out[i, 6 + k] = texels[p00, k] * q00 + texels[p01, k] * q01 + texels[p10, k] * q10 + texels[p11, k] * q11


@compiled
def look_up_back(known, screen, triangle, corner, place, uv, texels, sides, given, known_out, screen_out):
    """The way back of `look_up`, to positions and screen places; the texture keeps none."""
    for i in range(triangle.shape[0]):
        t = triangle[i]
        a, b, c = corner[i, 0], corner[i, 1], corner[i, 2]
        px, py = place[i, 0], place[i, 1]
        w0, w1, w2, area, raw0, raw1, inverse = _weights(screen, a, b, c, px, py)
        u1, v1, u2, v2 = _tangent_shares(uv, t)
        for k in range(3):
            d1 = given[i, k] * u1 + given[i, 3 + k] * v1
            d2 = given[i, k] * u2 + given[i, 3 + k] * v2
            known_out[b, k] += d1
            known_out[c, k] += d2
            known_out[a, k] -= d1 + d2
        side, base = _level(uv, t, 0.25 * abs(area), sides)
        u = uv[t, 0, 0] * w0 + uv[t, 1, 0] * w1 + uv[t, 2, 0] * w2
        v = uv[t, 0, 1] * w0 + uv[t, 1, 1] * w1 + uv[t, 2, 1] * w2
        x0, y0, x1, y1, fx, fy = _texel_place(u, v, side)
        p00, p01, p10, p11 = base + y0 * side + x0, base + y0 * side + x1, base + y1 * side + x0, base + y1 * side + x1
        right, below = np.float32(fx), np.float32(fy)
        gu, gv = np.float32(0.0), np.float32(0.0)
        for k in range(texels.shape[1]):
            g = given[i, 6 + k]
            upper, lower = texels[p01, k] - texels[p00, k], texels[p11, k] - texels[p10, k]
            gu += g * (upper + below * (lower - upper))
            gv -= g * (texels[p10, k] - texels[p00, k] + right * (lower - upper))
        gu, gv = gu * side, gv * side
        g0 = gu * uv[t, 0, 0] + gv * uv[t, 0, 1]
        g1 = gu * uv[t, 1, 0] + gv * uv[t, 1, 1]
        g2 = gu * uv[t, 2, 0] + gv * uv[t, 2, 1]
        _weights_back(screen, a, b, c, px, py, w0, w1, w2, area, raw0, raw1, inverse, g0, g1, g2, screen_out)
