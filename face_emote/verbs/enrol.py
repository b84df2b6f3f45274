"""A clip of somebody at rest becomes a person: for capture to know beforehand, and, with their consent, to play.

watched(clip)                 landmarks, scores and skin of every picture     face_emote.capturing
enrolled_person(watched, ..)  shape, skin, habits of the landmarks            face_emote_lab.enrolment
keep_person(person, file)     with the consent, signed                        face_emote.provenance
"""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

from face_emote.capturing.watch import watched
from face_emote.core.errors import OptionError
from face_emote.core.lab import with_torch
from face_emote.core.output import require_writable
from face_emote.core.types import Progress
from face_emote.face.bundled import load_head
from face_emote.face.person_file import SUFFIX, Person, person_arrays, require_consent
from face_emote.provenance.signer import write_own


def enrol(
    clip: str | Path, *, face: str | None = None, focal: float | None = None, progress: Progress | None = None
) -> Person:
    """Solve whose face a clip shows: a second or two at rest, lips closed, turning a little to both sides.

    Args:
        clip: Anything that FFmpeg decodes; in white light, without make-up that will not be there later.
        face: `left`, `right` or a number from the left, where there are several.
        focal: Focal length of the camera in mm, as on 35 mm film.
        progress: Called with (done, total, what) while it works.

    Raises:
        CaptureError: it is no film, shows no face that can be followed, or one that moves.
        DependencyError: MediaPipe or torch is not installed.
    """
    closely = looking_closely()
    with watched(Path(clip), face=face, progress=progress) as seen:
        person: Person = closely.enrolled_person(seen, load_head(), focal_mm=focal, progress=progress)
        return person


def looking_closely() -> ModuleType:
    """What compares pictures with people. DependencyError: torch is not installed."""
    return with_torch("enrolment.photometric", what="Reading a known person", extra="capture,torch")


def require_keepable(path: Path, consent: str) -> None:
    """Raise OptionError or OutputError unless a person can be kept there, with this consent."""
    if path.suffix != SUFFIX:
        raise OptionError(f"A person is kept in a file that ends in {SUFFIX}: {path}")
    require_consent(consent, path, whose="A face is somebody's", example="Jane Doe, own face, 2026-03-01")
    require_writable(path)


def keep_person(person: Person, path: str | Path, *, consent: str) -> Path:
    """Write somebody who was enrolled to a `.character` file, with who agreed to it, signed by this installation.

    Whatever is played by that file says the same in its mark. The same person, consent and key give the same bytes.

    Raises:
        OptionError: no consent is stated.
        OutputError, ProvenanceError, DependencyError: it cannot be written, or not be signed.
    """
    target = Path(path)
    require_keepable(target, consent)
    return write_own(person_arrays(replace(person, consent=consent.strip())), target)
