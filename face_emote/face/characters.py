"""Ready people: a face shape, a skin and a manner each.

All are invented, none resembles a particular person on purpose; but those of `.character` files are people who agreed.
"""

import difflib
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.assets import asset_table
from face_emote.core.errors import OptionError
from face_emote.core.types import Character, Manner, SkinParams
from face_emote.face.identity import identity
from face_emote.face.person_file import SUFFIX, read_person

EUMELANIN = (0.419, 0.697, 1.37)
PHEOMELANIN = (0.187, 0.4, 1.05)
"""Absorption of red, green and blue per unit of brown-black and of red-yellow pigment (d'Eon et al. 2011)."""
SHEEN = 0.006  # What even black hair sends back.
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


@lru_cache(maxsize=1)
def characters() -> tuple[Character, ...]:
    """The people of `assets/characters.toml`; the first is `default`."""
    recipes = asset_table("characters.toml")
    return tuple(_made(name, recipe) for name, recipe in recipes.items())


def character(name: str) -> Character:
    """The character of that name, or in that `.character` file.

    OptionError: there is none (the nearest is named), or the file cannot be used.
    """
    if name.endswith(SUFFIX):
        return read_person(Path(name)).character(name)
    known = {item.name: item for item in characters()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
    raise OptionError(f"There is no character '{name}'; {hint}")


def _made(name: str, recipe: dict[str, Any]) -> Character:
    shape: dict[str, Any] = {key: _plain(value) for key, value in recipe.items() if key not in ("skin", "manner")}
    betas = np.asarray(identity(**shape))
    betas.flags.writeable = False
    skin: dict[str, Any] = {key: _plain(value) for key, value in recipe["skin"].items()}
    eumelanin, pheomelanin = skin.pop("hair_pigments")
    colour = natural_hair_colour(eumelanin=eumelanin, pheomelanin=pheomelanin)
    manner = Manner(**recipe.get("manner", {}))
    return Character(name=name, betas=betas, skin=SkinParams(hair_colour=colour, **skin), manner=manner)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
