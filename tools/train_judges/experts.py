"""Trained judges of lips and of mixed feelings, run with numpy alone. Those in `assets/experts` never taught."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import EMOTIONS, MOTION_HZ
from face_emote.core.types import FaceMotion
from face_emote.network.config import LIP_CHANNELS, LIP_SCALE
from face_emote.network.convnet import ConvNet, read_expert
from face_emote.network.hearing import normalised
from face_emote.perception.face import FACE_FRAMES, NUM_FACE_FEATURES, face_columns, load_face_reader
from face_emote.perception.voice import softmax

SYNC_JUDGE, EMOTIONS_JUDGE, COMPOUNDS_JUDGE = (
    ASSETS / "experts" / f"{name}_judge.safetensors" for name in ("sync", "emotions", "compounds")
)
"""Of lips and sound, of the 8 emotions, and of the 15 compounds."""

FACE_HZ = 12.5
FACE_STEP = 6  # Between windows of a performance.
GEOMETRY = ("gap", "width", "jaw")
"""What SyncNet sees of the lips: what can be read off any mesh or tracked face."""
MAX_SHIFT = 15
"""Frames to either side within which the offset is looked for: 300 ms."""
SCALES = dict(zip(LIP_CHANNELS, LIP_SCALE, strict=False))
"""Of the linear channels."""

COMPOUNDS = tuple("+".join(pair) for pair in combinations([name for name in EMOTIONS[1:] if name != "contempt"], 2))
"""Every pair of the six basic emotions, as a description that `emotion.grammar.describe` reads: 15 compounds."""


@dataclass(frozen=True, slots=True, eq=False)
class SyncExpert:
    """SyncNet on lip geometry: sound and lips of one moment lie near each other on a sphere."""

    audio: ConvNet
    motion: ConvNet
    x0: Float[Array, " band=40"]

    def embedded_sound(self, log_mels: Float[Array, "rows band=40"]) -> Float[Array, "windows 128"]:
        """Unit vectors, 50 a second; window k begins at motion frame k."""
        return _on_sphere(self.audio(normalised(np.asarray(log_mels, np.float32), self.x0)))

    def embedded_lips(self, lips: Float[Array, "frames 3"]) -> Float[Array, "windows 128"]:
        """The same of lip geometry in natural units (`GEOMETRY`)."""
        return _on_sphere(self.motion(with_deltas(geometry_units(lips))))

    def offset_and_confidence(
        self, log_mels: Float[Array, "rows band=40"], lips: Float[Array, "frames channel=3"]
    ) -> tuple[float, float]:
        """Offset in ms (positive: the lips are late) and confidence: median less least of the mean distances.

        (NaN, 0) for a clip that is too short to be shifted by 300 ms (1.1 s).

        Args:
            log_mels: raw, 100 Hz.
            lips: gap, width and jaw as read off the mesh, 50 Hz.
        """
        distances = self.distances(log_mels, lips)
        if distances is None:
            return float("nan"), 0.0
        best = int(distances.argmin())
        place = float(best - MAX_SHIFT)
        if 0 < best < len(distances) - 1:
            before, here, after = (float(d) for d in distances[best - 1 : best + 2])
            bend = before - 2.0 * here + after
            place += 0.5 * (before - after) / bend if bend > 1e-9 else 0.0
        return 1000.0 * place / MOTION_HZ, float(np.median(distances) - distances[best])

    def distances(
        self, log_mels: Float[Array, "rows band=40"], lips: Float[Array, "frames channel=3"]
    ) -> Float[Array, " shift"] | None:
        """Mean distance of sound and lips at every shift of -MAX_SHIFT .. MAX_SHIFT frames; None: too short."""
        frames = min(len(log_mels) // 2, len(lips))
        if frames < self.motion.spec.window + 2 * MAX_SHIFT + 5:
            return None
        sound = self.embedded_sound(log_mels[: 2 * frames])
        motion = self.embedded_lips(lips[:frames])
        count = min(len(sound), len(motion))
        centre = sound[MAX_SHIFT : count - MAX_SHIFT]
        found = [
            np.linalg.norm(centre - motion[MAX_SHIFT + shift : count - MAX_SHIFT + shift], axis=1).mean()
            for shift in range(-MAX_SHIFT, MAX_SHIFT + 1)
        ]
        return np.array(found)


def load_sync(path: Path = SYNC_JUDGE) -> SyncExpert:
    """An expert from a file; raises CheckpointError when that is missing or not such an expert."""
    found = read_expert(path, kind="sync")
    return SyncExpert(found.stack("audio"), found.stack("motion"), found.extra("x0"))


@dataclass(frozen=True, slots=True, eq=False)
class MotionClassifier:
    """Names the emotion of a performance from its face, skin and head; what speech does to the mouth is left out."""

    net: ConvNet
    emotions: tuple[str, ...]

    def probabilities(self, motion: FaceMotion) -> Float[Array, " emotion"]:
        """One number per `emotions`, summing to 1: the mean over windows of 2 s."""
        windows = face_windows(face_features(motion))
        return np.asarray(softmax(self.net(windows)).mean(axis=0))

    def classify(self, motion: FaceMotion) -> str:
        """The most probable of `emotions`."""
        return self.emotions[int(self.probabilities(motion).argmax())]


def load_classifier(path: Path) -> MotionClassifier:
    """One from a file; raises CheckpointError when that is missing or not such a reader."""
    return MotionClassifier(load_face_reader(path), read_expert(path, kind="motion_classifier").labels)


def face_features(motion: FaceMotion) -> Float[Array, f"frames feature={NUM_FACE_FEATURES}"]:
    """What the classifier sees of a motion, 12.5 times a second: controls, wrinkles, blood and the neck's rotation."""
    values = face_columns(motion)
    times = np.arange(max(1, round(motion.num_frames / motion.fps * FACE_HZ))) / FACE_HZ
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    half = max(0.5 * motion.fps / FACE_HZ, 0.5)
    first = np.clip(np.round(times * motion.fps - half).astype(np.int64), 0, motion.num_frames - 1)
    stop = np.clip(np.round(times * motion.fps + half).astype(np.int64), first + 1, motion.num_frames)
    return np.asarray((total[stop] - total[first]) / (stop - first)[:, None], np.float32)


def face_windows(features: Float[Array, "frames feature"]) -> Float[Array, "windows frames=25 feature"]:
    """Windows of 2 s, about two a second; a shorter motion is held at its end."""
    if len(features) < FACE_FRAMES:
        features = np.concatenate([features, np.repeat(features[-1:], FACE_FRAMES - len(features), axis=0)])
    starts = range(0, len(features) - FACE_FRAMES + 1, FACE_STEP)
    return np.stack([features[start : start + FACE_FRAMES] for start in starts])


def with_deltas(
    values: Float[Any, "*batch frames channel"], *, xp: ModuleType = np
) -> Float[Any, "*batch frames twice"]:
    """The channels, and their change since the frame before times 3 (0 at the first); `xp` is the arrays' module."""
    change = values - xp.concatenate([values[..., :1, :], values[..., :-1, :]], -2)
    return xp.concatenate([values, 3.0 * change], -1)


def geometry_units(lips: Float[Any, "*batch frames 3"], *, xp: ModuleType = np) -> Float[Any, "*batch frames 3"]:
    """Lip geometry in units of `LIP_SCALE`."""
    return xp.stack([lips[..., i] / SCALES[name] for i, name in enumerate(GEOMETRY)], -1)


def _on_sphere(vectors: Float[Array, "rows width"]) -> Float[Array, "rows width"]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))
