"""The triangles seen in a 2 x 2 sample grid become one antialiased, tone-mapped picture."""

from face_emote.rendering.stage.fragments import list_fragments
from face_emote.rendering.stage.kernels import compiled
from face_emote.rendering.stage.shading import shade_fragments


@compiled
def shade_picture(g, texture, look, light, face_id, inverse_depth, backdrop, found, none, blocks, picture, depth):
    """Resolve the samples into `picture` [H, W, 3], tone-mapped linear light, and `depth` [H, W] in 1/m.

    It is done a band of rows at a time, as many as `found` has room for. `none` is an array without rows.
    """
    height, width = picture.shape[0], picture.shape[1]
    band = found.share.shape[0] // (4 * width)
    for first in range(0, height, band):
        last = min(height, first + band)
        total = list_fragments(face_id, inverse_depth, g.material, first, last, found, none)
        shade_fragments(g, texture, look, light, face_id, found, blocks)
        for i in range(first, last):
            for j in range(width):
                depth[i, j] = 0.0
                bare = 0.0
                for k in range(4):
                    bare += 0.25 if face_id[2 * i + (k >> 1), 2 * j + (k & 1)] < 0 else 0.0
                for k in range(3):
                    picture[i, j, k] = bare * backdrop[i, j, k]
        for n in range(total):
            i, j, share = found.pixel[n] // width, found.pixel[n] % width, found.share[n]
            depth[i, j] = max(depth[i, j], found.near[n])
            for k in range(3):
                picture[i, j, k] += share * found.colour[n, k]


@compiled
def to_srgb(picture, table, out):
    """Tone-mapped linear light to 8-bit sRGB by a lookup `table` [4096] over 0..1."""
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            for k in range(3):
                x = min(1.0, max(0.0, picture[i, j, k]))
                out[i, j, k] = table[int(x * 4095.0 + 0.5)]
