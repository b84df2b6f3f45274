"""An emotion plan written out as a description that reads back to the same plan, bit for bit."""

import numpy as np

from face_emote.core.names import EMOTIONS
from face_emote.core.types import Emotion, EmotionPlan


def written(plan: EmotionPlan) -> str:
    keys = [f"{_seconds(key.time_secs)} {_state(key.emotion)}" for key in plan.keys]
    # `describe` keeps nanoseconds and the shortest decimals that are float32.
    return "; ".join([f"auto:{plan.auto!r}", *keys] if plan.auto > 0.0 else keys)


def same_plan(a: EmotionPlan, b: EmotionPlan) -> bool:
    """Whether two plans ask for exactly the same, in whatever words."""
    keys = zip(a.keys, b.keys, strict=False)
    return (
        a.auto == b.auto
        and len(a.keys) == len(b.keys)
        and all(x.time_secs == y.time_secs and _same_emotion(x.emotion, y.emotion) for x, y in keys)
    )


def _same_emotion(a: Emotion, b: Emotion) -> bool:
    arrays = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("mix", "vad", "covert"))
    return arrays and a.intensity == b.intensity and a.leak == b.leak


def _state(emotion: Emotion) -> str:
    figures = [(name, float(share)) for name, share in zip(EMOTIONS, emotion.mix, strict=True) if share]
    figures += zip(("valence", "arousal", "dominance"), (float(value) for value in emotion.vad), strict=True)
    figures += [(f"hidden {name}", float(share)) for name, share in zip(EMOTIONS, emotion.covert, strict=True) if share]
    figures += [("intensity", emotion.intensity), ("leak", emotion.leak)]
    return "state(" + ", ".join(f"{name}={value:.9g}" for name, value in figures) + ")"


def _seconds(time_secs: float) -> str:
    return f"{time_secs:.9f}".rstrip("0").rstrip(".") + "s"
