"""The five materials: skin, eye, tooth, wet lining and cloth. Each writes linear, scene-referred light to `out` [3].

Arguments that recur: `p*` point, `n*` smooth normal, `v*` unit vector to the camera, `seen` share of key light,
`sky` [7] interpolated sky light (see buffers.Geometry.sky).
"""

import math

from face_emote.rendering.fast import buffers
from face_emote.rendering.fast.kernels import compiled, inlined
from face_emote.rendering.fast.lighting import smoothstep, specular, value_noise, wrapped
from face_emote.skin.reflection import (
    DARK_RELIEF,
    FILL_BEND,
    FILL_EXTRA_WRAP,
    FILL_LOBE,
    FILL_OPEN,
    GLOSS_SMOOTHING,
    GRAZING,
    HAIR_COVER,
    HAIR_PAINT,
    HAIR_SHADOW,
    KEY_LOBE,
    RIM_LOBE,
    RIM_OPEN,
    ROUGHNESS,
    SKIN_F0,
    SOFTNESS,
    WIDE_LOBE,
    WIDE_ROUGHNESS,
    WRAP,
)

IRIS = 0.355
"""Angular radius of the iris on the modelled eyeball, whose radius is 16.5 mm: 11.7 mm across."""
_HA, _ME = buffers.HAEMOGLOBIN, buffers.MELANIN


@inlined
def add_highlights(out, light, nx, ny, nz, vx, vy, vz, roughness, f0, strength, seen, openness):
    """Two-lobe key highlight plus single lobes of fill and rim."""
    d, c = light.directions, light.colours
    key = specular(nx, ny, nz, d[0, 0], d[0, 1], d[0, 2], vx, vy, vz, roughness, f0) * KEY_LOBE
    key += (
        specular(nx, ny, nz, d[0, 0], d[0, 1], d[0, 2], vx, vy, vz, min(1.0, roughness * WIDE_ROUGHNESS), f0)
        * WIDE_LOBE
    )
    fill = specular(nx, ny, nz, d[1, 0], d[1, 1], d[1, 2], vx, vy, vz, roughness, f0) * FILL_LOBE * openness
    rim = specular(nx, ny, nz, d[2, 0], d[2, 1], d[2, 2], vx, vy, vz, roughness, f0) * RIM_LOBE * openness
    for k in range(3):
        out[k] += math.pi * strength * (c[0, k] * key * seen + c[1, k] * fill + c[2, k] * rim)


@compiled
def plain_diffuse(out, albedo, light, nx, ny, nz, wrap, seen, sky):
    """Key, fill, rim and sky on a material without scattering."""
    d, c = light.directions, light.colours
    key = nx * d[0, 0] + ny * d[0, 1] + nz * d[0, 2]
    fill = nx * d[1, 0] + ny * d[1, 1] + nz * d[1, 2]
    rim = nx * d[2, 0] + ny * d[2, 1] + nz * d[2, 2]
    openness = sky[6]
    for k in range(3):
        received = wrapped(key, wrap) * seen * c[0, k]
        received += wrapped(fill, wrap + FILL_EXTRA_WRAP) * (1.0 - FILL_OPEN + FILL_OPEN * openness) * c[1, k]
        received += wrapped(rim, wrap) * (1.0 - RIM_OPEN + RIM_OPEN * openness) * c[2, k]
        out[k] = albedo[k] * (received + sky[k])


@inlined
def shade_skin(out, texel, look, light, sky, n, bent, v, seen, wrinkle, blood):
    """Pigmented, scattering skin. `n` smooth normal, `bent` normal with pores and wrinkles, `v` to the camera."""
    d, c = light.directions, light.colours
    openness = sky[6]
    melanin = max(texel[_ME], 0.0)
    haemoglobin = max(texel[_HA], 0.0)
    if blood != 0.0:
        haemoglobin *= math.exp(look.blood_gain * blood)
    fold = min(1.0, max(0.0, -texel[buffers.WRINKLE] * wrinkle))
    hair = min(1.0, max(0.0, texel[buffers.HAIR]) * HAIR_PAINT) * HAIR_COVER
    pallor = look.pallor_greying * min(1.0, max(0.0, -blood))
    grey = 0.0
    for k in range(3 if pallor > 0.0 else 0):
        grey += (
            look.luminance[k]
            * look.base[k]
            * math.exp(-melanin * look.melanin_absorption[k] - haemoglobin * look.haemoglobin_absorption[k])
        )
    key_hard = bent[0] * d[0, 0] + bent[1] * d[0, 1] + bent[2] * d[0, 2]
    key_soft = n[0] * d[0, 0] + n[1] * d[0, 1] + n[2] * d[0, 2]
    fx = (1.0 - FILL_BEND) * n[0] + FILL_BEND * bent[0]
    fy = (1.0 - FILL_BEND) * n[1] + FILL_BEND * bent[1]
    fz = (1.0 - FILL_BEND) * n[2] + FILL_BEND * bent[2]
    fill = fx * d[1, 0] + fy * d[1, 1] + fz * d[1, 2]
    rim = bent[0] * d[2, 0] + bent[1] * d[2, 1] + bent[2] * d[2, 2]
    bend = min(1.0, max(0.0, bent[0] * n[0] + bent[1] * n[1] + bent[2] * n[2]))
    facing = max(0.0, bent[0] * v[0] + bent[1] * v[1] + bent[2] * v[2])
    strength = max(0.0, texel[buffers.SPECULAR]) * (1.0 - hair)
    grazing = (1.0 - facing) ** 4
    # The rim of a shadow on skin is red: seen ** 0.62 and seen ** 1.12 by their parabolas.
    edge = (seen * (1.48 - 0.48 * seen), seen, seen * (0.92 + 0.08 * seen))
    for k in range(3):
        wrap = WRAP[k]
        albedo = look.base[k] * math.exp(
            -melanin * look.melanin_absorption[k] - haemoglobin * look.haemoglobin_absorption[k]
        )
        albedo += pallor * (grey - albedo)
        albedo *= 1.0 - fold * (1.0 - look.crease[k])
        albedo = albedo * (1.0 - hair) + look.hair[k] * HAIR_SHADOW * hair
        softness = SOFTNESS[k]
        key = wrapped(key_hard, 0.5 * wrap) * (1.0 - softness) + wrapped(key_soft, wrap) * softness
        key *= edge[k]
        received = key * c[0, k]
        received += wrapped(fill, wrap + FILL_EXTRA_WRAP) * c[1, k] * (1.0 - FILL_OPEN + FILL_OPEN * openness)
        received += wrapped(rim, wrap) * c[2, k] * (1.0 - RIM_OPEN + RIM_OPEN * openness)
        received += sky[3 + k] * bend
        out[k] = albedo * received + sky[k] * grazing * GRAZING * strength * openness
    roughness = ROUGHNESS - GLOSS_SMOOTHING * min(1.0, max(0.0, strength - 1.0))
    # Pigmented skin shows relief mostly in its highlights; keep those from glittering on the ridges of folds.
    strength *= 1.0 - DARK_RELIEF * min(1.0, melanin / 2.5) * min(1.0, wrinkle * 1.5)
    add_highlights(
        out, light, bent[0], bent[1], bent[2], v[0], v[1], v[2], roughness, SKIN_F0, strength, seen, openness
    )


@compiled
def shade_eye(out, albedo, look, light, sky, n, v, seen, q, side, lid):
    """Sclera, iris, pupil and a wet cornea.

    `q` [3] direction in the eye's frame, its z the optical axis; `lid` 0 right under the upper lid .. 1 clear of it.
    """
    inverse = 1.0 / math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + 1e-12)
    x, y, z = q[0] * inverse, q[1] * inverse, q[2] * inverse
    angle = math.acos(min(1.0, max(-1.0, z)))
    turn = math.atan2(y, x)
    r = angle / IRIS
    fibres = value_noise(turn * 9.0, r * 2.5, 3.0) * 0.55 + value_noise(turn * 26.0, r * 4.0, 9.0) * 0.45
    axis = look.eye_axes[side]
    d = light.directions
    # The iris is a shallow bowl behind the cornea: it is brighter on the side away from the light.
    caustic = 1.0 + 0.55 * r * -(math.cos(turn) * (d[0, 0]) + math.sin(turn) * d[0, 1])
    pupil = smoothstep(0.28, 0.36, r)
    limbus = 1.0 - 0.72 * smoothstep(0.68, 1.04, r)
    collar = smoothstep(0.58, 0.38, r) * 0.5
    veins = value_noise(x * 9.0, y * 9.0, z * 9.0) ** 3 * 0.5
    veins += (1.0 - abs(value_noise(x * 22.0, y * 34.0, z * 22.0) * 2.0 - 1.0)) ** 10 * 0.5
    redness = veins * smoothstep(0.45, 1.25, angle) * 1.1 + smoothstep(0.70, 1.35, angle) * 0.28
    redness = min(0.75, max(0.0, redness))
    white = smoothstep(0.90, 1.16, r)
    for k in range(3):
        iris = look.iris[k] * (0.50 + 1.0 * fibres) * (1.0 - 0.25 * r) * max(0.35, caustic)
        iris = iris * (1.0 - collar) + look.iris[k] * (1.35, 1.05, 0.55)[k] * collar
        iris = iris * limbus * pupil
        sclera = (0.56, 0.515, 0.485)[k] * (1.0 - redness) + (0.66, 0.30, 0.26)[k] * redness
        albedo[k] = iris * (1.0 - white) + sclera * white
    wrap = 0.18 * white
    plain_diffuse(out, albedo, light, n[0], n[1], n[2], wrap, seen, sky)
    shade = 0.30 + 0.70 * lid
    for k in range(3):  # the lid's shadow is warm: part of its light came through skin
        out[k] *= shade ** (0.85, 1.0, 1.05)[k]
    bulge = smoothstep(1.25, 0.70, r) * 0.35
    bx, by, bz = n[0] + (n[0] - axis[0]) * bulge, n[1] + (n[1] - axis[1]) * bulge, n[2] + (n[2] - axis[2]) * bulge
    inverse = 1.0 / math.sqrt(bx * bx + by * by + bz * bz + 1e-12)
    bx, by, bz = bx * inverse, by * inverse, bz * inverse
    add_highlights(out, light, bx, by, bz, v[0], v[1], v[2], 0.11, 0.03, 1.3 * lid, seen, sky[6])
    # A window of light mirrored in the tear film, and the sky at grazing angles.
    b_v = bx * v[0] + by * v[1] + bz * v[2]
    # The window hangs lower than the key light, or the lid would hide it on eyes that are only half open.
    wx, wy, wz = d[0, 0], 0.45 * d[0, 1], d[0, 2]
    mirror = (2.0 * b_v * bx - v[0]) * wx + (2.0 * b_v * by - v[1]) * wy + (2.0 * b_v * bz - v[2]) * wz
    mirror /= math.sqrt(wx * wx + wy * wy + wz * wz)
    window = smoothstep(0.984, 0.993, mirror) * 0.60 * (0.3 + 0.7 * seen) * lid
    fresnel = (1.0 - max(b_v, 0.0)) ** 5
    for k in range(3):
        out[k] += light.colours[0, k] * window + sky[k] * (0.02 + 0.35 * fresnel) * sky[6]


@compiled
def shade_tooth(out, albedo, light, sky, n, v, seen, rest):
    """Enamel: slightly translucent, darker towards the back of the mouth, where cheeks and tongue close in."""
    front = 0.22 + 0.78 * smoothstep(0.070, 0.100, rest[2])
    shade = value_noise(rest[0] * 420.0, rest[1] * 420.0, rest[2] * 420.0)
    for k in range(3):
        albedo[k] = (
            front * (0.84, 0.79, 0.70)[k] * ((0.96, 0.91, 0.82)[k] * (1.0 - shade) + (1.02, 1.02, 1.0)[k] * shade)
        )
    lit = 0.30 + 0.70 * seen
    openness = sky[6]
    plain_diffuse(out, albedo, light, n[0], n[1], n[2], 0.28, lit * (0.40 + 0.60 * openness), sky)
    for k in range(3):
        out[k] += albedo[k] * 0.20 * (0.3 + 0.7 * openness)
    add_highlights(out, light, n[0], n[1], n[2], v[0], v[1], v[2], 0.22, 0.05, 1.0, lit * openness, openness)


@compiled
def shade_wet(out, albedo, light, sky, n, v, seen, rest):
    """Gums and tongue."""
    grain = value_noise(rest[0] * 900.0, rest[1] * 900.0, rest[2] * 900.0) * 0.5
    grain += value_noise(rest[0] * 2200.0, rest[1] * 2200.0, rest[2] * 2200.0) * 0.5
    for k in range(3):
        albedo[k] = (0.42, 0.135, 0.125)[k] * (0.75 + 0.4 * grain)
    plain_diffuse(out, albedo, light, n[0], n[1], n[2], 0.25, seen, sky)
    add_highlights(out, light, n[0], n[1], n[2], v[0], v[1], v[2], 0.30, 0.04, 1.2, seen, sky[6])


@compiled
def shade_cloth(out, albedo, look, light, sky, n, v, seen, under, rest_x, rest_z):
    """A knitted collar: ribs in the first 9 mm under its edge (`under` in mm), plain weave below."""
    weave = value_noise(rest_x * 1400.0, under * 1.4, rest_z * 1400.0)
    rib = math.sin(math.atan2(rest_x, rest_z + 0.032) * 260.0) * 0.5 + 0.5
    band = 1.0 - smoothstep(8.2, 9.2, under)
    seam = smoothstep(8.0, 8.6, under) * (1.0 - smoothstep(9.2, 9.8, under))
    for k in range(3):
        albedo[k] = look.cloth[k] * (0.82 + 0.36 * weave) * (1.0 - 0.38 * band * rib) * (1.0 - 0.5 * seam)
    plain_diffuse(out, albedo, light, n[0], n[1], n[2], 0.10, seen, sky)
    add_highlights(out, light, n[0], n[1], n[2], v[0], v[1], v[2], 0.80, 0.02, 0.4, seen, sky[6])
