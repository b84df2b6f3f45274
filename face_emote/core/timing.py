"""Seconds, samples and frames. Nothing else in the package multiplies by an fps.

Frame i shows the instant i / fps. A clip of d seconds has ceil(d * fps) frames, so that frames cover the whole sound;
a video shortens the display of its last frame to end with the sound exactly.
"""

import math

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.fields import require_number

MIN_FPS, MAX_FPS = 1.0, 1000.0
USUAL_FPS = "usual are 24, 25, 30, 60"


def require_fps(fps: float) -> float:
    """Return `fps`, or raise OptionError unless it is a number from 1 to 1000."""
    require_number("fps", fps, low=MIN_FPS, high=MAX_FPS, hint=USUAL_FPS)
    return float(fps)


def frames_in(duration_secs: float, *, fps: float) -> int:
    """Number of frames that cover a duration (at least one)."""
    return max(1, math.ceil(duration_secs * fps - 1e-6))


def frame_times(first: int, stop: int, *, fps: float) -> Float[Array, " frames"]:
    """Seconds of frames first..stop-1, float64 (an hour at 60 fps still resolves microseconds)."""
    return np.arange(first, stop, dtype=np.float64) / fps


def frame_at(time_secs: float, *, fps: float) -> int:
    """The frame on show at an instant."""
    return max(0, math.floor(time_secs * fps + 1e-6))
