"""One pass over a film: everything that later steps need of its pictures, a small row each, kept on disk.

A row is 10 kB however large the picture is, and the rows lie in a temporary file that is read as an array, so that an
hour of film needs no more memory than ten seconds.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.capturing.chart import Chart, make_chart, unwrap
from face_emote.capturing.face_mesh import NUM_LANDMARKS, eye_distance
from face_emote.capturing.film import FilmFacts, film_facts, film_pictures
from face_emote.capturing.landmarks import Detect, Follower, SeenFace, face_detector
from face_emote.capturing.skin import THUMB_SHAPE, skin_sample
from face_emote.core.arrays import Array, Bool, UInt8
from face_emote.core.errors import CaptureError
from face_emote.core.names import ARKIT_52, BLOOD_REGIONS, WRINKLES
from face_emote.core.types import Progress
from face_emote.face.bundled import load_head

ROW = np.dtype(
    [
        ("time", "f8"), ("found", "?"), ("landmarks", "f4", (NUM_LANDMARKS, 2)), ("scores", "f4", (len(ARKIT_52),)),
        ("colour", "f4", (len(BLOOD_REGIONS), 3)), ("valleys", "f4", (len(WRINKLES),)),
        ("thumb", "f2", (*THUMB_SHAPE, 3)), ("brightness", "f4"), ("clipped", "f4"),
    ]
)  # fmt: skip
"""What is kept of a picture; of one without the face, its time alone."""
LEAST_PIXELS = 16.0
"""Between the eyes; smaller faces have no features."""
LEAST_FOUND = 0.2
"""Share of the pictures that must show the face."""
DARK = 0.003
"""Median luminance of the skin, linear, below which there is only noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A film that has been gone through."""

    facts: FilmFacts
    rows: Array
    """Structured as `ROW`, a row per picture."""
    width: int
    height: int
    """Of the pictures as they were looked at, pixels."""
    remarks: tuple[str, ...]

    @property
    def found(self) -> Bool[Array, " frames"]:
        """In which pictures the face is."""
        return np.asarray(self.rows["found"])


@contextmanager
def watched(path: Path, *, face: str | None = None, progress: Progress | None = None) -> Iterator[Watched]:
    """Go through a film once; the rows last as long as the `with` block.

    Raises:
        CaptureError: it is no film, or shows no face that can be followed.
        OptionError: `face` names none.
        DependencyError: MediaPipe or OpenCV is not installed.
    """
    facts, follower, remarks = film_facts(path), Follower(face), list[str]()
    chart, size = make_chart(load_head()), (0, 0)
    with face_detector(most_faces=follower.most_faces) as detect, tempfile.TemporaryFile() as spool:
        count, total = 0, float(max(facts.num_frames, 1))
        for time_secs, picture in film_pictures(path, remark=remarks.append):
            size = (picture.shape[1], picture.shape[0])
            seen = follower.followed(detect(picture), time_secs=time_secs, film=path)
            spool.write(_row(chart, picture, seen=seen, time_secs=time_secs).tobytes())
            count += 1
            if progress is not None:
                progress(float(count), max(total, float(count)), "watching")
        spool.flush()
        rows: Any = np.memmap(spool, ROW, "r", shape=(count,))
        if not rows["found"].any():
            raise CaptureError(_why_nobody(path, detect))
        _require_visible(rows, path)
        yield Watched(facts=facts, rows=rows, width=size[0], height=size[1], remarks=tuple(remarks))


def _row(chart: Chart, picture: UInt8[Array, "_ _ 3"], *, seen: SeenFace | None, time_secs: float) -> Array:
    row = np.zeros(1, ROW)
    row["time"] = time_secs
    for name in ("landmarks", "scores", "colour", "valleys"):
        row[name] = np.nan
    if seen is not None:
        sample = skin_sample(chart, unwrap(chart, picture, seen.landmarks))
        row["found"], row["landmarks"], row["scores"] = True, seen.landmarks, seen.scores
        for name in ("colour", "valleys", "thumb", "brightness", "clipped"):
            row[name] = getattr(sample, name)
    return row


def _why_nobody(path: Path, detect: Detect) -> str:
    """No face was found; is one there when the film is turned over?"""
    brightest = 0.0
    for number, (_, picture) in enumerate(film_pictures(path, remark=lambda _: None)):
        if number % 10 == 0:
            brightest = max(brightest, float(np.percentile(picture, 95)))
            if detect(np.ascontiguousarray(picture[::-1, ::-1])):
                return f"The face stands on its head; turn the film by half a circle: {path}"
        if number > 100:
            break
    if brightest < 40.0:
        return f"The film is too dark to find a face; film it in more light: {path}"
    return f"No face is found in the film; it must be a real face, upright and larger than 40 pixels: {path}"


def _require_visible(rows: Array, path: Path) -> None:
    seen = rows["found"]
    share = float(np.mean(seen))
    if share < LEAST_FOUND:
        raise CaptureError(f"The face is found in {share:.0%} of the pictures only; give a film that shows it: {path}")
    size = float(np.median(eye_distance(rows["landmarks"][seen])))
    if size < LEAST_PIXELS:
        raise CaptureError(
            f"The face is too small: {size:.0f} pixels between the eyes, {LEAST_PIXELS:.0f} are the least; come nearer "
            f"or crop the film: {path}"
        )
    if float(np.median(rows["brightness"][seen])) < DARK:
        raise CaptureError(f"The face is too dark to be read; film it in more light: {path}")
