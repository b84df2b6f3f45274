"""Pictures of a character's skin for a node shader: data maps as 16-bit PNG, eyes as 8-bit sRGB.

    skin_a.png   red melanin / 4, green haemoglobin / 4, blue coverage by painted hair
    skin.png     the resting skin as it looks, 8-bit sRGB: for viewports
    skin_b.png   red resting relief, green expression relief, blue reflection / 2

Reliefs are metres, (value + RELIEF_RANGE) / (2 RELIEF_RANGE); the expression relief is that at activation 1.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.output import written_beside
from face_emote.core.png import png_bytes
from face_emote.core.types import SkinParams
from face_emote.formats.mesh.materials import eye_picture, skin_picture
from face_emote.look.maps import WRINKLE_DEPTH, load_skin_maps, resting_relief

SKIN_TEXELS = 1024
CONCENTRATION_RANGE = 4.0
RELIEF_RANGE = 0.002


def write_pictures(skin: SkinParams, folder: Path) -> tuple[str, ...]:
    """Write skin_a, skin_b, eye and skin; returns their names."""
    maps = load_skin_maps(skin, size=SKIN_TEXELS)
    resting = resting_relief(skin, size=SKIN_TEXELS)
    first = [maps.melanin / CONCENTRATION_RANGE, maps.haemoglobin / CONCENTRATION_RANGE, maps.hair_coverage]
    second = [_relief(resting), _relief(maps.wrinkle_height * WRINKLE_DEPTH), 0.5 * maps.specular]
    contents = {
        "skin_a.png": png16_bytes(np.stack(first, axis=-1)),
        "skin_b.png": png16_bytes(np.stack(second, axis=-1)),
        "eye.png": png_bytes(eye_picture(skin)),
        "skin.png": png_bytes(skin_picture(skin, maps)),
    }
    for name, content in contents.items():
        with written_beside(folder / name) as path:
            path.write_bytes(content)
    return tuple(contents)


def _relief(metres: Float[Array, "size size"]) -> Float[Array, "size size"]:
    return 0.5 + metres / (2.0 * RELIEF_RANGE)


def png16_bytes(values: Float[Array, "height width 3"]) -> bytes:
    """Encode 0..1 (clipped) as 16-bit RGB; rows are filtered by their difference to the pixel at the left."""
    height, width, _ = values.shape
    words = np.round(np.clip(values, 0.0, 1.0) * 65535.0).astype(">u2")
    data = words.view(np.uint8).reshape(height, width, 6)
    difference = data.copy()
    difference[:, 1:] -= data[:, :-1]
    rows = np.empty((height, 1 + 6 * width), np.uint8)
    rows[:, 0] = 1
    rows[:, 1:] = difference.reshape(height, -1)
    header = struct.pack(">2I5B", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
