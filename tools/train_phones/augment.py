"""What microphones, rooms and other throats do to a voice."""

import numpy as np

from face_emote.audio.resampler import resample
from face_emote.core.arrays import Array, Float
from face_emote.core.names import SAMPLE_RATE_HZ


def augmented(
    samples: Float[Array, " samples"], *, babble: Float[Array, " other"], rng: np.random.Generator
) -> tuple[Float[Array, " stretched"], float]:
    """A changed copy, and the factor by which its times are longer.

    Resampling by 0.82-1.25 (pitch, formants and tempo together), then by chance a room, a tilt of up to 6 dB an
    octave, a low-pass, noise at 3-35 dB below the speech, and a gain.
    """
    rate = int(SAMPLE_RATE_HZ * rng.uniform(0.82, 1.25)) // 50 * 50
    x = np.concatenate(list(resample([samples], rate_in=rate)))
    if rng.random() < 0.4:
        x = _in_a_room(x, rng)
    x = _shaped(x, rng)
    if rng.random() < 0.7:
        x = _noisy(x, babble, rng)
    gain = 10.0 ** (rng.uniform(-30.0, -1.0) / 20.0) / max(float(np.abs(x).max()), 1e-6)
    return (x * gain).astype(np.float32), SAMPLE_RATE_HZ / rate


def _in_a_room(x: Float[Array, " samples"], rng: np.random.Generator) -> Float[Array, " samples"]:
    """Exponentially decaying noise after the direct sound: reverberation time 0.1-0.6 s, 0-15 dB below it."""
    decay_secs = rng.uniform(0.1, 0.6)
    t = np.arange(int(decay_secs * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.normal(size=len(t)) * 10.0 ** (-3.0 * t / decay_secs)
    tail *= 10.0 ** (-rng.uniform(0.0, 15.0) / 20.0) / np.linalg.norm(tail)
    tail[: int(0.002 * SAMPLE_RATE_HZ)] = 0.0
    tail[0] = 1.0
    size = 1 << (len(x) + len(tail)).bit_length()
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail, size), size)[: len(x)]


def _shaped(x: Float[Array, " samples"], rng: np.random.Generator) -> Float[Array, " samples"]:
    size = 1 << len(x).bit_length()
    hz = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ)
    octaves = np.log2(np.maximum(hz, 100.0) / 1000.0)
    response = 10.0 ** (rng.uniform(-6.0, 6.0) * octaves / 20.0)
    if rng.random() < 0.25:
        response /= np.sqrt(1.0 + (hz / rng.uniform(3000.0, 7000.0)) ** 16)
    if rng.random() < 0.25:
        response *= np.sqrt(1.0 / (1.0 + (rng.uniform(60.0, 350.0) / np.maximum(hz, 1.0)) ** 8))
    return np.fft.irfft(np.fft.rfft(x, size) * response, size)[: len(x)]


def _noisy(
    x: Float[Array, " samples"], babble: Float[Array, " other"], rng: np.random.Generator
) -> Float[Array, " samples"]:
    kind = rng.integers(3)
    if kind == 0:
        noise = rng.normal(size=len(x))
    elif kind == 1:  # noise that falls with frequency
        spectrum = np.fft.rfft(rng.normal(size=len(x)))
        noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 20.0) ** 0.5, len(x))
    else:
        noise = np.resize(babble, len(x))
    low = 12.0 if kind == 2 else 3.0
    wanted = np.sqrt(np.mean(x**2)) * 10.0 ** (-rng.uniform(low, 35.0) / 20.0)
    out: Float[Array, " samples"] = x + noise * (wanted / max(float(np.sqrt(np.mean(noise**2))), 1e-9))
    return out
