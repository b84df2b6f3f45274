"""The resting relief of the skin (pores, lip lines, age) as a tangent-space normal map.

`skin.maps` gives a height's derivative per unit of texture coordinate in metres; divided by the metres that a unit of
texture coordinate spans on the surface it is a slope. Red is +u, green +v (up in the picture), as glTF and USD want it.
"""

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.formats.mesh.surface_parts import MATERIAL_PARTS
from face_emote.look.maps import load_skin_maps

CELLS = 128
"""The span of a texel is found on a grid of this many cells; it changes slowly."""


def normal_picture(skin: SkinParams, *, texels: int) -> UInt8[Array, "texels texels 3"]:
    """Normals of the resting skin, 8 bits, row 0 at the top."""
    slope = load_skin_maps(skin, size=texels).bump_gradient / uv_spans_at(texels)
    normal = np.concatenate([-slope, np.ones((texels, texels, 1), np.float32)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return (normal * 127.5 + 128.0).astype(np.uint8)


def uv_spans() -> Float[Array, "cell cell 2"]:
    """Metres on the average head's skin per unit u and per unit v, row 0 at the top."""
    head = load_head()
    assert head.layout is not None
    chosen = head.layout.in_parts(*MATERIAL_PARTS["skin"])
    place = head.template[head.layout.quads[chosen]].astype(np.float64)
    uv = head.layout.uv[head.layout.quad_uv[chosen]].astype(np.float64)
    # Of each quad its two diagonals: d(place) = T_u du + T_v dv for both.
    step = np.stack([uv[:, 2] - uv[:, 0], uv[:, 3] - uv[:, 1]], axis=1)
    move = np.stack([place[:, 2] - place[:, 0], place[:, 3] - place[:, 1]], axis=1)
    known = np.abs(np.linalg.det(step)) > 1e-12
    span = np.linalg.norm(np.linalg.solve(step[known], move[known]), axis=2)
    middle = uv[known].mean(axis=1)
    column = np.clip((middle[:, 0] * CELLS).astype(np.int64), 0, CELLS - 1)
    row = np.clip(((1.0 - middle[:, 1]) * CELLS).astype(np.int64), 0, CELLS - 1)
    total = np.zeros((CELLS, CELLS, 3))
    np.add.at(total, (row, column), np.concatenate([span, np.ones((len(span), 1))], axis=1))
    while not np.all(total[..., 2] > 0.0):  # Cells without a quad take the mean of their neighbours.
        padded = np.pad(total, ((1, 1), (1, 1), (0, 0)))
        around = sum(padded[1 + dy : CELLS + 1 + dy, 1 + dx : CELLS + 1 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1))
        empty = total[..., 2] == 0.0
        total[empty] = np.asarray(around)[empty]
    return (total[..., :2] / total[..., 2:]).astype(np.float32)


def uv_spans_at(texels: int) -> Float[Array, "texels texels 2"]:
    """`uv_spans` at every texel of a picture."""
    return _upsampled(uv_spans(), texels)


def _upsampled(grid: Float[Array, "cell cell 2"], texels: int) -> Float[Array, "texels texels 2"]:
    """Bilinear between cell centres."""
    at = np.clip((np.arange(texels) + 0.5) * CELLS / texels - 0.5, 0.0, CELLS - 1.0)
    low = np.minimum(at.astype(np.int64), CELLS - 2)
    share = (at - low).astype(np.float32)[:, None, None]
    rows = grid[low] * (1.0 - share) + grid[low + 1] * share
    across = share[None, :, 0]
    return rows[:, low] * (1.0 - across) + rows[:, low + 1] * across
