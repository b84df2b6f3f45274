"""Manifests as people write them: CSV, JSON, JSON lines, a folder of recordings, or a pattern."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_emote.core.errors import BatchError
from face_emote.core.fields import TRANSCRIPT_SUFFIXES

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
    folder: Path
    """Its paths are relative to this."""


def read_manifest(source: Path) -> list[RawRow]:
    """Rows of a manifest, of a folder, or of all files that a pattern such as `lines/**/*.wav` finds.

    Raises:
        BatchError: nothing is there, or it cannot be read.
    """
    if source.is_dir():
        return _found(sorted(path for path in source.rglob("*") if path.suffix.lower() in SOUNDS), folder=source)
    if not source.exists() and any(sign in str(source) for sign in GLOB):
        return _found(matches(str(source), Path()), folder=Path())
    kinds = {".csv": _csv_rows, ".json": _json_rows, ".jsonl": _jsonl_rows, ".ndjson": _jsonl_rows}
    if not source.is_file():
        raise BatchError(f"There is no such manifest or folder; check the name: {source}")
    if source.suffix.lower() not in kinds:
        raise BatchError(f"A manifest ends in .csv, .json or .jsonl; give one, or a folder of recordings: {source}")
    if source.stat().st_size > MAX_MANIFEST_BYTES:
        raise BatchError(f"This manifest is larger than {MAX_MANIFEST_BYTES >> 20} MB; split it: {source}")
    try:
        text = source.read_text("utf-8-sig")
        rows = [
            RawRow(number, cells, source.parent) for number, cells in enumerate(kinds[source.suffix.lower()](text), 1)
        ]
    except (ValueError, csv.Error, RecursionError) as error:
        raise BatchError(f"The manifest cannot be read ({' '.join(str(error).split())}): {source}") from None
    if not rows:
        raise BatchError(f"The manifest holds no rows: {source}")
    return rows


def matches(pattern: str, folder: Path) -> list[Path]:
    """Files that a pattern finds below a folder, sorted; a plain name finds itself, whether it is there or not."""
    if not any(sign in pattern for sign in GLOB) or (folder / pattern).exists():
        return [folder / pattern]
    path = Path(pattern)
    start = Path(path.anchor) if path.anchor else folder
    relative = str(path.relative_to(path.anchor)) if path.anchor else pattern
    try:
        return sorted(found for found in start.glob(relative) if found.is_file())
    except (ValueError, NotImplementedError) as error:
        raise BatchError(f"This pattern cannot be read ({error}): {pattern}") from None


def transcript_beside(speech: Path) -> Path | None:
    """The text, subtitle or caption file of the same name, if one lies there."""
    candidates = (speech.with_suffix(suffix) for suffix in TRANSCRIPT_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _found(paths: list[Path], *, folder: Path) -> list[RawRow]:
    if not paths:
        raise BatchError(f"No recordings were found there; give a manifest, or another folder: {folder}")
    rows = []
    for number, path in enumerate(paths, 1):
        cells = {"speech": str(path.absolute())}
        words = transcript_beside(path)
        if words is not None:
            cells["transcript"] = str(words.absolute())
        if folder != Path():
            name = path.relative_to(folder).with_suffix("").as_posix()
            cells["name"] = name.replace("{", "{{").replace("}", "}}")
        rows.append(RawRow(number, cells, folder))
    return rows


def _csv_rows(text: str) -> Iterator[dict[str, str]]:
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    heading = next(reader, [])
    for row in reader:
        if len(row) > len(heading):
            raise ValueError(f"line {reader.line_num} has {len(row)} cells under {len(heading)} headings")
        if any(cell.strip() for cell in row):
            yield dict(zip(heading, row, strict=False))


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
