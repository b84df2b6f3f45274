"""Ways to damage bytes that work on any file, and things that lie where a file should."""

import os
import random
import socket
import struct
from collections.abc import Callable
from pathlib import Path

Edit = Callable[[bytes, random.Random], bytes]
"""A damaged copy; `ValueError` when these bytes offer nothing to it."""
HUGE = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)
HEAD_BYTES = 96
MOST_BYTES = 8_000_000
"""No damaged file is larger, so that a case says something of the reader and not of the disk."""


def flipped(data: bytes, rng: random.Random) -> bytes:
    """A few bits are the other way round, most often in the head."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20, 200))):
        place = rng.randrange(min(len(out), rng.choice((HEAD_BYTES, 4096, len(out)))))
        out[place] ^= 1 << rng.randrange(8)
    return bytes(out)


def overwritten(data: bytes, rng: random.Random) -> bytes:
    """A stretch of other bytes, of the same length."""
    first, stop = _stretch(data, rng)
    kind = rng.choice((b"\0", b"\xff", b" ", b"0", None))
    return data[:first] + (kind * (stop - first) if kind else rng.randbytes(stop - first)) + data[stop:]


def cut(data: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return data[: rng.randrange(rng.choice((len(data), min(len(data), HEAD_BYTES)))) :]


def beheaded(data: bytes, rng: random.Random) -> bytes:
    """The start is missing."""
    return data[rng.randrange(min(len(data), rng.choice((16, 4096)))) + 1 :]


def lost(data: bytes, rng: random.Random) -> bytes:
    """A stretch is missing."""
    first, stop = _stretch(data, rng)
    return data[:first] + data[stop:]


def doubled(data: bytes, rng: random.Random) -> bytes:
    """A stretch comes twice, or very often."""
    first, stop = _stretch(data, rng)
    times = rng.choice((2, 2, 3, 50))
    return (data[:first] + data[first:stop] * times + data[stop:])[:MOST_BYTES]


def inserted(data: bytes, rng: random.Random) -> bytes:
    """Bytes that nobody wrote."""
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.randbytes(rng.choice((1, 2, 7, 64, 5000))) + data[place:]


def lengthened(data: bytes, rng: random.Random) -> bytes:
    """A number of two, four or eight bytes becomes an unlikely one: often it is a length."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        code = rng.choice("HIQ")
        size = struct.calcsize(code)
        if len(out) < size:
            raise ValueError("too short")
        reach = min(len(out), rng.choice((HEAD_BYTES, HEAD_BYTES, 2048, len(out))))
        place = rng.randrange(max(reach - size, 1))
        value = rng.choice(HUGE) & (256**size - 1)
        out[place : place + size] = struct.pack(rng.choice("<>") + code, value)
    return bytes(out)


def empty(_data: bytes, _rng: random.Random) -> bytes:
    """Nothing."""
    return b""


def trailed(data: bytes, rng: random.Random) -> bytes:
    """Something follows the end: the file again, or noise."""
    return data + rng.choice((data, rng.randbytes(3000), b"\0" * 70_000, data[:100]))


ANY: tuple[Edit, ...] = (
    flipped, flipped, overwritten, cut, cut, beheaded, lost, doubled, inserted, lengthened, lengthened, empty, trailed,
)  # fmt: skip


def _stretch(data: bytes, rng: random.Random) -> tuple[int, int]:
    if not data:
        raise ValueError("nothing there")
    first = rng.randrange(min(len(data), rng.choice((HEAD_BYTES, len(data)))))
    return first, min(len(data), first + rng.choice((1, 4, 16, 256, 4096)))


def damaged(data: bytes, rng: random.Random, *, own: tuple[Edit, ...], any_byte: bool = True) -> bytes:
    """One to three edits, one after the other; `own` are those that know the format, and take most turns.

    Without `any_byte` they take all.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        edit = rng.choice(own if own and (rng.random() < 0.6 or not any_byte) else ANY)
        try:
            data = edit(data, rng)
        except Exception:  # Nothing in it for this edit, or no longer the format that it knows, in whatever way.
            data = flipped(data, rng) if data and any_byte else data
    return data[:MOST_BYTES]


def folder_there(path: Path) -> None:
    """A folder of that name."""
    path.mkdir()


def link_to_nothing(path: Path) -> None:
    """A link whose target is gone."""
    path.symlink_to(path.with_name("gone"))


def link_in_a_circle(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path)


def silent_pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path)


def unheard_socket(path: Path) -> None:
    """A socket."""
    if len(str(path)) > 100:  # More is no name of a socket.
        path.mkdir()
        return
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(path))


def endless(path: Path) -> None:
    """A device that never ends."""
    path.symlink_to("/dev/zero")


def nowhere(path: Path) -> None:
    """A device that is always empty."""
    path.symlink_to("/dev/null")


def memory(path: Path) -> None:
    """A file of the system that says it is empty and cannot be read."""
    path.symlink_to("/proc/self/mem")


def missing(_path: Path) -> None:
    """Nothing at all."""


PLACES: tuple[Callable[[Path], None], ...] = (
    folder_there, link_to_nothing, link_in_a_circle, silent_pipe, unheard_socket, endless, nowhere, memory, missing,
)  # fmt: skip
"""What may lie in a file's place."""
