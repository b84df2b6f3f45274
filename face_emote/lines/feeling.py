"""What the words of a line say is felt, in words that a person can edit."""

import re
from dataclasses import dataclass

import numpy as np

from face_emote.core.names import EMOTIONS
from face_emote.perception.words import WordsReading, read_words

SECOND = 0.4
"""An emotion stands beside the strongest one from this share of it on."""
IRONIC = 0.5
"""From here on words are taken to mean the other way round: gladness shows, and what is meant is hidden."""
_THEN = re.compile(r"\s*[,;]?\s*\b(?:and\s+)?then\b[\s,]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LineFeeling:
    """What is felt in a line."""

    emotion: str
    """As `animate --emotion` takes it, at full strength."""
    intensity: float
    """0..1, in twentieths."""
    hidden: str = ""
    """What is felt and not shown."""

    @property
    def words(self) -> str:
        """All of it in one description."""
        if self.emotion == "neutral":
            return self.emotion
        return beneath(f"{one(self.emotion)}:{self.intensity:g}", self.hidden)


def felt_in(text: str) -> LineFeeling:
    """What the words of a line say; `neutral` where that is the likeliest."""
    reading = read_words(text)
    emotion, intensity = _shown(reading)
    if reading.irony >= IRONIC and emotion != "neutral":
        return LineFeeling("joy", min(intensity, 0.5), hidden=EMOTIONS[1 + int(reading.mix[1:].argmax())])
    return LineFeeling(emotion, intensity)


def _shown(reading: WordsReading) -> tuple[str, float]:
    order = np.argsort(-reading.mix[1:], kind="stable")[:2] + 1
    first, second = (float(reading.mix[index]) for index in order)
    if first <= reading.mix[0] or reading.evidence <= 0.0:
        return "neutral", 1.0
    if second < SECOND * first:
        return EMOTIONS[order[0]], _twentieth(first)
    share = round(20.0 * first / (first + second)) * 5
    words = f"{EMOTIONS[order[0]]} {share}% + {EMOTIONS[order[1]]} {100 - share}%"
    return words, _twentieth(first + second)


def _twentieth(value: float) -> float:
    return round(max(round(20.0 * value), 1) / 20.0, 2)


def beneath(emotion: str, hidden: str) -> str:
    """An emotion, or several one after the other, with another one hidden under it; none where `hidden` is empty."""
    if not hidden:
        return emotion
    return " then ".join(f"{one(hidden)} hidden under {one(part)}" for part in _THEN.split(emotion))


def one(emotion: str) -> str:
    """A description that others can stand beside."""
    return emotion if re.fullmatch(r"[\w-]+(?::[\d.]+)?", emotion) else f"({emotion})"
