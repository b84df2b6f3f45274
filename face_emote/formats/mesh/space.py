"""In which axes and units a mesh is written."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError

UPS = ("y", "z")
UNITS = {"m": 1.0, "cm": 100.0}
"""Units per metre."""


@dataclass(frozen=True, slots=True)
class MeshSpace:
    """Axes and unit of a file. With +Y up the face looks along +Z, with +Z up along -Y, as in Blender."""

    up: str = "y"
    unit: str = "m"

    def __post_init__(self) -> None:
        if self.up not in UPS:
            raise OptionError(f"up must be y or z, got '{self.up}'")
        if self.unit not in UNITS:
            raise OptionError(f"unit must be m or cm, got '{self.unit}'")

    def placed(self, vertices: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3"]:
        """Vertices (metres, +Y up) as the file holds them, float32."""
        out = np.asarray(vertices, np.float32)
        if self.up == "z":
            out = np.stack([out[..., 0], -out[..., 2], out[..., 1]], axis=-1)
        return out if self.unit == "m" else out * np.float32(UNITS[self.unit])


OURS = MeshSpace()
"""Metres, +Y up: the package's own, and the default of every writer."""
