"""A motion that is gone through block by block, and what can be made of it without holding it in memory.

`MotionSource` is what renderer and exporters take: a whole `FaceMotion`, or a `MotionStream` - a header and a way to
read. Motion files, performances in the making and every view below are streams, so an hour-long one never lies in
memory.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.fields import require_number
from face_emote.core.names import NUM_SHAPE
from face_emote.core.timing import frame_at, frames_in, require_fps
from face_emote.core.types import FaceMotion, MotionInfo, Progress

BLOCK_FRAMES = 256
LAST_SECS = 1e6
"""No motion is longer."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionStream:
    """The header of a motion, and its frames for whoever goes through them: the same ones every time."""

    num_frames: int
    fps: float
    info: MotionInfo
    read: Callable[[int], Iterator[FaceMotion]]
    """read(size): consecutive parts of at most `size` frames, from the first frame on."""
    betas: Float[Array, f" shape={NUM_SHAPE}"] = field(default_factory=lambda: np.zeros(NUM_SHAPE, np.float32))
    """Identity of the head, in standard deviations."""
    character: str = "default"

    def blocks(self, size: int = BLOCK_FRAMES) -> Iterator[FaceMotion]:
        """Consecutive parts of at most `size` frames, from the first frame on."""
        return self.read(size)


MotionSource = FaceMotion | MotionStream


def view_of(source: MotionSource, read: Callable[[int], Iterator[FaceMotion]], **changed: Any) -> MotionStream:
    """Another way to read a motion; its header is the source's but for the fields in `changed`."""
    header = {name: getattr(source, name) for name in ("num_frames", "fps", "info", "betas", "character")}
    return MotionStream(read=read, **{**header, **changed})


def joined_motion(parts: Sequence[FaceMotion]) -> FaceMotion:
    """Consecutive blocks of one motion as one; all but the rows is the first one's."""
    if len(parts) == 1:
        return parts[0]
    rows: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in parts[0].row_names
    }
    return replace(parts[0], **rows)


def reported(source: MotionSource, progress: Progress | None, *, size: int | None = None) -> Iterator[FaceMotion]:
    """The blocks of a motion that is exported; when one has been used, `progress` hears how many frames are done."""
    done = 0
    for block in source.blocks() if size is None else source.blocks(size):
        yield block
        done += block.num_frames
        if progress is not None:
            progress(done, source.num_frames, "exporting")


def span(source: MotionSource, *, first: int, stop: int) -> MotionStream:
    """Frames first..stop-1 of a motion; what lies before them is passed over, what lies behind is never read."""

    def read(size: int) -> Iterator[FaceMotion]:
        start = 0
        for block in source.blocks(size):
            low, high = max(first - start, 0), min(stop - start, block.num_frames)
            if low < high:
                yield block.part(low, high)
            start += block.num_frames
            if start >= stop:
                return

    return view_of(source, read, num_frames=stop - first)


def instant(source: MotionSource, *, time_secs: float) -> MotionStream:
    """The one frame that is on show at `time_secs`. Raises OptionError when the motion has ended by then."""
    require_number("frame", time_secs, low=0.0, high=LAST_SECS)
    frame = frame_at(time_secs, fps=source.fps)
    if frame >= source.num_frames:
        ends = source.num_frames / source.fps
        raise OptionError(
            f"The motion ends at {ends:.2f} s, so there is no instant {time_secs:g} s; give an earlier one"
        )
    return span(source, first=frame, stop=frame + 1)


def resampled(source: MotionSource, *, fps: float | None) -> MotionSource:
    """The motion at another frame rate (None: its own), made while it is gone through.

    Frame i is the source at i / fps, linear between its frames (rotations in axis-angle: exact about a fixed axis);
    after its last frame that one holds. A lower rate may step over the bottom of a blink.
    """
    if fps is None or fps == source.fps:
        return source
    rate = require_fps(fps)
    step = source.fps / rate
    num_frames = frames_in(source.num_frames / source.fps, fps=rate)

    def read(size: int) -> Iterator[FaceMotion]:
        known, made = 0, 0
        before: FaceMotion | None = None
        for block in source.blocks(max(1, min(size, int(size * step)))):
            rows = block if before is None else joined_motion([before, block])
            first = known - (before is not None)
            known += block.num_frames
            # A frame needs the rows on both sides of it; the last rows of the source have none after them.
            stop = num_frames if known == source.num_frames else int(np.ceil((known - 1) / step - 1e-9))
            while made < stop:
                count = min(size, stop - made)
                yield replace(_between(rows, np.arange(made, made + count) * step - first), fps=rate)
                made += count
            before = block.part(block.num_frames - 1, block.num_frames)

    return view_of(source, read, num_frames=num_frames, fps=rate)


def _between(rows: FaceMotion, position: Float[Array, " frames"]) -> FaceMotion:
    """The rows at positions that need not be whole."""
    last = rows.num_frames - 1
    lower = np.clip(np.floor(position + 1e-9).astype(np.int64), 0, last)
    upper = np.minimum(lower + 1, last)
    share = np.clip(position - lower, 0.0, 1.0)
    share[share < 1e-6] = 0.0
    mixed: dict[str, Any] = {}
    for name in rows.row_names:
        values = getattr(rows, name)
        weight = share.reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
        mixed[name] = values[lower] * (1 - weight) + values[upper] * weight
    return replace(rows, **mixed)
