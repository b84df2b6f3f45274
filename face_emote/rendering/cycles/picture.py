"""From linear light to a picture: exposure, tone curve and backdrop as in the fast renderer."""

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.png import srgb_bytes
from face_emote.look.tone import tone_mapped


def developed(
    light: Float[Array, "height width 4"], *, backdrop: Float[Array, "height width 3"], exposure: float
) -> UInt8[Array, "height width 3"]:
    """A picture, sRGB.

    Args:
        light: Linear, multiplied by its alpha.
        backdrop: Tone-mapped linear light behind the head.
        exposure: Factor before the tone curve.
    """
    alpha = np.clip(light[..., 3:], 0.0, 1.0)
    seen = np.maximum(light[..., :3], 0.0) / np.maximum(alpha, 1e-4)
    return srgb_bytes(tone_mapped(seen * np.float32(exposure)) * alpha + backdrop * (1.0 - alpha))
