"""A reading becomes emotion keys that an animator can edit: a key where a phrase feels otherwise than the one before.

The keys are written in the words of `emotion.grammar`, so that what is printed is what is performed.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionKey, EmotionPlan, Pause
from face_emote.emotion.grammar import describe
from face_emote.perception.evidence import READING_HZ, SENSES
from face_emote.perception.fusion import Felt
from face_emote.perception.reading import EmotionReading

PHRASE_PAUSE_SECS = 0.25
LONGEST_PHRASE_SECS = 4.0
SHORTEST_PHRASE_SECS = 0.8
SAME = 0.12  # Phrases whose emotions differ by less, summed over half of them, share a key.
CHANGE_SECS = 0.5
"""In which a face goes from one phrase's emotion to the next one's; its middle is where the phrase begins."""
FAINTEST = 0.05
SECOND = 0.4  # An emotion shows beside the strongest one from this share of it on.
FAINTEST_HIDDEN = 0.1
_SENSE_NAMES = {"text": "words"}  # As people call them.


def auto_plan(reading: EmotionReading, pauses: Sequence[Pause] = ()) -> EmotionPlan:
    """The emotion keys that a reading stands for; phrases end in pauses."""
    spans = joined_phrases(reading, phrases_of(pauses, num_frames=len(reading.frames.vad)))
    felt = reading.over(spans)
    said = [described(felt, i) for i in range(len(spans))]
    keys: list[tuple[float, str]] = [(0.0, said[0])]
    for (first, _), words, before in zip(spans[1:], said[1:], said[:-1], strict=True):
        if words != before:
            turn = first / READING_HZ
            keys += [(max(turn - 0.5 * CHANGE_SECS, keys[-1][0] + 0.01), before), (turn + 0.5 * CHANGE_SECS, words)]
    meant = {words: describe(words).keys[0].emotion for words in set(said)}
    text = "; ".join(f"{secs:.2f}s {words}" for secs, words in keys) if len(keys) > 1 else said[0]
    return EmotionPlan(tuple(EmotionKey(round(secs, 2), meant[words]) for secs, words in keys), text=text)


def joined_phrases(reading: EmotionReading, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours that feel the same as one."""
    felt = reading.over(spans)
    shown = np.concatenate([felt.mix[:, 1:], felt.hidden], axis=1)
    joined = [spans[0]]
    here = shown[0]
    for span, now in zip(spans[1:], shown[1:], strict=True):
        if 0.5 * np.abs(now - here).sum() < SAME:
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
            here = now
    return joined


def described(felt: Felt, index: int) -> str:
    """One instant in the words of the grammar: at most two emotions, in twentieths, and one that is hidden."""
    surface = _sum(felt.mix[index])
    beneath = felt.hidden[index]
    hidden = int(beneath.argmax())
    if beneath[hidden] < FAINTEST_HIDDEN:
        return surface
    return f"{EMOTIONS[hidden]}:{_amount(beneath[hidden])} hidden under {surface}"


@dataclass(frozen=True, slots=True)
class SenseSaid:
    """What one sense says of the whole, and how far it was believed."""

    name: str
    weight: float
    says: str


def each_sense(reading: EmotionReading) -> tuple[SenseSaid, ...]:
    """Of the senses that are there: for a panel's bars."""
    gates = reading.overall.gates[0]
    return tuple(
        SenseSaid(_SENSE_NAMES.get(name, name), float(gate), _named(sense.over([(0, len(sense))]).mix[0], most=2))
        for name, gate, sense in zip(SENSES, gates, reading.senses, strict=True)
        if sense is not None and gate > 0.0
    )


def in_a_sentence(reading: EmotionReading) -> str:
    """What the whole feels, and why: for a panel."""
    felt = reading.overall
    tone = "tense" if felt.vad[0, 1] > 0.25 else "subdued" if felt.vad[0, 1] < -0.25 else "even"
    beneath = int(felt.hidden[0].argmax())
    hidden = f"; {EMOTIONS[beneath]} may be hidden" if felt.hidden[0, beneath] >= FAINTEST_HIDDEN else ""
    return f"{_named(felt.mix[0], most=3)}; {tone}{hidden} (believed: {_reason(each_sense(reading))})"


def _reason(senses: tuple[SenseSaid, ...]) -> str:
    """How far each sense was believed, and whether they agree."""
    if len(senses) < 2:
        return f"{senses[0].name} alone" if senses else "nothing"
    shares = ", ".join(f"{sense.name} {100 * sense.weight:.0f} %" for sense in senses)
    ordered = sorted(senses, key=lambda sense: -sense.weight)
    first, second = (sense.says.split(" ")[0] for sense in ordered[:2])
    if first == second:
        return f"{shares}; both say {first}"
    surer = f"{ordered[0].name}, which says {first}, counts more than {ordered[1].name}, which says {second}"
    return f"{shares}; {surer}"


def _named(mix: Float[Array, " emotion=8"], *, most: int) -> str:
    shares = sorted(zip(mix, EMOTIONS, strict=True), reverse=True)
    return ", ".join(f"{name} {100 * value:.0f} %" for value, name in shares[:most] if value >= FAINTEST)


def _sum(mix: Float[Array, " emotion=8"]) -> str:
    order = np.argsort(-mix[1:], kind="stable")[:2] + 1
    first, second = (int(i) for i in order)
    if mix[first] < FAINTEST:
        return "neutral"
    if mix[second] < max(SECOND * mix[first], FAINTEST):
        return f"{EMOTIONS[first]}:{_amount(mix[first])}"
    return f"{EMOTIONS[first]} {_percent(mix[first])} + {EMOTIONS[second]} {_percent(mix[second])}"


def _amount(value: float) -> str:
    """Rounded down: never stronger than the evidence."""
    return f"{max(np.floor(20.0 * value + 1e-6), 1.0) / 20.0:g}"


def _percent(value: float) -> str:
    return f"{100.0 * float(_amount(value)):.0f}%"


def phrases_of(pauses: Sequence[Pause], *, num_frames: int) -> list[tuple[int, int]]:
    """Frames of each phrase: from pause to pause, long ones in equal parts; together they cover everything."""
    cuts = [
        round(0.5 * (pause.start_secs + pause.end_secs) * READING_HZ)
        for pause in pauses
        if pause.end_secs - pause.start_secs >= PHRASE_PAUSE_SECS
    ]
    least = SHORTEST_PHRASE_SECS * READING_HZ
    edges = [0]
    for cut in cuts:
        if cut - edges[-1] >= least and num_frames - cut >= least:
            edges.append(cut)
    edges.append(num_frames)
    spans: list[tuple[int, int]] = []
    for first, stop in itertools.pairwise(edges):
        parts = max(int(np.ceil((stop - first) / READING_HZ / LONGEST_PHRASE_SECS)), 1)
        inner = np.round(np.linspace(first, stop, parts + 1)).astype(int)
        spans += [(int(a), int(b)) for a, b in itertools.pairwise(inner)]
    return spans
