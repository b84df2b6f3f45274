"""Eyes, teeth, gums and cloth with gradients: the fast renderer's materials without their grain.

`local` is as in `rendering.fast.buffers.Geometry`: for eyes the direction in the eye's own frame, for cloth
millimetres under the collar and rest x and z, for the others the rest position.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.differentiable.light import Lights, dot, highlights, unit, wrapped
from face_emote.rendering.fast.materials import IRIS
from face_emote.skin.reflection import FILL_EXTRA_WRAP


@dataclass(frozen=True, slots=True)
class PlainPoints:
    """What is known at every pixel that sees something other than skin."""

    local: Float[Tensor, "pixel 3"]
    normal: Float[Tensor, "pixel 3"]
    view: Float[Tensor, "pixel 3"]
    sky: Float[Tensor, "pixel 6"]


def smoothstep(low: float, high: float, x: Tensor) -> Tensor:
    """0 below `low`, 1 above `high`, smooth between; falls when high < low."""
    t = ((x - low) / (high - low)).clamp(0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _row(values: tuple[float, float, float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def diffuse(points: PlainPoints, lights: Lights, *, wrap: Tensor | float) -> Float[Tensor, "pixel 3"]:
    """Key, fill, rim and sky on a material without scattering of albedo 1."""
    cosine = points.normal @ lights.directions.T
    key, rim = wrapped(cosine[:, :1], wrap), wrapped(cosine[:, 2:], wrap)
    fill = wrapped(cosine[:, 1:2], wrap + FILL_EXTRA_WRAP)
    return torch.cat([key, fill, rim], dim=1) @ lights.colours + points.sky[:, :3]


def shade_eye(
    points: PlainPoints, lights: Lights, *, axis: Float[Tensor, "pixel 3"], iris_colour: Float[Tensor, " 3"]
) -> Float[Tensor, "pixel 3"]:
    """Sclera, iris, pupil and a wet cornea; `axis` is the optical axis of the pixel's eye."""
    direction = unit(points.local)
    # The arc cosine has no gradient at 1; nothing changes colour that near to the axis.
    angle = torch.acos(direction[:, 2:].clamp(-0.9999, 0.9999))
    r = angle / IRIS
    turned = torch.nn.functional.normalize(direction[:, :2], dim=-1, eps=1e-6)
    caustic = 1.0 - 0.55 * r * (turned @ lights.directions[0, :2])[:, None]
    collar = smoothstep(0.58, 0.38, r) * 0.5
    limbus = 1.0 - 0.72 * smoothstep(0.68, 1.04, r)
    iris = iris_colour * (1.0 - 0.25 * r) * caustic.clamp(min=0.35)
    iris = torch.lerp(iris, iris_colour * _row((1.35, 1.05, 0.55), r), collar) * limbus * smoothstep(0.28, 0.36, r)
    redness = (0.15 * smoothstep(0.45, 1.25, angle) + 0.28 * smoothstep(0.70, 1.35, angle)).clamp(max=0.75)
    sclera = torch.lerp(_row((0.56, 0.515, 0.485), r), _row((0.66, 0.30, 0.26), r), redness)
    white = smoothstep(0.90, 1.16, r)
    out = torch.lerp(iris, sclera, white) * diffuse(points, lights, wrap=0.18 * white)
    bulge = smoothstep(1.25, 0.70, r) * 0.35
    wet = unit(points.normal + (points.normal - axis) * bulge)
    fresnel = (1.0 - dot(wet, points.view).clamp(min=0.0)) ** 5
    out = out + 1.3 * highlights(lights, wet, points.view, roughness=0.11, f0=0.03)
    return out + points.sky[:, :3] * (0.02 + 0.35 * fresnel)


def shade_tooth(points: PlainPoints, lights: Lights) -> Float[Tensor, "pixel 3"]:
    """Enamel, darker towards the back of the mouth."""
    front = 0.22 + 0.78 * smoothstep(0.070, 0.100, points.local[:, 2:])
    albedo = front * _row((0.83, 0.76, 0.64), front)
    glare = highlights(lights, points.normal, points.view, roughness=0.22, f0=0.05)
    return albedo * (diffuse(points, lights, wrap=0.28) + 0.20) + glare


def shade_wet(points: PlainPoints, lights: Lights) -> Float[Tensor, "pixel 3"]:
    """Gums and tongue."""
    albedo = _row((0.40, 0.128, 0.119), points.local)
    glare = highlights(lights, points.normal, points.view, roughness=0.30, f0=0.04)
    return albedo * diffuse(points, lights, wrap=0.25) + 1.2 * glare


def shade_cloth(points: PlainPoints, lights: Lights, *, colour: Float[Tensor, " 3"]) -> Float[Tensor, "pixel 3"]:
    """A collar band over plain cloth."""
    under = points.local[:, :1]
    band = 1.0 - smoothstep(8.2, 9.2, under)
    seam = smoothstep(8.0, 8.6, under) * (1.0 - smoothstep(9.2, 9.8, under))
    albedo = colour * (1.0 - 0.19 * band) * (1.0 - 0.5 * seam)
    glare = highlights(lights, points.normal, points.view, roughness=0.80, f0=0.02)
    return albedo * diffuse(points, lights, wrap=0.10) + 0.4 * glare
