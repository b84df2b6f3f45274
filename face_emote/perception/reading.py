"""What is felt in a recording: over the whole, 12.5 times a second, and the sounds without words in it."""

from dataclasses import dataclass, fields

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.core.types import SpeechAnalysis
from face_emote.perception.evidence import READING_HZ, SENSES, Evidence, frames_over
from face_emote.perception.fusion import Felt, fused
from face_emote.perception.voice import BURSTS, VoiceFrames, read_voice

SOUNDS = {
    "amusement": "laugh", "elation": "cheer", "sadness": "sob", "fear": "scream", "surprise_neg": "gasp",
    "surprise_pos": "gasp", "anger": "growl", "disgust": "retch", "contempt": "scoff", "neutral": "hum",
}  # fmt: skip
"""What a burst that was acted for a feeling is called; a choice."""
SURE_BURST = 0.6
"""Probability of being no speech from which on a sound counts."""
LEAST_BURST_SECS = 0.24


@dataclass(frozen=True, slots=True)
class Burst:
    """A sound without words."""

    kind: str
    """One of the values of `SOUNDS`."""
    start_secs: float
    end_secs: float
    confidence: float
    """0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class EmotionReading:
    """What is felt, and how sure that is."""

    overall: Felt
    """One instant: the whole recording."""
    frames: Felt
    """Every 80 ms."""
    bursts: tuple[Burst, ...]
    senses: tuple[Evidence | None, ...]
    """What was sensed, in the order of `evidence.SENSES`."""
    duration_secs: float

    @property
    def fps(self) -> float:
        """Of the frames."""
        return READING_HZ

    def over(self, spans: list[tuple[int, int]]) -> Felt:
        """What is felt over each span of frames."""
        return fused(tuple(None if sense is None else sense.over(spans) for sense in self.senses))

    def to_json(self) -> dict[str, object]:
        """As `feelings.json` holds it; numbers have three decimals."""
        frames, names = self.frames, dict(zip(SENSES, self.overall.gates[0], strict=True))
        return {
            "duration_secs": round(self.duration_secs, 3),
            "overall": _as_json(self.overall),
            "gates": {name: round(float(value), 3) for name, value in names.items()},
            "bursts": [
                {f.name: _rounded(getattr(burst, f.name)) for f in fields(Burst)} for burst in self.bursts
            ],
            "frames": {
                "fps": READING_HZ,
                "mix": {name: _listed(frames.mix[:, i]) for i, name in enumerate(EMOTIONS)},
                "vad": [_listed(row) for row in frames.vad],
                "vad_sd": [_listed(row) for row in frames.vad_sd],
                "gates": {name: _listed(frames.gates[:, i]) for i, name in enumerate(SENSES)},
                "hidden": {name: _listed(frames.hidden[:, i]) for i, name in enumerate(EMOTIONS) if i},
            },
        }  # fmt: skip


def read_feelings(analysis: SpeechAnalysis) -> EmotionReading:
    """What is felt in a recording that was analysed."""
    voice = read_voice(analysis.prosody)
    senses = (voice.evidence, None, None)
    count = frames_over(analysis.duration_secs)
    return EmotionReading(
        overall=fused(tuple(None if s is None else s.over([(0, len(s))]) for s in senses)),
        frames=fused(senses),
        bursts=bursts_in(voice),
        senses=senses,
        duration_secs=max(analysis.duration_secs, count / READING_HZ - 1.0 / READING_HZ),
    )


def bursts_in(voice: VoiceFrames) -> tuple[Burst, ...]:
    """Stretches that are no speech, named by what they most sound like."""
    apart = (1.0 - voice.bursts[:, -1]) * (voice.evidence.weight > 0.3)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (apart > SURE_BURST).astype(np.int8), [0]])))
    found = []
    for first, stop in edges.reshape(-1, 2):
        kinds = voice.bursts[first:stop, :-1].mean(axis=0)
        if (stop - first) / READING_HZ >= LEAST_BURST_SECS:
            sure = float(apart[first:stop].mean() * kinds.max() / kinds.sum())
            kind = SOUNDS[BURSTS[int(kinds.argmax())]]
            found.append(Burst(kind, round(first / READING_HZ, 3), round(stop / READING_HZ, 3), round(sure, 3)))
    return tuple(found)


def _as_json(felt: Felt) -> dict[str, object]:
    shown = {name: round(float(felt.mix[0, i]), 3) for i, name in enumerate(EMOTIONS)}
    beneath = {
        name: round(float(value), 3) for name, value in zip(EMOTIONS, felt.hidden[0], strict=True) if value > 5e-4
    }
    return {"mix": shown, "vad": _listed(felt.vad[0]), "vad_sd": _listed(felt.vad_sd[0]), "hidden": beneath}


def _listed(values: Float[Array, " value"]) -> list[float]:
    return [round(float(value), 3) for value in values]


def _rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value
