"""Where the manifest store of a file lies: a `uuid` box of its own in a video, base64 in `asset.extras.c2pa` of a .glb.

C2PA defines no place in a .glb. There the manifest covers the file as it is without that entry; taking the entry out
gives those very bytes again.
"""

import base64
import binascii
import hashlib
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from face_emote.core.errors import ProvenanceError

KEY, END = b'"c2pa":"', b'",'
ASSET_EXTRAS = b'"extras":{'
GLB_HEAD_BYTES = 20
JSON_CHUNK = 0x4E4F534A
MAX_JSON_BYTES = 1 << 28
C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""Type of the `uuid` box that holds a manifest store (C2PA 2.x, A.5)."""
_PURPOSE = b"\0\0\0\0manifest\0" + bytes(8)
"""What stands before the store in that box: version and flags, purpose, no Merkle tree."""
MAX_STORE_BYTES = 1 << 26
_PIECE_BYTES = 1 << 20


class DamagedMarkError(ValueError):
    """A mark is there, but not as anybody writes one; the message says what is wrong."""


class OtherKindError(ValueError):
    """The file is not what its ending says, or is cut off before a mark could come."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The store, and the bytes of the file that stand for it."""

    start: int
    stop: int
    store: bytes  # Decoded where the file holds base64.


def find_slot(path: Path) -> Slot | None:
    """The place of a file's mark; None: it has none, or is no file of its kind.

    DamagedMarkError: there are several, or it is cut off or not as it is written. OtherKindError: this is no .glb.
    OSError: the file cannot be read.
    """
    return _glb_slot(path) if path.suffix.lower() == ".glb" else _video_slot(path)


def file_seal(path: Path, slot: Slot, store: bytes) -> str:
    """SHA-256 (64 letters) over the place of the store, the file before it, `store` (blanked), the file behind it."""
    total = hashlib.sha256(f"{slot.start} {slot.stop}\n".encode())
    with path.open("rb") as file:
        for piece in _pieces(file, slot.start):
            total.update(piece)
        total.update(store)
        file.seek(slot.stop)
        while piece := file.read(_PIECE_BYTES):
            total.update(piece)
    return total.hexdigest()


def overwrite(path: Path, slot: Slot, store: bytes) -> None:
    """Put a store of the same length into the place of the one there."""
    content = base64.b64encode(store) if path.suffix.lower() == ".glb" else store
    if len(content) != slot.stop - slot.start:
        raise ValueError("the new manifest store has another length")
    with path.open("r+b") as file:
        file.seek(slot.start)
        file.write(content)


def insert(plain: Path, store: bytes, path: Path) -> None:
    """Write the .glb `plain` with a store to `path`. ProvenanceError: the .glb has no `asset.extras` to hold it."""
    with plain.open("rb") as source, path.open("wb") as target:
        text = _json_of(source)
        place = text.find(ASSET_EXTRAS)
        if place < 0 or KEY in text:
            raise ProvenanceError(f"This .glb has no free place for a mark; export it again: {plain}")
        place += len(ASSET_EXTRAS)
        entry = KEY + base64.b64encode(store) + END
        _write_glb(source, text[:place] + entry + text[place:], target)


def without_entry(path: Path, slot: Slot) -> BinaryIO:
    """A .glb as it was before its store was put in, to be closed by the caller."""
    plain = tempfile.TemporaryFile()
    with path.open("rb") as source:
        text = _json_of(source)
        start, stop = slot.start - GLB_HEAD_BYTES - len(KEY), slot.stop - GLB_HEAD_BYTES + len(END)
        _write_glb(source, text[:start] + text[stop:], plain)
    plain.seek(0)
    return plain


def _glb_slot(path: Path) -> Slot | None:
    with path.open("rb") as source:
        text = _json_of(source)
    start = text.find(KEY) + len(KEY)
    if start < len(KEY):
        return None
    stop = text.find(END, start)
    try:
        store = base64.b64decode(text[start : max(stop, start)], validate=True)
    except binascii.Error:
        raise DamagedMarkError("the entry c2pa is not base64") from None
    if base64.b64encode(store) != text[start:stop]:
        raise DamagedMarkError("the entry c2pa is base64 that nobody writes")
    return Slot(start + GLB_HEAD_BYTES, stop + GLB_HEAD_BYTES, store)


def _json_of(source: BinaryIO) -> bytes:
    """The JSON text of a .glb without its padding; the file stands behind it then."""
    head = source.read(GLB_HEAD_BYTES)
    if len(head) < GLB_HEAD_BYTES or head[:4] != b"glTF" or struct.unpack("<I", head[16:20])[0] != JSON_CHUNK:
        raise OtherKindError("this is not a .glb file")
    length = struct.unpack("<I", head[12:16])[0]
    text = source.read(length) if length <= MAX_JSON_BYTES else b""
    if len(text) < length or not text:
        raise OtherKindError("this .glb is cut off")
    return text.rstrip(b" ")


def _write_glb(rest: BinaryIO, text: bytes, target: BinaryIO) -> None:
    """A .glb of this JSON and whatever chunks follow in `rest`."""
    text += b" " * (-len(text) % 4)
    target.write(b"glTF" + struct.pack("<IIII", 2, 0, len(text), JSON_CHUNK) + text)
    shutil.copyfileobj(rest, target, _PIECE_BYTES)
    total = target.tell()
    target.seek(8)
    target.write(struct.pack("<I", total))
    target.seek(total)


def _video_slot(path: Path) -> Slot | None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        found = list(_c2pa_boxes(file, size))
        if not found:
            return None
        start, stop = found[0]
        if len(found) > 1:
            raise DamagedMarkError(f"the file holds {len(found)} marks")
        if stop > size:
            raise DamagedMarkError("the mark is cut off")
        if stop - start > MAX_STORE_BYTES:
            raise DamagedMarkError("the mark is far larger than any mark is")
        file.seek(start)
        store = file.read(stop - start)
    if not store.startswith(_PURPOSE):
        raise DamagedMarkError("the box of the mark does not say that it holds one")
    return Slot(start + len(_PURPOSE), stop, store[len(_PURPOSE) :])


def _c2pa_boxes(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Content of each C2PA box among the outermost boxes (ISO 14496-12, 4.2), up to the first thing that is no box."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        head = file.read(32)
        length, content = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, content = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:
            length = size - start
        if length < content:
            return
        if head[4:8] == b"uuid" and head[content : content + 16] == C2PA_BOX:
            yield start + content + 16, start + length
        start += length


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0 and (piece := file.read(min(length, _PIECE_BYTES))):
        yield piece
        length -= len(piece)
