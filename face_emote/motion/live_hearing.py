"""Who speaks now? Decided as the sound arrives, for the gate of a live mouth."""

import numpy as np

from face_emote.audio.activity import LOWEST_DB, OFF_DB, ON_DB, RANGE_DB
from face_emote.audio.logmel import FLOOR_DB, HOP, WINDOW, level_db
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import FEATURE_HZ, MOTION_HZ
from face_emote.motion.mouth.net_lips import HOLD_SECS

_FIRST_FLOOR_DB = -65.0
_FALL_SECS, _RISE_DB_PER_SEC = 0.25, 3.0
"""The noise floor falls at once to what is heard in a pause and climbs slowly: in a phrase it stays below the voice."""
_PEAK_FALL_DB_PER_SEC = 2.0
_SHORTEST = 2
"""Rows that have to be loud before it counts: a click is shorter."""
_CLOSE_STEPS, _OPEN_STEPS = 6, 3
"""Steps in which the gate closes and opens: 0.12 s, and 0.06 s, which is all that the shortest look-ahead leaves."""
_HOLD_STEPS = round(HOLD_SECS * MOTION_HZ)


class SpeechDetector:
    """Speech against silence and steady noise, row by row of `FEATURE_HZ`; hears nothing of what is to come.

    As `audio.activity.speaking_track`, with the floor and the peak followed instead of measured over 10 s.
    """

    def __init__(self) -> None:
        """Start before the sound."""
        self._held = np.zeros(WINDOW // 2, np.float32)
        self._floor, self._peak = _FIRST_FLOOR_DB, LOWEST_DB
        self._loud_rows = 0
        self._speaks = False

    def push(self, samples: Float[Array, " _samples"]) -> Bool[Array, " _rows"]:
        """The rows that these samples complete; row j is centred on j / FEATURE_HZ."""
        self._held = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        count = max((len(self._held) - WINDOW) // HOP + 1, 0)
        if not count:
            return np.zeros(0, bool)
        windows = np.lib.stride_tricks.sliding_window_view(self._held, WINDOW)[::HOP][:count]
        levels = level_db(windows)
        self._held = self._held[count * HOP :]
        return np.array([self._judged(float(level)) for level in levels])

    def _judged(self, level: float) -> bool:
        if level < self._floor:
            self._floor = max(self._floor + (level - self._floor) / (_FALL_SECS * FEATURE_HZ), FLOOR_DB)
        else:
            self._floor = min(self._floor + _RISE_DB_PER_SEC / FEATURE_HZ, level)
        self._peak = max(self._peak - _PEAK_FALL_DB_PER_SEC / FEATURE_HZ, level)
        base = max(self._floor, self._peak - RANGE_DB - ON_DB, LOWEST_DB - ON_DB)
        self._loud_rows = self._loud_rows + 1 if level > base + ON_DB else 0
        self._speaks = self._loud_rows >= _SHORTEST or (self._speaks and level > base + OFF_DB)
        return self._speaks


class MouthGate:
    """Opens the mouth to the network's answers while somebody speaks; step by step of `MOTION_HZ`."""

    def __init__(self, look_ahead_frames: int) -> None:
        """Start closed."""
        self._ahead = look_ahead_frames
        self._since = _HOLD_STEPS + 1
        """Steps since speech was heard at a step's own instant."""
        self._open = 0.0

    def step(self, speaks: Bool[Array, " rows"]) -> float:
        """0 rest .. 1 the network's, eased.

        Args:
            speaks: rows from this step's instant to the end of the look-ahead.
        """
        self._since = 0 if speaks[:2].any() else self._since + 1
        if bool(speaks.any()) or self._since <= _HOLD_STEPS:
            self._open = min(self._open + 1.0 / _OPEN_STEPS, 1.0)
        else:
            self._open = max(self._open - 1.0 / _CLOSE_STEPS, 0.0)
        # Thirds and sixths do not add up to whole numbers.
        self._open = 1.0 if self._open > 1.0 - 1e-9 else 0.0 if self._open < 1e-9 else self._open
        return self._open * self._open * (3.0 - 2.0 * self._open)

    @property
    def since_secs(self) -> float:
        """Time since speech was last heard."""
        return self._since / MOTION_HZ
