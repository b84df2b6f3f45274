"""How a mesh is to be written: axes, unit, fineness, parts, colours, one instant or all."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.formats.mesh.surface import MAX_LOD, parts_named
from face_emote.look.cards import WAYS

UPS = ("y", "z")
AVATARS = ("talkinghead",)  # Libraries for avatars, whose names of bones, meshes and shapes a .glb can have.
UNITS = {"m": 1.0, "cm": 100.0}  # Units per metre.


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """What the formats that hold meshes can be asked for; `catalogue.FileFormat.takes` says which takes what."""

    up: str = "y"  # With +Y up the face looks along +Z, with +Z up along -Y, as in Blender.
    unit: str = "m"
    lod: int = 0  # 0 the head's own mesh; 1 and 2: subdivided smoothly once or twice, four times the faces each.
    parts: tuple[str, ...] = ()  # Of `surface.PARTS`; each becomes an object of its own. Empty: the whole head as one.
    blush: bool = False  # Whether blood flow is baked into vertex colours.
    hair: str = "cards"
    """Of `look.cards.WAYS`: strips with a picture, a ribbon a strand, or none. Beside the whole head only."""
    frame: float | None = None  # Seconds: the one instant to write, as a plain mesh; None: all of the motion.

    skin_curves: bool = False
    """Whether each wrinkle and blood region is a shape that moves nothing, whose weight is its curve."""
    compress: bool = False  # Whether the file is for programs that know meshoptimizer's compression, and WebP.

    dense: bool = False  # Whether shapes are written in full, for programs that read no sparse arrays.
    avatar: str = ""  # One of AVATARS, or none.
    sound: Path | None = None  # A .wav that goes along, where the format has a place for it.

    def __post_init__(self) -> None:
        if self.up not in UPS:
            raise OptionError(f"up must be y or z, got '{self.up}'")
        if self.unit not in UNITS:
            raise OptionError(f"unit must be m or cm, got '{self.unit}'")
        if self.avatar and self.avatar not in AVATARS:
            raise OptionError(f"There is no kind of avatar '{self.avatar}'; choose {', '.join(AVATARS)}")
        clashing = [name for name in ("blush", "frame", "skin_curves") if self.avatar and name in self.changed]
        if clashing:
            raise OptionError(f"An avatar has its own shapes and bones; leave out {clashing[0].replace('_', '-')}")
        if self.lod not in range(MAX_LOD + 1):
            raise OptionError(f"lod must be 0, 1 or 2, got {self.lod}")
        if self.hair not in WAYS:
            raise OptionError(f"hair must be {', '.join(WAYS)}, got '{self.hair}'")
        # What looks an avatar's meshes up by name wants each part apart.
        object.__setattr__(self, "parts", parts_named(self.parts or ("all" if self.avatar else ())))
        if self.frame is not None and not (math.isfinite(self.frame) and self.frame >= 0.0):
            raise OptionError(f"frame must be an instant in seconds, 0 or later, got {self.frame:g}")

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the options that differ from their defaults."""
        differs = {
            "up": self.up != "y",
            "unit": self.unit != "m",
            "lod": self.lod != 0,
            "parts": bool(self.parts),
            "blush": self.blush,
            "hair": self.hair != "cards",
            "frame": self.frame is not None,
            "skin_curves": self.skin_curves,
            "compress": self.compress,
            "dense": self.dense,
            "avatar": bool(self.avatar),
        }
        return tuple(name for name, given in differs.items() if given)

    def placed(self, vertices: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3"]:
        """Vertices (metres, +Y up) as the file holds them, float32."""
        out = np.asarray(vertices, np.float32)
        if self.up == "z":
            out = np.stack([out[..., 0], -out[..., 2], out[..., 1]], axis=-1)
        return out if self.unit == "m" else out * np.float32(UNITS[self.unit])


PLAIN = MeshOptions()  # Metres, +Y up, the head's own mesh, whole, moving: the default of every writer.
