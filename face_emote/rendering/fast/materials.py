"""Cloth, and what all materials share. Each writes linear, scene-referred light to `out` [3]. Skin is in `skin`, eyes
are in `eye`, what is inside the mouth in `mouth`.

Arguments that recur: `p*` point, `n*` smooth normal, `v*` unit vector to the camera, `seen` share of key light,
`sky` [7] interpolated sky light (see buffers.Geometry.sky).
"""

import math

from face_emote.look.reflection import (
    FILL_EXTRA_WRAP,
    FILL_LOBE,
    FILL_OPEN,
    KEY_LOBE,
    RIM_LOBE,
    RIM_OPEN,
    WIDE_LOBE,
    WIDE_ROUGHNESS,
)
from face_emote.rendering.fast.lighting import smoothstep, specular, value_noise, wrapped
from face_emote.rendering.stage.kernels import inlined


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


@inlined
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
def shade_cloth(out, albedo, look, light, sky, n, seen, under, rest_x, rest_z):
    """A knitted collar: ribs in the first 9 mm under its edge (`under` in mm), plain weave below."""
    weave = value_noise(rest_x * 1400.0, under * 1.4, rest_z * 1400.0)
    band = 1.0 - smoothstep(8.2, 9.2, under)
    rib = 0.0
    if band > 0.0:
        rib = math.sin(math.atan2(rest_x, rest_z + 0.032) * 260.0) * 0.5 + 0.5
    seam = smoothstep(8.0, 8.6, under) * (1.0 - smoothstep(9.2, 9.8, under))
    for k in range(3):
        albedo[k] = look.cloth[k] * (0.82 + 0.36 * weave) * (1.0 - 0.38 * band * rib) * (1.0 - 0.5 * seam)
    plain_diffuse(out, albedo, light, n[0], n[1], n[2], 0.10, seen, sky)
