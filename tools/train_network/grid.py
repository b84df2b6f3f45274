"""GRID talkers whose video was tracked: s1 (44 minutes) and eleven others (132 clips)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import CorpusError
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.corpus.cache import ClipData, Job
from tools.train_network.labels import SPHINX_LATE_SECS, Rows, phones_from, read_aligned, taught_clip
from tools.train_network.tracks import (
    VIDEO_FPS,
    TalkerScale,
    Track,
    aims_of,
    feature_range,
    read_tracks,
    silent_frames,
    talker_scale,
)

HELD_OUT_EVERY = 10
"""Every tenth clip of s1, in the file's order, is a test clip; the rules' tables were fitted to the others."""
FEW_CLIPS = 5
"""Talkers with fewer clips share one scale."""
SEEN = [LIP_CHANNELS.index(name) for name in ("gap", "width", "jaw")]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A tracked clip with its sound and phones."""

    talker: str
    sound: Path
    track: Track
    rows: Rows

    def silent(self) -> Bool[Array, " frames"]:
        """Video frames inside silences."""
        num_frames = len(self.track.features)
        phones = phones_from(self.rows, duration_secs=num_frames / VIDEO_FPS, late_secs=SPHINX_LATE_SECS)
        return silent_frames(phones, num_frames=num_frames)


def s1_recordings(data: Path) -> list[Recording]:
    """All tracked clips of talker s1 that have phones and sound."""
    return _recordings(data / "grid_s1", talker="s1", motion="motion_train.npz", phones="phones_train.json")


def other_recordings(data: Path) -> dict[str, list[Recording]]:
    """The same of each other talker."""
    folder = data / "grid_talkers"
    if not folder.is_dir():
        raise CorpusError(f"There is no such folder of talkers; check the data folder: {folder}")
    found = {
        path.name: _recordings(path, talker=path.name, motion="motion.npz", phones="phones.json")
        for path in sorted(folder.iterdir())
        if (path / "motion.npz").is_file()
    }
    return {talker: recordings for talker, recordings in found.items() if recordings}


def s1_jobs(data: Path) -> list[Job]:
    """Clips of s1; every tenth is a test clip."""
    recordings = s1_recordings(data)
    scale = _scale(recordings, spread=_range(recordings), reference=_range(recordings))
    return [
        _job(data, item, scale=scale, split="train" if i % HELD_OUT_EVERY else "test")
        for i, item in enumerate(recordings)
    ]


def talker_jobs(data: Path) -> list[Job]:
    """Clips of all other talkers, all `train`: which of them are held out is decided when training."""
    reference = _range(s1_recordings(data))
    talkers = other_recordings(data)
    few = [item for items in talkers.values() if len(items) < FEW_CLIPS for item in items]
    jobs: list[Job] = []
    for items in talkers.values():
        spread = _range(few if len(items) < FEW_CLIPS else items)
        scale = _scale(items, spread=spread, reference=reference)
        jobs.extend(_job(data, item, scale=scale, split="train") for item in items)
    return jobs


def captured_clip(recording: Recording, *, scale: TalkerScale) -> ClipData:
    """Real gap, width and jaw; what cannot be seen is the teacher's."""
    clip = taught_clip(read_speech(recording.sound).samples, rows=recording.rows, late_secs=SPHINX_LATE_SECS)
    aims = aims_of(recording.track.features, scale=scale, num_frames=len(clip.lips))
    clip.lips[:, SEEN], clip.known[:, SEEN] = aims
    return clip


def _job(data: Path, recording: Recording, *, scale: TalkerScale, split: str) -> Job:
    return Job(
        name=f"{recording.talker}_{recording.track.name}",
        talker=recording.talker,
        language="en",
        kind="capture",
        split=split,
        audio=recording.sound.relative_to(data).as_posix(),
        make=partial(captured_clip, recording, scale=scale),
    )


def _recordings(folder: Path, *, talker: str, motion: str, phones: str) -> list[Recording]:
    tracks = read_tracks(folder / motion)
    aligned = read_aligned(folder / phones)
    sounds = {path.stem: path for path in sorted((folder / "audio").glob("*"))}
    return [
        Recording(talker=talker, sound=sounds[track.name], track=track, rows=aligned[track.name])
        for track in tracks
        if track.name in sounds and track.name in aligned
    ]


def _scale(
    recordings: list[Recording], *, spread: Float[Array, " feature"], reference: Float[Array, " feature"]
) -> TalkerScale:
    return talker_scale(
        np.concatenate([item.track.features for item in recordings]),
        silent=np.concatenate([item.silent() for item in recordings]),
        spread=spread,
        reference=reference,
    )


def _range(recordings: list[Recording]) -> Float[Array, " feature"]:
    """Within talkers: each talker's values are taken from its own middle first."""
    talkers = sorted({item.talker for item in recordings})
    rows = [np.concatenate([item.track.features for item in recordings if item.talker == talker]) for talker in talkers]
    return feature_range([part - np.nanmedian(part, axis=0) for part in rows])
