"""Lips as aims of our mouth: measured on a posed head, or taught by the animator's rules where nobody saw them.

Gap and width are in units of the distance between the outer corners of the eyes.
"""

from dataclasses import replace

import numpy as np

from face_emote.audio.logmel import WINDOW, frame_chunks, level_db
from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.names import MOTION_HZ, PHONES
from face_emote.core.types import Phone, Prosody, SpeechAnalysis
from face_emote.motion.mouth.coarticulation import blend
from face_emote.motion.mouth.lip_contacts import phone_contacts
from face_emote.motion.mouth.visemes import segments_from
from face_emote_lab.train.corpus.cache import NUM_LIPS, UNKNOWN_PHONE

REST_GAP = 0.006  # Of silent lips: the target of SIL in `motion.viseme_table`.
RANGE_PERCENT = (5.0, 95.0)
S1_GAP_RANGE = 0.143  # Of talker s1 of GRID between those percentiles; every talker is brought to it.
SCALE_LIMITS = (0.5, 2.0)
UNKNOWN = "?"  # A sound without a counterpart in `names.PHONES`.
LONGEST_UNKNOWN_SECS = 0.15
"""A longer unknown sound is taken for silence by the teacher, a shorter one for a sound made with the tongue."""
LEAD_SECS = 0.0078  # The rules' tables were fitted to times as the aligner states them, which are this much too early.


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
