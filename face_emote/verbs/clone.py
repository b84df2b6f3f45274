"""Some seconds of somebody who talks become a style: how they move, to be played by any face.

captured(film) or a motion file    a face over time                        verbs.capture, formats
seen_of_performance(motion)        brows, lids and head as a camera sees   generation.seen
manner_of(curves)                  how much, how fast, how unevenly        generation.seen
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from face_emote.core.errors import OptionError
from face_emote.core.motion import joined_motion, resampled
from face_emote.core.options import Filming
from face_emote.core.types import FaceMotion, Progress
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import open_motion
from face_emote.generation.seen import FPS, SETTLED, manner_of, seen_of_performance
from face_emote.generation.style_file import MotionStyle
from face_emote.verbs.capture import read_film

LEAST_SECS = 5.0
SHORTEST_SECS = 2.0
"""Of one clip, when the tracker has settled."""


def clone(clips: Sequence[str | Path], *, consent: str, progress: Progress | None = None) -> MotionStyle:
    """Learn how somebody moves while they talk.

    Args:
        clips: Motion files (`.npz`) or films, 5 to 30 s together, of one person who talks and feels nothing much.
        consent: Who agreed to it: `Jane Doe, own style, 2026-03-01`; it stands in the mark of whatever is played so.
        progress: Called with (done, total, what) while it works.

    Raises:
        OptionError: there are too few seconds.
        MotionFileError, CaptureError, DependencyError: a clip cannot be read.
    """
    curves = []
    for clip in clips:
        motion = _moving(Path(clip), progress=progress)
        if motion.info.basis != load_head().basis:
            raise OptionError(f"This motion is of another face model; give one of ours, or the film: {clip}")
        curves.append(seen_of_performance(motion))
    long = [curve for curve in curves if len(curve) >= SETTLED + SHORTEST_SECS * FPS]
    secs = sum(len(curve) for curve in long) / FPS
    if secs < LEAST_SECS:
        raise OptionError(
            f"A style needs at least {LEAST_SECS:g} s of somebody who talks, in clips of {SHORTEST_SECS + 0.5:g} s or "
            f"more; there are {secs:.1f} s: {clips[0]}"
        )
    return MotionStyle(tuple(np.round(manner_of(long), 4).tolist()), secs=round(secs, 2), consent=consent.strip())


def _moving(clip: Path, *, progress: Progress | None) -> FaceMotion:
    if clip.suffix.lower() == ".npz":
        with open_motion(clip) as motion:
            return joined_motion(list(resampled(motion, fps=FPS).blocks()))
    return read_film(clip, Filming(fps=FPS), progress=progress).motion
