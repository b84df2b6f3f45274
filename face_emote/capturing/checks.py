"""Films that show no face to follow, and the sentence that says why."""

from pathlib import Path

import numpy as np

from face_emote.capturing.chart import Chart, unwrap
from face_emote.capturing.face_mesh import OUTER_CANTHI, eye_distance
from face_emote.capturing.film import film_pictures
from face_emote.capturing.landmarks import Detect, SeenFace
from face_emote.capturing.skin import halves_apart, redness_of, skin_sample
from face_emote.core.arrays import Array, UInt8
from face_emote.core.errors import CaptureError
from face_emote.core.names import BLOOD_REGIONS

LIPS, *CHEEKS = (BLOOD_REGIONS.index(name) for name in ("lips", "cheek_left", "cheek_right"))
LEAST_PIXELS = 16.0  # Between the eyes; smaller faces have no features.
LEAST_FOUND = 0.2  # Share of the pictures that must show the face.
DARK = 0.003  # Median luminance of the skin, linear, below which there is only noise.
DRAWN = 0.65  # Share of even texels beyond which a face is drawn, not filmed.
OTHER_FACE = 0.03
"""Difference of both halves of the face, before and after an instant, from which on it is somebody else's."""
MOST_UNEVEN = 2.5
OTHER_COLOUR = 0.15  # The same of log(R / G) of the cheeks.
SHOT_FRAMES = 12  # Pictures that are looked at on either side.
SAMPLED, MOST_SAMPLED = 10, 12  # Which pictures are looked at once more, and how many at most.
TURNED = 0.85  # A face that looks so much calmer (sum of its scores) when the film is turned over stands on its head.
REDDER = 0.08  # And whose lips are so much redder (log R / G) than before.
SEEN_TO_BE_DRAWN = 0.02  # Luminance below which a film has too few levels to tell it from a drawing.


def why_nobody(path: Path, detect: Detect) -> str:
    """No face was found: is the film dark, or turned over?"""
    brightest, turned, sampled = 0.0, 0, 0
    for number, (_, picture) in enumerate(film_pictures(path, remark=lambda _: None)):
        if number % SAMPLED:
            continue
        sampled += 1
        brightest = max(brightest, float(np.percentile(picture, 95)))
        turned += any(_stands(face.landmarks) for face in detect(np.ascontiguousarray(picture[::-1, ::-1])))
        if sampled == MOST_SAMPLED:
            break
    if brightest < 40.0:
        return f"The film is too dark to find a face; film it in more light: {path}"
    if turned > sampled // 2 and _has_colours(path):
        return _on_its_head(path)
    return f"No face is found in the film; it must be a real face, upright and larger than 40 pixels: {path}"


def _on_its_head(path: Path) -> str:
    return f"The face stands on its head; turn the film by half a circle: {path}"


class TurnedOver:
    """Whether a film stands on its head. MediaPipe sees an upright face in it all the same, but a restless one whose
    mouth lies on a forehead: asked of a few pictures while the film goes by, this way and turned over.
    """

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._found: list[tuple[float, float]] = []
        self._passed = 0

    def look(self, picture: UInt8[Array, "height width 3"], seen: SeenFace, detect: Detect) -> None:
        """Look at a picture in which a face was seen."""
        if self._passed % SAMPLED == 0 and len(self._found) < MOST_SAMPLED // 2:
            turned = np.ascontiguousarray(picture[::-1, ::-1])
            centre = np.array([picture.shape[1], picture.shape[0]]) - seen.centre
            here = [face for face in detect(turned) if np.linalg.norm(face.centre - centre) < 0.5 * seen.height]
            self._found.append(
                (
                    float(here[0].scores.sum() / max(float(seen.scores.sum()), 1e-6)),
                    self._lips(turned, here[0]) - self._lips(picture, seen),
                )
                if here
                else (2.0, -1.0)
            )
        self._passed += 1

    def _lips(self, picture: UInt8[Array, "height width 3"], face: SeenFace) -> float:
        """How much redder the lips are than the cheeks."""
        redness = redness_of(skin_sample(self._chart, unwrap(self._chart, picture, face.landmarks)).colour[None])[0]
        return float(np.nan_to_num(redness[LIPS] - 0.5 * (redness[CHEEKS[0]] + redness[CHEEKS[1]])))

    def require_upright(self, path: Path) -> None:
        """Raise CaptureError if the film has to be turned."""
        if not self._found:
            return
        calm, red = np.median(self._found, axis=0)
        if calm < TURNED and red > REDDER:
            raise CaptureError(_on_its_head(path))


def _stands(landmarks: Array) -> bool:
    """Whether the right eye is on the left of the picture: neither mirrored nor turned."""
    right, left = (landmarks[index] for index in OUTER_CANTHI)
    return bool(left[0] - right[0] > abs(left[1] - right[1]))


def _has_colours(path: Path) -> bool:
    """Whether the first picture has as many colours as a photograph."""
    _, picture = next(film_pictures(path, remark=lambda _: None))
    return len(np.unique(picture[::4, ::4].reshape(-1, 3) // 4, axis=0)) > 200


def require_one_face(rows: Array, path: Path) -> None:
    """Raise CaptureError unless one face is seen well enough, for long enough, and is the same all the time."""
    seen = rows["found"]
    share = float(np.mean(seen))
    if share < LEAST_FOUND:
        raise CaptureError(f"The face is found in {share:.0%} of the pictures only; give a film that shows it: {path}")
    landmarks = rows["landmarks"][seen]
    size = float(np.median(eye_distance(landmarks)))
    if size < LEAST_PIXELS:
        raise CaptureError(
            f"The face is too small: {size:.0f} pixels between the eyes, {LEAST_PIXELS:.0f} are the least; come nearer "
            f"or crop the film: {path}"
        )
    if float(np.median(rows["brightness"][seen])) < DARK:
        raise CaptureError(f"The face is too dark to be read; film it in more light: {path}")
    if np.mean([_stands(points) for points in landmarks]) < 0.5:
        raise CaptureError(f"The face lies on its side; turn the film upright: {path}")
    lit = float(np.median(rows["brightness"][seen])) > SEEN_TO_BE_DRAWN
    if lit and float(np.median(rows["even"][seen])) > DRAWN:
        raise CaptureError(f"The face is drawn, and its skin says nothing; give a film of a real face: {path}")
    _require_one_person(rows[seen], path)


def _require_one_person(rows: Array, path: Path) -> None:
    """Somebody else's skin appears all at once, in both halves of the face or in another colour, and stays."""
    redness = redness_of(rows["colour"].astype(np.float64))[:, CHEEKS].mean(axis=1)
    for i in range(1, len(rows)):
        sides = slice(max(i - SHOT_FRAMES, 0), i), slice(i, i + SHOT_FRAMES)
        jump = redness[i] - redness[i - 1]
        if abs(jump) > OTHER_COLOUR:
            before, after = (float(np.nanmedian(redness[side])) for side in sides)
            other = abs(after - before) > OTHER_COLOUR and not _on_both_sides(rows, i)
        elif min(halves_apart(rows["thumb"][i], rows["thumb"][i - 1])) > OTHER_FACE:
            thumbs = (np.median(rows["thumb"][side].astype(np.float32), axis=0) for side in sides)
            less, more = sorted(halves_apart(*thumbs))
            # What covers a face covers one half of it more.
            other = less > OTHER_FACE and more < MOST_UNEVEN * less and not _on_both_sides(rows, i)
        else:
            other = False
        if other:
            raise CaptureError(
                f"Another face, or another shot, begins at {float(rows['time'][i]):.1f} s; cut the film there: {path}"
            )


def _on_both_sides(rows: Array, frame: int) -> bool:
    """Whether a face is seen before and after an instant all the same: then something came before it, or left."""

    def looks(first: int, stop: int) -> list[Array]:
        starts = np.unique(np.linspace(first, max(stop - SHOT_FRAMES // 2, first), MOST_SAMPLED).astype(int))
        return [np.median(rows["thumb"][a : a + SHOT_FRAMES // 2].astype(np.float32), axis=0) for a in starts]

    return any(
        max(halves_apart(before, after)) < OTHER_FACE
        for before in looks(0, frame) for after in looks(frame, len(rows))
    )  # fmt: skip
