"""What a body does while its face speaks: the heart, the skin's sweat, the breath, the brain; measured by somebody."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float

BODY_HZ = 4.0
"""Rows of `BodySignals.levels` a second."""
MEASURES = ("heart_bpm", "rmssd_secs", "conductance_us", "phasic_us", "breath_bpm", "engagement")
"""Heart rate; root mean square of successive differences of its intervals over 30 s; skin conductance and its quick
part, microsiemens; breaths a minute; log of beta over alpha and theta power, against the recording's own median."""
_LATEST = 5
"""Intervals whose median goes on after the last beat."""


@dataclass(frozen=True, slots=True, eq=False)
class BodySignals:
    """A recording of a body, fitted to a sound; before and after it its ends hold."""

    beats: Float[Array, " beat"]
    """When the pulse arrives in the face, seconds from the start of the sound, rising; none: it was not measured."""
    levels: Float[Array, f"level measure={len(MEASURES)}"]
    """Every 1 / `BODY_HZ` seconds from 0 on, at least one row; a column of NaN was not measured."""
    remarks: tuple[str, ...] = ()
    """What a person should know, in sentences."""

    def level(self, measure: str, times: Float[Array, " frames"]) -> Float[Array, " frames"] | None:
        """One of `MEASURES` at instants; None when it was not measured."""
        column = self.levels[:, MEASURES.index(measure)]
        if np.isnan(column[0]):
            return None
        found: Array = np.interp(times * BODY_HZ, np.arange(len(column)), column)
        return found

    def heartbeats(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """Beats since the first one, in between as shares of the interval; needs two beats."""
        beats, count = self.beats, len(self.beats)
        intervals = np.diff(beats)
        before = np.minimum(times - beats[0], 0.0) / intervals[0]
        after = np.maximum(times - beats[-1], 0.0) / np.median(intervals[-_LATEST:])
        passed: Array = np.interp(times, beats, np.arange(count)) + before + after
        return passed
