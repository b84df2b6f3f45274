"""What somebody's lips do beside their speech: they part for breath before a word, and close slowly after the last."""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.generation.style_file import HABITS_AFTER, HABITS_BEFORE, NUM_HABITS
from face_emote.motion.events.curves import since_and_until


def beside_speech(
    spoken: Float[Array, "run 2"], times: Float[Array, " frames"]
) -> Float[Array, f"frames knot={NUM_HABITS}"]:
    """How much every knot counts at instants between stretches of speech: straight lines from knot to knot."""
    since, until, _ = since_and_until(spoken, times)
    return np.concatenate([_hats(until, HABITS_BEFORE), _hats(since, HABITS_AFTER)], axis=1)


def _hats(secs: Float[Array, " frames"], knots: tuple[float, ...]) -> Float[Array, "frames knot"]:
    units = np.eye(len(knots))[:-1]
    return np.stack([np.interp(np.minimum(secs, knots[-1]), knots, unit) for unit in units], axis=1)
