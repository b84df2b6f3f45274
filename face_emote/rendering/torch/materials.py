"""What materials other than skin share, with gradients, and cloth (the fast renderer's without its weave).

`local` is as in `rendering.fast.buffers.Geometry`. Eyes are in `eye`, what is inside the mouth in `mouth`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.look.reflection import FILL_EXTRA_WRAP
from face_emote.rendering.torch.light import Lights, wrapped


@dataclass(frozen=True, slots=True)
class PlainPoints:
    """What is known at every pixel that sees something other than skin."""

    local: Float[Tensor, "pixel 3"]
    normal: Float[Tensor, "pixel 3"]
    view: Float[Tensor, "pixel 3"]
    sky: Float[Tensor, "pixel 6"]
    opened: Float[Tensor, "pixel 1"]
    """Share of the sky that is open; inside the mouth the light that comes through the lips."""


def smoothstep(low: float, high: float, x: Tensor) -> Tensor:
    """0 below `low`, 1 above `high`, smooth between; falls when high < low."""
    t = ((x - low) / (high - low)).clamp(0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def row(values: tuple[float, float, float], like: Tensor) -> Float[Tensor, " 3"]:
    """A constant as a tensor of the kind of `like`."""
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def diffuse(points: PlainPoints, lights: Lights, *, wrap: Tensor | float) -> Float[Tensor, "pixel 3"]:
    """Key, fill, rim and sky on a material without scattering of albedo 1."""
    cosine = points.normal @ lights.directions.T
    key, rim = wrapped(cosine[:, :1], wrap), wrapped(cosine[:, 2:], wrap)
    fill = wrapped(cosine[:, 1:2], wrap + FILL_EXTRA_WRAP)
    return torch.cat([key, fill, rim], dim=1) @ lights.colours + points.sky[:, :3]


def shade_cloth(points: PlainPoints, lights: Lights, *, colour: Float[Tensor, " 3"]) -> Float[Tensor, "pixel 3"]:
    """A collar band over plain cloth."""
    under = points.local[:, :1]
    band = 1.0 - smoothstep(8.2, 9.2, under)
    seam = smoothstep(8.0, 8.6, under) * (1.0 - smoothstep(9.2, 9.8, under))
    albedo = colour * (1.0 - 0.19 * band) * (1.0 - 0.5 * seam)
    return albedo * diffuse(points, lights, wrap=0.10)
