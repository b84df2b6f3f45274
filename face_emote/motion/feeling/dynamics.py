"""How emotion moves: onset, apex and offset at each emotion's own speed.

The plan says what is felt when; a face follows with a lag that depends on the emotion. Genuine smiles rise over
0.6-0.8 s and fade slowly (Schmidt 2006, Guo 2018: slower than posed ones); surprise is up in a fifth of a second.
What the face does between onset and offset is in `life`.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.lowpass import follow_twice
from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionTrack

_SPEED = {
    "neutral": (0.2, 0.2), "joy": (0.20, 0.38), "sadness": (0.32, 0.60), "surprise": (0.06, 0.26),
    "fear": (0.09, 0.32), "disgust": (0.13, 0.28), "anger": (0.17, 0.42), "contempt": (0.20, 0.34),
}  # fmt: skip
"""Time constants of onset and offset, seconds; a rise from 10 to 90 % takes 3.4 of them. Choices that put joy at
0.7 s and surprise at 0.2 s."""
_OTHER_SECS = 0.25
LEAD_SECS = 0.3  # The plan is read this much ahead, so that a key's emotion has mostly arrived at its instant.
_START_SHARE = 0.6  # A clip opens with the emotion already under way.
_NUM_EMOTIONS = len(EMOTIONS)


Mood = Float[Array, "stage=2 channel=21"] | None
"""What the face remembers between two blocks: felt strength of each emotion, VAD, intensity, covert mix, leak. None
before the first step."""


def _time_constants() -> tuple[Array, Array]:
    rest = [_OTHER_SECS] * (3 + 1 + _NUM_EMOTIONS + 1)
    return tuple(np.array([_SPEED[name][i] for name in EMOTIONS] + rest) for i in range(2))  # type: ignore[return-value]


_ON_SECS, _OFF_SECS = _time_constants()


def step_mood(plan: EmotionTrack, stages: Mood, *, step_hz: float) -> tuple[EmotionTrack, Mood]:
    """What the face shows of the plan, step by step, and the state to go on from."""
    strength = plan.intensity.astype(np.float64)[:, None] * plan.mix
    strength[:, 0] = 0.0
    wanted = np.concatenate(
        [strength, plan.vad, plan.intensity[:, None], plan.covert, plan.leak[:, None]], axis=1, dtype=np.float64
    )
    if stages is None:
        stages = np.repeat(wanted[:1], 2, axis=0)
        stages[:, :_NUM_EMOTIONS] *= _START_SHARE
    level, stages = follow_twice(wanted, stages, on_secs=_ON_SECS, off_secs=_OFF_SECS, step_hz=step_hz)
    return _track(np.maximum(level[:, :_NUM_EMOTIONS], 0.0), level[:, _NUM_EMOTIONS:], fps=plan.fps), stages


def _track(strength: Array, rest: Array, *, fps: float) -> EmotionTrack:
    """Shares and intensity whose products are the felt strengths."""
    total = strength[:, 1:].sum(axis=1)
    intensity = np.clip(np.maximum(rest[:, 3], total), 0.0, 1.0)
    mix = strength / np.maximum(np.maximum(intensity, total), 1e-6)[:, None]
    mix[:, 0] = np.maximum(1.0 - mix[:, 1:].sum(axis=1), 0.0)
    return EmotionTrack(
        mix=mix.astype(np.float32),
        vad=np.clip(rest[:, :3], -1.0, 1.0).astype(np.float32),
        intensity=intensity.astype(np.float32),
        covert=np.clip(rest[:, 4 : 4 + _NUM_EMOTIONS], 0.0, 1.0).astype(np.float32),
        leak=np.clip(rest[:, -1], 0.0, 1.0).astype(np.float32),
        fps=fps,
    )
