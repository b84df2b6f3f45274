"""The columns of a manifest: the fields of a performance and of a picture, and what concerns the row itself.

A cell is text, whatever the manifest's format; an empty one means the default.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from face_emote.capturing.film import film_facts
from face_emote.core.errors import BatchError, CaptureError, OptionError
from face_emote.core.fields import Kind, Option, built, nearest, options_of, read_option
from face_emote.core.names import DEFAULT_FPS
from face_emote.core.options import (
    OVER_CAPTURE,
    PERFORMANCE_OPTIONS,
    PICTURE_OPTIONS,
    Filming,
    Performance,
    Picture,
    performance_from,
    picture_from,
)
from face_emote.lines.feeling import beneath
from face_emote.verbs.animate import require_performance
from face_emote.verbs.say import said_performance

OTHERS = (
    "speech", "video", "text", "speaker", "said_by", "hidden", "start", "end", "name", "outputs", "consent",
    "no_provenance", "voice",
)  # fmt: skip
FILMING = options_of(Filming)
COLUMNS = tuple(dict.fromkeys((*OTHERS, *(item.name for item in (*PERFORMANCE_OPTIONS, *PICTURE_OPTIONS, *FILMING)))))
MAX_COMBINATIONS = 10_000
FIXED = ("speech", "video", "text", "speaker", "start", "end", "outputs", "name")  # What a sweep cannot go over.
_COMMA = re.compile(r",(?![^(]*\))")  # A comma that is not inside brackets: `vad(-0.4, 0.7, 0.2)` is one value.


@dataclass(frozen=True, slots=True)
class Cells:
    """The texts of one row; paths in it are relative to `folder`."""

    texts: Mapping[str, str]
    folder: Path
    defaults: Mapping[str, Any]  # For empty cells: texts, or values that were read already.

    def text(self, name: str, default: str = "") -> str:
        """A cell, or the default when it is empty."""
        return self.texts.get(name, "").strip() or str(self.defaults.get(name, "")).strip() or default

    def value(self, item: Option) -> Any:
        """A cell as the field wants it; None when it is empty everywhere.

        OptionError: it cannot be read so; the message names the column.
        """
        text = self.texts.get(item.name, "").strip()
        if text:
            return read_option(item, text, folder=self.folder)
        default = self.defaults.get(item.name)
        if isinstance(default, str):
            return read_option(item, default) if default.strip() else None
        return default


def column_named(name: str) -> str:
    """The column that a heading means (`head-motion`, `Head motion` and `head_motion` are one).

    BatchError: there is none; the nearest is named.
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in COLUMNS:
        return plain
    raise BatchError(f"There is no column {name!r}; {nearest(plain, COLUMNS)}")


def performance_of(cells: Cells, *, speech: Path | None) -> Performance:
    """Read and check all that decides the motion; without a recording the row's text is said.

    FaceEmoteError: a value that `animate` would not take.
    """
    values, hidden = {item.name: cells.value(item) for item in PERFORMANCE_OPTIONS}, cells.text("hidden")
    if speech is None:
        said = performance_from(values, speech=Path())
        speaker = cells.text("said_by") or None
        performance = said_performance(cells.text("text"), said, speaker=speaker, hidden=hidden)
    else:
        values["transcript"] = values["transcript"] or cells.text("text") or None
        performance = performance_from(values, speech=speech)
        if hidden:
            performance = replace(performance, emotion=beneath(str(performance.emotion), hidden))
    require_performance(performance)
    return performance


def filmed_performance_of(cells: Cells, *, film: Path) -> tuple[Performance, Filming]:
    """Read and check how a filmed face is read, and the emotion on top of it; `neutral` is none.

    FaceEmoteError: a value that `capture` or `animate --from` would not take, or that is for speech.
    """
    known = {*(item.name for item in FILMING), *OVER_CAPTURE} - {"head"}
    for name in ("voice", *(item.name for item in PERFORMANCE_OPTIONS)):
        if name not in known and cells.texts.get(name, "").strip():
            raise OptionError(f"{name} is for rows of speech, and this one is a video; leave it out")
    # A number of lips is the slider of a performance; here it says whose they are.
    said = {item.name: cells.value(item) for item in FILMING} | {"lips": cells.texts.get("lips", "").strip() or None}
    filming = built(Filming, said)
    try:
        fps = filming.fps or round(film_facts(film).fps, 3)
    except CaptureError:  # This row will fail, and say so.
        fps = DEFAULT_FPS
    layer = {item.name: cells.value(item) for item in PERFORMANCE_OPTIONS if item.name in OVER_CAPTURE}
    layer |= {"emotion": layer["emotion"] or "neutral", "animator": "rules", "fps": fps, "head": None}
    performance = performance_from(layer, speech=film)
    require_performance(performance)
    return performance, filming


def picture_of(cells: Cells) -> Picture:
    """Read how it is drawn; whether an output can be drawn so is checked for each."""
    return picture_from({item.name: cells.value(item) for item in PICTURE_OPTIONS})


def yes(cells: Cells, name: str) -> bool:
    """A column that holds yes or no."""
    return bool(cells.value(Option(help="", kind=Kind.FLAG, name=name)))


def combinations(sweep: str) -> tuple[dict[str, str], ...]:
    """The cells of every combination of a sweep such as `emotion=joy,anger; seed=1,2`; of none, one without cells.

    BatchError: the sweep cannot be read.
    """
    axes: dict[str, list[str]] = {}
    for part in (part for part in sweep.split(";") if part.strip()):
        name, sign, values = part.partition("=")
        if not sign or not values.strip():
            raise BatchError(
                f'A sweep reads "emotion=joy,anger; intensity=.3,1"; this part has no values: {part.strip()}'
            )
        column = column_named(name)
        if column in FIXED or column in axes:
            raise BatchError(f"A sweep cannot go over {column}{' twice' if column in axes else ''}")
        axes[column] = [value.strip() for value in _COMMA.split(values)]
        if "" in axes[column] or len(set(axes[column])) < len(axes[column]):
            raise BatchError(f"The values of {column} in the sweep must be there, each once: {values.strip()}")
    count = prod(len(options) for options in axes.values())
    if count > MAX_COMBINATIONS:
        raise BatchError(f"This sweep makes {count} of every row; at most {MAX_COMBINATIONS} are possible")
    return tuple(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
