"""Ready people: a face shape and a skin each. All are invented; none resembles a particular person on purpose."""

import difflib
import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from face_emote.core.errors import OptionError
from face_emote.core.types import Character, SkinParams
from face_emote.face.identity import identity

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


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What `identity` needs to make one of them."""

    race: tuple[float, float, float]
    """Shares african, asian, caucasian."""
    gender: float
    age: float
    seed: int
    skin: SkinParams
    muscle: float = 0.5
    weight: float = 0.5
    details: dict[str, float] = field(default_factory=dict)


_RECIPES = {
    "default": _Recipe(
        race=(0.10, 0.12, 0.78),
        gender=1.0,
        age=0.64,
        seed=11,
        details={"mouth-upperlip-volume-incr": 0.25, "eye-scale-incr": 0.2, "nose-scale-horiz-incr": -0.2},
        skin=SkinParams(
            melanin=0.58,
            haemoglobin=0.64,
            age=0.12,
            freckles=0.25,
            lip_colour=0.15,
            iris_colour=(0.075, 0.085, 0.055),
            hair_colour=natural_hair_colour(eumelanin=0.42, pheomelanin=0.22),
            hair_style="medium",
            hair_curl=0.28,
        ),
    ),
    "james": _Recipe(
        race=(0.05, 0.0, 0.95),
        gender=0.0,
        age=0.74,
        seed=21,
        muscle=0.68,
        details={"chin-width-incr": 0.3, "nose-hump-incr": 0.3},
        skin=SkinParams(
            melanin=0.68,
            haemoglobin=0.68,
            age=0.35,
            beard=0.7,
            iris_colour=(0.07, 0.05, 0.03),
            hair_colour=natural_hair_colour(eumelanin=0.9, pheomelanin=0.08),
            hair_style="short",
            hair_curl=0.12,
            hair_grey=0.04,
            brow_density=1.2,
        ),
    ),
    "maya": _Recipe(
        race=(0.18, 0.22, 0.60),
        gender=1.0,
        age=0.66,
        seed=31,
        details={"eye-scale-incr": 0.25, "mouth-lowerlip-volume-incr": 0.3},
        skin=SkinParams(
            melanin=1.15,
            haemoglobin=0.58,
            age=0.12,
            lip_colour=0.2,
            iris_colour=(0.045, 0.026, 0.014),
            hair_colour=natural_hair_colour(eumelanin=1.5, pheomelanin=0.1),
            hair_style="medium",
            brow_density=1.15,
        ),
    ),
    "amara": _Recipe(
        race=(0.90, 0.03, 0.07),
        gender=1.0,
        age=0.65,
        seed=41,
        details={"cheek-bones-incr": 0.3},
        skin=SkinParams(
            melanin=2.0,
            haemoglobin=0.55,
            age=0.1,
            lip_colour=0.1,
            iris_colour=(0.045, 0.028, 0.018),
            hair_colour=natural_hair_colour(eumelanin=2.2),
            hair_style="short",
            hair_curl=1.0,
        ),
    ),
    "kenji": _Recipe(
        race=(0.02, 0.95, 0.03),
        gender=0.0,
        age=0.68,
        seed=51,
        skin=SkinParams(
            melanin=0.85,
            haemoglobin=0.55,
            age=0.2,
            iris_colour=(0.05, 0.03, 0.02),
            hair_colour=natural_hair_colour(eumelanin=2.5),
            hair_length=0.026,
        ),
    ),
    "elena": _Recipe(
        race=(0.05, 0.05, 0.90),
        gender=1.0,
        age=0.84,
        seed=61,
        weight=0.56,
        details={"nose-scale-vert-incr": 0.15},
        skin=SkinParams(
            melanin=0.66,
            haemoglobin=0.66,
            age=0.62,
            lip_colour=0.35,
            iris_colour=(0.10, 0.17, 0.22),
            hair_colour=natural_hair_colour(eumelanin=0.16, pheomelanin=0.06),
            hair_style="tied",
            hair_grey=0.55,
            brow_density=0.85,
        ),
    ),
    "walter": _Recipe(
        race=(0.0, 0.0, 1.0),
        gender=0.0,
        age=0.97,
        seed=71,
        details={"ear-lobe-incr": 0.3, "nose-volume-incr": 0.3},
        skin=SkinParams(
            melanin=0.58,
            haemoglobin=0.75,
            age=1.0,
            beard=0.25,
            iris_colour=(0.14, 0.20, 0.25),
            hair_colour=natural_hair_colour(eumelanin=0.3),
            hair_length=0.016,
            hair_grey=0.85,
            hair_loss=1.0,
            brow_density=0.8,
        ),
    ),
    "leo": _Recipe(
        race=(0.25, 0.10, 0.65),
        gender=0.05,
        age=0.40,
        seed=81,
        skin=SkinParams(
            melanin=0.80,
            haemoglobin=0.66,
            age=0.0,
            freckles=0.5,
            iris_colour=(0.05, 0.06, 0.03),
            hair_colour=natural_hair_colour(eumelanin=0.22, pheomelanin=0.42),
            hair_style="short",
            hair_curl=0.55,
            brow_density=0.85,
        ),
    ),
}


@lru_cache(maxsize=1)
def characters() -> tuple[Character, ...]:
    """The people that come with the package; the first is `default`."""
    return tuple(_made(name, recipe) for name, recipe in _RECIPES.items())


def character(name: str) -> Character:
    """The character of that name.

    Raises:
        OptionError: there is none; the message names the nearest.
    """
    for item in characters():
        if item.name == name:
            return item
    near = difflib.get_close_matches(name.lower(), _RECIPES, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(_RECIPES)}"
    raise OptionError(f"There is no character '{name}'; {hint}")


def _made(name: str, recipe: _Recipe) -> Character:
    betas = identity(
        race=recipe.race,
        gender=recipe.gender,
        age=recipe.age,
        muscle=recipe.muscle,
        weight=recipe.weight,
        details=recipe.details,
        seed=recipe.seed,
    )
    betas.flags.writeable = False
    return Character(name=name, betas=np.asarray(betas), skin=recipe.skin)
