"""Damage that knows the format: archives of arrays, networks, .glb heads, boxes of films, databases, pickles."""

import hashlib
import io
import json
import random
import sqlite3
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tools.fuzz.damage import HUGE, Edit, damaged
from tools.fuzz.texts import encoded, json_edited, json_nested

SHAPES = ((), (0,), (1,), (3,), (0, 3), (2, 2), (1, 1, 1, 1, 1), (7, 100), (1, 100_000))
DTYPES = ("<f2", "<f8", ">f4", "<i8", "|u1", "|b1", "<U4", "|S3", "<c8", "<M8[s]", "|V8", "<f4")
METHODS = (0, 8, 12, 14, 99)
_HEADER = b"{'descr': '%s', 'fortran_order': %s, 'shape': %s, }"


def array_edited(data: bytes, rng: random.Random) -> bytes:
    """An array of an .npz has another type or shape, or numbers that are none; or it is missing, or comes twice."""
    members = _members(data)
    name = rng.choice(list(members))
    match rng.randrange(10):
        case 0:
            del members[name]
        case 1:
            members[rng.choice((f"x/{name}", name.upper(), "a" * 300 + ".npy", "header.npy", "../x.npy"))] = members[
                name
            ]
        case 2:
            members[name] = damaged(members[name], rng, own=())
        case 3:
            members[name] = _false_header(members[name], rng)
        case 4:
            members[name] = members[rng.choice(list(members))]
        case 5:
            members[name] = (
                b"\x93NUMPY\x01\0v\0" + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
            )
        case _:
            members[name] = _saved(_edited(np.load(io.BytesIO(members[name]), allow_pickle=False), rng))
    return _zipped(members, rng)


def archive_edited(data: bytes, rng: random.Random) -> bytes:
    """The list of an archive says something else of a member: size, method, flags, place."""
    out = bytearray(data)
    places = [i for i in range(len(out) - 46) if data[i : i + 4] in (b"PK\1\2", b"PK\3\4", b"PK\5\6")]
    if not places:
        raise ValueError("no archive")
    place = rng.choice(places)
    field = rng.choice((6, 8, 10, 14, 18, 20, 22, 24, 26, 28, 30, 34, 42))
    out[place + field : place + field + 4] = struct.pack("<I", rng.choice(HUGE) & 0xFFFFFFFF)[
        : rng.choice((2, 4))
    ].ljust(4, b"\0")
    return bytes(out)


def bomb(data: bytes, rng: random.Random) -> bytes:
    """An array that unpacks to a hundred million bytes of nothing."""
    members = _members(data)
    name = rng.choice(list(members))
    rows = rng.choice((10**7, 2 * 10**7))
    members[name] = _saved(np.zeros(rng.choice(((rows,), (rows // 3, 3), (rows // 100, 100))), np.float32))
    return _zipped(members, rng, method=zipfile.ZIP_DEFLATED)


NPZ: tuple[Edit, ...] = (array_edited, array_edited, array_edited, array_edited, archive_edited, bomb)


def header_edited(data: bytes, rng: random.Random) -> bytes:
    """The JSON or text inside a byte array of a motion file."""
    members = _members(data)
    text = np.load(io.BytesIO(members["header.npy"]), allow_pickle=False).tobytes()
    new = rng.choice((json_edited, json_edited, json_nested))(text, rng)
    members["header.npy"] = _saved(np.frombuffer(new, np.uint8))
    return _zipped(members, rng, method=zipfile.ZIP_STORED)


MOTION: tuple[Edit, ...] = (header_edited, header_edited, *NPZ)


def _members(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except Exception as error:  # A damaged archive fails in many ways; here all mean that it is none any more.
        raise ValueError("no archive") from error


def _zipped(members: dict[str, bytes], rng: random.Random, *, method: int | None = None) -> bytes:
    buffer = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)) if method is None else method
    with zipfile.ZipFile(buffer, "w", method, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return buffer.getvalue()


def _saved(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _edited(array: Any, rng: random.Random) -> Any:
    match rng.randrange(6):
        case 0:
            return np.zeros(rng.choice(SHAPES), rng.choice(DTYPES))
        case 1:
            return np.zeros(array.shape if array.size < 10**6 else (3,), rng.choice(DTYPES))
        case 2:
            return array.reshape(-1)[: rng.randrange(array.size + 1)]
        case 3:
            return np.concatenate([array, array]) if array.ndim else np.stack([array] * 2)
        case 4:
            return np.moveaxis(array, 0, -1) if array.ndim else array
    out = array.copy().reshape(-1)
    if out.dtype.kind == "f" and out.size:
        chosen = [rng.randrange(out.size) for _ in range(rng.choice((1, out.size // 2 + 1)))]
        out[chosen[:100_000]] = rng.choice((np.nan, np.inf, -np.inf, 1e38, -1e30, 1e-40, 6e4))
    elif out.dtype.kind in "iu" and out.size:
        edges = np.iinfo(out.dtype)
        out[rng.randrange(out.size)] = rng.choice((edges.min, edges.max, 0, 1))
    elif out.dtype.kind == "U" and out.size:
        out[rng.randrange(out.size)] = rng.choice(("", "?", "joy", "\ud800"))
    return out.reshape(array.shape)


def _false_header(content: bytes, rng: random.Random) -> bytes:
    """A head of an array that says another shape than its content has."""
    shape = rng.choice(
        ("(10000000000,)", "(-1,)", "(1, 99999999999999999999)", "(3,", "(0, 0)", "(2,)*9", "(1.5,)", "None")
    )
    descr = rng.choice(("<f4", "|O", "<f99", "<U999999999", "", "f4" * 3000, "<i8"))
    text = _HEADER % (descr.encode(), rng.choice((b"False", b"True", b"7")), shape.encode())
    text = text.ljust((len(text) + 11 + 63) // 64 * 64 - 11) + b"\n"
    size = struct.unpack("<H", content[8:10])[0] if len(content) > 10 else 0
    version, length = rng.choice(((b"\1\0", "<H"), (b"\2\0", "<I"), (b"\3\0", "<I"), (b"\x09\0", "<H")))
    return b"\x93NUMPY" + version + struct.pack(length, len(text)) + text + content[10 + size :]


def tensors_edited(data: bytes, rng: random.Random) -> bytes:
    """The head of a network's file says something else; its checksum is right."""
    length = struct.unpack("<Q", data[:8])[0]
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    if rng.random() < 0.5 and isinstance(header.get("__metadata__"), dict):
        inside = header["__metadata__"]
        name = rng.choice([name for name in inside if name != "sha256"])
        text = inside[name]
        try:
            inside[name] = rng.choice((json_edited, json_nested))(text.encode(), rng).decode("utf-8", "replace")
        except ValueError:
            inside[name] = rng.choice(("", "{}", "9" * 5000, text[:-1], text * 3))
    elif rng.random() < 0.4:
        content = np.frombuffer(rest[: len(rest) // 2 * 2], "<f2").copy()
        content[rng.randrange(len(content))] = rng.choice((np.nan, np.inf, 6e4, -6e4, 1e-7))
        rest = content.tobytes()
    else:
        header = json.loads(json_edited(json.dumps(header).encode(), rng))
    if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["sha256"] = hashlib.sha256(rest).hexdigest()
    text = encoded(json.dumps(header))
    return struct.pack("<Q", len(text)) + text + rest


def tensors_measured_wrong(data: bytes, rng: random.Random) -> bytes:
    """The length of the head is another."""
    return struct.pack("<Q", rng.choice((*HUGE, len(data), len(data) - 8, len(data) - 7))) + data[8:]


TENSORS: tuple[Edit, ...] = (tensors_edited, tensors_edited, tensors_edited, tensors_measured_wrong)


def glb_edited(data: bytes, rng: random.Random) -> bytes:
    """The scene of a .glb says something else; the lengths are right."""
    length = struct.unpack("<I", data[12:16])[0]
    text = rng.choice((json_edited, json_edited, json_edited, json_nested))(data[20 : 20 + length], rng)
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    return data[:8] + struct.pack("<II", 20 + len(text) + len(rest), len(text)) + data[16:20] + text + rest


def glb_measured_wrong(data: bytes, rng: random.Random) -> bytes:
    """The file's or a chunk's length or kind is another."""
    length = struct.unpack("<I", data[12:16])[0]
    place = rng.choice((4, 8, 12, 16, 20 + length, 24 + length))
    return data[:place] + struct.pack("<I", rng.choice(HUGE) & 0xFFFFFFFF) + data[place + 4 :]


GLB: tuple[Edit, ...] = (glb_edited, glb_edited, glb_edited, glb_measured_wrong)


def box_edited(data: bytes, rng: random.Random) -> bytes:
    """A box of a film has another length or name, comes twice, or is missing."""
    boxes = [box for box in _boxes(data, 0, len(data)) if box[1] - box[0] >= 8]
    first, stop = rng.choice(boxes)
    match rng.randrange(5):
        case 0:
            return data[:first] + struct.pack(">I", rng.choice(HUGE) & 0xFFFFFFFF) + data[first + 4 :]
        case 1:
            return (
                data[: first + 4]
                + rng.choice((b"moov", b"mdat", b"uuid", b"free", b"\0\0\0\0", b"trak"))
                + data[first + 8 :]
            )
        case 2:
            return data[:first] + data[stop:]
        case 3:
            return data[:stop] + data[first:stop] * rng.choice((1, 40)) + data[stop:]
    inside = damaged(data[first + 8 : stop], rng, own=())
    return data[: first + 8] + inside[: stop - first - 8].ljust(stop - first - 8, b"\0") + data[stop:]


def _boxes(data: bytes, first: int, end: int, *, depth: int = 0) -> list[tuple[int, int]]:
    found = []
    while first + 8 <= end:
        size, name = struct.unpack(">I4s", data[first : first + 8])
        stop = first + (size if 8 <= size <= end - first else end - first)
        found.append((first, stop))
        if depth < 6 and name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta", b"ilst", b"jumb"):
            found += _boxes(data, first + 8, stop, depth=depth + 1)
        first = stop
    return found


BOXES: tuple[Edit, ...] = (box_edited, box_edited)


def cells_edited(data: bytes, rng: random.Random) -> bytes:
    """A cell of a database holds something else, or a table is gone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edited.sqlite"
        path.write_bytes(data)
        try:
            base = sqlite3.connect(path, isolation_level=None)
            try:
                tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                table = rng.choice(tables)
                columns = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
                if rng.random() < 0.15:
                    column = rng.choice(columns)
                    base.execute(rng.choice((f"DROP TABLE {table}", f"ALTER TABLE {table} RENAME {column} TO other")))
                else:
                    value = rng.choice(
                        (b"\xff\0", -1, 1e300, "", "{", "[]", "null", "7", '"a"', '{"drawn": "x"}', "[1]")
                    )
                    base.execute(f"UPDATE {table} SET {rng.choice(columns)} = ?", (value,))
            finally:
                base.close()
        except sqlite3.Error as error:
            raise ValueError("no database") from error
        return path.read_bytes()


SQLITE: tuple[Edit, ...] = (cells_edited, cells_edited, cells_edited)


def opcodes_edited(data: bytes, rng: random.Random) -> bytes:
    """A pickle gets an opcode more, or others."""
    pieces = (
        b"cos\nsystem\n(S'true'\ntR", b"\x80\x04", b"]", b"}", b"N", b"I99999999999999999999\n", b"\x88", b"0",
        b"2" * 5000, b"(" * 5000, b"X\xff\xff\xff\x7f", b"\x8e" + b"\xff" * 8, b"h\x00", b"r\xff\xff\xff\xff",
        b"R", b"b", b"a", b"u", b"s", b"t", b"\x85", b"\x81", b"cnumpy\nndarray\n", b"L" + b"9" * 9000 + b"L\n",
        b"\x8b\xff\xff\xff\x7f", b"G" + b"\x7f\xf0" + b"\0" * 6,
    )  # fmt: skip
    place = rng.randrange(min(len(data), rng.choice((200, len(data)))))
    piece = rng.choice(pieces)
    return data[:place] + piece + data[place + rng.choice((0, 0, 1, len(piece))) :]


PICKLE: tuple[Edit, ...] = (opcodes_edited, opcodes_edited)
