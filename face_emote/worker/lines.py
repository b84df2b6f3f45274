"""A table of lines for another program: the rows of a batch, read by the batch's own reader."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from face_emote.batch.columns import Cells, performance_of
from face_emote.batch.manifest_file import RawRow, read_manifest
from face_emote.batch.naming import made_valid, unique
from face_emote.batch.plan import PlanOptions, cells_of
from face_emote.core.errors import FaceEmoteError, OptionError
from face_emote.core.fields import options_of
from face_emote.core.types import PerformanceStyle
from face_emote.worker.protocol import Params
from face_emote.worker.takes import FIELDS

OF_THE_SCENE = ("fps",)
SLIDERS = options_of(PerformanceStyle)


def read_lines(params: Params, *, progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Rows of the manifest `table`: what each says; `given` and `sliders`: what else a `generate` request takes.

    Rows of text are said, into `folder`.

    A row that cannot be performed has a `problem`; the others are there all the same.
    """
    params.require_known(("table", "folder"))
    folder = Path(params.text("folder", ""))
    lines: list[dict[str, Any]] = []
    taken: set[str] = set()
    progress(0.5, "reading")
    for raw in read_manifest(Path(params.text("table"))):
        try:
            lines += [_line(raw, cells, taken=taken, folder=folder) for cells in cells_of(raw, PlanOptions())]
        except FaceEmoteError as error:
            own = raw.cells.get("name") or raw.cells.get("speech") or f"row {raw.number}"
            name = unique(made_valid(Path(own).stem), like=str(raw.number), taken=taken)
            lines.append({"name": name, "number": raw.number, "problem": str(error)})
    return {"lines": lines}


def _line(raw: RawRow, cells: Cells, *, taken: set[str], folder: Path) -> dict[str, Any]:
    if cells.text("video"):
        raise OptionError("The row is a filmed face; use Capture Video for it, or leave it to face-emote batch")
    speech = Path(cells.text("speech"))
    is_said = speech == Path() and bool(cells.text("text"))
    performance = performance_of(cells, speech=None if is_said else speech)  # What it refuses, nobody performs.
    given = {item.name: cells.value(item) for item in FIELDS if cells.text(item.name) and item.name not in OF_THE_SCENE}
    if is_said:
        assert isinstance(performance.speech, Path)
        speech = Path(shutil.copy(performance.speech, folder / f"{performance.speech.stem}.said.wav"))
        given |= {"voice": True} if find_spec("pyworld") else {}
    if is_said or cells.text("hidden"):
        given["emotion"] = performance.emotion
    if cells.text("text"):
        given["transcript"] = performance.transcript or ""
    sliders = {item.attribute: cells.value(item) for item in SLIDERS if cells.text(item.name)}
    name = unique(
        made_valid(cells.text("name") or raw.name or (cells.text("text")[:32] if is_said else speech.stem)),
        like=str(raw.number),
        taken=taken,
    )
    return {
        "name": name, "number": raw.number, "problem": "", "speech": str(speech), "sliders": sliders,
        "given": {key: str(value) if isinstance(value, Path) else value for key, value in given.items()},
        "character": cells.text("character"), "speaker": cells.text("speaker"),
    }  # fmt: skip
