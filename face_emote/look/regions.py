"""Where each wrinkle and each blood region lies on the bundled head, as soft masks over rest positions.

Positions are millimetres of the rest shape in head coordinates: the origin is the template's (skull base), +X to the
character's left, +Y up, +Z forward. Because a mask is a function of position alone, a renderer may evaluate it on
subdivided vertices or on texels and gets the same field. The places (pupil 43 mm up, mouth line 29 mm down, nose tip
131 mm forward) were read off the bundled template; they hold for its identities because every identity is evaluated
with the template's positions, not with its own.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, WRINKLES

BLOOD_AND_NECK = (*BLOOD_REGIONS, "neck")
"""Columns of `blood_masks`: the eight regions of a motion, then the neck, which follows cheeks and ears."""
_SPLIT_MM = 7.0  # Half width of the soft border between left and right.


def _bell(distance: Array, sigma: float) -> Array:
    return np.exp(-0.5 * (distance / sigma) ** 2)


def _ramp(value: Array, span: tuple[float, float]) -> Array:
    """Smoothstep from 0 at the first to 1 at the second end of `span` (either may be the larger)."""
    start, stop = span
    u = np.clip((value - start) / (stop - start), 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def _left(x: Array) -> Array:
    return _ramp(x, (-_SPLIT_MM, _SPLIT_MM))


def wrinkle_masks(position_mm: Float[Array, "vertex 3"]) -> Float[Array, "vertex wrinkle=16"]:
    """Weight of each of `names.WRINKLES` at rest positions in mm, 0..1."""
    x, y, z = np.asarray(position_mm, np.float64).T
    side, left = np.abs(x), _left(x)
    front = _ramp(z, (15.0, 40.0))
    forehead = _ramp(y, (62.0, 75.0)) * _ramp(y, (136.0, 116.0)) * _ramp(z, (20.0, 50.0))
    centre = _bell(x, 21.0)
    crow = _ramp(side, (38.0, 49.0)) * _bell(y - 42.0, 13.0) * _ramp(z, (20.0, 45.0))
    lid = _bell(side - 32.0, 13.0) * _bell(y - 29.0, 7.0) * front
    fold = _bell(side - 31.0, 12.0) * _bell(y + 14.0, 19.0) * front
    corner = _bell(side - 29.0, 6.5) * _bell(y + 38.0, 10.0) * front
    masks = {
        "forehead_centre": forehead * centre,
        "forehead_left": forehead * (1.0 - centre) * left,
        "forehead_right": forehead * (1.0 - centre) * (1.0 - left),
        "glabella": _bell(x, 14.0) * _bell(y - 60.0, 12.0) * front,
        "nose_bridge": _bell(x, 12.5) * _bell(y - 34.0, 7.5) * front,
        "crows_feet_left": crow * left,
        "crows_feet_right": crow * (1.0 - left),
        "lower_lid_left": lid * left,
        "lower_lid_right": lid * (1.0 - left),
        "nasolabial_left": fold * left,
        "nasolabial_right": fold * (1.0 - left),
        "perioral": _bell(x, 23.0) * _bell(y + 27.0, 10.0) * front,
        "mouth_corner_left": corner * left,
        "mouth_corner_right": corner * (1.0 - left),
        "chin": _bell(x, 18.0) * _bell(y + 51.0, 10.0) * front,
        "neck_bands": _ramp(y, (-68.0, -84.0)) * _ramp(y, (-165.0, -140.0)) * _bell(x, 45.0) * _ramp(z, (-25.0, 5.0)),
    }
    return np.stack([masks[name] for name in WRINKLES], axis=-1).astype(np.float32)


def blood_masks(
    position_mm: Float[Array, "vertex 3"], ear_mask: Float[Array, " vertex"]
) -> Float[Array, "vertex region=9"]:
    """Weight of each of `BLOOD_AND_NECK` at rest, 0..1; regions overlap and may sum above 1.

    `ear_mask`: the head's own mask of the ears, whose folds are no simple shape.
    """
    x, y, z = np.asarray(position_mm, np.float64).T
    side, left = np.abs(x), _left(x)
    ears = np.clip(np.asarray(ear_mask, np.float64), 0.0, 1.0)
    face = _ramp(z, (15.0, 45.0)) * (1.0 - ears)
    cheek = _bell(side - 41.0, 16.0) * _bell(y - 7.0, 17.0) * face
    # A ring around the eye opening: the lids flush first, the bulge under the brow hardly at all.
    eye = np.hypot((side - 32.0) / 18.0, (y - 40.0) / 11.5)
    masks = {
        "forehead": _bell(x, 44.0) * _bell(y - 84.0, 23.0) * face,
        "nose": _bell(x, 12.5) * _bell(y - 5.0, 13.0) * _ramp(z, (80.0, 105.0)),
        "cheek_left": cheek * left,
        "cheek_right": cheek * (1.0 - left),
        "ears": ears,
        "periorbital": _ramp(eye, (1.65, 0.75)) * _ramp(z, (60.0, 80.0)),
        "lips": _ramp(side, (27.0, 20.0)) * _bell(y + 30.0, 8.0) * _ramp(z, (92.0, 104.0)),
        "chin": _bell(x, 16.0) * _bell(y + 57.0, 10.0) * _ramp(z, (55.0, 85.0)),
        "neck": _ramp(y, (-62.0, -88.0)) * _ramp(y, (-185.0, -120.0)),
    }
    return np.stack([masks[name] for name in BLOOD_AND_NECK], axis=-1).astype(np.float32)


def with_neck(blood_flow: Float[Array, " region=8"]) -> Float[Array, " region=9"]:
    """The neck follows cheeks and ears."""
    return np.append(blood_flow, blood_flow[2:5].mean()).astype(np.float32)


def thinness(position_mm: Float[Array, "vertex 3"], ear_mask: Float[Array, " vertex"]) -> Float[Array, " vertex"]:
    """Where light comes through from behind, 0..1: the shells of the ears, less the wings of the nose."""
    x, y, z = np.asarray(position_mm, np.float64).T
    side = np.abs(x)
    ears = np.clip(np.asarray(ear_mask, np.float64), 0.0, 1.0) * _ramp(side, (72.0, 82.0))
    wings = 0.5 * _bell(side - 15.0, 4.0) * _bell(y - 1.0, 6.0) * _ramp(z, (92.0, 104.0))
    found: Array = np.maximum(ears, wings).astype(np.float32)
    return found
