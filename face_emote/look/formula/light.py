"""Light on any material: wrapped diffuse, GGX highlights, sky, the tone curve. See docs/shading.md."""

import math

from face_emote.look import reflection, tone
from face_emote.look.formula.ops import Number, Vec, clamp, dot, maximum, minimum, mix, power, unit, vec, where
from face_emote.look.formula.records import Facing, Lamp, Lights, Skies, Spot


def view_of(spot: Spot) -> Vec:
    """Towards the camera, unit."""
    return unit(-spot.from_camera)


def wrapped(cosine: Number, wrap: Number) -> Number:
    """Diffuse light that creeps `wrap` round the terminator, energy kept: cheap subsurface scattering."""
    return maximum((cosine + wrap) * (1.0 / ((1.0 + wrap) * (1.0 + wrap))), 0.0)


def specular(n: Vec, light: Vec, v: Vec, *, roughness: Number, f0: float) -> Number:
    """GGX lobe with Schlick Fresnel and Smith shadowing, times the cosine (Walter et al. 2007)."""
    h = unit(light + v)
    n_l, v_h, n_v = maximum(dot(n, light), 0.0), maximum(dot(v, h), 0.0), maximum(dot(n, v), 1e-3)
    alpha = roughness * roughness
    a2, k = alpha * alpha, 0.5 * alpha
    # 1 - n.h is half the squared distance of the two: in single precision 1 - (n.h)^2 would lose the peak's digits.
    apart = minimum(0.5 * dot(n - h, n - h), 1.0)
    d = a2 + (1.0 - a2) * apart * (2.0 - apart)
    fresnel = f0 + (1.0 - f0) * power(1.0 - v_h, 5.0)
    below = (n_v * (1.0 - k) + k) * (n_l * (1.0 - k) + k) * (4.0 * math.pi) * (d * d)
    return a2 * fresnel * n_l / below


def highlights(  # noqa: PLR0913 - what a surface is like, and what reaches it
    lights: Lights, n: Vec, v: Vec, *, roughness: Number, f0: float, strength: Number, seen: Number, openness: Number,
    rim_seen: Number | None = None,
) -> Vec:  # fmt: skip
    """Two lobes of the key light, one each of fill and rim; the rim light reaches as far as the fill if not said."""

    def lobe(lamp: Lamp, rough: Number) -> Number:
        return specular(n, lamp.direction, v, roughness=rough, f0=f0)

    broad = minimum(roughness * reflection.WIDE_ROUGHNESS, 1.0)
    key = lobe(lights.key, roughness) * reflection.KEY_LOBE + lobe(lights.key, broad) * reflection.WIDE_LOBE
    fill = lobe(lights.fill, roughness) * reflection.FILL_LOBE * openness
    rim = lobe(lights.rim, roughness) * reflection.RIM_LOBE * (openness if rim_seen is None else rim_seen)
    total = lights.key.colour * (key * seen) + lights.fill.colour * fill + lights.rim.colour * rim
    found: Vec = total * (math.pi * strength)
    return found


def plain_diffuse(spot: Spot, lights: Lights, *, albedo: Vec, normal: Vec, wrap: Number) -> Vec:
    """Key, fill, rim and sky on a material without scattering."""
    key = wrapped(dot(normal, lights.key.direction), wrap) * spot.seen
    fill = wrapped(dot(normal, lights.fill.direction), wrap + reflection.FILL_EXTRA_WRAP)
    fill = fill * (1.0 - reflection.FILL_OPEN + reflection.FILL_OPEN * spot.openness)
    rim = wrapped(dot(normal, lights.rim.direction), wrap)
    rim = rim * (1.0 - reflection.RIM_OPEN + reflection.RIM_OPEN * spot.openness)
    found: Vec = albedo * (lights.key.colour * key + lights.fill.colour * fill + lights.rim.colour * rim + spot.sky)
    return found


def displayed(light: Vec) -> Vec:
    """Display light 0..1 of exposed scene light: the tone curve of `look.tone`."""
    a, b, d = tone.CURVE
    luma = vec(tone.LUMA)
    inset = mix(light, Vec(*[dot(light, luma)] * 3), tone.INSET).each(lambda c: maximum(c, 0.0))
    y = inset.each(lambda c: minimum(tone.GAIN * c * (c + a) / (c * (c + b) + d), 1.0))
    grey = dot(y, luma)
    found: Vec = y.each(lambda c: clamp(grey + (c - grey) * (1.0 / (1.0 - tone.OUTSET))))
    return found


def sky_on(facing: Facing, skies: Skies) -> tuple[Vec, Vec]:
    """Irradiance of an unshadowed sky on plain materials and on skin."""
    near, wide = Vec(0.0, 0.0, 0.0), Vec(0.0, 0.0, 0.0)
    for lamp in skies.lamp:
        cosine = dot(facing.normal, lamp.direction)
        share = maximum((cosine + reflection.SKY_WIDE) * (1.0 / (1.0 + reflection.SKY_WIDE)), 0.0)
        wide = wide + lamp.colour * share
        near = near + lamp.colour * where(share > 0.0, sky_share(cosine), 0.0)
    return near, mix(near, wide, vec(reflection.SCATTERED))


def sky_share(cosine: Number) -> Number:
    """How much of a direction of the sky a plain surface receives."""
    return maximum((cosine + reflection.SKY_NEAR) * (1.0 / (1.0 + reflection.SKY_NEAR)), 0.0)
