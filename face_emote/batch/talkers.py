"""Lines of one speaker know each other: what `auto` reads in a voice is read against that voice's other lines.

The lines are heard before any of them is performed, and each row takes along what the others say of its talker: neither
the rows' order nor the number of workers changes a byte. What was heard is kept in the work folder.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.batch.rows import Row, content_hash
from face_emote.core.errors import FaceEmoteError
from face_emote.core.output import written_beside
from face_emote.core.reading import content_of
from face_emote.core.version import VERSION
from face_emote.emotion.grammar import plan_of
from face_emote.perception.talker import LEAST_LINES, talker_from
from face_emote.verbs.perceive import figures_heard

FILE = "voices.json"
MAX_BYTES = 1 << 28
Voices = dict[str, list[float]]  # Figures of recordings, by the hash of their content; none where nobody speaks.


def with_talkers(rows: Sequence[Row], *, known: Mapping[str, list[float]]) -> tuple[list[Row], Voices]:
    """The rows, those on `auto` with the talker of their speaker's other lines; and what was heard for it."""
    lines: dict[str, dict[str, Path]] = {}
    for row in rows:
        if row.speaker:
            with suppress(OSError):
                lines.setdefault(row.speaker, {})[content_hash(row.speech)] = row.speech
    wanted = {row.speaker for row in rows if len(lines.get(row.speaker, ())) > LEAST_LINES and _is_auto(row)}
    voices: Voices = {}
    for speaker in wanted:
        for digest, path in lines[speaker].items():
            voices[digest] = known[digest] if digest in known else _heard(path)
    return [_knowing(row, lines[row.speaker], voices) if row.speaker in wanted else row for row in rows], voices


def _is_auto(row: Row) -> bool:
    return row.filming is None and plan_of(row.performance.emotion, row.performance.intensity).auto > 0.0


def _heard(path: Path) -> list[float]:
    """A recording that cannot be read fails its own row; it says nothing of the others."""
    try:
        figures = figures_heard(path)
    except FaceEmoteError:
        return []
    return [] if figures is None else figures.tolist()


def _knowing(row: Row, lines: Mapping[str, Path], voices: Mapping[str, list[float]]) -> Row:
    if not _is_auto(row):
        return row
    others = [np.array(voices[digest]) for digest, path in lines.items() if path != row.speech and voices[digest]]
    return replace(row, performance=replace(row.performance, talker=talker_from(others)))


def read_voices(work: Path) -> Voices:
    """What a batch has heard before; nothing where it has not, or the file is damaged."""
    with suppress(OSError, ValueError):
        found = json.loads(content_of(work / FILE, most=MAX_BYTES))
        if isinstance(found, dict) and found.pop("version", "") == VERSION:
            return {digest: np.asarray(row, np.float64).tolist() for digest, row in found.items()}
    return {}


def write_voices(voices: Voices, work: Path) -> None:
    """Keep what was heard for the next run; raises OutputError when that is not possible."""
    with written_beside(work / FILE) as beside:
        beside.write_text(json.dumps({"version": VERSION, **voices}), encoding="utf-8")
