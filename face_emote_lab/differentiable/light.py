"""The light of a scene as tensors, and small vector functions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.core.types import LightRig
from face_emote.look.lights import light_arrays, sky_colours, sky_directions


@dataclass(frozen=True, slots=True)
class Lights:
    """The light of a scene; every field may carry a gradient."""

    directions: Float[Tensor, "light=3 3"]  # Towards key, fill and rim; unit vectors.
    colours: Float[Tensor, "light=3 3"]  # Irradiance on a facing surface divided by pi, linear sRGB.
    sky_directions: Float[Tensor, "direction 3"]
    sky_colours: Float[Tensor, "direction 3"]
    exposure: Float[Tensor, ""]

    def lamps(self) -> Float[Tensor, " number=19"]:
        """The numbers of `look.formula.records.Lights`."""
        return torch.cat([torch.cat([self.directions, self.colours], dim=1).reshape(-1), self.exposure.reshape(1)])

    def skies(self) -> Float[Tensor, " number"]:
        """The numbers of `look.formula.records.Skies`."""
        return torch.cat([self.sky_directions, self.sky_colours], dim=1).reshape(-1)


def make_lights(rig: LightRig, *, dtype: torch.dtype, device: str | torch.device = "cpu") -> Lights:
    """A preset or own rig as tensors without gradient."""
    skies = sky_directions()

    def moved(values: object) -> Tensor:
        return torch.as_tensor(np.asarray(values, np.float64)).to(device, dtype)

    directions, colours = light_arrays(rig)
    return Lights(
        directions=moved(directions),
        colours=moved(colours),
        sky_directions=moved(skies / np.linalg.norm(skies, axis=1, keepdims=True)),
        sky_colours=moved(sky_colours(rig.ambient)),
        exposure=moved(rig.exposure),
    )


def dot(a: Float[Tensor, "*shape 3"], b: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 1"]:
    """Scalar product, its axis kept."""
    return (a * b).sum(dim=-1, keepdim=True)


def unit(a: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape 3"]:
    """The vector at length 1; its gradient stays finite at zero."""
    return a * torch.rsqrt(dot(a, a) + 1e-20)


def srgb(linear: Tensor) -> Tensor:
    """Linear light 0..1 as sRGB 0..1 (IEC 61966-2-1)."""
    value = linear.clamp(0.0, 1.0)
    return torch.where(value <= 0.0031308, 12.92 * value, 1.055 * value.clamp(min=0.0031308) ** (1.0 / 2.4) - 0.055)
