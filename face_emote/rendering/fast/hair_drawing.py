"""Strands on the picture: antialiased ribbons, drawn from the nearest on, until a pixel is full of hair."""

import math

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.look.formula.materials import HAIR
from face_emote.look.formula.printed import TILE
from face_emote.rendering.stage import hair_kernels
from face_emote.rendering.stage.generated import kernel
from face_emote.rendering.stage.hair import Hair
from face_emote.rendering.stage.hair_kernels import ROOT_TOLERANCE, before_knot
from face_emote.rendering.stage.kernels import compiled, inlined
from face_emote.rendering.stage.person import Staged

FULL = 0.90  # Coverage from which a pixel takes no more hair and counts as full: what is under there would not be seen.
OUT = len(HAIR.names(HAIR.rows))
_hair = kernel("hair").forward


def draw_hair(hair: Hair, frame: Staged, *, view: Float[Array, "3 4"], focal: float) -> None:
    """Blend the strands of a frame over its picture, hidden where the head is nearer."""
    assert frame.strands is not None
    all_of, (knots, outward), space = hair.joined, frame.strands, frame.space
    count, (height, width) = len(all_of.segment), space.depth.shape
    screen = np.empty((len(knots), 3), np.float32)
    hair_kernels.project_knots(knots, view, focal, 0.5 * width, 0.5 * height, screen)
    order = np.empty(count, np.int32)
    buckets = np.empty(hair_kernels.NUM_BUCKETS + 1, np.int32)
    seen = hair_kernels.nearest_first(screen, all_of.segment, space.depth, np.empty(count, np.int32), buckets, order)
    drawn, cover = np.zeros_like(space.picture), np.zeros_like(space.depth)
    draw_segments(
        order, seen, screen, all_of.segment, all_of.owner, knots, outward, all_of.width, all_of.colour,
        all_of.openness, all_of.gloss, all_of.jitter, all_of.root, frame.geometry.sky, frame.light, frame.look.hair,
        focal, np.full((len(knots), 3), -1.0, np.float32), np.zeros((OUT + 3) * TILE, np.float32), drawn, cover,
        space.depth, space.inverse_depth,
    )  # fmt: skip
    blend_hair(drawn, cover, space.picture)


@compiled
def draw_segments(
    order, num_seen, screen, segment, segment_strand, knots, outward, width, colour, openness, gloss, jitter, sky_root,
    sky, light, shared, focal, lit, block, hair, cover, depth, samples,
):  # fmt: skip
    """Fill `hair` [H, W, 3] (premultiplied, tone-mapped) and `cover` [H, W] with the segments in `order`.

    `depth` [H, W] and `samples` [2 H, 2 W] hold 1 / depth of the head. `lit` [knot, 3] is negative where a knot has
    not been lit yet; `block` is work space.
    """
    for position in range(num_seen):
        n = order[position]
        a = segment[n]
        x0, y0, w0 = screen[a, 0], screen[a, 1], screen[a, 2]
        x1, y1, w1 = screen[a + 1, 0], screen[a + 1, 1], screen[a + 1, 2]
        if _is_full(0.5 * (x0 + x1), 0.5 * (y0 + y1), cover) and _is_full(x0, y0, cover) and _is_full(x1, y1, cover):
            continue
        s = segment_strand[n]
        for i in range(a, a + 2):
            if lit[i, 0] < 0.0:
                _light(
                    i, a, knots, outward, colour, openness, gloss[s], jitter[s], sky_root[s], sky, light, shared,
                    block, lit,
                )  # fmt: skip
        pixels = 0.5 * (width[a] + width[a + 1]) * focal * 0.5 * (w0 + w1)
        _draw(x0, y0, w0, x1, y1, w1, pixels, lit, a, hair, cover, depth, samples)


@inlined
def _is_full(x, y, cover):
    row, column = int(y), int(x)
    if row < 0 or column < 0 or row >= cover.shape[0] or column >= cover.shape[1]:
        return True
    return cover[row, column] > FULL


@compiled
def _light(i, a, knots, outward, colour, openness, gloss, jitter, root, sky, light, shared, block, lit):
    """Light one knot of the segment that starts at `a`, along that segment's direction: planes of `records.Strand`."""
    length = 0.0
    for k in range(3):
        length += (knots[a + 1, k] - knots[a, k]) ** 2
    length = 1.0 / math.sqrt(length + 1e-30)
    for k in range(3):
        block[k * TILE] = knots[i, k] - light.eye[k]
        block[(3 + k) * TILE] = (knots[a + 1, k] - knots[a, k]) * length
        block[(6 + k) * TILE] = outward[i, k]
        block[(9 + k) * TILE] = colour[i, k]
        block[(15 + k) * TILE] = sky[root, k] if root >= 0 else 0.0
    block[12 * TILE], block[13 * TILE], block[14 * TILE] = openness[i], gloss, jitter
    block[18 * TILE] = sky[root, 6] if root >= 0 else -1.0
    before_knot(light, knots[i, 0], knots[i, 1], knots[i, 2], 0, block, 19)
    _hair(block, shared, 1)
    for k in range(3):
        lit[i, k] = block[(OUT + k) * TILE]


@inlined
def _room(samples, i, j, w):
    """Share of the four samples of a pixel that lets hair at 1 / depth `w` be seen."""
    room = 0.0
    for r in range(2 * i, 2 * i + 2):
        for c in range(2 * j, 2 * j + 2):
            behind = samples[r, c]
            if behind <= 0.0 or w * (1.0 + ROOT_TOLERANCE * behind) >= behind:
                room += 0.25
    return room


@compiled
def _draw(x0, y0, w0, x1, y1, w1, pixels, lit, a, hair, cover, depth, samples):
    """One straight piece, `pixels` wide; thinner than a pixel it becomes fainter instead of narrower."""
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx + dy * dy
    opacity = min(1.0, pixels)
    if length2 < 1e-8 or opacity <= 0.004:
        return
    length = math.sqrt(length2)
    inverse, inverse2 = 1.0 / length, 1.0 / length2
    half = 0.5 * max(pixels, 1.0)
    reach = half + 0.5
    flat = abs(dy) <= 1e-3 * length
    slope, steep = (0.0, 0.0) if flat else (dx / dy, 1.0 / abs(dy))
    top = max(0, math.floor(min(y0, y1) - reach))
    bottom = min(depth.shape[0] - 1, math.floor(max(y0, y1) + reach))
    left = max(0, math.floor(min(x0, x1) - reach))
    right = min(depth.shape[1] - 1, math.floor(max(x0, x1) + reach))
    for i in range(top, bottom + 1):
        py = i + 0.5 - y0
        first, last = left, right
        if steep > 0.0:  # where this row crosses the band of `reach` on both sides of the line
            middle, spread = x0 + py * slope - 0.5, reach * length * steep
            first, last = max(left, math.floor(middle - spread)), min(right, math.ceil(middle + spread))
        for j in range(first, last + 1):
            covered = cover[i, j]
            if covered > FULL:
                continue
            px = j + 0.5 - x0
            t = (px * dx + py * dy) * inverse2
            near = min(1.0, half + 0.5 - abs(px * dy - py * dx) * inverse)
            if t < 0.0 or t >= 1.0 or near <= 0.0:
                continue
            room, w, behind = 1.0, w0 + (w1 - w0) * t, depth[i, j]
            if behind > 0.0 and w * (1.0 + ROOT_TOLERANCE * behind) < behind:
                # On the head's outline hair fills the rest of the pixel, or what is behind it would shine through.
                room = _room(samples, i, j, w)
                if room <= covered:
                    continue
            alpha = near * opacity * (room - covered)
            cover[i, j] = covered + alpha
            for k in range(3):
                hair[i, j, k] += alpha * (lit[a, k] + (lit[a + 1, k] - lit[a, k]) * t)


@compiled
def blend_hair(hair, cover, picture):
    """Lay the hair over `picture` [H, W, 3]."""
    for i in range(cover.shape[0]):
        for j in range(cover.shape[1]):
            covered = cover[i, j]
            if covered > FULL:
                for k in range(3):
                    picture[i, j, k] = hair[i, j, k] / covered
            elif covered > 0.0:
                share = 1.0 / FULL
                for k in range(3):
                    picture[i, j, k] = share * hair[i, j, k] + (1.0 - share * covered) * picture[i, j, k]
