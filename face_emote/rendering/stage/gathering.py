"""What formulas read of a fragment: mixed from its triangle's corners and the skin maps into planes of a block."""

import math

import numpy as np

from face_emote.look.eyes import LID_SHADOW, SOCKET_REACH
from face_emote.look.formula.printed import TILE
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.buffers import NUM_ATTRIBUTES, NUM_CHANNELS
from face_emote.rendering.stage.kernels import compiled, inlined
from face_emote.rendering.stage.shadow import key_light_seen

SEEN = NUM_ATTRIBUTES  # Plane of the key light's share: the last of `look.formula.records.Spot`.
EXTRA = SEEN + 1
"""First plane of what follows: texels and tangents of skin, or the place on a part (`Own`), on eyes then `EyePlace`."""
TANGENTS = EXTRA + NUM_CHANNELS
EYE = EXTRA + 3
NUM_EYE = 15  # Axes of the eyeball and corners of its lids.
BARY_LOW, BARY_HIGH = -0.2, 1.2
"""Barycentric weights are held within these: a fragment of several samples may lie beside its triangle."""
RIGHT, UP, AXIS, CENTRE, INNER, OUTER = range(6)  # Rows of `Look.eyes`.


@inlined
def corner_weights(g, a, b, c, px, py):
    """Perspective-correct weights of three points at (px, py), twice the area on screen, the depth, and what the way
    back needs of them.
    """
    s = g.screen
    x0, y0, x1, y1 = np.float64(s[a, 0]), np.float64(s[a, 1]), np.float64(s[b, 0]), np.float64(s[b, 1])
    x2, y2 = np.float64(s[c, 0]), np.float64(s[c, 1])
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    raw0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
    raw1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
    b0, b1 = min(BARY_HIGH, max(BARY_LOW, raw0)), min(BARY_HIGH, max(BARY_LOW, raw1))
    w0, w1, w2 = b0 * s[a, 3], b1 * s[b, 3], (1.0 - b0 - b1) * s[c, 3]
    depth = 1.0 / (w0 + w1 + w2)
    return w0 * depth, w1 * depth, w2 * depth, area, depth, raw0, raw1


@inlined
def mip_level(texture, uv_area, pixel_area):
    """The level at which one texel is about one picture pixel."""
    side = texture.side[0]
    ratio = uv_area * side * side / max(pixel_area, 1e-6)
    level = 0
    while ratio > 2.0 and level < texture.side.shape[0] - 1:
        ratio *= 0.25
        level += 1
    return level


@inlined
def texel_places(texture, level, u, v):
    """Indices of four texels and the shares of the right and the lower ones; edges repeat, row 0 is v = 1."""
    side, base = texture.side[level], texture.offset[level]
    x, y = u * side - 0.5, (1.0 - v) * side - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = np.float32(x - x0), np.float32(y - y0)
    x0, y0 = min(max(x0, 0), side - 1), min(max(y0, 0), side - 1)
    x1, y1 = min(x0 + 1, side - 1), min(y0 + 1, side - 1)
    return base + y0 * side + x0, base + y0 * side + x1, base + y1 * side + x0, base + y1 * side + x1, fx, fy


@inlined
def _mix(known, a, b, c, w0, w1, w2, plane, i, block):
    for k in range(known.shape[1]):
        block[(plane + k) * TILE + i] = known[a, k] * w0 + known[b, k] * w1 + known[c, k] * w2


@inlined
def _gather_spot(g, light, a, b, c, w0, w1, w2, i, block):
    """The planes of `Spot`."""
    known = g.attributes
    for k in range(NUM_ATTRIBUTES):
        block[k * TILE + i] = known[a, k] * w0 + known[b, k] * w1 + known[c, k] * w2
    x, y, z = block[i], block[TILE + i], block[2 * TILE + i]
    nx, ny, nz = block[3 * TILE + i], block[4 * TILE + i], block[5 * TILE + i]
    inverse = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-20)
    block[SEEN * TILE + i] = key_light_seen(light, x, y, z, nx * inverse, ny * inverse, nz * inverse)
    for k in range(3):
        block[k * TILE + i] -= light.eye[k]


@compiled
def gather_skin(g, texture, light, found, members, block):
    """`Spot` and `Texel` of some fragments of skin, fragment by fragment the columns of a block."""
    for i in range(members.shape[0]):
        f = members[i]
        _skin(g, texture, light, found.triangle[f], found.place[f, 0], found.place[f, 1], i, block)


@inlined
def _skin(g, texture, light, t, px, py, i, block):
    a, b, c = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
    v0, v1, v2, area, _, _, _ = corner_weights(g, a, b, c, px, py)
    w0, w1, w2 = np.float32(v0), np.float32(v1), np.float32(v2)
    _gather_spot(g, light, a, b, c, w0, w1, w2, i, block)
    chart, known = g.charts[t], g.attributes
    u = chart[0] + chart[2] * w1 + chart[4] * w2
    v = chart[1] + chart[3] * w1 + chart[5] * w2
    level = mip_level(texture, chart[10], 0.25 * abs(area))
    p00, p01, p10, p11, fx, fy = texel_places(texture, level, u, v)
    one = np.float32(1.0)
    q00, q01, q10, q11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    texels = texture.texels
    for k in range(NUM_CHANNELS):
        value = (
            np.float32(texels[p00, k]) * q00
            + np.float32(texels[p01, k]) * q01
            + np.float32(texels[p10, k]) * q10
            + np.float32(texels[p11, k]) * q11
        )
        block[(EXTRA + k) * TILE + i] = value * texture.scale[k] + texture.bias[k]
    for k in range(3):
        e1, e2 = known[b, k] - known[a, k], known[c, k] - known[a, k]
        block[(TANGENTS + k) * TILE + i] = e1 * chart[6] + e2 * chart[7]
        block[(TANGENTS + 3 + k) * TILE + i] = e1 * chart[8] + e2 * chart[9]


@compiled
def gather_part(g, light, found, members, block):
    """`Spot` and `Own` of some fragments of any other part but the eyes."""
    for i in range(members.shape[0]):
        f = members[i]
        _part(g, light, found.triangle[f], found.place[f, 0], found.place[f, 1], i, block)


@inlined
def _part(g, light, t, px, py, i, block):
    """Returns the depth there."""
    a, b, c = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
    v0, v1, v2, _, depth, _, _ = corner_weights(g, a, b, c, px, py)
    w0, w1, w2 = np.float32(v0), np.float32(v1), np.float32(v2)
    _gather_spot(g, light, a, b, c, w0, w1, w2, i, block)
    _mix(g.local, a, b, c, w0, w1, w2, EXTRA, i, block)
    return depth


@inlined
def eye_at(look, light, i, block):
    """Which eyeball a gathered place lies on."""
    one, other = 0.0, 0.0
    for k in range(3):
        place = block[k * TILE + i] + light.eye[k]
        one += (place - look.eyes[0, CENTRE, k]) ** 2
        other += (place - look.eyes[1, CENTRE, k]) ** 2
    return 0 if one < other else 1


@compiled
def gather_eye(g, look, light, face_id, found, members, block):
    """`Spot`, `Own` and `EyePlace` of some fragments of eyeballs."""
    for i in range(members.shape[0]):
        f = members[i]
        _eye(g, look, light, face_id, found.triangle[f], found.place[f, 0], found.place[f, 1], i, block)


@inlined
def _eye(g, look, light, face_id, t, px, py, i, block):
    depth = _part(g, light, t, px, py, i, block)
    side = eye_at(look, light, i, block)
    for k in range(3):
        for row in range(3):
            block[(EYE + 3 * row + k) * TILE + i] = look.eyes[side, row, k]
        for row in range(2):
            block[(EYE + 9 + 3 * row + k) * TILE + i] = look.eyes[side, INNER + row, k] - light.eye[k]
    block[(EYE + NUM_EYE) * TILE + i] = look.redness
    metre = 1.0 / (depth * look.sample_size)
    clear, standing = LID_SHADOW * metre, SOCKET_REACH * metre
    block[(EYE + NUM_EYE + 1) * TILE + i] = _to_lid(g, face_id, int(py), int(px), -1, clear) / metre
    block[(EYE + NUM_EYE + 2) * TILE + i] = _to_lid(g, face_id, int(py), int(px), 1, standing) / metre


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
