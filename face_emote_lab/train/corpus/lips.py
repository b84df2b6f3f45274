"""Lips as aims of our mouth: measured on a posed head, or taught by the animator's rules where nobody saw them.

Gap and width are in units of the distance between the outer corners of the eyes.
"""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.audio.logmel import WINDOW, frame_chunks, level_db
from face_emote.core.arrays import Array, Float, Int, UInt8
from face_emote.core.errors import HeadError
from face_emote.core.names import MOTION_HZ, PHONES
from face_emote.core.types import FaceMotion, Phone, Prosody, SpeechAnalysis
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.mouth.coarticulation import blend
from face_emote.motion.mouth.lip_contacts import phone_contacts
from face_emote.motion.mouth.lip_rig import lip_edges
from face_emote.motion.mouth.visemes import segments_from
from face_emote_lab.train.corpus.cache import NUM_LIPS, UNKNOWN_PHONE

REST_GAP = 0.006  # Of silent lips: the target of SIL in `motion.viseme_table`.
RANGE_PERCENT = (5.0, 95.0)
S1_GAP_RANGE = 0.143  # Of talker s1 of GRID between those percentiles; every talker is brought to it.
SCALE_LIMITS = (0.5, 2.0)
BLOCK = 512
UNKNOWN = "?"  # A sound without a counterpart in `names.PHONES`.
LONGEST_UNKNOWN_SECS = 0.15
"""A longer unknown sound is taken for silence by the teacher, a shorter one for a sound made with the tongue."""
LEAD_SECS = 0.0078  # The rules' tables were fitted to times as the aligner states them, which are this much too early.


@dataclass(frozen=True, slots=True, eq=False)
class LipMeter:
    """The measured points of one head."""

    points: Head  # Only upper middle, lower middle, right corner, left corner of the inner lips.
    unit_metres: float  # Distance between the outer corners of the eyes.
    rest_width: float  # Of the neutral mouth, in units of `unit_metres`.
    jaw_radians: float  # Rotation of the jaw at jawOpen 1.

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

        HeadError: the motion belongs to another face model.
        """
        if motion.info.basis != self.points.basis:
            raise HeadError(
                f"The motion belongs to face model '{motion.info.basis}', its lips are measured on "
                f"'{self.points.basis}'; make it on the bundled head"
            )
        return self.measure(motion.expression, jaw_pose=motion.jaw_pose)


def lip_meter(head: Head) -> LipMeter:
    """Points of the bundled head (any identity). HeadError: the head is an imported one, on which no lips are known."""
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


def cubic(rows: Float[Array, "rows column"], *, at: Float[Array, " frames"]) -> Float[Array, "frames column"]:
    """Rows at fractional positions 0..rows-1: Catmull-Rom, the end rows repeated."""
    padded = np.concatenate([rows[:1], rows, rows[-1:], rows[-1:]])
    first = np.minimum(np.floor(at).astype(int), len(rows) - 1)
    t = (at - first)[:, None]
    a, b, c, d = (padded[first + k] for k in range(4))
    bend = t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a))
    return np.asarray(b + 0.5 * t * (c - a + bend))


def phone_index(phones: tuple[Phone, ...], *, num_frames: int) -> UInt8[Array, " frames"]:
    """Index into `names.PHONES` at each i / 50 s; UNKNOWN_PHONE for unknown sounds."""
    ends = np.array([phone.end_secs for phone in phones])
    codes = np.array([PHONES.index(p.label) if p.label in PHONES else UNKNOWN_PHONE for p in phones], np.uint8)
    times = np.arange(num_frames) / MOTION_HZ
    return codes[np.minimum(np.searchsorted(ends, times, side="right"), len(phones) - 1)]


def teacher_lips(
    phones: tuple[Phone, ...], *, prosody: Prosody, duration_secs: float
) -> Float[Array, f"frames channel={NUM_LIPS}"]:
    """`config.LIP_CHANNELS` at 50 Hz for exactly known phones, gapless from 0 to the end.

    Unknown sounds count as made with the tongue, or as silence when long; loudness shapes the vowels, see
    `loudness_only`. The frames are ceil(50 duration).
    """
    heard = tuple(_spoken(phone) for phone in phones)
    analysis = SpeechAnalysis(duration_secs=duration_secs, phones=heard, prosody=prosody, pauses=(), aligned=True)
    times = np.arange(max(1, int(np.ceil(round(duration_secs * MOTION_HZ, 6))))) / MOTION_HZ + LEAD_SECS
    aims = blend(segments_from(analysis), times=times)
    contacts = phone_contacts(heard, frame_secs=1.0 / MOTION_HZ).at(times)
    return np.column_stack([aims.channels, *contacts, aims.speech])


def loudness_only(samples: Float[Array, " samples"]) -> Prosody:
    """Prosody in which only the loudness is measured (the rest is zero or NaN): all that the teacher needs."""
    chunks = [level_db(windows)[:real] for windows, real in frame_chunks([samples.astype(np.float32)], size=WINDOW)]
    level = np.concatenate(chunks).astype(np.float32)
    none = np.zeros(len(level), np.float32)
    return Prosody(level, np.full_like(level, np.nan), voiced=none, speaking=none, tremor=none)


def _spoken(phone: Phone) -> Phone:
    if phone.label != UNKNOWN:
        return phone
    short = phone.end_secs - phone.start_secs <= LONGEST_UNKNOWN_SECS
    return replace(phone, label="HH" if short else "SIL")
