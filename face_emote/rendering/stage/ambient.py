"""Soft sky light: each vertex is lit from 16 directions, each shadowed by a small depth map of the whole head."""

from face_emote.look.reflection import SCATTERED, SKY_NEAR, SKY_WIDE
from face_emote.rendering.stage.kernels import compiled, depth_map, inlined

MAP_SIZE = 144
RADIUS = 0.18  # Half side of the maps, metres; what lies outside is unshadowed.
BIAS = 0.0014


GLOW = (-0.12, 0.05, 0.10)  # Exponents of openness: in folds and corners, light that has been through skin is redder.


@compiled
def sky_light(points, normals, triangles, frames, colours, rim, centre, mapped, depth, total, out):
    """Irradiance at every vertex: out[:, 0:3] for plain materials, out[:, 3:6] for skin, out[:, 6] openness; and the
    share of the rim light that arrives, out[:, 7].

    `frames` [direction, 3, 3], `colours` [direction, 3], `rim` [3, 3] the rim light's frame; `mapped` [V, 3], `depth`
    [R, R] and `total` [V] are scratch.
    """
    num_points = points.shape[0]
    out[:] = 0.0
    total[:] = 0.0
    for d in range(frames.shape[0]):
        frame = frames[d]
        depth_map(points, triangles, frame, centre, RADIUS, mapped, depth)
        for i in range(num_points):
            nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
            cosine = nx * frame[2, 0] + ny * frame[2, 1] + nz * frame[2, 2]
            wide = (cosine + SKY_WIDE) / (1.0 + SKY_WIDE)
            if wide <= 0.0:
                continue
            near = max(0.0, (cosine + SKY_NEAR) / (1.0 + SKY_NEAR))
            total[i] += near
            seen = _seen(mapped, depth, frame, i, nx, ny, nz, cosine)
            out[i, 6] += near * seen
            for c in range(3):
                out[i, c] += colours[d, c] * near * seen
                out[i, 3 + c] += colours[d, c] * wide * seen
    depth_map(points, triangles, rim, centre, RADIUS, mapped, depth)
    for i in range(num_points):
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        out[i, 7] = _seen(mapped, depth, rim, i, nx, ny, nz, nx * rim[2, 0] + ny * rim[2, 1] + nz * rim[2, 2])
        out[i, 6] = max(0.02, out[i, 6] / max(total[i], 1e-4))
        for c in range(3):
            skin = out[i, c] * (1.0 - SCATTERED[c]) + out[i, 3 + c] * SCATTERED[c]
            out[i, 3 + c] = skin * out[i, 6] ** GLOW[c]


@inlined
def _seen(mapped, depth, frame, i, nx, ny, nz, cosine):
    """Share of nine texels around vertex i that are no nearer to the light than it is."""
    size = depth.shape[0]
    offset = 0.5 * size / RADIUS * BIAS
    column = mapped[i, 0] + offset * (frame[0, 0] * nx + frame[0, 1] * ny + frame[0, 2] * nz)
    row = mapped[i, 1] - offset * (frame[1, 0] * nx + frame[1, 1] * ny + frame[1, 2] * nz)
    distance = mapped[i, 2] - BIAS * (1.0 + cosine)
    r0, c0 = int(row), int(column)
    seen = 9.0
    if r0 > 0 and c0 > 0 and r0 < size - 1 and c0 < size - 1:
        for r in range(r0 - 1, r0 + 2):
            for c in range(c0 - 1, c0 + 2):
                if depth[r, c] <= distance:
                    seen -= 1.0
    return seen / 9.0
