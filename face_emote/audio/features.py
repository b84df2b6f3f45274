"""One pass over blocks of speech: log-mels, loudness, pitch, voicing, activity, tremor and timbre, every 10 ms."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.audio.activity import speaking_track
from face_emote.audio.logmel import NUM_BANDS, MelRows, frame_chunks, level_db, log_mel
from face_emote.audio.logmel import WINDOW as MEL_WINDOW
from face_emote.audio.pitch import WINDOW, Candidates, pitch_candidates, track_pitch
from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ, NUM_CEPSTRA
from face_emote.core.types import Prosody

LEVEL_WINDOW = MEL_WINDOW  # Samples of the level's window (25 ms), the middle of the pitch window.
TIMBRE_RANGE = 10.0
"""Bands this far (43 dB, in nats) below the loudest one of their frame count as silent, whatever noise is in them."""
TREMOR_SPAN = 100  # Frames: tremor is judged over 1 s.
TREMOR_STEP = 10
TREMOR_BAND_HZ = (4.0, 8.0)
TREMOR_DEPTH = 0.35  # Semitones RMS at which a purely periodic pitch modulation counts as full tremor.


@dataclass(frozen=True, slots=True, eq=False)
class SoundFeatures:
    """What one pass over a sound gives to everybody who listens."""

    prosody: Prosody
    mels: MelRows


def features_of(blocks: Iterable[Float[Array, " _samples"]]) -> SoundFeatures:
    """Features of a stream of 16 kHz mono blocks. They do not depend on how the stream is cut; 50 MB an hour."""
    levels: list[Float[Array, " _frames"]] = []
    timbres: list[Float[Array, "_frames cepstrum"]] = []
    mels = MelRows()

    def candidates() -> Iterable[Candidates]:
        middle = slice((WINDOW - LEVEL_WINDOW) // 2, (WINDOW + LEVEL_WINDOW) // 2)
        for windows, real in frame_chunks(blocks, size=WINDOW):
            inner = windows[:, middle]
            rows = log_mel(inner)[:real]
            mels.push(rows)
            timbres.append(timbre_of(rows))
            level = level_db(inner)
            levels.append(level[:real].astype(np.float32))
            hz, strength = pitch_candidates(windows, level)
            yield hz[:real], strength[:real]

    tracks = [(f0.astype(np.float32), voiced.astype(np.float32)) for f0, voiced in track_pitch(candidates())]
    f0, voiced = (np.concatenate(parts) for parts in zip(*tracks, strict=True))
    level = np.concatenate(levels)
    speaking = speaking_track(level, voiced).astype(np.float32)
    silent = speaking < 0.5
    f0, voiced = np.where(silent, np.float32(np.nan), f0), np.where(silent, np.float32(0.0), voiced)
    prosody = Prosody(
        loudness_db=level, f0_hz=f0, voiced=voiced, speaking=speaking, tremor=tremor_track(f0),
        timbre=np.concatenate(timbres),
    )  # fmt: skip
    return SoundFeatures(prosody, mels)


def prosody_of(blocks: Iterable[Float[Array, " _samples"]]) -> Prosody:
    """The prosody alone."""
    return features_of(blocks).prosody


def timbre_of(log_mels: Float[Array, "frames band=40"]) -> Float[Array, "frames cepstrum"]:
    """Shape of the spectrum without its level: cosine coefficients 1.. of the log-mels, float16."""
    heard = np.maximum(log_mels, log_mels.max(axis=1, keepdims=True) - np.float32(TIMBRE_RANGE))
    timbre: Array = (heard @ cepstral_basis()).astype(np.float16)
    return timbre


@lru_cache(maxsize=1)
def cepstral_basis() -> Float[Array, "band=40 cepstrum"]:
    """Orthonormal cosines; its transpose leads back to log-mels of mean 0."""
    phase = np.pi * np.outer(np.arange(NUM_BANDS) + 0.5, np.arange(1, NUM_CEPSTRA + 1)) / NUM_BANDS
    return np.asarray(np.cos(phase) * np.sqrt(2.0 / NUM_BANDS), np.float32)


def tremor_track(f0_hz: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """Strength of 4-8 Hz modulation of the pitch, 0..1.

    Over each second that is mostly voiced: the share of 4-8 Hz in the modulation spectrum (1-16 Hz) of the pitch in
    semitones after its trend is removed, beyond the half that plain intonation reaches, times the depth. 0 elsewhere.
    """
    num = len(f0_hz)
    known = np.isfinite(f0_hz)
    if known.sum() < TREMOR_SPAN // 2:
        return np.zeros(num, np.float32)
    frames = np.arange(num)
    semitones = 12.0 * np.interp(frames, frames[known], np.log2(f0_hz[known], dtype=np.float64))
    pad = TREMOR_SPAN // 2
    centres = np.arange(0, num, TREMOR_STEP)
    pitch = np.lib.stride_tricks.sliding_window_view(np.pad(semitones, pad, mode="edge"), TREMOR_SPAN)
    voiced = np.lib.stride_tricks.sliding_window_view(np.pad(known, pad), TREMOR_SPAN)
    values = [
        _tremor(pitch[part], voiced[part].mean(axis=1))
        for part in np.split(centres, np.arange(2048, len(centres), 2048))
    ]
    tremor: Array = np.interp(frames, centres, np.concatenate(values)).astype(np.float32)
    return tremor


def _tremor(pitch: Float[Array, "spans frames"], share_voiced: Float[Array, " spans"]) -> Float[Array, " spans"]:
    time = np.linspace(-1.0, 1.0, TREMOR_SPAN)
    trend = np.linalg.qr(np.vander(time, 3))[0]
    flat = pitch - (pitch @ trend) @ trend.T
    window = np.hanning(TREMOR_SPAN)
    power = np.abs(np.fft.rfft(flat * window, axis=1)) ** 2 * (2.0 / (window**2).sum() / TREMOR_SPAN)
    hz = np.fft.rfftfreq(TREMOR_SPAN, 1.0 / FEATURE_HZ)
    inside = power[:, (hz >= TREMOR_BAND_HZ[0]) & (hz <= TREMOR_BAND_HZ[1])].sum(axis=1)
    around = power[:, (hz >= 1.0) & (hz <= 16.0)].sum(axis=1)
    share = np.clip((inside / np.maximum(around, 1e-9) - 0.5) / 0.4, 0.0, 1.0)
    depth = np.clip(np.sqrt(inside) / TREMOR_DEPTH, 0.0, 1.0)
    strength: Array = share * depth * np.clip((share_voiced - 0.5) / 0.3, 0.0, 1.0)
    return strength
