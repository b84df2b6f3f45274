"""Hashes of all that decides an output: equal hash and version, equal bytes; so what is finished need not be redone."""

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from face_emote.batch.rows import Row, is_sheet
from face_emote.core.version import VERSION
from face_emote.rendering.video import DEFAULT_CODEC

KEY_DIGITS = 24


def motion_hash(row: Row) -> str:
    """Of all that decides the motion: recording, words, head and network by their content, the rest by value."""
    performance = row.performance
    values = asdict(performance)
    for name in ("transcript", "head", "model"):
        value = getattr(performance, name)
        values[name] = _content_hash(value) if isinstance(value, Path) else value
    return _digest({"version": VERSION, "speech": _content_hash(row.speech), **values})


def output_hash(row: Row, output: str) -> str:
    """Of all that decides one output."""
    values: dict[str, object] = {"motion": motion_hash(row), "kind": Path(output).suffix.lower()}
    if Path(output).suffix.lower() in DEFAULT_CODEC or is_sheet(output):
        values["picture"] = asdict(row.picture)
    return _digest(values | {"marked": row.marked, "consent": row.consent})


def work_key(row: Row) -> str:
    """Name of the folder in which a row's unfinished parts lie; another hash, another folder."""
    parts = [row.name, motion_hash(row), *(output_hash(row, output) for output in row.outputs)]
    return _digest(parts)[:KEY_DIGITS]


def _content_hash(path: Path) -> str:
    facts = path.stat()
    return _hash_of_file(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=4096)
def _hash_of_file(path: Path, _changed_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
