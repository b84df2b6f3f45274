"""Some seconds of somebody who talks become a style: how they move, to be played by any face.

fit_film(watched(film))       a head under the landmarks              face_emote.capturing
seen_of(landmarks on it)      brows, lids and head as a camera sees   generation.seen
manner_of(curves)             how much, how fast, how unevenly        generation.seen
learnt_lips(lips, net)        how the mouth differs from the network  motion.lip_learning

Controls of a captured motion move brows less than landmarks do, so films are read by their landmarks. What lips do is
learnt where there is sound: a film's own, or a recording beside the motion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import heard_recording
from face_emote.capturing.fit import FittedFilm, fit_film
from face_emote.capturing.take import taken
from face_emote.capturing.watch import Watched, watched
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.motion import joined_motion, resampled
from face_emote.core.names import CONTROLS
from face_emote.core.output import require_writable
from face_emote.core.rotations import rotation_matrix
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion, MotionInfo, Progress
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as load_character
from face_emote.formats.motion_file import open_motion
from face_emote.generation.seen import FPS, SETTLED, manner_of, seen_of, seen_of_performance
from face_emote.generation.style_file import MotionStyle, require_style_place, style_arrays
from face_emote.motion.lip_learning import SeenLips, from_their_rest, learnt_lips
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote.network.runtime import load_motion_net
from face_emote.provenance.signer import write_own

LEAST_SECS = 5.0
SHORTEST_SECS = 2.0  # Of one clip, when the tracker has settled.
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".m4a")
RESTING = (
    "browDown", "browOuterUp", "innerBrowRaise", "eyeSquint", "eyeWide", "cheekSquint", "mouthSmile", "mouthFrown",
    "mouthPress", "mouthDimple",
)  # fmt: skip
"""Controls, of both sides, in which a face at rest has a look of its own."""
MOST_AT_REST, MOST_APART = 0.06, 0.1
"""Of both sides, and of one against the other: what a tracker takes for more is the shape of the face."""


@dataclass(frozen=True, slots=True, eq=False)
class _Clip:
    curve: Float[Array, "frames channel=9"]
    """At `FPS`."""
    motion: FaceMotion
    sound: Path | None
    betas: Float[Array, " shape"] | None = None
    """Of the person, where they were seen."""


def clone(
    clips: Sequence[str | Path], *, consent: str, identity: bool = False, progress: Progress | None = None
) -> MotionStyle:
    """Learn how somebody moves while they talk.

    Args:
        clips: Films, or motion files (`.npz`), the sound beside them (`NAME.wav`, ..), 5 to 30 s together, of one
            person who talks and feels nothing much.
        consent: Who agreed to it: `Jane Doe, own style, 2026-03-01`; it stands in the mark of whatever is played so.
        identity: Keep the shape of the face, too; it is read from films.
        progress: Called with (done, total, what) while it works.

    Raises:
        OptionError: there are too few seconds, or no film to take the identity from.
        MotionFileError, CaptureError, AudioError, DependencyError: a clip cannot be read.
    """
    paths = [Path(clip) for clip in clips]
    if identity and all(path.suffix.lower() == ".npz" for path in paths):
        raise OptionError(f"A motion does not show whose face it was; give a film, or leave out --identity: {paths[0]}")
    found = [_played(path) if path.suffix.lower() == ".npz" else _filmed(path, progress) for path in paths]
    long = [clip for clip in found if len(clip.curve) >= SETTLED + SHORTEST_SECS * FPS]
    secs = sum(len(clip.curve) for clip in long) / FPS
    if secs < LEAST_SECS:
        raise OptionError(
            f"A style needs at least {LEAST_SECS:g} s of somebody who talks, in clips of {SHORTEST_SECS + 0.5:g} s or "
            f"more; there are {secs:.1f} s: {clips[0]}"
        )
    moves = tuple(np.round(manner_of([clip.curve for clip in long]), 4).tolist())
    style = _with_lips(MotionStyle(moves, secs=round(secs, 2), consent=consent.strip()), long)
    betas = [clip.betas for clip in long if clip.betas is not None]
    return replace(style, rest=_at_rest(long), betas=np.mean(betas, axis=0) if identity else None)


def _at_rest(clips: Sequence[_Clip]) -> dict[str, float]:
    controls = np.concatenate([clip.motion.expression[:, : len(CONTROLS)] for clip in clips])
    usual, rest = dict(zip(CONTROLS, np.median(controls, axis=0).tolist(), strict=True)), dict[str, float]()
    for name in RESTING:
        left, right = usual[f"{name}Left"], usual[f"{name}Right"]
        both = min(0.5 * (left + right), MOST_AT_REST)
        apart = float(np.clip(left - right, -MOST_APART, MOST_APART))
        for side, sign in (("Left", 0.5), ("Right", -0.5)):
            rest[f"{name}{side}"] = round(max(both + sign * apart, 0.0), 4)
    return {name: value for name, value in rest.items() if value > 0.0}


def keep_style(style: MotionStyle, path: str | Path) -> Path:
    """Write a `.style` file, signed by this installation; the same style and key give the same bytes.

    Raises:
        OptionError: no consent is stated, or the place is none for a style.
        OutputError, ProvenanceError, DependencyError: it cannot be written, or not be signed.
    """
    require_style_place(Path(path), style.consent)
    require_writable(Path(path))
    return write_own(style_arrays(style), Path(path))


def _with_lips(style: MotionStyle, clips: Sequence[_Clip]) -> MotionStyle:
    meter, seen = lip_meter(load_head()), list[SeenLips]()
    for clip in clips:
        if clip.sound is None:
            continue
        analysis, mels = heard_recording(clip.sound)
        times = frame_times(0, clip.motion.num_frames, fps=clip.motion.fps)
        spoken = times < analysis.duration_secs
        aims = meter.of_motion(clip.motion)
        seen.append(SeenLips(analysis, list(mels), times[spoken], aims[spoken]))
    if not seen:
        return style
    lips = learnt_lips(from_their_rest(seen), load_motion_net())
    return replace(style, habits=lips.habits, lips=lips.update)


def _played(clip: Path) -> _Clip:
    with open_motion(clip) as stream:
        if stream.info.basis != load_head().basis:
            raise OptionError(f"This motion is of another face model; give one of ours, or the film: {clip}")
        motion = joined_motion(list(resampled(stream, fps=FPS).blocks()))
    beside = [clip.with_suffix(suffix) for suffix in SOUNDS] + [clip.with_name(motion.info.speech_name or clip.name)]
    sound = next((path for path in beside if path.is_file() and path != clip), None)
    return _Clip(seen_of_performance(motion), motion, sound)


def _filmed(clip: Path, progress: Progress | None) -> _Clip:
    head = load_head()
    with watched(clip, progress=progress) as film:
        fitted = fit_film(film, head, progress=progress)
        info = MotionInfo(basis=head.basis, animator="capture")
        fps = round(film.facts.fps, 3)
        motion = taken(film, fitted, head, player=load_character("default"), info=info, fps=fps).motion
        sound = clip if film.facts.sound_secs else None
        return _Clip(_curve(film, fitted), motion, sound, betas=fitted.who.betas)


def _curve(film: Watched, fitted: FittedFilm) -> Float[Array, "frames channel=9"]:
    """Landmarks moved to where they lie on a head that stands still."""
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
