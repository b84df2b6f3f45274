"""The reader of faces: what a motion of the bundled head shows. This package's own performances taught it."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError
from face_emote.core.motion import MotionSource
from face_emote.core.names import CONTROLS, EMOTIONS
from face_emote.core.types import FaceMotion
from face_emote.emotion.blending import PROTOTYPE_VAD
from face_emote.network.config import EXPRESSION_CONTROLS
from face_emote.network.convnet import ConvNet, read_expert
from face_emote.perception.evidence import READING_HZ, Evidence
from face_emote.perception.voice import softmax

FACE_READER = ASSETS / "perception" / "face.safetensors"
FACE_FRAMES = 25  # A face is judged by windows of 2 s.
_SPEECH = frozenset({
    "jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthRollLower", "mouthRollUpper",
    "lipsPart", "mouthElevate", "mouthDepress", "mouthShrugUpper",
})  # fmt: skip
"""Controls that speech moves as much as feelings do."""
FACE_CONTROLS = tuple(name for name in EXPRESSION_CONTROLS if name not in _SPEECH)
_FACE_COLUMNS = np.array([CONTROLS.index(name) for name in FACE_CONTROLS])
NUM_FACE_FEATURES = len(FACE_CONTROLS) + 16 + 8 + 3
STEP_FRAMES = 5  # Between two windows of 2 s.
VAD_SD = (0.3, 0.25, 0.25)  # What a face leaves open: how much of it is played, and the same smile at any arousal.


@lru_cache(maxsize=2)
def load_face_reader(path: Path = FACE_READER) -> ConvNet:
    """A reader from a file; raises CheckpointError when that is missing or not such a reader."""
    found = read_expert(path, kind="motion_classifier")
    net = found.stack("net")
    if not net.spec.dense or net.spec.dense[-1] != len(found.labels) or net.spec.inputs != NUM_FACE_FEATURES:
        raise CheckpointError(f"The expert's classes do not fit its answers; train it again: {path}")
    return net


def read_face(motion: MotionSource, *, reader: ConvNet | None = None) -> Evidence:
    """What a face shows, 12.5 times a second; goes through the motion block by block."""
    net = load_face_reader() if reader is None else reader
    features = face_cells(motion)
    count = len(features)
    held = np.pad(features, ((FACE_FRAMES // 2, FACE_FRAMES), (0, 0)), mode="edge")
    centres = np.arange(0, count + STEP_FRAMES, STEP_FRAMES)
    shares = np.stack([softmax(net(held[None, at : at + FACE_FRAMES]))[0] for at in np.minimum(centres, count)])
    frames = np.arange(count)
    mix = np.stack([np.interp(frames, centres, column) for column in shares.T], axis=1)
    return Evidence(
        mix,
        np.ones((count, len(EMOTIONS))),
        mix @ PROTOTYPE_VAD,
        vad_sd=np.tile(VAD_SD, (count, 1)),
        weight=np.ones(count),
    )


def face_columns(motion: FaceMotion) -> Float[Array, f"frames feature={NUM_FACE_FEATURES}"]:
    """What the reader sees of every frame: controls, wrinkles, blood and the neck's rotation."""
    columns = [motion.expression[:, _FACE_COLUMNS], motion.wrinkles, motion.blood_flow, 4.0 * motion.neck_pose]
    return np.concatenate(columns, axis=1).astype(np.float32)


def face_cells(motion: MotionSource) -> Float[Array, f"frames feature={NUM_FACE_FEATURES}"]:
    """Means of what the reader sees, over the frames nearest to each instant of `READING_HZ`."""
    count = max(1, round(motion.num_frames / motion.fps * READING_HZ))
    sums, sizes = np.zeros((count, NUM_FACE_FEATURES)), np.zeros(count)
    first = 0
    for block in motion.blocks():
        place = np.round((first + np.arange(block.num_frames)) / motion.fps * READING_HZ).astype(np.int64)
        place = np.minimum(place, count - 1)
        np.add.at(sums, place, face_columns(block))
        np.add.at(sizes, place, 1.0)
        first += block.num_frames
    filled = np.maximum.accumulate(np.where(sizes > 0.0, np.arange(count), 0))
    return np.asarray((sums / np.maximum(sizes, 1.0)[:, None])[filled], np.float32)
