"""Visemes: the mouth each phone aims at, and how strongly and how early it claims the mouth from its neighbours.

Targets of lip gap, lip width and jaw, and all dominance figures, were fitted to the tracked lips of one GRID talker
(798 clips; Cooke et al. 2006, CC BY 4.0) by least squares on the blend of `coarticulation.py`; the other talkers were
kept for `bench/lip_quality.py`. A target lies beyond what is seen at the phone's centre, because fast speech
undershoots it. Phones that GRID lacks, rounding, flare and tongue are choices after Edwards et al. 2016 (JALI), and so
are the small jaw of sibilants ("sibilants narrow the jaw") and widths beyond the talker's in rounded and spread phones.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float

CHANNELS = ("gap", "width", "jaw", "rounding", "flare", "tongue")
"""What a viseme sets. `gap` (between the inner lips at the middle) and `width` (between the inner corners, less the
width at rest) are in units of the distance between the outer corners of the eyes; `jaw` in jawOpen; others 0..1."""
FAMILIES = ("gap", "jaw", "shape")
"""Channels that share their timing: gap and tongue | jaw | width, rounding and flare."""
FAMILY_OF_CHANNEL = (0, 2, 1, 2, 2, 0)

GROUPS = (
    "silence", "vowel", "rounded", "bilabial", "labiodental", "dental", "tongue", "sibilant", "retroflex", "breath",
)  # fmt: skip

REACH_SECS = 0.4
"""No phone acts on the mouth longer before its start or after its end than this."""
MAX_RAMP_SECS = 0.25
"""A ramp never eats more of a long phone than this."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """Targets of one phone, or of one half of a diphthong."""

    group: str
    gap: float
    width: float
    jaw: float
    rounding: float = 0.0
    """Protruded, narrowed lips: 1 is the tightest `oo`."""
    flare: float = 0.0
    """Lips pushed out but open, as in `sh`."""
    tongue: float = 0.0
    """Tip between the teeth."""


VISEMES: dict[str, Viseme] = {
    "SIL": Viseme("silence", 0.006, 0.000, 0.00),
    "PAUSE": Viseme("silence", 0.020, -0.004, 0.04),
    "BREATH": Viseme("breath", 0.049, -0.012, 0.15),
    "AA": Viseme("vowel", 0.173, -0.030, 0.42),
    "AE": Viseme("vowel", 0.121, 0.000, 0.34),
    "AH": Viseme("vowel", 0.110, -0.025, 0.30),
    "AO": Viseme("rounded", 0.082, -0.095, 0.32, rounding=0.55),
    "AW1": Viseme("vowel", 0.175, -0.005, 0.43),
    "AW2": Viseme("rounded", 0.028, -0.075, 0.10, rounding=0.65),
    "AY1": Viseme("vowel", 0.187, -0.040, 0.44),
    "AY2": Viseme("vowel", 0.157, 0.020, 0.30),
    "B": Viseme("bilabial", 0.003, -0.036, 0.18),
    "CH": Viseme("sibilant", 0.099, -0.050, 0.14, flare=0.70),
    "D": Viseme("tongue", 0.054, -0.030, 0.18),
    "DH": Viseme("dental", 0.028, -0.033, 0.12, tongue=0.45),
    "EH": Viseme("vowel", 0.147, 0.004, 0.38),
    "ER": Viseme("retroflex", 0.050, -0.050, 0.20, rounding=0.25, flare=0.15),
    "EY1": Viseme("vowel", 0.169, 0.032, 0.42),
    "EY2": Viseme("vowel", 0.151, 0.045, 0.28),
    "F": Viseme("labiodental", 0.020, -0.022, 0.12),
    "G": Viseme("tongue", 0.089, -0.025, 0.22),
    "HH": Viseme("tongue", 0.059, -0.025, 0.19),
    "IH": Viseme("vowel", 0.126, -0.012, 0.29),
    "IY": Viseme("vowel", 0.132, 0.045, 0.24),
    "JH": Viseme("sibilant", 0.109, -0.045, 0.14, flare=0.65),
    "K": Viseme("tongue", 0.118, -0.008, 0.26),
    "L": Viseme("tongue", 0.135, -0.035, 0.32, tongue=0.04),
    "M": Viseme("bilabial", 0.014, -0.028, 0.18),
    "N": Viseme("tongue", 0.076, -0.018, 0.19),
    "NG": Viseme("tongue", 0.090, -0.020, 0.24),
    "OW1": Viseme("rounded", 0.117, -0.050, 0.30, rounding=0.50),
    "OW2": Viseme("rounded", 0.017, -0.105, 0.18, rounding=0.80),
    "OY1": Viseme("rounded", 0.090, -0.090, 0.32, rounding=0.60),
    "OY2": Viseme("vowel", 0.110, -0.005, 0.26),
    "P": Viseme("bilabial", 0.018, -0.028, 0.16),
    "R": Viseme("retroflex", 0.007, -0.070, 0.14, rounding=0.35, flare=0.15),
    "S": Viseme("sibilant", 0.114, 0.000, 0.10),
    "SH": Viseme("sibilant", 0.085, -0.070, 0.12, flare=0.80),
    "T": Viseme("tongue", 0.113, -0.028, 0.26),
    "TH": Viseme("dental", 0.042, -0.028, 0.15, tongue=0.50),
    "UH": Viseme("rounded", 0.060, -0.070, 0.20, rounding=0.50),
    "UW": Viseme("rounded", 0.038, -0.120, 0.15, rounding=0.90),
    "V": Viseme("labiodental", 0.012, -0.020, 0.11),
    "W": Viseme("rounded", -0.007, -0.130, 0.16, rounding=1.00),
    "Y": Viseme("tongue", 0.108, -0.020, 0.20),
    "Z": Viseme("sibilant", 0.080, 0.008, 0.10),
    "ZH": Viseme("sibilant", 0.085, -0.070, 0.12, flare=0.75),
}
DIPHTHONGS = {name[:-1]: (name, f"{name[:-1]}2") for name in VISEMES if name.endswith("1")}
NUCLEUS_SHARE = 0.6
"""Part of a diphthong before it glides."""


_CLAIMS: dict[str, dict[str, tuple[float, ...]]] = {
    "gap": {
        "silence": (0.10, 0.351, 0.177, 0.08, 0.33),
        "vowel": (1.00, 0.074, 0.108, 0.70, 0.37),
        "rounded": (1.06, 0.129, 0.175, 0.53, 0.77),
        "bilabial": (1.34, 0.030, 0.175, 0.75, 0.49),
        "labiodental": (1.53, 0.051, 0.172, 0.61, 0.33),
        "dental": (2.31, 0.134, 0.107, 0.58, 0.31),
        "tongue": (0.13, 0.400, 0.056, 0.38, 0.54),
        "sibilant": (0.23, 0.301, 0.058, 0.40, 0.57),
        "retroflex": (1.04, 0.102, 0.123, 0.26, 0.49),
        "breath": (0.15, 0.298, 0.350, 0.63, 0.31),
    },
    "jaw": {
        "silence": (0.05, 0.333, 0.149, 0.51, 0.18),
        "vowel": (1.00, 0.059, 0.110, 0.56, 0.47),
        "rounded": (0.58, 0.107, 0.144, 0.16, 0.42),
        "bilabial": (0.65, 0.400, 0.260, 0.80, 0.22),
        "labiodental": (1.17, 0.056, 0.253, 0.42, 0.65),
        "dental": (2.67, 0.191, 0.123, 0.22, 0.19),
        "tongue": (0.12, 0.400, 0.264, 0.34, 0.56),
        "sibilant": (0.90, 0.120, 0.120, 0.20, 0.44),
        "retroflex": (0.54, 0.086, 0.102, 0.26, 0.37),
        "breath": (0.11, 0.400, 0.350, 0.54, 0.21),
    },
    "shape": {
        "silence": (0.05, 0.150, 0.120, 0.50, 0.33),
        "vowel": (1.00, 0.067, 0.250, 0.83, 0.16),
        "rounded": (2.20, 0.150, 0.193, 0.49, 0.33),
        "bilabial": (0.38, 0.300, 0.120, 0.85, 0.18),
        "labiodental": (1.26, 0.178, 0.182, 0.49, 0.21),
        "dental": (0.80, 0.200, 0.250, 0.37, 0.30),
        "tongue": (0.30, 0.300, 0.250, 0.39, 0.29),
        "sibilant": (2.00, 0.150, 0.180, 0.40, 0.20),
        "retroflex": (1.83, 0.143, 0.250, 0.51, 0.47),
        "breath": (0.19, 0.400, 0.350, 0.35, 0.50),
    },
}
"""A phone's claim on a channel over time is an eased trapezoid: its strength relative to a vowel, how long before the
phone it begins and how long after it it ends (seconds), and the shares of the phone before the claim is full, and at
its end over which it fades."""
DOMINANCE: Float[Array, "family group figure=5"] = np.array(
    [[_CLAIMS[family][group] for group in GROUPS] for family in FAMILIES]
)


def target_row(label: str) -> Float[Array, " channel"]:
    """The viseme's targets in the order of CHANNELS."""
    viseme = VISEMES[label]
    return np.array([getattr(viseme, channel) for channel in CHANNELS])
