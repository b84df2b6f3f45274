"""Which Action Units a face tracker that is not ours (MediaPipe) sees in each feeling."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.judges import Gallery
from bench.recognised import open_landmarker, scores

UNITS: dict[str, tuple[str, ...]] = {
    "1": ("browInnerUp",), "2": ("browOuterUp",), "4": ("browDown",), "5": ("eyeWide",), "7": ("eyeSquint",),
    "43": ("eyeBlink",), "6": ("cheekSquint",), "9": ("noseSneer",), "10": ("mouthUpperUp",), "12": ("mouthSmile",),
    "14": ("mouthDimple",), "15": ("mouthFrown",), "16": ("mouthLowerDown",), "17": ("mouthShrugLower",),
    "20": ("mouthStretch",), "24": ("mouthPress", "mouthRollLower", "mouthRollUpper"), "22": ("mouthFunnel",),
    "26": ("jawOpen",),
}  # fmt: skip
"""Action Units, and the beginnings of the tracker's scores that stand for each."""


def unit_table(shown: Gallery, model: Path) -> str:
    """Rows: feelings at an instant; columns: rise of each unit's score over the neutral face of the same person and
    instant, in hundredths, mean over people and sides.
    """
    with open_landmarker(model) as landmarker:
        seen = [scores(landmarker, picture) for picture in shown.pictures]
    found = {(s.person, s.felt, s.instant): row for s, row in zip(shown.shots, seen, strict=True) if row is not None}
    lines = [f"faces found: {len(found)} of {len(seen)}", " " * 20 + "".join(f"{'AU' + unit:>6}" for unit in UNITS)]
    for instant in dict.fromkeys(shot.instant for shot in shown.shots):
        for felt in dict.fromkeys(shot.felt for shot in shown.shots):
            rises = [
                [_score(row, names) - _score(found[who, "neutral", instant], names) for names in UNITS.values()]
                for (who, what, when), row in found.items()
                if (what, when) == (felt, instant) and (who, "neutral", instant) in found
            ]
            cells = 100.0 * np.mean(rises, axis=0) if rises else np.full(len(UNITS), np.nan)
            lines.append(f"{felt + ', ' + instant:<20}" + "".join(f"{value:6.0f}" for value in cells))
    return "\n".join(lines)


def _score(row: dict[str, float], beginnings: Sequence[str]) -> float:
    return float(np.mean([value for name, value in row.items() if name.startswith(tuple(beginnings))]))
