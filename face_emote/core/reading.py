"""Reading files that nobody vouches for: one budget for all memory that a file may ask for; marks of encodings."""

import codecs
import math
import struct
import zipfile
import zlib
from collections.abc import Container
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array

ALWAYS_BYTES, PER_FILE_BYTE = 2**27, 8
"""What any file may ask for, and how much more for each byte that it has: honest arrays pack by less than that."""
TEXT_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
"""First bytes of a text, and the encoding that they say; longer marks stand first."""
_PIECE_BYTES = 2**20


class MemoryBudget:
    """Memory that a file may still ask for; counted before it is taken."""

    def __init__(self, file_bytes: int) -> None:
        """Start with all that a file of this size may have."""
        self._left = ALWAYS_BYTES + PER_FILE_BYTE * file_bytes

    def take(self, num_bytes: int) -> None:
        """Count memory in. Raises ValueError when a file has asked for more than its size explains."""
        self._left -= num_bytes
        if self._left < 0:
            raise ValueError("it unpacks to far more than a file of its size should hold")


def read_npz(path: Path, *, names: Container[str] | None = None) -> dict[str, Array]:
    """Arrays of an .npz by name, all or only some. Nothing pickled is read.

    Raises:
        ValueError: damaged, encrypted, with pickled objects, or over its budget.
        OSError: it cannot be opened.
    """
    budget = MemoryBudget(path.stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            found = {}
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name != entry.filename and (names is None or name in names):
                    found[name] = _read_array(archive, entry, budget=budget)
            return found
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, budget: MemoryBudget) -> Array:
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"an array of format {version[0]}.{version[1]}")
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_column, dtype = header(stream)
        if dtype.hasobject:
            raise ValueError("an array of pickled objects")
        size = math.prod(shape) * dtype.itemsize
        budget.take(size)
        content, filled = np.empty(size, np.uint8), 0
        while piece := stream.read(_PIECE_BYTES):
            content[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)[: size - filled]
            filled += len(piece)
            if filled > size:
                break
        if filled != size:
            raise ValueError("an array that is shorter or longer than it says")
    flat = content.view(dtype) if size else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if by_column else "C")
