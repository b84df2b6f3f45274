"""Speech against silence and steady noise, and the pauses between."""

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import FEATURE_HZ
from face_emote.core.types import Pause

SPAN_FRAMES = 500
"""The noise floor is taken over +/- 5 s: it adapts, and every such stretch of speech holds a pause or a closure."""
STEP_FRAMES = 50
ON_DB, OFF_DB = 9.0, 5.0  # Above the noise floor: where speech starts, and where it ends.
VOICING_DB = 3.0
"""A clearly voiced frame counts as this much louder: speech in noise is voiced more often than noise is."""
RANGE_DB = 40.0  # Nothing this far below the loudest speech around counts.
LOWEST_DB = -72.0
SHORTEST_SPEECH = 6  # Frames: shorter bursts are clicks.
BRIDGE = 5  # Frames: shorter gaps are closures inside a word.
EDGE = 2  # Frames of rise and fall of the soft track on each side of a boundary.
MIN_PAUSE_SECS = 0.06


def speaking_track(level_db: Float[Array, " frames"], voiced: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """How surely each frame is speech, 0..1: 1 inside speech, 0 in pauses, ramps of 50 ms between.

    A frame is speech when its level stands out of the local noise floor (a low percentile of the level over 10 s),
    with hysteresis. What never stands out - hum, hiss, a fan - is noise; so is a burst without any voiced frame that
    stays within 15 dB of the floor.
    """
    floor, loud = _floor_and_peak(level_db)
    base = np.maximum(np.maximum(floor, loud - RANGE_DB - ON_DB), LOWEST_DB - ON_DB)
    evidence = level_db + VOICING_DB * voiced - base
    mask = _hysteresis(evidence > ON_DB, evidence > OFF_DB)
    mask = _fill(mask, value=False, shorter_than=BRIDGE)
    for first, stop in runs(mask):
        faint = level_db[first:stop].max() < base[first:stop].min() + 15.0
        if stop - first < SHORTEST_SPEECH or (faint and not (voiced[first:stop] > 0.0).any()):
            mask[first:stop] = False
    edges = np.full(2 * EDGE + 1, 1.0 / (2 * EDGE + 1), np.float32)
    soft = np.convolve(np.pad(mask.astype(np.float32), EDGE, mode="edge"), edges)
    return np.clip(soft[2 * EDGE : 2 * EDGE + len(mask)], 0.0, 1.0).round(6)


def pauses_in(speaking: Float[Array, " frames"], *, duration_secs: float) -> tuple[Pause, ...]:
    """Gaps of at least 60 ms in a `speaking` track; shorter than 250 ms they are micropauses."""
    pauses = []
    for first, stop in runs(speaking < 0.5):
        start, end = max(0.0, (first - 0.5) / FEATURE_HZ), min(duration_secs, (stop - 0.5) / FEATURE_HZ)
        end = duration_secs if stop == len(speaking) else end
        if end - start >= MIN_PAUSE_SECS:
            pauses.append(Pause(start, end))
    return tuple(pauses)


def runs(mask: Bool[Array, " frames"]) -> list[tuple[int, int]]:
    """First and past-the-end index of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _floor_and_peak(level_db: Float[Array, " frames"]) -> tuple[Float[Array, " frames"], Float[Array, " frames"]]:
    """5th and 95th percentile of the level over +/- 5 s, taken twice a second and interpolated."""
    centres = np.arange(0, len(level_db) + STEP_FRAMES, STEP_FRAMES)
    spans = [level_db[max(0, c - SPAN_FRAMES) : c + SPAN_FRAMES] for c in centres]
    ordered = [np.sort(span if len(span) else level_db[-1:]) for span in spans]
    places = [np.array([0.05, 0.95]) * (len(span) - 1) for span in ordered]
    low, high = np.array([np.interp(at, np.arange(len(s)), s) for at, s in zip(places, ordered, strict=True)]).T
    frames = np.arange(len(level_db))
    floor, peak = (np.interp(frames, centres, values).astype(np.float32) for values in (low, high))
    return floor, peak


def _hysteresis(sure: Bool[Array, " frames"], possible: Bool[Array, " frames"]) -> Bool[Array, " frames"]:
    """Stretches of `possible` that hold a `sure` frame."""
    out = np.zeros(len(sure), bool)
    for first, stop in runs(possible):
        out[first:stop] = sure[first:stop].any()
    return out


def _fill(mask: Bool[Array, " frames"], *, value: bool, shorter_than: int) -> Bool[Array, " frames"]:
    """Turn inner stretches of `value` that are too short into the other value."""
    out = mask.copy()
    for first, stop in runs(mask == value):
        if stop - first < shorter_than and first > 0 and stop < len(mask):
            out[first:stop] = not value
    return out
