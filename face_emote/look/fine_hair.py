"""Brows and lashes of one person: which of the stored strands, how long and thick, and of what colour."""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import SkinParams
from face_emote.look.strands import StrandGroup, load_strands

WHITE = (0.52, 0.50, 0.47)  # Hair without pigment.
BROW_SHARE, LASH_SHARE = 0.62, 0.30  # Pigment makes brows and lashes darker than the hair of the scalp.
BROW_GREYING, LASH_GREYING = 0.42, 0.15
"""They keep it longer: share of the scalp's white hairs that brows and lashes have."""
BROW_WHITE = 0.50  # A white brow hair is thin, so that its neighbours' shadow and the skin show through it.
LASH_SHAPE = (0.9, 0.42, 0.95)
"""Factors on the stored lashes along x, y, z: they then point at the viewer rather than up, and read as a dark rim."""
SHORTEST, FINEST = 0.58, 0.52  # Length and width of the sparsest lashes as shares of the fullest ones'.
FINE_TAPER = 0.92  # Share of their width that brow hairs and lashes lose towards the tip.


@dataclass(frozen=True, slots=True, eq=False)
class FineHair:
    """One brow or one row of lashes."""

    kind: str  # `brow` or `lash`.
    group: StrandGroup
    colour: Float[Array, "strand 3"]  # Albedo, linear sRGB.


def fine_hair(skin: SkinParams) -> tuple[FineHair, ...]:
    """Both brows and all four rows of lashes, in the order of `strands.GROUPS`."""
    groups = (group for group in load_strands().groups if group.name != "scalp")
    return tuple(_brow(group, skin) if group.name.startswith("brow") else _lashes(group, skin) for group in groups)


def _brow(group: StrandGroup, skin: SkinParams) -> FineHair:
    # Fewer hairs below 1, thicker ones above it.
    thinned = group.thinned(skin.brow_density)
    thinned = replace(thinned, width=thinned.width * np.float32(max(1.0, skin.brow_density)))
    return FineHair("brow", thinned, _colours(thinned, skin, dark=BROW_SHARE, white=BROW_WHITE, greying=BROW_GREYING))


def _lashes(group: StrandGroup, skin: SkinParams) -> FineHair:
    full = float(np.clip(skin.lash_density, 0.0, 1.0))
    longest = np.float32(SHORTEST + (1.0 - SHORTEST) * full) * np.array(LASH_SHAPE, np.float32)
    thinned = group.thinned(full)
    thinned = replace(
        thinned, offsets=thinned.offsets * longest, width=thinned.width * np.float32(FINEST + (1.0 - FINEST) * full)
    )
    return FineHair("lash", thinned, _colours(thinned, skin, dark=LASH_SHARE, white=LASH_SHARE, greying=LASH_GREYING))


def _colours(
    group: StrandGroup, skin: SkinParams, *, dark: float, white: float, greying: float
) -> Float[Array, "strand 3"]:
    """Each hair has its pigment or has lost it: a mean of the two would look painted."""
    grey = greying * min(max(skin.hair_grey, 0.0), 1.0)
    chance = np.random.default_rng(6).random(group.num_strands)
    lost = (chance < grey)[:, None]
    colour = np.where(lost, white * np.array(WHITE), dark * np.array(skin.hair_colour))
    found: Array = (group.tint[:, None] * colour).astype(np.float32)
    return found
