"""Which vowel a mouth in motion says: a linear reading of a fifth of a second of it.

A single picture of a mouth does not tell AH from IH or UH from OW; how it came there and where it goes does. The
reading is a linear discriminant of how the mouths of the bundled network move over phones that were aligned with a
transcript (`tools/fit_vowels.py`; `assets/rigs/vowels.npz`).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import CONTROLS

VOWEL_SOUNDS = ("aa", "ee", "ih", "oh", "ou")  # As in father, bed, bit, saw, boot.
FEATURES = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthPurse", "mouthLowerDownLeft", "mouthUpperUpLeft",
    "mouthStretchLeft", "mouthRollLower", "mouthRollUpper", "mouthDepressRetract", "tongueOut", "lipSeal", "lipsPart",
)  # fmt: skip
"""Controls that speech moves; smiles and frowns are left out, so that a feeling is no vowel."""
TAPS_SECS = (-0.1, -1 / 15, -1 / 30, 0.0, 1 / 30, 1 / 15, 0.1)
REACH_SECS = TAPS_SECS[-1]
MOVING = 0.05  # Change of some control within the taps by which the mouth is known to speak.


@dataclass(frozen=True, slots=True, eq=False)
class VowelReading:
    """Discriminants: scores are `features @ weights + offsets`, one of each vowel, and last that any vowel is said."""

    weights: Float[Array, "feature score=6"]
    offsets: Float[Array, " score=6"]

    def heard(
        self, controls: Float[Array, "frames control"], *, fps: float
    ) -> tuple[Float[Array, "frames vowel=5"], Float[Array, " frames"]]:
        """How likely each vowel is on every frame against the likeliest, and the odds that one is said at all.

        A mouth that stands still says nothing: there all are alike, and the odds are 0. Before the first and after the
        last frame it is taken to stand still.
        """
        features = mouth_features(controls, fps=fps)
        scores = features @ self.weights + self.offsets
        vowels, said = scores[:, :-1], np.exp(np.clip(scores[:, -1], -50.0, 50.0))
        moved = np.ptp(features.reshape(len(features), len(TAPS_SECS), len(FEATURES)), axis=1).max(axis=1)
        sure = np.clip(moved / MOVING, 0.0, 1.0)
        likely: Array = np.exp((vowels - vowels.max(axis=1, keepdims=True)) * sure[:, None])
        return likely, said * sure


@cache
def vowel_reading() -> VowelReading:
    """The bundled one."""
    with np.load(ASSETS / "rigs" / "vowels.npz", allow_pickle=False) as stored:
        return VowelReading(stored["weights"].astype(np.float64), stored["offsets"].astype(np.float64))


def mouth_features(controls: Float[Array, "frames control"], *, fps: float) -> Float[Array, "frames feature"]:
    """The controls of speech at every tap around every frame, both halves of the mouth as one."""
    mirrored = controls[:, [CONTROLS.index(name.replace("Left", "Right")) for name in FEATURES]]
    own = 0.5 * (controls[:, [CONTROLS.index(name) for name in FEATURES]] + mirrored).astype(np.float64)
    frames = np.arange(len(own))
    taps = []
    for secs in TAPS_SECS:
        at = np.clip(frames + secs * fps, 0.0, len(own) - 1.0)
        low = np.floor(at + 1e-9).astype(np.int64)
        share = np.clip(at - low, 0.0, 1.0)[:, None]
        taps.append(own[low] * (1.0 - share) + own[np.minimum(low + 1, len(own) - 1)] * share)
    return np.concatenate(taps, axis=1)
