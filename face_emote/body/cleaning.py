"""Beats and breaths in raw signals, found by NeuroKit2 (Makowski et al. 2021)."""

import warnings
from typing import Any

import numpy as np

from face_emote.body.recording import Recording, Samples
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError, HeartError

RAW = {"ecg": (50.0, 250), "ppg": (20.0, 100), "respiration": (2.0, 25)}
"""The fewest values a second that each can be read from, and how many it is resampled to."""
_LEAST_SECS = 5.0


def events_in(recording: Recording, kind: str) -> Float[Array, " event"]:
    """Instants of R peaks, of systolic peaks or of the ends of inhaling.

    Raises:
        HeartError: the signal is too coarse, too short, flat, or nothing is found in it.
        DependencyError: NeuroKit2 is not installed.
    """
    samples = recording.columns[kind]
    fewest, rate = RAW[kind]
    length = float(samples.secs[-1] - samples.secs[0])
    density = 1.0 / float(np.median(np.diff(samples.secs)))
    if density < 0.99 * fewest or length < _LEAST_SECS:
        raise _useless(
            recording, samples, f"has {density:.3g} values a second for {length:.3g} s; it takes {fewest:g} a second "
            f"for {_LEAST_SECS:g} s",
        )  # fmt: skip
    if np.ptp(samples.values) <= 0.0:
        raise _useless(recording, samples, "is flat")
    try:
        import neurokit2
    except ImportError:
        raise DependencyError(
            f"A raw {kind} needs NeuroKit2: pip install 'face-emote[body]'; rates and rr intervals need nothing"
        ) from None
    even = np.interp(np.arange(samples.secs[0], samples.secs[-1], 1.0 / rate), samples.secs, samples.values)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas and scipy, about short signals
            found = _found(neurokit2, kind, even, rate)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # what it and scipy raise at noise
        raise _useless(recording, samples, f"cannot be cleaned ({' '.join(str(error).split())[:100]})") from None
    if len(found) < (2 if kind == "respiration" else 3):
        raise _useless(recording, samples, f"shows {len(found)} of what should come again and again")
    return np.asarray(samples.secs[0] + found / rate)


def _found(neurokit2: Any, kind: str, even: Array, rate: int) -> Array:
    """Indices, rising."""
    if kind == "ecg":
        clean = neurokit2.ecg_clean(even, sampling_rate=rate)
        peaks = neurokit2.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"]
    elif kind == "ppg":
        peaks = neurokit2.ppg_findpeaks(neurokit2.ppg_clean(even, sampling_rate=rate), sampling_rate=rate)["PPG_Peaks"]
    else:
        clean = neurokit2.rsp_clean(even, sampling_rate=rate)
        peaks = neurokit2.rsp_peaks(clean, sampling_rate=rate)[1]["RSP_Peaks"]
    at = np.asarray(peaks, np.float64)
    return np.unique(at[np.isfinite(at)])


def _useless(recording: Recording, samples: Samples, story: str) -> HeartError:
    return HeartError(f"The signal {samples.heading!r} {story}: {recording.path}")
