"""Senses become one reading: a product of experts whose weights a gate sets, instant by instant.

    log p(emotion) = sum over senses of  gate x (log-probability of that sense, centred)  + bias

A sense counts less the less sure it is (entropy), the more neutral it finds things, and the more it disagrees with the
others (Jensen-Shannon divergence); the ten weights and the biases in `GATES` were fitted (`tools.train_voice.gates`). A
sense that is absent weighs nothing and the others then stand alone, as they were calibrated; an emotion that a sense
cannot tell gets nothing from it. Valence, arousal and dominance are fused by their precision.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.perception.evidence import LEAST, SENSES, TEXT, VOICE, Evidence

NOTHING_SD = np.array([0.45, 0.35, 0.3])  # Deviation of VAD where nothing is sensed.
_NEUTRAL = np.eye(len(EMOTIONS))[0]
_JOY, _CONTEMPT = EMOTIONS.index("joy"), EMOTIONS.index("contempt")


@dataclass(frozen=True, slots=True)
class Gates:
    """How far a sense is believed among others."""

    weight: float
    entropy: float
    neutrality: float
    disagreement: float


GATES = (
    Gates(1.03, entropy=0.38, neutrality=-0.83, disagreement=0.14),
    Gates(0.70, entropy=0.73, neutrality=-0.51, disagreement=-0.20),
    Gates(1.03, entropy=0.38, neutrality=-0.83, disagreement=0.14),
)
"""Of voice, words and face. No corpus shows faces that contradict a voice: the face is believed like the voice."""
BIAS = np.array([-1.32, -0.39, -0.22, 0.0, 0.95, 1.53, -0.15, 0.0])
"""Of the emotions where voice and words are both there."""
POSITIVE, NEGATIVE = 0.15, -0.1  # Valences from which on two senses contradict each other.
CONTRADICTION = 5.0  # Contradiction for a product of valences of 1.
MOST_HIDDEN = 0.5
PRETENDED = np.array([0.65, 0.35, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # What stinging words show.
FLAT = 0.15  # Arousal of a voice that does not go with joyful words.


@dataclass(frozen=True, slots=True, eq=False)
class Felt:
    """What is felt, at consecutive instants or once for all."""

    mix: Float[Array, "frames emotion=8"]  # Probabilities over `names.EMOTIONS`.
    vad: Float[Array, "frames vad=3"]
    vad_sd: Float[Array, "frames vad=3"]
    gates: Float[Array, "frames sense=3"]
    """How far each of `SENSES` was believed; they sum to 1, or to 0 where nothing is sensed."""
    hidden: Float[Array, "frames emotion=8"]
    """What shows through from beneath where senses contradict each other; its sum is how strongly, 0..0.5."""


def fused(senses: tuple[Evidence | None, ...], *, irony: Float[Array, " frames"] | None = None) -> Felt:
    """One reading of what voice, words and face say, in the order of `SENSES`; None for a sense that is absent.

    `irony`: how far the words sound as if the opposite was meant, 0..1.
    """
    present = [sense for sense in senses if sense is not None]
    count = len(present[0])
    shape = (len(SENSES), count)
    weight = np.stack([np.zeros(count) if s is None else np.asarray(s.weight, np.float64) for s in senses])
    mixes = np.stack([np.tile(_NEUTRAL, (count, 1)) if s is None else s.mix for s in senses])
    mixes = np.maximum(mixes, LEAST) / np.maximum(mixes, LEAST).sum(axis=2, keepdims=True)
    knows = np.stack([np.zeros((count, len(EMOTIONS))) if s is None else s.knows for s in senses])
    most = weight.max(axis=0)
    share = np.where(most > 0.0, weight / np.maximum(most, 1e-9), 0.0)
    others = np.stack([1.0 - np.prod(np.delete(1.0 - share, i, axis=0), axis=0) for i in range(shape[0])])
    believed = share * (1.0 - others + others * _gated(mixes, share))
    if irony is not None:
        believed[TEXT] *= 1.0 - irony * _flatness(senses[VOICE], count) * share[VOICE]
    logits = (believed[:, :, None] * knows * _centred(mixes, knows)).sum(axis=0)
    logits = logits + (share[VOICE] * share[TEXT])[:, None] * BIAS
    known = knows.max(axis=0, where=(share > 0.0)[:, :, None], initial=0.0)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True)) * np.maximum(known, LEAST)
    mix = shares / shares.sum(axis=1, keepdims=True)
    mix = most[:, None] * mix + (1.0 - most)[:, None] * _NEUTRAL
    vad, sd = _fused_vad(senses, believed, most=most)
    total = believed.sum(axis=0)
    gates = np.where(total > 1e-9, believed / np.maximum(total, 1e-9), 0.0).T
    hidden, surface, cover = _contradiction(mixes, senses, weight=weight, irony=irony)
    return Felt((1.0 - cover) * mix + cover * surface, vad, vad_sd=sd, gates=gates, hidden=hidden)


def _centred(mixes: Float[Array, "sense frames emotion=8"], knows: Array) -> Float[Array, "sense frames emotion=8"]:
    """Log-probabilities above their mean over the emotions that a sense can tell."""
    logs = np.log(mixes)
    return np.asarray(
        logs - (knows * logs).sum(axis=2, keepdims=True) / np.maximum(knows.sum(axis=2, keepdims=True), 1e-9)
    )


def entropy(mix: Float[Array, "*batch emotion=8"]) -> Float[Array, "*batch"]:
    """In nats."""
    return np.asarray(-(mix * np.log(np.maximum(mix, 1e-12))).sum(axis=-1))


def divergence(a: Float[Array, "*batch emotion=8"], b: Float[Array, "*batch emotion=8"]) -> Float[Array, "*batch"]:
    """Jensen and Shannon's: 0 the same .. ln 2 nothing in common."""
    return np.asarray(entropy(0.5 * (a + b)) - 0.5 * (entropy(a) + entropy(b)))


def _gated(mixes: Float[Array, "sense frames emotion=8"], share: Array) -> Float[Array, "sense frames"]:
    """The weight of every sense among others."""
    out = np.zeros(mixes.shape[:2])
    for i, gate in enumerate(GATES):
        apart = np.zeros(mixes.shape[1])
        there = np.zeros(mixes.shape[1])
        for j in range(len(GATES)):
            if j != i:
                apart += share[j] * divergence(mixes[i], mixes[j])
                there += share[j]
        apart = apart / np.maximum(there, 1e-9)
        sure = gate.entropy * (entropy(mixes[i]) - 1.0) + gate.neutrality * (mixes[i, :, 0] - 0.2)
        out[i] = gate.weight * np.exp(sure + gate.disagreement * (apart - 0.2))
    return out


def _fused_vad(
    senses: tuple[Evidence | None, ...], believed: Float[Array, "sense frames"], *, most: Float[Array, " frames"]
) -> tuple[Float[Array, "frames vad=3"], Float[Array, "frames vad=3"]]:
    """Means weighted by precision and gate; senses that differ make the result less sure."""
    total, mean, square = (np.zeros((len(most), 3)) for _ in range(3))
    for sense, belief in zip(senses, believed, strict=True):
        if sense is not None:
            precision = belief[:, None] / np.maximum(sense.vad_sd, 0.05) ** 2
            total += precision
            mean += precision * sense.vad
            square += precision * sense.vad**2
    safe = np.maximum(total, 1e-9)
    mean, square = mean / safe, square / safe
    own = np.maximum(belief_mass(believed), 1e-9)[:, None] / safe + np.maximum(square - mean**2, 0.0)
    there = most[:, None]
    sd = np.sqrt(there * np.minimum(own, NOTHING_SD**2) + (1.0 - there) * NOTHING_SD**2)
    return there * mean, sd


def belief_mass(believed: Float[Array, "sense frames"]) -> Float[Array, " frames"]:
    """Weight of the strongest sense: two that are half believed are not twice as sure."""
    return np.asarray(believed.max(axis=0))


def _flatness(voice: Evidence | None, count: int) -> Float[Array, " frames"]:
    """How little a voice goes with joyful words: flat, low and without joy, 0..1."""
    if voice is None:
        return np.zeros(count)
    calm = np.clip((FLAT - voice.vad[:, 1]) / 0.3 + 0.5, 0.0, 1.0)
    return np.asarray(calm * (1.0 - voice.mix[:, _JOY]))


def _contradiction(
    mixes: Float[Array, "sense frames emotion=8"],
    senses: tuple[Evidence | None, ...],
    *,
    weight: Float[Array, "sense frames"],
    irony: Float[Array, " frames"] | None,
) -> tuple[Float[Array, "frames emotion=8"], Float[Array, "frames emotion=8"], Float[Array, "frames 1"]]:
    """What is hidden, what is shown over it, and how far that covers what is felt.

    The sense with the most positive valence shows, the other leaks. Words that are meant to sting, in a flat voice,
    hide contempt under the faint smile that they pretend.
    """
    count = mixes.shape[1]
    frames = np.arange(count)
    sensed = weight > 0.0
    valence = np.stack([np.zeros(count) if s is None else s.vad[:, 0] for s in senses])
    up, down = np.where(sensed, valence, -1.0), np.where(sensed, valence, 1.0)
    shown, beneath = up.argmax(axis=0), down.argmin(axis=0)
    most, least = np.maximum(up.max(axis=0) - POSITIVE, 0.0), np.maximum(NEGATIVE - down.min(axis=0), 0.0)
    both = np.minimum(weight[shown, frames], weight[beneath, frames])
    strength = np.where(shown == beneath, 0.0, np.clip(CONTRADICTION * most * least, 0.0, MOST_HIDDEN) * both)
    under = mixes[beneath, frames].copy()
    under[:, 0] = 0.0
    hidden = strength[:, None] * under / np.maximum(under.sum(axis=1, keepdims=True), LEAST)
    surface = mixes[shown, frames]
    if irony is not None:
        meant = irony * _flatness(senses[VOICE], count) * np.minimum(weight[VOICE], weight[TEXT])
        scorn = np.minimum(MOST_HIDDEN * meant, MOST_HIDDEN - hidden.sum(axis=1))
        hidden[:, _CONTEMPT] += scorn
        surface = np.where((scorn > strength)[:, None], PRETENDED, surface)
        strength = np.maximum(strength, np.where(scorn > strength, meant, 0.0))
    return hidden, surface, strength[:, None]
