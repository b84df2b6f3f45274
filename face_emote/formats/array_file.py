"""`.npz` files of named arrays, as `numpy.load` opens them: rows are spooled to disk, same arrays give same bytes."""

import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import numpy as np

from face_emote.core.arrays import Array

FIXED_DATE = (1980, 1, 1, 0, 0, 0)
COPY_BYTES = 1 << 17


class ArraySpool:
    """A float32 array that grows row by row in a temporary file."""

    def __init__(self, files: ExitStack, folder: Path, *, name: str, row_shape: tuple[int, ...]) -> None:
        self.name = name
        self.row_shape = row_shape
        self.num_rows = 0
        self.file = cast(BufferedIOBase, files.enter_context(tempfile.TemporaryFile(dir=folder, prefix=name)))

    def append(self, rows: Array) -> None:
        """Add rows of the shape that was announced."""
        flat = np.ascontiguousarray(rows, "<f4").reshape(len(rows), *self.row_shape)
        self.file.write(flat.tobytes())
        self.num_rows += len(rows)


def write_arrays(path: Path, arrays: Mapping[str, Array | np.generic], *, spools: Sequence[ArraySpool]) -> None:
    """Write arrays, then spools, compressed. Strings are stored as numpy's own unicode arrays, never as objects."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in arrays.items():
            with archive.open(zip_entry(name), "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(value), version=(1, 0), allow_pickle=False)
        for spool in spools:
            shape = (spool.num_rows, *spool.row_shape)
            head = {"descr": "<f4", "fortran_order": False, "shape": shape}
            spool.file.seek(0)
            with archive.open(zip_entry(spool.name), "w", force_zip64=True) as stream:
                np.lib.format.write_array_header_1_0(stream, head)
                while piece := spool.file.read(COPY_BYTES):
                    stream.write(piece)


def zip_entry(name: str) -> zipfile.ZipInfo:
    """The place of an array in an `.npz`; the same bytes on every day and system."""
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=FIXED_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry
