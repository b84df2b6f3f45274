"""Skin with gradients: the formula of the fast renderer, with the numbers of `skin.colour` and `skin.reflection`.

There are no shadows: all of the key light arrives, and all of the sky outside the mouth.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.look import colour
from face_emote.look.reflection import (
    CONTACT_SHADE,
    DARK_SMOOTHING,
    FILL_BEND,
    FILL_EXTRA_WRAP,
    FILL_OPEN,
    GRAZING,
    HAIR_COVER,
    HAIR_PAINT,
    HAIR_SHADOW,
    PIGMENT_FULL,
    ROUGHENING,
    SKIN_F0,
    SOFTNESS,
    THIN,
    WRAP,
)
from face_emote.rendering.stage import buffers
from face_emote.rendering.torch.light import Lights, bent_normal, dot, highlights, unit, wrapped


@dataclass(frozen=True, slots=True)
class SkinPoints:
    """What is known of the skin at every pixel that sees some."""

    texel: Float[Tensor, "pixel channel=10"]
    """The maps, in the order of `rendering.fast.buffers`."""
    normal: Float[Tensor, "pixel 3"]
    """Smooth normal, unit."""
    tangents: Float[Tensor, "pixel 2 3"]
    """Metres per unit u and per unit v."""
    view: Float[Tensor, "pixel 3"]
    """Towards the camera, unit."""
    sky: Float[Tensor, "pixel 6"]
    opened: Float[Tensor, "pixel 1"]
    """Share of the sky that is open: less than 1 on the lining of the mouth."""
    wrinkle: Float[Tensor, "pixel 1"]
    """Local activation."""
    blood: Float[Tensor, "pixel 1"]
    """Local flow, -1..1."""
    thin: Float[Tensor, "pixel 1"]
    """How much light from behind comes through, 0..1."""


def skin_albedo(
    texel: Float[Tensor, "pixel channel=10"],
    *,
    wrinkle: Float[Tensor, "pixel 1"],
    blood: Float[Tensor, "pixel 1"],
    hair_colour: Float[Tensor, " 3"],
) -> Float[Tensor, "pixel 3"]:
    """Linear albedo: `skin.colour.skin_albedo` with gradients, seen through painted hair."""

    def row(values: tuple[float, float, float]) -> Tensor:
        return torch.tensor(values, dtype=texel.dtype, device=texel.device)

    melanin = texel[:, buffers.MELANIN, None].clamp(min=0.0)
    haemoglobin = texel[:, buffers.HAEMOGLOBIN, None].clamp(min=0.0) * torch.exp(colour.BLOOD_GAIN * blood)
    absorbed = melanin * row(colour.MELANIN_EXTINCTION) + haemoglobin * row(colour.HAEMOGLOBIN_EXTINCTION)
    albedo = colour.EPIDERMIS + row(colour.BASE_ALBEDO) * torch.exp(-absorbed)
    grey = (albedo @ row(colour.LUMINANCE))[:, None]
    albedo = albedo + colour.PALLOR_GREYING * (-blood).clamp(0.0, 1.0) * (grey - albedo)
    fold = (-texel[:, buffers.WRINKLE, None] * wrinkle).clamp(0.0, 1.0)
    albedo = albedo * (1.0 - fold * (1.0 - row(colour.CREASE_TINT)))
    return torch.lerp(albedo, hair_colour * HAIR_SHADOW, hair_cover(texel))


def hair_cover(texel: Float[Tensor, "pixel channel=10"]) -> Float[Tensor, "pixel 1"]:
    """How much of the skin the hair painted on it hides."""
    return (texel[:, buffers.HAIR, None].clamp(min=0.0) * HAIR_PAINT).clamp(max=1.0) * HAIR_COVER


def relief(points: SkinPoints) -> Float[Tensor, "pixel 3"]:
    """Normal bent by pores and wrinkles."""
    height = torch.stack(
        [
            points.texel[:, buffers.BUMP_U] + points.wrinkle[:, 0] * points.texel[:, buffers.WRINKLE_U],
            points.texel[:, buffers.BUMP_V] + points.wrinkle[:, 0] * points.texel[:, buffers.WRINKLE_V],
        ],
        dim=-1,
    )
    return bent_normal(points.normal, points.tangents, height)


def shade_skin(points: SkinPoints, lights: Lights, *, hair_colour: Float[Tensor, " 3"]) -> Float[Tensor, "pixel 3"]:
    """Linear, scene-referred light from skin."""
    texel, normal, view = points.texel, points.normal, points.view
    bent = relief(points)
    albedo = skin_albedo(texel, wrinkle=points.wrinkle, blood=points.blood, hair_colour=hair_colour)
    wrap = torch.tensor(WRAP, dtype=texel.dtype, device=texel.device)
    softness = torch.tensor(SOFTNESS, dtype=texel.dtype, device=texel.device)
    hard, soft = bent @ lights.directions.T, normal @ lights.directions.T
    key = torch.lerp(wrapped(hard[:, :1], 0.5 * wrap), wrapped(soft[:, :1], wrap), softness)
    fill = torch.lerp(soft[:, 1:2], hard[:, 1:2], FILL_BEND)
    seen = (CONTACT_SHADE * points.opened * points.opened).clamp(max=1.0)
    edge = torch.cat([seen * (1.48 - 0.48 * seen), seen, seen * (0.92 + 0.08 * seen)], dim=1)
    received = key * edge * lights.colours[0]
    received = received + wrapped(fill, wrap + FILL_EXTRA_WRAP) * lights.colours[1] * (
        1.0 - FILL_OPEN + FILL_OPEN * points.opened
    )
    received = received + wrapped(hard[:, 2:], wrap) * lights.colours[2]
    bend = dot(bent, normal).clamp(0.0, 1.0)
    received = received + points.sky[:, 3:] * bend
    through = seen * wrapped(-soft[:, :1], wrap) * lights.colours[0] + wrapped(-soft[:, 2:], wrap) * lights.colours[2]
    received = received + points.thin * texel.new_tensor(THIN) * through
    strength = texel[:, buffers.SPECULAR, None].clamp(min=0.0) * (1.0 - hair_cover(texel))
    grazing = (1.0 - dot(bent, view).clamp(min=0.0)) ** 4
    out = albedo * received + points.sky[:, :3] * grazing * (GRAZING * strength * points.opened)
    pigment = (texel[:, buffers.MELANIN, None].clamp(min=0.0) / PIGMENT_FULL).clamp(max=1.0)
    roughness = texel[:, buffers.ROUGHNESS, None] + ROUGHENING * (1.0 - bend) * (1.0 + pigment)
    back = DARK_SMOOTHING * pigment * (1.5 * points.wrinkle).clamp(max=1.0)
    shine = unit(torch.lerp(bent, normal, back))
    return out + strength * highlights(
        lights,
        shine,
        view,
        roughness=roughness.clamp(max=1.0),
        f0=SKIN_F0,
        opened=points.opened,
        key_seen=seen,
        rim_seen=1.0,
    )
