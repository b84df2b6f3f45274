"""Tokens of a voice that is still speaking: those of `tokens`, frame by frame, for another machine to play.

A frame comes when the reader of voices and the hold over short silences have seen what lies behind it. Pitch and level
are told against the talker's medians so far. A pure function of the sound, however it was cut; memory of fixed size.
"""

from dataclasses import fields
from typing import TypeVar

import numpy as np

from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.names import FEATURE_HZ, SAMPLE_RATE_HZ
from face_emote.core.types import Prosody
from face_emote.perception.evidence import Evidence, frames_over
from face_emote.perception.fusion import fused
from face_emote.perception.live import LiveProsody
from face_emote.perception.reading import HELD_FRAMES
from face_emote.perception.tokens import ROWS, codebooks, feelings_of, manners_against, nearest, words_of
from face_emote.perception.voice import VoiceStream

DELAY_SECS = 2.3  # A frame comes so long after its instant at most; those of the first second later.
_Track = TypeVar("_Track", Prosody, Evidence)
_TAIL = SAMPLE_RATE_HZ // 4  # Silence behind the end in which the last rows settle.


class LiveTokens:
    """Hears sound, gives tokens."""

    def __init__(self) -> None:
        """Start before the sound."""
        self._prosody, self._voice = LiveProsody(), VoiceStream()
        self._rows: Prosody | None = None
        self._first_row = self._frame = 0
        """Of what is held; number of the next frame."""
        self._sensed: Evidence | None = None
        self._first_sensed = 0
        self._samples = 0
        self._pitch = _Median(low=5.0, high=10.0, step=1.0 / 240.0)
        self._level = _Median(low=-90.0, high=0.0, step=0.1)

    def push(self, samples: Float[Array, " _samples"], speaks: Bool[Array, " _rows"]) -> Int[Array, " frames"]:
        """The frames that are settled now, 12 bits each; `speaks` are the rows of a detector that heard the same."""
        self._samples += len(samples)
        self._hear(samples, speaks)
        return self._settled(last=False)

    def finish(self) -> Int[Array, " frames"]:
        """The frames that are missing up to the end."""
        self._hear(np.zeros(_TAIL, np.float32), np.zeros(_TAIL * int(FEATURE_HZ) // SAMPLE_RATE_HZ + 8, bool))
        self._sense(self._voice.finish().evidence)
        return self._settled(last=True)

    def _hear(self, samples: Float[Array, " _samples"], speaks: Bool[Array, " _rows"]) -> None:
        rows = self._prosody.push(samples, speaks)
        self._rows = rows if self._rows is None else _after(self._rows, rows)
        self._sense(self._voice.push(rows).evidence)

    def _sense(self, evidence: Evidence) -> None:
        self._sensed = evidence if self._sensed is None else _after(self._sensed, evidence)

    def _settled(self, *, last: bool) -> Int[Array, " frames"]:
        assert self._sensed is not None and self._rows is not None
        known = self._first_sensed + len(self._sensed)
        until = min(known, frames_over(self._samples / SAMPLE_RATE_HZ)) if last else known - HELD_FRAMES
        words = [self._word(frame) for frame in range(self._frame, until)]
        self._frame = max(until, self._frame)
        spare = max(self._frame - HELD_FRAMES - self._first_sensed, 0)
        self._sensed, self._first_sensed = _part(self._sensed, spare), self._first_sensed + spare
        return np.array(words, np.int64)

    def _word(self, frame: int) -> int:
        assert self._sensed is not None and self._rows is not None
        here = frame - self._first_sensed
        reach = slice(max(here - HELD_FRAMES, 0), here + HELD_FRAMES + 1)
        near = self._sensed.part(reach.start, min(reach.stop, len(self._sensed)))
        place = here - reach.start
        felt = fused((near.held(HELD_FRAMES).part(place, place + 1), None, None))
        stop = ROWS * frame + ROWS // 2 - self._first_row
        rows, self._rows = _part(self._rows, 0, stop), _part(self._rows, stop)
        self._first_row += len(rows.speaking)
        voiced = np.isfinite(rows.f0_hz)
        self._pitch.add(np.log2(rows.f0_hz[voiced]))
        self._level.add(rows.loudness_db[rows.speaking > 0.5])
        manner = manners_against(
            rows, np.zeros(len(voiced), np.int64), num=1, middle_hz=2.0**self._pitch.value, level_db=self._level.value
        )
        feelings, manners = codebooks()
        return int(words_of(nearest(feelings_of(felt), feelings), nearest(manner, manners))[0])


class _Median:
    """Of all numbers so far, in steps; memory of fixed size."""

    def __init__(self, *, low: float, high: float, step: float) -> None:
        self._low, self._step = low, step
        self._counts = np.zeros(round((high - low) / step) + 1, np.int64)

    def add(self, values: Float[Array, " _value"]) -> None:
        places = np.round((values - self._low) / self._step).astype(np.int64)
        np.add.at(self._counts, np.clip(places, 0, len(self._counts) - 1), 1)

    @property
    def value(self) -> float:
        """The lowest number where there is none."""
        total = np.cumsum(self._counts)
        return float(self._low + self._step * np.searchsorted(total, 0.5 * total[-1])) if total[-1] else self._low


def _after(first: _Track, second: _Track) -> _Track:
    names = [item.name for item in fields(first)]
    return type(first)(**{name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names})


def _part(track: _Track, first: int, stop: int | None = None) -> _Track:
    return type(track)(**{item.name: getattr(track, item.name)[first:stop] for item in fields(track)})


class PackedFrames:
    """Frames of 12 bits as bytes, as they come."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._left: list[int] = []

    def push(self, words: Int[Array, " frames"]) -> bytes:
        """Whole bytes; an odd frame waits for the next one."""
        held = [*self._left, *words.tolist()]
        even = len(held) // 2 * 2
        self._left = held[even:]
        return b"".join(_packed(held[i : i + 2]) for i in range(0, even, 2))

    def finish(self) -> bytes:
        """What waits, filled up with zeros."""
        return _packed(self._left)[:2] if self._left else b""


def _packed(pair: list[int]) -> bytes:
    first, second = (*pair, 0)[:2]
    return (first << 12 | second).to_bytes(3, "big")
