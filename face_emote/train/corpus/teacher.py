"""The phone-to-lip teacher: the rules of the animator say what the lips do in speech whose lips nobody saw."""

from dataclasses import replace

import numpy as np

from face_emote.audio.logmel import WINDOW, frame_chunks, level_db
from face_emote.core.arrays import Array, Float
from face_emote.core.names import MOTION_HZ
from face_emote.core.types import Phone, Prosody, SpeechAnalysis
from face_emote.motion.mouth.coarticulation import blend
from face_emote.motion.mouth.lip_contacts import closures, strength, tucks
from face_emote.motion.mouth.visemes import merged, segments_from
from face_emote.train.corpus.cache import NUM_LIPS
from face_emote.train.corpus.timed_phones import LONGEST_UNKNOWN_SECS, UNKNOWN

LEAD_SECS = 0.0078
"""The rules' tables were fitted to times as the aligner states them, which are this much too early."""


def teacher_lips(
    phones: tuple[Phone, ...], *, prosody: Prosody, duration_secs: float
) -> Float[Array, f"frames channel={NUM_LIPS}"]:
    """`channels.LIP_CHANNELS` at 50 Hz for exactly known phones.

    Args:
        phones: gapless from 0 to the end; unknown sounds count as made with the tongue, or as silence when long.
        prosody: loudness shapes the vowels; see `loudness_only`.
        duration_secs: of the sound; the frames are ceil(50 duration).
    """
    heard = tuple(_spoken(phone) for phone in phones)
    analysis = SpeechAnalysis(duration_secs=duration_secs, phones=heard, prosody=prosody, pauses=(), aligned=True)
    times = np.arange(max(1, int(np.ceil(round(duration_secs * MOTION_HZ, 6))))) / MOTION_HZ + LEAD_SECS
    aims = blend(segments_from(analysis), times=times)
    runs = merged(heard)
    contacts = [strength(find(runs, frame_secs=1.0 / MOTION_HZ), times=times) for find in (closures, tucks)]
    return np.column_stack([aims.channels, *contacts, aims.speech])


def loudness_only(samples: Float[Array, " samples"]) -> Prosody:
    """Prosody in which only the loudness is measured (the rest is zero or NaN): all that the teacher needs."""
    chunks = [level_db(windows)[:real] for windows, real in frame_chunks([samples.astype(np.float32)], size=WINDOW)]
    level = np.concatenate(chunks).astype(np.float32)
    none = np.zeros(len(level), np.float32)
    return Prosody(loudness_db=level, f0_hz=np.full(len(level), np.nan, np.float32), voiced=none, speaking=none,
                   tremor=none)  # fmt: skip


def _spoken(phone: Phone) -> Phone:
    if phone.label != UNKNOWN:
        return phone
    short = phone.end_secs - phone.start_secs <= LONGEST_UNKNOWN_SECS
    return replace(phone, label="HH" if short else "SIL")
