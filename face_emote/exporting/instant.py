"""One instant of a motion as a motion of one frame."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import NUM_SHAPE
from face_emote.core.timing import frame_at
from face_emote.core.types import FRAME_ARRAYS, FaceMotion, MotionInfo, MotionSource


class InstantMotion:
    """A `MotionSource` of the one frame that another one shows at `time_secs`.

    Raises OptionError when the motion has ended by then.
    """

    num_frames = 1

    def __init__(self, source: MotionSource, *, time_secs: float) -> None:
        self._source = source
        self._frame = frame_at(time_secs, fps=source.fps)
        if self._frame >= source.num_frames:
            ends = source.num_frames / source.fps
            raise OptionError(
                f"The motion ends at {ends:.2f} s, so there is no instant {time_secs:g} s; give an earlier one"
            )

    @property
    def fps(self) -> float:
        """That of the source."""
        return self._source.fps

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
        """The frame."""
        first = 0
        for block in self._source.blocks(size):
            if first + block.num_frames > self._frame:
                row = self._frame - first
                rows: dict[str, Any] = {name: np.array(getattr(block, name)[row : row + 1]) for name in FRAME_ARRAYS}
                yield replace(block, **rows)
                return
            first += block.num_frames
