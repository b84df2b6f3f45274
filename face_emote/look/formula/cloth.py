"""The knitted collar; the numbers are those of `look.cloth`."""

from face_emote.look import cloth
from face_emote.look.formula.light import plain_diffuse
from face_emote.look.formula.ops import Vec, atan2, noise, sine, smoothstep, unit
from face_emote.look.formula.records import Colour, Lights, Own, Spot


def shade_cloth(spot: Spot, own: Own, lights: Lights, yarn: Colour) -> Vec:
    """Linear, scene-referred light."""
    under, x, z = own.local
    weave = noise(Vec(x * cloth.WEAVE[0], under * cloth.WEAVE[1], z * cloth.WEAVE[0]))
    rib = sine(atan2(x, z + cloth.RIBS_BEHIND) * cloth.RIBS) * 0.5 + 0.5
    band = 1.0 - smoothstep(cloth.RIBBED, under)
    seam = smoothstep(cloth.SEAM_UPPER, under) * (1.0 - smoothstep(cloth.SEAM_LOWER, under))
    light = (cloth.WEAVE_RANGE[0] + cloth.WEAVE_RANGE[1] * weave) * (1.0 - cloth.RIB_SHADE * band * rib)
    albedo = yarn.colour * (light * (1.0 - cloth.SEAM_SHADE * seam))
    return plain_diffuse(spot, lights, albedo=albedo, normal=unit(spot.normal), wrap=cloth.WRAP)
