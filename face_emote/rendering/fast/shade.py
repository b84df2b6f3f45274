"""Deferred shading: the triangles seen in a 2 x 2 sample grid become one antialiased, tone-mapped picture."""

import math

import numpy as np

from face_emote.look.eyes import LID_SHADOW, SOCKET_REACH
from face_emote.rendering.fast.eye import shade_eye
from face_emote.rendering.fast.lighting import key_light_seen
from face_emote.rendering.fast.materials import shade_cloth
from face_emote.rendering.fast.mouth import shade_gum, shade_tongue, shade_tooth
from face_emote.rendering.fast.skin import BLOCK, COLOUR, SEEN, TANGENTS, TEXEL, shade_skin
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.kernels import compiled, inlined
from face_emote.rendering.tone import CURVE, GAIN, INSET, LUMA, OUTSET

SAME_SURFACE = 0.004
"""Relative depth difference up to which neighbouring samples share one shading."""


@inlined
def tone(x):
    """The curve of `rendering.tone` for a grey, or for one channel of a colour that is nearly grey."""
    return min(1.0, max(0.0, GAIN * x * (x + CURVE[0]) / (x * (x + CURVE[1]) + CURVE[2])))


@inlined
def tone_mapped(c, exposure):
    """`rendering.tone.tone_mapped` of scene light `c` [3] times the exposure, in place."""
    red, green, blue = c[0] * exposure, c[1] * exposure, c[2] * exposure
    grey = INSET * (red * LUMA[0] + green * LUMA[1] + blue * LUMA[2])
    red, green, blue = (
        tone(red * (1.0 - INSET) + grey),
        tone(green * (1.0 - INSET) + grey),
        tone(blue * (1.0 - INSET) + grey),
    )
    grey = red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
    c[0] = min(1.0, max(0.0, grey + (red - grey) / (1.0 - OUTSET)))
    c[1] = min(1.0, max(0.0, grey + (green - grey) / (1.0 - OUTSET)))
    c[2] = min(1.0, max(0.0, grey + (blue - grey) / (1.0 - OUTSET)))


@inlined
def _mix3(values, a, b, c, wa, wb, wc, out):
    for k in range(out.shape[0]):
        out[k] = values[a, k] * wa + values[b, k] * wb + values[c, k] * wc


@inlined
def _normalise(x):
    inverse = 1.0 / math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2] + 1e-20)
    x[0] *= inverse
    x[1] *= inverse
    x[2] *= inverse


@inlined
def _weights(g, t, px, py):
    """Perspective-correct weights of triangle t's corners at a sample, and the triangle's area times two on screen."""
    a, b, c = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
    s = g.screen
    x0, y0, x1, y1 = np.float64(s[a, 0]), np.float64(s[a, 1]), np.float64(s[b, 0]), np.float64(s[b, 1])
    x2, y2 = np.float64(s[c, 0]), np.float64(s[c, 1])
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    b0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
    b1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
    b0, b1 = min(1.2, max(-0.2, b0)), min(1.2, max(-0.2, b1))
    w0, w1, w2 = b0 * s[a, 3], b1 * s[b, 3], (1.0 - b0 - b1) * s[c, 3]
    inverse = 1.0 / (w0 + w1 + w2)
    return w0 * inverse, w1 * inverse, w2 * inverse, abs(area)


@inlined
def _mip_level(texture, uv_area, pixel_area):
    """The level at which one texel is about one picture pixel."""
    side = texture.side[0]
    ratio = uv_area * side * side / max(pixel_area, 1e-6)
    level = 0
    while ratio > 2.0 and level < texture.side.shape[0] - 1:
        ratio *= 0.25
        level += 1
    return level


@inlined
def _sample_texture(texture, level, u, v, i, block):
    """Bilinear, edges repeated; row 0 is v = 1. Fills the texture's rows of sample i."""
    side = texture.side[level]
    base = texture.offset[level]
    x, y = u * side - 0.5, (1.0 - v) * side - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    x0, y0 = min(max(x0, 0), side - 1), min(max(y0, 0), side - 1)
    x1, y1 = min(x0 + 1, side - 1), min(y0 + 1, side - 1)
    a, b = base + y0 * side + x0, base + y0 * side + x1
    c, d = base + y1 * side + x0, base + y1 * side + x1
    wa, wb, wc, wd = (1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy
    texels = texture.texels
    for k in range(buffers.NUM_CHANNELS):
        value = texels[a, k] * wa + texels[b, k] * wb + texels[c, k] * wc + texels[d, k] * wd
        block[(TEXEL + k) * BLOCK + i] = value * texture.scale[k] + texture.bias[k]


@inlined
def _gather(g, texture, light, t, px, py, i, block):
    """Everything that `skin.shade_skin` needs of triangle t at a sample, as column i of the block."""
    w0, w1, w2, area = _weights(g, t, px, py)
    a, b, c = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
    known = g.attributes
    for k in range(buffers.NUM_ATTRIBUTES):
        block[k * BLOCK + i] = known[a, k] * w0 + known[b, k] * w1 + known[c, k] * w2
    chart = g.charts[t]
    u = chart[0] + chart[2] * w1 + chart[4] * w2
    v = chart[1] + chart[3] * w1 + chart[5] * w2
    _sample_texture(texture, _mip_level(texture, chart[10], 0.25 * area), u, v, i, block)
    for k in range(3):
        e1, e2 = known[b, k] - known[a, k], known[c, k] - known[a, k]
        block[(TANGENTS + k) * BLOCK + i] = e1 * chart[6] + e2 * chart[7]
        block[(TANGENTS + 3 + k) * BLOCK + i] = e1 * chart[8] + e2 * chart[9]
    x, y, z = block[i], block[BLOCK + i], block[2 * BLOCK + i]
    nx, ny, nz = block[3 * BLOCK + i], block[4 * BLOCK + i], block[5 * BLOCK + i]
    inverse = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-20)
    block[SEEN * BLOCK + i] = key_light_seen(light, x, y, z, nx * inverse, ny * inverse, nz * inverse)


@compiled
def _to_lid(g, face_id, row, column, step, reach):
    """Samples from a place on an eyeball up (step -1) or down (1) the picture to what covers it; at most `reach`."""
    count = int(reach) + 1
    for k in range(1, count):
        other = row + step * k
        if other < 0 or other >= face_id.shape[0]:
            return reach
        t = face_id[other, column]
        if t < 0 or g.material[t] != buffers.EYE:
            return min(reach, k - 0.5)
    return reach


@inlined
def _shade_plain(g, look, light, t, px, py, face_id, scratch, out):
    """Display light from triangle `t`, which is not skin, at (px, py) of the sample grid; `scratch` is work space."""
    w0, w1, w2, _ = _weights(g, t, px, py)
    a, b, c = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
    p, n, v, sky, local, albedo, bent, spare = scratch
    _mix3(g.points, a, b, c, w0, w1, w2, p)
    _mix3(g.normals, a, b, c, w0, w1, w2, n)
    _mix3(g.sky, a, b, c, w0, w1, w2, sky)
    _mix3(g.local, a, b, c, w0, w1, w2, local)
    _normalise(n)
    for k in range(3):
        v[k] = light.eye[k] - p[k]
    _normalise(v)
    material = g.material[t]
    seen = key_light_seen(light, p[0], p[1], p[2], n[0], n[1], n[2])
    if material == buffers.EYE:
        metre = 1.0 / (g.screen[a, 2] * look.sample_size)
        clear = _to_lid(g, face_id, int(py), int(px), -1, LID_SHADOW * metre) / metre
        standing = _to_lid(g, face_id, int(py), int(px), 1, SOCKET_REACH * metre) / metre
        shade_eye(out, (albedo, bent, spare), look, light, sky, n, v, p, seen, local, clear, standing)
    elif material == buffers.TOOTH:
        shade_tooth(out, albedo, look, light, sky, n, v, seen, local)
    elif material == buffers.GUM:
        shade_gum(out, (albedo, bent, spare), light, sky, n, v, seen, local)
    elif material == buffers.TONGUE:
        shade_tongue(out, (albedo, bent, spare), light, sky, n, v, seen, local)
    else:
        shade_cloth(out, albedo, look, light, sky, n, seen, local[0], local[1], local[2])
    tone_mapped(out, light.exposure)


@compiled
def shade_picture(g, texture, look, light, face_id, inverse_depth, backdrop, space, picture, depth):
    """Resolve the 2 x 2 sample grid into `picture` [H, W, 3], tone-mapped linear light, and `depth` [H, W] in 1/m.

    A pixel whose samples lie on one smooth surface of one material is shaded once, at its centre; others are shaded
    per surface and averaged, so silhouettes, lips and lids are antialiased and nothing is shaded four times in vain.
    Samples are queued and shaded by the block, skin and the rest apart.
    """
    scratch, out, block, skin, plain = space
    height, width = picture.shape[0], picture.shape[1]
    num_skin, num_plain = 0, 0
    for i in range(height):
        for j in range(width):
            for k in range(3):
                picture[i, j, k] = 0.0
            nearest = 0.0
            done = 0
            for first in range(4):
                if done & (1 << first):
                    continue
                row, column = 2 * i + (first >> 1), 2 * j + (first & 1)
                t = face_id[row, column]
                share, sum_x, sum_y = 0.0, 0.0, 0.0
                for other in range(first, 4):
                    r, c = 2 * i + (other >> 1), 2 * j + (other & 1)
                    if done & (1 << other) or not _same(g, face_id, inverse_depth, row, column, r, c):
                        continue
                    done |= 1 << other
                    share += 0.25
                    sum_x += 0.25 * (c + 0.5)
                    sum_y += 0.25 * (r + 0.5)
                if t < 0:
                    for k in range(3):
                        picture[i, j, k] += share * backdrop[i, j, k]
                    continue
                nearest = max(nearest, inverse_depth[row, column])
                if g.material[t] == buffers.SKIN:
                    _queue(skin, num_skin, t, i, j, sum_x / share, sum_y / share, share)
                    num_skin += 1
                else:
                    _queue(plain, num_plain, t, i, j, sum_x / share, sum_y / share, share)
                    num_plain += 1
                if num_skin == BLOCK:
                    _add_skin(g, texture, look, light, skin, num_skin, block, picture)
                    num_skin = 0
                if num_plain == BLOCK:
                    _add_plain(g, look, light, plain, num_plain, face_id, scratch, out, picture)
                    num_plain = 0
            depth[i, j] = nearest
    _add_skin(g, texture, look, light, skin, num_skin, block, picture)
    _add_plain(g, look, light, plain, num_plain, face_id, scratch, out, picture)


@inlined
def _queue(queue, n, t, i, j, px, py, share):
    """A sample to be shaded: triangle and pixel, then where on the sample grid and its share of the pixel."""
    whole, real = queue
    whole[n, 0], whole[n, 1], whole[n, 2] = t, i, j
    real[n, 0], real[n, 1], real[n, 2] = px, py, share


@compiled
def _add_skin(g, texture, look, light, queue, count, block, picture):
    """Shade the queued skin and add it to the picture."""
    whole, real = queue
    for n in range(count):
        _gather(g, texture, light, whole[n, 0], real[n, 0], real[n, 1], n, block)
    shade_skin(block, look, light)
    for n in range(count):
        for k in range(3):
            picture[whole[n, 1], whole[n, 2], k] += real[n, 2] * block[(COLOUR + k) * BLOCK + n]


@compiled
def _add_plain(g, look, light, queue, count, face_id, scratch, out, picture):
    """Shade the queued samples that are not skin and add them to the picture."""
    whole, real = queue
    for n in range(count):
        _shade_plain(g, look, light, whole[n, 0], real[n, 0], real[n, 1], face_id, scratch, out)
        for k in range(3):
            picture[whole[n, 1], whole[n, 2], k] += real[n, 2] * out[k]


@inlined
def _same(g, face_id, inverse_depth, row, column, r, c):
    t, o = face_id[row, column], face_id[r, c]
    if t < 0 or o < 0:
        return t == o
    if t == o:
        return True
    w = inverse_depth[row, column]
    return g.material[t] == g.material[o] and abs(w - inverse_depth[r, c]) < SAME_SURFACE * w


@compiled
def to_srgb(picture, table, out):
    """Tone-mapped linear light to 8-bit sRGB by a lookup `table` [4096] over 0..1."""
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            for k in range(3):
                x = min(1.0, max(0.0, picture[i, j, k]))
                out[i, j, k] = table[int(x * 4095.0 + 0.5)]
