"""What is put right in a recording before anyone listens: sub-speech energy, channels that cancel, a strange level.

A recording is surveyed, and then read as often as wanted. What lies below speech is taken off every one, so that a face
does not depend on what nobody hears; level and channels are left alone unless they are strange.
"""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.activity import speaking_track
from face_emote.audio.logmel import HOP, frame_chunks
from face_emote.audio.reader import BLOCK_SAMPLES, LOUDEST, SpeechSource, open_speech
from face_emote.audio.resampler import resample
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError
from face_emote.core.names import FEATURE_HZ, SAMPLE_RATE_HZ
from face_emote.core.types import Speech

SURVEY_WINDOW = 800  # Samples: 50 ms, whose Hann window tells 20 Hz from 80 Hz.
SPEECH_FROM = 4  # Of its bins of 20 Hz each, the first that counts as said.
USUAL_DB = -27.0
"""Level of the recordings that the networks learnt from: the median of the frames in which somebody speaks."""
USUAL_RANGE_DB = 6.0  # Recordings that differ from the usual level by no more are left as they are.
SILENT_DB = -100.0  # What is below this is no recording of a voice.
CANCELLED = 0.1
"""Channels of one sound have a sum that carries their whole number times the power of all of them together, unrelated
ones 1; below this share they are in opposite phase."""
PHASE_SECS = 0.001
"""Channels are compared in the differences over this time, in which speech is strong and rumble is weak."""
TOP_DB = -10.0
LEAD_SAMPLES = SAMPLE_RATE_HZ // 4
_TOGETHER = 512  # Blocks of a recording that are filtered at once.
Progress = Callable[[float, float], None]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a recording needs before it is listened to."""

    gain: float = 1.0
    weights: Float[Array, " channel"] | None = None  # Of the channels; None: their mean.
    remarks: tuple[str, ...] = ()  # What a person should know about the file.


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it is listened to: 16 kHz mono blocks of 10 s, as often as wanted."""

    blocks: Callable[[], Iterator[Float[Array, " _samples"]]]
    duration_secs: float  # What the file declares: exact for .wav and samples, 0 when it declares nothing.
    remarks: tuple[str, ...]
    name: str  # For messages: the path of a file.


def listened_to(source: Speech | Path, *, progress: Progress | None = None) -> Recording:
    """Survey a recording and put it right.

    `progress` is called with the seconds surveyed and the seconds in all. AudioError: the source is missing, empty,
    damaged or not sound. DependencyError: PyAV is needed and not installed.
    """
    report = progress or (lambda _done, _total: None)
    if isinstance(source, Speech):
        samples = _samples_of(source)
        secs = len(samples) / SAMPLE_RATE_HZ
        condition = _surveyed(_cut(samples), lambda done: report(min(done, secs), secs))
        return Recording(lambda: conditioned(_cut(samples), condition), secs, (), "")
    opened = open_speech(source)
    found = _survey_file(opened, report)
    ceiling = min(max(1.0, 1.0 / found.gain), LOUDEST)

    def blocks() -> Iterator[Float[Array, " _samples"]]:
        return conditioned(opened.blocks(weights=found.weights, ceiling=ceiling, remark=logger.debug), found)

    return Recording(blocks, opened.duration_secs, found.remarks, str(source))


def conditioned(
    blocks: Iterable[Float[Array, " _samples"]], condition: Condition
) -> Iterator[Float[Array, " _samples"]]:
    """The blocks, put right."""
    for block in without_rumble(blocks):
        yield block if condition.gain == 1.0 else np.clip(block * np.float32(condition.gain), -1.0, 1.0)


def _samples_of(speech: Speech) -> Float[Array, " samples"]:
    if speech.samples.ndim != 1:
        raise AudioError(f"The speech has samples of shape {speech.samples.shape}; give one channel")
    if len(speech.samples) == 0:
        raise AudioError("The speech has no samples; record or load it again")
    if not np.isfinite(speech.samples).all():
        raise AudioError("The speech holds values that are not numbers; load it again")
    samples = speech.samples.astype(np.float32, copy=False)
    if speech.sample_rate != SAMPLE_RATE_HZ:
        samples = np.concatenate(list(resample([samples], rate_in=speech.sample_rate)))
    return samples


def _cut(samples: Float[Array, " samples"]) -> Iterator[Float[Array, " _samples"]]:
    return (samples[i : i + BLOCK_SAMPLES] for i in range(0, len(samples), BLOCK_SAMPLES))


def _survey_file(source: SpeechSource, report: Progress) -> Condition:
    remarks: list[str] = []

    def passed(secs: float) -> None:
        report(min(secs, source.duration_secs or secs), max(source.duration_secs, secs))

    weights = channel_weights(source)
    found = _surveyed(source.blocks(weights=weights, ceiling=LOUDEST, remark=remarks.append), passed)
    return Condition(found.gain, weights, tuple(remarks))


def _surveyed(blocks: Iterable[Float[Array, " _samples"]], passed: Callable[[float], None]) -> Condition:
    """The level of 16 kHz sound."""
    speech: list[Array] = []
    squared, lowest = _survey_weights()
    for windows, real in frame_chunks(blocks, size=SURVEY_WINDOW):
        # Windows overlap: each hop of them is weighed once for all.
        hops = np.concatenate([windows[:, :HOP], windows[-1].reshape(-1, HOP)[1:]]).astype(np.float64)
        energy, low = _over_windows(hops * hops @ squared)[:, 0], _over_windows(hops @ lowest)
        power = SURVEY_WINDOW * energy - 2.0 * (low * low).sum(axis=1)
        speech.append((10.0 * np.log10(np.maximum(power[:real], 0.0) + 1e-20)).astype(np.float32))
        passed(len(speech) * len(windows) / FEATURE_HZ)
    return _judged(np.concatenate(speech))


@lru_cache(maxsize=1)
def _survey_weights() -> tuple[Float[Array, "sample place"], Float[Array, "sample place_and_wave"]]:
    """For the energy of windows, and for what of it lies below speech, so that both are powers relative to full scale.

    Of each sample of a hop, by the place of the hop in the window; of the waves, those of 0 Hz have half their power.
    """
    phase = 2.0 * np.pi * np.arange(SURVEY_WINDOW) / SURVEY_WINDOW
    window = 0.5 - 0.5 * np.cos(phase)
    waves = [np.full(SURVEY_WINDOW, np.sqrt(0.5))]
    for number in range(1, SPEECH_FROM):
        waves += [np.cos(number * phase), np.sin(number * phase)]
    scaled = window / np.sqrt(SURVEY_WINDOW * (window * window).sum())
    squared, lowest = (scaled * scaled)[:, None], np.stack(waves, axis=1) * scaled[:, None]
    return _by_hop(squared), _by_hop(lowest)


def _by_hop(weights: Float[Array, "window column"]) -> Float[Array, "sample place_and_column"]:
    return weights.reshape(-1, HOP, weights.shape[1]).swapaxes(0, 1).reshape(HOP, -1)


def _over_windows(hops: Float[Array, "hop place_and_column"]) -> Float[Array, "window column"]:
    """Sums over the hops of each window, of what each weighs at its place."""
    places = SURVEY_WINDOW // HOP
    parts, count = hops.reshape(len(hops), places, -1), len(hops) - places + 1
    return np.asarray(sum(parts[i : i + count, i] for i in range(places)))


def _judged(speech_db: Float[Array, " frames"]) -> Condition:
    """What the level of speech, frame by frame, asks for."""
    raised = speech_db - speech_db.max() + TOP_DB
    spoken = speaking_track(raised, np.zeros(len(raised), np.float32)) > 0.5
    level = float(np.median(speech_db[spoken]) if spoken.any() else np.percentile(speech_db, 95.0))
    if level < SILENT_DB:
        return Condition()
    strange = abs(level - USUAL_DB) > USUAL_RANGE_DB
    gain = 10.0 ** ((USUAL_DB - level) / 20.0) if strange and spoken.any() else 1.0
    return Condition(gain)


def channel_weights(source: SpeechSource) -> Float[Array, " channel"] | None:
    """Weights of the channels whose mean would cancel the sound; None when the mean is right."""
    if source.channels == 1:
        return None
    lag = max(1, round(PHASE_SECS * source.sample_rate))
    products = np.zeros((source.channels, source.channels))
    for piece in source.pieces(remark=logger.debug):
        if piece.shape[1] == source.channels and len(piece) > lag:
            change = piece[lag:].astype(np.float64) - piece[:-lag]
            products += change.T @ change
    power = float(np.trace(products))
    if power <= 0.0 or products.sum() >= CANCELLED * power:
        return None
    loudest = int(np.argmax(np.diag(products)))
    signs = np.where(products[loudest] < 0.0, -1.0, 1.0)
    if signs @ products @ signs >= CANCELLED * power:
        logger.info("channels in opposite phase were turned: %s", source.path)
        return (signs / source.channels).astype(np.float32)
    logger.info("channels cancel each other; number %d alone is heard: %s", loudest + 1, source.path)
    weights: Array = np.eye(source.channels, dtype=np.float32)[loudest]
    return weights


def without_rumble(blocks: Iterable[Float[Array, " _samples"]]) -> Iterator[Float[Array, " _samples"]]:
    """16 kHz sound without what lies below 30 Hz, which nobody says.

    Before its start the sound is taken to have gone on as it does after it, mirrored through its first sample, so that
    the filter has nothing to swing in to.
    """
    cleaner = RumbleFilter(together=_TOGETHER)
    coming = iter(blocks)
    start = np.zeros(0, np.float32)
    while len(start) <= LEAD_SAMPLES and (block := next(coming, None)) is not None:
        start = np.concatenate([start, block])
    lead = (2.0 * start[:1] - start[LEAD_SAMPLES:0:-1]) if len(start) else start
    skipped = len(lead)
    for block in itertools.chain([np.concatenate([lead, start])], coming):
        cleaned = cleaner.push(block)
        if len(cleaned) > skipped:
            yield cleaned[skipped:]
        skipped = max(0, skipped - len(cleaned))
    rest = cleaner.finish()[skipped:]
    if len(rest):
        yield rest


class RumbleFilter:
    """Takes off offsets and rumble: -66 dB up to 30 Hz, -0.1 dB from 70 Hz on; nothing comes late by a sample.

    A Chebyshev filter of the second kind and order 7, as second-order sections. It runs in blocks of fixed size, so
    the result does not depend on how the sound was cut, to the bit. The sound before the start is taken to have been
    what its first sample is: an offset does not click.
    """

    SECTIONS = (
        (0.9615386239755641, -0.9615386239755641, 0.0, -0.9826958751555221, 0.0),
        (1.0, -1.9999738713941013, 1.0, -1.9687107587596042, 0.9690364212446182),
        (1.0, -1.9999151621947897, 1.0, -1.97808490326779, 0.9784701943756329),
        (1.0, -1.999868082317598, 1.0, -1.991827758270834, 0.992262625939883),
    )
    """b0, b1, b2, a1, a2 of each, for 16 kHz."""
    BLOCK = HOP // 4  # The rows of features end at multiples of it: nothing waits.

    def __init__(self, *, together: int = 1) -> None:
        """Start before the sound; so many blocks are filtered `together`, 1 to be live."""
        size = self.BLOCK
        step = _block_matrix(self.SECTIONS, size).T
        self._direct, self._recalled = step[:size, :size], step[size:, :size]
        self._stored = step[:size, size:]
        self._kept = [step[size:, size:]]
        """What becomes of the memory after 1, 2, 4 .. blocks."""
        while 2 ** len(self._kept) <= together:
            self._kept.append(self._kept[-1] @ self._kept[-1])
        self._span = together * size
        self._memory = np.zeros(len(self._recalled))
        self._held = np.zeros(0, np.float32)
        self._started = False

    def push(self, samples: Float[Array, " _samples"]) -> Float[Array, " _cleaned"]:
        """Whole spans of blocks of the sound so far."""
        if not self._started and len(samples):
            self._memory[0] = -self.SECTIONS[0][0] * float(samples[0])
            self._started = True
        held = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        stop = len(held) - len(held) % self._span
        self._held = held[stop:]
        out = np.empty(stop, np.float32)
        for first in range(0, stop, self._span):
            part = slice(first, first + self._span)
            out[part] = self._cleaned(held[part].reshape(-1, self.BLOCK).astype(np.float64)).reshape(-1)
        return out

    def _cleaned(self, blocks: Float[Array, "block sample"]) -> Float[Array, "block sample"]:
        memory = np.concatenate([self._memory[None], blocks @ self._stored])
        for level, kept in enumerate(self._kept):  # each row gathers those before it, twice as many every time
            memory[2**level :] += memory[: -(2**level)] @ kept
        self._memory = memory[-1]
        cleaned: Array = blocks @ self._direct + memory[:-1] @ self._recalled
        return cleaned

    def finish(self) -> Float[Array, " _cleaned"]:
        """What is left of the sound."""
        left = len(self._held)
        return self.push(np.zeros(-left % self._span, np.float32))[:left]


@lru_cache(maxsize=1)
def _block_matrix(sections: tuple[tuple[float, ...], ...], length: int) -> Float[Array, "row column"]:
    """From a block of input and the memory before it to the output and the memory after it."""
    size = 2 * len(sections)
    out = np.zeros((length + size, length + size))
    inputs, memory = np.eye(length, length + size), np.eye(length + size)[length:]
    for now in range(length):
        value = inputs[now]
        for i, (b0, b1, b2, a1, a2) in enumerate(sections):  # direct form II, transposed
            result = b0 * value + memory[2 * i]
            memory[2 * i] = b1 * value - a1 * result + memory[2 * i + 1]
            memory[2 * i + 1] = b2 * value - a2 * result
            value = result
        out[now] = value
    out[length:] = memory
    return out
