"""What both readers of captures return."""

from dataclasses import dataclass

from face_emote.core.arrays import Array, Float

MAX_NUMBERS = 60_000_000
"""In one capture: 4.5 hours of 61 curves at 60 fps, 0.5 GB; split longer ones."""
MAX_CURVES = 4096
MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class RecordedCurves:
    """Curves as a file has them."""

    names: tuple[str, ...]
    values: Float[Array, "frames curve"]
    """Float64, finite; frame i is at i / fps."""
    fps: float
