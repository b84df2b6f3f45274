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
from face_emote.capturing.checks import TurnedOver, require_one_face, why_nobody
from face_emote.capturing.face_mesh import NUM_LANDMARKS
from face_emote.capturing.film import FilmFacts, film_facts, film_pictures
from face_emote.capturing.landmarks import Follower, SeenFace, face_detector
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
        ("thumb", "f2", (*THUMB_SHAPE, 3)), ("brightness", "f4"), ("clipped", "f4"), ("even", "f4"),
    ]
)  # fmt: skip
"""What is kept of a picture; of one without the face, its time alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A film that has been gone through."""

    facts: FilmFacts
    rows: Array  # Structured as `ROW`, a row per picture.
    width: int
    height: int  # Of the pictures as they were looked at, pixels.
    remarks: tuple[str, ...]

    @property
    def found(self) -> Bool[Array, " frames"]:
        """In which pictures the face is."""
        return np.asarray(self.rows["found"])


@contextmanager
def watched(path: Path, *, face: str | None = None, progress: Progress | None = None) -> Iterator[Watched]:
    """Go through a film once; the rows last as long as the `with` block.

    CaptureError: it is no film, or shows no face that can be followed. OptionError: `face` names none. DependencyError:
    MediaPipe or OpenCV is not installed.
    """
    facts, follower, remarks = film_facts(path), Follower(face), list[str]()
    chart, size = make_chart(load_head()), (0, 0)
    turned = TurnedOver(chart)
    with face_detector(most_faces=follower.most_faces) as detect, tempfile.TemporaryFile() as spool:
        count, total = 0, float(max(facts.num_frames, 1))
        for time_secs, picture in film_pictures(path, remark=remarks.append):
            size = (picture.shape[1], picture.shape[0])
            seen = follower.followed(detect(picture), time_secs=time_secs, film=path)
            spool.write(_row(chart, picture, seen=seen, time_secs=time_secs).tobytes())
            count += 1
            if seen is not None:
                turned.look(picture, seen, detect)
            if progress is not None:
                progress(float(count), max(total, float(count)), "watching")
        spool.flush()
        rows: Any = np.memmap(spool, ROW, "r", shape=(count,))
        if not rows["found"].any():
            raise CaptureError(why_nobody(path, detect))
        turned.require_upright(path)
        require_one_face(rows, path)
        yield Watched(facts=facts, rows=rows, width=size[0], height=size[1], remarks=tuple(remarks))


def _row(chart: Chart, picture: UInt8[Array, "_ _ 3"], *, seen: SeenFace | None, time_secs: float) -> Array:
    row = np.zeros(1, ROW)
    row["time"] = time_secs
    for name in ("landmarks", "scores", "colour", "valleys"):
        row[name] = np.nan
    if seen is not None:
        sample = skin_sample(chart, unwrap(chart, picture, seen.landmarks))
        row["found"], row["landmarks"], row["scores"] = True, seen.landmarks, seen.scores
        for name in ("colour", "valleys", "thumb", "brightness", "clipped", "even"):
            row[name] = getattr(sample, name)
    return row
