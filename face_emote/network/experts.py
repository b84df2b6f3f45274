"""A trained reader of faces in motion, run with numpy alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CheckpointError
from face_emote.core.names import CONTROLS
from face_emote.core.types import FaceMotion
from face_emote.network.config import EXPRESSION_CONTROLS
from face_emote.network.convnet import ConvNet, read_expert

FACE_HZ = 12.5
FACE_FRAMES = 25  # A face is judged by windows of 2 s.
FACE_STEP = 6
_SPEECH = frozenset({
    "jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthRollLower", "mouthRollUpper",
    "lipsPart", "mouthElevate", "mouthDepress", "mouthShrugUpper",
})  # fmt: skip
"""Controls that speech moves as much as feelings do."""
FACE_CONTROLS = tuple(name for name in EXPRESSION_CONTROLS if name not in _SPEECH)
_FACE_COLUMNS = np.array([CONTROLS.index(name) for name in FACE_CONTROLS])
NUM_FACE_FEATURES = len(FACE_CONTROLS) + 16 + 8 + 3


@dataclass(frozen=True, slots=True, eq=False)
class MotionClassifier:
    """Names the emotion of a performance from its face, skin and head; what speech does to the mouth is left out."""

    net: ConvNet
    emotions: tuple[str, ...]

    def probabilities(self, motion: FaceMotion) -> Float[Array, " emotion"]:
        """One number per `emotions`, summing to 1: the mean over windows of 2 s."""
        windows = face_windows(face_features(motion))
        return np.asarray(_softmax(self.net(windows)).mean(axis=0))

    def classify(self, motion: FaceMotion) -> str:
        """The most probable of `emotions`."""
        return self.emotions[int(self.probabilities(motion).argmax())]


def load_classifier(path: Path) -> MotionClassifier:
    """One from a file; raises CheckpointError when that is missing or not such a reader."""
    found = read_expert(path, kind="motion_classifier")
    net = found.stack("net")
    if not net.spec.dense or net.spec.dense[-1] != len(found.labels) or net.spec.inputs != NUM_FACE_FEATURES:
        raise CheckpointError(f"The expert's classes do not fit its answers; train it again: {path}")
    return MotionClassifier(net, found.labels)


def face_features(motion: FaceMotion) -> Float[Array, f"frames feature={NUM_FACE_FEATURES}"]:
    """What the classifier sees of a motion, 12.5 times a second: controls, wrinkles, blood and the neck's rotation."""
    values = face_columns(motion)
    times = np.arange(max(1, round(motion.num_frames / motion.fps * FACE_HZ))) / FACE_HZ
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    half = max(0.5 * motion.fps / FACE_HZ, 0.5)
    first = np.clip(np.round(times * motion.fps - half).astype(np.int64), 0, motion.num_frames - 1)
    stop = np.clip(np.round(times * motion.fps + half).astype(np.int64), first + 1, motion.num_frames)
    return np.asarray((total[stop] - total[first]) / (stop - first)[:, None], np.float32)


def face_columns(motion: FaceMotion) -> Float[Array, f"frames feature={NUM_FACE_FEATURES}"]:
    """The same of every frame of the motion."""
    columns = [motion.expression[:, _FACE_COLUMNS], motion.wrinkles, motion.blood_flow, 4.0 * motion.neck_pose]
    return np.concatenate(columns, axis=1).astype(np.float32)


def face_windows(features: Float[Array, "frames feature"]) -> Float[Array, "windows frames=25 feature"]:
    """Windows of 2 s, about two a second; a shorter motion is held at its end."""
    if len(features) < FACE_FRAMES:
        features = np.concatenate([features, np.repeat(features[-1:], FACE_FRAMES - len(features), axis=0)])
    starts = range(0, len(features) - FACE_FRAMES + 1, FACE_STEP)
    return np.stack([features[start : start + FACE_FRAMES] for start in starts])


def _softmax(logits: Float[Array, "rows emotion"]) -> Float[Array, "rows emotion"]:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
