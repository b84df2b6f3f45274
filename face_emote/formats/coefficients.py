"""`.npz` of face coefficients in the habit of AMASS, EMOTE and BEAT2: one array per quantity, a row per frame.

Written: `expression` [frames, coefficient], `jaw_pose`, `neck_pose`, `leye_pose`, `reye_pose`, `global_orient`, `trans`
[frames, 3] (axis-angle in radians; metres), `eye_pose` [frames, 6], `betas` [300], `gender`, `model`, `basis`,
`mocap_frame_rate`, and beside what those have: `wrinkles` [frames, 16] and `blood_flow` [frames, 8] with their names. A
file of SMPL-X also has `poses` [frames, 165] and `expressions`, as BEAT2's; there the neck turns in the neck and the
whole head in the head joint, so that a body stays where it is.

Read: our own, AMASS-like ones, and what EMOTE and BEAT2 hold. Known names (the first that is there counts): the
expression as `expression`, `expressions`, `exp`, `expcode` or `exp_coeffs`; the jaw as `jaw_pose`, `jaw`, in columns
66.. of SMPL-X `poses`, or 3.. of a six-column `pose`; neck, eyes, whole head and place as `neck_pose`, `eye_pose` (or
`leye_pose` and `reye_pose`), `global_orient`, `trans`; the rate as `mocap_frame_rate`, `mocap_framerate` or `fps`.
Reading trusts nothing: ValueError says what is wrong.
"""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource, reported
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION, NUM_SHAPE, WRINKLES
from face_emote.core.output import written_beside
from face_emote.core.reading import names_in, read_npz
from face_emote.core.types import FaceMotion, MotionInfo, Progress
from face_emote.formats.array_file import ArraySpool, write_arrays
from face_emote.formats.recorded import MAX_BYTES
from face_emote.rigs.expression_map import ExpressionMap
from face_emote.rigs.retarget import mapped

ROWS = {
    "jaw_pose": (3,), "neck_pose": (3,), "leye_pose": (3,), "reye_pose": (3,), "eye_pose": (6,), "global_orient": (3,),
    "trans": (3,), "wrinkles": (len(WRINKLES),), "blood_flow": (len(BLOOD_REGIONS),),
}  # fmt: skip
SMPLX_POSES = 165
SMPLX_COLUMNS = {"neck_pose": 36, "global_orient": 45, "jaw_pose": 66, "leye_pose": 69, "reye_pose": 72}
"""First column in `poses` of what turns a head."""
EXPRESSION = ("expression", "expressions", "exp", "expcode", "exp_coeffs")
JAW = ("jaw_pose", "jaw", "jawpose")
RATE = ("mocap_frame_rate", "mocap_framerate", "fps")
POSES = {"global_pose": 0, "neck_pose": 36, "head_pose": 45, "jaw_pose": 66, "left": 69, "right": 72}
"""First column in SMPL-X `poses`."""
POSES_WIDTH = 75
MAX_FRAMES = 250_000  # More than an hour at 60 a second; all of a clip lies in memory.
MAX_VALUE = 1e4
_KNOWN = frozenset(
    (*EXPRESSION, *JAW, *RATE, *ROWS, "poses", "pose", "neck", "global_pose", "betas", "basis", "character")
)
DEFAULT_FPS = 30.0
EMOTE_FPS = 25.0  # Files that say no rate: EMOTE's and MEAD's clips have 25 a second.


def write_coefficients(
    motion: MotionSource,
    path: Path,
    *,
    model: str,
    basis: str,
    solved: ExpressionMap | None,
    progress: Progress | None = None,
) -> None:
    """Write a motion's coefficients, in constant memory; `solved` is the map to that model.

    None writes the bundled head's own, which have names. OutputError: the file cannot be written there.
    """
    width = len(CONTROLS) if solved is None else solved.coefficients.shape[1]
    betas = motion.betas if solved is None else np.zeros(len(motion.betas), np.float32)
    facts: dict[str, Array | np.generic] = {
        "model": np.str_(model),
        "basis": np.str_(basis),
        "gender": np.str_("neutral"),
        "mocap_frame_rate": np.float64(motion.fps),
        "betas": betas.astype(np.float32),
        "wrinkle_names": np.array(WRINKLES),
        "region_names": np.array(BLOOD_REGIONS),
    }
    if solved is None:
        facts |= {"expression_names": np.array(CONTROLS), "character": np.str_(motion.character)}
    shapes: dict[str, tuple[int, ...]] = {"expression": (width,), **ROWS}
    if model == "smplx":
        shapes |= {"expressions": (width,), "poses": (SMPLX_POSES,)}
    with written_beside(path) as target, ExitStack() as files:
        spools = {name: ArraySpool(files, target.parent, name=name, row_shape=shapes[name]) for name in shapes}
        for block in reported(motion, progress):
            shown = block if solved is None else mapped(block, solved)
            for name, rows in _written_rows(shown, width, model=model).items():
                spools[name].append(rows)
        write_arrays(target, facts, spools=list(spools.values()))


def _written_rows(block: FaceMotion, width: int, *, model: str) -> dict[str, Array]:
    rows = {
        "expression": block.expression[:, :width],
        "jaw_pose": block.jaw_pose,
        "neck_pose": block.neck_pose,
        "leye_pose": block.eye_pose[:, 0],
        "reye_pose": block.eye_pose[:, 1],
        "eye_pose": block.eye_pose.reshape(block.num_frames, 6),
        "global_orient": block.global_pose,
        "trans": block.translation,
        "wrinkles": block.wrinkles,
        "blood_flow": block.blood_flow,
    }
    if model == "smplx":
        poses = np.zeros((block.num_frames, SMPLX_POSES), np.float32)
        for name, first in SMPLX_COLUMNS.items():
            poses[:, first : first + 3] = rows[name]
        still = np.zeros((block.num_frames, 3), np.float32)
        rows |= {"poses": poses, "expressions": rows["expression"], "global_orient": still, "trans": still}
    return rows


def is_coefficient_file(path: Path) -> bool:
    """Whether a file is an `.npz` with an expression that is no motion file."""
    if path.suffix.lower() != ".npz":
        return False
    try:
        names = names_in(path)
    except OSError:
        return False
    return "header" not in names and not names.isdisjoint(EXPRESSION)


def read_coefficients(path: Path) -> FaceMotion:
    """Float32 rows as the file has them, of the basis that it names, if any; what it lacks is zero.

    Raises ValueError saying what is wrong, and OSError.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    arrays = read_npz(path, names=_KNOWN)
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
    return FaceMotion(
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
        info=MotionInfo(_word(arrays, "basis")),
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
    if len(values) > MAX_FRAMES:
        raise ValueError(f"it has {len(values)} frames, more than {MAX_FRAMES}; split it")
    if not len(values) or not values.shape[1]:
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
