"""Inside the mouth with gradients: the formulas of `rendering.fast.mouth`, with the numbers of `skin.teeth`."""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float, Int
from face_emote.look import teeth
from face_emote.look.reflection import SKY_NEAR
from face_emote.rendering.torch.light import Lights, dot, highlights, unit, wrapped
from face_emote.rendering.torch.materials import PlainPoints, row, smoothstep
from face_emote.rendering.torch.noise import noise_at, value_noise


@dataclass(frozen=True, slots=True)
class TorchMouth:
    """`skin.teeth.MouthPoints` as tensors, and which drawn points are inside."""

    corners: Int[Tensor, " side=2"]
    upper: Int[Tensor, " near"]
    lower: Int[Tensor, " near_too"]
    front: Int[Tensor, " incisor"]
    back: Int[Tensor, " molar"]
    inner: Int[Tensor, " inner"]
    """Points inside the mouth: its lining first."""
    num_lining: int


@dataclass(frozen=True, slots=True)
class TorchOpening:
    """`skin.teeth.MouthOpening` of a batch."""

    middle: Float[Tensor, "batch 1 3"]
    right: Float[Tensor, "batch 1 3"]
    up: Float[Tensor, "batch 1 3"]
    forward: Float[Tensor, "batch 1 3"]
    half_width: Float[Tensor, "batch 1 1"]
    half_height: Float[Tensor, "batch 1 1"]
    sag: Float[Tensor, "batch 1 1"]
    lift: Float[Tensor, "batch 1 1"]


def mouth_opening(vertices: Float[Tensor, "batch vertex 3"], mouth: TorchMouth) -> TorchOpening:
    """`skin.teeth.mouth_opening` with gradients."""

    def mean(index: Tensor) -> Tensor:
        return vertices[:, index].mean(dim=1, keepdim=True)

    one, other = vertices[:, mouth.corners].split(1, dim=1)
    above, below = mean(mouth.upper), mean(mouth.lower)
    forward = mean(mouth.front) - mean(mouth.back)
    right = unit(other - one)
    forward = unit(forward - dot(forward, right) * right)
    up = torch.linalg.cross(forward, right)
    middle, between = 0.5 * (above + below), 0.5 * (one + other)
    return TorchOpening(
        middle=middle,
        right=right,
        up=up,
        forward=forward,
        half_width=0.5 * torch.sqrt(dot(other - one, other - one) + 1e-18),
        half_height=(0.5 * dot(above - below, up)).clamp(min=0.0),
        sag=dot(middle - between, forward),
        lift=dot(between - middle, up),
    )


def _slot(x: Tensor, half: Tensor, depth: Tensor) -> Tensor:
    above, below = half - x, half + x
    square = depth * depth
    return 0.5 * (above * torch.rsqrt(above * above + square) + below * torch.rsqrt(below * below + square))


def light_mouth(
    points: Float[Tensor, "batch point 3"], normals: Float[Tensor, "batch point 3"],
    sky: Float[Tensor, "batch point 7"], /, *, opening: TorchOpening, mouth: TorchMouth, lights: Lights,
) -> Float[Tensor, "batch point 7"]:  # fmt: skip
    """`sky` with the light inside the mouth replaced by what comes through the lips and from the mouth's walls."""
    at, facing_at, before = points[:, mouth.inner], normals[:, mouth.inner], sky[:, mouth.inner]
    skies = (opening.forward @ lights.sky_directions.T + SKY_NEAR) / (1.0 + SKY_NEAR)
    front = skies.clamp(min=0.0) @ lights.sky_colours
    key = (opening.forward @ lights.directions[0]).clamp(min=0.0)[..., None] * teeth.BOUNCE_KEY
    area = opening.half_width * opening.half_height
    bounce = area / (area + teeth.BOUNCE_SIDE**2) * row(teeth.BOUNCE, at) * (front + key * lights.colours[0])
    offset = at - opening.middle
    x, y, z = (dot(offset, axis.expand_as(offset)) for axis in (opening.right, opening.up, opening.forward))
    bent = ((x / opening.half_width) ** 2).clamp(max=1.0)
    behind = -opening.sag * bent - z
    depth = behind.clamp(min=teeth.LEAST_DEPTH)
    # The root has no gradient at the corners, where the slot is shut.
    height = opening.half_height * torch.sqrt((1.0 - bent).clamp(min=1e-12))
    high = _slot(y - opening.lift * bent, height, depth).clamp(min=0.0)
    through = (high * _slot(x, opening.half_width, depth).clamp(min=0.0)).clamp(min=1e-9) ** teeth.THROUGH
    share = torch.cat(
        [
            smoothstep(0.0, teeth.LINING_BLEND, behind[:, : mouth.num_lining]),
            torch.ones_like(behind[:, mouth.num_lining :]),
        ],
        dim=1,
    )
    towards = dot(facing_at, opening.forward.expand_as(facing_at)).clamp(min=0.0)
    inside = front * through * (1.0 - teeth.FACING * (1.0 - towards))
    inside = inside + bounce * torch.exp(-depth / teeth.BOUNCE_DEPTH)
    # Walls that look inwards see none of the fill and the rim light.
    opened = torch.cat([(through * towards)[:, : mouth.num_lining], through[:, mouth.num_lining :]], dim=1)
    return sky.index_copy(1, mouth.inner, torch.lerp(before, torch.cat([inside, inside, opened], dim=-1), share))


def _received(points: PlainPoints, lights: Lights, *, normal: Tensor, wrap: float) -> Float[Tensor, "pixel 3"]:
    cosine = normal @ lights.directions.T
    key = wrapped(cosine[:, :1], wrap) * (teeth.KEY_OPEN + (1.0 - teeth.KEY_OPEN) * points.opened)
    fill = wrapped(cosine[:, 1:2], wrap) * points.opened
    return key * lights.colours[0] + fill * lights.colours[1] + points.sky[:, :3]


def shade_tooth(points: PlainPoints, lights: Lights, *, age: float) -> Float[Tensor, "pixel 3"]:
    """Enamel: warm at the gum, blue-grey at the edge, wet."""
    height, across, warmth = points.local.split(1, dim=-1)
    mottle = noise_at(across * 2.3, height * 3.1, warmth * 40.0)
    neck = smoothstep(*teeth.NECK, height)
    edge = teeth.EDGE_SHARE * smoothstep(*teeth.EDGE, height + 0.10 * (mottle - 0.5))
    between = smoothstep(*teeth.BETWEEN, across.abs())
    body, root = row(teeth.ENAMEL, height), row(teeth.ENAMEL_NECK, height)
    colour = body + neck * (root - body)
    colour = colour * (1.0 + warmth * (row(teeth.ENAMEL_WARM, height) - 1.0))
    colour = colour * (1.0 + age * (row(teeth.ENAMEL_OLD, height) - 1.0))
    colour = colour + edge * (row(teeth.ENAMEL_EDGE, height) - colour)
    colour = colour * (1.0 + teeth.ENAMEL_MOTTLE * (mottle - 0.5))
    colour = colour * (1.0 + between * (row(teeth.BETWEEN_FLOOR, height) - 1.0))
    ripple = [noise_at(across * 3.0, height * 7.0, warmth * cell) - 0.5 for cell in (60.0, 80.0)]
    bent = unit(points.normal + teeth.ENAMEL_RIPPLE * torch.cat([*ripple, torch.zeros_like(height)], dim=-1))
    glare = highlights(lights, bent, points.view, roughness=teeth.ENAMEL_ROUGHNESS, f0=teeth.ENAMEL_F0)
    received = _received(points, lights, normal=points.normal, wrap=teeth.ENAMEL_WRAP)
    return colour * received + points.opened * glare


def _bumpy(normal: Tensor, place: Tensor, height: Tensor, *, amount: float) -> Float[Tensor, "pixel 3"]:
    steps = 0.25 * torch.eye(3, dtype=place.dtype, device=place.device)
    slope = torch.cat([value_noise(place + step) - height for step in steps], dim=-1)
    return unit(normal - 4.0 * amount * slope)


def _flesh(
    points: PlainPoints, lights: Lights, *, albedo: Tensor, bent: Tensor, roughness: float, f0: float
) -> Float[Tensor, "pixel 3"]:
    lit = _received(points, lights, normal=0.5 * (points.normal + bent), wrap=teeth.FLESH_WRAP)
    glare = highlights(lights, bent, points.view, roughness=roughness, f0=f0)
    return albedo * lit + teeth.WET_STRENGTH * points.opened * glare


def shade_gum(points: PlainPoints, lights: Lights) -> Float[Tensor, "pixel 3"]:
    """Gums: blotched pink, stippled, wet."""
    wide, fine = (points.local * scale for scale in teeth.GUM_SCALE)
    albedo = row(teeth.GUM, wide) * (1.0 + teeth.GUM_MOTTLE * (value_noise(wide) - 0.5))
    bent = _bumpy(points.normal, fine, value_noise(fine), amount=teeth.GUM_STIPPLE)
    return _flesh(points, lights, albedo=albedo, bent=bent, roughness=teeth.GUM_ROUGHNESS, f0=teeth.GUM_F0)


def shade_tongue(points: PlainPoints, lights: Lights) -> Float[Tensor, "pixel 3"]:
    """Tongue: papillae with gaps between them, a groove along its middle, a paler back, wet."""
    place = points.local * teeth.TONGUE_SCALE
    bud = value_noise(place)
    coat = smoothstep(*teeth.TONGUE_COAT_REACH, points.local[:, 2:])
    groove = teeth.TONGUE_GROOVE_SHADE * torch.exp(-((points.local[:, :1] / teeth.TONGUE_GROOVE) ** 2))
    tip = row(teeth.TONGUE, bud)
    albedo = tip + coat * (row(teeth.TONGUE_COAT, bud) - tip)
    albedo = albedo * (1.0 - teeth.TONGUE_PIT * (1.0 - bud)) * (1.0 - groove)
    bent = _bumpy(points.normal, place, bud, amount=teeth.TONGUE_RELIEF)
    return _flesh(points, lights, albedo=albedo, bent=bent, roughness=teeth.TONGUE_ROUGHNESS, f0=teeth.TONGUE_F0)
