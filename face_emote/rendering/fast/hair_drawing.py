"""Strands on the picture: antialiased ribbons, drawn from the nearest on, until a pixel is full of hair."""

import math

from face_emote.rendering.fast.shade import tone_mapped
from face_emote.rendering.stage.hair_kernels import light_knot
from face_emote.rendering.stage.kernels import compiled, inlined

ROOT_TOLERANCE = 0.0016
"""A strand may lie this deep behind the surface (metres) and still show: roots sit in the skin."""
FULL = 0.90
"""Coverage from which a pixel takes no more hair and counts as full: what is under there would not be seen."""
NUM_BUCKETS = 4096


@compiled
def project_knots(knots, view, focal, centre_x, centre_y, screen):
    """Screen [knot, 3]: pixel x, pixel y, 1 / depth."""
    for i in range(knots.shape[0]):
        x, y, z = knots[i, 0], knots[i, 1], knots[i, 2]
        cx = view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3]
        cy = view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3]
        inverse = 1.0 / max(-(view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3]), 1e-4)
        screen[i, 0] = centre_x + focal * cx * inverse
        screen[i, 1] = centre_y - focal * cy * inverse
        screen[i, 2] = inverse


@inlined
def _hidden(screen, i, depth):
    """Whether the head is before a knot."""
    row, column = int(screen[i, 1]), int(screen[i, 0])
    if row < 0 or column < 0 or row >= depth.shape[0] or column >= depth.shape[1]:
        return True
    behind = depth[row, column]
    return behind > 0.0 and screen[i, 2] * (1.0 + ROOT_TOLERANCE * behind) < behind


@compiled
def nearest_first(screen, segment, depth, bucket, count, order):
    """Indices of the segments that may be seen, from near to far; returns how many.

    `segment` [n] holds the knot at the start of each, `bucket` [n] and `count` [NUM_BUCKETS + 1] are scratch. Within
    a bucket (a quarter of a millimetre or so) the order is that of the list.
    """
    nearest, farthest = 0.0, 1e9
    for n in range(segment.shape[0]):
        w = screen[segment[n], 2]
        nearest, farthest = max(nearest, w), min(farthest, w)
    scale = (NUM_BUCKETS - 1) / max(nearest - farthest, 1e-9)
    count[:] = 0
    for n in range(segment.shape[0]):
        a = segment[n]
        bucket[n] = -1
        if _hidden(screen, a, depth) and _hidden(screen, a + 1, depth):
            continue
        b = int((nearest - screen[a, 2]) * scale)
        bucket[n] = b
        count[b + 1] += 1
    for b in range(NUM_BUCKETS):
        count[b + 1] += count[b]
    total = count[NUM_BUCKETS]
    for n in range(segment.shape[0]):
        b = bucket[n]
        if b >= 0:
            order[count[b]] = n
            count[b] += 1
    return total


@compiled
def draw_segments(
    order, num_seen, screen, segment, segment_strand, knots, outward, width, colour, openness, gloss, jitter, sky_root,
    sky, light, overhead, focal, lit, scratch, hair, cover, depth, samples,
):  # fmt: skip
    """Fill `hair` [H, W, 3] (premultiplied, tone-mapped) and `cover` [H, W] with the segments in `order`.

    `depth` [H, W] and `samples` [2 H, 2 W] hold 1 / depth of the head. `lit` [knot, 3] is negative where a knot has
    not been lit yet; `scratch` [5, 7] is work space.
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
                    i, a, knots, outward, colour, openness, gloss[s], jitter[s], sky_root[s], sky, light, overhead,
                    scratch, lit,
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
def _light(i, a, knots, outward, colour, openness, gloss, jitter, root, sky, light, overhead, scratch, lit):
    """Light one knot of the segment that starts at `a`, along that segment's direction."""
    p, t, n, out, root_sky = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    length = 0.0
    for k in range(3):
        p[k] = knots[i, k]
        t[k] = knots[a + 1, k] - knots[a, k]
        n[k] = outward[i, k]
        length += t[k] * t[k]
    length = 1.0 / math.sqrt(length + 1e-30)
    for k in range(3):
        t[k] *= length
    if root >= 0:
        for k in range(7):
            root_sky[k] = sky[root, k]
    else:
        root_sky[6] = -1.0
    light_knot(light, overhead, p, t, n, colour[i], gloss, jitter, openness[i], root_sky, out)
    tone_mapped(out, 1.0)
    for k in range(3):
        lit[i, k] = out[k]


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
