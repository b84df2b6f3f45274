"""How an eye looks, defined once: every renderer takes these numbers from here. The formulas are in docs/shading.md.

Lengths without a unit are in radii of the modelled eyeball, whose z axis is the optical axis. The cornea is a smaller
sphere that stands out of the ball; it exists in shading only, so that closed lids still fit the ball.
"""

import math

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS

IRIS = 0.355  # Angular radius of the iris on the modelled eyeball, whose radius is 16.5 mm: 11.7 mm across.
LIMBUS = math.sin(IRIS)  # Distance of the cornea's rim from the optical axis.
CORNEA_RADIUS = 0.48  # 7.9 mm, as in the living eye.
CORNEA_CENTRE = math.cos(IRIS) - math.sqrt(CORNEA_RADIUS**2 - LIMBUS**2)
REFRACTION = 1.0 / 1.336  # Refractive index of air over that of the aqueous humour.
IRIS_PLANE = 0.895  # Where the iris lies behind the cornea: 3.1 mm under its apex.
IRIS_RADIUS = 0.97 * LIMBUS
CORNEA_RIM = (1.08, 0.90)  # Distances from the axis, in limbus radii, between which ball turns into cornea.

PUPIL_DARK, PUPIL_BRIGHT = 0.50, 0.27  # Radius of the pupil in iris radii under hardly any and under plenty of light.
PUPIL_EDGE = 0.035
FIBRES = ((5.0, 1.6, 3.0, 0.50), (15.0, 3.2, 9.0, 0.50))
"""Two octaves of fibres: cells per radian round the pupil, cells along the radius, offset, share."""
FIBRE_RANGE = (0.40, 1.25)  # Iris brightness at fibre noise 0, and what 1 adds.
COLLARETTE = (0.64, 0.44, 0.55)  # Radii between which the inner zone of the iris begins, and its share.
COLLARETTE_TINT = (1.45, 1.08, 0.55)
LIMBAL_WIDTH = (0.34, 0.17)
LIMBAL_DEPTH = (0.80, 0.52)
"""Dark ring at the rim of the iris, young and old: its width in iris radii, the light it takes."""
CAUSTIC = 0.55  # How much brighter the iris is on the side away from the light: the cornea gathers light there.
WHITE = (0.93, 1.10)  # Distances from the axis, in limbus radii, between which iris turns into sclera.

SCLERA_YOUNG = (0.575, 0.550, 0.535)
SCLERA_OLD = (0.56, 0.505, 0.42)
VESSEL = (0.58, 0.215, 0.175)
VESSELS, VESSEL_SHARPNESS = 0.55, 14.0
PINK = 0.10  # Redness of the sclera far from the iris.
CORNER_PINK, CORNER_REACH = 0.12, (0.0085, 0.0025)
"""Redness at both corners of the lids, and between which distances from them it rises; metres."""
CARUNCLE = (0.60, 0.36, 0.32)
CARUNCLE_REACH = (0.0056, 0.0034)
"""The flesh in the inner corner: colour, and between which distances from the corner it begins; metres."""
FLUSH_REDNESS = 0.55  # Redness that full blood flow round the eyes (weeping) adds.
SCLERA_WRAP = 0.22

LID_SHADOW = 0.0034
LID_FLOOR = 0.34
LID_WARMTH = (0.80, 1.0, 1.08)
"""Metres that the shadow of upper lid and lashes reaches down the ball, light right under the lid, exponent per
channel: part of that light came through skin."""
LID_GLOW = (0.085, 0.040, 0.026)  # Key light that reaches the shaded ball through the lids.
SOCKET_REACH, SOCKET_FLOOR = 0.0014, 0.70  # The same above the lower lid.
TEAR = (0.0007, 0.0002)  # The tear line: metres above the lower lid between which it rises to full strength.
TEAR_LIFT, TEAR_ROUGHNESS, TEAR_F0, TEAR_GLOW = 0.9, 0.30, 0.05, 0.22
"""Its surface leans this much upwards; its highlight; sky it mirrors."""
TEAR_FLOOD = 1.2  # How much stronger it is at full blood flow round the eyes.

WET_F0 = 0.026
WINDOW_HALF = (0.20, 0.27)
WINDOW_EDGE = 0.05
WINDOW_BAR, WINDOW_BAR_SHADE = 0.022, 0.45
WINDOW_LOWERED = 0.55
"""The key light is mirrored as a window with a cross bar: tangents of its half width and height, softness, width of
the bar, light the bar takes. It hangs lower than the key, or lids and lashes would hide it."""
WINDOW_CORNEA, WINDOW_SCLERA = 1.15, 0.10
WINDOW_SHADOWED = 0.35
"""Brightness relative to the key light: on the cornea, on the rougher white, and the share that shadow leaves."""
FILL_LOW, FILL_HIGH, FILL_MIRRORED = 0.90, 0.985, 0.30
"""The fill light is mirrored as a soft disc between these cosines."""
GLOSS_CORNEA, GLOSS_SCLERA = 0.16, 0.30  # GGX roughness of the glow round the mirrored lights.
MIRRORED_SKY = 0.60  # Sky in the tear film, times Fresnel.

PERIORBITAL = BLOOD_REGIONS.index("periorbital")


def pupil_radius(light: float) -> float:
    """Radius of the pupil in iris radii under a light, the luminance of key and sky light times exposure (>= 0).

    The pupil's area falls with the logarithm of the light (Watson & Yellott 2012); between the two ends the radius
    does so here. 0.2 is night, 2 a bright studio.
    """
    share = math.log(max(light, 0.05) / 0.2) / math.log(10.0)
    return PUPIL_DARK + (PUPIL_BRIGHT - PUPIL_DARK) * min(1.0, max(0.0, share))


def eye_redness(blood_flow: Float[Array, " region=8"]) -> float:
    """How red with weeping the eyes are, 0..1, from the blood flow of `names.BLOOD_REGIONS`."""
    return float(np.clip(blood_flow[PERIORBITAL], 0.0, 1.0))
