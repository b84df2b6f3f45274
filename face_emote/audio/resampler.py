"""One streaming resampler: any rate to 16 kHz by a polyphase windowed sinc, the same bits however the sound is cut."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import SAMPLE_RATE_HZ

STOPBAND_DB = 80.0
PASSBAND_EDGE = 0.45  # Of the lower of the two rates: below it the response is flat within 0.01 dB.
STOPBAND_EDGE = 0.5  # Of the lower of the two rates: above it everything is attenuated by `STOPBAND_DB`.
BLOCK_OUT = 2048
"""Output samples computed at a time. Blocks start at multiples of it, whatever the input pieces: that makes the
arithmetic, and so every bit of the result, independent of how the input was cut."""


@dataclass(frozen=True, slots=True)
class PolyphaseFilter:
    """Windowed-sinc interpolation: output n is a weighted sum of the inputs around n * down / up."""

    up: int
    down: int
    taps: Float[Array, "phase tap"] = field(repr=False)
    """Row p weighs the inputs from floor(n * down / up) - half + 1 on, where p = n * down mod up."""

    @property
    def half(self) -> int:
        """Inputs on each side of an output instant."""
        length: int = self.taps.shape[1] // 2
        return length


@lru_cache(maxsize=8)
def polyphase_filter(rate_in: int, rate_out: int) -> PolyphaseFilter:
    """Design the filter between two rates in Hz.

    Kaiser's formulas: beta = 0.1102 (A - 8.7), length = (A - 8) / (2.285 * transition in rad per sample) + 1.
    Each phase sums to 1, so a constant stays that constant.
    """
    common = math.gcd(rate_in, rate_out)
    up, down = rate_out // common, rate_in // common
    scale = min(1.0, up / down)  # the lower rate, in units of the input rate
    transition = 2.0 * math.pi * (STOPBAND_EDGE - PASSBAND_EDGE) * scale
    half = math.ceil(0.5 * ((STOPBAND_DB - 8.0) / (2.285 * transition) + 1.0))
    beta = 0.1102 * (STOPBAND_DB - 8.7)
    offsets = np.arange(-half + 1, half + 1)[None] - np.arange(up)[:, None] / up
    cutoff = (PASSBAND_EDGE + STOPBAND_EDGE) * scale  # twice the middle of the transition, cycles per input sample
    window = np.i0(beta * np.sqrt(np.clip(1.0 - (offsets / half) ** 2, 0.0, None))) / np.i0(beta)
    taps = np.sinc(cutoff * offsets) * window
    return PolyphaseFilter(up, down, (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32))


def resampled_length(num_samples: int, *, rate_in: int, rate_out: int = SAMPLE_RATE_HZ) -> int:
    """Number of output samples: the nearest to the same duration."""
    return (2 * num_samples * rate_out + rate_in) // (2 * rate_in)


def resample(
    pieces: Iterable[Float[Array, " _samples"]], *, rate_in: int, rate_out: int = SAMPLE_RATE_HZ
) -> Iterator[Float[Array, " _resampled"]]:
    """Resample a stream of mono pieces of any lengths. Output n stands at the input instant n * rate_in / rate_out.

    Outside the sound everything is taken to be zero. Memory does not depend on the length of the stream.
    """
    if rate_in == rate_out:
        yield from (piece.astype(np.float32, copy=False) for piece in pieces if len(piece))
        return
    kernel = polyphase_filter(rate_in, rate_out)
    held = np.zeros(kernel.half - 1, np.float32)  # input from index `first` on; starts with the zeros before the sound
    first, num_in, done = 1 - kernel.half, 0, 0
    for piece in pieces:
        held = np.concatenate([held, piece.astype(np.float32, copy=False)])
        num_in += len(piece)
        while _last_input(done + BLOCK_OUT - 1, kernel) < num_in:
            yield _outputs(held, first, index=np.arange(done, done + BLOCK_OUT), kernel=kernel)
            done += BLOCK_OUT
            passed = min(done * kernel.down // kernel.up - kernel.half + 1 - first, len(held))
            held, first = held[passed:], first + passed
    total = resampled_length(num_in, rate_in=rate_in, rate_out=rate_out)
    if done < total:
        missing = _last_input(total - 1, kernel) + 1 - num_in
        held = np.concatenate([held, np.zeros(max(0, missing), np.float32)])
        for start in range(done, total, BLOCK_OUT):
            yield _outputs(held, first, index=np.arange(start, min(start + BLOCK_OUT, total)), kernel=kernel)


def _last_input(output: int, kernel: PolyphaseFilter) -> int:
    return output * kernel.down // kernel.up + kernel.half


def _outputs(
    held: Float[Array, " held"], first: int, *, index: Array, kernel: PolyphaseFilter
) -> Float[Array, " resampled"]:
    start, phase = np.divmod(index * kernel.down, kernel.up)
    windows = np.lib.stride_tricks.sliding_window_view(held, kernel.taps.shape[1])
    sampled: Array = np.einsum("ij,ij->i", windows[start - kernel.half + 1 - first], kernel.taps[phase])
    return sampled
