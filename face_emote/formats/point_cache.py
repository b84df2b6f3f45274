"""Point caches: every vertex of every frame, for a mesh that the other program has already.

The vertices are those of each `.ply` and `.obj` that this package writes with the same options (without any, all the
head's own in its order): import one of those and put the cache on it.

PC2: header `POINTCACHE2`, version 1, number of points, first frame, frames per sample, number of samples; then float32
x y z, little-endian. MDD: number of frames and points, then the seconds of each frame, then x y z, all big-endian.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from face_emote.core.errors import OutputError
from face_emote.core.motion import MotionSource
from face_emote.core.output import written_beside
from face_emote.core.timing import frame_times
from face_emote.core.types import Progress
from face_emote.formats.mesh.person import Person, posed_blocks

MAX_FRAMES = 2**31 - 1
TIMES_AT_ONCE = 4096


def write_pc2(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write a `.pc2`; frame 0 is the first. Memory does not grow with the length.

    OutputError: the file cannot be written there.
    """
    header = (b"POINTCACHE2\0", 1, person.surface.num_vertices, 0.0, 1.0, _require_countable(motion, path))
    with written_beside(path) as target, target.open("wb") as file:
        file.write(struct.pack("<12siiffi", *header))
        _write_points(file, motion, person=person, kind="<f4", progress=progress)


def write_mdd(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write a LightWave `.mdd`. Memory and errors as `write_pc2`."""
    count = _require_countable(motion, path)
    with written_beside(path) as target, target.open("wb") as file:
        file.write(struct.pack(">2i", count, person.surface.num_vertices))
        for first in range(0, count, TIMES_AT_ONCE):
            times = frame_times(first, min(first + TIMES_AT_ONCE, count), fps=motion.fps)
            file.write(times.astype(">f4").tobytes())
        _write_points(file, motion, person=person, kind=">f4", progress=progress)


def _require_countable(motion: MotionSource, path: Path) -> int:
    if motion.num_frames > MAX_FRAMES:
        raise OutputError(f"A point cache holds at most {MAX_FRAMES} frames; split the clip: {path}")
    return motion.num_frames


def _write_points(
    file: BinaryIO, motion: MotionSource, *, person: Person, kind: str, progress: Progress | None
) -> None:  # fmt: skip
    for _, block in posed_blocks(motion, person.head, progress=progress):
        for places in person.surface.frames(block):
            file.write(person.options.placed(places).astype(kind).tobytes())
