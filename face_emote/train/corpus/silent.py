"""Sound without speech: silence, noises, hum, breath, clicks and music, over a mouth at rest."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import PHONES, SAMPLE_RATE_HZ
from face_emote.motion.mouth.viseme_table import CHANNELS, target_row
from face_emote.train.corpus.cache import NUM_LIPS, ClipData, Job, num_frames_of

NUM_CLIPS = 80
CLIP_SECS = 6.0
HELD_OUT_EVERY = 8
KINDS = ("nothing", "white", "falling", "hum", "room", "breath", "clicks", "music", "wind", "beeps")


def silent_jobs(num_clips: int = NUM_CLIPS) -> list[Job]:
    """Clips of each of KINDS in turn."""
    return [_job(index) for index in range(num_clips)]


def sound_of(kind: str, *, num_samples: int, rng: np.random.Generator) -> Float[Array, " samples"]:
    """One of KINDS, peak about 1 (but `nothing` is zero)."""
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


def _job(index: int) -> Job:
    kind = KINDS[index % len(KINDS)]
    name = f"{kind}_{index:03d}"
    split = "test" if index % HELD_OUT_EVERY == 0 else "train"

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
            name=name, talker="", language="", kind="silent", split=split,
            samples=np.clip(x, -1.0, 1.0).astype(np.float32), lips=lips,
            known=np.ones(lips.shape, np.uint8), phones=np.full(num_frames, PHONES.index("SIL"), np.uint8),
        )  # fmt: skip

    return Job(name=name, make=make, split=split)
