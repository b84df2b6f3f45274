"""Reads `{"fps": 30, "names": [..], "frames": [[a number per name], ..]}`. Trusts nothing: ValueError says what."""

import json
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.formats.recorded import MAX_BYTES, MAX_CURVES, MAX_NUMBERS, RecordedCurves

FORM = '{"fps": 30, "names": [..], "frames": [[..], ..]}'


def read_curves_json(path: Path) -> RecordedCurves:
    """Raises ValueError saying what is wrong, and OSError."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_int=float, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is damaged on line {error.lineno}") from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    if not isinstance(content, dict) or not {"fps", "names", "frames"} <= set(content):
        raise ValueError(f"it has not the form {FORM}")
    fps, names, frames = content["fps"], content["names"], content["frames"]
    if not isinstance(fps, float):
        raise ValueError("its fps is no number")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its names are no list of words")
    if not 0 < len(names) <= MAX_CURVES:
        raise ValueError(f"it names {len(names)} curves; expected 1 to {MAX_CURVES}")
    if not isinstance(frames, list) or not frames:
        raise ValueError("it has no frames")
    return RecordedCurves(names=tuple(names), values=_table(frames, width=len(names)), fps=fps)


def _table(frames: list[object], *, width: int) -> Float[Array, "frames curve"]:
    if len(frames) * width > MAX_NUMBERS:
        raise ValueError("it has too many frames to hold at once; split it")
    out = np.empty((len(frames), width))
    for i, row in enumerate(frames):
        if not isinstance(row, list) or len(row) != width:
            raise ValueError(f"frame {i + 1} is no list of {width} numbers")
        if not all(isinstance(value, float) for value in row):
            raise ValueError(f"frame {i + 1} holds something that is no number")
        out[i] = row
    if not np.all(np.isfinite(out)):
        raise ValueError("a number in it is too large")
    return out


def _refuse(word: str) -> float:
    raise ValueError(f"it holds {word}, which is no number")
