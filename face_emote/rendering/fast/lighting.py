"""Shading terms shared by all materials: texture lookup, soft shadow, specular lobe, wrapped diffuse, bent normal."""

import math

from face_emote.rendering.stage.kernels import compiled, inlined

SHADOW_BIAS = 0.0012
"""Points are lifted by this much along their normal before they look at the shadow map, metres."""
FAR = 0.25
"""Depth of what nothing shadows: beyond everything, near enough to keep the moments exact."""
LEAST_VARIANCE = 1.6e-7
"""Of depth in the shadow map, square metres: 0.4 mm, so that rounding does not shadow flat skin."""
BLEEDING = 0.25
"""Shares of light up to this one count as shadow: the bound is loose where several edges lie behind one another."""


@inlined
def key_light_seen(light, x, y, z, nx, ny, nz):
    """Share of the key light that reaches a point, 0..1.

    The map holds mean and mean square of depth around each texel; Chebyshev's inequality bounds the share of them that
    lies beyond the point (Donnelly and Lauritzen 2006, "Variance shadow maps").
    """
    size = light.shadow.shape[0]
    scale = 0.5 * size / light.shadow_radius
    frame = light.shadow_frame
    dx = x + nx * SHADOW_BIAS - light.shadow_centre[0]
    dy = y + ny * SHADOW_BIAS - light.shadow_centre[1]
    dz = z + nz * SHADOW_BIAS - light.shadow_centre[2]
    column = 0.5 * size - 0.5 + scale * (frame[0, 0] * dx + frame[0, 1] * dy + frame[0, 2] * dz)
    row = 0.5 * size - 0.5 - scale * (frame[1, 0] * dx + frame[1, 1] * dy + frame[1, 2] * dz)
    distance = -(frame[2, 0] * dx + frame[2, 1] * dy + frame[2, 2] * dz)
    i, j = int(row), int(column)
    if row < 0.0 or column < 0.0 or i > size - 2 or j > size - 2:
        return 1.0
    v, u = row - i, column - j
    s = light.shadow
    mean = (s[i, j, 0] * (1.0 - u) + s[i, j + 1, 0] * u) * (1.0 - v)
    mean += (s[i + 1, j, 0] * (1.0 - u) + s[i + 1, j + 1, 0] * u) * v
    behind = distance - mean
    if behind <= 0.0:
        return 1.0
    square = (s[i, j, 1] * (1.0 - u) + s[i, j + 1, 1] * u) * (1.0 - v)
    square += (s[i + 1, j, 1] * (1.0 - u) + s[i + 1, j + 1, 1] * u) * v
    variance = max(square - mean * mean, LEAST_VARIANCE)
    share = variance / (variance + behind * behind)
    return max(0.0, (share - BLEEDING) / (1.0 - BLEEDING))


@compiled
def shadow_moments(depth, radius, spare, out):
    """Mean and mean square of `depth` [R, R] around each texel, `out` [R, R, 2].

    The filter is a tent: two boxes one after the other, each `radius` texels to either side. `spare` is scratch.
    """
    size = depth.shape[0]
    for i in range(size):
        for j in range(size):
            z = min(depth[i, j], FAR)
            out[i, j, 0], out[i, j, 1] = z, z * z
    for _ in range(2):
        _box_rows(out, radius, spare)
        _box_columns(spare, radius, out)


@compiled
def _box_rows(values, radius, out):
    size = values.shape[0]
    share = 1.0 / (2 * radius + 1)
    for i in range(size):
        first, second = 0.0, 0.0
        for j in range(-radius, radius + 1):
            k = max(j, 0)
            first += values[i, k, 0]
            second += values[i, k, 1]
        for j in range(size):
            out[i, j, 0], out[i, j, 1] = first * share, second * share
            new, old = min(j + radius + 1, size - 1), max(j - radius, 0)
            first += values[i, new, 0] - values[i, old, 0]
            second += values[i, new, 1] - values[i, old, 1]


@compiled
def _box_columns(values, radius, out):
    """Row by row over all columns at once; the running sum is the row before, so that no column waits for itself."""
    size = values.shape[0]
    share = 1.0 / (2 * radius + 1)
    for j in range(size):
        first, second = 0.0, 0.0
        for i in range(-radius, radius + 1):
            k = max(i, 0)
            first += values[k, j, 0]
            second += values[k, j, 1]
        out[0, j, 0], out[0, j, 1] = first * share, second * share
    for i in range(1, size):
        new, old = min(i + radius, size - 1), max(i - radius - 1, 0)
        for j in range(size):
            out[i, j, 0] = out[i - 1, j, 0] + (values[new, j, 0] - values[old, j, 0]) * share
            out[i, j, 1] = out[i - 1, j, 1] + (values[new, j, 1] - values[old, j, 1]) * share


@inlined
def specular(nx, ny, nz, lx, ly, lz, vx, vy, vz, roughness, f0):
    """GGX lobe with Schlick Fresnel and Smith shadowing, times the cosine (Walter et al. 2007)."""
    n_l = max(nx * lx + ny * ly + nz * lz, 0.0)
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
