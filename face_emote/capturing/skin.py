"""What a picture says of the skin: colour of the blood's regions, dark valleys where folds would be, a thumbnail.

Wrinkles: the band-passed red of the map (red hardly sees blood), its curvature across the folds. Energy of that band in
any direction has nothing to do with folds (correlation about 0); valleys along the expected direction have.
Blood: log(R / G) in linear light against the clip's median, which a change of light moves little and haemoglobin much.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.capturing.chart import HEIGHT, TOP_MM, WIDTH, Chart, Unwrapped
from face_emote.core.arrays import Array, Bool, Float, UInt8
from face_emote.core.names import BLOOD_REGIONS, WRINKLES
from face_emote.look.colour import BLOOD_GAIN, HAEMOGLOBIN_EXTINCTION

THUMB = 6  # Texels per pixel of a thumbnail.
UPPER_MM, LOWER_MM = 34.0, 16.0  # Above the first lie brows and eyes, below the second the mouth.
THUMB_SHAPE = (-(-HEIGHT // THUMB), -(-WIDTH // THUMB))
ACROSS_ROWS = np.array([name.startswith("forehead") or name in ("nose_bridge", "chin") for name in WRINKLES])
"""Folds that lie level; the others stand upright."""
SEEN_WRINKLES = np.array(
    [
        name in ("forehead_centre", "glabella") or name.startswith(("nasolabial", "mouth_corner"))
        for name in WRINKLES
    ]
)  # fmt: skip
"""Where the picture adds to what the mesh says; elsewhere hair, lashes and shadows drown the folds."""
PICTURE_SHARE = 0.4
RESTING, FULL = 5, 98  # Percentiles of a clip that count as smooth and as fully folded.
USUAL_HAEMOGLOBIN = 0.62
SHOWN_SHARE = np.array([{"forehead": 0.62, "nose": 1.07}.get(name, 0.81) for name in BLOOD_REGIONS])
"""Of a flow, in the mean colour of its region, whose edges flush less: measured on films of our own heads."""
RISE = HAEMOGLOBIN_EXTINCTION[1] - HAEMOGLOBIN_EXTINCTION[0]  # Of log(R / G) per unit of haemoglobin.
LEAST_SEEN = 0.35  # Share of a region below which its colour is not taken.
SKIN_REDNESS = (0.05, 1.6)  # log(R / G) of living skin in ordinary light; other values mean a graded or a grey film.
LEAST_BITS = 0.03  # Bits per pixel below which compression has taken the small changes of colour.
_LINEAR = np.arange(256) / 255.0
_LINEAR = np.where(_LINEAR < 0.04045, _LINEAR / 12.92, ((_LINEAR + 0.055) / 1.055) ** 2.4).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SkinSample:
    """One picture's skin."""

    colour: Float[Array, "region=8 3"]  # Linear mean; NaN where too little is seen.
    valleys: Float[Array, " wrinkle=16"]
    thumb: Float[Array, "thumb_row thumb_column 3"]
    """log of the colour, blurred, less its median; 0 where there is no skin."""
    brightness: float  # Median luminance, linear.
    clipped: float  # Share of texels at the upper end of the scale.
    even: float  # Share of texels that are as their neighbours are: hardly any in a film, nearly all in a drawing.


def skin_sample(chart: Chart, flat: Unwrapped) -> SkinSample:
    """Measure one unwrapped picture."""
    import cv2

    linear = _LINEAR[flat.colour].reshape(-1, 3)
    brightest = flat.colour.reshape(-1, 3).max(axis=1)
    luminance = linear @ np.array([0.3, 0.55, 0.15], np.float32)
    good = chart.skin & flat.facing & (brightest < 251) & (luminance > 0.004)
    weight = chart.blood * good[:, None]
    total = weight.sum(axis=0)
    colour = (weight.T @ linear) / np.maximum(total, 1e-6)[:, None]
    colour[total <= LEAST_SEEN * chart.blood.sum(axis=0)] = np.nan
    visible, skin = chart.skin & flat.facing, chart.skin.reshape(HEIGHT, WIDTH)
    middle = chart.middle.reshape(HEIGHT, WIDTH)[::THUMB, ::THUMB]
    blurred = cv2.GaussianBlur(flat.colour, (0, 0), THUMB / 2.0)[::THUMB, ::THUMB]
    return SkinSample(
        colour=colour,
        valleys=_valleys(chart, linear[:, 0], visible),
        thumb=_balanced(np.log(blurred.astype(np.float32) / 255.0 + 0.03), middle),
        brightness=float(np.median(luminance[chart.skin])),
        clipped=float(np.mean(brightest[chart.skin] >= 251)),
        even=float(np.mean(_steps(flat.colour)[skin[1:, 1:]] <= 1)),
    )


def _balanced(level: Float[Array, "row column 3"], skin: Bool[Array, "row column"]) -> Float[Array, "row column 3"]:
    """Without the light of the picture, which may change; what covers less than half the face moves no median."""
    return np.where(skin[..., None], level - np.median(level[skin], axis=0), np.float32(0.0))


def _steps(colour: UInt8[Array, "row column 3"]) -> Array:
    """Largest difference of each texel to the one above and the one on the left."""
    levels = colour.astype(np.int16)
    down, right = (np.abs(np.diff(levels, axis=axis)).max(axis=2) for axis in (0, 1))
    steps: Array = np.maximum(down[:, 1:], right[1:])
    return steps


def _valleys(chart: Chart, red: Float[Array, " texel"], visible: Bool[Array, " texel"]) -> Float[Array, " wrinkle=16"]:
    import cv2

    seen = visible.reshape(HEIGHT, WIDTH).astype(np.float32)
    level = np.log(red + 0.01).reshape(HEIGHT, WIDTH).astype(np.float32) * seen

    def smooth(picture: Array, sigma: float) -> Array:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))

    wide, fine = (
        smooth(level, sigma) / np.maximum(smooth(seen, sigma), np.float32(1e-3)) for sigma in (5.0, 0.8)
    )  # fmt: skip
    band = smooth(np.where(seen > 0.0, fine - wide, np.float32(0.0)), 1.5)
    level_folds, upright = (
        np.maximum(cv2.Sobel(band, cv2.CV_32F, dx, dy, ksize=3), 0.0).ravel() @ chart.wrinkles
        for dx, dy in ((0, 2), (2, 0))
    )
    found: Array = np.where(ACROSS_ROWS, level_folds, upright) / np.maximum(chart.wrinkles.sum(axis=0), 1e-6)
    return found


def halves_apart(one: Array, other: Array) -> tuple[float, float]:
    """Mean difference of two thumbnails in the upper and in the lower half of the face."""
    height = TOP_MM - np.arange(0, HEIGHT, THUMB)
    away = np.abs(one.astype(np.float32) - other.astype(np.float32)).mean(axis=2)
    skin = np.asarray(one.any(axis=2))
    upper, lower = (away[rows][skin[rows]].mean() for rows in (height > UPPER_MM, height < LOWER_MM))
    return float(upper), float(lower)


def seen_wrinkles(
    valleys: Float[Array, "frames wrinkle=16"], tension: Float[Array, "frames wrinkle=16"]
) -> Float[Array, "frames wrinkle=16"]:
    """Activations: the mesh's tension, and where the picture knows better a share of its valleys.

    Valleys have no scale of their own: they span what the tension spans in the same clip, so that a still face does not
    wrinkle by its noise. NaN in `valleys` leaves the tension.
    """
    known = np.isfinite(valleys).all(axis=1)
    if not known.any():
        return tension
    rest, full = np.percentile(valleys[known], (RESTING, FULL), axis=0)
    low, high = np.percentile(tension[known], (RESTING, FULL), axis=0)
    shown = np.clip((valleys - rest) / np.maximum(full - rest, 1e-6), 0.0, 1.0) * (high - low) + low
    shown = np.where(known[:, None] & SEEN_WRINKLES, shown, tension)
    return np.clip((1.0 - PICTURE_SHARE) * tension + PICTURE_SHARE * shown, 0.0, 1.0)


def blood_curves(
    colour: Float[Array, "frames region=8 3"], *, at_rest: Float[Array, "frames region=8 3"] | None = None
) -> Float[Array, "frames region=8"]:
    """Flow h of each region, -1..1, against the clip's median (or against frames at rest); NaN where it is not seen."""
    redness, flow = redness_of(colour), np.full(colour.shape[:2], np.nan)
    resting = redness if at_rest is None else redness_of(at_rest)
    seen = np.isfinite(resting).any(axis=0)
    ratio = 1.0 + (redness[:, seen] - np.nanmedian(resting[:, seen], axis=0)) / (RISE * USUAL_HAEMOGLOBIN)
    flow[:, seen] = np.clip(np.log(np.maximum(ratio, 0.15)) / (BLOOD_GAIN * SHOWN_SHARE[seen]), -1.0, 1.0)
    return flow


def redness_of(colour: Float[Array, "frames region=8 3"]) -> Float[Array, "frames region=8"]:
    """log(R / G) of linear colours."""
    found: Array = np.log(colour[..., 0] + 1e-4) - np.log(colour[..., 1] + 1e-4)
    return found


def why_no_blood(colour: Float[Array, "frames region=8 3"], *, bits_per_pixel: float, film: Path) -> str | None:
    """The sentence that says why nothing is claimed of the blood; None when something is."""
    redness = redness_of(colour)
    if not np.isfinite(redness).any():
        return f"Too little skin is seen to read the blood; it is left at rest: {film}"
    typical = float(np.nanmedian(redness))
    if not SKIN_REDNESS[0] <= typical <= SKIN_REDNESS[1]:
        return f"The film is grey or graded, so its colours say nothing of the blood, which is left at rest: {film}"
    if 0.0 < bits_per_pixel < LEAST_BITS:
        return f"The film is compressed too strongly to read the blood, which is left at rest: {film}"
    return None
