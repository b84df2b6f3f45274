"""Where hair goes with the years: from temples and crown until a wreath is left (Norwood's types III to VII)."""

import numpy as np

from face_emote.core.arrays import Array, Float

_LINE = ((0.0, 40.0), (45.0, 58.0), (75.0, 74.0), (105.0, 84.0), (140.0, 74.0), (180.0, 66.0))
"""Azimuth from the front in degrees, height in mm: above this line even the oldest scalp may be bare."""
_AXIS_Z_MM = 10.0
BORDER_MM = 24.0  # Width of the wreath's thin upper border.


def loss(points: Float[Array, "point 3"]) -> Float[Array, " point"]:
    """0 where hair always stays .. 1 where it goes first; points in metres on the template head."""
    x, y, z = (1e3 * points.astype(np.float64)).T
    azimuth = np.degrees(np.arctan2(np.abs(x), z - _AXIS_Z_MM))
    line = np.interp(azimuth, *np.array(_LINE).T)
    above = np.clip((y - line) / BORDER_MM, 0.0, 1.0)
    crown = np.exp(-0.5 * (((z + 35.0) / 34.0) ** 2 + (x / 34.0) ** 2))
    temple = np.exp(-0.5 * (((np.abs(x) - 45.0) / 20.0) ** 2 + ((z - 75.0) / 28.0) ** 2))
    first = np.clip(0.45 + 0.55 * np.maximum(crown, temple), 0.0, 1.0)
    found: Array = above * above * (3.0 - 2.0 * above) * first
    return found


def left(loss_share: Float[Array, "*shape"], thinning: float) -> Float[Array, "*shape"]:
    """Share of the hair that is left where `loss` is that, at a thinning of 0..1."""
    gone = thinning * 2.2 * (loss_share - 0.9 * (1.0 - thinning))
    return 1.0 - np.clip(gone, 0.0, 0.995)
