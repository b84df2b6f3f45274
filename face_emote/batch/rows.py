"""What a row of a batch wants, checked and complete, and the hashes of all that decides its outputs.

Equal hash and version, equal bytes: so what is finished need not be done again.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path

from face_emote.bank.moments import INDEX
from face_emote.bank.retrieval import bank_folders
from face_emote.core.options import Filming, Performance, Picture
from face_emote.core.reading import sha256_of
from face_emote.core.version import VERSION
from face_emote.face.person_file import SUFFIX
from face_emote.rendering.video import DEFAULT_CODEC

SHEET_SUFFIX = ".png"
VOICE_SUFFIX = ".voice.wav"
WORK = ".work"  # The work folder.
KEY_DIGITS = 24


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a speech, performed once, written as one or several files."""

    number: int
    """Row of the manifest, from 1 (without the heading); several share it when a sweep or a pattern made them."""
    name: str  # What its files are called, without ending; unique in a batch.
    performance: Performance
    picture: Picture
    outputs: tuple[str, ...]  # Paths inside the batch's folder.
    consent: str = ""
    marked: bool = True  # Whether the files carry the signed mark.
    filming: Filming | None = None
    """How the face is read, where the speech is a film; the performance is then what is put on top of it."""
    speaker: str = ""  # Whose voice it is; rows of one speaker know each other.
    voice: bool = False  # Whether a recording is re-tuned to what is felt; it is then an output as well.

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"row {self.number} ({self.name})"

    @property
    def speech(self) -> Path:
        """The recording."""
        assert isinstance(self.performance.speech, Path)
        return self.performance.speech


def words_of(performance: Performance, picture: Picture) -> dict[str, str]:
    """What is configured, as people read it: for names of files, and for the report."""
    return {
        "emotion": str(performance.emotion),
        "intensity": f"{performance.intensity:g}",
        "character": performance.character,
        "seed": str(performance.seed),
        "fps": f"{performance.fps:g}",
        "camera": str(picture.camera),
        "light": str(picture.light),
        "engine": picture.engine,
        "skin": str(picture.skin or performance.character),
        "hair": picture.hair or "own",
        "size": "x".join(str(side) for side in picture.sides),
    }


def is_sheet(output: str) -> bool:
    """Whether an output is a contact sheet."""
    return Path(output).suffix.lower() == SHEET_SUFFIX


def is_voice(output: str) -> bool:
    """Whether an output is the re-tuned sound."""
    return output.endswith(VOICE_SUFFIX)


def is_video(output: str) -> bool:
    """Whether an output is a video."""
    return Path(output).suffix.lower() in DEFAULT_CODEC


def input_files(row: Row) -> dict[str, Path]:
    """The files that it reads, by field of its performance; `person`: who is filmed."""
    facts = {item.name: getattr(row.performance, item.name) for item in fields(Performance)}
    if row.performance.character.endswith(SUFFIX):
        facts["character"] = Path(row.performance.character)
    facts["person"] = None if row.filming is None else row.filming.person
    return {name: value for name, value in facts.items() if isinstance(value, Path)}


def motion_hash(row: Row) -> str:
    """Of all that decides the motion: recording, words, head and network by their content, the rest by value."""
    values = asdict(row.performance) | {name: content_hash(path) for name, path in input_files(row).items()}
    indices = [folder / INDEX for folder in bank_folders(row.performance.moments.bank)] * row.performance.is_drawn
    values["moments"] |= {"bank": [content_hash(index) for index in indices if index.exists()]}
    if row.filming is not None:
        values["filming"] = asdict(replace(row.filming, person=None))
    return _digest({"version": VERSION, **values})


def output_hash(row: Row, output: str) -> str:
    """Of all that decides one output."""
    values: dict[str, object] = {"motion": motion_hash(row), "kind": Path(output).suffix.lower()}
    if row.voice and (is_video(output) or is_voice(output)):
        values["voice"] = True
    if is_video(output) or is_sheet(output):
        values["picture"] = {**asdict(row.picture), "size": row.picture.sides}
    return _digest(values | {"marked": row.marked, "consent": row.consent})


def work_key(row: Row) -> str:
    """Name of the folder in which a row's unfinished parts lie; another hash, another folder."""
    parts = [row.name, motion_hash(row), *(output_hash(row, output) for output in row.outputs)]
    return _digest(parts)[:KEY_DIGITS]


def content_hash(path: Path) -> str:
    """Of a file; it is not read again before it has changed."""
    facts = path.stat()
    return _hash_of_file(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=4096)
def _hash_of_file(path: Path, _changed_ns: int, _size: int) -> str:
    return sha256_of(path)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
