"""How well words are read, on lines that nobody learnt from."""

from collections.abc import Mapping

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.perception.words import FINE_WORDS

EKMAN: Mapping[str, str] = {
    "anger": "anger annoyance disapproval",
    "disgust": "disgust",
    "fear": "fear nervousness",
    "joy": "joy amusement approval excitement gratitude love optimism relief pride admiration desire caring",
    "sadness": "sadness disappointment embarrassment grief remorse",
    "surprise": "surprise realization confusion curiosity",
    "neutral": "neutral",
}
"""The grouping of the paper of GoEmotions."""


def fine_figures(
    check: tuple[Float[Array, "check fine"], Float[Array, "check fine"]],
    test: tuple[Float[Array, "test fine"], Float[Array, "test fine"]],
) -> dict[str, float]:
    """Macro-F1 over 28 and over 7 of probabilities against labels; thresholds come from the first pair alone."""
    fine = f1(*test, at=thresholds(*check))
    grouped = [_ekman(*pair) for pair in (check, test)]
    coarse = f1(*grouped[1], at=thresholds(*grouped[0]))
    figures = {"F1 of 28": float(fine.mean()), "F1 of 7": float(coarse.mean())}
    return figures | {f"F1 {name}": float(value) for name, value in zip(FINE_WORDS, fine, strict=True)}


def f1(probability: Array, label: Array, *, at: Array | float) -> Float[Array, " column"]:
    """F1 of each column at its threshold."""
    said = probability > at
    right = (said * label).sum(axis=0)
    return np.asarray(2.0 * right / np.maximum(said.sum(axis=0) + label.sum(axis=0), 1))


def thresholds(probability: Array, label: Array) -> Float[Array, " column"]:
    """The threshold of each column with the best F1."""
    tried = np.linspace(0.03, 0.9, 59)
    return np.asarray(tried[np.stack([f1(probability, label, at=one) for one in tried]).argmax(axis=0)])


def correlations(guess: Array, truth: Array) -> Float[Array, " column"]:
    """Pearson's r of each column."""
    return np.array([np.corrcoef(guess[:, i], truth[:, i])[0, 1] for i in range(truth.shape[1])])


def _ekman(probability: Array, label: Array) -> tuple[Array, Array]:
    groups = np.array([[name in names.split() for names in EKMAN.values()] for name in FINE_WORDS], np.float32)
    joined = 1.0 - np.exp(np.log(np.clip(1.0 - probability, 1e-6, 1.0)) @ groups)
    return joined, (label @ groups > 0).astype(np.float32)
