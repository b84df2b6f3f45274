"""Emotions to train and to judge with: everything that a description can say, at every strength, changing over time."""

from dataclasses import replace

import numpy as np

from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionKey, EmotionPlan
from face_emote.emotion.blending import PROTOTYPE_VAD, State, combine, finished, hide, mix_from_vad, scaled
from face_emote.emotion.lexicon import load_lexicon

STEADY_SHARE = 0.45
"""Plans with one emotion throughout."""
COVERT_SHARE = 0.35
"""States that hide another one."""
KINDS = {"neutral": 0.07, "single": 0.27, "word": 0.18, "pair": 0.26, "triple": 0.05, "vad": 0.12, "bent": 0.05}
"""How often which kind of state is drawn; `bent` is an emotion whose VAD says something else than its mix."""
_SHORTEST_CHANGE_SECS = 0.25
_MEAN_KEY_SECS = 2.5


def random_plan(rng: np.random.Generator, *, duration_secs: float) -> EmotionPlan:
    """A plan such as users write: steady, or with keys over the clip, between which the emotion blends or holds."""
    if rng.random() < STEADY_SHARE:
        return EmotionPlan(keys=(EmotionKey(0.0, finished(random_state(rng))),))
    keys = [EmotionKey(float(rng.uniform(0.0, 0.5)), finished(random_state(rng)))]
    while True:
        time = keys[-1].time_secs + _SHORTEST_CHANGE_SECS + float(rng.exponential(_MEAN_KEY_SECS))
        if time >= duration_secs:
            return EmotionPlan(keys=tuple(keys))
        holds = rng.random() < 0.35
        keys.append(EmotionKey(time, keys[-1].emotion if holds else finished(random_state(rng))))


def random_state(rng: np.random.Generator) -> State:
    """One emotional state, perhaps over a hidden one."""
    shown = _shown(rng)
    if rng.random() >= COVERT_SHARE:
        return shown
    return hide(_single(rng, strength=_strength(rng)), surface=shown, leak=float(rng.uniform(0.0, 0.8)))


def single_state(emotion: str, *, intensity: float) -> State:
    """One of `names.EMOTIONS` at an intensity, its VAD in proportion."""
    i = EMOTIONS.index(emotion)
    felt = 0.0 if i == 0 else intensity
    return State(mix=np.eye(len(EMOTIONS))[i], intensity=felt, vad=PROTOTYPE_VAD[i] * felt)


def pair_state(first: str, second: str, *, intensity: float, share: float = 0.5) -> State:
    """Two emotions at once; `share` belongs to the first. The whole is as intense as said."""
    parts = [(share, single_state(first, intensity=1.0)), (1.0 - share, single_state(second, intensity=1.0))]
    both = combine(parts)
    return scaled(both, intensity / both.intensity)


def _shown(rng: np.random.Generator) -> State:
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    strength = _strength(rng)
    if kind == "single":
        return _single(rng, strength=strength)
    if kind == "word":
        words = load_lexicon().words
        word = words[int(rng.integers(len(words)))]
        state = State(mix=word.mix, intensity=word.intensity, vad=word.vad)
        return scaled(state, float(rng.choice([1.0, 1.0, rng.uniform(0.3, 1.5)])))
    if kind == "pair":
        first, second = rng.choice(len(EMOTIONS) - 1, 2, replace=False) + 1
        share = 0.5 if rng.random() < 0.5 else float(rng.uniform(0.15, 0.85))
        return pair_state(EMOTIONS[first], EMOTIONS[second], intensity=strength, share=share)
    if kind == "triple":
        chosen = rng.choice(len(EMOTIONS) - 1, 3, replace=False) + 1
        amounts = rng.dirichlet(np.ones(3))
        return combine(
            [(float(a), single_state(EMOTIONS[i], intensity=strength)) for a, i in zip(amounts, chosen, strict=True)]
        )
    if kind == "vad":
        direction = rng.normal(size=3)
        point = np.clip(direction / np.linalg.norm(direction) * rng.uniform(0.05, 1.2), -1.0, 1.0)
        mix, intensity = mix_from_vad(point)
        return State(mix=mix, intensity=float(intensity), vad=point)
    if kind == "bent":
        state = _single(rng, strength=strength)
        return replace(state, vad=np.clip(state.vad + rng.normal(0.0, 0.3, 3), -1.0, 1.0))
    return State()


def _single(rng: np.random.Generator, *, strength: float) -> State:
    return single_state(EMOTIONS[int(rng.integers(1, len(EMOTIONS)))], intensity=strength)


def _strength(rng: np.random.Generator) -> float:
    """0..1, the upper half a little more often: that is where most people play."""
    return float(rng.random() ** 0.7)
