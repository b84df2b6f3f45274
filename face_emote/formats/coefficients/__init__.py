"""`.npz` of coefficients, as AMASS, EMOTE and BEAT2 have them."""
