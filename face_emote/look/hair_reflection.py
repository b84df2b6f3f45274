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

import numpy as np

from face_emote.core.arrays import Array, Float

BODY = 0.80
WRAP = 0.35
SURFACE_GAIN, SURFACE_SHIFT, SURFACE_WIDTH = 0.085, -0.09, 0.115
INSIDE_GAIN, INSIDE_SHIFT, INSIDE_WIDTH = 0.16, 0.10, 0.24
THROUGH_GAIN, THROUGH_SHIFT, THROUGH_WIDTH = 0.9, 0.04, 0.25
SHIFT_SPREAD = 0.10
"""Range of the lobes' shift from strand to strand: it breaks the highlight's band into streaks."""
SKY = (0.62, 0.36)
DEPTH = 0.0075
"""Metres of hair after which 1 / e of a light is left."""


def strand_light(
    *, tangent: Float[Array, "point 3"], light: Float[Array, "point 3"], view: Float[Array, "point 3"],
    outward: Float[Array, "point 3"], colour: Float[Array, "point 3"], seen: Float[Array, " point"],
    gloss: float = 1.0, jitter: float = 0.0,
) -> Float[Array, "point 3"]:  # fmt: skip
    """Light of one unit lamp reflected to the camera, without sky light; the definition, in numpy.

    Args:
        tangent: t above.
        light: l.
        view: v.
        outward: n.
        colour: c, linear.
        seen: Share of the lamp that reaches the strand, 0..1.
        gloss: Factor on all lobes; 0 is matt.
        jitter: Of this strand, -0.5..0.5 of SHIFT_SPREAD.
    """
    dot = lambda a, b: (a * b).sum(axis=1)  # noqa: E731
    along, ahead = dot(tangent, light), dot(tangent, view)
    across = np.sqrt(np.maximum(0.0, 1.0 - along**2))
    facing = np.maximum(0.0, (dot(outward, light) + WRAP) / (1.0 + WRAP))
    around = (dot(light, view) - along * ahead) / np.maximum(across * np.sqrt(np.maximum(1.0 - ahead**2, 0.0)), 1e-3)
    near = np.clip(0.5 + 0.5 * around, 0.0, 1.0)
    h = 0.5 * (along + ahead) - jitter * SHIFT_SPREAD
    lobe = lambda gain, shift, width: gloss * gain * np.exp(-0.5 * ((h - shift) / width) ** 2)  # noqa: E731
    surface = lobe(SURFACE_GAIN, SURFACE_SHIFT, SURFACE_WIDTH) * np.sqrt(near) * facing
    inside = lobe(INSIDE_GAIN, INSIDE_SHIFT, INSIDE_WIDTH) * near**2 * facing
    through = lobe(THROUGH_GAIN, THROUGH_SHIFT, THROUGH_WIDTH) * (1.0 - near) ** 3
    body = BODY * across * facing + through
    return seen[:, None] * (colour * body[:, None] + np.sqrt(colour) * inside[:, None] + surface[:, None])
