"""A strand of hair; `look.hair_reflection` says the formula in words."""

from face_emote.look import hair_reflection as hair
from face_emote.look.formula.ops import Number, Vec, clamp, dot, exp, maximum, sqrt, unit, where
from face_emote.look.formula.records import Colour, Lights, Strand


def shade_hair(strand: Strand, lights: Lights, overhead: Colour) -> Vec:
    """Linear, scene-referred light from one knot."""
    v = unit(-strand.from_camera)
    own_sky = strand.root_openness < 0.0
    above = maximum(hair.SKY[0] + hair.SKY[1] * strand.outward.y, 0.0)
    sky = [
        where(own_sky, above * over, root * hair.SKIN_SKY)
        for over, root in zip(overhead.colour, strand.root_sky, strict=True)
    ]
    out: Vec = strand.colour * Vec(*sky) * strand.openness
    left = [exp(maximum(far, 0.0) * (-1.0 / hair.DEPTH)) for far in (*strand.before, strand.before_last)]
    key_seen = 0.25 * (left[0] + left[1] + left[2] + left[3]) * (0.35 + 0.65 * strand.openness)
    closed = strand.openness * where(own_sky, 1.0, strand.root_openness)
    for lamp, seen in ((lights.key, key_seen), (lights.fill, closed), (lights.rim, closed)):
        out = out + lamp.colour * strand_light(strand, lamp.direction, v) * seen
    return out


def strand_light(strand: Strand, light: Vec, v: Vec) -> Vec:
    """What a strand throws to the camera of a unit lamp, without sky light."""
    t = strand.tangent
    along, ahead = dot(t, light), dot(t, v)
    across, around_view = (sqrt(maximum(1.0 - x * x, 1e-12)) for x in (along, ahead))
    facing = maximum((dot(strand.outward, light) + hair.WRAP) * (1.0 / (1.0 + hair.WRAP)), 0.0)
    around = (dot(light, v) - along * ahead) / maximum(across * around_view, 1e-3)
    near = clamp(0.5 + 0.5 * around)
    far = 1.0 - near
    h = 0.5 * (along + ahead) - strand.jitter * hair.SHIFT_SPREAD
    surface = strand.gloss * hair.SURFACE_GAIN * _lobe(h, hair.SURFACE_SHIFT, hair.SURFACE_WIDTH) * facing
    inside = strand.gloss * hair.INSIDE_GAIN * _lobe(h, hair.INSIDE_SHIFT, hair.INSIDE_WIDTH) * facing * near * near
    through = strand.gloss * hair.THROUGH_GAIN * _lobe(h, hair.THROUGH_SHIFT, hair.THROUGH_WIDTH) * far * far * far
    body = hair.BODY * across * facing + through
    tint = strand.colour.each(lambda c: sqrt(maximum(c, 1e-12)))
    found: Vec = strand.colour * body + tint * inside + surface * sqrt(maximum(near, 1e-12))
    return found


def _lobe(h: Number, shift: float, width: float) -> Number:
    """exp(-((h - shift) / width)^2 / 2), and nothing where that is under 1 %."""
    x = (h - shift) * (1.0 / width)
    return where(x * x < 9.2, exp(-0.5 * x * x), 0.0)
