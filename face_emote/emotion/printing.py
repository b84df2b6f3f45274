"""Write an emotion plan back as text that reads to the same plan."""

import numpy as np

from face_emote.core.names import EMOTIONS
from face_emote.core.types import Emotion, EmotionPlan
from face_emote.emotion.grammar import describe


def print_emotion(plan: EmotionPlan) -> str:
    """A description that `describe` turns into the same plan, bit for bit.

    A single emotion or plain mixture of the eight is written in words (`joy:0.7`), anything else as `state(..)`.
    """
    written = [_print_state(key.emotion) for key in plan.keys]
    if len(plan.keys) == 1 and plan.keys[0].time_secs == 0.0 and plan.auto == 0.0:
        return written[0]
    keys = [f"{_seconds(key.time_secs)} {text}" for key, text in zip(plan.keys, written, strict=True)]
    if plan.auto > 0.0:
        keys.insert(0, f"auto:{plan.auto!r}")
        only = plan.keys[0]
        if len(plan.keys) == 1 and only.time_secs == 0.0 and _same_emotion(only.emotion, _neutral()):
            keys.pop()
    return "; ".join(keys)


def same_plan(a: EmotionPlan, b: EmotionPlan) -> bool:
    """Whether two plans ask for exactly the same, in whatever words."""
    return (
        a.auto == b.auto
        and len(a.keys) == len(b.keys)
        and all(
            x.time_secs == y.time_secs and _same_emotion(x.emotion, y.emotion)
            for x, y in zip(a.keys, b.keys, strict=True)
        )
    )


def _same_emotion(a: Emotion, b: Emotion) -> bool:
    return (
        np.array_equal(a.mix, b.mix)
        and np.array_equal(a.vad, b.vad)
        and np.array_equal(a.covert, b.covert)
        and a.intensity == b.intensity
        and a.leak == b.leak
    )


def _neutral() -> Emotion:
    return describe("neutral").keys[0].emotion


def _print_state(emotion: Emotion) -> str:
    main = EMOTIONS[int(np.argmax(emotion.mix))]
    simple = main if main == "neutral" else f"{main}:{_figure(emotion.intensity)}"
    if _same_emotion(describe(simple).keys[0].emotion, emotion):
        return simple.removesuffix(":1")
    fields = [(name, float(share)) for name, share in zip(EMOTIONS, emotion.mix, strict=True) if share]
    fields += zip(("valence", "arousal", "dominance"), (float(value) for value in emotion.vad), strict=True)
    fields += [("intensity", emotion.intensity)]
    fields += [(f"hidden {name}", float(share)) for name, share in zip(EMOTIONS, emotion.covert, strict=True) if share]
    fields += [("leak", emotion.leak)]
    return "state(" + ", ".join(f"{name}={_figure(value)}" for name, value in fields) + ")"


def _seconds(time_secs: float) -> str:
    """A time without exponent; `describe` keeps nanoseconds."""
    return f"{time_secs:.9f}".rstrip("0").rstrip(".") + "s"


def _figure(value: float) -> str:
    """Shortest decimal that reads back to the same float32 or rounded figure."""
    return f"{value:.9g}"
