"""The key light's soft shadow: a map of the moments of depth, and the share of light that it lets through."""

from face_emote.rendering.stage.kernels import compiled, inlined

SHADOW_BIAS = 0.0012  # Points are lifted by this much along their normal before they look at the shadow map, metres.
FAR = 0.25  # Depth of what nothing shadows: beyond everything, near enough to keep the moments exact.
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
