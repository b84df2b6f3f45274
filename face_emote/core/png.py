"""Pictures as PNG with numpy and zlib alone (Blender has no PyAV). PNG specification, third edition."""

import struct
import zlib

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8


def png_bytes(picture: UInt8[Array, "height width 3"]) -> bytes:
    """Encode 8-bit RGB; every row is filtered by its difference to the pixel at the left, which suits skin."""
    height, width, _ = picture.shape
    difference = picture.copy()
    difference[:, 1:] -= picture[:, :-1]
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = 1  # Filter type "Sub".
    rows[:, 1:] = difference.reshape(height, -1)
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def srgb_bytes(linear: Float[Array, "*shape"]) -> UInt8[Array, "*shape"]:
    """Linear light 0..1 as 8-bit sRGB (IEC 61966-2-1)."""
    value = np.clip(linear, 0.0, 1.0)
    curve = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1.0 / 2.4) - 0.055)
    levels: Array = (curve * 255.0 + 0.5).astype(np.uint8)
    return levels


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
