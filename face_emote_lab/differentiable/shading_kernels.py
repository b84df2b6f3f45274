"""The way back of `stage.shading.shade_fragments`: from the light of fragments to what it was made of."""

import numpy as np

from face_emote.look.eyes import LID_SHADOW, SOCKET_REACH
from face_emote.look.formula.printed import TILE
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.buffers import NUM_CHANNELS
from face_emote.rendering.stage.gathering import (
    BARY_HIGH,
    BARY_LOW,
    EXTRA,
    EYE,
    INNER,
    NUM_EYE,
    TANGENTS,
    corner_weights,
    eye_at,
    mip_level,
    texel_places,
)
from face_emote.rendering.stage.generated import kernel
from face_emote.rendering.stage.kernels import compiled, inlined
from face_emote.rendering.stage.shading import OUT

NUM_BACK = tuple(2 * out + 3 for out in OUT)
"""Planes of a block with gradients, per material: numbers of a place, three gradients given, as many found."""
REACH = (LID_SHADOW, SOCKET_REACH)
_skin, _eye, _cloth = (kernel(f"{name}_back").backward for name in ("skin", "eye", "cloth"))
_tooth, _gum, _tongue = (kernel(f"{name}_back").backward for name in ("tooth", "gum", "tongue"))


@compiled
def shade_back(g, texture, look, light, found, blocks, given, work, ahead, out):
    """Add gradients to `out`: of attributes [point, 17], screen places [point, 4], eyes [2, 6, 3] and redness [1].

    `blocks` are as `shade_fragments` left them, one for each of its steps; `given` [fragment, 3] are the gradients of
    the colours; `work` is a block with planes for gradients; `ahead` [3] the direction of rising depth.
    """
    used = 0
    for material in range(found.counts.shape[0]):
        plane = OUT[material]
        for first in range(0, found.counts[material], TILE):
            count = min(TILE, found.counts[material] - first)
            for at in range(plane * TILE):
                work[at] = blocks[used, at]
            used += 1
            members = found.order[material, first : first + count]
            for n in range(count):
                for k in range(3):
                    work[(plane + k) * TILE + n] = given[members[n], k]
            _shade_back(look, material, count, work)
            if material == buffers.SKIN:
                _scatter_skin(g, texture, found, members, work, plane + 3, out)
            elif material == buffers.EYE:
                _scatter_eye(g, look, light, found, members, work, plane + 3, ahead, out)
            else:
                _scatter_part(g, found, members, work, plane + 3, out)


@compiled
def _shade_back(look, material, count, work):
    if material == buffers.SKIN:
        _skin(work, look.skin, count)
    elif material == buffers.EYE:
        _eye(work, look.eye, count)
    elif material == buffers.TOOTH:
        _tooth(work, look.tooth, count)
    elif material == buffers.GUM:
        _gum(work, look.flesh, count)
    elif material == buffers.TONGUE:
        _tongue(work, look.flesh, count)
    else:
        _cloth(work, look.cloth, count)


@inlined
def _mixed_back(known, a, b, c, w0, w1, w2, work, plane, i, out):
    """Gradients of mixed values: added to those of the corners, `out`, where it has columns; returns the weights'."""
    g0, g1, g2 = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for k in range(known.shape[1]):
        d = work[(plane + k) * TILE + i]
        g0 += d * known[a, k]
        g1 += d * known[b, k]
        g2 += d * known[c, k]
    for k in range(out.shape[1]):
        d = work[(plane + k) * TILE + i]
        out[a, k] += d * w0
        out[b, k] += d * w1
        out[c, k] += d * w2
    return g0, g1, g2


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
def _scatter_skin(g, texture, found, members, work, plane, out):
    known, known_out = g.attributes, out[0]
    for i in range(members.shape[0]):
        f = members[i]
        t, px, py = found.triangle[f], found.place[f, 0], found.place[f, 1]
        a, b, c = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
        v0, v1, v2, area, depth, raw0, raw1 = corner_weights(g, a, b, c, px, py)
        w0, w1, w2 = np.float32(v0), np.float32(v1), np.float32(v2)
        g0, g1, g2 = _mixed_back(known, a, b, c, w0, w1, w2, work, plane, i, known_out)
        chart = g.charts[t]
        for k in range(3):
            along_u, along_v = work[(plane + TANGENTS + k) * TILE + i], work[(plane + TANGENTS + 3 + k) * TILE + i]
            d1, d2 = along_u * chart[6] + along_v * chart[8], along_u * chart[7] + along_v * chart[9]
            known_out[b, k] += d1
            known_out[c, k] += d2
            known_out[a, k] -= d1 + d2
        u = chart[0] + chart[2] * w1 + chart[4] * w2
        v = chart[1] + chart[3] * w1 + chart[5] * w2
        level = mip_level(texture, chart[10], 0.25 * abs(area))
        p00, p01, p10, p11, fx, fy = texel_places(texture, level, u, v)
        gu, gv = np.float32(0.0), np.float32(0.0)
        for k in range(NUM_CHANNELS):
            d = work[(plane + EXTRA + k) * TILE + i] * texture.scale[k]
            q00, q01 = np.float32(texture.texels[p00, k]), np.float32(texture.texels[p01, k])
            q10, q11 = np.float32(texture.texels[p10, k]), np.float32(texture.texels[p11, k])
            upper, lower = q01 - q00, q11 - q10
            gu += d * (upper + fy * (lower - upper))
            gv -= d * (q10 - q00 + fx * (lower - upper))
        side = np.float32(texture.side[level])
        gu, gv = gu * side, gv * side
        g1 += gu * chart[2] + gv * chart[3]
        g2 += gu * chart[4] + gv * chart[5]
        _weights_back(g.screen, a, b, c, px, py, v0, v1, v2, area, raw0, raw1, depth, g0, g1, g2, out[1])


@inlined
def _part_back(g, t, px, py, work, plane, i, out):
    a, b, c = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
    v0, v1, v2, area, depth, raw0, raw1 = corner_weights(g, a, b, c, px, py)
    w0, w1, w2 = np.float32(v0), np.float32(v1), np.float32(v2)
    g0, g1, g2 = _mixed_back(g.attributes, a, b, c, w0, w1, w2, work, plane, i, out[0])
    for k in range(3):
        d = work[(plane + EXTRA + k) * TILE + i]
        g0 += d * g.local[a, k]
        g1 += d * g.local[b, k]
        g2 += d * g.local[c, k]
    _weights_back(g.screen, a, b, c, px, py, v0, v1, v2, area, raw0, raw1, depth, g0, g1, g2, out[1])
    return depth


@compiled
def _scatter_part(g, found, members, work, plane, out):
    for i in range(members.shape[0]):
        f = members[i]
        _part_back(g, found.triangle[f], found.place[f, 0], found.place[f, 1], work, plane, i, out)


@compiled
def _scatter_eye(g, look, light, found, members, work, plane, ahead, out):
    eyes = out[2]
    for i in range(members.shape[0]):
        f, side = members[i], eye_at(look, light, i, work)
        t, px, py = found.triangle[f], found.place[f, 0], found.place[f, 1]
        # What was counted in samples grows with the depth, unless it ended at its reach.
        depth = ahead[0] * work[i] + ahead[1] * work[TILE + i] + ahead[2] * work[2 * TILE + i]
        slope = np.float32(0.0)
        for k in range(2):
            row = EYE + NUM_EYE + 1 + k
            far = work[row * TILE + i]
            if far < REACH[k] - 1e-7:
                slope += work[(plane + row) * TILE + i] * far / depth
        for k in range(3):
            work[(plane + k) * TILE + i] += slope * ahead[k]
        _part_back(g, t, px, py, work, plane, i, out)
        for k in range(3):
            for row in range(3):
                eyes[side, row, k] += work[(plane + EYE + 3 * row + k) * TILE + i]
            for row in range(2):
                eyes[side, INNER + row, k] += work[(plane + EYE + 9 + 3 * row + k) * TILE + i]
        out[3][0] += work[(plane + EYE + NUM_EYE) * TILE + i]
