"""Two feelings in one face: region by region one of them has the face, never an average of both.

Where people look tells who keeps what: fear, sadness and anger are read in brows and lids, joy, disgust and contempt in
cheeks, nose and mouth, surprise in both (Smith et al. 2005; Wegrzyn et al. 2017). The table holds to the units that
people show in compound feelings (Du, Tao & Martinez 2014) where there are any, and to that rule where there are none.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import asset_table
from face_emote.core.names import EMOTIONS
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.feeling.recipes import ACTION_UNITS, ANTAGONISTS, AU_INDEX, NUM_AU, STRENGTH

REGIONS: dict[str, frozenset[int]] = {
    "brows": frozenset({1, 2, 4}),
    "lids": frozenset({5, 7, 43}),
    "cheeks": frozenset({6}),
    "nose": frozenset({9, 10, 11, 38, 39}),
    "mouth": frozenset(ACTION_UNITS) - {1, 2, 4, 5, 6, 7, 9, 10, 11, 38, 39, 43},
}
"""Action Units of each region."""

HOLDERS: dict[str, str] = asset_table("emotion/face.toml")["blends"]
"""Who has brows, lids, cheeks, nose and mouth of an even blend of two emotions: the left, the right, or both."""

_WINS_FROM, _WINS_BY = 0.22, 0.48
"""Share of the two at which a holder begins to have its region, and has it: when the other is much the stronger, the
holder keeps only what the other leaves untouched."""
_CLAIMED = 0.5  # Activation of an emotion's strongest unit that claims a region in full.
_NUM = len(EMOTIONS)
_REGION_OF = np.array([next(i for i, units in enumerate(REGIONS.values()) if u in units) for u in ACTION_UNITS])
_CLAIM = np.stack([np.clip(STRENGTH[:, _REGION_OF == r].max(axis=1) / _CLAIMED, 0.0, 1.0) for r in range(len(REGIONS))])
_PAIRS = tuple(
    (EMOTIONS.index(first), EMOTIONS.index(second), HOLDERS[f"{first} {second}"])
    for first, second in map(str.split, HOLDERS)
)
_RIVALS = tuple((AU_INDEX[own], AU_INDEX[other]) for pair in ANTAGONISTS for own, other in (pair, pair[::-1]))
"""Each antagonist pair in both directions: the unit that may give way, and the unit that it gives way to."""


def region_weights(strengths: Float[Array, "emotion=8 frames"]) -> Float[Array, "emotion=8 region=5 frames"]:
    """What each emotion keeps of each region, 0..1, in the order of `REGIONS`.

    Depends on the proportions of the strengths alone; all is kept of an emotion that is alone.
    """
    weights = np.ones((_NUM, len(REGIONS), strengths.shape[1]))
    for first, second, holders in _PAIRS:
        if not (strengths[first].any() and strengths[second].any()):
            continue
        total = strengths[first] + strengths[second]
        share = strengths[first] / np.where(total > 0.0, total, 1.0)
        for region, holder in enumerate(holders):
            if holder == "=":
                continue
            owner, other, part = (first, second, share) if holder == "<" else (second, first, 1.0 - share)
            wins = smoothstep((part - _WINS_FROM) / (_WINS_BY - _WINS_FROM))
            weights[owner, region] *= 1.0 - (1.0 - wins) * _CLAIM[region, other]
            weights[other, region] *= 1.0 - wins * (strengths[owner] > 0.0)
    return weights


def kept_units(strengths: Float[Array, "emotion=8 frames"]) -> Float[Array, f"emotion=8 au={NUM_AU} frames"]:
    """What share of each emotion's units survives the other emotions: regions first, then units that never meet."""
    kept = region_weights(strengths)[:, _REGION_OF]
    activation = STRENGTH[:, :, None] * strengths[:, None] * kept
    for first, second, holders in _PAIRS:
        if not (strengths[first].any() and strengths[second].any()):
            continue
        for own, other in _RIVALS:
            region = _REGION_OF[own]
            if region == _REGION_OF[other] and holders[region] != "=":
                continue
            for i, j in ((first, second), (second, first)):
                if STRENGTH[i, own] and STRENGTH[j, other]:
                    kept[i, own] *= _giving_way(activation[i, own], activation[j, other])
    return kept


def _giving_way(own: Float[Array, " frames"], other: Float[Array, " frames"]) -> Float[Array, " frames"]:
    total = own + other
    share: Array = np.where(total > 0.0, own / np.where(total > 0.0, total, 1.0), 1.0)
    left: Array = smoothstep((share - 0.2) / 0.6)
    return left
