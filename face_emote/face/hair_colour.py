"""Natural hair colours from the two pigments of hair, so that a person is described by what colours hair."""

import math

EUMELANIN = (0.419, 0.697, 1.37)
PHEOMELANIN = (0.187, 0.4, 1.05)
"""Absorption of red, green and blue per unit of brown-black and of red-yellow pigment (d'Eon et al. 2011)."""
SHEEN = 0.006
"""What even black hair sends back."""
_ROUGHNESS = 0.3
_SCATTERING = (
    5.969 - 0.215 * _ROUGHNESS + 2.532 * _ROUGHNESS**2 - 10.73 * _ROUGHNESS**3 + 5.574 * _ROUGHNESS**4
    + 0.245 * _ROUGHNESS**5
)  # fmt: skip


def natural_hair_colour(*, eumelanin: float, pheomelanin: float = 0.0) -> tuple[float, float, float]:
    """Linear sRGB albedo of much hair of one pigment: exp(-s sqrt(absorption)), Chiang et al. 2016, equation 9.

    Args:
        eumelanin: 0.05 blond, 0.2 dark blond, 0.5 brown, 1 dark brown, 3 black.
        pheomelanin: 0 cool, 0.2 chestnut or golden, 1 copper red.
    """
    red, green, blue = (
        SHEEN + (1.0 - SHEEN) * math.exp(-_SCATTERING * math.sqrt(eumelanin * e + pheomelanin * p))
        for e, p in zip(EUMELANIN, PHEOMELANIN, strict=True)
    )
    return red, green, blue
