"""What is heard as the sound arrives: the network's answers, who speaks, and whether the mouth may move."""

from dataclasses import dataclass

import numpy as np

from face_emote.audio.activity import LOWEST_DB, OFF_DB, ON_DB, RANGE_DB
from face_emote.audio.conditioning import RumbleFilter
from face_emote.audio.logmel import FLOOR_DB, HOP, WINDOW, level_db
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import FEATURE_HZ, MOTION_HZ
from face_emote.emotion.track import PlannedEmotion
from face_emote.motion.mouth.net_lips import HOLD_SECS
from face_emote.motion.net_listening import condition_rows
from face_emote.network.config import LATENT_FRAMES, LIP_CHANNELS, NUM_EXPRESSION_OUTPUTS, VOICE_SLICE
from face_emote.network.hearing import Hearing
from face_emote.network.runtime import MotionNet
from face_emote.network.streams import ExpressionStream, LipStream
from face_emote.perception.live import LiveFeeling

_WINDOW_MS = 12.5  # Half a window of sound, which the last row that is heard reaches beyond its instant.

_FIRST_FLOOR_DB = -65.0
_FALL_SECS, _RISE_DB_PER_SEC = 0.25, 3.0
"""The noise floor falls at once to what is heard in a pause and climbs slowly: in a phrase it stays below the voice."""
_PEAK_FALL_DB_PER_SEC = 2.0
_SHORTEST = 2  # Rows that have to be loud before it counts: a click is shorter.
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

    def __init__(self) -> None:
        """Start closed."""
        self._since = _HOLD_STEPS + 1
        """Steps since speech was heard at a step's own instant."""
        self._open = 0.0

    def step(self, speaks: Bool[Array, " rows"]) -> float:
        """0 rest .. 1 the network's, eased.

        `speaks` runs from this step's instant to the end of the look-ahead.
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


def look_ahead_within(net: MotionNet, latency_ms: int) -> int:
    """The longest of the network's look-aheads, in frames, that fits into a latency. OptionError: none does."""
    fitting = [f for f in net.config.look_ahead_frames if 1000.0 * f / MOTION_HZ + _WINDOW_MS <= latency_ms]
    if not fitting:
        least = 1000.0 * min(net.config.look_ahead_frames) / MOTION_HZ + _WINDOW_MS
        raise OptionError(f"The latency must be at least {np.ceil(least):.0f} ms for this network, got {latency_ms}")
    return max(fitting)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the network says of the next steps, and who speaks in each one's look-ahead."""

    lips: Float[Array, "steps lip=9"]
    shown: Float[Array, "steps answer=80"]
    hidden: Float[Array, "steps answer=80"]
    speaks: Bool[Array, "steps rows"]

    def voice(self) -> Float[Array, "track=3 steps"]:
        """Accent, activity and energy of the voice (`config.VOICE_TRACKS`), 0..1."""
        return np.clip(self.shown[:, VOICE_SLICE].astype(np.float64), 0.0, 1.0).T


class Ears:
    """Runs the network and the speech detector side by side, so that both speak of the same steps."""

    def __init__(
        self, net: MotionNet, look_ahead: int, *, planned: PlannedEmotion, feeling: LiveFeeling | None = None
    ) -> None:
        """Start before the sound; `feeling` is what `planned` asks, and hears all that is heard here."""
        self._feeling = feeling
        self._ahead, self._planned = look_ahead, planned
        self._cleaner = RumbleFilter()
        self._hearing = Hearing(net.x0, chunk_rows=1)
        self._lips = LipStream(net, look_ahead, chunk_frames=1)
        self._streams = [ExpressionStream(net, look_ahead, chunk_latents=1) for _ in range(1 + planned.hides)]
        self._detector = SpeechDetector()
        self._waiting = [
            np.zeros((0, width), np.float32)
            for width in (len(LIP_CHANNELS), *[NUM_EXPRESSION_OUTPUTS] * len(self._streams))
        ]
        """Answers of lips and expressions that are not there for all of them yet."""
        self._speaks = np.zeros(0, bool)
        self._conditioned = 0
        self._num_rows = 0
        self.num_samples = 0

    @property
    def delay_secs(self) -> float:
        """How long after its instant a step is known."""
        return self._ahead / MOTION_HZ + 1e-3 * _WINDOW_MS

    def hear(self, samples: Float[Array, " _samples"]) -> Heard:
        """The steps that these samples complete."""
        self.num_samples += len(samples)
        return self._ready(self._answers(self._rows(self._cleaner.push(samples))))

    def end(self, steps: int) -> Heard:
        """The answers up to step `steps`, behind the end of the sound."""
        rest = self._rows(self._cleaner.finish())
        answers = self._answers(np.concatenate([rest, self._hearing.finish()]))
        streams: list[LipStream | ExpressionStream] = [self._lips, *self._streams]
        for i, stream in enumerate(streams):
            if stream.num_answered < steps:
                answers[i] = np.concatenate([answers[i], stream.finish(steps)])
        return self._ready(answers)

    def _rows(self, cleaned: Float[Array, " _cleaned"]) -> Array:
        speaks = self._detector.push(cleaned)
        if self._feeling is not None:
            self._feeling.push(cleaned, speaks)
        self._speaks = np.concatenate([self._speaks, speaks])
        return self._hearing.push(cleaned)

    def _answers(self, rows: Array) -> list[Array]:
        self._num_rows += len(rows)
        until = self._num_rows // 2 + 2 * LATENT_FRAMES
        answers = [self._lips.push(rows)]
        span = {"first": self._conditioned, "stop": until}
        for stream, is_hidden in zip(self._streams, (False, True), strict=False):
            answers.append(stream.push(rows, condition_rows(self._planned, **span, is_hidden=is_hidden)))
        self._conditioned = until
        return answers

    def _ready(self, answers: list[Array]) -> Heard:
        self._waiting = [np.concatenate(pair) for pair in zip(self._waiting, answers, strict=True)]
        count = min(map(len, self._waiting))
        ready = [rows[:count] for rows in self._waiting]
        self._waiting = [rows[count:] for rows in self._waiting]
        span = 2 * self._ahead + 1
        missing = max(2 * max(count - 1, 0) + span - len(self._speaks), 0)
        known = np.concatenate([self._speaks, np.zeros(missing, bool)])
        speaks = np.lib.stride_tricks.sliding_window_view(known, span)[: 2 * count : 2]
        self._speaks = self._speaks[2 * count :]
        hidden = ready[2] if len(ready) > 2 else np.zeros((count, NUM_EXPRESSION_OUTPUTS))
        return Heard(lips=ready[0], shown=ready[1], hidden=hidden, speaks=speaks)
