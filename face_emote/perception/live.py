"""What is felt in a voice that is still speaking: the reader of `voice`, fed by what can be heard as it comes.

Pitch is settled `LAG_ROWS` late instead of with the whole recording in view, and an instant shows what was read up to
`BEHIND_SECS` before it, smoothed; a pure function of the sound so far, however it was cut.
"""

import numpy as np

from face_emote.audio.features import LEVEL_WINDOW, timbre_of
from face_emote.audio.logmel import HOP, level_db, log_mel
from face_emote.audio.pitch import WINDOW, LivePitch, pitch_candidates
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.names import EMOTIONS, FEATURE_HZ, NUM_CEPSTRA
from face_emote.core.types import EmotionTrack, Prosody
from face_emote.emotion.blending import PROTOTYPE_VAD
from face_emote.perception.evidence import READING_HZ
from face_emote.perception.fusion import fused
from face_emote.perception.voice import WINDOW_ROWS, VoiceReader, VoiceStream

LAG_ROWS = 8
BEHIND_SECS = 2.2
"""The reader's windows end 1.2 s after their instant, and two are needed; the rest is the network's look into the
future."""
SMOOTHING_SECS = 0.7
"""Of the way towards what is read, 63 % are gone in this time: a face has moods, it does not flicker."""
CHUNK_ROWS = 8  # Rows made at a time, always from a multiple of it on: results do not depend on how the sound was cut.
FAINTEST = 0.04  # What is felt less does not show.
MEMORY_FRAMES = 128
_SETTLED = round(0.5 * WINDOW_ROWS / FEATURE_HZ * READING_HZ)
"""Frames before it are read later than they are shown: they show nothing."""
_STEP = 1.0 - np.exp(-1.0 / (SMOOTHING_SECS * READING_HZ))
_NEUTRAL = np.eye(len(EMOTIONS))[0]


class LiveFeeling:
    """What is felt, for a `PlannedEmotion` that asks for it live."""

    def __init__(self, reader: VoiceReader | None = None) -> None:
        """Start before the sound; raises CheckpointError without a usable reader."""
        self._prosody = LiveProsody()
        self._voice = VoiceStream(reader)
        self._mood = _NEUTRAL.copy()
        self._moods = np.zeros((0, len(EMOTIONS)))
        self._first = 0
        """Number of the first frame of `_moods`."""

    def push(self, samples: Float[Array, " _samples"], speaks: Bool[Array, " _rows"]) -> None:
        """Hear more; `speaks` are the rows of a detector that has heard the same sound."""
        heard = self._voice.push(self._prosody.push(samples, speaks)).evidence
        if not len(heard):
            return
        moods = np.empty((len(heard), len(EMOTIONS)))
        for i, weight in enumerate(heard.weight):
            # One at a time: the last bit of a sum may depend on how many there are.
            if self._first + len(self._moods) + i >= _SETTLED:
                felt = fused((heard.part(i, i + 1), None, None))
                self._mood = self._mood + weight * _STEP * (felt.mix[0] - self._mood)
            moods[i] = self._mood
        self._moods = np.concatenate([self._moods, moods])
        spare = max(len(self._moods) - MEMORY_FRAMES, 0)
        self._moods = self._moods[spare:]
        self._first += spare

    def __call__(self, times: Float[Array, " frames"], rate_hz: float) -> EmotionTrack:
        """What shows at instants that are not older than some seconds."""
        count = len(times)
        place = (times - BEHIND_SECS) * READING_HZ - self._first
        if len(self._moods):
            at = np.clip(place, 0.0, len(self._moods) - 1.0)
            low = at.astype(np.int64)
            share = (at - low)[:, None]
            mood = (1.0 - share) * self._moods[low] + share * self._moods[np.minimum(low + 1, len(self._moods) - 1)]
            mood = np.where((place < 0.0)[:, None] & (self._first == 0), _NEUTRAL, mood)
        else:
            mood = np.tile(_NEUTRAL, (count, 1))
        strength = np.maximum(mood[:, 1:] - FAINTEST, 0.0)
        intensity, vad = np.zeros(count), np.zeros((count, 3))
        for column, prototype in zip(strength.T, PROTOTYPE_VAD[1:], strict=True):
            intensity += column
            vad += column[:, None] * prototype
        shares = np.where(intensity[:, None] > 0.0, strength / np.maximum(intensity, 1e-9)[:, None], 0.0)
        mix = np.concatenate([(intensity <= 0.0).astype(np.float64)[:, None], shares], axis=1)
        nothing = np.zeros((count, len(EMOTIONS)), np.float32)
        return EmotionTrack(
            mix=mix.astype(np.float32),
            vad=vad.astype(np.float32),
            intensity=intensity.astype(np.float32),
            covert=nothing,
            leak=nothing[:, 0],
            fps=rate_hz,
        )


class LiveProsody:
    """Prosody of sound that is still coming; memory of fixed size."""

    def __init__(self) -> None:
        """Start before the sound."""
        self._sound = np.zeros(WINDOW // 2, np.float32)
        self._pitch = LivePitch(LAG_ROWS)
        self._level = np.zeros(0, np.float32)
        self._timbre = np.zeros((0, NUM_CEPSTRA), np.float16)
        self._speaks = np.zeros(0, bool)
        """Rows that wait for their pitch."""

    def push(self, samples: Float[Array, " _samples"], speaks: Bool[Array, " _rows"]) -> Prosody:
        """The rows that are settled now; `speaks` are the rows of a detector that has heard the same sound."""
        self._sound = np.concatenate([self._sound, samples])
        self._speaks = np.concatenate([self._speaks, speaks])
        tones: list[tuple[float, float]] = []
        middle = slice((WINDOW - LEVEL_WINDOW) // 2, (WINDOW + LEVEL_WINDOW) // 2)
        while len(self._sound) >= (CHUNK_ROWS - 1) * HOP + WINDOW:
            windows = np.lib.stride_tricks.sliding_window_view(self._sound, WINDOW)[::HOP][:CHUNK_ROWS]
            level = level_db(windows[:, middle])
            tones += self._pitch.push(*pitch_candidates(windows, level))
            self._level = np.concatenate([self._level, level.astype(np.float32)])
            self._timbre = np.concatenate([self._timbre, timbre_of(log_mel(windows[:, middle]))])
            self._sound = self._sound[CHUNK_ROWS * HOP :]
        return self._settled(tones)

    def _settled(self, tones: list[tuple[float, float]]) -> Prosody:
        count = len(tones)
        f0, voiced = np.array(tones, np.float32).reshape(count, 2).T
        speaking = self._speaks[:count].astype(np.float32)
        silent = speaking < 0.5
        rows = Prosody(
            loudness_db=self._level[:count],
            f0_hz=np.where(silent, np.float32(np.nan), f0),
            voiced=np.where(silent, np.float32(0.0), voiced),
            speaking=speaking,
            tremor=np.zeros(count, np.float32),
            timbre=self._timbre[:count],
        )
        self._level, self._timbre, self._speaks = self._level[count:], self._timbre[count:], self._speaks[count:]
        return rows
