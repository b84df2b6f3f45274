"""Visemes: the mouth each phone aims at, and how strongly and how early it claims the mouth from its neighbours.

Targets of lip gap, lip width and jaw, and all dominance figures, were fitted to the tracked lips of one GRID talker
(798 clips; Cooke et al. 2006, CC BY 4.0) by least squares on the blend of `coarticulation.py`; the other talkers were
kept for `bench/lip_quality.py`. A target lies beyond what is seen at the phone's centre, because fast speech
undershoots it. Phones that GRID lacks, rounding, flare and tongue are choices after Edwards et al. 2016 (JALI), and so
are the small jaw of sibilants ("sibilants narrow the jaw") and widths beyond the talker's in rounded and spread phones.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS

CHANNELS = ("gap", "width", "jaw", "rounding", "flare", "tongue")
"""What a viseme sets. `gap` (between the inner lips at the middle) and `width` (between the inner corners, less the
width at rest) are in units of the distance between the outer corners of the eyes; `jaw` in jawOpen; others 0..1."""
FAMILIES = ("gap", "jaw", "shape")
"""Channels that share their timing: gap and tongue | jaw | width, rounding and flare."""
FAMILY_OF_CHANNEL = (0, 2, 1, 2, 2, 0)

GROUPS = (
    "silence", "vowel", "rounded", "bilabial", "labiodental", "dental", "tongue", "sibilant", "retroflex", "breath",
)  # fmt: skip

REACH_SECS = 0.4  # No phone acts on the mouth longer before its start or after its end than this.
MAX_RAMP_SECS = 0.25  # A ramp never eats more of a long phone than this.


@dataclass(frozen=True, slots=True)
class Viseme:
    """Targets of one phone, or of one half of a diphthong."""

    group: str
    gap: float
    width: float
    jaw: float
    rounding: float = 0.0  # Protruded, narrowed lips: 1 is the tightest `oo`.
    flare: float = 0.0  # Lips pushed out but open, as in `sh`.
    tongue: float = 0.0  # Tip between the teeth.


def _rows(name: str) -> Iterator[list[str]]:
    return csv.reader((ASSETS / "mouth" / name).read_text("utf-8").splitlines()[1:])


VISEMES = {label: Viseme(group, *map(float, figures)) for label, group, *figures in _rows("visemes.csv")}
DIPHTHONGS = {name[:-1]: (name, f"{name[:-1]}2") for name in VISEMES if name.endswith("1")}
NUCLEUS_SHARE = 0.6  # Part of a diphthong before it glides.


_CLAIMS = {(family, group): [float(figure) for figure in figures] for family, group, *figures in _rows("claims.csv")}
DOMINANCE: Float[Array, "family group figure=5"] = np.array(
    [[_CLAIMS[family, group] for group in GROUPS] for family in FAMILIES]
)
"""A phone's claim on a channel over time is an eased trapezoid: its strength relative to a vowel, how long before the
phone it begins and how long after it it ends (seconds), and the shares of the phone before the claim is full, and at
its end over which it fades."""


def target_row(label: str) -> Float[Array, " channel"]:
    """The viseme's targets in the order of CHANNELS."""
    viseme = VISEMES[label]
    return np.array([getattr(viseme, channel) for channel in CHANNELS])
