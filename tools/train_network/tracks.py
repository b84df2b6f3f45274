"""Lips that were tracked in GRID's videos, as aims of our mouth: the same rest and range for every talker, at 50 Hz.

The trackers' features are in units of the distance between the outer corners of the eyes, as our gap and width are.
Faces differ in how far their lips part and how well a tracker sees them meet, so each talker is brought to talker s1:

    gap   = REST_GAP + scale (gap - its 5th percentile),   scale = range of s1 / range of the talker (5..95 %)
    width = inner width - its median in silences
    jaw   = JAW_SLOPE scale_jaw (jaw - its median in silences)

Talkers with few clips share one scale, taken from all of them together.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import CorpusError
from face_emote.core.reading import read_npz, words_of
from face_emote.core.types import Phone
from face_emote_lab.train.corpus.lips import RANGE_PERCENT, REST_GAP, SCALE_LIMITS, cubic

VIDEO_FPS = 25.0
FEATURES = ("gap", "inwidth", "jaw")
JAW_SLOPE = 2.82
"""jawOpen per unit of the tracked jaw: the quotient of the spreads of taught and real jaws of s1 (they correlate at
0.86), so that real ones move as far."""
SPIKE = (0.12, 0.05, 0.05)
"""A value that is so far from the median of the five around it is the tracker's mistake, by feature."""
SILENCE_MARGIN_SECS = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The lips of one clip as they were tracked."""

    name: str
    features: Float[Array, "frames feature=3"]
    """FEATURES at 25 fps; video frame k stands at k / 25 s."""


@dataclass(frozen=True, slots=True)
class TalkerScale:
    """How a talker's features become aims: (value - rest) * factor, plus REST_GAP for the gap."""

    rest: tuple[float, float, float]
    factor: tuple[float, float, float]


def read_tracks(path: Path) -> list[Track]:
    """All clips of a motion file of the tracker.

    Raises:
        CorpusError: the file is missing, damaged or has no lip features.
    """
    try:
        arrays = read_npz(path, names=("clips", "feat_names", "feat"))
        names = list(words_of(arrays["clips"]))
        columns = [words_of(arrays["feat_names"]).index(name) for name in FEATURES]
        values = arrays["feat"][..., columns].astype(np.float64)
    except OSError as error:
        raise CorpusError(f"The tracked lips cannot be read ({error.strerror or error}); check it: {path}") from None
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise CorpusError(f"These are not tracked lips ({error}); check the data folder: {path}") from None
    if values.ndim != 3 or len(values) != len(names):
        raise CorpusError(f"{len(names)} clips and features of shape {values.shape} do not fit; check it: {path}")
    return [Track(name=name, features=rows) for name, rows in zip(names, values, strict=True)]


def silent_frames(phones: tuple[Phone, ...], *, num_frames: int) -> Bool[Array, " frames"]:
    """Video frames inside silences, away from speech."""
    times = np.arange(num_frames) / VIDEO_FPS
    out = np.zeros(num_frames, bool)
    for phone in phones:
        if phone.label == "SIL":
            out |= (times >= phone.start_secs) & (times <= phone.end_secs - SILENCE_MARGIN_SECS)
    return out


def feature_range(tracks: list[Float[Array, "frames feature=3"]]) -> Float[Array, " feature=3"]:
    """Distance of the percentiles RANGE_PERCENT of each feature over all frames."""
    low, high = np.nanpercentile(np.concatenate(tracks), RANGE_PERCENT, axis=0)
    return np.asarray(high - low)


def talker_scale(
    features: Float[Array, "frames feature=3"],
    *,
    silent: Bool[Array, " frames"],
    spread: Float[Array, " feature=3"],
    reference: Float[Array, " feature=3"],
) -> TalkerScale:
    """Rest and range of a talker, from all its clips, against those of the reference.

    `spread` is the `feature_range` of the talker, or of all talkers that share a scale; `reference` that of s1.
    """
    quiet = features[silent] if silent.any() else features
    rest = (
        float(np.nanpercentile(features[:, 0], RANGE_PERCENT[0])),
        float(np.nanmedian(quiet[:, 1])),
        float(np.nanmedian(quiet[:, 2])),
    )
    factor = np.clip(reference / np.maximum(spread, 1e-6), *SCALE_LIMITS)
    return TalkerScale(rest=rest, factor=(float(factor[0]), 1.0, JAW_SLOPE * float(factor[2])))


def aims_of(
    track: Float[Array, "video_frames feature=3"], *, scale: TalkerScale, num_frames: int
) -> tuple[Float[Array, "frames aim=3"], Bool[Array, "frames aim=3"]]:
    """Gap, width and jaw at 50 Hz (cubic between video frames), and where they were seen.

    Unknown: frames next to a lost or jumping one, and everything after the video's end (the last value is held).
    """
    good = sound_frames(track)
    steps = np.arange(len(track), dtype=np.float64)
    columns = zip(track.T, good.T, strict=True)
    clean = np.column_stack(
        [np.interp(steps, steps[ok], column[ok]) if ok.any() else np.zeros(len(track)) for column, ok in columns]
    )
    aims = (clean - scale.rest) * scale.factor + (REST_GAP, 0.0, 0.0)
    at = np.arange(num_frames) * (VIDEO_FPS / 50.0)
    last = len(track) - 1
    seen = (at <= last + 1e-9)[:, None] & good[np.minimum(np.floor(at).astype(int), last)]
    seen &= good[np.minimum(np.ceil(at).astype(int), last)]
    out = cubic(aims, at=np.minimum(at, last))
    out[:, 0] = np.maximum(out[:, 0], 0.0)
    out[:, 2] = np.clip(out[:, 2], 0.0, 1.0)
    return out, seen


def sound_frames(track: Float[Array, "frames feature=3"]) -> Bool[Array, "frames feature=3"]:
    """False where the tracker lost the face or jumped for a frame."""
    filled = np.where(np.isfinite(track), track, 0.0)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(filled, ((2, 2), (0, 0)), mode="edge"), 5, axis=0)
    return np.asarray(np.isfinite(track) & (np.abs(filled - np.median(around, axis=-1)) <= SPIKE))
