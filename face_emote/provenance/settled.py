"""Signed manifests without chance: same content and key, same bytes.

c2pa's library salts every assertion with random bytes (they hide what an assertion said once it is redacted; here
nothing is ever redacted). Afterwards, salts are replaced by hashes of the content, the claim's digests of the
assertions follow, and the claim is signed again. Lengths stay, so the manifest is changed where it lies.

JUMBF boxes: ISO 19566-5; claim and hashed URIs: C2PA 2.x sections 8 and 11; COSE_Sign1: RFC 9052, 4.2 and 4.4.
"""

import hashlib
from collections.abc import Callable, Iterator

SALT = b"\0\0\0\x18c2sh"
SALT_BYTES = 16
ED25519_BYTES = 64
_SIGNATURE_HEAD = b"\x58\x40"
"""CBOR: a string of 64 bytes."""


def settled(manifest: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """The manifest store with chance taken out.

    Args:
        manifest: A JUMBF store of one manifest, signed with Ed25519.
        sign: Signs bytes with the same key.

    Raises:
        ValueError: the store is not laid out as expected.
    """
    data = bytearray(manifest)
    claim = _content_of(data, "c2pa.claim.v2")
    for start, stop in _children(data, "c2pa.assertions"):
        before = hashlib.sha256(data[start + 8 : stop]).digest()
        salt = data.find(SALT, start, stop)
        if salt >= 0:
            at = salt + len(SALT)
            data[at : at + SALT_BYTES] = bytes(SALT_BYTES)
            data[at : at + SALT_BYTES] = hashlib.sha256(data[start:stop]).digest()[:SALT_BYTES]
        place = data.find(before, *claim)
        if place < 0:
            raise ValueError("the claim does not name an assertion by its hash")
        data[place : place + 32] = hashlib.sha256(data[start + 8 : stop]).digest()
    start, stop = _content_of(data, "c2pa.signature")
    place = stop - ED25519_BYTES
    if data[place - 2 : place] != _SIGNATURE_HEAD or data[start : start + 2] != b"\xd2\x84":
        raise ValueError("the signature is not a COSE_Sign1 of Ed25519")
    protected = _byte_string(data, start + 2)
    body = bytes(data[claim[0] : claim[1]])
    signed = b"\x84\x6aSignature1" + _encoded(protected) + b"\x40" + _encoded(body)
    data[place:stop] = sign(signed)
    return bytes(data)


def _boxes(data: bytes | bytearray, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first and end byte of each box in a row."""
    while start + 8 <= stop:
        length = int.from_bytes(data[start : start + 4], "big")
        if length < 8 or start + length > stop:
            raise ValueError("a box is cut off")
        yield bytes(data[start + 4 : start + 8]), start, start + length
        start += length


def _superboxes(data: bytes | bytearray, start: int, stop: int) -> Iterator[tuple[str, int, int]]:
    """Label and place of every superbox, outer ones first."""
    for kind, first, end in _boxes(data, start, stop):
        if kind == b"jumb":
            label = first + 8 + 8 + 16 + 1  # header, header of the description, its type and toggles
            yield bytes(data[label : data.index(0, label)]).decode("utf-8", "replace"), first, end
            yield from _superboxes(data, first + 8, end)


def _place_of(data: bytes | bytearray, label: str) -> tuple[int, int]:
    found = [(start, stop) for name, start, stop in _superboxes(data, 0, len(data)) if name == label]
    if len(found) != 1:
        raise ValueError(f"the store holds {len(found)} boxes {label}")
    return found[0]


def _children(data: bytes | bytearray, label: str) -> list[tuple[int, int]]:
    start, stop = _place_of(data, label)
    return [(first, end) for kind, first, end in _boxes(data, start + 8, stop) if kind == b"jumb"]


def _content_of(data: bytes | bytearray, label: str) -> tuple[int, int]:
    """First and end byte of what lies in the CBOR box of a superbox."""
    start, stop = _place_of(data, label)
    (place,) = [(first + 8, end) for kind, first, end in _boxes(data, start + 8, stop) if kind == b"cbor"]
    return place


def _byte_string(data: bytes | bytearray, start: int) -> bytes:
    """The CBOR byte string at a place."""
    head = data[start]
    if head >> 5 != 2 or head & 31 > 26:
        raise ValueError("no byte string where one must be")
    more = {24: 1, 25: 2, 26: 4}.get(head & 31, 0)
    length = int.from_bytes(data[start + 1 : start + 1 + more], "big") if more else head & 31
    return bytes(data[start + 1 + more : start + 1 + more + length])


def _encoded(content: bytes) -> bytes:
    """A CBOR byte string, its length in as few bytes as can be."""
    length = len(content)
    if length < 24:
        return bytes([0x40 + length]) + content
    width, head = (1, 0x58) if length < 2**8 else (2, 0x59) if length < 2**16 else (4, 0x5A)
    return bytes([head]) + length.to_bytes(width, "big") + content
