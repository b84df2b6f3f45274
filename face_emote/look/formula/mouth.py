"""Inside the mouth: light that comes through the lips, teeth, gums, tongue; the numbers are those of `look.teeth`."""

from face_emote.look import teeth
from face_emote.look.formula.light import highlights, sky_share, view_of, wrapped
from face_emote.look.formula.ops import (
    Number,
    Vec,
    absolute,
    dot,
    exp,
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
from face_emote.look.formula.records import Age, Inner, Lights, Opening, Own, Skies, Spot


def front_light(forward: Vec, skies: Skies) -> Vec:
    """Irradiance of the sky on a surface that faces out of the mouth, unshadowed."""
    out = Vec(0.0, 0.0, 0.0)
    for lamp in skies.lamp:
        out = out + lamp.colour * sky_share(dot(lamp.direction, forward))
    return out


def through_lips(offset: Vec, opening: Opening) -> tuple[Number, Number]:
    """Share of what lies before the mouth that a place inside sees, and how far behind the lips it lies.

    The form factor of a slot bent round the teeth: with d the depth, h the half height and y the height over its
    middle, a facing element receives ((h - y) / sqrt((h - y)^2 + d^2) + (h + y) / sqrt((h + y)^2 + d^2)) / 2; the same
    with the width gives the other factor.
    """
    x, y, z = (dot(offset, axis) for axis in (opening.right, opening.up, opening.forward))
    across = x / opening.half_width
    bent = minimum(across * across, 1.0)
    behind = -opening.sag * bent - z
    depth = maximum(behind, teeth.LEAST_DEPTH)

    def slot(place: Number, half: Number) -> Number:
        above, below, square = half - place, half + place, depth * depth
        both = above / sqrt(above * above + square) + below / sqrt(below * below + square)
        return maximum(0.5 * both, 0.0)

    high = slot(y - opening.lift * bent, opening.half_height * sqrt(1.0 - bent + 1e-12))
    return power(maximum(high * slot(x, opening.half_width), 1e-9), teeth.THROUGH), behind


def light_mouth(inner: Inner, opening: Opening, lights: Lights) -> tuple[Vec, Vec, Number]:
    """Sky light on plain materials and on skin, and openness, of a point inside the mouth."""
    through, behind = through_lips(inner.point - opening.middle, opening)
    key = maximum(dot(lights.key.direction, opening.forward), 0.0) * teeth.BOUNCE_KEY
    area = opening.half_width * opening.half_height
    walls = vec(teeth.BOUNCE) * (opening.front + lights.key.colour * key) * (area / (area + teeth.BOUNCE_SIDE**2))
    towards = maximum(dot(inner.normal, opening.forward), 0.0)
    inside = opening.front * (through * (1.0 - teeth.FACING * (1.0 - towards)))
    inside = inside + walls * exp(maximum(behind, teeth.LEAST_DEPTH) * (-1.0 / teeth.BOUNCE_DEPTH))
    lining = inner.lining > 0.5
    share = where(lining, smoothstep((0.0, teeth.LINING_BLEND), behind), 1.0)
    # Walls that look inwards see none of the fill and the rim light.
    opened = mix(inner.openness, through * where(lining, towards, 1.0), share)
    return mix(inner.sky, inside, share), mix(inner.skin_sky, inside, share), opened


def _received(spot: Spot, lights: Lights, *, normal: Vec, wrap: float, seen: Number) -> Vec:
    """Diffuse light inside the mouth: all of it has come through the lips, none from the lamp behind the head."""
    key = wrapped(dot(normal, lights.key.direction), wrap) * seen * mix(teeth.KEY_OPEN, 1.0, spot.openness)
    fill = wrapped(dot(normal, lights.fill.direction), wrap) * spot.openness
    found: Vec = lights.key.colour * key + lights.fill.colour * fill + spot.sky
    return found


def enamel(crown: Vec, *, age: Number, mottle: Number) -> Vec:
    """Albedo of a crown: warm at the gum, blue-grey at the edge; `crown` as `teeth.crown_coordinates`."""
    height, across, warmth = crown
    body = mix(vec(teeth.ENAMEL), vec(teeth.ENAMEL_NECK), smoothstep(teeth.NECK, height))
    body = body * (1.0 + (vec(teeth.ENAMEL_WARM) - 1.0) * warmth) * (1.0 + (vec(teeth.ENAMEL_OLD) - 1.0) * age)
    edge = teeth.EDGE_SHARE * smoothstep(teeth.EDGE, height + 0.10 * (mottle - 0.5))
    body = mix(body, vec(teeth.ENAMEL_EDGE), edge) * (1.0 + teeth.ENAMEL_MOTTLE * (mottle - 0.5))
    found: Vec = body * (1.0 + (vec(teeth.BETWEEN_FLOOR) - 1.0) * smoothstep(teeth.BETWEEN, absolute(across)))
    return found


def shade_tooth(spot: Spot, own: Own, lights: Lights, person: Age) -> Vec:
    """Linear, scene-referred light from wet enamel."""
    n = unit(spot.normal)
    height, across, warmth = own.local
    colour = enamel(own.local, age=person.age, mottle=noise(Vec(across * 2.3, height * 3.1, warmth * 40.0)))
    lit = mix(teeth.ENAMEL_SHADOWED, 1.0, spot.seen)
    ripple = [
        teeth.ENAMEL_RIPPLE * (noise(Vec(across * 3.0, height * 7.0, warmth * cells)) - 0.5) for cells in (60.0, 80.0)
    ]
    glare = highlights(
        lights, unit(n + Vec(ripple[0], ripple[1], 0.0)), view_of(spot), roughness=teeth.ENAMEL_ROUGHNESS,
        f0=teeth.ENAMEL_F0, strength=1.0, seen=spot.seen * spot.openness, openness=spot.openness,
        rim_seen=0.0,
    )  # fmt: skip
    return colour * _received(spot, lights, normal=n, wrap=teeth.ENAMEL_WRAP, seen=lit) + glare


def _bumpy(n: Vec, at: Vec, height: Number, amount: float) -> Vec:
    """The normal bent by the slope of noise around a place, where it is `height`."""
    steps = (Vec(0.25, 0.0, 0.0), Vec(0.0, 0.25, 0.0), Vec(0.0, 0.0, 0.25))
    return unit(n - Vec(*(noise(at + step) - height for step in steps)) * (4.0 * amount))


def _flesh(spot: Spot, lights: Lights, *, albedo: Vec, n: Vec, bent: Vec, roughness: float, f0: float) -> Vec:
    lit = _received(spot, lights, normal=(n + bent) * 0.5, wrap=teeth.FLESH_WRAP, seen=spot.seen)
    glare = highlights(
        lights, bent, view_of(spot), roughness=roughness, f0=f0, strength=teeth.WET_STRENGTH,
        seen=spot.seen * spot.openness, openness=spot.openness,
        rim_seen=0.0,
    )  # fmt: skip
    return albedo * lit + glare


def shade_gum(spot: Spot, own: Own, lights: Lights) -> Vec:
    """Blotched pink, stippled, wet."""
    n, (wide, fine) = unit(spot.normal), (own.local * scale for scale in teeth.GUM_SCALE)
    albedo = vec(teeth.GUM) * (1.0 + teeth.GUM_MOTTLE * (noise(wide) - 0.5))
    bent = _bumpy(n, fine, noise(fine), teeth.GUM_STIPPLE)
    return _flesh(spot, lights, albedo=albedo, n=n, bent=bent, roughness=teeth.GUM_ROUGHNESS, f0=teeth.GUM_F0)


def tongue_colour(z: Number) -> Vec:
    """A paler back, by the place at rest."""
    found: Vec = mix(vec(teeth.TONGUE), vec(teeth.TONGUE_COAT), smoothstep(teeth.TONGUE_COAT_REACH, z))
    return found


def shade_tongue(spot: Spot, own: Own, lights: Lights) -> Vec:
    """Papillae with gaps between them, a groove along the middle, wet."""
    n, at = unit(spot.normal), own.local * teeth.TONGUE_SCALE
    bud, aside = noise(at), own.local.x * (1.0 / teeth.TONGUE_GROOVE)
    groove = teeth.TONGUE_GROOVE_SHADE * exp(-aside * aside)
    albedo = tongue_colour(own.local.z) * ((1.0 - teeth.TONGUE_PIT * (1.0 - bud)) * (1.0 - groove))
    bent = _bumpy(n, at, bud, teeth.TONGUE_RELIEF)
    return _flesh(spot, lights, albedo=albedo, n=n, bent=bent, roughness=teeth.TONGUE_ROUGHNESS, f0=teeth.TONGUE_F0)
