"""What was learnt about the landmarks from pictures of our own heads, by `tools.capture_tables`."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.capturing.points import FITTED
from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import ARKIT_52

TABLES = ASSETS / "capture" / "tables.npz"
SCORED = tuple(name for name in ARKIT_52 if name != "tongueOut")
"""Blendshapes that MediaPipe scores."""
SCORED_INDEX = np.array([ARKIT_52.index(name) for name in SCORED])


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """See the README beside the file."""

    bias: Float[Array, "landmark=478 2"]
    """Where MediaPipe puts each landmark beside ours, metres in the head's x and y."""
    mean: Float[Array, " feature"]
    scale: Float[Array, " feature"]
    weights: Float[Array, "feature_and_one fitted"]

    def controls(self, features: Float[Array, "frames feature"]) -> Float[Array, "frames fitted"]:
        """Controls that a frame's fit and its scores above rest speak for, 0..1."""
        scaled = (features - self.mean) / self.scale
        controls: Array = np.clip(scaled @ self.weights[:-1] + self.weights[-1], 0.0, 1.0)
        return controls


def features_of(
    fitted: Float[Array, "frames fitted"],
    turns: Float[Array, "frames turn=6"],
    *,
    scores: Float[Array, "frames arkit=52"],
    at_rest: Float[Array, " arkit=52"],
) -> Float[Array, "frames feature"]:
    """What `Tables.controls` takes: a fit to landmarks alone, and scores above those at rest."""
    return np.concatenate([fitted, turns, (scores - at_rest)[:, SCORED_INDEX]], axis=1)


@lru_cache(maxsize=1)
def load_tables() -> Tables:
    """The tables of the package."""
    with np.load(TABLES, allow_pickle=False) as stored:
        assert tuple(stored["fitted"].tolist()) == FITTED
        return Tables(**{name: stored[name].astype(np.float64) for name in ("bias", "mean", "scale", "weights")})
