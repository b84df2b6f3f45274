"""How a strand of hair reflects light, defined once; every renderer takes these numbers and this formula from here.

With t the strand's direction from root to tip, l a light, v the camera, n the direction away from the head (unit
vectors), c the hair's colour and seen the share of the light that gets through the other hair:

- body: c * BODY * sin(t, l) * seen * facing (Kajiya and Kay 1989), facing = max(0, (n.l + WRAP) / (1 + WRAP));
- three lobes of Marschner et al. 2003 in small angles: with h = (t.l + t.v) / 2 and p the angle between l and v
  around the strand, each is gain * exp(-((h - shift) / width)^2 / 2) * azimuth(p):
  the surface's white reflection, azimuth sqrt((1 + cos p) / 2), tilted towards the root by the cuticle's scales;
  the coloured one from inside, sqrt(c), ((1 + cos p) / 2)^2, tilted the other way;
  light that shines through, c, ((1 - cos p) / 2)^3, seen on the rim against a light from behind;
  reflections are held back by `facing`, what shines through is not;
- sky light: c * openness * (SKY[0] + SKY[1] * n.y) * the colour overhead.
"""

BODY = 0.80
WRAP = 0.35
SURFACE_GAIN, SURFACE_SHIFT, SURFACE_WIDTH = 0.085, -0.09, 0.115
INSIDE_GAIN, INSIDE_SHIFT, INSIDE_WIDTH = 0.16, 0.10, 0.24
THROUGH_GAIN, THROUGH_SHIFT, THROUGH_WIDTH = 0.9, 0.04, 0.25
SHIFT_SPREAD = 0.10  # Range of the lobes' shift from strand to strand: it breaks the highlight's band into streaks.
SKY = (0.62, 0.36)
DEPTH = 0.0075  # Metres of hair after which 1 / e of a light is left.
SKIN_SKY = 1.1  # Brows, lashes and a crop stand in the sky light of their root's skin, a little above it.
