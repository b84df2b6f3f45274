"""A manifest store in bytes: where its parts lie, and how it is written anew without chance and with its seal.

c2pa's library salts every assertion with random bytes (they hide what an assertion said once it is redacted; here
nothing is ever redacted). Afterwards, salts are replaced by hashes of the content, the seal is filled in, the claim's
digests of the assertions follow, and the claim is signed again. Lengths stay, so the store is changed where it lies.

JUMBF boxes: ISO 19566-5; claim and hashed URIs: C2PA 2.x sections 8 and 11; COSE_Sign1: RFC 9052, 4.2 and 4.4.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from face_emote.provenance.credential import SEAL

SALT = b"\0\0\0\x18c2sh"
SALT_BYTES = 16
SEAL_HEAD = b"\xa1\x66sha256\x78\x40"  # CBOR: a map of one key, whose value is a text of 64 letters.
SEAL_LETTERS = 64
PARTS = ["c2pa.assertions", "c2pa.claim.v2", "c2pa.signature"]
MAX_DEPTH = 16  # Of items in items of a signature; honest ones hold four.

Place = tuple[int, int]  # First byte, and the one behind the last.


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a store of one manifest lie."""

    assertions: tuple[Place, ...]  # Their boxes, headers included.
    claim: Place
    protected: Place  # The protected header of the signature, a CBOR byte string.
    signature: Place  # The signature's own bytes.
    seal: Place | None  # The letters of the seal's hash; None in stores without a seal.


def layout_of(store: bytes) -> Layout:
    """Find the parts.

    ValueError: the store is not laid out as expected: it holds more manifests, other kinds of boxes, or is damaged.
    """
    parts = _parts(store)
    claim, cose = _content(store, parts["c2pa.claim.v2"]), _content(store, parts["c2pa.signature"])
    if store[cose[0] : cose[0] + 2] != b"\xd2\x84":
        raise ValueError("the signature is no COSE_Sign1")
    at = cose[0] + 2
    items = []
    for _ in range(4):  # protected header, unprotected header, payload, signature
        items.append((at, _item_end(store, at, MAX_DEPTH)))
        at = items[-1][1]
    if at != cose[1]:
        raise ValueError("the signature's box holds more than the signature")
    first, end = items[3]
    assertions = _superboxes(store, parts["c2pa.assertions"])
    return Layout(
        assertions=tuple(place for _, place in assertions),
        claim=claim,
        protected=items[0],
        signature=(first + _head_bytes(store, first), end),
        seal=next((_seal_in(store, place) for label, place in assertions if label == SEAL), None),
    )


def signed_part(store: bytes, layout: Layout) -> bytes:
    """What the signature signs: the Sig_structure of RFC 9052, 4.4."""
    body = store[slice(*layout.claim)]
    return b"\x84\x6aSignature1" + store[slice(*layout.protected)] + b"\x40" + _byte_string_head(len(body)) + body


def blanked(store: bytes, layout: Layout) -> bytes:
    """The store with zeros for what depends on the seal: its hash, the claim that names it, the claim's signature."""
    data = bytearray(store)
    for place in (layout.seal, layout.claim, layout.signature):
        if place is not None:
            data[slice(*place)] = bytes(place[1] - place[0])
    return bytes(data)


def settled(store: bytes, *, seal: Callable[[bytes], str], sign: Callable[[bytes], bytes]) -> bytes:
    """The store that c2pa made with an empty seal, without chance, sealed and signed.

    `seal` makes the 64 letters of the seal from the blanked store, `sign` signs with the key that c2pa signed with.
    ValueError: the store is not laid out as expected.
    """
    data, layout = bytearray(store), layout_of(store)
    if layout.seal is None:
        raise ValueError("the store has no place for a seal")
    before = [hashlib.sha256(data[start + 8 : stop]).digest() for start, stop in layout.assertions]
    for start, stop in layout.assertions:
        salt = data.find(SALT, start, stop)
        if salt >= 0:
            at = salt + len(SALT)
            data[at : at + SALT_BYTES] = bytes(SALT_BYTES)
            data[at : at + SALT_BYTES] = hashlib.sha256(data[start:stop]).digest()[:SALT_BYTES]
    data[slice(*layout.seal)] = seal(blanked(bytes(data), layout)).encode("ascii")
    for (start, stop), old in zip(layout.assertions, before, strict=True):
        place = data.find(old, *layout.claim)
        if place < 0:
            raise ValueError("the claim does not name an assertion by its hash")
        data[place : place + len(old)] = hashlib.sha256(data[start + 8 : stop]).digest()
    signature = sign(signed_part(bytes(data), layout))
    if len(signature) != layout.signature[1] - layout.signature[0] or len(data) != len(store):
        raise ValueError("the new signature has another length than c2pa's")
    data[slice(*layout.signature)] = signature
    return bytes(data)


def _boxes(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first and end byte of each box in a row."""
    while start + 8 <= stop:
        length = int.from_bytes(data[start : start + 4], "big")
        if length < 8 or start + length > stop:
            raise ValueError("a box is cut off")
        yield data[start + 4 : start + 8], start, start + length
        start += length


def _superboxes(data: bytes, around: Place) -> list[tuple[str, Place]]:
    """Label and place of each superbox right inside another."""
    found = []
    for kind, first, end in _boxes(data, around[0] + 8, around[1]):
        if kind == b"jumb":
            label = first + 8 + 8 + 16 + 1  # header, header of the description, its type and toggles
            found.append((data[label : data.index(0, label, end)].decode("utf-8", "replace"), (first, end)))
    return found


def _parts(store: bytes) -> dict[str, Place]:
    """What a store of one manifest, and of nothing else, is made of."""
    outer = list(_boxes(store, 0, len(store)))
    if [(kind, end) for kind, _, end in outer] != [(b"jumb", len(store))]:
        raise ValueError("the store is not one box")
    manifests = _superboxes(store, (0, len(store)))
    if len(manifests) != 1:
        raise ValueError(f"the store holds {len(manifests)} manifests")
    parts = _superboxes(store, manifests[0][1])
    if [label for label, _ in parts] != PARTS:
        raise ValueError("the manifest holds other parts than expected")
    return dict(parts)


def _content(data: bytes, around: Place) -> Place:
    """What lies in the one CBOR box of a superbox."""
    (place,) = [(first + 8, end) for kind, first, end in _boxes(data, around[0] + 8, around[1]) if kind == b"cbor"]
    return place


def _seal_in(data: bytes, assertion: Place) -> Place:
    start, stop = _content(data, assertion)
    first = start + len(SEAL_HEAD)
    if data[start:first] != SEAL_HEAD or stop != first + SEAL_LETTERS:
        raise ValueError("the seal holds something else than a hash")
    return first, stop


def _head_bytes(data: bytes, at: int) -> int:
    """How many bytes tell kind and length of the CBOR item at a place."""
    more = data[at] & 31 if at < len(data) else 31
    if more > 27:
        raise ValueError("an item of CBOR is cut off, or of unknown length")
    return 1 if more < 24 else 1 + (1 << (more - 24))


def _item_end(data: bytes, at: int, depth: int) -> int:
    """Where the CBOR item at a place ends (RFC 8949, 3); strings and containers of known length only."""
    head = _head_bytes(data, at)
    if depth < 0:
        raise ValueError("items of CBOR lie in items without end")
    kind, number = data[at] >> 5, data[at] & 31
    if head > 1:
        number = int.from_bytes(data[at + 1 : at + head], "big")
    at += head
    if kind in (2, 3):
        at += number
    elif kind in (4, 5, 6):
        for _ in range(1 if kind == 6 else number * (kind - 3)):
            at = _item_end(data, at, depth - 1)
    if at > len(data):
        raise ValueError("an item of CBOR is cut off")
    return at


def _byte_string_head(length: int) -> bytes:
    """Kind and length of a CBOR byte string, in as few bytes as can be."""
    if length < 24:
        return bytes([0x40 + length])
    width, head = (1, 0x58) if length < 2**8 else (2, 0x59) if length < 2**16 else (4, 0x5A)
    return bytes([head]) + length.to_bytes(width, "big")
