"""Clips of a user's own data: measured faces of any talker, rate and units brought to the corpus's form.

Read here: a folder of sound files, each with a motion file (.npz) of this package beside it; `.txt` transcripts help.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CorpusError
from face_emote.core.names import MOTION_HZ, SAMPLE_RATE_HZ
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.train.corpus.cache import NUM_LIPS, UNKNOWN_PHONE, ClipData, Job, num_frames_of
from face_emote.train.corpus.lips import (
    RANGE_PERCENT,
    REST_GAP,
    S1_GAP_RANGE,
    SCALE_LIMITS,
    cubic,
    lip_meter,
    loudness_only,
    phone_index,
    teacher_lips,
)

HELD_OUT_EVERY = 10
"""Every tenth clip of a talker, in order of name, is a test clip."""
RANGE_CLIPS = 20
"""Clips of a talker from which its rest and range are taken."""
MAX_LENGTH_GAP_SECS = 1.0
"""How much shorter or longer than its sound a motion may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Gap, width and jaw of a face over time, in the units of `viseme_table.CHANNELS`, not yet scaled to a talker."""

    aims: Float[Array, "frames aim=3"]
    known: tuple[bool, bool, bool]
    fps: float


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
        jobs.extend(_job(clip, scale=scale, held_out=i % HELD_OUT_EVERY == 0) for i, clip in enumerate(items))
    return jobs


def talker_range(clips: Sequence[UserClip]) -> tuple[float, float, float]:
    """Gap at rest, width at rest, and the factor on the gap, from a talker's first clips."""
    aims = np.concatenate([clip.measure().aims for clip in clips[:RANGE_CLIPS]])
    low, high = np.percentile(aims[:, 0], RANGE_PERCENT)
    still = aims[aims[:, 0] <= np.percentile(aims[:, 0], 20.0)]
    factor = float(np.clip(S1_GAP_RANGE / max(high - low, 1e-6), *SCALE_LIMITS))
    return float(low), float(np.median(still[:, 1])), factor


def clip_of(clip: UserClip, *, measured: Measured, scale: tuple[float, float, float]) -> ClipData:
    """Bring a measured clip to 50 Hz and to the corpus's units.

    Raises:
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
    for channel in np.flatnonzero(measured.known):
        lips[:, channel], known[:, channel] = values[channel], at <= last + 1e-9
    return ClipData(samples=samples, lips=lips, known=known, phones=phones)


def sounds_in(folder: Path) -> dict[str, Path]:
    """Sound files by name without ending; raises CorpusError when the folder is missing."""
    if not folder.is_dir():
        raise CorpusError(f"There is no such folder; check the name and the layout: {folder}")
    endings = {".wav", ".flac", ".ogg", ".mp3", ".m4a", ".mp4"}
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

    Raises:
        CorpusError: the folder is missing or holds no such pairs.
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

    sounds = sounds_in(folder).values()
    return user_jobs([clip(sound) for sound in sounds if sound.with_suffix(".npz").is_file()], root=folder)


def measured_motion(path: Path) -> Measured:
    """Gap, width and jaw of a motion on its own head.

    Raises:
        MotionFileError: the file is missing or damaged.
        CorpusError: the motion belongs to another face model.
    """
    motion = read_motion(path)
    head = load_head()
    if motion.info.basis != head.basis:
        raise CorpusError(f"The motion is for the face model {motion.info.basis}, not the bundled one: {path}")
    aims = lip_meter(head.with_identity(motion.betas.astype(np.float32))).of_motion(motion)
    return Measured(aims=aims, known=(True, True, True), fps=motion.fps)
