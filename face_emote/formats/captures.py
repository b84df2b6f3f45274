"""Face captures of other programs, and coefficients of other models, as a FaceMotion of the bundled head.

The 52 weights become our controls of the same names. Where the look of the eyes is recorded only as angles (all
eyeLook weights zero), those turn the eyes. The head's angles turn the neck. Wrinkles and blood flow are not in a
capture and stay 0.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import MotionFileError, OptionError
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, FACE_ANGLES, NUM_EXPRESSION, NUM_SHAPE, WRINKLES
from face_emote.core.rotations import axis_angle, from_yaw_pitch_roll
from face_emote.core.timing import require_fps
from face_emote.core.types import FaceMotion, MotionInfo
from face_emote.core.version import VERSION
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.arkit import read_json
from face_emote.formats.coefficients import is_coefficient_file, read_coefficients
from face_emote.formats.live_link import read_live_link
from face_emote.formats.recorded import RecordedCurves
from face_emote.formats.rig import is_curve_table, read_curve_table
from face_emote.rigs.curve_names import NameMatch, match_names
from face_emote.rigs.retarget import model_map

CAPTURE_SUFFIXES = (".csv", ".json")
MAX_WEIGHT = 5.0
"""Larger weights mean another unit (0..100), not a strong expression."""
MAX_TURN = 720.0
"""Degrees; no head does more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capture:
    """A recording, understood."""

    motion: FaceMotion
    unmatched: tuple[str, ...]
    """Curves of the file that mean nothing here."""
    missing: tuple[str, ...]
    """ARKit weights that the file does not have; they are 0."""


def is_capture(path: Path) -> bool:
    """Whether a file has to be read by `read_capture` rather than as a motion file."""
    return path.suffix.lower() in CAPTURE_SUFFIXES or is_coefficient_file(path)


def read_capture(path: str | Path, *, model: str | Path | None = None) -> Capture:
    """Read a Live Link Face `.csv`, an ARKit `.json`, a table of ARKit curves, or an `.npz` of coefficients.

    Args:
        path: The recording.
        model: The FLAME or SMPL-X file that the coefficients of an `.npz` belong to. Our own need none.

    Raises:
        MotionFileError: it is none of these, damaged, or holds values that are no weights.
        HeadError: the model cannot be used.
    """
    source = Path(path)
    if source.suffix.lower() == ".npz":
        return Capture(motion=_from_coefficients(source, model), unmatched=(), missing=())
    try:
        recorded = _reader(source)(source)
        match = match_names(recorded.names)
        if not set(match.columns) - set(FACE_ANGLES):
            raise ValueError("none of its curves has the name of an ARKit shape")
        motion = _motion(recorded, match, source=source)
    except FileNotFoundError:
        raise MotionFileError(f"There is no such capture; check the name: {source}") from None
    except OSError as error:
        raise MotionFileError(f"The capture cannot be opened ({error.strerror}); check it: {source}") from None
    except (ValueError, OptionError) as error:
        raise MotionFileError(f"Not a usable capture: {error}: {source}") from None
    if match.unmatched:
        log.warning("Curves of unknown names were left out: %s: %s", ", ".join(match.unmatched), source)
    missing = tuple(name for name in CONTROLS[:52] if name not in match.columns)
    return Capture(motion=motion, unmatched=match.unmatched, missing=missing)


def _reader(path: Path) -> Callable[[Path], RecordedCurves]:
    if path.suffix.lower() != ".csv":
        return read_json
    return read_curve_table if is_curve_table(path) else read_live_link


def _from_coefficients(path: Path, model: str | Path | None) -> FaceMotion:
    """Of the bundled head, whatever head the coefficients are of."""
    try:
        read = read_coefficients(path)
        rate = require_fps(read.fps)
    except FileNotFoundError:
        raise MotionFileError(f"There is no such file of coefficients; check the name: {path}") from None
    except OSError as error:
        raise MotionFileError(f"The coefficients cannot be opened ({error.strerror}); check them: {path}") from None
    except (ValueError, OptionError) as error:
        raise MotionFileError(f"Not a usable file of coefficients: {error}: {path}") from None
    head = load_head()
    expression, jaw_pose, scale = read.expression, read.jaw_pose, 1.0
    if read.basis != head.basis:
        if model is None:
            raise MotionFileError(
                "Coefficients of FLAME or SMPL-X mean nothing without their model; name its file "
                f"(--flame FILE, or model=): {path}"
            )
        solved = model_map(model)
        expression = solved.controls(expression[:, : solved.coefficients.shape[1]])
        jaw_pose, scale = (jaw_pose / solved.jaw_scale).astype(np.float32), 1.0 / solved.scale
    return FaceMotion(
        expression=expression,
        jaw_pose=jaw_pose,
        neck_pose=read.neck_pose,
        eye_pose=read.eye_pose,
        global_pose=read.global_pose,
        translation=(read.translation * scale).astype(np.float32),
        wrinkles=np.clip(read.wrinkles, 0.0, 1.0),
        blood_flow=np.clip(read.blood_flow, -1.0, 1.0),
        fps=rate,
        info=MotionInfo(basis=head.basis, animator=f"capture {path.name}", version=VERSION),
        betas=read.betas if read.basis == head.basis else np.zeros(NUM_SHAPE, np.float32),
        character=read.character,
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
    looks = [i for i, name in enumerate(CONTROLS) if name.startswith("eyeLook")]
    still = np.zeros((count, 3), np.float32)
    return FaceMotion(
        expression=pose.expression,
        jaw_pose=pose.jaw_pose,
        neck_pose=turns[:, 0].copy(),
        eye_pose=pose.eye_pose if np.any(controls[:, looks]) else turns[:, 1:].copy(),
        global_pose=still,
        translation=still.copy(),
        wrinkles=np.zeros((count, len(WRINKLES)), np.float32),
        blood_flow=np.zeros((count, len(BLOOD_REGIONS)), np.float32),
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
