"""Some seconds of somebody who talks become a style: how they move, to be played by any face.

fit_film(watched(film))       a head under the landmarks              face_emote.capturing
seen_of(landmarks on it)      brows, lids and head as a camera sees   generation.seen
manner_of(curves)             how much, how fast, how unevenly        generation.seen

Controls of a captured motion move brows less than landmarks do, so films are read by their landmarks.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from face_emote.capturing.fit import fit_film
from face_emote.capturing.watch import watched
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.motion import joined_motion, resampled
from face_emote.core.rotations import rotation_matrix
from face_emote.core.types import Progress
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import open_motion
from face_emote.generation.seen import FPS, SETTLED, manner_of, seen_of, seen_of_performance
from face_emote.generation.style_file import MotionStyle

LEAST_SECS = 5.0
SHORTEST_SECS = 2.0  # Of one clip, when the tracker has settled.


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
    paths = [Path(clip) for clip in clips]
    curves = [_played(path) if path.suffix.lower() == ".npz" else _filmed(path, progress) for path in paths]
    long = [curve for curve in curves if len(curve) >= SETTLED + SHORTEST_SECS * FPS]
    secs = sum(len(curve) for curve in long) / FPS
    if secs < LEAST_SECS:
        raise OptionError(
            f"A style needs at least {LEAST_SECS:g} s of somebody who talks, in clips of {SHORTEST_SECS + 0.5:g} s or "
            f"more; there are {secs:.1f} s: {clips[0]}"
        )
    return MotionStyle(tuple(np.round(manner_of(long), 4).tolist()), secs=round(secs, 2), consent=consent.strip())


def _played(clip: Path) -> Float[Array, "frames channel=9"]:
    with open_motion(clip) as motion:
        if motion.info.basis != load_head().basis:
            raise OptionError(f"This motion is of another face model; give one of ours, or the film: {clip}")
        return seen_of_performance(joined_motion(list(resampled(motion, fps=FPS).blocks())))


def _filmed(clip: Path, progress: Progress | None) -> Float[Array, "frames channel=9"]:
    """Landmarks moved to where they lie on a head that stands still."""
    with watched(clip, progress=progress) as film:
        fitted = fit_film(film, load_head(), progress=progress)
        seen, times = film.found & np.isfinite(fitted.pose).all(axis=1), film.rows["time"].astype(np.float64)
        landmarks, rest, lens = film.rows["landmarks"][seen].astype(np.float64), fitted.who.person.rest, fitted.lens
    pose, points = fitted.pose[seen], np.empty((int(seen.sum()), *rest.shape))
    for frame, rotation in enumerate(rotation_matrix(pose)):
        there = rest @ rotation.T + fitted.translation[seen][frame]
        shift = (landmarks[frame] - lens.project(there)) * (-there[:, 2:] / lens.focal) * (1.0, -1.0)
        points[frame] = rest + shift @ rotation[:2]
    curve = seen_of(points, list(range(len(rest))), np.degrees(pose))
    wanted = np.arange(times[0], times[-1] + 0.5 / FPS, 1.0 / FPS)
    return np.column_stack([np.interp(wanted, times[seen], column) for column in curve.T])
