"""What is felt in a recording: over the whole, 12.5 times a second, and the sounds without words in it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from face_emote.audio.activity import runs
from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.core.types import SpeechAnalysis, Talker
from face_emote.perception.encoder import Encoded
from face_emote.perception.evidence import READING_HZ, TEXT, Evidence, frames_over
from face_emote.perception.fusion import Felt, fused
from face_emote.perception.voice import BURSTS, VoiceFrames, VoiceReader, read_voice
from face_emote.perception.words import FINE_WORDS, WordsReading, mixes_of_feelings, read_timed_words, read_words

SOUNDS = {
    "amusement": "laugh", "elation": "cheer", "sadness": "sob", "fear": "scream", "surprise_neg": "gasp",
    "surprise_pos": "gasp", "anger": "growl", "disgust": "retch", "contempt": "scoff", "neutral": "hum",
}  # fmt: skip
"""What a burst that was acted for a feeling is called; a choice."""
SURE_BURST = 0.6  # Probability of being no speech from which on a sound counts.
HELD_FRAMES = 5  # A voice is felt so long after it was last heard, and before it is heard again.
LEAST_BURST_SECS = 0.24
_TOGETHER = 4096  # Frames that are fused at once.


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


@dataclass(frozen=True, slots=True)
class Burst:
    """A sound without words."""

    kind: str  # One of the values of `SOUNDS`.
    start_secs: float
    end_secs: float
    confidence: float  # 0..1.


@dataclass(frozen=True, slots=True, eq=False)
class EmotionReading:
    """What is felt, and how sure that is."""

    overall: Felt  # One instant: everything together.
    frames: Felt  # Every 80 ms.
    bursts: tuple[Burst, ...]
    senses: tuple[Evidence | None, ...]  # What was sensed, in the order of `evidence.SENSES`.
    said: SaidFrames | None  # The words; None without any.
    duration_secs: float
    encoded: Encoded | None = None  # What the encoder makes of it; None unless it was asked for.

    @property
    def embedding(self) -> Float[Array, " number=1024"] | None:
        """The whole line as a place among lines that feel alike (`encoder.Encoded`)."""
        return None if self.encoded is None else self.encoded.embedding

    @property
    def fps(self) -> float:
        """Of the frames."""
        return READING_HZ

    def over(self, spans: list[tuple[int, int]]) -> Felt:
        """What is felt over each span of frames."""
        return _fused(self.senses, self.said, spans=spans)

    def fine(self, felt: Felt) -> Float[Array, f"frames fine={len(FINE_WORDS)}"]:
        """Probabilities of `words.FINE_WORDS` for `frames` or `overall`: what the words say as far as they are
        believed, and else what the eight emotions are usually called.
        """
        named: Array = felt.mix @ named_shares()
        if self.said is None:
            return named
        own = self.said.fine if len(felt.mix) == len(self.said.fine) else self.said.fine.mean(axis=0, keepdims=True)
        believed = felt.gates[:, TEXT : TEXT + 1]
        return np.asarray(believed * own + (1.0 - believed) * named)


def read_feelings(
    analysis: SpeechAnalysis | None,
    *,
    text: str | None = None,
    face: Evidence | None = None,
    reader: VoiceReader | None = None,
    talker: Talker | None = None,
) -> EmotionReading:
    """What is felt in a recording that was analysed, in words, and in a face that moves; any of them may be missing.

    `text` is what is said, for whoever has no recording or one whose transcript could not be laid over it; `reader` is
    another one for the voice, `talker` what is known of it from other lines. ValueError: all of them are missing.
    CheckpointError: a reader cannot be loaded.
    """
    voice = None if analysis is None else read_voice(analysis.prosody, reader=reader, talker=talker)
    said = read_said(analysis, text)
    found = (None if voice is None else voice.evidence.held(HELD_FRAMES), None if said is None else said.evidence, face)
    count = max((len(sense) for sense in found if sense is not None), default=0)
    if not count:
        raise ValueError("nothing to read: give speech, text or a motion")
    senses = tuple(None if sense is None else sense.lasting(count) for sense in found)
    said = None if said is None else said.lasting(count)
    return EmotionReading(
        overall=_fused(senses, said, spans=[(0, count)]),
        frames=_fused(senses, said),
        bursts=() if voice is None else bursts_in(voice),
        senses=senses,
        said=said,
        duration_secs=analysis.duration_secs if analysis is not None else count / READING_HZ,
    )


def _fused(
    senses: tuple[Evidence | None, ...], said: SaidFrames | None, *, spans: list[tuple[int, int]] | None = None
) -> Felt:
    """Frame by frame, or over spans of frames."""
    irony = None if said is None else said.irony
    if spans is None:
        count = max(len(sense) for sense in senses if sense is not None)
        parts = [
            fused(
                tuple(None if sense is None else sense.part(first, min(first + _TOGETHER, count)) for sense in senses),
                irony=None if irony is None else irony[first : first + _TOGETHER],
            )
            for first in range(0, count, _TOGETHER)
        ]
        return Felt(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Felt)})
    if irony is not None:
        irony = np.array([irony[first:stop].max() for first, stop in spans])
    return fused(tuple(None if sense is None else sense.over(spans) for sense in senses), irony=irony)


def bursts_in(voice: VoiceFrames) -> tuple[Burst, ...]:
    """Stretches that are no speech, named by what they most sound like."""
    apart = (1.0 - voice.bursts[:, -1]) * (voice.evidence.weight > 0.3)
    found = []
    for first, stop in runs(apart > SURE_BURST):
        kinds = voice.bursts[first:stop, :-1].mean(axis=0)
        if (stop - first) / READING_HZ >= LEAST_BURST_SECS:
            sure = float(apart[first:stop].mean() * kinds.max() / kinds.sum())
            kind = SOUNDS[BURSTS[int(kinds.argmax())]]
            found.append(Burst(kind, round(first / READING_HZ, 3), round(stop / READING_HZ, 3), round(sure, 3)))
    return tuple(found)


EDGE_SECS = 0.2  # A sentence is felt this much before it begins and after it ends.


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
    shares = np.ascontiguousarray(mixes_of_feelings()[: len(FINE_WORDS)].T)
    out: Array = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
    return out
