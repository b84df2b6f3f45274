"""Clips made of other clips, or of nothing.

Feeling put into neutral voices: pitch, its range and tremor, breath, tilt and loudness change, the timing stays. The
voice is taken apart and put together again by WORLD (Morise et al. 2016; the package pyworld). What a feeling does to a
voice follows Juslin & Laukka 2003 in direction; the amounts are choices.

Real lips once more, slower or faster: sound resampled by 0.8 to 1.3 (another throat), motion along with it.

Sound without speech: silence, noises, hum, breath, clicks and music, over a mouth at rest.
"""

import warnings
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from face_emote.audio.resampler import resample
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError
from face_emote.core.names import PHONES, SAMPLE_RATE_HZ
from face_emote.motion.mouth.viseme_table import CHANNELS, target_row
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.corpus.cache import NUM_LIPS, ClipData, Job, num_frames_of
from face_emote_lab.train.corpus.lips import cubic

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

    Of each group (clips, and the seconds that one of them has on average) SECS_EACH are taken, evenly.
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
    def make() -> ClipData:
        plain = clip.make()
        changed = with_feeling(plain.samples, change=FEELINGS[emotion], rng=np.random.default_rng([seed, 4]))
        return replace(plain, samples=changed)

    return replace(clip, name=f"{clip.name}_{emotion}", emotion=emotion, audio="", make=make)


STRETCH_RANGE = (0.8, 1.3)
SHARE_CHANNELS = ("rounding", "flare", "tongue", "closure", "tuck", "speech")


def stretched_jobs(jobs: list[Job]) -> list[Job]:
    """One copy of each training clip; the talker stays."""
    return [_stretched_job(clip, index=i) for i, clip in enumerate(jobs) if clip.split == "train"]


def stretched(clip: ClipData, *, factor: float) -> ClipData:
    """All times multiplied by about `factor` (rounded so that rates are multiples of 50 Hz)."""
    rate = round(SAMPLE_RATE_HZ / factor / 50.0) * 50
    exact = SAMPLE_RATE_HZ / rate
    samples = np.concatenate(list(resample([clip.samples], rate_in=rate)))
    last = len(clip.lips) - 1
    at = np.minimum(np.arange(num_frames_of(len(samples))) / exact, last)
    before, after = np.floor(at).astype(int), np.ceil(at).astype(int)
    lips = cubic(clip.lips, at=at)
    shares = [LIP_CHANNELS.index(name) for name in SHARE_CHANNELS]
    lips[:, shares] = np.clip(lips[:, shares], 0.0, 1.0)
    lips[:, 0] = np.maximum(lips[:, 0], min(float(clip.lips[:, 0].min()), 0.0))
    known = np.minimum(clip.known[before], clip.known[after])
    phones = clip.phones[np.minimum(np.round(at).astype(int), last)]
    return ClipData(samples=samples, lips=lips, known=known, phones=phones)


def _stretched_job(clip: Job, *, index: int) -> Job:
    factor = float(np.random.default_rng([index, 6]).uniform(*STRETCH_RANGE))
    name = f"{clip.name}_x{round(100 * factor):03d}"
    return replace(clip, name=name, audio="", make=lambda: stretched(clip.make(), factor=factor))


NUM_CLIPS = 80
CLIP_SECS = 6.0
SILENT_HELD_OUT_EVERY = 8
SILENT_KINDS = ("nothing", "white", "falling", "hum", "room", "breath", "clicks", "music", "wind", "beeps")


def silent_jobs() -> list[Job]:
    """Clips of each of SILENT_KINDS in turn."""
    return [_silent_job(index) for index in range(NUM_CLIPS)]


def sound_of(kind: str, *, num_samples: int, rng: np.random.Generator) -> Float[Array, " samples"]:
    """One of SILENT_KINDS, peak about 1 (but `nothing` is zero)."""
    t = np.arange(num_samples) / SAMPLE_RATE_HZ
    if kind == "nothing":
        return np.zeros(num_samples)
    if kind == "hum":
        base = float(rng.choice([50.0, 60.0, 120.0]))
        loud = rng.uniform(0.1, 1.0, size=8) / np.arange(1, 9)
        x = sum(a * np.sin(2.0 * np.pi * base * (k + 1) * t + rng.uniform(0.0, 6.28)) for k, a in enumerate(loud))
    elif kind in ("music", "beeps"):
        x = _notes(t, rng=rng, chord=3 if kind == "music" else 1)
    elif kind == "clicks":
        x = 0.003 * rng.normal(size=num_samples)
        for at in np.flatnonzero(rng.random(num_samples) < 3.0 / SAMPLE_RATE_HZ):
            part = x[at : at + 200]
            part += rng.uniform(0.2, 1.0) * rng.normal(size=len(part)) * np.exp(-np.arange(len(part)) / 40.0)
    else:
        slope = {"white": 0.0, "falling": 0.5, "room": 0.9, "wind": 1.2, "breath": 0.2}[kind]
        x = _noise(num_samples, slope=slope, rng=rng)
        if kind == "breath":
            x *= np.maximum(np.sin(2.0 * np.pi * rng.uniform(0.2, 0.45) * t + rng.uniform(0.0, 6.28)), 0.0) ** 2
        elif kind == "wind":
            x *= 0.3 + 0.7 * np.sin(2.0 * np.pi * rng.uniform(0.1, 0.4) * t) ** 2
    return np.asarray(x) / max(float(np.abs(x).max()), 1e-9)


def _noise(num_samples: int, *, slope: float, rng: np.random.Generator) -> Float[Array, " samples"]:
    """Gaussian, its amplitude falling with frequency to the power `slope`."""
    spectrum = np.fft.rfft(rng.normal(size=num_samples))
    hz = np.fft.rfftfreq(num_samples, 1.0 / SAMPLE_RATE_HZ)
    return np.fft.irfft(spectrum * (60.0 / np.maximum(hz, 60.0)) ** slope, num_samples)


def _notes(t: Float[Array, " samples"], *, rng: np.random.Generator, chord: int) -> Float[Array, " samples"]:
    out = np.zeros(len(t))
    start = 0.0
    while start < t[-1]:
        length = rng.uniform(0.15, 0.9)
        since = t - start
        envelope = np.clip(since / 0.02, 0.0, 1.0) * np.exp(-np.maximum(since, 0.0) / length) * (since >= 0.0)
        for _ in range(chord):
            hz = 110.0 * 2.0 ** (int(rng.integers(36)) / 12.0)
            for k in range(1, 6):
                if hz * k < SAMPLE_RATE_HZ / 2.2:
                    out += envelope * np.sin(2.0 * np.pi * hz * k * t) / k**1.5
        start += length
    return out


def _silent_job(index: int) -> Job:
    kind = SILENT_KINDS[index % len(SILENT_KINDS)]

    def make() -> ClipData:
        rng = np.random.default_rng([index, 5])
        num_samples = round(CLIP_SECS * SAMPLE_RATE_HZ)
        loud = 10.0 ** (rng.uniform(-60.0, -12.0) / 20.0)
        x = loud * sound_of(kind, num_samples=num_samples, rng=rng)
        if kind != "nothing":
            x += 10.0 ** (rng.uniform(-85.0, -65.0) / 20.0) * rng.normal(size=num_samples)
        num_frames = num_frames_of(num_samples)
        lips = np.zeros((num_frames, NUM_LIPS))
        lips[:, : len(CHANNELS)] = target_row("SIL")
        return ClipData(
            samples=np.clip(x, -1.0, 1.0).astype(np.float32),
            lips=lips,
            known=np.ones(lips.shape, np.uint8),
            phones=np.full(num_frames, PHONES.index("SIL"), np.uint8),
        )

    split = "test" if index % SILENT_HELD_OUT_EVERY == 0 else "train"
    return Job(name=f"{kind}_{index:03d}", talker="", language="", kind="silent", split=split, make=make)
