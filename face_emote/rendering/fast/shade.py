"""Deferred shading: the triangles seen in a 2 x 2 sample grid become one antialiased, tone-mapped picture."""

import math

import numpy as np

from face_emote.rendering.fast import buffers
from face_emote.rendering.fast.kernels import compiled, inlined
from face_emote.rendering.fast.lighting import bent_normal, key_light_seen, sample_texture
from face_emote.rendering.fast.materials import shade_cloth, shade_eye, shade_skin, shade_tooth, shade_wet

SAME_SURFACE = 0.004
"""Relative depth difference up to which neighbouring samples share one shading."""


@inlined
def tone(x):
    """Filmic curve of Narkowicz 2015 (a fit of ACES), 0..1."""
    return min(1.0, max(0.0, (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)))


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
def _mip_level(texture, uv, i, j, k, pixel_area):
    """The level at which one texel is about one picture pixel."""
    side = texture.side[0]
    area = abs((uv[j, 0] - uv[i, 0]) * (uv[k, 1] - uv[i, 1]) - (uv[k, 0] - uv[i, 0]) * (uv[j, 1] - uv[i, 1])) * (
        side * side
    )
    ratio = area / max(pixel_area, 1e-6)
    level = 0
    while ratio > 2.0 and level < texture.side.shape[0] - 1:
        ratio *= 0.25
        level += 1
    return level


@inlined
def _bend(g, texture, texel, a, b, c, ua, ub, uc, n, wrinkle, bent):
    """Normal under pores and wrinkles, from the texture's height gradients and the triangle's own tangents."""
    du1, dv1 = g.uv[ub, 0] - g.uv[ua, 0], g.uv[ub, 1] - g.uv[ua, 1]
    du2, dv2 = g.uv[uc, 0] - g.uv[ua, 0], g.uv[uc, 1] - g.uv[ua, 1]
    det = du1 * dv2 - du2 * dv1
    for k in range(3):
        bent[k] = n[k]
    if abs(det) < 1e-14:
        return
    inverse = 1.0 / det
    p = g.points
    e1x, e1y, e1z = p[b, 0] - p[a, 0], p[b, 1] - p[a, 1], p[b, 2] - p[a, 2]
    e2x, e2y, e2z = p[c, 0] - p[a, 0], p[c, 1] - p[a, 1], p[c, 2] - p[a, 2]
    ux, uy, uz = (e1x * dv2 - e2x * dv1) * inverse, (e1y * dv2 - e2y * dv1) * inverse, (e1z * dv2 - e2z * dv1) * inverse
    vx, vy, vz = (e2x * du1 - e1x * du2) * inverse, (e2y * du1 - e1y * du2) * inverse, (e2z * du1 - e1z * du2) * inverse
    hu = texel[buffers.BUMP_U] + wrinkle * texel[buffers.WRINKLE_U]
    hv = texel[buffers.BUMP_V] + wrinkle * texel[buffers.WRINKLE_V]
    bent[0], bent[1], bent[2] = bent_normal(n[0], n[1], n[2], ux, uy, uz, vx, vy, vz, hu, hv)


@compiled
def _clear_of_lid(g, face_id, row, column, reach):
    """0 at the upper lid's edge to 1 at `reach` samples below it: the shadow of lid and lashes on the eyeball."""
    steps = int(reach) + 1
    for up in range(1, steps):
        if row < up:
            return 1.0
        t = face_id[row - up, column]
        if t < 0 or g.material[t] != buffers.EYE:
            x = (up - 0.5) / reach
            return x * (2.0 - x) if x < 1.0 else 1.0
    return 1.0


@inlined
def _shade_at(g, texture, look, light, t, px, py, face_id, scratch, out):
    """Light from triangle `t` at position (px, py) of the sample grid; `scratch` is reused work space."""
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
    w0, w1, w2 = w0 * inverse, w1 * inverse, w2 * inverse
    p, n, v, sky, local, bent, albedo, texel, _ = scratch
    _mix3(g.points, a, b, c, w0, w1, w2, p)
    _mix3(g.normals, a, b, c, w0, w1, w2, n)
    _mix3(g.sky, a, b, c, w0, w1, w2, sky)
    _normalise(n)
    for k in range(3):
        v[k] = light.eye[k] - p[k]
    _normalise(v)
    material = g.material[t]
    seen = key_light_seen(light, p[0], p[1], p[2], n[0], n[1], n[2])
    if material == buffers.SKIN:
        ua, ub, uc = g.uv_triangles[t, 0], g.uv_triangles[t, 1], g.uv_triangles[t, 2]
        u = g.uv[ua, 0] * w0 + g.uv[ub, 0] * w1 + g.uv[uc, 0] * w2
        w = g.uv[ua, 1] * w0 + g.uv[ub, 1] * w1 + g.uv[uc, 1] * w2
        level = _mip_level(texture, g.uv, ua, ub, uc, 0.25 * abs(area))
        sample_texture(texture, level, u, w, texel)
        wrinkle = g.wrinkle[a] * w0 + g.wrinkle[b] * w1 + g.wrinkle[c] * w2
        blood = g.blood[a] * w0 + g.blood[b] * w1 + g.blood[c] * w2
        _bend(g, texture, texel, a, b, c, ua, ub, uc, n, wrinkle, bent)
        shade_skin(out, texel, look, light, sky, n, bent, v, seen, wrinkle, blood)
        return
    _mix3(g.local, a, b, c, w0, w1, w2, local)
    if material == buffers.EYE:
        lid = _clear_of_lid(g, face_id, int(py), int(px), 0.0030 / (s[a, 2] * look.sample_size))
        shade_eye(out, albedo, look, light, sky, n, v, seen, local, 0 if p[0] > look.eye_axes[2, 0] else 1, lid)
    elif material == buffers.TOOTH:
        shade_tooth(out, albedo, light, sky, n, v, seen, local)
    elif material == buffers.WET:
        shade_wet(out, albedo, light, sky, n, v, seen, local)
    else:
        shade_cloth(out, albedo, look, light, sky, n, v, seen, local[0], local[1], local[2])


@compiled
def shade_picture(g, texture, look, light, face_id, inverse_depth, backdrop, scratch, picture, depth):
    """Resolve the 2 x 2 sample grid into `picture` [H, W, 3], tone-mapped linear light, and `depth` [H, W] in 1/m.

    A pixel whose samples lie on one smooth surface of one material is shaded once, at its centre; others are shaded
    per surface and averaged, so silhouettes, lips and lids are antialiased and nothing is shaded four times in vain.
    """
    height, width = picture.shape[0], picture.shape[1]
    out = scratch[-1]
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
                _shade_at(g, texture, look, light, t, sum_x / share, sum_y / share, face_id, scratch, out)
                for k in range(3):
                    picture[i, j, k] += share * tone(out[k] * light.exposure)
            depth[i, j] = nearest


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
