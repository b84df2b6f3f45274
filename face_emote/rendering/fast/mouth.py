"""Inside the mouth: light that comes through the lips, teeth, gums, tongue.

The numbers are those of `skin.teeth`, the formulas are written out in docs/shading.md.
"""

import math

from face_emote.look import teeth
from face_emote.look.reflection import SKY_NEAR
from face_emote.rendering.fast.lighting import smoothstep, value_noise, wrapped
from face_emote.rendering.fast.materials import add_highlights
from face_emote.rendering.stage.kernels import compiled, inlined

MIDDLE, RIGHT, UP, FORWARD, SIZE, BEND = range(6)
"""Rows of `skin.teeth.MouthOpening.rows`."""


@inlined
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inlined
def _slot(x, half, depth):
    above, below = half - x, half + x
    return 0.5 * (
        above / math.sqrt(above * above + depth * depth) + below / math.sqrt(below * below + depth * depth)
    )  # fmt: skip


@inlined
def _received(out, albedo, light, nx, ny, nz, wrap, key_seen, sky):
    """Diffuse light inside the mouth: all of it has come through the lips."""
    d, c = light.directions, light.colours
    key = wrapped(nx * d[0, 0] + ny * d[0, 1] + nz * d[0, 2], wrap) * key_seen
    key *= teeth.KEY_OPEN + (1.0 - teeth.KEY_OPEN) * sky[6]
    fill = wrapped(nx * d[1, 0] + ny * d[1, 1] + nz * d[1, 2], wrap) * sky[6]
    for k in range(3):
        out[k] = albedo[k] * (key * c[0, k] + fill * c[1, k] + sky[k])


@compiled
def light_mouth(points, normals, inner, lining, mouth, sky_frames, sky_colours, light, sky):
    """Replace the sky light of points inside the mouth by what comes through the lips and from the mouth's walls.

    `inner` [k] are their indices, of which the first `lining` belong to the lining; `mouth` [6, 3] is the opening;
    `sky` [point, 7] is as `ambient.sky_light` leaves it; of the points after the lining it is not read.
    """
    front, bounce = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    width, tall = mouth[SIZE, 0], mouth[SIZE, 1]
    area = width * tall / (width * tall + teeth.BOUNCE_SIDE**2)
    key = max(0.0, _dot(light.directions[0], mouth[FORWARD])) * teeth.BOUNCE_KEY
    for d in range(sky_colours.shape[0]):
        facing = max(0.0, (_dot(sky_frames[d, 2], mouth[FORWARD]) + SKY_NEAR) / (1.0 + SKY_NEAR))
        front = (
            front[0] + facing * sky_colours[d, 0],
            front[1] + facing * sky_colours[d, 1],
            front[2] + facing * sky_colours[d, 2],
        )
    bounce = (
        area * teeth.BOUNCE[0] * (front[0] + key * light.colours[0, 0]),
        area * teeth.BOUNCE[1] * (front[1] + key * light.colours[0, 1]),
        area * teeth.BOUNCE[2] * (front[2] + key * light.colours[0, 2]),
    )
    for k in range(inner.shape[0]):
        i = inner[k]
        dx, dy, dz = points[i, 0] - mouth[0, 0], points[i, 1] - mouth[0, 1], points[i, 2] - mouth[0, 2]
        x = dx * mouth[RIGHT, 0] + dy * mouth[RIGHT, 1] + dz * mouth[RIGHT, 2]
        y = dx * mouth[UP, 0] + dy * mouth[UP, 1] + dz * mouth[UP, 2]
        z = dx * mouth[FORWARD, 0] + dy * mouth[FORWARD, 1] + dz * mouth[FORWARD, 2]
        bent = min(1.0, (x / width) ** 2)
        behind = -mouth[BEND, 0] * bent - z
        depth = max(teeth.LEAST_DEPTH, behind)
        through = max(0.0, _slot(y - mouth[BEND, 1] * bent, tall * math.sqrt(1.0 - bent), depth))
        through = (through * max(0.0, _slot(x, width, depth))) ** teeth.THROUGH
        share = smoothstep(0.0, teeth.LINING_BLEND, behind)
        towards = max(0.0, _dot(normals[i], mouth[FORWARD]))
        facing = 1.0 - teeth.FACING * (1.0 - towards)
        deep = math.exp(-depth / teeth.BOUNCE_DEPTH)
        for c in range(3):
            inside = front[c] * through * facing + bounce[c] * deep
            if k < lining:
                sky[i, c] += share * (inside - sky[i, c])
                sky[i, 3 + c] += share * (inside - sky[i, 3 + c])
            else:
                sky[i, c] = inside
                sky[i, 3 + c] = inside
        sky[i, 6] = through if k >= lining else sky[i, 6] + share * (through * towards - sky[i, 6])


@compiled
def shade_tooth(out, albedo, look, light, sky, n, v, seen, crown):
    """Enamel: warm at the gum, blue-grey at the edge, wet; `crown` [3] as `skin.teeth.crown_coordinates`."""
    height, across, warmth = crown[0], crown[1], crown[2]
    mottle = value_noise(across * 2.3, height * 3.1, warmth * 40.0)
    neck = smoothstep(teeth.NECK[0], teeth.NECK[1], height)
    edge = teeth.EDGE_SHARE * smoothstep(teeth.EDGE[0], teeth.EDGE[1], height + 0.10 * (mottle - 0.5))
    between = smoothstep(teeth.BETWEEN[0], teeth.BETWEEN[1], abs(across))
    for k in range(3):
        colour = teeth.ENAMEL[k] + neck * (teeth.ENAMEL_NECK[k] - teeth.ENAMEL[k])
        colour *= 1.0 + warmth * (teeth.ENAMEL_WARM[k] - 1.0)
        colour *= 1.0 + look.age * (teeth.ENAMEL_OLD[k] - 1.0)
        colour += edge * (teeth.ENAMEL_EDGE[k] - colour)
        colour *= 1.0 + teeth.ENAMEL_MOTTLE * (mottle - 0.5)
        albedo[k] = colour * (1.0 + between * (teeth.BETWEEN_FLOOR[k] - 1.0))
    opened = sky[6]
    lit = teeth.ENAMEL_SHADOWED + (1.0 - teeth.ENAMEL_SHADOWED) * seen
    _received(out, albedo, light, n[0], n[1], n[2], teeth.ENAMEL_WRAP, lit, sky)
    bump = teeth.ENAMEL_RIPPLE
    bx = n[0] + bump * (value_noise(across * 3.0, height * 7.0, warmth * 60.0) - 0.5)
    by = n[1] + bump * (value_noise(across * 3.0, height * 7.0, warmth * 80.0) - 0.5)
    inverse = 1.0 / math.sqrt(bx * bx + by * by + n[2] * n[2] + 1e-12)
    add_highlights(
        out, light, bx * inverse, by * inverse, n[2] * inverse, v[0], v[1], v[2],
        teeth.ENAMEL_ROUGHNESS, teeth.ENAMEL_F0, 1.0, seen * opened, opened,
    )  # fmt: skip


@inlined
def _bumpy(n, x, y, z, height, amount, bent):
    """Bend n by the gradient of noise around (x, y, z), where it is `height`."""
    gx = value_noise(x + 0.25, y, z) - height
    gy = value_noise(x, y + 0.25, z) - height
    gz = value_noise(x, y, z + 0.25) - height
    bx, by, bz = n[0] - 4.0 * amount * gx, n[1] - 4.0 * amount * gy, n[2] - 4.0 * amount * gz
    inverse = 1.0 / math.sqrt(bx * bx + by * by + bz * bz + 1e-12)
    bent[0], bent[1], bent[2] = bx * inverse, by * inverse, bz * inverse


@compiled
def shade_gum(out, scratch, light, sky, n, v, seen, rest):
    """Gums: blotched pink, stippled, wet."""
    albedo, bent, _ = scratch
    a, b = teeth.GUM_SCALE
    blotch = value_noise(rest[0] * a, rest[1] * a, rest[2] * a)
    grain = value_noise(rest[0] * b, rest[1] * b, rest[2] * b)
    for k in range(3):
        albedo[k] = teeth.GUM[k] * (1.0 + teeth.GUM_MOTTLE * (blotch - 0.5))
    _bumpy(n, rest[0] * b, rest[1] * b, rest[2] * b, grain, teeth.GUM_STIPPLE, bent)
    _shade_flesh(out, albedo, light, sky, n, bent, v, seen, teeth.GUM_ROUGHNESS, teeth.GUM_F0)


@compiled
def shade_tongue(out, scratch, light, sky, n, v, seen, rest):
    """Tongue: papillae with gaps between them, a groove along its middle, a paler back, wet."""
    albedo, bent, _ = scratch
    s = teeth.TONGUE_SCALE
    bud = value_noise(rest[0] * s, rest[1] * s, rest[2] * s)
    coat = smoothstep(teeth.TONGUE_COAT_REACH[0], teeth.TONGUE_COAT_REACH[1], rest[2])
    groove = teeth.TONGUE_GROOVE_SHADE * math.exp(-((rest[0] / teeth.TONGUE_GROOVE) ** 2))
    pit = (1.0 - teeth.TONGUE_PIT * (1.0 - bud)) * (1.0 - groove)
    for k in range(3):
        albedo[k] = (teeth.TONGUE[k] + coat * (teeth.TONGUE_COAT[k] - teeth.TONGUE[k])) * pit
    _bumpy(n, rest[0] * s, rest[1] * s, rest[2] * s, bud, teeth.TONGUE_RELIEF, bent)
    _shade_flesh(out, albedo, light, sky, n, bent, v, seen, teeth.TONGUE_ROUGHNESS, teeth.TONGUE_F0)


@inlined
def _shade_flesh(out, albedo, light, sky, n, bent, v, seen, roughness, f0):
    opened = sky[6]
    x, y, z = 0.5 * (n[0] + bent[0]), 0.5 * (n[1] + bent[1]), 0.5 * (n[2] + bent[2])
    _received(out, albedo, light, x, y, z, teeth.FLESH_WRAP, seen, sky)
    add_highlights(
        out, light, bent[0], bent[1], bent[2], v[0], v[1], v[2], roughness, f0, teeth.WET_STRENGTH, seen * opened,
        opened,
    )  # fmt: skip
