"""The words of a recording as a sense: what each sentence says, while it is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.core.types import SpeechAnalysis
from face_emote.perception.evidence import READING_HZ, Evidence, frames_over
from face_emote.perception.words import FINE_MIXES, FINE_WORDS, WordsReading, read_timed_words, read_words

EDGE_SECS = 0.2  # A sentence is felt this much before it begins and after it ends.


@dataclass(frozen=True, slots=True, eq=False)
class SaidFrames:
    """What is said at consecutive instants of `READING_HZ`."""

    evidence: Evidence
    irony: Float[Array, " frames"]
    fine: Float[Array, f"frames fine={len(FINE_WORDS)}"]

    def lasting(self, count: int) -> "SaidFrames":
        """So many instants, as `Evidence.lasting`."""
        index = np.minimum(np.arange(count), len(self.irony) - 1)
        return SaidFrames(self.evidence.lasting(count), self.irony[index], self.fine[index])


def read_said(analysis: SpeechAnalysis | None, text: str | None) -> SaidFrames | None:
    """The words of a recording's transcript where they are spoken; else `text` from beginning to end.

    None without any words.
    """
    if analysis is not None and analysis.words:
        return _placed(read_timed_words(analysis.words, transcript=analysis.text), analysis.duration_secs)
    if not text:
        return None
    secs = 0.0 if analysis is None else analysis.duration_secs
    return _placed([(0.0, secs, read_words(text))], secs)


def _placed(said: Sequence[tuple[float, float, WordsReading]], duration_secs: float) -> SaidFrames:
    count = frames_over(duration_secs)
    mix = np.tile(np.eye(len(EMOTIONS))[0], (count, 1))
    vad, sd = np.zeros((count, 3)), np.full((count, 3), 0.5)
    weight, irony, fine = np.zeros(count), np.zeros(count), np.zeros((count, len(FINE_WORDS)))
    fine[:, FINE_WORDS.index("neutral")] = 1.0
    for start, end, reading in said:
        first = max(int(np.floor((start - EDGE_SECS) * READING_HZ)), 0)
        span = slice(first, max(int(np.ceil((end + EDGE_SECS) * READING_HZ)), first + 1))
        mix[span], vad[span], sd[span] = reading.mix, reading.vad, reading.vad_sd
        weight[span], irony[span], fine[span] = coverage(reading), reading.irony, reading.fine
    return SaidFrames(Evidence(mix, np.ones_like(mix), vad, vad_sd=sd, weight=weight), irony, fine)


def coverage(reading: WordsReading) -> float:
    """How much of a text is understood, 0..1: its evidence, but for what it finds neutral."""
    return float(np.clip(reading.evidence / max(1.0 - float(reading.mix[0]), 0.05), 0.0, 1.0))


@lru_cache(maxsize=1)
def named_shares() -> Float[Array, f"emotion=8 fine={len(FINE_WORDS)}"]:
    """Which fine words each emotion is shared out over where no words are said."""
    shares = np.zeros((len(EMOTIONS), len(FINE_WORDS)))
    for column, word in enumerate(FINE_WORDS):
        for part in FINE_MIXES[word].split():
            emotion, _, amount = part.partition(":")
            shares[EMOTIONS.index(emotion), column] = float(amount or 1.0)
    out: Array = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
    return out
