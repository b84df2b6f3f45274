"""The wet eye: iris seen through a refracting cornea, sclera with vessels, tear line, mirrored lights.

Lengths without a unit are radii of the eyeball; docs/shading.md has the table of steps.
"""

from face_emote.look import eyes
from face_emote.look.formula.light import highlights, plain_diffuse, view_of
from face_emote.look.formula.ops import (
    Number,
    Vec,
    absolute,
    distance,
    dot,
    maximum,
    minimum,
    mix,
    noise,
    power,
    smoothstep,
    sqrt,
    unit,
    vec,
    where,
)
from face_emote.look.formula.records import EyeLook, EyePlace, Lights, Own, Spot


def trace_cornea(place: Vec, towards: Vec) -> tuple[Number, Number, Vec]:
    """From where a ray meets the ball, and a unit vector to the camera: x, y on the iris plane, the cornea's normal."""
    start = place - Vec(0.0, 0.0, eyes.CORNEA_CENTRE)
    along = dot(start, towards)
    inside = along * along - (dot(start, start) - eyes.CORNEA_RADIUS**2)
    entry = start + towards * (sqrt(maximum(inside, 1e-12)) - along)
    normal = unit(entry)
    cosine = maximum(dot(normal, towards), 0.0)
    bend = eyes.REFRACTION * cosine - sqrt(1.0 - eyes.REFRACTION**2 * (1.0 - cosine * cosine))
    inwards = normal * bend - towards * eyes.REFRACTION
    reach = (eyes.IRIS_PLANE - eyes.CORNEA_CENTRE - entry.z) / minimum(inwards.z, -0.2)
    return entry.x + reach * inwards.x, entry.y + reach * inwards.y, normal


def iris(x: Number, y: Number, *, look: EyeLook, caustic: Number) -> Vec:
    """Colour at (x, y) of the iris plane; `caustic(r, x, y)` is the light that the cornea gathers there."""
    out = sqrt(x * x + y * y + 1e-9)
    r, cx, cy = out * (1.0 / eyes.IRIS_RADIUS), x / out, y / out
    fibres = 0.0
    for cells, along, offset, share in eyes.FIBRES:
        fibres = fibres + share * noise(Vec(cx * cells, cy * cells, r * along + offset))
    begin, end, amount = eyes.COLLARETTE
    collar = amount * smoothstep((begin, end), r + 0.12 * (fibres - 0.5))
    width, depth = (mix(ends[0], ends[1], look.age) for ends in (eyes.LIMBAL_WIDTH, eyes.LIMBAL_DEPTH))
    light = caustic(r, cx, cy) * (1.0 - depth * smoothstep((1.0 - width, 1.03), r))
    light = light * smoothstep((look.pupil - eyes.PUPIL_EDGE, look.pupil + eyes.PUPIL_EDGE), r)
    light = light * (eyes.FIBRE_RANGE[0] + eyes.FIBRE_RANGE[1] * fibres) * (1.0 - 0.25 * r)
    found: Vec = look.iris * light * (1.0 + (vec(eyes.COLLARETTE_TINT) - 1.0) * collar)
    return found


def sclera(at: Vec, off_axis: Number, *, age: Number, redness: Number, corner: Number) -> Vec:
    """The white of the eye without the flesh of its corner; `off_axis` in limbus radii, `corner` redness of both."""
    warp = noise(Vec(at.x * 7.0 + 5.0, at.y * 7.0, at.z * 7.0))
    fine = noise(Vec(at.x * 11.0 + 2.0 * warp, at.y * 26.0 + 2.0 * warp, at.z * 11.0))
    branch = noise(Vec(at.x * 23.0 - 2.0 * warp, at.y * 41.0, at.z * 23.0 + 2.0 * warp))
    veins, branches = (power(1.0 - absolute(2.0 * n - 1.0), eyes.VESSEL_SHARPNESS) for n in (fine, branch))
    away = smoothstep((1.25, 2.6), off_axis)
    red = eyes.VESSELS * (1.0 + redness) * (veins + 0.6 * branches) * (0.25 + 0.75 * away)
    red = red + eyes.PINK * away + eyes.CORNER_PINK * corner
    red = minimum(red + eyes.FLUSH_REDNESS * redness * (0.35 + 0.65 * away), 0.85)
    found: Vec = mix(mix(vec(eyes.SCLERA_YOUNG), vec(eyes.SCLERA_OLD), age), vec(eyes.VESSEL), red)
    return found


def window(mirrored: Vec, towards: Vec) -> Number:
    """How much of the mirrored window, whose middle is `towards` (any length), lies in a direction."""
    w = unit(towards)
    along = dot(mirrored, w)
    ahead = maximum(along, 0.2)
    flat = w.x * w.x + w.z * w.z
    level = (1.0 / sqrt(flat + 1e-9)) / ahead
    across = absolute((mirrored.x * w.z - mirrored.z * w.x) * level)
    high = absolute((mirrored.y * flat - (mirrored.z * w.z + mirrored.x * w.x) * w.y) * level)
    (half, tall), e, b = eyes.WINDOW_HALF, eyes.WINDOW_EDGE, eyes.WINDOW_BAR
    pane = smoothstep((half + e, half - e), across) * smoothstep((tall + e, tall - e), high)
    bars = maximum(smoothstep((2.0 * b, 0.5 * b), across), smoothstep((2.0 * b, 0.5 * b), high))
    return where(along > 0.2, pane * (1.0 - eyes.WINDOW_BAR_SHADE * bars), 0.0)


def _mirrored(spot: Spot, lights: Lights, *, wet: Vec, v: Vec, lid: Number, cornea: Number) -> Vec:
    """Lights and sky in the tear film; `cornea` 1 on the cornea, 0 on the white."""
    facing = dot(wet, v)
    out = wet * (2.0 * facing) - v
    key = lights.key.direction
    pane = window(out, Vec(key.x, eyes.WINDOW_LOWERED * key.y, key.z))
    pane = pane * mix(eyes.WINDOW_SCLERA, eyes.WINDOW_CORNEA, cornea) * mix(eyes.WINDOW_SHADOWED, 1.0, spot.seen)
    disc = smoothstep((eyes.FILL_LOW, eyes.FILL_HIGH), dot(out, lights.fill.direction)) * eyes.FILL_MIRRORED * cornea
    fresnel = eyes.WET_F0 + (1.0 - eyes.WET_F0) * power(1.0 - maximum(facing, 0.0), 5.0)
    above = eyes.MIRRORED_SKY * fresnel * maximum(0.6 + 0.4 * out.y, 0.0) * spot.openness
    gloss = highlights(
        lights, wet, v, roughness=mix(eyes.GLOSS_SCLERA, eyes.GLOSS_CORNEA, cornea), f0=eyes.WET_F0, strength=lid,
        seen=spot.seen, openness=spot.openness,
    )  # fmt: skip
    found: Vec = lights.key.colour * (pane * lid) + lights.fill.colour * (disc * lid) + spot.sky * above + gloss
    return found


def _body(spot: Spot, place: EyePlace, *, at: Vec, v: Vec, key: Vec, look: EyeLook) -> tuple[Vec, Number, Number, Vec]:
    """Colour of iris and white, the share of white, that of cornea, and the wet surface's normal."""

    def turned(d: Vec) -> Vec:
        return Vec(dot(d, place.right), dot(d, place.up), dot(d, place.axis))

    n, towards, lamp = unit(spot.normal), turned(v), turned(key)
    off_axis = sqrt(at.x * at.x + at.y * at.y + 1e-9) * (1.0 / eyes.LIMBUS)
    white = smoothstep(eyes.WHITE, off_axis)
    near = off_axis < eyes.WHITE[1]
    # Beyond the rim rays may miss the cornea; their traces are not used, but must not spoil gradients.
    start = Vec(where(near, at.x, 0.0), where(near, at.y, 0.0), where(near, at.z, 1.0))
    x, y, bulging = trace_cornea(start, towards)
    cornea = where(near, smoothstep(eyes.CORNEA_RIM, off_axis), 0.0)
    bent = place.right * bulging.x + place.up * bulging.y + place.axis * bulging.z
    wet = unit(mix(n, bent, cornea))
    gathered = lambda r, cx, cy: maximum(1.0 - eyes.CAUSTIC * r * (cx * lamp.x + cy * lamp.y), 0.35)  # noqa: E731
    inner, outer = distance(spot.from_camera, place.inner), distance(spot.from_camera, place.outer)
    corner = maximum(smoothstep(eyes.CORNER_REACH, inner), smoothstep(eyes.CORNER_REACH, outer))
    ball = sclera(at, off_axis, age=look.age, redness=place.redness, corner=corner)
    ball = mix(ball, vec(eyes.CARUNCLE), smoothstep(eyes.CARUNCLE_REACH, inner))
    return mix(iris(x, y, look=look, caustic=gathered), ball, white), white, cornea, wet


def shade_eye(spot: Spot, own: Own, place: EyePlace, lights: Lights, look: EyeLook) -> Vec:
    """Linear, scene-referred light."""
    n, v, at = unit(spot.normal), view_of(spot), unit(own.local)
    colour, white, cornea, wet = _body(spot, place, at=at, v=v, key=lights.key.direction, look=look)
    out = plain_diffuse(spot, lights, albedo=colour, normal=n, wrap=eyes.SCLERA_WRAP * white)
    t, s = (
        minimum(far * (1.0 / reach), 1.0)
        for far, reach in ((place.clear, eyes.LID_SHADOW), (place.standing, eyes.SOCKET_REACH))
    )
    lid, socket = t * (2.0 - t), s * (2.0 - s)
    shade = mix(eyes.LID_FLOOR, 1.0, lid) * mix(eyes.SOCKET_FLOOR, 1.0, socket)
    out = out * Vec(*(power(shade, warmth) for warmth in eyes.LID_WARMTH))
    out = out + colour * vec(eyes.LID_GLOW) * lights.key.colour * (1.0 - shade)
    out = out + _mirrored(spot, lights, wet=wet, v=v, lid=lid, cornea=cornea)
    tear = smoothstep(eyes.TEAR, place.standing) * (1.0 + eyes.TEAR_FLOOD * place.redness)
    glare = highlights(
        lights, unit(n + place.up * eyes.TEAR_LIFT), v, roughness=eyes.TEAR_ROUGHNESS, f0=eyes.TEAR_F0, strength=tear,
        seen=spot.seen, openness=spot.openness,
    )  # fmt: skip
    found: Vec = out + glare + spot.sky * (eyes.TEAR_GLOW * tear)
    return found
