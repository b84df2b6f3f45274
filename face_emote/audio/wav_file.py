"""PCM and float .wav files, read in pieces with numpy alone."""

import struct
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError

PCM, IEEE_FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
UNKNOWN_SIZE = 0xFFFFFFFF  # What recorders that write to a pipe put into the size field (others put 0).
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class WavLayout:
    """Where the samples lie in a .wav file and how they are written."""

    coding: int  # `PCM` or `IEEE_FLOAT`; anything else this reader cannot decode.
    channels: int
    sample_rate: int
    sample_bytes: int  # Bytes of one sample of one channel.
    data_start: int
    num_frames: int  # Sampling instants; each has `channels` samples.

    @property
    def readable(self) -> bool:
        """Whether `wav_pieces` can decode this coding."""
        return (self.coding, self.sample_bytes) in {(PCM, 1), (PCM, 2), (PCM, 3), (PCM, 4)} or (
            self.coding == IEEE_FLOAT and self.sample_bytes in (4, 8)
        )


def looks_like_wav(start: bytes) -> bool:
    """Whether a file that starts with these 12 bytes is a little-endian wave file."""
    return start[:4] in (b"RIFF", b"RF64", b"BW64") and start[8:12] == b"WAVE"


def wav_layout(path: Path) -> WavLayout:
    """Read the header of a wave file.

    The RIFF size is not trusted (recorders that were cut off leave it wrong); the data size is, unless it is 0 or
    0xFFFFFFFF, which mean "to the end of the file". AudioError: the header is cut off or contradicts itself, or data is
    missing from the file.
    """
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        file.seek(12)
        fmt, wide_size = None, None
        while len(head := file.read(8)) == 8:
            name, size = head[:4], int.from_bytes(head[4:], "little")
            if name == b"data":
                if fmt is None:
                    raise AudioError(f"The wave file has sound before its format chunk; re-save it as .wav: {path}")
                return _layout(
                    fmt, file, size=_data_size(file, size, wide_size=wide_size, file_bytes=file_bytes), path=path
                )
            start = file.tell()
            if name == b"fmt ":
                fmt = file.read(min(size, 64))
            elif name == b"ds64" and size >= 16:
                wide_size = struct.unpack("<8xQ", file.read(16))[0]
            file.seek(start + size + size % 2)
    raise AudioError(f"The wave file ends before its sound begins; export or copy it again: {path}")


def _data_size(file: BinaryIO, size: int, *, wide_size: int | None, file_bytes: int) -> int:
    """Bytes of sound that the header promises, from the current position on."""
    left = file_bytes - file.tell()
    if wide_size is not None and size == UNKNOWN_SIZE:
        return wide_size
    if size == UNKNOWN_SIZE or (size == 0 and not _is_chunk_chain(file, file_bytes)):
        return left
    return size


def _is_chunk_chain(file: BinaryIO, file_bytes: int) -> bool:
    """Whether whole chunks follow up to the very end: then a data size of 0 means that there is no sound."""
    here = position = file.tell()
    while position + 8 <= file_bytes:
        file.seek(position)
        name, size = struct.unpack("<4sI", file.read(8))
        if not name.isascii() or position + 8 + size > file_bytes:
            break
        position += 8 + size + size % 2
    file.seek(here)
    return here < file_bytes <= position


def _layout(fmt: bytes, file: BinaryIO, *, size: int, path: Path) -> WavLayout:
    if len(fmt) < 16:
        raise AudioError(f"The wave file's format chunk is cut off; export it again: {path}")
    coding, channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", fmt[:16])
    if coding == EXTENSIBLE and len(fmt) >= 26:
        coding = int.from_bytes(fmt[24:26], "little")
    if coding in (PCM, IEEE_FLOAT) and (channels == 0 or frame_bytes % max(channels, 1) or frame_bytes * 8 < bits):
        raise AudioError(
            f"The wave header contradicts itself ({channels} channels, {frame_bytes} bytes a frame, {bits} bits); "
            f"export it again: {path}"
        )
    start, frame_bytes = file.tell(), max(frame_bytes, 1)
    there = path.stat().st_size - start
    if coding in (PCM, IEEE_FLOAT) and size - there > frame_bytes:
        raise AudioError(
            f"The wave file is cut off: its header promises {size / (frame_bytes * max(rate, 1)):.2f} s of sound, "
            f"{there / (frame_bytes * max(rate, 1)):.2f} s are there; copy or export it again: {path}"
        )
    return WavLayout(coding, channels, rate, frame_bytes // max(channels, 1), start, min(size, there) // frame_bytes)


def wav_pieces(path: Path, layout: WavLayout) -> Iterator[Float[Array, "_frames channels"]]:
    """The samples in pieces of about a megabyte, float32; integers are scaled so that full scale is 1."""
    frame_bytes = layout.sample_bytes * layout.channels
    per_piece = max(1, PIECE_BYTES // frame_bytes)
    with path.open("rb") as file:
        file.seek(layout.data_start)
        for first in range(0, layout.num_frames, per_piece):
            raw = file.read(min(per_piece, layout.num_frames - first) * frame_bytes)
            yield _decode(raw, layout).reshape(-1, layout.channels)


def _decode(raw: bytes, layout: WavLayout) -> Float[Array, " values"]:
    if layout.coding == IEEE_FLOAT:
        with np.errstate(over="ignore"):  # a double beyond float32 becomes inf, which the reader then refuses
            return np.frombuffer(raw, f"<f{layout.sample_bytes}").astype(np.float32)
    if layout.sample_bytes == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128.0) / 128.0
    if layout.sample_bytes == 2:
        return np.frombuffer(raw, "<i2").astype(np.float32) / 2.0**15
    if layout.sample_bytes == 3:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return wide.reshape(-1).view("<i4").astype(np.float32) / 2.0**31
    return np.frombuffer(raw, "<i4").astype(np.float32) / 2.0**31


@contextmanager
def wav_written(
    path: Path, *, rate_hz: int, sample_bytes: int
) -> Iterator[Callable[[Float[Array, " _samples"]], None]]:
    """Write a mono wave file of 2 or 3 bytes a sample: yields what appends samples. Samples that were read from such a
    file come out as the bytes they were.
    """
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(sample_bytes)
        file.setframerate(rate_hz)
        top = 2 ** (8 * sample_bytes - 1)

        def append(samples: Float[Array, " _samples"]) -> None:
            whole = np.clip(np.rint(samples.astype(np.float64) * top), -top, top - 1).astype("<i4")
            file.writeframes(whole.view(np.uint8).reshape(-1, 4)[:, :sample_bytes].tobytes())

        yield append
