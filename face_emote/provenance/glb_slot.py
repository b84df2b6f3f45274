"""The place of a C2PA manifest inside a .glb, for which C2PA defines none: base64 in `asset.extras.c2pa`.

The manifest covers the file as it is without that entry; taking the entry out gives those very bytes again.
"""

import base64
import binascii
import shutil
import struct
import tempfile
from pathlib import Path
from typing import BinaryIO

from face_emote.core.errors import ProvenanceError

KEY = b'"c2pa":"'
ASSET_EXTRAS = b'"extras":{'
JSON_CHUNK = 0x4E4F534A
MAX_JSON_BYTES = 1 << 28


def put_in(plain: Path, manifest: bytes, path: Path) -> None:
    """Write `plain` with the manifest to `path`.

    Raises:
        ProvenanceError: the .glb has no `asset.extras` to hold it.
    """
    with plain.open("rb") as source, path.open("wb") as target:
        text = _json_of(source, plain)
        place = text.find(ASSET_EXTRAS)
        if place < 0 or KEY in text:
            raise ProvenanceError(f"This .glb has no free place for a mark; export it again: {plain}")
        place += len(ASSET_EXTRAS)
        entry = KEY + base64.b64encode(manifest) + b'",'
        _write(source, text[:place] + entry + text[place:], target)


def taken_out(path: Path) -> tuple[bytes, BinaryIO] | None:
    """The manifest, and the file as it was without it (to be closed by the caller); None when there is none.

    Raises:
        ProvenanceError: this is no .glb, or the entry is damaged.
    """
    with path.open("rb") as source:
        text = _json_of(source, path)
        start = text.find(KEY)
        if start < 0:
            return None
        stop = text.find(b'",', start + len(KEY))
        try:
            manifest = base64.b64decode(text[start + len(KEY) : max(stop, start)], validate=True)
        except binascii.Error:
            raise ProvenanceError(f"The mark in this file is damaged: {path}") from None
        plain = tempfile.TemporaryFile()
        _write(source, text[:start] + text[stop + 2 :], plain)
    plain.seek(0)
    return manifest, plain


def _json_of(source: BinaryIO, path: Path) -> bytes:
    """The JSON text without its padding; the file stands behind it then."""
    head = source.read(20)
    if len(head) < 20 or head[:4] != b"glTF" or struct.unpack("<I", head[16:20])[0] != JSON_CHUNK:
        raise ProvenanceError(f"This is not a .glb file: {path}")
    length = struct.unpack("<I", head[12:16])[0]
    text = source.read(length) if length <= MAX_JSON_BYTES else b""
    if len(text) < length or not text:
        raise ProvenanceError(f"This .glb is cut off: {path}")
    return text.rstrip(b" ")


def _write(rest: BinaryIO, text: bytes, target: BinaryIO) -> None:
    """A .glb of this JSON and whatever chunks follow in `rest`."""
    text += b" " * (-len(text) % 4)
    target.write(b"glTF" + struct.pack("<IIII", 2, 0, len(text), JSON_CHUNK) + text)
    shutil.copyfileobj(rest, target, 1 << 20)
    total = target.tell()
    target.seek(8)
    target.write(struct.pack("<I", total))
    target.seek(total)
