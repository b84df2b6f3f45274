"""Pigmented, scattering skin, shaded in blocks of `BLOCK` samples so that the compiler works on eight at a time.

A block is a flat array of doubles, row by row: value r of sample i lies at r * BLOCK + i. Constant distances between
rows are what lets the loop be vectorised; so the whole block is always shaded, however many samples it holds. The
formula is that of `skin.reflection` and `skin.colour`.
"""

import math

from face_emote.look.reflection import (
    CONTACT_SHADE,
    DARK_SMOOTHING,
    FILL_BEND,
    FILL_EXTRA_WRAP,
    FILL_LOBE,
    FILL_OPEN,
    GRAZING,
    HAIR_COVER,
    HAIR_PAINT,
    HAIR_SHADOW,
    KEY_LOBE,
    PIGMENT_FULL,
    RIM_LOBE,
    ROUGHENING,
    SKIN_F0,
    SOFTNESS,
    THIN,
    WIDE_LOBE,
    WIDE_ROUGHNESS,
    WRAP,
)
from face_emote.rendering.fast.lighting import specular, wrapped
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.kernels import compiled, inlined
from face_emote.rendering.tone import CURVE, GAIN, INSET, LUMA, OUTSET

BLOCK = 104
"""Samples shaded together: their rows fit the nearest cache."""
TEXEL = buffers.NUM_ATTRIBUTES
"""First of the texture's rows; the attributes of `buffers` come before them."""
TANGENTS = TEXEL + buffers.NUM_CHANNELS
"""Six rows: metres of surface per unit u, then per unit v."""
SEEN = TANGENTS + 6
"""Share of the key light that arrives."""
COLOUR = SEEN + 1
"""Three rows that are written: tone-mapped display light."""
NUM_ROWS = COLOUR + 3


@inlined
def _attenuation(x):
    """exp(-x) for 0 <= x <= 8 within 0.1 %, without a call; `x` as a sum of absorptions never lies far out."""
    y = 0.125 * min(x, 12.0)
    p = 1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0 + y * (1.0 / 24.0 + y * (1.0 / 120.0 + y * (1.0 / 720.0))))))
    p = p * p
    p = p * p
    return 1.0 / (p * p)


@inlined
def _unit_scale(x, y, z):
    return 1.0 / math.sqrt(x * x + y * y + z * z + 1e-20)


@inlined
def _curve(x):
    x = max(x, 0.0)
    return min(1.0, GAIN * x * (x + CURVE[0]) / (x * (x + CURVE[1]) + CURVE[2]))


@inlined
def _stretched(value, grey):
    return min(1.0, max(0.0, grey + (value - grey) * (1.0 / (1.0 - OUTSET))))


@inlined
def _albedo(k, melanin, haemoglobin, look):
    return look.epidermis + look.base[k] * _attenuation(
        melanin * look.melanin_absorption[k] + haemoglobin * look.haemoglobin_absorption[k]
    )


@inlined
def _received(k, light, key_hard, key_soft, fill, rim, rim_soft, edge, seen, openness, rim_seen, thin):
    """Light of the three lamps on channel k, sky excluded."""
    c, wrap, softness = light.colours, WRAP[k], SOFTNESS[k]
    key = wrapped(key_hard, 0.5 * wrap) * (1.0 - softness) + wrapped(key_soft, wrap) * softness
    out = key * edge * c[0, k]
    out += wrapped(fill, wrap + FILL_EXTRA_WRAP) * c[1, k] * (1.0 - FILL_OPEN + FILL_OPEN * openness)
    out += wrapped(rim, wrap) * c[2, k] * rim_seen
    return out + thin * THIN[k] * (wrapped(-key_soft, wrap) * c[0, k] * seen + wrapped(-rim_soft, wrap) * c[2, k])


@inlined
def _bent(block, i, nx, ny, nz, wrinkle):
    """Normal under pores and creases (`lighting.bent_normal`, whose tangents lie in the block); unit."""
    ux, uy, uz = block[TANGENTS * BLOCK + i], block[(TANGENTS + 1) * BLOCK + i], block[(TANGENTS + 2) * BLOCK + i]
    vx, vy, vz = block[(TANGENTS + 3) * BLOCK + i], block[(TANGENTS + 4) * BLOCK + i], block[(TANGENTS + 5) * BLOCK + i]
    hu = block[(TEXEL + buffers.BUMP_U) * BLOCK + i] + wrinkle * block[(TEXEL + buffers.WRINKLE_U) * BLOCK + i]
    hv = block[(TEXEL + buffers.BUMP_V) * BLOCK + i] + wrinkle * block[(TEXEL + buffers.WRINKLE_V) * BLOCK + i]
    px, py, pz = vy * nz - vz * ny, vz * nx - vx * nz, vx * ny - vy * nx
    qx, qy, qz = ny * uz - nz * uy, nz * ux - nx * uz, nx * uy - ny * ux
    det = ux * px + uy * py + uz * pz
    sign = 1.0 if det > 0.0 else -1.0
    # Where the texture has no direction (det 0) the smooth normal stays.
    size = abs(det) + 1e-20
    bx = size * nx - sign * (hu * px + hv * qx)
    by = size * ny - sign * (hu * py + hv * qy)
    bz = size * nz - sign * (hu * pz + hv * qz)
    scale = 1.0 / math.sqrt(bx * bx + by * by + bz * bz + 1e-40)
    return bx * scale, by * scale, bz * scale


@inlined
def _covered(colour, grey, pallor, fold, hair, crease, hair_colour):
    """One channel of albedo under pallor, a crease's shade and painted hair."""
    return (colour + pallor * (grey - colour)) * (1.0 - fold * (1.0 - crease)) * (1.0 - hair) + (
        hair_colour * HAIR_SHADOW * hair
    )


@inlined
def _pigmented(block, i, look, wrinkle, hair):
    """Linear albedo of living skin."""
    blood = block[buffers.BLOOD * BLOCK + i]
    melanin = max(block[(TEXEL + buffers.MELANIN) * BLOCK + i], 0.0)
    haemoglobin = max(block[(TEXEL + buffers.HAEMOGLOBIN) * BLOCK + i], 0.0)
    # Times exp(gain * blood), for either sign of the flow.
    flow = look.blood_gain * blood
    haemoglobin = haemoglobin * _attenuation(max(-flow, 0.0)) / _attenuation(max(flow, 0.0))
    fold = min(1.0, max(0.0, -block[(TEXEL + buffers.WRINKLE) * BLOCK + i] * wrinkle))
    red = _albedo(0, melanin, haemoglobin, look)
    green = _albedo(1, melanin, haemoglobin, look)
    blue = _albedo(2, melanin, haemoglobin, look)
    grey = red * look.luminance[0] + green * look.luminance[1] + blue * look.luminance[2]
    pallor = look.pallor_greying * min(1.0, max(0.0, -blood))
    red = _covered(red, grey, pallor, fold, hair, look.crease[0], look.hair[0])
    green = _covered(green, grey, pallor, fold, hair, look.crease[1], look.hair[1])
    blue = _covered(blue, grey, pallor, fold, hair, look.crease[2], look.hair[2])
    return red, green, blue


@inlined
def _shine(block, i, light, nx, ny, nz, bx, by, bz, vx, vy, vz, bend, wrinkle):
    """Highlights of key, fill and rim light before strength and shadow; normal n, bent normal b, to the camera v."""
    d = light.directions
    pigment = min(1.0, max(block[(TEXEL + buffers.MELANIN) * BLOCK + i], 0.0) * (1.0 / PIGMENT_FULL))
    roughness = block[(TEXEL + buffers.ROUGHNESS) * BLOCK + i] + ROUGHENING * (1.0 - bend) * (1.0 + pigment)
    roughness = min(1.0, roughness)
    back = DARK_SMOOTHING * pigment * min(1.0, 1.5 * wrinkle)
    bx, by, bz = bx + back * (nx - bx), by + back * (ny - by), bz + back * (nz - bz)
    scale = _unit_scale(bx, by, bz)
    bx, by, bz = bx * scale, by * scale, bz * scale
    wide = min(1.0, roughness * WIDE_ROUGHNESS)
    key = specular(bx, by, bz, d[0, 0], d[0, 1], d[0, 2], vx, vy, vz, roughness, SKIN_F0) * KEY_LOBE
    key += specular(bx, by, bz, d[0, 0], d[0, 1], d[0, 2], vx, vy, vz, wide, SKIN_F0) * WIDE_LOBE
    side = specular(bx, by, bz, d[1, 0], d[1, 1], d[1, 2], vx, vy, vz, roughness, SKIN_F0) * FILL_LOBE
    behind = specular(bx, by, bz, d[2, 0], d[2, 1], d[2, 2], vx, vy, vz, roughness, SKIN_F0) * RIM_LOBE
    return math.pi * key, math.pi * side, math.pi * behind


@inlined
def _displayed(block, i, red, green, blue, exposure):
    """`rendering.tone.tone_mapped` into the `COLOUR` rows."""
    red, green, blue = red * exposure, green * exposure, blue * exposure
    grey = INSET * (red * LUMA[0] + green * LUMA[1] + blue * LUMA[2])
    red = _curve(red * (1.0 - INSET) + grey)
    green = _curve(green * (1.0 - INSET) + grey)
    blue = _curve(blue * (1.0 - INSET) + grey)
    grey = red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
    block[COLOUR * BLOCK + i] = _stretched(red, grey)
    block[(COLOUR + 1) * BLOCK + i] = _stretched(green, grey)
    block[(COLOUR + 2) * BLOCK + i] = _stretched(blue, grey)


@compiled
def shade_skin(block, look, light):
    """Fill the `COLOUR` rows of a block from its other rows."""
    d, c, eye = light.directions, light.colours, light.eye
    for i in range(BLOCK):
        nx, ny, nz = block[3 * BLOCK + i], block[4 * BLOCK + i], block[5 * BLOCK + i]
        scale = _unit_scale(nx, ny, nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        vx, vy, vz = eye[0] - block[i], eye[1] - block[BLOCK + i], eye[2] - block[2 * BLOCK + i]
        scale = _unit_scale(vx, vy, vz)
        vx, vy, vz = vx * scale, vy * scale, vz * scale
        openness, rim_seen = block[buffers.OPENNESS * BLOCK + i], block[buffers.RIM_SEEN * BLOCK + i]
        # The shadow map is too coarse for the line between the lips and the folds of the lids; the sky's is not.
        seen = block[SEEN * BLOCK + i] * min(1.0, CONTACT_SHADE * openness * openness)
        thin = block[buffers.THINNESS * BLOCK + i]
        wrinkle = block[buffers.FOLDING * BLOCK + i]
        bx, by, bz = _bent(block, i, nx, ny, nz, wrinkle)
        hair = min(1.0, max(0.0, block[(TEXEL + buffers.HAIR) * BLOCK + i]) * HAIR_PAINT) * HAIR_COVER
        red, green, blue = _pigmented(block, i, look, wrinkle, hair)

        hard, soft = bx * d[0, 0] + by * d[0, 1] + bz * d[0, 2], nx * d[0, 0] + ny * d[0, 1] + nz * d[0, 2]
        rim, behind = bx * d[2, 0] + by * d[2, 1] + bz * d[2, 2], nx * d[2, 0] + ny * d[2, 1] + nz * d[2, 2]
        fx, fy, fz = nx + FILL_BEND * (bx - nx), ny + FILL_BEND * (by - ny), nz + FILL_BEND * (bz - nz)
        fill = fx * d[1, 0] + fy * d[1, 1] + fz * d[1, 2]
        bend = min(1.0, max(0.0, bx * nx + by * ny + bz * nz))
        # The rim of a shadow on skin is red: seen ** 0.62 and seen ** 1.12 by their parabolas.
        edge = seen * (1.48 - 0.48 * seen)
        red *= bend * block[(buffers.SKY + 3) * BLOCK + i] + _received(
            0, light, hard, soft, fill, rim, behind, edge, seen, openness, rim_seen, thin
        )
        green *= bend * block[(buffers.SKY + 4) * BLOCK + i] + _received(
            1, light, hard, soft, fill, rim, behind, seen, seen, openness, rim_seen, thin
        )
        edge = seen * (0.92 + 0.08 * seen)
        blue *= bend * block[(buffers.SKY + 5) * BLOCK + i] + _received(
            2, light, hard, soft, fill, rim, behind, edge, seen, openness, rim_seen, thin
        )

        strength = max(0.0, block[(TEXEL + buffers.SPECULAR) * BLOCK + i]) * (1.0 - hair)
        first, second, third = _shine(block, i, light, nx, ny, nz, bx, by, bz, vx, vy, vz, bend, wrinkle)
        first *= strength * seen
        second, third = strength * second * openness, strength * third * rim_seen
        grazing = 1.0 - max(0.0, bx * vx + by * vy + bz * vz)
        grazing *= grazing
        grazing *= grazing * GRAZING * strength * openness
        red += block[buffers.SKY * BLOCK + i] * grazing + c[0, 0] * first + c[1, 0] * second + c[2, 0] * third
        green += block[(buffers.SKY + 1) * BLOCK + i] * grazing + c[0, 1] * first + c[1, 1] * second + c[2, 1] * third
        blue += block[(buffers.SKY + 2) * BLOCK + i] * grazing + c[0, 2] * first + c[1, 2] * second + c[2, 2] * third
        _displayed(block, i, red, green, blue, light.exposure)
