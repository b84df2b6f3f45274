# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawn mouths: from the sounds of a line to the shapes of a chart, frame by frame. No bpy here."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

CHARTS = {
    "RHUBARB": ("X", "A", "B", "C", "D", "E", "F", "G", "H"),
    "BLAIR": ("rest", "A_I", "E", "O", "U", "L", "W_Q", "M_B_P", "F_V", "etc"),
}
"""The first shape of each is the mouth at rest."""
_RHUBARB = {
    "A": "P B M", "B": "T D N S Z SH ZH CH JH K G NG TH DH Y HH R IH IY", "C": "AE AH EH EY", "D": "AA AY AW",
    "E": "AO ER OW OY UH", "F": "UW W", "G": "F V", "H": "L",
}  # fmt: skip
_BLAIR = {
    "M_B_P": "P B M", "F_V": "F V", "L": "L", "W_Q": "W", "A_I": "AA AE AH AY AW", "E": "EH EY IH IY", "O": "AO OW OY",
    "U": "UW UH", "etc": "T D N S Z SH ZH CH JH K G NG TH DH Y HH R ER",
}  # fmt: skip
_GLIDES = {
    "RHUBARB": {"AY": "B", "EY": "B", "OY": "B", "AW": "F", "OW": "F"},
    "BLAIR": {"AY": "E", "OY": "E", "AW": "U", "OW": "U"},
}
"""Where the second half of a diphthong goes."""
SHAPES = {
    chart: {phone: shape for shape, phones in table.items() for phone in phones.split()}
    for chart, table in (("RHUBARB", _RHUBARB), ("BLAIR", _BLAIR))
}
CLOSED = ("A", "G", "M_B_P", "F_V")
"""Shapes that are seen even if they last a single frame."""
CLOSED_SHARE = 0.25
"""Of a frame, that such a sound has to fill to be drawn in it."""
BREATH_SECS = 0.14
"""Shorter silences keep the shape before."""


def cue_track(
    cues: Mapping[str, Any], *, chart: str, fps: float, num_frames: int, least: int = 2
) -> list[tuple[int, str]]:
    """Frames, counted from the take's first, at which a shape appears, and the shape; each lasts `least` or more.

    `cues` are the engine's. Closed lips are drawn however short they are.
    """
    rest = CHARTS[chart][0]
    shown = [rest] * num_frames
    share = [0.0] * num_frames
    for start, end, shape in _spans(cues, chart):
        first, last = max(0, int(start * fps)), min(num_frames - 1, int(end * fps))
        for frame in range(first, last + 1):
            filled = min(end * fps, frame + 1.0) - max(start * fps, float(frame))
            if shape in CLOSED and filled >= CLOSED_SHARE:
                filled += 1.0
            if filled > max(share[frame], 0.0 if shown[frame] != rest else 0.34):
                shown[frame], share[frame] = shape, filled
    return _settled(shown, least=least)


def _spans(cues: Mapping[str, Any], chart: str) -> list[tuple[float, float, str]]:
    """Start, end and shape of everything that is said; short silences belong to the sound before."""
    offset = float(cues.get("offset", 0.0))
    spoken = [
        (float(row["start"]) + offset, float(row["end"]) + offset, str(row["label"]))
        for row in cues.get("phones", ())
        if row["label"] in SHAPES[chart] and float(row.get("strength", 1.0)) > 0.0
    ]
    spans: list[tuple[float, float, str]] = []
    for (start, end, label), following in itertools.zip_longest(spoken, spoken[1:]):
        if following is not None and 0.0 < following[0] - end < BREATH_SECS:
            end = following[0]
        shape, glide = SHAPES[chart][label], _GLIDES[chart].get(label)
        if glide is None:
            spans.append((start, end, shape))
        else:
            middle = start + 0.6 * (end - start)
            spans += [(start, middle, shape), (middle, end, glide)]
    return spans


def _settled(shown: Sequence[str], *, least: int) -> list[tuple[int, str]]:
    """Runs of equal frames; those that are too short are drawn as the shape before them."""
    runs = [(shape, len(list(group))) for shape, group in itertools.groupby(shown)]
    out: list[tuple[int, str]] = []
    frame = 0
    for shape, length in runs:
        is_short = length < least and shape not in CLOSED and bool(out)
        if not is_short and (not out or out[-1][1] != shape):
            out.append((frame, shape))
        frame += length
    return out


def matched_name(label: str, names: Sequence[str]) -> str:
    """What somebody calls a shape: `A`, `mouth_A`, `Mouth.A.001`, `lips-MBP`; empty when nothing fits."""
    wanted = re.sub(r"[^a-z0-9]", "", label.lower())
    for name in names:
        words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"\.\d+$", "", name).lower()) if word]
        if any("".join(words[-count:]) == wanted for count in range(1, len(words) + 1)):
            return name
    return ""
