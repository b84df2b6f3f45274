"""A film of a face becomes a motion.

    watched(film)                 landmarks, scores and skin of every picture    face_emote.capturing
    fit_film(watched, head)       who it is; pose, controls, jaw and eyes        face_emote.capturing
    taken(watched, fitted, ..)    smooth, sure or not, with wrinkles and blood   face_emote.capturing

The person in the film is not shown: somebody else plays the performance.
"""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import heard_recording
from face_emote.audio.reader import sha256_of
from face_emote.capturing.fit import FittedFilm, fit_film
from face_emote.capturing.lips import SEAL
from face_emote.capturing.report import FINER, SUFFIXES, TILE, instants, report_bytes
from face_emote.capturing.take import Captured, taken
from face_emote.capturing.watch import Watched, watched
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CaptureError, FaceEmoteWarning, OptionError
from face_emote.core.lab import require_torch
from face_emote.core.names import BILABIALS, CONTROLS
from face_emote.core.options import Filming, Performance, Picture
from face_emote.core.output import require_writable, written_beside
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion, MotionInfo, Phone, Progress
from face_emote.core.version import VERSION
from face_emote.face.bundled import load_head
from face_emote.face.characters import character as load_character
from face_emote.face.head import Head
from face_emote.face.person_file import Person, read_person
from face_emote.verbs.animate import perform
from face_emote.verbs.enrol import looking_closely
from face_emote.verbs.render import render_frames

MOUTH = np.array([name.startswith(("mouth", "jaw", "lip")) for name in CONTROLS])
NEAR_GAP = (0.03, 0.06)
"""Inner lips in eye distances: up to the first a closure that is heard closes them, from the second it does not."""
CONTACT_SECS = 0.03  # How long lips take to meet and to part.


def capture(  # noqa: PLR0913
    film: str | Path,
    *,
    face: str | None = None,
    neutral: float | None = None,
    focal: float | None = None,
    lips: str = "video",
    fps: float | None = None,
    person: str | Path | Person | None = None,
    character: str = "default",
    progress: Progress | None = None,
) -> FaceMotion:
    """Read a filmed face as a motion, with wrinkles, blood flow and a confidence per frame.

    Args:
        film: Anything that FFmpeg decodes; turned upright, its own time stamps heeded.
        face: `left`, `right` or a number from the left, where there are several; the largest if left out.
        neutral: Seconds: an instant at which the face is really at rest. Guessing it costs about .05 of every control.
        focal: Focal length of the camera in mm, as on 35 mm film.
        lips: `video`, `sound`, or `both`: the film's with the closures that are heard.
        fps: Frames per second of the motion; the film's if left out.
        person: Who is filmed, as `enrol` gives it, or a `.character` file; read more exactly.
        character: Who plays it.
        progress: Called with (done, total, what) while it works.

    Raises:
        CaptureError: it is no film, or shows no face that can be followed.
        OptionError: an option is out of its range.
        DependencyError: MediaPipe is not installed.

    Warns:
        FaceEmoteWarning: what a person should know of the film: damage, that its colours say nothing.
    """
    known = read_person(Path(person)) if isinstance(person, str | Path) else person
    filming = Filming(face=face, neutral=neutral, focal=focal, lips=lips, fps=fps, character=character)
    captured = read_film(film, filming, person=known, progress=progress)
    for remark in captured.remarks:
        warnings.warn(remark, FaceEmoteWarning, stacklevel=2)
    return captured.motion


def read_film(
    film: str | Path, filming: Filming, *, person: Person | None = None, progress: Progress | None = None
) -> Captured:
    """`capture`, with its options as a record and all that was found; `person` instead of the record's file."""
    path, head, player = Path(film), load_head(), load_character(filming.character)
    if person is None and filming.person is not None:
        person = read_person(filming.person)
    if person is not None:
        require_torch("Reading a known person", extra="capture,torch")
    with watched(path, face=filming.face, progress=progress) as seen:
        fps = filming.fps or round(seen.facts.fps, 3)
        if filming.lips != "video" and not seen.facts.sound_secs:
            raise CaptureError(f"The film has no sound to take the lips from; leave out --lips {filming.lips}: {path}")
        info = MotionInfo(
            basis=head.basis, speech_name=path.name, speech_sha256=sha256_of(path), speech_secs=seen.facts.sound_secs,
            animator="capture", version=VERSION,
        )  # fmt: skip
        fitted = _fitted(seen, head, filming, person=person, progress=progress)
        captured = taken(seen, fitted, head, player=player, info=info, fps=fps)
    if filming.lips == "sound":
        return replace(captured, motion=_with_lips_of_sound(captured.motion, path, filming))
    if filming.lips == "both":
        return replace(captured, motion=_with_contacts_of_sound(captured, path))
    return captured


def _fitted(
    seen: Watched, head: Head, filming: Filming, *, person: Person | None, progress: Progress | None
) -> FittedFilm:
    """By landmarks; of a known person, by the pictures themselves too."""
    if person is None:
        return fit_film(seen, head, focal_mm=filming.focal, neutral_secs=filming.neutral, progress=progress)
    closely = looking_closely()
    known = closely.known_person(person, head)
    fitted = fit_film(seen, head, focal_mm=filming.focal, known=known, progress=progress)
    refined: FittedFilm = closely.refined(seen, fitted, person, head, progress=progress)
    return refined


def _with_lips_of_sound(motion: FaceMotion, film: Path, filming: Filming) -> FaceMotion:
    """Jaw and lips as the animator makes them of the sound; after its end, the film's."""
    heard = perform(
        Performance(film, emotion="neutral", fps=motion.fps, character=filming.character)
    ).whole()  # fmt: skip
    count = min(heard.num_frames, motion.num_frames)
    expression, jaw_pose = motion.expression.copy(), motion.jaw_pose.copy()
    expression[:count, MOUTH] = heard.expression[:count, MOUTH]
    jaw_pose[:count] = heard.jaw_pose[:count]
    return replace(motion, expression=expression, jaw_pose=jaw_pose)


def _with_contacts_of_sound(captured: Captured, film: Path) -> FaceMotion:
    """Lips that are nearly closed while a /p b m/ is heard are closed: a picture often falls before or after it."""
    motion = captured.motion
    analysis, _ = heard_recording(film)
    closures = [phone for phone in analysis.phones if phone.label in BILABIALS]
    heard = _contact(closures, frame_times(0, motion.num_frames, fps=motion.fps))
    near = np.clip((NEAR_GAP[1] - captured.lip_gap) / (NEAR_GAP[1] - NEAR_GAP[0]), 0.0, 1.0)
    expression = motion.expression.copy()
    expression[:, SEAL] = np.maximum(expression[:, SEAL], heard * near)
    return replace(motion, expression=expression)


def _contact(closures: list[Phone], times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """How surely the lips touch at each instant, as far as the sound says."""
    contact = np.zeros(len(times))
    for phone in closures:
        beyond = np.maximum(phone.start_secs - times, times - phone.end_secs)
        contact = np.maximum(contact, phone.confidence * np.clip(1.0 - beyond / CONTACT_SECS, 0.0, 1.0))
    return contact


def require_report(path: Path) -> None:
    """Raise OptionError or OutputError unless a report can be written there."""
    if path.suffix.lower() not in SUFFIXES:
        raise OptionError(f"A report ends in {' or '.join(SUFFIXES)}: {path}")
    require_writable(path)


def write_report(film: Path, captured: Captured, path: Path, *, progress: Progress | None = None) -> None:
    """Write what was captured beside the film it came from, to look at.

    Raises:
        OptionError, OutputError: it cannot be written there, or as that.
    """
    require_report(path)
    picture = Picture(size=FINER * TILE, camera="front")
    drawn = render_frames(captured.motion, instants(captured), picture=picture, progress=progress)
    with written_beside(path) as beside:
        beside.write_bytes(report_bytes(path.suffix.lower(), film, captured, drawn))
