"""Clips of a user's own data: measured faces of any talker, rate and units brought to the corpus's form.

Read here: a folder of sounds or films, each with a motion file (.npz) of this package beside it; `.txt` transcripts
help. Of a captured face only the frames are learnt from in which the lips were surely seen.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import CorpusError, MotionFileError
from face_emote.core.names import CONFIDENCE_AREAS, MOTION_HZ, SAMPLE_RATE_HZ
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote_lab.train.corpus.cache import NUM_LIPS, UNKNOWN_PHONE, ClipData, Job, num_frames_of
from face_emote_lab.train.corpus.lips import (
    RANGE_PERCENT,
    REST_GAP,
    S1_GAP_RANGE,
    SCALE_LIMITS,
    cubic,
    loudness_only,
    phone_index,
    teacher_lips,
)

HELD_OUT_EVERY = 10  # Every tenth clip of a talker, in order of name, is a test clip; an only one is learnt from.
RANGE_CLIPS = 20  # Clips of a talker from which its rest and range are taken.
MAX_LENGTH_GAP_SECS = 1.0  # How much shorter or longer than its sound a motion may be.
SURE = 0.5  # Confidence from which a captured face counts as seen.
LEAST_SEEN = 0.5  # Of a captured take; one that shows the lips for less of its time is left out.
LIPS = CONFIDENCE_AREAS.index("lower")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Gap, width and jaw of a face over time, in the units of `viseme_table.CHANNELS`, not yet scaled to a talker."""

    aims: Float[Array, "frames aim=3"]
    known: tuple[bool, bool, bool]
    fps: float
    seen: Bool[Array, " frames"] | None = None  # Which frames may be learnt from; None: all.


@dataclass(frozen=True, slots=True, eq=False)
class UserClip:
    """A recording that a user has."""

    name: str
    talker: str
    sound: Path
    measure: Callable[[], Measured]
    emotion: str = ""
    language: str = ""
    transcript: Path | None = None
    """English words; phones, and the channels that cannot be measured, are then known too."""


def user_jobs(clips: Sequence[UserClip], *, root: Path) -> list[Job]:
    """Jobs for the corpus. Raises CorpusError when there are no clips."""
    if not clips:
        raise CorpusError(f"No sound with a motion of the same name was found; check the layout of the folder: {root}")
    by_talker: dict[str, list[UserClip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda item: item.name):
        by_talker[clip.talker].append(clip)
    jobs: list[Job] = []
    for items in by_talker.values():
        scale = lru_cache(maxsize=1)(partial(talker_range, items))
        held_out = range(0, len(items), HELD_OUT_EVERY) if len(items) > 1 else ()
        jobs.extend(_job(clip, scale=scale, held_out=i in held_out) for i, clip in enumerate(items))
    return jobs


def talker_range(clips: Sequence[UserClip]) -> tuple[float, float, float]:
    """Gap at rest, width at rest, and the factor on the gap, from a talker's first clips."""
    found = [clip.measure() for clip in clips[:RANGE_CLIPS]]
    aims = np.concatenate([item.aims if item.seen is None else item.aims[item.seen] for item in found])
    low, high = np.percentile(aims[:, 0], RANGE_PERCENT)
    still = aims[aims[:, 0] <= np.percentile(aims[:, 0], 20.0)]
    factor = float(np.clip(S1_GAP_RANGE / max(high - low, 1e-6), *SCALE_LIMITS))
    return float(low), float(np.median(still[:, 1])), factor


def clip_of(clip: UserClip, *, measured: Measured, scale: tuple[float, float, float]) -> ClipData:
    """Bring a measured clip to 50 Hz and to the corpus's units.

    CorpusError: sound and motion differ in length by more than a second, or the motion is empty.
    """
    samples = read_speech(clip.sound).samples
    sound_secs, motion_secs = len(samples) / SAMPLE_RATE_HZ, len(measured.aims) / measured.fps
    if not len(measured.aims) or abs(sound_secs - motion_secs) > MAX_LENGTH_GAP_SECS:
        raise CorpusError(
            f"The sound lasts {sound_secs:.2f} s and its motion {motion_secs:.2f} s at {measured.fps:g} frames a "
            f"second; they must fit: {clip.sound}"
        )
    num_frames = num_frames_of(len(samples))
    at = np.arange(num_frames) * (measured.fps / MOTION_HZ)
    last = len(measured.aims) - 1
    aims = cubic(measured.aims, at=np.minimum(at, last))
    gap_rest, width_rest, factor = scale
    phones = np.full(num_frames, UNKNOWN_PHONE, np.uint8)
    lips, known = np.zeros((num_frames, NUM_LIPS)), np.zeros((num_frames, NUM_LIPS), np.uint8)
    if clip.transcript is not None:
        heard = analyse(clip.sound, transcript=clip.transcript).phones
        lips = teacher_lips(heard, prosody=loudness_only(samples), duration_secs=sound_secs)
        phones, known = phone_index(heard, num_frames=num_frames), np.ones((num_frames, NUM_LIPS), np.uint8)
    gap = np.maximum(REST_GAP + factor * (aims[:, 0] - gap_rest), 0.0)
    values = (gap, aims[:, 1] - width_rest, np.clip(aims[:, 2], 0.0, 1.0))
    learnt = at <= last + 1e-9
    if measured.seen is not None:
        before, after = (rounded(np.minimum(at, last)).astype(int) for rounded in (np.floor, np.ceil))
        learnt &= measured.seen[before] & measured.seen[after]
    for channel in np.flatnonzero(measured.known):
        lips[:, channel], known[:, channel] = values[channel], learnt
    return ClipData(samples=samples, lips=lips, known=known, phones=phones)


def sounds_in(folder: Path) -> dict[str, Path]:
    """Sound files by name without ending; raises CorpusError when the folder is missing."""
    if not folder.is_dir():
        raise CorpusError(f"There is no such folder; check the name and the layout: {folder}")
    endings = {".wav", ".flac", ".ogg", ".mp3", ".m4a", ".mp4", ".mov", ".mkv", ".webm", ".mpg"}
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in endings}


def _job(clip: UserClip, *, scale: Callable[[], tuple[float, float, float]], held_out: bool) -> Job:
    return Job(
        name=clip.name,
        talker=clip.talker,
        language=clip.language,
        kind="capture",
        split="test" if held_out else "train",
        emotion=clip.emotion,
        make=lambda: clip_of(clip, measured=clip.measure(), scale=scale()),
    )


def motion_jobs(folder: Path) -> list[Job]:
    """All sounds of the folder that have a motion of the same name. A sub-folder's name is the talker's.

    Captured takes in which the lips are hardly seen are left out; the log says how much is used. CorpusError: the
    folder is missing or holds no such pairs, or lips are hardly seen in any.
    """

    def clip(sound: Path) -> UserClip:
        words = sound.with_suffix(".txt")
        return UserClip(
            sound.stem,
            "user" if sound.parent == folder else sound.parent.name,
            sound=sound,
            measure=partial(measured_motion, sound.with_suffix(".npz")),
            transcript=words if words.is_file() else None,
        )

    pairs = [sound for sound in sounds_in(folder).values() if sound.with_suffix(".npz").is_file()]
    shares = {sound: _share_seen(sound.with_suffix(".npz")) for sound in pairs}
    used = [sound for sound in pairs if shares[sound] >= LEAST_SEEN]
    if len(used) < len(pairs) or min(shares.values(), default=1.0) < 1.0:
        seen = f", of which lips are surely seen for {np.mean([shares[sound] for sound in used]):.0%}" if used else ""
        unused = ", ".join(f"{sound.name} ({shares[sound]:.0%})" for sound in pairs if sound not in used)
        _log.info("%d of %d takes are used%s%s", len(used), len(pairs), seen, f"; left out: {unused}" if unused else "")
    if pairs and not used:
        raise CorpusError(f"Lips are surely seen for less than {LEAST_SEEN:.0%} of every take; film the face anew, "
                          f"without hands before it: {folder}")  # fmt: skip
    return user_jobs([clip(sound) for sound in used], root=folder)


def _share_seen(path: Path) -> float:
    """Of the frames, in how many the lips are seen; a file that cannot be read says so when it is measured."""
    try:
        seen = _seen(read_motion(path))
    except MotionFileError:
        return 1.0
    return 1.0 if seen is None else float(seen.mean())


def _seen(motion: FaceMotion) -> Bool[Array, " frames"] | None:
    return None if motion.confidence is None else motion.confidence[:, LIPS] >= SURE


def measured_motion(path: Path) -> Measured:
    """Gap, width and jaw of a motion on its own head.

    MotionFileError: the file is missing or damaged. CorpusError: the motion belongs to another face model.
    """
    motion = read_motion(path)
    head = load_head()
    if motion.info.basis != head.basis:
        raise CorpusError(f"The motion is for the face model {motion.info.basis}, not the bundled one: {path}")
    aims = lip_meter(head.with_identity(motion.betas.astype(np.float32))).of_motion(motion)
    return Measured(aims=aims, known=(True, True, True), fps=motion.fps, seen=_seen(motion))
