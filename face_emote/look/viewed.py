"""What the page of `view` assumes of a head whose colours are baked and whose maps it does not have."""

RESTING_BLOOD = 0.62  # Haemoglobin that the baked colour was made with.
ROUGHNESS, GLOSS = 0.52, 0.72  # Of skin everywhere: that of a cheek.
PART_WRAP, PART_F0 = 0.20, 0.03  # Diffuse wrap and reflectance of eyes, teeth and the inside of the mouth.
