"""Short-time frames, log-mel energies and loudness, streamed. Frame i is centred on i / FEATURE_HZ seconds."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import FEATURE_HZ, SAMPLE_RATE_HZ

HOP = round(SAMPLE_RATE_HZ / FEATURE_HZ)
WINDOW = round(0.025 * SAMPLE_RATE_HZ)
FFT_SIZE = 512
NUM_BANDS = 40
LOW_HZ, HIGH_HZ = 60.0, 7600.0
GRID = 1024
"""Steps of a log-mel value (natural log) as `MelRows` keeps it: a row takes 80 bytes, lips change by 0.00001."""
FLOOR_DB = -90.0
CHUNK_FRAMES = 256
"""Frames computed at a time, always from a multiple of it on: results do not depend on how the sound was cut."""


def num_feature_frames(num_samples: int) -> int:
    """Frames that cover so many samples; the last one is centred inside the sound."""
    return max(1, -(-num_samples // HOP))


def frame_chunks(
    blocks: Iterable[Float[Array, " _samples"]], *, size: int
) -> Iterator[tuple[Float[Array, "_frames window"], int]]:
    """Cut 16 kHz sound into overlapping windows of `size` samples, one every 10 ms, centred on i * HOP.

    Yields:
        Always `CHUNK_FRAMES` windows, and how many of them are real: fewer in the last chunk, whose rest is
        silence. Before and after the sound everything is zero.
    """
    before = size // 2
    span = (CHUNK_FRAMES - 1) * HOP + size
    held = np.zeros(before, np.float32)
    num_samples, done = 0, 0
    for block in blocks:
        num_samples += len(block)
        held = np.concatenate([held, block])
        while len(held) >= span:
            yield _windows(held[:span], size), CHUNK_FRAMES
            held = held[CHUNK_FRAMES * HOP :]
            done += CHUNK_FRAMES
    total = num_feature_frames(num_samples)
    while done < total:
        padded = np.zeros(span, np.float32)
        padded[: min(len(held), span)] = held[:span]
        yield _windows(padded, size), min(CHUNK_FRAMES, total - done)
        held = held[CHUNK_FRAMES * HOP :]
        done += CHUNK_FRAMES


def _windows(samples: Float[Array, " span"], size: int) -> Float[Array, "frames window"]:
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::HOP]


def log_mel(windows: Float[Array, "frames window"]) -> Float[Array, "frames band"]:
    """Natural log of the energy in `NUM_BANDS` mel bands, of windows of `WINDOW` samples.

    A tone of full scale reaches about 0 in its band; the floor is -20 (silence).
    """
    spectrum = np.fft.rfft(windows * _hann(), FFT_SIZE)
    power = (spectrum.real**2 + spectrum.imag**2) * (4.0 / _hann().sum() ** 2)
    energies: Array = np.log(power.astype(np.float32) @ mel_filters() + np.float32(np.exp(-20.0)))
    return energies


def level_db(windows: Float[Array, "frames window"]) -> Float[Array, " frames"]:
    """RMS in dB relative to full scale, floored at -90."""
    power = np.einsum("ij,ij->i", windows, windows, dtype=np.float64) / windows.shape[1]
    level: Array = np.maximum(10.0 * np.log10(power + 1e-20), FLOOR_DB)
    return level


def log_mels(blocks: Iterable[Float[Array, " _samples"]]) -> Iterator[Float[Array, "_frames band"]]:
    """`log_mel` of a stream of 16 kHz blocks, in chunks of at most `CHUNK_FRAMES`."""
    for windows, real in frame_chunks(blocks, size=WINDOW):
        yield log_mel(windows)[:real]


class MelRows:
    """The log-mel rows of a sound, for whoever listens next: in chunks of `CHUNK_FRAMES`, 29 MB an hour."""

    def __init__(self) -> None:
        """Without a row."""
        self._chunks: list[Int[Array, "_frames band=40"]] = []

    def push(self, rows: Float[Array, "_frames band=40"]) -> None:
        """The next chunk: only the last one may be short."""
        self._chunks.append(np.rint(rows * np.float32(GRID)).astype(np.int16))

    def __iter__(self) -> Iterator[Float[Array, "_frames band=40"]]:
        """The chunks as they were pushed."""
        return (chunk * np.float32(1.0 / GRID) for chunk in self._chunks)


@lru_cache(maxsize=1)
def _hann() -> Float[Array, " window"]:
    """Hann window of odd symmetry about the centre sample, so that frames stand exactly on their instants."""
    phase = 2.0 * np.pi * (np.arange(WINDOW) - WINDOW // 2) / WINDOW
    return (0.5 + 0.5 * np.cos(phase)).astype(np.float32)


def mel_edges(low_hz: float, high_hz: float, *, bands: int) -> Float[Array, " edge"]:
    """Hertz at the feet and peaks of triangles between two frequencies, even in mel = 2595 log10(1 + f / 700)."""
    low, high = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (low_hz, high_hz))
    found: Array = 700.0 * (10.0 ** (np.linspace(low, high, bands + 2) / 2595.0) - 1.0)
    return found


@lru_cache(maxsize=1)
def mel_filters() -> Float[Array, "bin band"]:
    """Triangles that are equally wide in mel, each with the peak 1."""
    edges = mel_edges(LOW_HZ, HIGH_HZ, bands=NUM_BANDS)
    bins = np.arange(FFT_SIZE // 2 + 1)[:, None] * (SAMPLE_RATE_HZ / FFT_SIZE)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters: Array = np.clip(np.minimum(rising, falling), 0.0, None).astype(np.float32)
    return filters
