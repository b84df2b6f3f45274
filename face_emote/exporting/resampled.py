"""A motion at another frame rate, made while it is gone through."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import NUM_SHAPE
from face_emote.core.timing import frames_in, require_fps
from face_emote.core.types import FRAME_ARRAYS, FaceMotion, MotionInfo, MotionSource


class ResampledMotion:
    """A `MotionSource` that shows another one at `fps`. Memory does not grow with the length.

    Frame i is the source at i / fps, linear between its frames (rotations in axis-angle: exact about a fixed axis);
    after its last frame that one holds. A lower rate may step over the bottom of a blink.
    """

    def __init__(self, source: MotionSource, *, fps: float) -> None:
        self._source = source
        self.fps = require_fps(fps)
        self.num_frames = frames_in(source.num_frames / source.fps, fps=self.fps)

    @property
    def info(self) -> MotionInfo:
        """That of the source."""
        return self._source.info

    @property
    def betas(self) -> Float[Array, f" shape={NUM_SHAPE}"]:
        """Those of the source."""
        return self._source.betas

    @property
    def character(self) -> str:
        """That of the source."""
        return self._source.character

    def blocks(self, size: int = 256) -> Iterator[FaceMotion]:
        """Consecutive parts of at most `size` frames, from the first frame on."""
        step = self._source.fps / self.fps
        known, made = 0, 0
        before: FaceMotion | None = None
        for block in self._source.blocks(max(1, min(size, int(size * step)))):
            rows = block if before is None else _joined(before, block)
            first = known - (before is not None)
            known += block.num_frames
            # A frame needs the rows on both sides of it; the last rows of the source have none after them.
            stop = self.num_frames if known == self._source.num_frames else int(np.ceil((known - 1) / step - 1e-9))
            while made < stop:
                count = min(size, stop - made)
                yield self._between(rows, np.arange(made, made + count) * step - first)
                made += count
            before = block.part(block.num_frames - 1, block.num_frames)

    def _between(self, rows: FaceMotion, position: Float[Array, " frames"]) -> FaceMotion:
        last = rows.num_frames - 1
        lower = np.clip(np.floor(position + 1e-9).astype(np.int64), 0, last)
        upper = np.minimum(lower + 1, last)
        share = np.clip(position - lower, 0.0, 1.0)
        share[share < 1e-6] = 0.0
        mixed: dict[str, Any] = {}
        for name in FRAME_ARRAYS:
            values = getattr(rows, name)
            weight = share.reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
            mixed[name] = values[lower] * (1 - weight) + values[upper] * weight
        return replace(rows, **mixed, fps=self.fps)


def _joined(first: FaceMotion, second: FaceMotion) -> FaceMotion:
    rows: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in FRAME_ARRAYS
    }
    return replace(second, **rows)
