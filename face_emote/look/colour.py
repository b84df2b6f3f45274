"""The colour of skin, defined once: pigment and blood in, linear albedo out. Every renderer mirrors these constants.

Beer-Lambert absorption in two chromophores over a scattering base (after Krishnaswamy & Baranoski 2004 and Jimenez et
al. 2010, "A practical appearance model for dynamic facial color"), plus what the epidermis scatters back before
pigment can absorb it: albedo = epidermis + base * exp(-M * em - H * eh). M and H are concentrations in arbitrary units,
as in `SkinParams`: M 0.45 very fair .. 2.6 very dark, H 0.4 pale .. 0.8 ruddy.

Epidermis, base and melanin are a least-squares fit (CIELAB, D65, rms 0.9) to six tones from L* 68 to 35, spread over
the classes of the individual typology angle along measured faces: cheeks of L* 60 a* 12 b* 15 (Caucasian) and 59 11 14
(Chinese; Xiao et al. 2017, doi 10.1111/srt.12295), 48 15 20 and foreheads of 44 14 19 (African-American; de Rigal et
al. 2010). That redness a* hardly depends on pigment, and that the darkest skin is less, not more, colourful, is what
the epidermis term is for.
The blood's extinctions are a choice: haemoglobin absorbs green and blue and lets red pass.
"""

import numpy as np

from face_emote.core.arrays import Array, Float

EPIDERMIS = 0.02  # Light that the outermost layers scatter back, of every colour alike.
BASE_ALBEDO = (0.733, 0.696, 0.559)
"""Linear sRGB of skin without pigment and blood: the collagen beneath, and its carotene."""
MELANIN_EXTINCTION = (0.611, 0.837, 1.087)
"""In the ratio 0.73 : 1 : 1.30; wavelength ** -3.33 (Jacques 2013) gives 0.71 : 1 : 1.4 at 610, 550 and 495 nm."""
HAEMOGLOBIN_EXTINCTION = (0.05, 0.50, 0.40)
BLOOD_GAIN = 0.80
"""k of H = H0 * exp(k h). exp(-0.8) = 0.45 is the loss of flow under strong vasoconstriction (-50..-54 %), exp(0.8) =
2.2 a full blush."""
PALLOR_GREYING = 0.18
"""Share of grey mixed in at h = -1: skin without blood also loses the red light that blood scatters back."""
LUMINANCE = (0.3, 0.5, 0.2)  # Weights of the grey that pallor mixes in.
CREASE_TINT = (0.76, 0.58, 0.53)
"""Albedo factor at the bottom of a full crease: light that bounces between its walls is absorbed more often."""
SCALP_SHADE = 0.9  # Opacity of painted hair (brow and scalp) at coverage 1.


def albedo(melanin: Float[Array, "*shape"], haemoglobin: Float[Array, "*shape"]) -> Float[Array, "*shape 3"]:
    """Linear albedo of resting skin from its two concentrations (both >= 0), float32."""
    base, pigment, blood = (
        np.asarray(v, np.float32) for v in (BASE_ALBEDO, MELANIN_EXTINCTION, HAEMOGLOBIN_EXTINCTION)
    )
    m, h = melanin.astype(np.float32)[..., None], haemoglobin.astype(np.float32)[..., None]
    return np.float32(EPIDERMIS) + base * np.exp(-m * pigment - h * blood)


def flowing(haemoglobin: Float[Array, "*shape"], blood_flow: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Haemoglobin under a blood flow h in -1 pallor .. +1 flush: H * exp(k h)."""
    return haemoglobin * np.exp(BLOOD_GAIN * blood_flow)


def greyed(colour: Float[Array, "*shape 3"], blood_flow: Float[Array, "*shape"]) -> Float[Array, "*shape 3"]:
    """Pallor's loss of saturation; colours at h >= 0 pass unchanged."""
    grey = colour @ np.asarray(LUMINANCE, np.float32)
    share = (PALLOR_GREYING * np.clip(-blood_flow, 0.0, 1.0))[..., None]
    found: Array = (colour + share * (grey[..., None] - colour)).astype(colour.dtype)
    return found


def creased(colour: Float[Array, "*shape 3"], depth: Float[Array, "*shape"]) -> Float[Array, "*shape 3"]:
    """Darken and redden creases, 0 smooth .. 1 bottom of a full one: -wrinkle_height * activation, clipped here."""
    tint = 1.0 - np.asarray(CREASE_TINT, np.float32)
    found: Array = (colour * (1.0 - np.clip(depth, 0.0, 1.0)[..., None] * tint)).astype(colour.dtype)
    return found


def painted(
    colour: Float[Array, "*shape 3"], coverage: Float[Array, "*shape"], *, hair_colour: tuple[float, float, float]
) -> Float[Array, "*shape 3"]:
    """Skin seen through hair too fine to draw (under brows, on the scalp); coverage in 0..1."""
    share = SCALP_SHADE * np.clip(coverage, 0.0, 1.0)[..., None]
    found: Array = (colour * (1.0 - share) + np.asarray(hair_colour, np.float32) * share).astype(colour.dtype)
    return found


def skin_albedo(
    *,
    melanin: Float[Array, "*shape"],
    haemoglobin: Float[Array, "*shape"],
    blood_flow: Float[Array, "*shape"] | None = None,
    crease: Float[Array, "*shape"] | None = None,
) -> Float[Array, "*shape 3"]:
    """Linear albedo of living skin: blood flow in -1..1 and crease depth in 0..1 on top of the resting maps."""
    if blood_flow is None:
        colour = albedo(melanin, haemoglobin)
    else:
        colour = greyed(albedo(melanin, flowing(haemoglobin, blood_flow)), blood_flow)
    return colour if crease is None else creased(colour, crease)
