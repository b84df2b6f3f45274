"""A `.glb` file in the making: arrays go to disk as they come, the JSON that describes them is kept until the end.

Written from the glTF 2.0 specification, sections 3.6 (buffers, accessors, sparse storage) and 4 (GLB). Little-endian,
every buffer view starts on a multiple of four.
"""

import json
import shutil
import struct
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import OutputError

COMPONENTS = {"|u1": 5121, "<u2": 5123, "<u4": 5125, "<f4": 5126}
KINDS = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
VERTEX_BUFFER, INDEX_BUFFER = 34962, 34963
MAX_GLB_BYTES = 2**32 - 1
"""A .glb counts its bytes in 32 bits."""


class GltfFile:
    """Collects arrays and pictures; every `add_` returns the index by which the scene refers to the thing added."""

    def __init__(self, buffer: BufferedIOBase) -> None:
        self._buffer = buffer
        self._length = 0
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []

    def add_array(self, array: Array, *, target: int | None = None, bounds: bool = False) -> int:
        """Add [count] or [count, width] uint8, uint16, uint32 or float32; `bounds` states minimum and maximum."""
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        shape = data.shape[1:]
        item = {
            "bufferView": self._add_view(data.tobytes(), target=target),
            "componentType": COMPONENTS[data.dtype.str],
            "count": len(data),
            "type": KINDS[shape],
        }
        if bounds:
            item |= _bounds(data)
        return self._add_accessor(item)

    def add_stream(self, rows: BufferedIOBase, *, count: int, kind: str) -> int:
        """Add `count` items of float32 that lie in a file, from its start."""
        rows.seek(0)
        start = self._length
        shutil.copyfileobj(rows, self._buffer, 1 << 18)
        self._length = self._buffer.tell()
        view = self._register_view(start, target=None)
        return self._add_accessor({"bufferView": view, "componentType": 5126, "count": count, "type": kind})

    def add_sparse(
        self, count: int, index: Int[Array, " nonzero"], *, values: Float[Array, "nonzero 3"], bounds: bool = False
    ) -> int:
        """Add [count, 3] float32 that is zero but for `values` at `index` (rising). With nothing there it is free."""
        item: dict[str, Any] = {"componentType": 5126, "count": count, "type": "VEC3"}
        if bounds:
            item |= _bounds(values if len(index) == count else np.concatenate([values, np.zeros((1, 3))]))
        if len(index):
            small = np.uint16 if count <= 0xFFFF else np.uint32
            item["sparse"] = {
                "count": len(index),
                "indices": {
                    "bufferView": self._add_view(index.astype(small).tobytes()),
                    "componentType": COMPONENTS[np.dtype(small).str],
                },
                "values": {"bufferView": self._add_view(values.astype("<f4").tobytes())},
            }
        return self._add_accessor(item)

    def add_blob(self, data: bytes) -> int:
        """Add bytes (a picture) and return the index of their buffer view."""
        return self._add_view(data)

    def save(self, path: Path, *, scene: dict[str, Any]) -> None:
        """Write the file; `scene` holds all of the JSON but buffers, views and accessors."""
        self._pad()
        content = scene | {
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": self._length}],
        }
        text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + self._length
        if total > MAX_GLB_BYTES:
            raise OutputError(f"The .glb would be larger than the 4 GiB it can be; split the clip: {path}")
        with path.open("wb") as file:
            file.write(struct.pack("<4sII", b"glTF", 2, total))
            file.write(struct.pack("<I4s", len(text), b"JSON") + text)
            file.write(struct.pack("<I4s", self._length, b"BIN\0"))
            self._buffer.seek(0)
            shutil.copyfileobj(self._buffer, file, 1 << 18)

    def _add_view(self, data: bytes, *, target: int | None = None) -> int:
        start = self._length
        self._length += self._buffer.write(data)
        return self._register_view(start, target=target)

    def _register_view(self, start: int, *, target: int | None) -> int:
        view = {"buffer": 0, "byteOffset": start, "byteLength": self._length - start}
        self._views.append(view if target is None else view | {"target": target})
        self._pad()
        return len(self._views) - 1

    def _add_accessor(self, item: dict[str, Any]) -> int:
        self._accessors.append(item)
        return len(self._accessors) - 1

    def _pad(self) -> None:
        self._length += self._buffer.write(b"\0" * (-self._length % 4))


def _bounds(data: Array) -> dict[str, list[float]]:
    """Minimum and maximum per component, as float32 (what a validator compares with)."""
    rows = data.astype(np.float32).reshape(len(data), -1)
    return {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
