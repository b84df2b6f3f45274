"""MediaPipe's landmarks and blendshape scores, picture by picture, of one face among several."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.capturing.face_mesh import NUM_LANDMARKS
from face_emote.core.arrays import Array, Float, UInt8
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CaptureError, DependencyError, OptionError
from face_emote.core.names import ARKIT_52

MODEL = ASSETS / "capture" / "face_landmarker.task"
FACES = ("left", "right")
MOST_FACES = 8
JUMP = 1.0  # A face that is further from where the followed one was than this share of its height is another one.
NEAR, MEMORY_SECS = 1.2, 3.0
"""Faces nearer than so many heights may pass one another; how long it is remembered on which side the other one was."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """One face in one picture."""

    landmarks: Float[Array, "landmark=478 2"]  # Pixels, (0, 0) the upper left corner of the picture.
    scores: Float[Array, " arkit=52"]  # MediaPipe's blendshapes in the order of `names.ARKIT_52`.

    @property
    def centre(self) -> Float[Array, " 2"]:
        """Mean of the landmarks."""
        middle: Array = self.landmarks.mean(axis=0)
        return middle

    @property
    def height(self) -> float:
        """Of the landmarks, pixels."""
        return float(np.ptp(self.landmarks[:, 1]))


Detect = Callable[[UInt8[Array, "height width 3"]], list[SeenFace]]


@contextmanager
def face_detector(*, most_faces: int = 2) -> Iterator[Detect]:
    """A function that finds the faces of a picture, each picture on its own.

    MediaPipe's mode for video with one face smooths in secret, lags, and may take another face. DependencyError:
    MediaPipe is not installed. CaptureError: the model's file is missing.
    """
    try:
        import mediapipe
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision
    except ImportError:
        raise DependencyError("Video capture needs mediapipe: pip install 'face-emote[capture]'") from None
    if not MODEL.is_file():
        raise CaptureError(
            "The landmark model is missing; get face_landmarker.task (Apache-2.0) from MediaPipe's page "
            f"'Face landmark detection' and put it there: {MODEL}"
        )
    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(MODEL)), output_face_blendshapes=True,
        num_faces=most_faces, running_mode=vision.RunningMode.IMAGE,
    )  # fmt: skip
    with _no_chatter():
        landmarker = vision.FaceLandmarker.create_from_options(options)
        landmarker.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, np.zeros((64, 64, 3), np.uint8)))

    def detect(picture: UInt8[Array, "height width 3"]) -> list[SeenFace]:
        found = landmarker.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, picture))
        height, width = picture.shape[:2]
        return [
            SeenFace(landmarks=_points(points, width=width, height=height), scores=_scores(scores))
            for points, scores in zip(found.face_landmarks, found.face_blendshapes, strict=True)
        ]

    try:
        yield detect
    finally:
        landmarker.close()


@contextmanager
def _no_chatter() -> Iterator[None]:
    """MediaPipe's C++ writes to the terminal while it starts, past every logger."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _points(points: Any, *, width: int, height: int) -> Float[Array, "landmark=478 2"]:
    flat = np.fromiter((value for p in points for value in (p.x, p.y)), np.float32, count=2 * NUM_LANDMARKS)
    return flat.reshape(NUM_LANDMARKS, 2) * np.array([width, height], np.float32)


def _scores(categories: Any) -> Float[Array, " arkit=52"]:
    by_name = {item.category_name: item.score for item in categories}
    return np.array([by_name.get(name, 0.0) for name in ARKIT_52], np.float32)


class Follower:
    """Keeps to one face: the largest, the one on the left or right of the picture, or the N-th from the left."""

    def __init__(self, wanted: str | None = None) -> None:
        """`wanted`: one of `FACES`, a number from 1 on, or None. OptionError: none of these."""
        known = wanted is None or wanted in FACES or (wanted.isdecimal() and 1 <= int(wanted) <= MOST_FACES)
        if not known:
            raise OptionError(f"A face is left, right or a number from 1 to {MOST_FACES} from the left, not {wanted!r}")
        self.wanted = wanted
        self.most_faces = int(wanted) if wanted is not None and wanted.isdecimal() else 2
        self._last: SeenFace | None = None
        self._other: tuple[bool, float] | None = None
        """Whether the near other face was on the right of the picture, and when."""

    def followed(self, faces: list[SeenFace], *, time_secs: float, film: Path) -> SeenFace | None:
        """The face in the next picture; None when it is not there.

        CaptureError: two faces pass one another, so that nobody can tell afterwards which is which.
        """
        if self._last is None:
            self._last = self._first(faces)
            return self._last
        last = self._last
        away = [float(np.linalg.norm(face.centre - last.centre)) / last.height for face in faces]
        if not faces or min(away) > JUMP:
            return None
        chosen = faces[int(np.argmin(away))]
        others = [face for face in faces if face is not chosen]
        self._last = chosen
        if others:
            shift = min((face.centre - chosen.centre for face in others), key=lambda s: float(np.linalg.norm(s)))
            self._require_same_side(shift / chosen.height, time_secs=time_secs, film=film)
        return chosen

    def _require_same_side(self, shift: Float[Array, " 2"], *, time_secs: float, film: Path) -> None:
        """`shift`: from the followed face to the nearest other one, in heights."""
        right, known = bool(shift[0] > 0.0), self._other
        if known is not None and known[0] != right and time_secs - known[1] < MEMORY_SECS:
            raise CaptureError(
                f"Two people pass one another at {time_secs:.1f} s, and nobody can tell afterwards who is who; cut the "
                f"film there, or crop it to one face: {film}"
            )
        self._other = (right, time_secs) if float(np.linalg.norm(shift)) < NEAR else None

    def _first(self, faces: list[SeenFace]) -> SeenFace | None:
        from_left = sorted(faces, key=lambda face: float(face.centre[0]))
        if self.wanted is None:
            return max(faces, key=lambda face: face.height, default=None)
        if self.wanted.isdecimal():
            number = int(self.wanted)
            return from_left[number - 1] if number <= len(from_left) else None
        if len(from_left) < 2:
            return None
        return from_left[0 if self.wanted == "left" else -1]
