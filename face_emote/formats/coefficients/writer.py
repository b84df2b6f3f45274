"""`.npz` of coefficients in the habit of AMASS, EMOTE and BEAT2: one array per quantity, a row per frame.

Every file: `expression` [frames, coefficient], `jaw_pose`, `neck_pose`, `leye_pose`, `reye_pose`, `global_orient`,
`trans` [frames, 3] (axis-angle in radians; metres), `eye_pose` [frames, 6], `betas` [300], `gender`, `model`, `basis`,
`mocap_frame_rate`, and beside what those have: `wrinkles` [frames, 16] and `blood_flow` [frames, 8] with their names. A
file of SMPL-X also has `poses` [frames, 165] and `expressions`, as BEAT2's; there the neck turns in the neck and the
whole head in the head joint, so that a body stays where it is.
"""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.motion import MotionSource
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, WRINKLES
from face_emote.core.output import written_beside
from face_emote.core.types import FaceMotion
from face_emote.formats.coefficients.array_file import ArraySpool, write_arrays
from face_emote.formats.mesh.person import Progress
from face_emote.rigs.expression_map import ExpressionMap
from face_emote.rigs.retarget import mapped

ROWS = {
    "jaw_pose": (3,), "neck_pose": (3,), "leye_pose": (3,), "reye_pose": (3,), "eye_pose": (6,), "global_orient": (3,),
    "trans": (3,), "wrinkles": (len(WRINKLES),), "blood_flow": (len(BLOOD_REGIONS),),
}  # fmt: skip
SMPLX_POSES = 165
SMPLX_COLUMNS = {"neck_pose": 36, "global_orient": 45, "jaw_pose": 66, "leye_pose": 69, "reye_pose": 72}
"""First column in `poses` of what turns a head."""


def write_coefficients(
    motion: MotionSource,
    path: Path,
    *,
    model: str,
    basis: str,
    solved: ExpressionMap | None,
    progress: Progress | None = None,
) -> None:
    """Write a motion's coefficients. Memory does not grow with the length.

    Args:
        motion: A motion of the bundled head.
        path: Where to.
        model: `flame`, `smplx` or `face_emote`.
        basis: Id of the model the coefficients belong to.
        solved: The map to that model; None writes the bundled head's own coefficients, which have names.
        progress: As `export`.

    Raises:
        OutputError: the file cannot be written there.
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
        done = 0
        for block in motion.blocks():
            for name, rows in _rows(block if solved is None else mapped(block, solved), width, model=model).items():
                spools[name].append(rows)
            done += block.num_frames
            if progress is not None:
                progress(done, motion.num_frames, "exporting")
        write_arrays(target, facts, spools=list(spools.values()))


def _rows(block: FaceMotion, width: int, *, model: str) -> dict[str, Array]:
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
