"""Shading terms with gradients: sky, wrapped diffuse, highlight, bent normal, tone curve. No shadows.

The same formulas as `rendering.fast.lighting`, for many pixels at once; numbers come from `skin.reflection`.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.core.types import LightRig
from face_emote.look.reflection import (
    FILL_LOBE,
    KEY_LOBE,
    RIM_LOBE,
    SCATTERED,
    SKY_NEAR,
    SKY_WIDE,
    WIDE_LOBE,
    WIDE_ROUGHNESS,
)
from face_emote.rendering.stage.ambient import sky_colours, sky_directions
from face_emote.rendering.tone import CURVE, GAIN, INSET, LUMA, OUTSET


@dataclass(frozen=True, slots=True)
class Lights:
    """The light of a scene; every field may carry a gradient."""

    directions: Float[Tensor, "light=3 3"]
    """Towards key, fill and rim; unit vectors."""
    colours: Float[Tensor, "light=3 3"]
    """Irradiance on a facing surface divided by pi, linear sRGB."""
    sky_directions: Float[Tensor, "direction 3"]
    sky_colours: Float[Tensor, "direction 3"]
    exposure: Float[Tensor, ""]


def make_lights(rig: LightRig, *, dtype: torch.dtype, device: str | torch.device = "cpu") -> Lights:
    """A preset or own rig as tensors without gradient."""
    lights = (rig.key, rig.fill, rig.rim)
    skies = sky_directions()

    def moved(values: object) -> Tensor:
        return torch.as_tensor(np.asarray(values, np.float64)).to(device, dtype)

    directions = np.array([light.direction for light in lights])
    return Lights(
        directions=moved(directions / np.linalg.norm(directions, axis=1, keepdims=True)),
        colours=moved([light.colour for light in lights]),
        sky_directions=moved(skies / np.linalg.norm(skies, axis=1, keepdims=True)),
        sky_colours=moved(sky_colours(rig.ambient)),
        exposure=moved(rig.exposure),
    )


def sky_light(normals: Float[Tensor, "*shape 3"], lights: Lights) -> Float[Tensor, "*shape 6"]:
    """Unshadowed sky at points with these normals: on plain materials, then on skin."""
    return sky_rows(normals, lights.sky_directions, lights.sky_colours)


def sky_rows(
    normals: Float[Tensor, "*shape 3"], directions: Float[Tensor, "direction 3"], colours: Float[Tensor, "direction 3"]
) -> Float[Tensor, "*shape 6"]:
    """`sky_light` from the sky's own numbers."""
    cosine = normals @ directions.T
    near = ((cosine + SKY_NEAR) / (1.0 + SKY_NEAR)).clamp(min=0.0)
    wide = ((cosine + SKY_WIDE) / (1.0 + SKY_WIDE)).clamp(min=0.0)
    # The fast renderer leaves out directions that not even the widened light comes from.
    plain = torch.where(wide > 0.0, near, 0.0) @ colours
    scattered = torch.tensor(SCATTERED, dtype=normals.dtype, device=normals.device)
    return torch.cat([plain, torch.lerp(plain, wide @ colours, scattered)], dim=-1)


def dot(a: Float[Tensor, "*shape 3"], b: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 1"]:
    """Scalar product, its axis kept."""
    return (a * b).sum(dim=-1, keepdim=True)


def unit(a: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 3"]:
    """The vector at length 1; its gradient stays finite at zero."""
    return a * torch.rsqrt(dot(a, a) + 1e-20)


def wrapped(cosine: Tensor, wrap: Tensor | float) -> Tensor:
    """Diffuse light that creeps `wrap` round the terminator, energy kept."""
    return ((cosine + wrap) / ((1.0 + wrap) * (1.0 + wrap))).clamp(min=0.0)


def specular(
    normal: Float[Tensor, "pixel 3"],
    towards: Float[Tensor, " 3"],
    view: Float[Tensor, "pixel 3"],
    *,
    roughness: Tensor | float,
    f0: float,
) -> Float[Tensor, "pixel 1"]:
    """GGX lobe with Schlick Fresnel and Smith shadowing, times the cosine (Walter et al. 2007)."""
    n_l = (normal @ towards)[:, None].clamp(min=0.0)
    half = towards + view
    half = half * torch.rsqrt(dot(half, half) + 1e-12)
    n_h, v_h = dot(normal, half).clamp(min=0.0), dot(view, half).clamp(min=0.0)
    n_v = dot(normal, view).clamp(min=1e-3)
    alpha = roughness * roughness
    a2 = alpha * alpha
    d = n_h * n_h * (a2 - 1.0) + 1.0
    k = 0.5 * alpha
    fresnel = f0 + (1.0 - f0) * (1.0 - v_h) ** 5
    geometry = 0.25 / ((n_v * (1.0 - k) + k) * (n_l * (1.0 - k) + k))
    return a2 / (math.pi * d * d) * geometry * fresnel * n_l


def highlights(
    lights: Lights, normal: Float[Tensor, "pixel 3"], view: Float[Tensor, "pixel 3"], *, roughness: Tensor | float,
    f0: float, opened: Tensor | float = 1.0, key_seen: Tensor | float = 1.0,
    rim_seen: float | None = None,
) -> Float[Tensor, "pixel 3"]:  # fmt: skip
    """Two lobes of the key light, one each of fill and rim, which reach a place only as far as it is `opened`.

    `rim_seen` instead says how much of the rim light does, as the fast renderer's skin has it; `key_seen` how much of
    the key light.
    """
    key, fill, rim = lights.directions.unbind(0)
    rough = torch.as_tensor(roughness, dtype=normal.dtype, device=normal.device)
    broad = (rough * WIDE_ROUGHNESS).clamp(max=1.0)
    lobe = specular(normal, key, view, roughness=rough, f0=f0) * KEY_LOBE
    lobe = lobe + specular(normal, key, view, roughness=broad, f0=f0) * WIDE_LOBE
    parts = [
        lobe * key_seen,
        specular(normal, fill, view, roughness=rough, f0=f0) * (FILL_LOBE * opened),
        specular(normal, rim, view, roughness=rough, f0=f0) * (RIM_LOBE * (opened if rim_seen is None else rim_seen)),
    ]
    return math.pi * torch.cat(parts, dim=1) @ lights.colours


def bent_normal(
    normal: Float[Tensor, "pixel 3"], tangents: Float[Tensor, "pixel 2 3"], height: Float[Tensor, "pixel 2"]
) -> Float[Tensor, "pixel 3"]:
    """Normal of the surface raised by a height with this gradient along the tangents u and v (`skin.maps`)."""
    u, v = tangents.unbind(1)
    across_u, across_v = torch.linalg.cross(v, normal), torch.linalg.cross(normal, u)
    det = dot(u, across_u)
    slope = height[:, :1] * across_u + height[:, 1:] * across_v
    raised = det.abs() * normal - torch.where(det > 0.0, slope, -slope)
    return raised * torch.rsqrt(dot(raised, raised) + 1e-30)


def tone(light: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 3"]:
    """`rendering.tone.tone_mapped` with gradients."""
    a, b, d = CURVE
    luma = light.new_tensor(LUMA)
    c = torch.lerp(light, (light @ luma)[..., None], INSET).clamp(min=0.0)
    y = (GAIN * c * (c + a) / (c * (c + b) + d)).clamp(max=1.0)
    grey = (y @ luma)[..., None]
    return (grey + (y - grey) / (1.0 - OUTSET)).clamp(0.0, 1.0)


def srgb(linear: Tensor) -> Tensor:
    """Linear light 0..1 as sRGB 0..1 (IEC 61966-2-1)."""
    value = linear.clamp(0.0, 1.0)
    return torch.where(value <= 0.0031308, 12.92 * value, 1.055 * value.clamp(min=0.0031308) ** (1.0 / 2.4) - 0.055)
