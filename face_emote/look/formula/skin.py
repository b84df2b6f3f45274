"""Pigmented, scattering skin; `look.reflection` and `look.colour` say what the numbers mean."""

from dataclasses import dataclass

from face_emote.look import colour as pigment
from face_emote.look import reflection
from face_emote.look.formula.light import highlights, view_of, wrapped
from face_emote.look.formula.ops import (
    Number,
    Vec,
    absolute,
    clamp,
    cross,
    dot,
    exp,
    maximum,
    minimum,
    mix,
    power,
    unit,
    vec,
    where,
)
from face_emote.look.formula.records import Colour, Lights, Spot, Texel


def bent_normal(n: Vec, texel: Texel, wrinkle: Number) -> Vec:
    """Normal of the surface raised by pores and creases (Mikkelsen 2010), unit."""
    slope_u, slope_v = texel.bump_u + wrinkle * texel.wrinkle_u, texel.bump_v + wrinkle * texel.wrinkle_v
    across_u, across_v = cross(texel.along_v, n), cross(n, texel.along_u)
    area = dot(texel.along_u, across_u)
    slope = across_u * slope_u + across_v * slope_v
    # Where the texture has no direction, slope is 0 with area, and the smooth normal stays.
    size = absolute(area) + 1e-12
    return unit(n - slope * (where(area > 0.0, 1.0, -1.0) / size))


def albedo(texel: Texel, *, wrinkle: Number, blood: Number) -> Vec:
    """Linear albedo of living skin without hair: absorption in melanin and blood, pallor's grey, creases."""
    melanin = maximum(texel.melanin, 0.0)
    haemoglobin = maximum(texel.haemoglobin, 0.0) * exp(pigment.BLOOD_GAIN * blood)
    absorbed = vec(pigment.MELANIN_EXTINCTION) * melanin + vec(pigment.HAEMOGLOBIN_EXTINCTION) * haemoglobin
    plain = vec(pigment.BASE_ALBEDO) * absorbed.each(lambda x: exp(-x)) + pigment.EPIDERMIS
    return living(plain, blood=blood, crease=clamp(-texel.wrinkle * wrinkle))


def living(plain: Vec, *, blood: Number, crease: Number) -> Vec:
    """Albedo with pallor's grey, and darker and redder in creases."""
    grey = dot(plain, vec(pigment.LUMINANCE))
    pale = mix(plain, Vec(grey, grey, grey), pigment.PALLOR_GREYING * clamp(-blood))
    found: Vec = pale * (1.0 - (1.0 - vec(pigment.CREASE_TINT)) * crease)
    return found


def hair_cover(coverage: Number) -> Number:
    """How much of the skin the hair painted on it hides."""
    return minimum(maximum(coverage, 0.0) * reflection.HAIR_PAINT, 1.0) * reflection.HAIR_COVER


@dataclass(frozen=True, slots=True)
class Surface:
    """What light meets."""

    own: Vec  # Albedo.
    bent: Vec  # Unit normal of pores and creases.
    strength: Number  # Of the highlights.
    roughness: Number
    melanin: Number


def shade_skin(spot: Spot, texel: Texel, lights: Lights, hair: Colour) -> Vec:
    """Linear, scene-referred light."""
    bent = bent_normal(unit(spot.normal), texel, spot.folding)
    cover = hair_cover(texel.hair)
    own = mix(albedo(texel, wrinkle=spot.folding, blood=spot.blood), hair.colour * reflection.HAIR_SHADOW, cover)
    strength = maximum(texel.specular, 0.0) * (1.0 - cover)
    return lit_skin(spot, Surface(own, bent, strength, texel.roughness, maximum(texel.melanin, 0.0)), lights)


def lit_skin(spot: Spot, surface: Surface, lights: Lights) -> Vec:
    """Linear, scene-referred light from skin of a known colour."""
    n, v, bent = unit(spot.normal), view_of(spot), surface.bent
    # The shadow map is too coarse for the line between the lips and the folds of the lids; the sky's is not.
    seen = spot.seen * minimum(reflection.CONTACT_SHADE * spot.openness * spot.openness, 1.0)
    bend = clamp(dot(bent, n))
    received = _received(spot, lights, n=n, bent=bent, seen=seen) + spot.skin_sky * bend
    grazing = power(1.0 - maximum(dot(bent, v), 0.0), 4.0) * (reflection.GRAZING * surface.strength * spot.openness)
    dark = minimum(surface.melanin * (1.0 / reflection.PIGMENT_FULL), 1.0)
    roughness = minimum(surface.roughness + reflection.ROUGHENING * (1.0 - bend) * (1.0 + dark), 1.0)
    back = reflection.DARK_SMOOTHING * dark * minimum(1.5 * spot.folding, 1.0)
    shine = highlights(
        lights, unit(mix(bent, n, back)), v, roughness=roughness, f0=reflection.SKIN_F0, strength=surface.strength,
        seen=seen, openness=spot.openness, rim_seen=spot.rim_seen,
    )  # fmt: skip
    found: Vec = surface.own * received + spot.sky * grazing + shine
    return found


def _received(spot: Spot, lights: Lights, *, n: Vec, bent: Vec, seen: Number) -> Vec:
    """Light of the three lamps, and what comes through thin skin from behind."""
    key, fill, rim = lights.key, lights.fill, lights.rim
    hard, soft = dot(bent, key.direction), dot(n, key.direction)
    behind, rim_soft = dot(bent, rim.direction), dot(n, rim.direction)
    side = dot(mix(n, bent, reflection.FILL_BEND), fill.direction)
    fill_open = 1.0 - reflection.FILL_OPEN + reflection.FILL_OPEN * spot.openness
    # The rim of a shadow on skin is red: seen ** 0.76 and seen ** 1.08 by their parabolas.
    edge = (seen * (1.27 - 0.27 * seen), seen, seen * (0.95 + 0.05 * seen))
    out = []
    for k, (c_key, c_fill, c_rim) in enumerate(zip(key.colour, fill.colour, rim.colour, strict=True)):
        wrap = reflection.WRAP[k]
        light = mix(wrapped(hard, 0.5 * wrap), wrapped(soft, wrap), reflection.SOFTNESS[k]) * edge[k] * c_key
        light = light + wrapped(side, wrap + reflection.FILL_EXTRA_WRAP) * fill_open * c_fill
        light = light + wrapped(behind, wrap) * spot.rim_seen * c_rim
        through = wrapped(-soft, wrap) * seen * c_key + wrapped(-rim_soft, wrap) * c_rim
        out.append(light + through * (spot.thinness * reflection.THIN[k]))
    return Vec(*out)
