"""A recording of a body, fitted to a sound: beats, and levels on an even grid.

Beats come from the best that there is: intervals, ECG, PPG, or a heart rate, in this order. Levels are joined by
straight lines over gaps; where a beat is missing, as many as fit are put in evenly. Before and after the recording its
ends hold: the heart goes on at its last rate.
"""

import numpy as np

from face_emote.body.cleaning import events_in
from face_emote.body.recording import Recording, Samples
from face_emote.core.arrays import Array, Float
from face_emote.core.body import BODY_HZ, MEASURES, BodySignals
from face_emote.core.errors import HeartError

_GAP_SECS = 10.0
"""A longer gap is worth a word."""
_FACE_AFTER_R_SECS = 0.2
"""From the R peak to the foot of the pulse in the face: 0.1 s until the heart ejects, 0.1 s to the head."""
_FOOT_BEFORE_PEAK_SECS = 0.17
"""A finger's systolic peak comes so long after the foot; the face's foot is about the finger's."""
_MISSED, _DOUBLED = 1.75, 0.45
"""Intervals beyond these shares of the usual one hold a beat that was missed, or one that is none."""
_USUAL_OVER = 9
_HRV_SECS, _LEAST_DIFFERENCES = 30.0, 5
_RATE_SECS, _TONIC_SECS, _BANDS_SECS = 4.0, 20.0, 4.0
"""Spans over which rate, slow conductance and band powers are averaged."""


def signals_of(recording: Recording, *, duration_secs: float) -> BodySignals:
    """What plays beside a sound of that length.

    Raises:
        HeartError: a raw signal holds nothing.
        DependencyError: a raw signal needs NeuroKit2, which is not installed.
    """
    columns, remarks = recording.columns, list(recording.remarks)
    grid = np.arange(int(np.ceil(duration_secs * BODY_HZ)) + 1) / BODY_HZ
    levels = {name: np.full(len(grid), np.nan) for name in MEASURES}
    beats, exact = _beats(recording)
    if len(beats):
        middles, rates = 0.5 * (beats[1:] + beats[:-1]), 60.0 / np.diff(beats)
        levels["heart_bpm"] = _smooth(np.interp(grid, middles, rates), _RATE_SECS)
    if exact:
        levels["rmssd_secs"] = _rmssd(beats, grid)
    if "eda" in columns:
        conductance = _on_grid(columns["eda"], grid)
        levels["conductance_us"] = conductance
        levels["phasic_us"] = np.maximum(conductance - _smooth(conductance, _TONIC_SECS), 0.0)
    if "breath rate" in columns:
        levels["breath_bpm"] = _on_grid(columns["breath rate"], grid)
    elif "respiration" in columns:
        breaths = events_in(recording, "respiration")
        levels["breath_bpm"] = np.interp(grid, 0.5 * (breaths[1:] + breaths[:-1]), 60.0 / np.diff(breaths))
    if "beta" in columns and ("alpha" in columns or "theta" in columns):
        levels["engagement"] = _engagement(columns, grid)
    if not len(beats) and all(np.isnan(level[0]) for level in levels.values()):
        raise HeartError(f"EEG powers count as beta against alpha or theta; add those columns: {recording.path}")
    remarks += _on_length(recording, beats, duration_secs)
    return BodySignals(beats, np.stack([levels[name] for name in MEASURES], axis=1), tuple(remarks))


def _beats(recording: Recording) -> tuple[Float[Array, " beat"], bool]:
    """Instants in the face, and whether each was seen by itself, as the variability of a heart needs."""
    columns = recording.columns
    if "rr" in columns and _is_beat_by_beat(columns["rr"]):
        ends, intervals = columns["rr"].secs, columns["rr"].values
        return _even(np.concatenate([[ends[0] - intervals[0]], ends])) + _FACE_AFTER_R_SECS, True
    if "ecg" in columns:
        return _even(events_in(recording, "ecg")) + _FACE_AFTER_R_SECS, True
    if "ppg" in columns:
        return _even(events_in(recording, "ppg")) - _FOOT_BEFORE_PEAK_SECS, True
    if "rr" in columns:
        times, rates = columns["rr"].secs, 60.0 / columns["rr"].values
    elif "heart rate" in columns:
        times, rates = columns["heart rate"].secs, columns["heart rate"].values
    else:
        return np.zeros(0), False
    secs = np.arange(times[0], times[-1] + 4.0, 1.0 / BODY_HZ)
    count = np.concatenate([[0.0], np.cumsum(np.interp(secs[:-1], times, rates) / 60.0 / BODY_HZ)])
    return np.interp(np.arange(max(int(count[-1]) + 1, 2)), count, secs), False


def _is_beat_by_beat(rr: Samples) -> bool:
    """Whether a row is a heartbeat; else the intervals were written down at some other pace."""
    return 0.6 < float(np.median(np.diff(rr.secs)) / np.median(rr.values)) < 1.6


def _even(beats: Float[Array, " beat"]) -> Float[Array, " kept"]:
    """Without false beats, and with those that were missed."""
    usual = _usual(beats)
    kept = np.concatenate([[True], np.diff(beats) > _DOUBLED * usual])
    beats = beats[kept] if kept.sum() > 1 else beats
    usual, intervals = _usual(beats), np.diff(beats)
    fits = np.where(intervals > _MISSED * usual, np.maximum(np.round(intervals / usual), 1.0), 1.0).astype(np.int64)
    place = np.concatenate([[0], np.cumsum(fits)])
    filled: Array = np.interp(np.arange(place[-1] + 1), place, beats)
    return filled


def _usual(beats: Float[Array, " beat"]) -> Float[Array, " interval"]:
    """The median interval around each."""
    intervals = np.diff(beats)
    reach = _USUAL_OVER // 2
    around = np.pad(intervals, reach, mode="edge")
    usual: Array = np.median(np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 1), axis=1)
    return usual


def _rmssd(beats: Float[Array, " beat"], grid: Float[Array, " level"]) -> Float[Array, " level"]:
    """Over 30 s about each instant; where a recording is too short for that, of all of it."""
    squares = np.diff(np.diff(beats)) ** 2
    if len(squares) < _LEAST_DIFFERENCES:
        return np.full(len(grid), np.nan)
    sums = np.concatenate([[0.0], np.cumsum(squares)])
    middle = np.clip(grid, beats[1] + 0.5 * _HRV_SECS, max(beats[-2] - 0.5 * _HRV_SECS, beats[1] + 0.5 * _HRV_SECS))
    first, last = (np.searchsorted(beats[1:-1], middle + side * 0.5 * _HRV_SECS) for side in (-1.0, 1.0))
    count = last - first
    few = count < _LEAST_DIFFERENCES
    mean = np.where(few, squares.mean(), (sums[last] - sums[first]) / np.maximum(count, 1))
    variability: Array = np.sqrt(np.maximum(mean, 0.0))
    return variability


def _on_grid(samples: Samples, grid: Float[Array, " level"]) -> Float[Array, " level"]:
    """Means of each quarter of a second; straight lines where there is nothing."""
    cell = np.round(samples.secs * BODY_HZ).astype(np.int64)
    start = int(cell[0])
    count = np.bincount(cell - start)
    mean = np.bincount(cell - start, samples.values) / np.maximum(count, 1)
    known = np.flatnonzero(count)
    level: Array = np.interp(grid, (known + start) / BODY_HZ, mean[known])
    return level


def _engagement(columns: dict[str, Samples], grid: Float[Array, " level"]) -> Float[Array, " level"]:
    """Beta against alpha and theta (Pope, Bogart & Bartolome 1995), as its log over the recording's own median."""
    slow = sum(_on_grid(columns[name], grid) for name in ("alpha", "theta") if name in columns)
    ratio = np.log(np.maximum(_on_grid(columns["beta"], grid), 1e-9) / np.maximum(slow, 1e-9))
    level: Array = _smooth(ratio - np.median(ratio), _BANDS_SECS)
    return level


def _smooth(level: Float[Array, " level"], secs: float) -> Float[Array, " level"]:
    """Running mean, of what there is at the ends."""
    reach = int(0.5 * secs * BODY_HZ)
    sums = np.concatenate([[0.0], np.cumsum(level)])
    at = np.arange(len(level))
    first, stop = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(level))
    mean: Array = (sums[stop] - sums[first]) / (stop - first)
    return mean


def _on_length(recording: Recording, beats: Float[Array, " beat"], duration_secs: float) -> list[str]:
    """What to say of gaps, and of a recording that does not last as long as the sound."""
    found, name = [], recording.path.name
    for samples in recording.columns.values():
        gaps = np.diff(samples.secs)
        if gaps.max() > _GAP_SECS:
            at = samples.secs[int(gaps.argmax())]
            found.append(f"{samples.heading!r} has a gap of {gaps.max():.1f} s at {at:.1f} s, which is bridged: {name}")
    start = min(float(samples.secs[0]) for samples in recording.columns.values())
    end = max(float(samples.secs[-1]) for samples in recording.columns.values())
    if len(beats):
        end = max(end, float(beats[-1]))
    if start > 2.0 or end < duration_secs - 2.0:
        found.append(f"The heart file lasts from {start:.1f} to {end:.1f} s and the sound {duration_secs:.1f} s; its "
                     f"ends hold where it has nothing: {name}")  # fmt: skip
    return found
