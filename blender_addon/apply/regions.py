# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the face a curve belongs to: a take has a layer for each. No bpy here."""

from collections.abc import Iterable

REGIONS = ("mouth", "expression", "brows", "eyes", "head", "skin")
ROLES = {"jaw": "mouth", "eye_left": "eyes", "eye_right": "eyes", "neck": "head", "global": "head"}
"""Regions of the bones that play joints."""
BEGINNINGS = (
    ("expression", ("mouthSmile", "mouthFrown", "mouthDimple", "mouthCornerPull", "cheek", "nose", "neckPlatysma",
                    "musclePlatysma", "muscleZygomaticus")),
    ("brows", ("brow", "innerBrow", "muscleFrontalis", "muscleCorrugator")),
    ("eyes", ("eye", "lidContact", "corrective_eye")),
    ("mouth", ("jaw", "mouth", "lip", "tongue", "larynx", "corrective_jaw", "muscleMasseter", "muscleMentalis")),
)  # fmt: skip
"""How the curves of a region begin: ARKit's, and those of our head; the first that fits."""
BONE_WORDS = (
    ("eyes", ("eye", "lid", "pupil")),
    ("brows", ("brow", "forehead")),
    ("mouth", ("jaw", "lip", "mouth", "chin", "tongue", "teeth")),
    ("expression", ("cheek", "nose", "nostril", "temple", "ear")),
    ("head", ("head", "neck", "spine")),
)
"""What names of other bones contain. Eyebrows are asked for before eyes."""


def region_of_key(name: str) -> str:
    """Of a curve of the engine."""
    found = (region for region, starts in BEGINNINGS if name.startswith(starts))
    return next(found, "expression")


def region_of_sources(shares: Iterable[tuple[str, float]]) -> str:
    """Of a shape key that plays several ARKit curves: the region that moves it most."""
    weights: dict[str, float] = {}
    for source, share in shares:
        region = region_of_key(source)
        weights[region] = weights.get(region, 0.0) + abs(share)
    return max(weights, key=lambda region: weights[region]) if weights else "expression"


def region_of_bone(name: str, roles: dict[str, str]) -> str:
    """Of a bone; `roles` are the joints that bones play, by bone."""
    if name in roles:
        return ROLES[roles[name]]
    low = name.lower()
    if "brow" in low:
        return "brows"
    return next((region for region, words in BONE_WORDS if any(word in low for word in words)), "head")
