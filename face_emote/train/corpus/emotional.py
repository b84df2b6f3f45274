"""Feeling put into neutral voices: pitch, its range and tremor, breath, tilt and loudness change, the timing stays.

The voice is taken apart and put together again by WORLD (Morise et al. 2016; the package pyworld). What a feeling does
to a voice follows Juslin & Laukka 2003 in direction; the amounts are choices.
"""

import warnings
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.train.corpus.cache import ClipData, Job

FRAME_MS = 5.0
TREMOR_HZ = 5.5
TILT_PIVOT = 0.3
"""Share of the band up to 8 kHz at which the tilt leaves the level alone."""
PEAK = 0.98
SECS_EACH = 1200.0
"""Of each of the two kinds of clips that are given a feeling."""


@dataclass(frozen=True, slots=True)
class VoiceChange:
    """What a feeling does to a voice."""

    pitch: float = 1.0
    """Factor on the mean pitch."""
    pitch_range: float = 1.0
    """Factor on the pitch's distance from its mean, in octaves."""
    tremor: float = 0.0
    """Depth of a 5.5 Hz vibration of the pitch."""
    jitter: float = 0.0
    """Random change of the pitch from frame to frame."""
    breath: float = 0.0
    """0..1: share of the voice that turns to noise, more at high frequencies."""
    tilt_db: float = 0.0
    """Level at 8 kHz against that at 0."""
    gain_db: float = 0.0


FEELINGS = {
    "anger": VoiceChange(pitch=1.25, pitch_range=1.5, tilt_db=8.0, gain_db=5.0),
    "joy": VoiceChange(pitch=1.3, pitch_range=1.6, tilt_db=4.0, gain_db=2.0),
    "sadness": VoiceChange(pitch=0.92, pitch_range=0.6, tilt_db=-8.0, gain_db=-5.0, breath=0.25),
    "fear": VoiceChange(pitch=1.35, pitch_range=0.9, tremor=0.04, jitter=0.01, tilt_db=2.0),
    "disgust": VoiceChange(pitch=0.9, pitch_range=0.9, jitter=0.015, tilt_db=-2.0),
    "surprise": VoiceChange(pitch=1.4, pitch_range=1.9, gain_db=2.0),
}


def emotional_jobs(groups: list[tuple[list[Job], float]]) -> list[Job]:
    """Training clips said with feelings, the feelings taking turns.

    Args:
        groups: clips, and how long one of them is on average in seconds; SECS_EACH are taken of each group, evenly.
    """
    jobs: list[Job] = []
    for clips, mean_secs in groups:
        training = [clip for clip in clips if clip.split == "train"]
        count = min(len(training), round(SECS_EACH / mean_secs))
        chosen = [training[i * len(training) // count] for i in range(count)]
        names = list(FEELINGS)
        jobs.extend(_job(clip, emotion=names[i % len(names)], seed=i) for i, clip in enumerate(chosen))
    return jobs


def with_feeling(
    samples: Float[Array, " samples"], *, change: VoiceChange, rng: np.random.Generator
) -> Float[Array, " samples"]:
    """The same words at the same instants in a changed voice, 16 kHz, float32, as long as before.

    Raises:
        DependencyError: pyworld is not installed.
    """
    pyworld = _world()
    x = np.ascontiguousarray(samples, np.float64)
    rough, times = pyworld.dio(x, SAMPLE_RATE_HZ, frame_period=FRAME_MS)
    pitch = pyworld.stonemask(x, rough, times, SAMPLE_RATE_HZ)
    envelope = pyworld.cheaptrick(x, pitch, times, SAMPLE_RATE_HZ)
    noise_share = pyworld.d4c(x, pitch, times, SAMPLE_RATE_HZ)
    voiced = pitch > 0.0
    if voiced.any():
        mean = np.exp(np.log(pitch[voiced]).mean())
        moved = mean * change.pitch * (pitch[voiced] / mean) ** change.pitch_range
        shake = change.tremor * np.sin(2.0 * np.pi * TREMOR_HZ * times[voiced])
        pitch[voiced] = moved * (1.0 + shake + change.jitter * rng.normal(size=int(voiced.sum())))
    band = np.linspace(0.0, 1.0, envelope.shape[1])
    beat = 1.0 + 1.5 * change.tremor * np.sin(2.0 * np.pi * TREMOR_HZ * times + 0.7)
    envelope = envelope * (beat**2)[:, None] * 10.0 ** ((change.tilt_db * (band - TILT_PIVOT) + change.gain_db) / 10.0)
    noise_share = np.clip(noise_share + change.breath * (1.0 - noise_share) * band, 1e-3, 1.0)
    y = pyworld.synthesize(pitch, envelope, noise_share, SAMPLE_RATE_HZ, FRAME_MS)
    out = np.zeros(len(x))
    out[: len(y)] = y[: len(x)]
    return (out * min(1.0, PEAK / max(float(np.abs(out).max()), 1e-9))).astype(np.float32)


def _world() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it still asks for its version in an outdated way
            return import_module("pyworld")
    except ImportError as error:
        raise DependencyError(
            f"Emotional voices need pyworld: pip install pyworld 'setuptools>=77,<81' ({error})"
        ) from None


def _job(clip: Job, *, emotion: str, seed: int) -> Job:
    name = f"{clip.name}_{emotion}"

    def make() -> ClipData:
        plain = clip.make()
        changed = with_feeling(plain.samples, change=FEELINGS[emotion], rng=np.random.default_rng([seed, 4]))
        return replace(plain, name=name, samples=changed, emotion=emotion, audio="")

    return Job(name=name, make=make)
