"""Depth of field: what lies nearer or farther than the eyes is blurred as a thin lens would blur it.

The circle of confusion of a point at depth d, focus at s, has the diameter f * A * |1/s - 1/d| pixels for a lens of
aperture A metres and f pixels of focal length (thin lens, s much larger than the focal length). Each pixel gathers from
the disc of its own circle, and only from places whose own circle reaches back: a sharp pixel takes nothing from its
surroundings, so the background never bleeds over the face, and gives nothing, so no halo surrounds it.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.rendering.stage.kernels import compiled

NUM_TAPS = 64
_TURN = np.arange(NUM_TAPS) * 2.399963
_OUT = np.sqrt((np.arange(NUM_TAPS) + 0.5) / NUM_TAPS)
TAPS = np.stack([np.cos(_TURN) * _OUT, np.sin(_TURN) * _OUT], axis=1)  # A sunflower of points on the unit disc.
BEHIND = 0.10
"""Where nothing is drawn or only hair, depth is taken to be this far behind the focus, metres: the head's outline."""
LARGEST = 0.04  # Largest radius of blur, as a share of the picture's shorter side.
SHARP = 0.35  # Blur of fewer pixels than this is left out.


def blur_radius(
    inverse_depth: Float[Array, "height width"], *, focus: float, aperture: float, focal: float
) -> Float[Array, "height width"]:
    """Radius of the circle of confusion in pixels of a lens of `aperture` metres, sharp at `focus` metres."""
    seen = np.where(inverse_depth > 0.0, inverse_depth, 1.0 / (focus + BEHIND))
    radius = (0.5 * focal * aperture) * np.abs(1.0 / focus - seen)
    found: Array = np.minimum(radius, LARGEST * min(inverse_depth.shape)).astype(np.float32)
    return found


@compiled
def defocus(picture, radius, taps, out):
    """Gather `out` [H, W, 3] from `picture` by the rule above; `radius` [H, W], `taps` [N, 2] on the unit disc."""
    height, width = radius.shape
    for i in range(height):
        for j in range(width):
            own = radius[i, j]
            total = 1.0
            red, green, blue = picture[i, j, 0] * 1.0, picture[i, j, 1] * 1.0, picture[i, j, 2] * 1.0
            if own > SHARP:
                for k in range(taps.shape[0]):
                    dx, dy = taps[k, 0] * own, taps[k, 1] * own
                    r = min(max(int(i + 0.5 + dy), 0), height - 1)
                    c = min(max(int(j + 0.5 + dx), 0), width - 1)
                    away = (dx * dx + dy * dy) ** 0.5
                    weight = min(1.0, max(0.0, radius[r, c] - away + 1.0))
                    total += weight
                    red += weight * picture[r, c, 0]
                    green += weight * picture[r, c, 1]
                    blue += weight * picture[r, c, 2]
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = red / total, green / total, blue / total
