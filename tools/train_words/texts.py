"""What the reader of words learns from: sentences with their feelings, and which of them are kept back.

A folder of GoEmotions, EmoBank and XED as tab-separated, gzipped files. A sentence belongs to a part by the checksum of
its letters, so that it never stands on both sides, whichever set it comes from.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import CorpusError
from face_emote.perception.words import FINE_WORDS

PLUTCHIK = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")
"""XED's labels 1..8."""
PARTS = ("train", "check", "test")
"""Eight tenths teach, a tenth chooses thresholds and settings, a tenth only measures."""
_GOEMOTIONS, _EMOBANK, _XED = "goemotions_train.tsv.gz", "emobank_vad.tsv.gz", "xed_*.tsv.gz"


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences of all sets; NaN where a set does not say."""

    lines: tuple[str, ...]
    fine: Float[Array, "sentence fine=28"]
    vad: Float[Array, "sentence vad=3"]
    """-1..1."""
    plutchik: Float[Array, "sentence 8"]
    language: tuple[str, ...]

    def of(self, chosen: Bool[Array, " sentence"]) -> "Sentences":
        """Some of them."""
        which = np.flatnonzero(chosen)
        return Sentences(
            tuple(self.lines[i] for i in which),
            self.fine[which],
            self.vad[which],
            self.plutchik[which],
            tuple(self.language[i] for i in which),
        )

    def part(self, name: str) -> Bool[Array, " sentence"]:
        """Which belong to one of `PARTS`."""
        return np.array([part_of(line) == name for line in self.lines])


def part_of(line: str) -> str:
    """One of `PARTS`, by the letters of the sentence alone."""
    tenth = zlib.crc32(re.sub(r"\W+", " ", line.lower()).strip().encode()) % 10
    return {0: "test", 1: "check"}.get(tenth, "train")


def read_sentences(folder: Path) -> Sentences:
    """Everything in the folder.

    Raises:
        CorpusError: a set is missing.
    """
    rows = [*_goemotions(folder), *_emobank(folder), *_xed(folder)]
    lines, fine, vad, plutchik, language = zip(*rows, strict=True)
    return Sentences(lines, np.stack(fine), np.stack(vad), np.stack(plutchik), language)


Row = tuple[str, Float[Array, "28"], Float[Array, "3"], Float[Array, "8"], str]


def _goemotions(folder: Path) -> Iterator[Row]:
    for fields in _fields(folder / _GOEMOTIONS):
        yield fields[0], _marked(fields[1], size=len(FINE_WORDS), first=0), _unknown(3), _unknown(8), "en"


def _emobank(folder: Path) -> Iterator[Row]:
    for *values, line in _fields(folder / _EMOBANK):
        vad = (np.array([float(value) for value in values], np.float32) - 3.0) / 2.0
        yield line, _unknown(len(FINE_WORDS)), vad, _unknown(8), "en"


def _xed(folder: Path) -> Iterator[Row]:
    paths = sorted(folder.glob(_XED))
    if not paths:
        raise CorpusError(f"No sentences of XED ({_XED}) are in the folder: {folder}")
    for path in paths:
        language = path.name.split("_")[1].split("-")[0]
        for fields in _fields(path):
            if len(fields) == 2:  # a few lines hold a record of the alignment
                yield fields[0], _unknown(len(FINE_WORDS)), _unknown(3), _marked(fields[1], size=8, first=1), language


def _fields(path: Path) -> Iterator[Sequence[str]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            for line in file:
                fields = line.rstrip("\n").split("\t")
                if len(fields) > 1:
                    yield fields
    except OSError as error:
        raise CorpusError(f"Sentences cannot be read ({error.strerror or 'damaged'}): {path}") from None


def _marked(numbers: str, *, size: int, first: int) -> Float[Array, " size"]:
    marks = np.zeros(size, np.float32)
    found = np.array([int(number) for number in numbers.split(",") if number.strip().isdigit()], int) - first
    marks[found[(found >= 0) & (found < size)]] = 1.0
    return marks


def _unknown(size: int) -> Float[Array, " size"]:
    return np.full(size, np.nan, np.float32)
