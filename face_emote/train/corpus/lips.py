"""Lips that were seen as aims of our mouth: read off a posed head, or tracked in GRID's videos.

Tracked lips have the same rest and range for every talker, at 50 Hz.

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

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.errors import CorpusError, HeadError
from face_emote.core.reading import read_npz, words_of
from face_emote.core.types import FaceMotion, Phone
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.mouth.lip_rig import lip_edges

VIDEO_FPS = 25.0
FEATURES = ("gap", "inwidth", "jaw")
REST_GAP = 0.006
"""Of silent lips: the target of SIL in `motion.viseme_table`."""
RANGE_PERCENT = (5.0, 95.0)
S1_GAP_RANGE = 0.143
"""Of s1 between those percentiles."""
SCALE_LIMITS = (0.5, 2.0)
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


def cubic(rows: Float[Array, "rows column"], *, at: Float[Array, " frames"]) -> Float[Array, "frames column"]:
    """Rows at fractional positions 0..rows-1: Catmull-Rom, the end rows repeated."""
    padded = np.concatenate([rows[:1], rows, rows[-1:], rows[-1:]])
    first = np.minimum(np.floor(at).astype(int), len(rows) - 1)
    t = (at - first)[:, None]
    a, b, c, d = (padded[first + k] for k in range(4))
    bend = t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a))
    return np.asarray(b + 0.5 * t * (c - a + bend))


BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class LipMeter:
    """The measured points of one head."""

    points: Head
    """Only upper middle, lower middle, right corner, left corner of the inner lips."""
    unit_metres: float
    """Distance between the outer corners of the eyes."""
    rest_width: float
    """Of the neutral mouth, in units of `unit_metres`."""
    jaw_radians: float
    """Rotation of the jaw at jawOpen 1."""

    def measure(
        self, expression: Float[Array, "frames expr"], *, jaw_pose: Float[Array, "frames 3"]
    ) -> Float[Array, "frames aim=3"]:
        """Gap, width less that at rest, and jaw in jawOpen, as in `viseme_table.CHANNELS`."""
        out = np.empty((len(expression), 3))
        for first in range(0, len(expression), BLOCK):
            part = slice(first, first + BLOCK)
            places = self.points.pose_vertices(
                expression=expression[part].astype(np.float32), jaw_pose=jaw_pose[part].astype(np.float64)
            )
            out[part] = lip_aims(places, unit=self.unit_metres, rest_width=self.rest_width)
        out[:, 2] = jaw_pose[:, 0] / self.jaw_radians
        return out

    def of_controls(self, controls: Float[Array, "frames control"]) -> Float[Array, "frames aim=3"]:
        """The same on frames of `names.CONTROLS`."""
        pose = pose_from_controls(controls.astype(np.float32), control_joints=self.points.control_joints)
        return self.measure(pose.expression, jaw_pose=pose.jaw_pose)

    def of_motion(self, motion: FaceMotion) -> Float[Array, "frames aim=3"]:
        """The same of a motion, whichever way the head is turned.

        Raises:
            HeadError: the motion belongs to another face model.
        """
        if motion.info.basis != self.points.basis:
            raise HeadError(
                f"The motion belongs to face model '{motion.info.basis}', its lips are measured on "
                f"'{self.points.basis}'; make it on the bundled head"
            )
        return self.measure(motion.expression, jaw_pose=motion.jaw_pose)


def lip_meter(head: Head) -> LipMeter:
    """Points of the bundled head (any identity).

    Raises:
        HeadError: the head is an imported one, on which no lips are known.
    """
    edges = lip_edges(head)
    x = np.abs(head.template[:, 0])
    middle = [edges.upper[np.argmin(x[edges.upper])], edges.lower[np.argmin(x[edges.lower])]]
    index = np.array([*middle, edges.upper[0], edges.upper[-1]])
    angle = next(item.angle for item in head.control_joints if item.control == "jawOpen")
    return meter_at(head, index=index, eye_corners=edges.eye_corners, jaw_radians=float(angle))


def meter_at(
    head: Head, *, index: Int[Array, " four"], eye_corners: Int[Array, " two"], jaw_radians: float
) -> LipMeter:
    """A meter at given vertices: upper middle, lower middle, right corner, left corner."""
    unit = float(np.linalg.norm(head.template[eye_corners[0]] - head.template[eye_corners[1]]))
    width = float(np.linalg.norm(head.template[index[3]] - head.template[index[2]])) / unit
    return LipMeter(points=head.restricted_to(index), unit_metres=unit, rest_width=width, jaw_radians=jaw_radians)


def lip_aims(
    places: Float[Array, "frames point=4 3"], *, unit: float, rest_width: float
) -> Float[Array, "frames aim=3"]:
    """Gap and width of four points in units of the eye corners' distance; the third column is zero."""
    gap = (places[:, 0, 1] - places[:, 1, 1]) / unit
    width = np.linalg.norm(places[:, 3] - places[:, 2], axis=1) / unit - rest_width
    return np.column_stack([gap, width, np.zeros(len(places))]).astype(np.float64)
