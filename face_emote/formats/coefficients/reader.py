"""Reads `.npz` files of face coefficients: our own, AMASS-like ones, and what EMOTE and BEAT2 hold.

Known names (the first that is there counts): the expression as `expression`, `expressions`, `exp`, `expcode` or
`exp_coeffs`; the jaw as `jaw_pose`, `jaw`, in columns 66.. of SMPL-X `poses`, or 3.. of a six-column `pose`; neck,
eyes, whole head and place as `neck_pose`, `eye_pose` (or `leye_pose` and `reye_pose`), `global_orient`, `trans`; the
rate as `mocap_frame_rate`, `mocap_framerate` or `fps`. Trusts nothing: ValueError says what is wrong.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, NUM_EXPRESSION, NUM_SHAPE, WRINKLES
from face_emote.face.head_file import read_archive
from face_emote.formats.recorded import MAX_BYTES

EXPRESSION = ("expression", "expressions", "exp", "expcode", "exp_coeffs")
JAW = ("jaw_pose", "jaw", "jawpose")
RATE = ("mocap_frame_rate", "mocap_framerate", "fps")
POSES = {"global_pose": 0, "neck_pose": 36, "head_pose": 45, "jaw_pose": 66, "left": 69, "right": 72}
"""First column in SMPL-X `poses`."""
POSES_WIDTH = 75
MAX_FRAMES = 2_000_000
MAX_VALUE = 1e4
DEFAULT_FPS = 30.0
EMOTE_FPS = 25.0
"""Files that say no rate: EMOTE's and MEAD's clips have 25 a second."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceCoefficients:
    """Float32 rows as the file has them; what it lacks is zero."""

    expression: Float[Array, f"frames expr={NUM_EXPRESSION}"]
    jaw_pose: Float[Array, "frames 3"]
    neck_pose: Float[Array, "frames 3"]
    eye_pose: Float[Array, "frames eye=2 3"]
    global_pose: Float[Array, "frames 3"]
    translation: Float[Array, "frames 3"]
    wrinkles: Float[Array, "frames wrinkle=16"]
    blood_flow: Float[Array, "frames region=8"]
    betas: Float[Array, f" shape={NUM_SHAPE}"]
    fps: float
    basis: str
    """Empty when the file does not say."""
    character: str


def is_coefficient_file(path: Path) -> bool:
    """Whether a file is an `.npz` with an expression that is no motion file."""
    if path.suffix.lower() != ".npz":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return False
    return "header.npy" not in names and any(f"{name}.npy" in names for name in EXPRESSION)


def read_coefficients(path: Path) -> FaceCoefficients:
    """Raises ValueError saying what is wrong, and OSError."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    arrays = read_archive(path)
    poses = _floats(arrays, "poses") if "poses" in arrays else None
    if poses is not None and (poses.ndim != 2 or poses.shape[1] < POSES_WIDTH):
        poses = None
    count, expression = _expression(arrays, poses)
    rows = {
        name: _rows(arrays, name, poses=poses, count=count)
        for name in ("jaw_pose", "neck_pose", "global_pose", "left", "right")
    }
    if "eye_pose" in arrays:
        eyes = _shaped(arrays, "eye_pose", (count, 6)).reshape(count, 2, 3)
    else:
        eyes = np.stack([rows["left"], rows["right"]], axis=1)
    return FaceCoefficients(
        expression=expression,
        jaw_pose=rows["jaw_pose"],
        neck_pose=rows["neck_pose"],
        eye_pose=np.ascontiguousarray(eyes),
        global_pose=rows["global_pose"],
        translation=_shaped(arrays, "trans", (count, 3)) if _own(arrays) else np.zeros((count, 3), np.float32),
        wrinkles=_shaped(arrays, "wrinkles", (count, len(WRINKLES))),
        blood_flow=_shaped(arrays, "blood_flow", (count, len(BLOOD_REGIONS))),
        betas=_betas(arrays),
        fps=_rate(arrays),
        basis=_word(arrays, "basis"),
        character=_word(arrays, "character") or "default",
    )


def _own(arrays: dict[str, Array]) -> bool:
    """A body's place in the room is no place of a head; only our own files mean the head by it."""
    return "basis" in arrays


def _expression(arrays: dict[str, Array], poses: Array | None) -> tuple[int, Float[Array, "frames expr=100"]]:
    name = next((name for name in EXPRESSION if name in arrays), None)
    if name is None:
        raise ValueError(f"it has no expression (none of {', '.join(EXPRESSION)})")
    values = _floats(arrays, name)
    values = values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(0, 0)
    if not 0 < len(values) <= MAX_FRAMES or not values.shape[1]:
        raise ValueError(f"its {name} is {arrays[name].shape}, expected frames x coefficients")
    if poses is not None and len(poses) != len(values):
        raise ValueError(f"it has {len(values)} rows of {name} and {len(poses)} of poses")
    out = np.zeros((len(values), NUM_EXPRESSION), np.float32)
    width = min(values.shape[1], NUM_EXPRESSION)
    out[:, :width] = values[:, :width]
    return len(values), out


def _rows(arrays: dict[str, Array], name: str, *, poses: Array | None, count: int) -> Float[Array, "frames 3"]:
    known = {
        "jaw_pose": JAW, "neck_pose": ("neck_pose", "neck"), "global_pose": ("global_orient", "global_pose"),
        "left": ("leye_pose",), "right": ("reye_pose",),
    }[name]  # fmt: skip
    given = next((alias for alias in known if alias in arrays), None)
    if given is not None and not (name == "global_pose" and not _own(arrays)):
        return _shaped(arrays, given, (count, 3))
    if poses is not None and name != "global_pose":  # A body's own turn is not the head's.
        out = poses[:, POSES[name] : POSES[name] + 3]
        return np.ascontiguousarray(out + poses[:, 45:48] if name == "neck_pose" else out)
    if name == "jaw_pose" and "pose" in arrays and arrays["pose"].shape[-1:] == (6,):
        return np.ascontiguousarray(_shaped(arrays, "pose", (count, 6))[:, 3:])
    if name == "jaw_pose":
        raise ValueError("it has no jaw (none of jaw_pose, jaw, SMPL-X poses, six-column pose)")
    return np.zeros((count, 3), np.float32)


def _shaped(arrays: dict[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    if name not in arrays:
        return np.zeros(shape, np.float32)
    values = _floats(arrays, name)
    if values.size != np.prod(shape):
        raise ValueError(f"its {name} is {arrays[name].shape}, expected {shape[0]} x {shape[1]}")
    return values.reshape(shape)


def _floats(arrays: dict[str, Array], name: str) -> Array:
    if arrays[name].dtype.kind not in "fiu":
        raise ValueError(f"its {name} is no array of numbers")
    values = arrays[name].astype(np.float32)
    if values.size and not np.abs(values).max() <= MAX_VALUE:
        raise ValueError(f"its {name} holds values that are no numbers or beyond {MAX_VALUE:g}")
    return values


def _betas(arrays: dict[str, Array]) -> Float[Array, " shape"]:
    out = np.zeros(NUM_SHAPE, np.float32)
    if "betas" in arrays and _own(arrays):
        given = _floats(arrays, "betas").reshape(-1)[:NUM_SHAPE]
        out[: len(given)] = given
    return out


def _rate(arrays: dict[str, Array]) -> float:
    name = next((name for name in RATE if name in arrays), None)
    if name is None:
        return DEFAULT_FPS if "poses" in arrays else EMOTE_FPS
    values = _floats(arrays, name).reshape(-1)
    if len(values) != 1:
        raise ValueError(f"its {name} is no single number")
    return float(np.float64(arrays[name].reshape(-1)[0]))


def _word(arrays: dict[str, Array], name: str) -> str:
    return str(arrays[name]) if name in arrays and arrays[name].dtype.kind == "U" and arrays[name].size == 1 else ""
