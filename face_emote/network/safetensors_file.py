"""The safetensors layout, read with numpy: header length, JSON header, raw arrays; no code, no pickles.

A sha256 of the arrays' bytes stands in the metadata and is checked, so a damaged file is never used.
"""

import hashlib
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.errors import CheckpointError
from face_emote.core.reading import content_of

DTYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
MAX_FILE_BYTES = 2**28
MAX_HEADER_BYTES = 2**20
MAX_AXES = 4
_AGAIN = "fetch or write it again"


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays by name (in the type on disk) and the metadata, whose `sha256` has been checked.

    CheckpointError: The file is missing, too large, not of this format, or its bytes were changed.
    """
    try:
        content = content_of(path, most=MAX_FILE_BYTES)
    except ValueError as error:
        raise CheckpointError(f"The checkpoint cannot be read ({error}); choose another: {path}") from None
    except OSError as error:
        raise CheckpointError(f"The checkpoint cannot be read ({error.strerror}); check the path: {path}") from None
    length = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else 0
    if not 2 <= length <= min(MAX_HEADER_BYTES, len(content) - 8):
        raise CheckpointError(f"This is not a checkpoint, or it was cut off; {_AGAIN}: {path}")
    header = _parsed(content[8 : 8 + length], path)
    metadata = header.pop("__metadata__", None)
    if not _is_text_map(metadata):
        raise CheckpointError(f"The checkpoint has no metadata, so it is not one of face_emote; choose another: {path}")
    data = memoryview(content)[8 + length :]
    tensors: dict[str, Array] = {}
    end = 0
    for name, entry in header.items():
        dtype, shape, start, stop = _placed(entry, name, path=path)
        if start != end or stop > len(data):
            raise CheckpointError(f"The checkpoint's array '{name[:60]}' lies outside of its place; {_AGAIN}: {path}")
        tensors[name] = np.frombuffer(data[start:stop], dtype).reshape(shape)
        end = stop
    if end != len(data) or hashlib.sha256(data).hexdigest() != metadata.get("sha256"):
        raise CheckpointError(f"The checkpoint's weights do not have the checksum of its header; {_AGAIN}: {path}")
    return tensors, metadata


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise CheckpointError(f"The checkpoint's header cannot be read; {_AGAIN}: {path}")
    return header


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _placed(entry: object, name: str, *, path: Path) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Type, shape and offsets of one array, checked against each other."""
    if isinstance(entry, dict):
        dtype: np.dtype[Any] | None = DTYPES.get(str(entry.get("dtype")))
        shape, offsets = _sizes(entry.get("shape")), _sizes(entry.get("data_offsets"))
        if dtype is not None and shape is not None and offsets is not None and len(offsets) == 2:
            start, stop = offsets
            if len(shape) <= MAX_AXES and stop - start == math.prod(shape) * dtype.itemsize:
                return dtype, shape, start, stop
    raise CheckpointError(f"The checkpoint describes its array '{name[:60]}' wrongly; {_AGAIN}: {path}")


def _sizes(value: object) -> tuple[int, ...] | None:
    if isinstance(value, list) and all(type(size) is int and 0 <= size <= MAX_FILE_BYTES for size in value):
        return tuple(value)
    return None
