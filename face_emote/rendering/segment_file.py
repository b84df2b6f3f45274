"""Compressed pictures of one segment on disk, packet by packet as the encoder gave them.

Not a video file: containers rewrite packets when they take them in, and joined files shall hold the very same bytes as
those written in one go.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from face_emote.core.errors import OutputError
from face_emote.core.reading import opened

MAGIC = b"face_emote segment 1\n"
_HEAD = struct.Struct("<qq?I")


@dataclass(frozen=True, slots=True)
class CodedPacket:
    """What an encoder gives for a frame. Times in 1 / TICKS_HZ seconds from the first frame of the segment."""

    shown: int
    decoded: int
    is_key: bool
    data: bytes


def write_packets(path: Path, packets: Iterable[CodedPacket]) -> None:
    """Write the file; the caller sees to it that it appears whole."""
    with path.open("wb") as file:
        file.write(MAGIC)
        for packet in packets:
            file.write(_HEAD.pack(packet.shown, packet.decoded, packet.is_key, len(packet.data)) + packet.data)


def read_packets(path: Path) -> Iterator[CodedPacket]:
    """The packets in order. OutputError: the file is missing, cut off or something else."""
    damaged = f"A part of the video is damaged; delete it and run the batch again: {path}"
    try:
        size = path.stat().st_size
        with opened(path) as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise OutputError(damaged)
            while head := file.read(_HEAD.size):
                if len(head) < _HEAD.size:
                    raise OutputError(damaged)
                shown, decoded, is_key, length = _HEAD.unpack(head)
                if length > size - file.tell():
                    raise OutputError(damaged)
                data = file.read(length)
                yield CodedPacket(shown, decoded, is_key, data)
    except OSError as error:
        raise OutputError(f"A part of the video cannot be read ({error.strerror}): {path}") from None
