"""`.usdz`: a zip without compression whose files start on multiples of 64 bytes, the stage first.

From the USDZ file format specification (openusd.org). Written here rather than by the library, whose packages hold the
time of day.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

ALIGNMENT = 64
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
LOCAL_HEADER_BYTES = 30
PADDING_ID = b"\x86\x19"
"""Id of the extra field that USD's own writer pads with."""


def write_package(path: Path, files: Sequence[Path]) -> None:
    """Write files, which must lie in one folder, as a package."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, date_time=FIXED_DATE)
            entry.create_system = 0
            assert archive.fp is not None
            start = archive.fp.tell() + LOCAL_HEADER_BYTES + len(file.name.encode()) + 4
            pad = -start % ALIGNMENT
            entry.extra = PADDING_ID + pad.to_bytes(2, "little") + b"\0" * pad
            archive.writestr(entry, file.read_bytes())
