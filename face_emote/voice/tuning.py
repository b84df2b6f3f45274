"""A piece of a voice with another manner: pitch, tone, liveliness, breath and nerves change; the timing does not."""

from dataclasses import dataclass

import numpy as np

from face_emote.audio.logmel import mel_edges
from face_emote.core.arrays import Array, Float
from face_emote.voice.manners import BANDS, TOP_HZ, Manner
from face_emote.voice.vocoder import FRAME_HZ, Voice

TREMOR_HZ = 6.0
"""Of a trembling voice, 4 to 8 Hz (Dromey et al. 2002)."""
PHRASE_GAP_SECS = 0.25
"""A longer silence ends a phrase, over which the pitch declines anew."""
MOST_SLOPE_SECS = 1.5
"""From a phrase's middle, beyond which its slope goes no further."""
QUIET_NEPERS = 4.0
"""Under the median level of voiced sound: what lies deeper is no speech, and its noise is not shaped."""
LOUDER_NEPERS = 2.0
DB = np.log(10.0) / 10.0
"""Nepers of power in a decibel."""
LEAST_RATIO, MOST_RATIO = 0.6, 1.6
SYLLABLE_FRAMES = 31
MOST_MOVED = 10.0  # Semitones, at any instant: beyond, each period is laid twice, and rises squeak. A choice.
SPREAD_SHARE = 0.7
"""Of the measured liveliness that the bands of one frame are given; all of it rings."""


FALTER_SECS, FALTERS_APART_SECS, FALTER_CHANCE, FALTER_DB = 0.08, 1.0, 0.6, 18.0
"""How long a micropause takes of the vowel before it, how far they are apart at least, how often one is made where it
could be, and how much quieter it is at its deepest: choices."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual in a recording; changes are relative to it."""

    pitch: float
    """Median, semitones above 1 Hz."""
    level: float
    """Median of voiced sound, ln of power."""
    tone: Float[Array, f"band={BANDS}"]
    """Mean ln power of each band against their mean, in voiced sound."""


def pitched(
    pitch_hz: Float[Array, " frame"], manner: Manner, *, secs: Float[Array, " frame"], middles: Float[Array, " frame"],
    usual: float, noise: Float[Array, " frame"],
) -> Float[Array, " frame"]:  # fmt: skip
    """The pitch of some frames in another manner; whatever lies beside them.

    Args:
        pitch_hz: 0 where nothing is voiced.
        manner: Of each frame.
        secs: Of each frame in the recording.
        middles: Seconds from each frame's phrase's middle, from `phrase_places`.
        usual: `Habit.pitch`.
        noise: Of the jitter, with standard deviation 1.
    """
    voiced = pitch_hz > 0.0
    tone = 12.0 * np.log2(np.where(voiced, pitch_hz, 1.0))
    slope = manner.of("slope") * np.clip(middles, -MOST_SLOPE_SECS, MOST_SLOPE_SECS)
    stretch = np.exp(np.clip(manner.of("range"), -1.0, 1.0)) - 1.0
    tremor = manner.of("tremor") * np.sin(2.0 * np.pi * TREMOR_HZ * secs)
    move = (
        manner.of("pitch")
        + slope
        + (smooth(tone[:, None], voiced)[:, 0] - usual) * stretch
        + tremor
        + manner.of("jitter") * noise
    )
    moved = tone + np.clip(move, -MOST_MOVED, MOST_MOVED)
    found: Array = np.where(voiced, np.clip(2.0 ** (moved / 12.0), 45.0, 1100.0), 0.0)
    return found


def smooth(values: Float[Array, "frame value"], voiced: Array) -> Float[Array, "frame value"]:
    """What lasts for a syllable in voiced sound; to stretch a melody's ripples with it makes a voice hoarse."""
    bell = np.hanning(SYLLABLE_FRAMES)
    there = np.maximum(np.convolve(voiced.astype(float), bell, "same"), 1e-9)
    summed = [np.convolve(np.where(voiced, column, 0.0), bell, "same") for column in values.T]
    return np.asarray((summed / there).T)


def phrase_places(speaks: Array) -> Float[Array, " frame"]:
    """Seconds of each frame from the middle of its phrase."""
    at = np.flatnonzero(speaks)
    if not len(at):
        return np.zeros(len(speaks))
    breaks = np.flatnonzero(np.diff(at) > PHRASE_GAP_SECS * FRAME_HZ)
    first, last = at[np.r_[0, breaks + 1]], at[np.r_[breaks, len(at) - 1]]
    frames = np.arange(len(speaks))
    middle = 0.5 * (first + last)[np.clip(np.searchsorted(first, frames, side="right") - 1, 0, None)]
    found: Array = (frames - middle) / FRAME_HZ
    return found


def micropauses(pitch_hz: Float[Array, " frame"], rng: np.random.Generator) -> Float[Array, " frame"]:
    """Where a voice would falter, 0..1: it stops short before a consonant or a gap within speech, so no sound moves."""
    voiced = pitch_hz > 0.0
    ends = np.flatnonzero(voiced[:-1] & ~voiced[1:]) + 1
    length, apart = round(FALTER_SECS * FRAME_HZ), FALTERS_APART_SECS * FRAME_HZ
    stops, last = np.zeros(len(voiced)), -apart
    for end in ends.tolist():
        long = end >= 2 * length and voiced[end - 2 * length : end].all()
        if long and end - last >= apart and rng.random() < FALTER_CHANCE:
            stops[end - length : end] = np.sin(np.linspace(0.0, 0.5 * np.pi, length, endpoint=False)) ** 2
            stops[end : end + length // 4] = 1.0
            last = end
    return stops


def tuned(voice: Voice, manner: Manner, *, pitch_hz: Float[Array, " frame"], habit: Habit, rate_hz: int) -> Voice:
    """A piece in another manner, with the pitch that `pitched` gave it."""
    spread_over = band_shapes(voice.envelope.shape[1], rate_hz)
    level = np.log(voice.envelope.sum(axis=1) + 1e-12) - habit.level
    loud = np.clip(level, -LOUDER_NEPERS, LOUDER_NEPERS)[:, None]
    bands = _band_levels(voice.envelope, spread_over) - habit.tone
    ratio = np.clip(np.exp(manner.of("spread")), LEAST_RATIO, MOST_RATIO) - 1.0
    gain = DB * (manner.of("tone") + loud * manner.of("tilt")) + SPREAD_SHARE * bands * ratio
    voiced = voice.pitch_hz > 0.0
    within = np.where(voiced[:, None], bands - smooth(bands, voiced), 0.0)
    gain += SPREAD_SHARE * within * (np.clip(np.exp(manner.of("pace")), LEAST_RATIO, MOST_RATIO) - 1.0)[:, None]
    shaped = gain @ spread_over
    # A brighter tone makes bright sounds stand out; the loudness of the talker's usual sound stays.
    usual = np.exp(habit.tone @ spread_over)
    shaped -= np.log((np.exp(DB * manner.of("tone") @ spread_over) @ usual) / usual.sum())[:, None]
    swing = np.clip(np.exp(manner.of("level")), LEAST_RATIO, MOST_RATIO) - 1.0
    whole = np.clip(level, -3.0, 3.0) * swing + DB * manner.of("loudness")
    speech = 1.0 / (1.0 + np.exp(-1.5 * (level + QUIET_NEPERS)))
    envelope = voice.envelope * np.exp((shaped + whole[:, None]) * speech[:, None])
    breath = voice.breath * 10.0 ** ((manner.of("breath") @ spread_over) * voiced[:, None] / 20.0)
    return Voice(pitch_hz, envelope, np.clip(breath, 1e-4, 1.0))


def habit_of(pitch_hz: Array, levels: Array, bands: Array) -> Habit:
    """From the voiced frames of a recording: their pitch, ln power, and band levels [frame, band]."""
    return Habit(
        pitch=float(np.median(12.0 * np.log2(pitch_hz))),
        level=float(np.median(levels)),
        tone=bands.mean(axis=0),
    )


def levels_of(voice: Voice, rate_hz: int) -> tuple[Float[Array, " frame"], Float[Array, f"frame band={BANDS}"]]:
    """Ln power, and that of each band against their mean."""
    return np.log(voice.envelope.sum(axis=1) + 1e-12), _band_levels(
        voice.envelope, band_shapes(voice.envelope.shape[1], rate_hz)
    )


def band_shapes(bins: int, rate_hz: int) -> Float[Array, "band bin"]:
    """Weights by which a value of each band is laid over the bins: linear between their middles."""
    middles = mel_edges(0.0, TOP_HZ, bands=BANDS)[1:-1]
    place = np.interp(np.linspace(0.0, 0.5 * rate_hz, bins), middles, np.arange(BANDS))
    found: Array = np.maximum(0.0, 1.0 - np.abs(place[None] - np.arange(BANDS)[:, None]))
    return found


def _band_levels(envelope: Array, shapes: Float[Array, "band bin"]) -> Float[Array, "frame band"]:
    total = shapes.sum(axis=1)
    levels = np.log(envelope + 1e-12) @ (shapes / np.maximum(total, 1e-9)[:, None]).T
    there = total > 0.0
    found: Array = np.where(there, levels - levels[:, there].mean(axis=1, keepdims=True), 0.0)
    return found
