"""A whole recording in another manner, piece by piece: its timing stays, sample for sample."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from face_emote.audio.reader import regroup
from face_emote.core.arrays import Array, Float
from face_emote.voice.grains import laid_again
from face_emote.voice.manners import Manner
from face_emote.voice.tuning import (
    DB,
    FALTER_DB,
    Habit,
    habit_of,
    levels_of,
    micropauses,
    phrase_places,
    pitched,
    tuned,
)
from face_emote.voice.vocoder import FRAME_HZ, pitch_of, taken_apart

PIECE_SECS, AROUND_SECS = 10, 1
"""Pieces, and what of their neighbours is heard to take them apart. Whole seconds: frames then lie alike in all."""
FADE_SECS = 0.02
"""Over which one piece goes over into the next, where it is quietest near the border."""
HABIT_PIECES, LEAST_VOICED_SECS = 6, 0.5
"""The first pieces with so much voice tell what is usual for a talker."""
CEILING, HELD_FRAMES = 0.95, 4
"""No peak rises over the ceiling; so many frames before and after one it is quieter, too."""

Pieces = Callable[[], Iterable[Float[Array, " _samples"]]]
"""Gives the mono samples of a recording from the start, as often as it is called."""
Manners = Callable[[Float[Array, " frame"]], Manner]
"""What is felt at ascending seconds, as changes of the voice."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What has to be known of all of a recording before its first piece sounds: 6 MB an hour."""

    pitch_hz: Float[Array, " frame"]
    peak: float
    habit: Habit | None
    """None where no voice is heard."""


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """A piece with its surroundings."""

    samples: Float[Array, " sample"]
    lead: int
    """Samples before the piece."""
    own: int
    """Samples of the piece."""
    start_secs: int
    """Of the window, in the recording."""
    is_last: bool


def surveyed(pieces: Pieces, *, rate_hz: int, passed: Callable[[float], None]) -> Survey:
    """Listen to all of it once; `passed` gets the seconds."""
    pitch: list[Array] = []
    known: list[tuple[Array, Array, Array]] = []
    peak = 0.0
    for window in _windows(pieces(), rate_hz):
        found = pitch_of(window.samples, rate_hz)
        first, count = window.lead // rate_hz * FRAME_HZ, PIECE_SECS * FRAME_HZ
        pitch.append(found[first:] if window.is_last else found[first : first + count])
        voiced = found > 0.0
        peak = max(peak, float(np.abs(window.samples).max(initial=0.0)))
        if len(known) < HABIT_PIECES and voiced.sum() >= LEAST_VOICED_SECS * FRAME_HZ:
            level, bands = levels_of(taken_apart(window.samples, found, rate_hz), rate_hz)
            known.append((found[voiced], level[voiced], bands[voiced]))
        passed(window.start_secs + (window.lead + window.own) / rate_hz)
    habit = habit_of(*(np.concatenate(part) for part in zip(*known, strict=True))) if known else None
    return Survey(np.concatenate(pitch), peak, habit)


def retuned(
    pieces: Pieces, survey: Survey, manners: Manners, *, rate_hz: int, seed: int, passed: Callable[[float], None]
) -> Iterator[Float[Array, " _samples"]]:
    """The recording in another manner; as many samples as came in. Where nothing is felt they are the same ones.

    Args:
        pieces: The recording that was surveyed.
        survey: What `surveyed` heard; with a habit.
        manners: What is felt when.
        rate_hz: Of the samples.
        seed: Of jitter and breath.
        passed: Gets the seconds that are done.
    """
    assert survey.habit is not None
    room_db = 20.0 * float(np.log10(CEILING / survey.peak))
    middles = phrase_places(survey.pitch_hz > 0.0)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(len(survey.pitch_hz))
    stops = micropauses(survey.pitch_hz, np.random.default_rng([seed, 1]))
    fade, before = round(FADE_SECS * rate_hz), None
    ramp = (np.arange(fade) + 0.5) / fade
    for window in _windows(pieces(), rate_hz):
        first = window.start_secs * FRAME_HZ
        part = slice(first, first + len(window.samples) * FRAME_HZ // rate_hz + 1)
        original = survey.pitch_hz[part]
        secs = (first + np.arange(len(original))) / FRAME_HZ
        manner = manners(secs).no_louder_than(room_db)
        pitch = pitched(original, manner, secs=secs, middles=middles[part], usual=survey.habit.pitch, noise=noise[part])
        sound = _piece(window, manner, survey.habit, pitch, original=original, rate_hz=rate_hz, rng=rng)
        if manner.falters.any():
            quieter = np.exp(-FALTER_DB * DB / 2.0 * manner.falters * stops[part])
            sound *= np.interp(np.arange(len(sound)) * (FRAME_HZ / rate_hz), np.arange(len(quieter)), quieter)
        begin = _border(window.samples, window.lead, rate_hz) if window.lead else 0
        end = len(sound) if window.is_last else _border(window.samples, window.lead + window.own, rate_hz)
        if before is not None:
            sound[begin : begin + fade] = ramp * sound[begin : begin + fade] + (1.0 - ramp) * before
        before = sound[end : end + fade].copy()
        yield sound[begin:end].astype(np.float32)
        passed(window.start_secs + end / rate_hz)


def _piece(
    window: _Window,
    manner: Manner,
    habit: Habit,
    pitch: Array,
    *,
    original: Array,
    rate_hz: int,
    rng: np.random.Generator,
) -> Float[Array, " sample"]:
    plain = window.samples.astype(np.float64)
    if not manner.strength.any():
        return plain
    voice = taken_apart(plain, original, rate_hz)
    wanted = tuned(voice, manner, pitch_hz=pitch, habit=habit, rate_hz=rate_hz)
    changed = _held_down(laid_again(plain, voice, wanted, rate_hz=rate_hz, rng=rng), rate_hz)
    at = np.arange(len(plain)) * (FRAME_HZ / rate_hz)
    share = np.interp(at, np.arange(len(manner.strength)), manner.strength)
    return np.where(share > 0.0, share * changed + (1.0 - share) * plain, plain)


def _held_down(sound: Float[Array, " sample"], rate_hz: int) -> Float[Array, " sample"]:
    """Quieter around peaks over the ceiling; the wave keeps its shape."""
    step = max(1, rate_hz // FRAME_HZ)
    peaks = np.abs(np.pad(sound, (0, -len(sound) % step))).reshape(-1, step).max(axis=1, initial=0.0)
    needed = np.minimum(1.0, CEILING / np.maximum(peaks, CEILING))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(needed, HELD_FRAMES + 1, mode="edge"), 2 * HELD_FRAMES + 3)
    smooth = np.convolve(np.pad(around.min(axis=1), HELD_FRAMES, mode="edge"), np.ones(2 * HELD_FRAMES + 1), "valid")
    smooth /= 2 * HELD_FRAMES + 1
    found: Array = sound * np.interp(np.arange(len(sound)) / step - 0.5, np.arange(len(smooth)), smooth)
    return found


def _border(samples: Float[Array, " sample"], near: int, rate_hz: int) -> int:
    """Where it is quietest within half a second of a sample: both neighbours find the same place."""
    step, reach = max(1, rate_hz // 100), rate_hz // 2
    span = samples[near - reach : near + reach]
    power = (span[: len(span) // step * step].reshape(-1, step).astype(np.float64) ** 2).sum(axis=1)
    return near - reach + step * int(power.argmin()) if len(power) else near


def _windows(pieces: Iterable[Float[Array, " _samples"]], rate_hz: int) -> Iterator[_Window]:
    """Pieces with their surroundings; a last piece under two seconds belongs to the one before it."""
    size, around = PIECE_SECS * rate_hz, AROUND_SECS * rate_hz
    held, start, lead = np.zeros(0, np.float32), 0, 0
    for second in regroup(pieces, rate_hz):
        held = np.concatenate([held, second])
        if len(held) >= lead + size + 2 * around + 1:
            yield _Window(held[: lead + size + around], lead, size, start // rate_hz, is_last=False)
            start += lead + size - around
            held, lead = held[lead + size - around :], around
    yield _Window(held, lead, len(held) - lead, start // rate_hz, is_last=True)
