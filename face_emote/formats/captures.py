"""Face captures of other programs, and coefficients of other models, as a FaceMotion of the bundled head.

The 52 weights become our controls of the same names. Where the look of the eyes is recorded only as angles (all
eyeLook weights zero), those turn the eyes. The head's angles turn the neck. Wrinkles and blood flow are in files of our
own rigs; in other captures they stay 0.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import FaceEmoteWarning, MotionFileError, OptionError
from face_emote.core.motion import joined_motion, resampled
from face_emote.core.names import CONTROLS, FACE_ANGLES, NUM_EXPRESSION, NUM_SHAPE, WRINKLES
from face_emote.core.rotations import axis_angle, from_yaw_pitch_roll
from face_emote.core.timing import require_fps
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.core.version import VERSION
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.coefficients import is_coefficient_file, read_coefficients
from face_emote.formats.recorded import RecordedCurves, read_json, read_table
from face_emote.rigs.curve_names import SKIN_CURVES, NameMatch, match_names
from face_emote.rigs.retarget import model_map

CAPTURE_SUFFIXES = (".csv", ".json")
MAX_WEIGHT = 5.0  # Larger weights mean another unit (0..100), not a strong expression.
MAX_TURN = 720.0  # Degrees; no head does more.


@dataclass(frozen=True, slots=True)
class Capture:
    """A recording, understood."""

    motion: FaceMotion
    unmatched: tuple[str, ...]  # Curves of the file that mean nothing here.
    missing: tuple[str, ...]  # ARKit weights that the file does not have; they are 0.


def is_capture(path: Path) -> bool:
    """Whether a file has to be read by `read_capture` rather than as a motion file."""
    return path.suffix.lower() in CAPTURE_SUFFIXES or is_coefficient_file(path)


def read_capture(path: str | Path, *, model: str | Path | None = None, fps: float | None = None) -> Capture:
    """Read a Live Link Face `.csv`, an ARKit `.json`, a table of curves, or an `.npz` of coefficients.

    Curves of the file that mean nothing here, and ARKit's that it lacks, are warned of, too.

    Args:
        path: The recording.
        model: The FLAME or SMPL-X file that the coefficients of an `.npz` belong to. Our own need none.
        fps: Frames per second: the rate of a take that does not say it, as one of Live Link Face within one second;
            every other take is resampled to it.

    Raises:
        MotionFileError: it is none of these, damaged, or holds values that are no weights.
        HeadError: the model cannot be used.
        OptionError: no such frame rate.
    """
    source, rate = Path(path), None if fps is None else require_fps(fps)
    if source.suffix.lower() == ".npz":
        return Capture(motion=_at(_from_coefficients(source, model), rate), unmatched=(), missing=())
    with _faults_named(source, "capture"):
        recorded = read_table(source, fps=rate) if source.suffix.lower() == ".csv" else read_json(source)
        match = match_names(recorded.names)
        if not set(match.columns) - set(FACE_ANGLES):
            raise ValueError("none of its curves has the name of an ARKit shape")
        motion = _motion(recorded, match, source=source)
    missing = tuple(name for name in CONTROLS[:52] if name not in match.columns)
    if match.unmatched:
        _warn(f"No curves of ours, left out: {', '.join(match.unmatched)}: {source}")
    if missing:
        _warn(f"Not in the capture, left at 0: {', '.join(missing)}: {source}")
    return Capture(motion=_at(motion, rate), unmatched=match.unmatched, missing=missing)


def _warn(sentence: str) -> None:
    warnings.warn(sentence, FaceEmoteWarning, stacklevel=3)


def _at(motion: FaceMotion, fps: float | None) -> FaceMotion:
    """The motion at another rate; None, its own."""
    return motion if fps is None else joined_motion(list(resampled(motion, fps=fps).blocks()))


@contextmanager
def _faults_named(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise MotionFileError(f"There is no such {what}; check the name: {path}") from None
    except OSError as error:
        raise MotionFileError(f"The {what} cannot be opened ({error.strerror}); check it: {path}") from None
    except (ValueError, OptionError) as error:
        raise MotionFileError(f"Not a usable {what}: {error}: {path}") from None


def _from_coefficients(path: Path, model: str | Path | None) -> FaceMotion:
    """Of the bundled head, whatever head the coefficients are of."""
    with _faults_named(path, "file of coefficients"):
        read = read_coefficients(path)
        require_fps(read.fps)
    head = load_head()
    motion = replace(
        read,
        wrinkles=np.clip(read.wrinkles, 0.0, 1.0),
        blood_flow=np.clip(read.blood_flow, -1.0, 1.0),
        info=MotionInfo(basis=head.basis, animator=f"capture {path.name}", version=VERSION),
    )
    if read.info.basis == head.basis:
        return motion
    if model is None:
        raise MotionFileError(
            "Coefficients of FLAME or SMPL-X mean nothing without their model; name its file "
            f"(--flame FILE, or model=): {path}"
        )
    solved = model_map(model)
    return replace(
        motion,
        expression=solved.controls(read.expression[:, : solved.coefficients.shape[1]]),
        jaw_pose=(read.jaw_pose / solved.jaw_scale).astype(np.float32),
        translation=(read.translation / solved.scale).astype(np.float32),
        betas=np.zeros(NUM_SHAPE, np.float32),
    )


def _motion(recorded: RecordedCurves, match: NameMatch, *, source: Path) -> FaceMotion:
    values, count = recorded.values, len(recorded.values)
    head = load_head()
    controls = np.zeros((count, NUM_EXPRESSION), np.float32)
    for name, column in match.columns.items():
        if name in CONTROLS:
            controls[:, CONTROLS.index(name)] = _weights(values[:, column], name=recorded.names[column])
    angles = _angles(values, match)
    pose = pose_from_controls(controls, control_joints=head.control_joints)
    turns = axis_angle(from_yaw_pitch_roll(angles)).astype(np.float32)
    skin = np.zeros((count, len(SKIN_CURVES)), np.float32)
    for i, name in enumerate(SKIN_CURVES):
        if name in match.columns:
            skin[:, i] = _weights(values[:, match.columns[name]], name=recorded.names[match.columns[name]])
    looks = [i for i, name in enumerate(CONTROLS) if name.startswith("eyeLook")]
    still = np.zeros((count, 3), np.float32)
    return FaceMotion(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        neck_pose=turns[:, 0].copy(),
        eye_pose=pose.eye_pose if np.any(controls[:, looks]) else turns[:, 1:].copy(),
        global_pose=still,
        translation=still.copy(),
        wrinkles=np.clip(skin[:, : len(WRINKLES)], 0.0, 1.0),
        blood_flow=np.clip(skin[:, len(WRINKLES) :], -1.0, 1.0),
        fps=require_fps(recorded.fps),
        info=MotionInfo(basis=head.basis, animator=f"capture {source.name}", version=VERSION),
    )


def _weights(values: Float[Array, " frames"], *, name: str) -> Float[Array, " frames"]:
    largest = float(np.abs(values).max())
    if not largest <= MAX_WEIGHT:  # A comparison with NaN is false.
        raise ValueError(f"curve '{name}' reaches {largest:g}, weights go from 0 to 1 (divide percent by 100)")
    return values


def _angles(values: Float[Array, "frames curve"], match: NameMatch) -> Float[Array, "frames part=3 angle=3"]:
    """Yaw, pitch, roll of head, left and right eye in radians; what is not in the file is 0."""
    out = np.zeros((len(values), len(FACE_ANGLES)))
    for i, name in enumerate(FACE_ANGLES):
        if name in match.columns:
            out[:, i] = values[:, match.columns[name]]
    largest = float(np.abs(out).max(initial=0.0))
    if not largest <= MAX_TURN:
        raise ValueError(f"an angle of head or eyes reaches {largest:g}, expected radians or degrees")
    if largest > math.pi + 1e-3:  # No neck turns by half a circle: the file says degrees.
        out = np.radians(out)
    return out.reshape(-1, 3, 3)
