"""What the differentiable renderer runs on a CPU: its steps and their ways back, one thread, single precision.

Each has a twin in plain torch beside the code that calls it, which says what it computes; tests hold the two together.
`*_back` kernels add to the gradients they are given. Arrays of points are [batch * point, channel].
"""

import math

import numpy as np

from face_emote.rendering.stage.kernels import compiled, inlined, seen_from, sum_normals


@compiled
def normals(points, triangles, total, out):
    """Area-weighted unit normals `out` and their sums before they are made unit, `total`; both [point, 3]."""
    sum_normals(points, triangles, total)
    for i in range(out.shape[0]):
        length = math.sqrt(total[i, 0] ** 2 + total[i, 1] ** 2 + total[i, 2] ** 2)
        scale = 1.0 / length if length > 1e-30 else 0.0
        for k in range(3):
            out[i, k] = total[i, k] * scale


@compiled
def normals_back(points, triangles, total, given, out):
    """Gradient of `points` from that of the unit normals. `given` [point, 3] is overwritten."""
    for i in range(given.shape[0]):
        x, y, z = total[i, 0], total[i, 1], total[i, 2]
        length = math.sqrt(x * x + y * y + z * z)
        scale = 1.0 / length if length > 1e-30 else 0.0
        x, y, z = x * scale, y * scale, z * scale
        along = x * given[i, 0] + y * given[i, 1] + z * given[i, 2]
        given[i, 0] = (given[i, 0] - along * x) * scale
        given[i, 1] = (given[i, 1] - along * y) * scale
        given[i, 2] = (given[i, 2] - along * z) * scale
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        gx = given[a, 0] + given[b, 0] + given[c, 0]
        gy = given[a, 1] + given[b, 1] + given[c, 1]
        gz = given[a, 2] + given[b, 2] + given[c, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        # n = u x v: the gradient of u is v x g, that of v is g x u.
        dux, duy, duz = vy * gz - vz * gy, vz * gx - vx * gz, vx * gy - vy * gx
        dvx, dvy, dvz = gy * uz - gz * uy, gz * ux - gx * uz, gx * uy - gy * ux
        out[b, 0] += dux
        out[b, 1] += duy
        out[b, 2] += duz
        out[c, 0] += dvx
        out[c, 1] += dvy
        out[c, 2] += dvz
        out[a, 0] -= dux + dvx
        out[a, 1] -= duy + dvy
        out[a, 2] -= duz + dvz


@compiled
def project_back(points, view, focal, nearest, given, out):
    """The way back of `stage.kernels.project`: from gradients of (x, y, depth, 1 / depth) to those of the points."""
    for i in range(points.shape[0]):
        cx, cy, depth = seen_from(view, points, i)
        inverse = 1.0 / max(depth, nearest)
        gx, gy = given[i, 0] * focal * inverse, -given[i, 1] * focal * inverse
        gw = given[i, 3] + focal * (given[i, 0] * cx - given[i, 1] * cy)
        gz = given[i, 2] - gw * inverse * inverse if depth > nearest else 0.0
        for k in range(3):
            out[i, k] = gx * view[0, k] + gy * view[1, k] - gz * view[2, k]


@inlined
def _crossing(near, far, share, columns, rows):
    """The pixel that an edge reaches into, and its number in the frame."""
    sample = far if share > 0.0 else near
    frame, at = sample // (columns * rows), sample % (columns * rows)
    inside = (at // columns // 2) * (columns // 2) + at % columns // 2
    return frame * (columns // 2) * (rows // 2) + inside


@inlined
def _sample_pixel(sample, columns, rows):
    at = sample % (columns * rows)
    return (at // columns // 2) * (columns // 2) + at % columns // 2


@compiled
def compose(colours, backdrop, pixel, share, member, near, far, reach, rows, columns, out):
    """Pictures `out` [batch * pixel, 4] of light and coverage.

    `colours` [fragment, 3], `backdrop` [pixel, 3], `member` flat over the samples, of which a frame has
    `rows` x `columns`; `near`, `far` [crossing] samples, `reach` [crossing].
    """
    pixels = backdrop.shape[0]
    out[:] = 0.0
    for i in range(pixel.shape[0]):
        at, s = pixel[i], share[i]
        for k in range(3):
            out[at, k] += colours[i, k] * s
        out[at, 3] += s
    for at in range(out.shape[0]):
        left = 1.0 - out[at, 3]
        if left > 0.0:
            for k in range(3):
                out[at, k] += left * backdrop[at % pixels, k]
    for i in range(near.shape[0]):
        at = _crossing(near[i], far[i], reach[i], columns, rows)
        one, two = member[near[i]], member[far[i]]
        p, q = _sample_pixel(near[i], columns, rows), _sample_pixel(far[i], columns, rows)
        for k in range(3):
            a = colours[one, k] if one >= 0 else backdrop[p, k]
            b = colours[two, k] if two >= 0 else backdrop[q, k]
            out[at, k] += 0.25 * reach[i] * (a - b)
        out[at, 3] += 0.25 * reach[i] * ((1.0 if one >= 0 else 0.0) - (1.0 if two >= 0 else 0.0))


@compiled
def compose_back(colours, backdrop, pixel, share, member, near, far, reach, rows, columns, given, out, reach_out):
    """The way back of `compose` to the colours and to `reach`; `given` [batch * pixel, 4]."""
    for i in range(pixel.shape[0]):
        for k in range(3):
            out[i, k] = given[pixel[i], k] * share[i]
    for i in range(near.shape[0]):
        at = _crossing(near[i], far[i], reach[i], columns, rows)
        one, two = member[near[i]], member[far[i]]
        p, q = _sample_pixel(near[i], columns, rows), _sample_pixel(far[i], columns, rows)
        total = given[at, 3] * ((1.0 if one >= 0 else 0.0) - (1.0 if two >= 0 else 0.0))
        for k in range(3):
            g = given[at, k]
            if one >= 0:
                total += g * colours[one, k]
                out[one, k] += 0.25 * reach[i] * g
            else:
                total += g * backdrop[p, k]
            if two >= 0:
                total -= g * colours[two, k]
                out[two, k] -= 0.25 * reach[i] * g
            else:
                total -= g * backdrop[q, k]
        reach_out[i] = 0.25 * total


@compiled
def facing(screen, triangles, out):
    """Whether each triangle shows its outside; one more entry, False, stands for no triangle."""
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = screen[a, 0], screen[a, 1]
        out[t] = (screen[b, 0] - x0) * (screen[c, 1] - y0) - (screen[c, 0] - x0) * (screen[b, 1] - y0) < 0.0
    out[triangles.shape[0]] = False


@compiled
def edge_crossings(screen, ends, sides, apex, faces, inverse_depth, gap, same, best, out):
    """Where silhouette edges pass between the centres of neighbouring samples, of one frame.

    `out` [crossing, 9] receives: near and far sample, the two ends, reach, its derivatives by x and y of both ends.
    `best` [2, 2, samples], all -1 before and after, holds the outermost crossing of every pair so far.
    Returns how many there are; where more than fit, they are counted, not written, and `best` is left as it is.
    """
    height, width = inverse_depth.shape
    depth = inverse_depth
    found = 0
    for e in range(ends.shape[0]):
        first = faces[sides[e, 0]]
        if first == faces[sides[e, 1]]:
            continue
        p, q = ends[e, 0], ends[e, 1]
        o = apex[e, 0] if first else apex[e, 1]
        dx, dy = abs(screen[q, 0] - screen[p, 0]), abs(screen[q, 1] - screen[p, 1])
        along = 0 if dy >= dx else 1
        over = 1 - along
        lines, steps = (height, width) if along == 0 else (width, height)
        low, high = min(screen[p, over], screen[q, over]), max(screen[p, over], screen[q, over])
        start, stop = max(0, math.ceil(low - 0.5)), min(lines, math.ceil(high - 0.5))
        if start >= stop:
            continue
        pa, po = np.float64(screen[p, along]), np.float64(screen[p, over])
        da, do = np.float64(screen[q, along]) - pa, np.float64(screen[q, over]) - po
        leads = screen[o, along] < pa + (screen[o, over] - po) / do * da
        for line in range(start, stop):
            t = (line + 0.5 - po) / do
            at = pa + t * da
            before = math.floor(at - 0.5)
            if before < 0 or before >= steps - 1:
                continue
            i, j = (line, before) if along == 0 else (before, line)
            i1, j1 = (i, j + 1) if along == 0 else (i + 1, j)
            one, two = i * width + j, i1 * width + j1
            near_w, far_w = (depth[i, j], depth[i1, j1]) if leads else (depth[i1, j1], depth[i, j])
            w = screen[p, 3] + t * (screen[q, 3] - screen[p, 3])
            if w <= far_w * (1.0 + gap) or w * (1.0 + same) <= near_w:
                continue
            share = at - (before + 1.0)
            sign = 1.0
            if not leads:
                share, sign = -share, -1.0
            key = 1 if leads else 0
            known = best[along, key, one]
            if 0 <= known < out.shape[0] and out[known, 4] > share:
                continue
            number = known if known >= 0 else found
            if known < 0:
                best[along, key, one] = found
                found += 1
            if number >= out.shape[0]:
                continue
            out[number, 0], out[number, 1] = (one, two) if leads else (two, one)
            out[number, 2], out[number, 3], out[number, 4] = p, q, share
            _write_slopes(out, number, along, over, t, sign, sign * da / do)
    if found <= out.shape[0]:
        _forget(best, out, found)
    return found


@inlined
def _write_slopes(out, number, along, over, t, sign, slope):
    """Derivatives of a crossing's reach by x and y of both ends of its edge."""
    out[number, 5 + along], out[number, 5 + over] = sign * (1.0 - t), -slope * (1.0 - t)
    out[number, 7 + along], out[number, 7 + over] = sign * t, -slope * t


@inlined
def _forget(best, out, found):
    """`best` as it was before the crossings were found."""
    for number in range(found):
        one = int(min(out[number, 0], out[number, 1]))
        for k in range(4):
            best[k >> 1, k & 1, one] = -1
