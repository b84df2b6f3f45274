"""How skin reflects light, defined once: every renderer takes these numbers from here (the colour is in `colour`).

With n the smooth normal, b the normal bent by pores and wrinkles, l a light and v the camera (unit vectors):

- diffuse light creeps round the terminator: wrapped(x, w) = max(0, (x + w) / (1 + w)^2), w = WRAP per channel. The key
  light mixes wrapped(b.l, w / 2) and wrapped(n.l, w) by SOFTNESS: red light blurs relief most;
- sky light is received twice, near and widely scattered, and mixed by SCATTERED;
- highlights are GGX lobes (Walter et al. 2007), two for the key light, one each for fill and rim. Their roughness is
  the map's, plus ROUGHENING * (1 - b.n) * (1 + p): a steep slope stands for many finer ones. Dark skin, pigment
  p = min(1, M / 2.5), shows its relief mostly in highlights; where w (wrinkle activation) folds it, they see a normal
  that lies DARK_SMOOTHING * p * min(1, 1.5 w) of the way back from b to n, lest the ridges glitter;
- thin parts (ears, wings of the nose) let light from behind through: THIN times the wrapped (-n.l) of key and rim.
"""

WRAP = (0.29, 0.17, 0.11)  # How far red, green and blue light scatters round the terminator of skin.
SOFTNESS = (0.70, 0.40, 0.28)  # Share of the key light that sees the smooth normal, per channel.
FILL_EXTRA_WRAP = 0.15
FILL_BEND = 0.7  # Share of the bent normal in what the fill light sees.
FILL_OPEN, RIM_OPEN = 0.65, 0.8
"""Share of fill and rim light that a closed-in place loses; on skin the rim light has a shadow instead."""
CONTACT_SHADE = 3.0
"""The key light on skin is times min(1, this * openness ** 2): its shadow map is too coarse for closed lips."""
SKIN_F0 = 0.028  # Reflectance at normal incidence.
ROUGHENING = 1.1
KEY_LOBE, WIDE_LOBE, WIDE_ROUGHNESS = 0.75, 0.45, 1.7
FILL_LOBE, RIM_LOBE = 0.6, 0.8
GRAZING = 0.10  # Sky that skin reflects at grazing angles.
PIGMENT_FULL = 2.5  # Melanin at which skin counts as dark, for the next two.
DARK_SMOOTHING = 0.6
THIN = (0.55, 0.10, 0.045)  # Light that comes through the thinnest skin, by colour.
HAIR_PAINT = 1.25
HAIR_SHADOW = 0.34
"""The painted hair under the strands covers more than its map says and is darker: between hairs there is shadow."""
HAIR_COVER = 0.97
SKY_NEAR, SKY_WIDE = 0.25, 0.5  # Wrap of the sky's light on plain materials and of its scattered share.
SCATTERED = (0.40, 0.16, 0.12)  # Share of widened (scattered) sky light that skin receives per colour channel.
MAX_WRINKLE = 1.2  # Local activation above which folds get no deeper.
