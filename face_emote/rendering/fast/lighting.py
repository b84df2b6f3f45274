"""Shading terms shared by all materials: texture lookup, soft shadow, specular lobe, wrapped diffuse, bent normal."""

import math

import numpy as np

from face_emote.rendering.fast.kernels import compiled, inlined

NUM_SHADOW_TAPS = 16
_TAP_ANGLE = np.arange(NUM_SHADOW_TAPS) * 2.39996
_TAP_RADIUS = np.sqrt((np.arange(NUM_SHADOW_TAPS) + 0.5) / NUM_SHADOW_TAPS)
TAPS = np.stack([np.cos(_TAP_ANGLE) * _TAP_RADIUS, np.sin(_TAP_ANGLE) * _TAP_RADIUS], axis=1)
"""A sunflower of points on the unit disc."""
PENUMBRA = 0.0019
"""Radius of the shadow filter, metres."""
SHADOW_BIAS = 0.0012


@inlined
def sample_texture(texture, level, u, v, out):
    """Bilinear, wrapping; row 0 is v = 1. Fills `out` [channel]."""
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
    for k in range(out.shape[0]):
        value = (
            texture.texels[a, k] * wa
            + texture.texels[b, k] * wb
            + texture.texels[c, k] * wc
            + texture.texels[d, k] * wd
        )
        out[k] = value * texture.scale[k] + texture.bias[k]


@inlined
def key_light_seen(light, x, y, z, nx, ny, nz):
    """Share of the key light that reaches a point, 0..1: 16 taps on a disc, each with a soft depth test."""
    size = light.shadow.shape[0]
    scale = 0.5 * size / light.shadow_radius
    frame = light.shadow_frame
    dx = x + nx * SHADOW_BIAS - light.shadow_centre[0]
    dy = y + ny * SHADOW_BIAS - light.shadow_centre[1]
    dz = z + nz * SHADOW_BIAS - light.shadow_centre[2]
    column = 0.5 * size + scale * (frame[0, 0] * dx + frame[0, 1] * dy + frame[0, 2] * dz)
    row = 0.5 * size - scale * (frame[1, 0] * dx + frame[1, 1] * dy + frame[1, 2] * dz)
    distance = -(frame[2, 0] * dx + frame[2, 1] * dy + frame[2, 2] * dz)
    reach = PENUMBRA * scale
    if row < reach or column < reach or row > size - 1 - reach or column > size - 1 - reach:
        return 1.0
    seen = 0.0
    for k in range(NUM_SHADOW_TAPS):
        gap = light.shadow[int(row + TAPS[k, 1] * reach), int(column + TAPS[k, 0] * reach)] - distance
        # Between lit and shadowed over half a millimetre, so that the taps do not show as steps.
        seen += min(1.0, max(0.0, gap * 2000.0 + 1.0))
    return seen / NUM_SHADOW_TAPS


@inlined
def specular(nx, ny, nz, lx, ly, lz, vx, vy, vz, roughness, f0):
    """GGX lobe with Schlick Fresnel and Smith shadowing, times the cosine (Walter et al. 2007)."""
    n_l = nx * lx + ny * ly + nz * lz
    if n_l <= 0.0:
        return 0.0
    hx, hy, hz = lx + vx, ly + vy, lz + vz
    inverse = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
    n_h = max((nx * hx + ny * hy + nz * hz) * inverse, 0.0)
    v_h = max((vx * hx + vy * hy + vz * hz) * inverse, 0.0)
    n_v = max(nx * vx + ny * vy + nz * vz, 1e-3)
    alpha = roughness * roughness
    a2 = alpha * alpha
    d = n_h * n_h * (a2 - 1.0) + 1.0
    k = 0.5 * alpha
    m = 1.0 - v_h
    m2 = m * m
    fresnel = f0 + (1.0 - f0) * m2 * m2 * m
    geometry = 0.25 / ((n_v * (1.0 - k) + k) * (n_l * (1.0 - k) + k))
    return a2 / (math.pi * d * d) * geometry * fresnel * n_l


@inlined
def wrapped(cosine, wrap):
    """Diffuse light that creeps `wrap` round the terminator, energy kept: cheap subsurface scattering."""
    return max(0.0, (cosine + wrap) / ((1.0 + wrap) * (1.0 + wrap)))


@inlined
def bent_normal(nx, ny, nz, ux, uy, uz, vx, vy, vz, hu, hv):
    """Normal of the surface raised by a height with gradient (hu, hv) along the tangents u and v (Mikkelsen 2010)."""
    r1x, r1y, r1z = vy * nz - vz * ny, vz * nx - vx * nz, vx * ny - vy * nx
    r2x, r2y, r2z = ny * uz - nz * uy, nz * ux - nx * uz, nx * uy - ny * ux
    det = ux * r1x + uy * r1y + uz * r1z
    sign = 1.0 if det > 0.0 else -1.0
    gx, gy, gz = sign * (hu * r1x + hv * r2x), sign * (hu * r1y + hv * r2y), sign * (hu * r1z + hv * r2z)
    x, y, z = abs(det) * nx - gx, abs(det) * ny - gy, abs(det) * nz - gz
    inverse = 1.0 / math.sqrt(x * x + y * y + z * z + 1e-30)
    return x * inverse, y * inverse, z * inverse


@inlined
def smoothstep(low, high, x):
    """0 below `low`, 1 above `high`, smooth between; falls when high < low."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


@inlined
def _hash(i, j, k):
    x = (i * 374761393 + j * 668265263 + k * 1274126177) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 1103515245) & 0xFFFFFFFF
    return ((x ^ (x >> 16)) & 0xFFFFFF) / 16777215.0


@compiled
def value_noise(x, y, z):
    """Smooth noise in 0..1 with cells of size 1."""
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    fx, fy, fz = x - i, y - j, z - k
    fx, fy, fz = fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy), fz * fz * (3.0 - 2.0 * fz)
    total = 0.0
    for a in range(2):
        wa = fx if a else 1.0 - fx
        for b in range(2):
            wb = fy if b else 1.0 - fy
            for c in range(2):
                wc = fz if c else 1.0 - fz
                total += wa * wb * wc * _hash(i + a, j + b, k + c)
    return total
