"""The rules animator as teacher of the expression path: what the face does for an emotion and a voice.

Targets hold only what can be known from the emotion and the sound. The animator's seeded noise (wandering strength,
dice of blinks, nods and leaks) is left to the procedural layers, which make it for the network's answers too.
"""

from collections.abc import Iterator

import numpy as np

from face_emote.core.arrays import Array, Float, Int, UInt8
from face_emote.core.names import CONTROLS, FEATURE_HZ, MOTION_HZ, PHONES
from face_emote.core.types import EmotionPlan, EmotionTrack, Pause, PerformanceStyle, Phone, Prosody, SpeechAnalysis
from face_emote.emotion.track import track
from face_emote.motion.events.cues import SpeechCues, speech_cues
from face_emote.motion.feeling.affect import frown_of
from face_emote.motion.feeling.blood import blood_drives
from face_emote.motion.feeling.dynamics import LEAD_SECS, step_mood
from face_emote.motion.feeling.expression import REST_BREATH_HZ, emotion_bias, expression_controls
from face_emote.motion.feeling.wrinkles import RESIDUAL
from face_emote.network.config import EXPRESSION_CONTROLS, NUM_EXPRESSION_OUTPUTS
from face_emote_lab.train.corpus.cache import UNKNOWN_PHONE

Labels = Int[Array, " frames"] | UInt8[Array, " frames"]
"""Index into `names.PHONES` on each frame, 255 unknown."""
SYMMETRIC = PerformanceStyle(asymmetry=0.0)
"""Asymmetry is the animator's slider, and is put on after the network."""
_COLUMNS = np.array([CONTROLS.index(name) for name in EXPRESSION_CONTROLS])


def plan_track(plan: EmotionPlan, *, num_frames: int) -> EmotionTrack:
    """The emotion that the network is shown at each motion frame.

    The plan is read `LEAD_SECS` ahead, as the animator does, so that an emotion has arrived at its key. A plan that
    reads the voice (`auto`) is not taken.
    """
    last = (num_frames - 1) / MOTION_HZ
    times = np.clip(np.arange(num_frames) / MOTION_HZ + LEAD_SECS, 0.0, max(last, 0.0))
    return track(plan, times=times, fps=MOTION_HZ)


def expression_targets(
    emotion: EmotionTrack, cues: SpeechCues
) -> Float[Array, f"frames output={NUM_EXPRESSION_OUTPUTS}"]:
    """What the expression path should answer at each motion frame (50 Hz, from the clip's start).

    `emotion` is what the network is shown (`plan_track`). float32: 47 controls, 10 bearings, 16 wrinkle residuals, 4
    blood drives, 3 voice tracks.
    """
    times = np.arange(len(emotion.intensity)) / MOTION_HZ
    mood, _ = step_mood(emotion, None, step_hz=MOTION_HZ)
    controls = expression_controls(mood, style=SYMMETRIC)
    bias = emotion_bias(mood)
    bearing = np.stack(
        [
            frown_of(mood), bias.motion_energy, bias.head_pitch, bias.head_yaw, bias.head_roll, bias.gaze_pitch,
            bias.gaze_avert, bias.gaze_scan, bias.blink_factor, bias.breath_rate_hz / REST_BREATH_HZ,
        ],
        axis=1,
    )  # fmt: skip
    voice = np.stack([cues.accents_at(times), cues.activity_at(times), cues.energy_at(times)], axis=1)
    parts = [controls[:, _COLUMNS], bearing, controls @ RESIDUAL, blood_drives(mood), voice]
    return np.concatenate(parts, axis=1).astype(np.float32)


def cues_from_mels(mels: Float[Array, "rows band=40"], phones: Labels) -> SpeechCues:
    """Cues of a corpus clip from its raw log-mels (100 Hz) and phones (50 Hz, 255 unknown)."""
    return speech_cues(analysis_from_mels(mels, phones))


def analysis_from_mels(mels: Float[Array, "rows band=40"], phones: Labels) -> SpeechAnalysis:
    """What a corpus clip's log-mels and phones tell of it.

    Loudness is that of the mel bands; pitch is not known, so accents follow loudness and length. Where no phone is
    known, speech and silence differ by their level, and has no accents.
    """
    power = np.exp(np.asarray(mels, np.float64)).mean(axis=1)
    loudness = np.maximum(10.0 * np.log10(power + 1e-12), -90.0)
    none = np.zeros(len(loudness), np.float32)
    prosody = Prosody(loudness.astype(np.float32), np.full_like(none, np.nan), voiced=none, speaking=none, tremor=none)
    labels = np.where(phones == UNKNOWN_PHONE, -1, phones.astype(np.int64))
    if (labels < 0).any():
        labels[labels < 0] = _PLAIN_SPEECH * _audible(loudness, num_frames=len(phones))[labels < 0]
    duration = len(phones) / MOTION_HZ
    runs = tuple(_runs(labels))
    pauses = tuple(
        Pause(phone.start_secs, phone.end_secs)
        for phone in runs
        if phone.label == "SIL" and 0.0 < phone.start_secs and phone.end_secs < duration
    )
    return SpeechAnalysis(duration, runs, prosody, pauses, True)


_PLAIN_SPEECH = PHONES.index("S")
"""Stands for speech of unknown sound: no vowel, so no accent is made up."""


def _audible(loudness_db: Float[Array, " rows"], *, num_frames: int) -> Array:
    """Frames within 30 dB of the clip's loud ones, and above -60 dB."""
    limit = max(float(np.percentile(loudness_db, 95.0)) - 30.0, -60.0)
    times = np.arange(num_frames) / MOTION_HZ
    return np.asarray(np.interp(times, np.arange(len(loudness_db)) / FEATURE_HZ, loudness_db) > limit)


def _runs(labels: Int[Array, " frames"]) -> Iterator[Phone]:
    starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]])) if len(labels) else np.zeros(0, int)
    ends = np.append(starts[1:], len(labels))
    for start, end in zip(starts, ends, strict=True):
        yield Phone(PHONES[labels[start]], start / MOTION_HZ, end / MOTION_HZ)
