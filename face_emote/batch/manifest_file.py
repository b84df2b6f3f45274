"""Manifests as people write them: CSV, JSON, JSON lines, a folder of recordings, or a pattern."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from face_emote.batch.naming import key_of, made_valid, slug, unique
from face_emote.batch.state import FILE as STATE_FILE
from face_emote.batch.state import BatchState
from face_emote.core.errors import BatchError, OutputError
from face_emote.core.fields import TRANSCRIPT_SUFFIXES, is_file, shown
from face_emote.core.reading import TEXT_MARKS

SOUNDS = (
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma",
    ".mp4", ".mov", ".mkv", ".webm", ".avi",
)  # fmt: skip
"""What a folder is searched for. A file that is named may end as it likes."""
MAX_MANIFEST_BYTES = 64 << 20
GLOB = "*?["


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row before anything is checked."""

    number: int
    cells: dict[str, str]
    folder: Path  # Its paths are relative to this.
    name: str = ""  # What it is called unless somebody says otherwise; empty: by the template.
    original: str = ""  # The name that would have been, if it could be a file's everywhere.


def read_manifest(source: Path, *, output: Path | None = None) -> list[RawRow]:
    """Rows of a manifest, of a folder, or of all files that a pattern such as `lines/**/*.wav` finds.

    Results of batches, whatever lies below `output`, and hidden files are never found. BatchError: nothing is there, or
    it cannot be read.
    """
    if source.is_dir():
        search = Search(source, output=output)
        found = sorted(path for path in source.rglob("*") if path.suffix.lower() in SOUNDS and search.takes(path))
        return _found(found, folder=source)
    if not source.exists() and any(sign in str(source) for sign in GLOB):
        return _found(matches(str(source), Path(), output=output), folder=Path())
    kinds = {".csv": _csv_rows, ".json": _json_rows, ".jsonl": _jsonl_rows, ".ndjson": _jsonl_rows}
    if not is_file(source):
        raise BatchError(f"There is no such manifest or folder; check the name: {source}")
    if source.suffix.lower() not in kinds:
        raise BatchError(f"A manifest ends in .csv, .json or .jsonl; give one, or a folder of recordings: {source}")
    if source.stat().st_size > MAX_MANIFEST_BYTES:
        raise BatchError(f"This manifest is larger than {MAX_MANIFEST_BYTES >> 20} MB; split it: {source}")
    try:
        text = _text_of(source)
        rows = [
            RawRow(number, cells, source.parent) for number, cells in enumerate(kinds[source.suffix.lower()](text), 1)
        ]
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        raise BatchError(f"The manifest cannot be read ({' '.join(str(error).split())}): {source}") from None
    if not rows:
        raise BatchError(f"The manifest holds no rows: {source}")
    return rows


def matches(pattern: str, folder: Path, *, output: Path | None = None) -> list[Path]:
    """Files that a pattern finds below a folder, sorted; a plain name finds itself, whether it is there or not."""
    if not any(sign in pattern for sign in GLOB) or is_file(folder / pattern):
        return [folder / pattern]
    path = Path(pattern)
    start = Path(path.anchor) if path.anchor else folder
    relative = path.relative_to(path.anchor) if path.anchor else path
    fixed = list(takewhile(lambda part: not any(sign in part for sign in GLOB), relative.parts))
    search = Search(start.joinpath(*fixed), output=output)
    try:
        return sorted(found for found in start.glob(str(relative)) if found.is_file() and search.takes(found))
    except (OSError, ValueError, NotImplementedError) as error:
        raise BatchError(f"This pattern cannot be read ({error}): {shown(pattern)}") from None


class Search:
    """Which of the files below a folder are somebody's recordings: neither hidden nor results of a batch."""

    def __init__(self, root: Path, *, output: Path | None) -> None:
        self._root = root
        self._output = None if output is None else output.resolve()
        self._results: dict[Path, frozenset[str] | None] = {}

    def takes(self, path: Path) -> bool:
        """Whether a file that was found is one of them."""
        if any(part.startswith(".") for part in path.relative_to(self._root).parts):
            return False
        place = path.parent.resolve() / path.name
        for folder in place.parents:
            results = self._results_in(folder)
            if results is None:
                continue
            below = not self._root.resolve().is_relative_to(folder)
            if below or key_of(place.relative_to(folder).as_posix()) in results:
                return False
        return True

    def _results_in(self, folder: Path) -> frozenset[str] | None:
        """Names of the results of a batch in this folder; None when none has run there."""
        if folder not in self._results:
            known = frozenset[str]() if folder == self._output else None
            if is_file(folder / STATE_FILE):
                with suppress(BatchError, OutputError), closing(BatchState(folder, read_only=True)) as state:
                    known = frozenset(key_of(name) for name in state.outputs())
            self._results[folder] = known
        return self._results[folder]


def transcript_beside(speech: Path) -> Path | None:
    """The text, subtitle or caption file of the same name, if one lies there."""
    candidates = (speech.with_suffix(suffix) for suffix in TRANSCRIPT_SUFFIXES)
    return next((path for path in candidates if is_file(path)), None)


def _found(paths: list[Path], *, folder: Path) -> list[RawRow]:
    """In a folder, names are those of the files below it; a pattern's are plain words. Each is there once."""
    if not paths:
        raise BatchError(f"No recordings were found there; give a manifest, or another folder: {folder}")
    rows, taken = [], set[str]()
    for number, path in enumerate(paths, 1):
        cells = {"speech": str(path.absolute())}
        words = transcript_beside(path)
        if words is not None:
            cells["transcript"] = str(words.absolute())
        original = path.stem if folder == Path() else path.relative_to(folder).with_suffix("").as_posix()
        name = unique(slug(original) if folder == Path() else made_valid(original), like=str(path), taken=taken)
        rows.append(RawRow(number, cells, folder, name=name, original=original))
    return rows


def _text_of(source: Path) -> str:
    """UTF-8, or what its first bytes say."""
    data = source.read_bytes()
    encoding = next((name for mark, name in TEXT_MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no {encoding.upper()} text, byte {error.start}; save it as UTF-8") from None


def _csv_rows(text: str) -> Iterator[dict[str, str]]:
    """Commas, semicolons or tabs; a first line `sep=;` is heeded, columns without heading and content are not."""
    said = re.match(r"\s*\"?sep=(.)\"?[ \t]*\r?\n", text, re.IGNORECASE)
    text = text[said.end() :] if said else text
    separator = said.group(1) if said else max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    heading = [name.strip() for name in next(reader, [])]
    for row in reader:
        for place, cell in enumerate(row):
            if cell.strip() and (place >= len(heading) or not heading[place]):
                raise ValueError(f"line {reader.line_num}: {shown(cell)} in column {place + 1} has no heading")
        if any(cell.strip() for cell in row):
            yield {name: cell for name, cell in zip(heading, row, strict=False) if name}


def _json_rows(text: str) -> Iterator[dict[str, str]]:
    content = json.loads(text)
    rows, defaults = content, {}
    if isinstance(content, dict):
        rows, defaults = content.get("rows"), content.get("defaults", {})
        strange = sorted(set(content) - {"rows", "defaults"})
        if strange:
            raise ValueError(f"beside rows and defaults there is {strange[0]!r}")
    if not isinstance(rows, list) or not isinstance(defaults, dict):
        raise ValueError("it must be a list of rows, or an object with rows and defaults")
    for number, row in enumerate(rows, 1):
        yield _texts(defaults, place="defaults") | _texts(row, place=f"row {number}")


def _jsonl_rows(text: str) -> Iterator[dict[str, str]]:
    lines = (line for line in text.splitlines() if line.strip())
    for number, line in enumerate(lines, 1):
        try:
            yield _texts(json.loads(line), place=f"row {number}")
        except json.JSONDecodeError as error:
            raise ValueError(f"row {number}: {error}") from None


def _texts(row: object, *, place: str) -> dict[str, str]:
    if not isinstance(row, dict):
        raise ValueError(f"{place} is not an object")
    return {name: _text(value, place=f"{place}, {name}") for name, value in row.items()}


def _text(value: Any, *, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    raise ValueError(f"{place} is neither text nor a number")
