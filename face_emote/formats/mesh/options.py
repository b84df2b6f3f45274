"""How a mesh is to be written: axes, unit, fineness, parts, colours, one instant or all."""

import math
from dataclasses import dataclass

from face_emote.core.errors import OptionError
from face_emote.formats.mesh.space import MeshSpace
from face_emote.formats.mesh.surface import MAX_LOD, parts_named


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """What the formats that hold meshes can be asked for; `formats.ExportFormat.takes` says which takes what."""

    space: MeshSpace = MeshSpace()  # noqa: RUF009 - frozen
    lod: int = 0
    """0 the head's own mesh; 1 and 2: subdivided smoothly once or twice, four times the faces each."""
    parts: tuple[str, ...] = ()
    """Of `surface.PARTS`; each becomes an object of its own. Empty: the whole head as one."""
    blush: bool = False
    """Whether blood flow is baked into vertex colours."""
    static_secs: float | None = None
    """The one instant to write, as a plain mesh; None: all of the motion."""

    def __post_init__(self) -> None:
        if self.lod not in range(MAX_LOD + 1):
            raise OptionError(f"lod must be 0, 1 or 2, got {self.lod}")
        object.__setattr__(self, "parts", parts_named(self.parts))
        if self.static_secs is not None and not (math.isfinite(self.static_secs) and self.static_secs >= 0.0):
            raise OptionError(f"static must be an instant in seconds, 0 or later, got {self.static_secs:g}")

    @property
    def asked(self) -> tuple[str, ...]:
        """Names of the options that differ from their defaults."""
        differs = {
            "up": self.space.up != "y",
            "unit": self.space.unit != "m",
            "lod": self.lod != 0,
            "parts": bool(self.parts),
            "blush": self.blush,
            "static": self.static_secs is not None,
        }
        return tuple(name for name, given in differs.items() if given)


PLAIN = MeshOptions()
"""Metres, +Y up, the head's own mesh, whole, moving: the default of every writer."""
