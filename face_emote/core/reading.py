"""Reading files that nobody vouches for: they have an end, and one budget for all memory that they may ask for."""

import codecs
import errno
import hashlib
import math
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Container
from io import BufferedReader
from pathlib import Path
from tokenize import TokenError

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
MOST_WORDS = 100_000
_ARCHIVE_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError)
HEADER_FAULTS = (TokenError, SyntaxError, RecursionError, MemoryError)
"""What numpy's reader of headers raises beside ValueError: it parses them as Python."""


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


def require_plain(path: Path) -> None:
    """Raise OSError unless a file is there. A folder is none; a pipe may stay silent, and a device may never end."""
    try:
        mode = path.stat().st_mode
    except ValueError:
        raise OSError(errno.EINVAL, "no file can have this name", repr(str(path))) from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, no file", str(path))


def opened(path: Path) -> BufferedReader:
    """A file, open for reading. Raises OSError as `require_plain` does."""
    require_plain(path)
    return path.open("rb")


def require_readable(path: Path) -> None:
    """Raise OSError unless the first byte of a file can be read, if it has one."""
    with opened(path) as file:
        file.read(1)


def content_of(path: Path, *, most: int = ALWAYS_BYTES) -> bytes:
    """All bytes of a file of at most so many. Raises ValueError when it has more, and OSError."""
    with opened(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise ValueError(f"it is larger than {most >> 20} MB")
        return file.read()


def text_of(path: Path, *, most: int = ALWAYS_BYTES) -> str:
    """All of a text in UTF-8. Raises ValueError when it is none, or too long, and OSError."""
    return content_of(path, most=most).decode("utf-8-sig")


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes. Raises OSError."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(path: Path) -> frozenset[str]:
    """Names of the arrays of an .npz; none when it is no archive. Raises OSError when it cannot be opened."""
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))
    except (*_ARCHIVE_FAULTS, ValueError):
        return frozenset()


def words_of(array: Array) -> tuple[str, ...]:
    """The words of an array of texts. Raises ValueError when it is none, or of more than `MOST_WORDS`."""
    if array.ndim != 1 or array.dtype.kind != "U" or len(array) > MOST_WORDS:
        raise ValueError(f"an array of {array.dtype} {array.shape} where words are wanted")
    return tuple(str(word) for word in array)


def read_npz(path: Path, *, names: Container[str] | None = None) -> dict[str, Array]:
    """Arrays of an .npz by name, all or only some. Nothing pickled is read.

    ValueError: damaged, encrypted, with pickled objects, or over its budget. OSError: it cannot be opened.
    """
    budget = MemoryBudget(path.stat().st_size)
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            found = {}
            for entry in archive.infolist():
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError("its arrays are compressed in an unusual way")
                name = entry.filename.removesuffix(".npy")
                if name != entry.filename and (names is None or name in names):
                    found[name] = _read_array(archive, entry, budget=budget)
            return found
    except _ARCHIVE_FAULTS as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, budget: MemoryBudget) -> Array:
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"an array of format {version[0]}.{version[1]}")
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        try:
            shape, by_column, dtype = header(stream)
        except HEADER_FAULTS as error:
            raise ValueError(f"an array whose description cannot be read ({type(error).__name__})") from None
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
