"""Names of face curves as programs spell them: any case, any separator, sides before or after, long or short."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from face_emote.core.names import ARKIT_ORDER, BLOOD_REGIONS, FACE_ANGLES, KEYED_CONTROLS, WRINKLES

SKIN_CURVES = (*(f"wrinkle_{name}" for name in WRINKLES), *(f"blood_{name}" for name in BLOOD_REGIONS))
"""Curves of wrinkles and blood flow, in the order of the motion's columns."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """Which of our names each foreign one means."""

    columns: Mapping[str, int]  # By our name, the column of the foreign one.
    unmatched: tuple[str, ...]  # Foreign names that mean nothing here.


def match_names(names: Iterable[str]) -> NameMatch:
    """Match foreign names in order. Raises ValueError when two of them mean the same."""
    names = tuple(names)
    columns: dict[str, int] = {}
    unmatched = []
    for column, name in enumerate(names):
        meant = meaning(name)
        if meant is None:
            unmatched.append(name)
        elif meant in columns:
            raise ValueError(f"its curves '{names[columns[meant]]}' and '{name}' both mean {meant}")
        else:
            columns[meant] = column
    return NameMatch(columns=columns, unmatched=tuple(unmatched))


def meaning(name: str) -> str | None:
    """The control, angle or skin curve that a foreign name means: `EyeBlink_L`, `blendShape1.eyeBlinkLeft`,
    `LEFT_EYE_BLINK`, `skin_blood_nose`. None when there is no such curve.
    """
    for text in (name, re.split(r"[.:|/]", name)[-1]):
        meant = _meanings().get(_plain(text))
        if meant is not None:
            return meant
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _meanings() -> Mapping[str, str]:
    """Our names by their plain spellings; ARKit's own come first where two would agree."""
    known = (*ARKIT_ORDER, *FACE_ANGLES, *KEYED_CONTROLS)
    out = {_plain(name): name for name in reversed(known)}
    for name in SKIN_CURVES:
        plain = _plain(name)
        out |= dict.fromkeys((plain, f"skin{plain}", plain.replace("blood", "bloodflow")), name)
    for name in known:
        for spelling in _sided(name):
            out.setdefault(spelling, name)
    return out


def _sided(name: str) -> list[str]:
    """Spellings with the side elsewhere or short; none for names without a side."""
    for side in ("Left", "Right"):
        low, letter = side.lower(), side[0].lower()
        if name.endswith(side):
            base = name.removesuffix(side).lower()
            return [f"{base}{letter}", f"{low}{base}", f"{letter}{base}"]
        if name.startswith(low):
            base = name.removeprefix(low).lower()
            return [f"{letter}{base}", f"{base}{low}", f"{base}{letter}"]
    return []
