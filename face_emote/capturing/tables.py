"""What was learnt about the landmarks from pictures of our own heads, by `tools.capture_tables`."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.capturing.face_mesh import EYES, NUM_SKIN
from face_emote.capturing.points import FITTED
from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import ARKIT_52
from face_emote.core.rotations import rotation_matrix, yaw_pitch_roll

TABLES = ASSETS / "capture" / "tables.npz"
SCORED = tuple(name for name in ARKIT_52 if name != "tongueOut")  # Blendshapes that MediaPipe scores.
SCORED_INDEX = np.array([ARKIT_52.index(name) for name in SCORED])
NUM_GAZE = 2  # Angles of both eyes about x and y, radians, after the controls.
MOST = 4.0  # Standard deviations of a feature that are believed.


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """From features to controls and gaze: two layers of tanh, and a straight way beside them."""

    mean: Float[Array, " feature"]
    scale: Float[Array, " feature"]
    first: Float[Array, "feature_and_one hidden"]
    second: Float[Array, "hidden_and_one hidden"]
    last: Float[Array, "hidden_and_one answer"]
    straight: Float[Array, "feature answer"]

    def __call__(self, features: Float[Array, "frames feature"]) -> Float[Array, "frames answer"]:
        """Controls 0..1 (`points.FITTED`), then the gaze, radians."""
        scaled = np.clip((features - self.mean) / self.scale, -MOST, MOST)
        hidden = scaled
        for layer in (self.first, self.second):
            hidden = np.tanh(hidden @ layer[:-1] + layer[-1])
        answer: Array = hidden @ self.last[:-1] + self.last[-1] + scaled @ self.straight
        answer[:, : len(FITTED)] = answer[:, : len(FITTED)].clip(0.0, 1.0)
        return answer


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """See the README beside the file."""

    bias: Float[Array, "landmark=478 2"]
    """Where MediaPipe puts each landmark beside ours, metres in the head's x and y."""
    reader: Reader


def features_of(
    fitted: Float[Array, "frames fitted"],
    turns: Float[Array, "frames turn=6"],
    *,
    pose: Float[Array, "frames 3"],
    eyes: Float[Array, "frames number=6"],
    scores: Float[Array, "frames arkit=52"],
    at_rest: Float[Array, " arkit=52"],
) -> Float[Array, "frames feature"]:
    """What a `Reader` takes: a fit to landmarks alone, head and irises, scores above those at rest and as they are.

    `eyes`: as `irises` tells.
    """
    angles = yaw_pitch_roll(rotation_matrix(pose))
    above = (scores - at_rest)[:, SCORED_INDEX]
    return np.concatenate([fitted, turns, angles, eyes, above, scores[:, SCORED_INDEX]], axis=1)


def irises(landmarks: Float[Array, "frames landmark=478 2"]) -> Float[Array, "frames number=6"]:
    """Of the right and the left eye: the iris along and across the line of its corners, and the gap of its lids."""
    found = []
    for side, (outer, inner, above, below) in enumerate(EYES):
        first, last = landmarks[:, outer], landmarks[:, inner]
        width = np.linalg.norm(last - first, axis=1)
        along = (last - first) / width[:, None]
        iris = landmarks[:, NUM_SKIN + 5 * side : NUM_SKIN + 5 * side + 5].mean(axis=1) - 0.5 * (first + last)
        gap = np.linalg.norm(landmarks[:, above] - landmarks[:, below], axis=1)
        found += [(iris * along).sum(axis=1), iris[:, 1] * along[:, 0] - iris[:, 0] * along[:, 1], gap]
        found[-3:] = [number / width for number in found[-3:]]
    return np.stack(found, axis=1)


@lru_cache(maxsize=1)
def load_tables() -> Tables:
    """The tables of the package."""
    with np.load(TABLES, allow_pickle=False) as stored:
        assert tuple(stored["fitted"].tolist()) == FITTED
        reader = Reader(**{name: stored[name].astype(np.float64) for name in Reader.__dataclass_fields__})
        return Tables(bias=stored["bias"].astype(np.float64), reader=reader)
