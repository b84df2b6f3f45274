"""From scene light to display light: one curve for every engine. `docs/shading.md` has the figures.

Three steps on linear, exposed light c, with L the luminance (`LUMA`):

1. inset: c moves `INSET` of the way to its luminance, so that bright colours lean to white instead of clipping;
2. curve: y = `GAIN` * c * (c + a) / (c * (c + b) + d), (a, b, d) = `CURVE`, per channel: a toe, a nearly straight
   middle (0.18 stays 0.18) and a long shoulder that reaches white at 8;
3. outset: y moves away from its luminance by 1 / (1 - `OUTSET`): the saturation that step 1 took comes back.

Greys pass steps 1 and 3 unchanged. The curve is a rational fit of a logistic curve in log light with contrast 1.3.
"""

import numpy as np

from face_emote.core.arrays import Array, Float

LUMA = (0.2126, 0.7152, 0.0722)  # Luminance of linear sRGB (Rec. 709).
INSET = 0.20
OUTSET = 0.24
GAIN = 1.0595
CURVE = (0.0509, 0.5463, 0.1130)


def tone_mapped(light: Float[Array, "*shape 3"]) -> Float[Array, "*shape 3"]:
    """Display light 0..1 (linear sRGB) of exposed scene light; the reference for every engine's own version."""
    a, b, d = CURVE
    luma = np.asarray(LUMA, light.dtype)
    c = light + INSET * ((light @ luma)[..., None] - light)
    c = np.maximum(c, 0.0)
    y = np.minimum(GAIN * c * (c + a) / (c * (c + b) + d), 1.0)
    grey = (y @ luma)[..., None]
    found: Array = np.clip(grey + (y - grey) / (1.0 - OUTSET), 0.0, 1.0)
    return found
