"""The corpus on disk: one folder per source, arrays that are mapped into memory, clips back to back.

    <corpus>/<source>/mels.npy     float16 [rows, 40]    log-mels as `audio.logmel.log_mels` gives them, 100 Hz
    <corpus>/<source>/lips.npy     float16 [frames, 9]   `config.LIP_CHANNELS` in natural units, 50 Hz
    <corpus>/<source>/known.npy    uint8   [frames, 9]   1 where that channel was measured or is taught, else 0
    <corpus>/<source>/phones.npy   uint8   [frames]      index into `names.PHONES`, 255 unknown
    <corpus>/<source>/clips.jsonl  one `ClipRow` a line

Frame i of 50 Hz stands at i / 50 s and belongs to mel row 2 i. A folder appears when its source is complete. Until
then its parts grow in `.<source>.partial`, and a run that was killed goes on there.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.audio.conditioning import listened_to
from face_emote.audio.logmel import NUM_BANDS, log_mels
from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import CorpusError
from face_emote.core.names import MOTION_HZ, PHONES, SAMPLE_RATE_HZ
from face_emote.core.reading import HEADER_FAULTS, content_of, require_plain
from face_emote.core.records import parsed_json
from face_emote.core.types import Speech
from face_emote.network.config import LIP_CHANNELS

NUM_LIPS = len(LIP_CHANNELS)
UNKNOWN_PHONE = 255
KINDS = ("capture", "voice", "tts", "silent")
SPLITS = ("train", "test")
CLIPS = "clips.jsonl"
COLUMNS = {"mels": ("<f2", NUM_BANDS), "lips": ("<f2", NUM_LIPS), "known": ("|u1", NUM_LIPS), "phones": ("|u1", 0)}
"""Array files: type of a value and values in a row (0: the row is one value)."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ClipData:
    """Sound and lips of one clip before they are stored."""

    samples: Float[Array, " samples"]  # 16 kHz.
    lips: Float[Array, f"frames channel={NUM_LIPS}"]
    known: UInt8[Array, f"frames channel={NUM_LIPS}"]
    phones: UInt8[Array, " frames"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A clip that can be made; `make` is slow, the rest is known before."""

    name: str
    talker: str
    language: str
    kind: str  # One of KINDS: tracked face, voice without a face, synthetic voice, no speech.
    split: str
    emotion: str = ""  # A word of the emotion lexicon, or nothing.
    audio: str = ""  # Path of the sound relative to the data folder; nothing for generated sound.
    make: Callable[[], ClipData]


@dataclass(frozen=True, slots=True)
class ClipRow:
    """Where a clip lies in its source's arrays, and what it is."""

    name: str
    source: str
    talker: str
    language: str
    emotion: str
    kind: str
    split: str
    mel_first: int
    num_mels: int
    first: int  # First frame of 50 Hz in lips, known and phones.
    num_frames: int
    audio: str
    sha256: str  # Of the samples as 16-bit numbers.

    @property
    def ends(self) -> dict[str, int]:
        """Rows of each array up to the end of the clip."""
        return dict.fromkeys(COLUMNS, self.first + self.num_frames) | {"mels": self.mel_first + self.num_mels}


@dataclass(frozen=True, slots=True, eq=False)
class SourceArrays:
    """The mapped arrays of one source."""

    mels: Float[Array, "rows band"]
    lips: Float[Array, "frames channel"]
    known: UInt8[Array, "frames channel"]
    phones: UInt8[Array, " frames"]


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Clips of several sources, in the order of the sources and their files. Arrays are views of mapped files."""

    folder: Path
    clips: tuple[ClipRow, ...]
    arrays: dict[str, SourceArrays]  # By source.

    def mels(self, index: int) -> Float[Array, "rows band"]:
        """Log-mels of a clip at 100 Hz, float16."""
        row = self.clips[index]
        return self.arrays[row.source].mels[row.mel_first : row.mel_first + row.num_mels]

    def lips(self, index: int) -> Float[Array, "frames channel"]:
        """Aims of the mouth at 50 Hz, float16."""
        return self.arrays[self.clips[index].source].lips[self._frames(index)]

    def known(self, index: int) -> UInt8[Array, "frames channel"]:
        """Which of `lips` may be learnt from."""
        return self.arrays[self.clips[index].source].known[self._frames(index)]

    def phones(self, index: int) -> UInt8[Array, " frames"]:
        """Index into `names.PHONES` at 50 Hz, UNKNOWN_PHONE where nobody knows."""
        return self.arrays[self.clips[index].source].phones[self._frames(index)]

    def _frames(self, index: int) -> slice:
        row = self.clips[index]
        return slice(row.first, row.first + row.num_frames)


def num_frames_of(num_samples: int) -> int:
    """Frames of 50 Hz that cover so many samples of 16 kHz."""
    return max(1, -(-num_samples * round(MOTION_HZ) // SAMPLE_RATE_HZ))


def sources_in(folder: Path) -> list[str]:
    """Names of the complete sources, sorted."""
    return sorted(entry.parent.name for entry in folder.glob(f"[!.]*/{CLIPS}"))


def write_source(
    jobs: Sequence[Job], *, folder: Path, source: str, progress: Callable[[int, int, float], None] | None = None
) -> list[ClipRow]:
    """Make and store all clips of a source; does nothing when that was done before, and goes on where it was killed.

    Jobs come in a fixed order; a run that goes on takes those as made which are in the partial folder. `progress` is
    called after each clip with clips done, clips in all and hours so far. CorpusError: two jobs share a name, or a
    clip's arrays do not fit each other.
    """
    done = folder / source
    if (done / CLIPS).is_file():
        return _read_rows(done)
    if len({job.name for job in jobs}) != len(jobs):
        raise CorpusError(f"Two clips of {source} have one name; rename one of the files: {done}")
    partial = folder / f".{source}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    rows = _resumed(partial, names=[job.name for job in jobs])
    with (partial / CLIPS).open("a", encoding="utf-8") as list_file:
        for job in jobs[len(rows) :]:
            row = _append(job, partial=partial, source=source, before=rows[-1] if rows else None)
            list_file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            list_file.flush()
            rows.append(row)
            if progress is not None:
                progress(len(rows), len(jobs), sum(item.num_frames for item in rows) / MOTION_HZ / 3600.0)
    for name, (dtype, width) in COLUMNS.items():
        raw = partial / f"{name}.raw"
        np.save(partial / f"{name}.npy", np.memmap(raw, dtype, "r").reshape((-1, width) if width else -1))
        raw.unlink()
    if done.exists():
        shutil.rmtree(done)
    partial.rename(done)
    return rows


def read_corpus(folder: Path) -> Corpus:
    """Map the complete sources into memory; only what is looked at is read.

    CorpusError: there is no corpus, or the files of a source do not fit together.
    """
    folder = Path(folder)
    sources = sources_in(folder) if folder.is_dir() else []
    if not sources:
        raise CorpusError(f"There is no corpus here; build one with face_emote_lab.train.corpus.build: {folder}")
    rows: list[ClipRow] = []
    arrays: dict[str, SourceArrays] = {}
    for source in sources:
        part = _read_rows(folder / source)
        arrays[source] = _mapped(folder / source, last=part[-1])
        rows.extend(part)
    return Corpus(folder=folder, clips=tuple(rows), arrays=arrays)


def _append(job: Job, *, partial: Path, source: str, before: ClipRow | None) -> ClipRow:
    clip = job.make()
    frames = num_frames_of(len(clip.samples))
    heard = listened_to(Speech(clip.samples.astype(np.float32), SAMPLE_RATE_HZ))  # as `animate` hears it
    mels = np.concatenate(list(log_mels(heard.blocks()))).astype("<f2")
    stored = {
        "mels": mels,
        "lips": clip.lips.astype("<f2"),
        "known": clip.known.astype("|u1"),
        "phones": clip.phones.astype("|u1"),
    }
    fits = (
        clip.lips.shape == clip.known.shape == (frames, NUM_LIPS)
        and clip.phones.shape == (frames,)
        and job.kind in KINDS
        and job.split in SPLITS
        and bool(np.isfinite(stored["lips"]).all())
        and bool(((clip.phones < len(PHONES)) | (clip.phones == UNKNOWN_PHONE)).all())
    )
    if not fits:
        raise CorpusError(f"Lips, phones and sound of the clip do not fit each other: {source}/{job.name}")
    for name, rows in stored.items():
        with (partial / f"{name}.raw").open("ab") as file:
            file.write(np.ascontiguousarray(rows).tobytes())
    sound = np.round(np.clip(clip.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    firsts = before.ends if before else dict.fromkeys(COLUMNS, 0)
    known = {item.name: getattr(job, item.name) for item in fields(Job) if item.name != "make"}
    return ClipRow(
        source=source,
        mel_first=firsts["mels"],
        num_mels=len(mels),
        first=firsts["lips"],
        num_frames=frames,
        sha256=hashlib.sha256(sound.tobytes()).hexdigest(),
        **known,
    )


def _resumed(partial: Path, *, names: list[str]) -> list[ClipRow]:
    """The clips that a killed run had finished; whatever lies behind the last whole one is cut off."""
    rows: list[ClipRow] = []
    if (partial / CLIPS).is_file():
        for line in content_of(partial / CLIPS).splitlines():
            try:
                rows.append(_row(line))
            except (ValueError, TypeError):  # the line was being written when the run was killed
                break
    ends = rows[-1].ends if rows else {}
    sizes = {
        partial / f"{name}.raw": end * np.dtype(COLUMNS[name][0]).itemsize * max(COLUMNS[name][1], 1)
        for name, end in ends.items()
    }
    whole = all(raw.is_file() and raw.stat().st_size >= size for raw, size in sizes.items())
    if not rows or not whole or [row.name for row in rows] != names[: len(rows)]:
        logger.info("starting %s from its first clip", partial.name)
        shutil.rmtree(partial)
        partial.mkdir()
        return []
    for raw, size in sizes.items():
        os.truncate(raw, size)
    (partial / CLIPS).write_text("".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return rows


def mapped_array(path: Path) -> Array:
    """An .npy of which only what is looked at is read. Raises ValueError when it is none, and OSError."""
    require_plain(path)
    try:
        mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (*HEADER_FAULTS, EOFError, TypeError, OverflowError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None
    return mapped


def _mapped(folder: Path, *, last: ClipRow) -> SourceArrays:
    ends = last.ends
    out = {}
    for name, (dtype, width) in COLUMNS.items():
        path = folder / f"{name}.npy"
        try:
            array = mapped_array(path)
        except (OSError, ValueError) as error:
            raise CorpusError(f"An array of the corpus cannot be read ({error}); build it again: {path}") from None
        shape = (ends[name], width) if width else (ends[name],)
        if array.shape != shape or array.dtype != np.dtype(dtype):
            raise CorpusError(
                f"The array is {array.dtype} {array.shape}, and its clips need {dtype} {shape}; build it again: {path}"
            )
        out[name] = array
    return SourceArrays(**out)


def _read_rows(folder: Path) -> list[ClipRow]:
    path = folder / CLIPS
    try:
        rows = [_row(line) for line in content_of(path).splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise CorpusError(f"The list of clips cannot be read ({error}); build the source again: {path}") from None
    joined = all(
        (after.first, after.mel_first) == (row.ends["lips"], row.ends["mels"]) for row, after in pairwise(rows)
    )
    if not rows or not joined or rows[0].first or rows[0].mel_first:
        raise CorpusError(f"The list of clips is empty or has gaps; build the source again: {path}")
    return rows


def _row(line: bytes) -> ClipRow:
    """Raises ValueError or TypeError."""
    values: Any = parsed_json(line)
    row = ClipRow(**values)
    sound = all(type(getattr(row, field.name)) is field.type for field in fields(row))
    if not sound or min(row.mel_first, row.num_mels - 1, row.first, row.num_frames - 1) < 0:
        raise ValueError(f"not a clip: {line[:60]!r}")
    return row
