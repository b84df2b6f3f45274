"""How the knitted collar looks: ribs in the first 9 mm under its edge, a seam, plain weave below.

Lengths are millimetres under the edge unless said otherwise.
"""

WRAP = 0.10
WEAVE = (1400.0, 1.4)  # Cells of the weave a metre round the neck, and a millimetre down.
WEAVE_RANGE = (0.82, 0.36)  # Brightness at weave noise 0, and what 1 adds.
RIBS, RIBS_BEHIND = 260.0, 0.032  # Ribs per 2 pi radians round an axis this far (metres) behind the neck's.
RIB_SHADE = 0.38
RIBBED = (8.2, 9.2)
SEAM_UPPER, SEAM_LOWER, SEAM_SHADE = (8.0, 8.6), (9.2, 9.8), 0.5
"""Where the ribs end, and the seam between them and the plain weave."""
