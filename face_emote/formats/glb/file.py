"""A `.glb` file in the making, or a `.gltf` with what lies beside it: arrays go to disk as they come.

The JSON that describes them is kept until the end. Written from the glTF 2.0 specification, sections 3.6 (buffers,
accessors, sparse storage) and 4 (GLB), and the extensions KHR_mesh_quantization and EXT_meshopt_compression.
Little-endian, every buffer view starts on a multiple of four.
"""

import json
import shutil
import struct
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import DependencyError, OutputError
from face_emote.core.output import COMPANIONS

COMPONENTS = {"|i1": 5120, "|u1": 5121, "<i2": 5122, "<u2": 5123, "<u4": 5125, "<f4": 5126}
KINDS = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
VERTEX_BUFFER, INDEX_BUFFER = 34962, 34963
MAX_GLB_BYTES = 2**32 - 1  # A .glb counts its bytes in 32 bits.
QUANTIZATION, MESHOPT = "KHR_mesh_quantization", "EXT_meshopt_compression"
SMALLEST_COMPRESSED = 1024  # Bytes; shorter views are stored as they are.
MANTISSA_BITS = 15  # Of compressed floats: they keep 3e-5 of their value.
LARGEST_STRIDE = 256


@dataclass(slots=True)
class _View:
    """A part of the buffer, and what meshoptimizer has to know to compress it."""

    start: int
    length: int
    target: int | None = None
    mode: str = ""  # ATTRIBUTES, TRIANGLES or INDICES; empty: never compressed (pictures).
    stride: int = 0
    floats: bool = False


class GltfFile:
    """Collects arrays and pictures; every `add_` returns the index by which the scene refers to the thing added."""

    def __init__(
        self, buffer: BufferedIOBase, *, path: Path | None = None, compress: bool = False, shapes: str = "quantised"
    ) -> None:  # fmt: skip
        """Of the file: with the path of a `.gltf` arrays and pictures will lie beside it.

        `compress` is for programs that know EXT_meshopt_compression, shapes that are `quantised` for those that know
        KHR_mesh_quantization, `sparse` ones for the others, and `dense` ones for those that read no sparse arrays.
        Raises DependencyError when compression is wanted and meshopt is not installed.
        """
        if compress:
            _meshopt()
        self._buffer, self._compress, self._shapes = buffer, compress, shapes
        self._beside = path if path is not None and path.suffix.lower() == ".gltf" else None
        self._length = 0
        self._views: list[_View] = []
        self._accessors: list[dict[str, Any]] = []
        self._pools: dict[str, tuple[int, BytesIO]] = {}
        self.extensions: set[str] = set()
        """That a program has to know."""
        self.extensions_used: set[str] = set()
        """That it need not know."""

    def add_array(
        self, array: Array, *, target: int | None = None, bounds: bool = False, shares: bool = False
    ) -> int:  # fmt: skip
        """Add [count] or [count, width] of a kind in COMPONENTS; `bounds` states minimum and maximum.

        Signed integers mean -1..1, with `shares` unsigned ones 0..1.
        """
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        kind = data.dtype.str
        view = self._add_view(data.tobytes(), target=target)
        if target == INDEX_BUFFER:
            view.mode, view.stride = "TRIANGLES", data.itemsize
        else:
            view.mode, view.stride, view.floats = "ATTRIBUTES", data.nbytes // max(len(data), 1), kind == "<f4"
        item: dict[str, Any] = {
            "bufferView": len(self._views) - 1,
            "componentType": COMPONENTS[kind],
            "count": len(data),
            "type": KINDS[data.shape[1:]],
        }
        if data.dtype.kind == "i" or shares:
            item["normalized"] = True
        return self._add_accessor(item | (_bounds(data) if bounds else {}))

    def add_stream(self, rows: BufferedIOBase, *, count: int, kind: str, dtype: str = "<f4") -> int:
        """Add `count` items that lie in a file, from its start; signed integers mean -1..1."""
        rows.seek(0)
        start = self._length
        shutil.copyfileobj(rows, self._buffer, 1 << 18)
        self._length = self._buffer.tell()
        stride = (self._length - start) // max(count, 1)
        self._views.append(_View(start, self._length - start, None, "ATTRIBUTES", stride, dtype == "<f4"))
        self._pad()
        item: dict[str, Any] = {"bufferView": len(self._views) - 1, "componentType": COMPONENTS[dtype], "count": count}
        return self._add_accessor(item | {"type": kind} | ({} if dtype == "<f4" else {"normalized": True}))

    def add_sparse(
        self, count: int, index: Int[Array, " nonzero"], *, values: Float[Array, "nonzero width"], bounds: bool = False
    ) -> int:
        """Add [count, 3 or 4] float32 that is zero but for `values` at `index` (rising)."""
        if self._shapes == "dense":
            whole = np.zeros((count, values.shape[1]), np.float32)
            whole[index] = values
            return self.add_array(whole, target=VERTEX_BUFFER, bounds=bounds)
        item = self._sparse(count, index, values.astype("<f4"))
        if bounds:
            item |= _bounds(values if len(index) == count else np.concatenate([values, np.zeros((1, 3))]))
        return self._add_accessor(item)

    def add_sparse_directions(
        self, count: int, index: Int[Array, " nonzero"], *, values: Float[Array, "nonzero 3"]
    ) -> int:  # fmt: skip
        """As `add_sparse`, in bytes where the values lie within -1..1: half a step is 0.2 degrees."""
        if self._shapes != "quantised" or np.abs(values).max(initial=0.0) > 1.0:
            return self.add_sparse(count, index, values=values)
        self.extensions.add(QUANTIZATION)
        item = self._sparse(count, index, np.round(127.0 * values).astype("<i1"))
        return self._add_accessor(item | {"normalized": True})

    def add_picture(self, name: str, data: bytes, *, kind: str) -> dict[str, Any]:
        """Add a picture, jpeg, png or webp, and return the image that says where it lies."""
        if self._beside is None:
            self._add_view(data)
            return {"name": name, "bufferView": len(self._views) - 1, "mimeType": f"image/{kind}"}
        file = self._companion(f"_{name}.{'jpg' if kind == 'jpeg' else kind}")
        file.write_bytes(data)
        return {"name": name, "uri": quote(file.name)}

    def _companion(self, ending: str) -> Path:
        assert self._beside is not None
        folder = self._beside.parent / COMPANIONS
        folder.mkdir(exist_ok=True)
        return folder / f"{self._beside.stem}{ending}"

    def save(self, path: Path, *, scene: dict[str, Any]) -> None:
        """Write the file; `scene` holds all of the JSON but buffers, views, accessors and extensions."""
        for index, pool in self._pools.values():
            data = pool.getvalue()
            self._views[index].start, self._views[index].length = self._length, len(data)
            self._length += self._buffer.write(data)
            self._pad()
        buffers = [{"byteLength": self._length}]
        views, buffer = [_described(view) for view in self._views], self._buffer
        with (path.parent / "packed.bin").open("w+b") as packed:
            if self._compress:
                views, buffers, buffer = self._packed(packed)
            content = scene | {"accessors": self._accessors, "bufferViews": views, "buffers": buffers}
            if self.extensions:
                content["extensionsRequired"] = sorted(self.extensions)
            if self.extensions | self.extensions_used:
                content["extensionsUsed"] = sorted(self.extensions | self.extensions_used)
            if self._beside is None:
                _write_glb(path, content, buffer)
            else:
                _write_gltf(path, content, buffer, arrays=self._companion(".bin"))
        (path.parent / "packed.bin").unlink()

    def _packed(self, packed: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Any]:
        """Compress every view that can be, one at a time, into another buffer."""
        self.extensions.add(MESHOPT)
        views, place = [], 0
        for view in self._views:
            self._buffer.seek(view.start)
            data = self._buffer.read(view.length)
            facts = _encoded(data, view) if len(data) >= SMALLEST_COMPRESSED and view.mode else None
            item = _described(view)
            if facts is None:
                length = packed.write(data)
                item["byteOffset"] = place
            else:
                length = packed.write(facts.pop("data"))
                item |= {"buffer": 1, "byteLength": facts["count"] * facts["byteStride"]}
                item["extensions"] = {MESHOPT: {"buffer": 0, "byteOffset": place, "byteLength": length, **facts}}
            views.append(item)
            place += length + packed.write(b"\0" * (-length % 4))
        whole = max(item["byteOffset"] + item["byteLength"] for item in views)
        fallback = {"byteLength": whole, "extensions": {MESHOPT: {"fallback": True}}}
        return views, [{"byteLength": place}, fallback], packed

    def _sparse(self, count: int, index: Int[Array, " nonzero"], values: Array) -> dict[str, Any]:
        """With nothing there one explicit zero: some programs refuse accessors without any data."""
        if not len(index):
            index, values = np.zeros(1, np.int64), np.zeros((1, values.shape[1]), values.dtype)
        small = np.dtype("<u2" if count <= 0xFFFF else "<u4")
        return {
            "componentType": COMPONENTS[values.dtype.str],
            "count": count,
            "type": KINDS[values.shape[1:]],
            "sparse": {
                "count": len(index),
                "indices": self._pooled(index.astype(small), mode="INDICES") | {"componentType": COMPONENTS[small.str]},
                "values": self._pooled(values, mode="ATTRIBUTES"),
            },
        }

    def _pooled(self, data: Array, *, mode: str) -> dict[str, int]:
        """Add a view of its own, which Godot wants; to compress, to the one that all share for this kind of number."""
        if not self._compress:
            self._add_view(data.tobytes())
            return {"bufferView": len(self._views) - 1}
        kind = data.dtype.str
        if kind not in self._pools:
            # Of bytes in threes, four rows are the shortest that meshoptimizer takes.
            stride = data.itemsize if mode == "INDICES" else 12
            self._views.append(_View(0, 0, None, mode, stride, kind == "<f4"))
            self._pools[kind] = (len(self._views) - 1, BytesIO())
        index, pool = self._pools[kind]
        start = pool.tell()
        pool.write(data.tobytes())
        return {"bufferView": index} | ({"byteOffset": start} if start else {})

    def _add_view(self, data: bytes, *, target: int | None = None) -> _View:
        start = self._length
        self._length += self._buffer.write(data)
        self._views.append(_View(start, len(data), target))
        self._pad()
        return self._views[-1]

    def _add_accessor(self, item: dict[str, Any]) -> int:
        self._accessors.append(item)
        return len(self._accessors) - 1

    def _pad(self) -> None:
        self._length += self._buffer.write(b"\0" * (-self._length % 4))


def _bounds(data: Array) -> dict[str, list[float]]:
    """Minimum and maximum per component, as float32 (what a validator compares with)."""
    rows = data.astype(np.float32).reshape(len(data), -1)
    ends = {"min": rows.min(axis=0), "max": rows.max(axis=0)}
    return {name: [float(str(value)) for value in values] for name, values in ends.items()}  # The fewest digits.


def _described(view: _View) -> dict[str, Any]:
    item = {"buffer": 0, "byteOffset": view.start, "byteLength": view.length}
    return item if view.target is None else item | {"target": view.target}


def _write_gltf(path: Path, content: dict[str, Any], buffer: Any, *, arrays: Path) -> None:
    content["buffers"][0]["uri"] = quote(arrays.name)
    path.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8", newline="\n")
    with arrays.open("wb") as file:
        buffer.seek(0)
        shutil.copyfileobj(buffer, file, 1 << 18)


def _write_glb(path: Path, content: dict[str, Any], buffer: Any) -> None:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    length = content["buffers"][0]["byteLength"]
    total = 12 + 8 + len(text) + 8 + length
    if total > MAX_GLB_BYTES:
        raise OutputError(f"The .glb would be larger than the 4 GiB it can be; split the clip: {path}")
    with path.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, total))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", length, b"BIN\0"))
        buffer.seek(0)
        shutil.copyfileobj(buffer, file, 1 << 18)


def _meshopt() -> Any:
    try:
        import meshopt
    except ImportError:
        raise DependencyError("Compressed .glb needs meshopt: pip install 'face-emote[compress]'") from None
    return meshopt


def _encoded(data: bytes, view: _View) -> dict[str, Any] | None:
    """What EXT_meshopt_compression says of a view, and its bytes as `data`; None where the codec has no use."""
    meshopt = _meshopt()
    if view.mode != "ATTRIBUTES":
        count = len(data) // view.stride
        numbers = np.frombuffer(data, f"<u{view.stride}")
        packed = meshopt.encode_gltf_buffer(numbers, view.mode)
        return {"data": packed, "byteStride": view.stride, "count": count, "mode": view.mode}
    stride = view.stride
    if stride % 4 or not 0 < stride <= LARGEST_STRIDE:
        return None
    padded = data + b"\0" * (-len(data) % stride)
    rows = np.frombuffer(padded, np.uint8).reshape(-1, stride)
    facts: dict[str, Any] = {"byteStride": stride, "count": len(rows), "mode": view.mode}
    if view.floats:
        rows = meshopt.encode_filter_exp(rows.view("<f4"), MANTISSA_BITS, "Separate")
        facts["filter"] = "EXPONENTIAL"
    return facts | {"data": meshopt.encode_gltf_buffer(rows, view.mode)}
