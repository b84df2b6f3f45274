"""A motion as the 61 curves of an ARKit face, 52 weights and nine angles; and those as `.json`.

Our controls are ARKit's 52 and some more. What is more goes to the ARKit shapes that come nearest: left halves of
unsided shapes count half, and every other extra shape becomes the non-negative mix of ARKit shapes that moves the
vertices most alike. A lip seal, being no shape, closes as much of the open jaw as mouthClose may.

The file: `{"fps": 30, "names": [..], "frames": [[a number per name], ..]}`. Reading trusts nothing: ValueError says
what is wrong.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52, ARKIT_ORDER, CONTROLS, EXTRA_CONTROLS, FACE_ANGLES
from face_emote.core.output import written_beside
from face_emote.core.rotations import rotation_matrix, yaw_pitch_roll
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.face.rig import ControlPose, controls_from_pose
from face_emote.formats.mesh.person import Person, Progress
from face_emote.formats.recorded import MAX_BYTES, MAX_CURVES, MAX_NUMBERS, RecordedCurves
from face_emote.rigs.nonnegative import nearest_mixes

CURVES = (*ARKIT_ORDER, *FACE_ANGLES)
"""Names of the 61 curves in the order in which `ArkitCurves.of` returns them."""
DECIMALS = 6
"""Of every number in a file: 0.0001 % of a weight, 0.00006 degrees."""
FORM = '{"fps": 30, "names": [..], "frames": [[..], ..]}'
_ROW = ",".join([f"%.{DECIMALS}f"] * len(CURVES))
_COLUMNS = [CONTROLS.index(name) for name in ARKIT_ORDER]
_EXTRA_NAMES = (*EXTRA_CONTROLS, "lipsPart")
_EXTRAS = [CONTROLS.index(name) for name in _EXTRA_NAMES]


class ArkitCurves:
    """Curves of motions on one head."""

    def __init__(self, head: Head) -> None:
        """Raises HeadError when the model has no named controls."""
        if not head.is_semantic:
            raise HeadError(
                "ARKit curves need a head whose shapes have names; this one came from a FLAME file, "
                "use .glb or a point cache"
            )
        self._control_joints = head.control_joints
        self._mixes = _mixes(head)

    def of(self, block: FaceMotion) -> Float[Array, "frames curve=61"]:
        """Weights 0..1, then radians (`rotations.yaw_pitch_roll`); the head's are of neck and global pose together."""
        pose = ControlPose(expression=block.expression, jaw_pose=block.jaw_pose, eye_pose=block.eye_pose)
        controls = controls_from_pose(pose, control_joints=self._control_joints).astype(np.float64)
        weights = controls[:, _COLUMNS] + controls[:, _EXTRAS] @ self._mixes
        jaw, close = ARKIT_ORDER.index("jawOpen"), ARKIT_ORDER.index("mouthClose")
        seal = np.clip(controls[:, CONTROLS.index("lipSeal")], 0.0, 1.0)
        weights[:, close] += seal * np.maximum(weights[:, jaw] - weights[:, close], 0.0)
        head = rotation_matrix(block.global_pose.astype(np.float64)) @ rotation_matrix(
            block.neck_pose.astype(np.float64)
        )
        eyes = rotation_matrix(block.eye_pose.astype(np.float64))
        turns = [yaw_pitch_roll(head), yaw_pitch_roll(eyes[:, 0]), yaw_pitch_roll(eyes[:, 1])]
        curves = np.concatenate([np.clip(weights, 0.0, 1.0), *turns], axis=1)
        return np.round(curves, DECIMALS) + 0.0  # No "-0.000000".


@lru_cache(maxsize=2)
def _mixes(head: Head) -> Float[Array, "extra arkit=52"]:
    """Weights of the ARKit shapes that stand in for each extra control."""
    basis = head.expression_basis.reshape(len(CONTROLS), -1)
    mixes = nearest_mixes(basis[_EXTRAS], basis[_COLUMNS])
    for row, name in enumerate(_EXTRA_NAMES):
        whole = name.removesuffix("Left")
        if whole != name and whole in ARKIT_52:
            mixes[row] = 0.0
            mixes[row, ARKIT_ORDER.index(whole)] = 0.5
    return mixes


def text_rows(
    motion: MotionSource, curves: ArkitCurves, *, progress: Progress | None
) -> Iterator[tuple[float, str]]:  # fmt: skip
    """Seconds and numbers of every frame."""
    done = 0
    for block in motion.blocks():
        times = frame_times(done, done + block.num_frames, fps=motion.fps)
        for time_secs, row in zip(times.tolist(), curves.of(block).tolist(), strict=True):
            yield time_secs, _ROW % tuple(row)
        done += block.num_frames
        if progress is not None:
            progress(done, motion.num_frames, "exporting")


def write_json(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write `{"fps": .., "names": [61 names], "frames": [[61 numbers], ..]}`. Memory stays flat.

    Raises:
        HeadError: the head has no named shapes.
        OutputError: the file cannot be written there.
    """
    rows = text_rows(motion, ArkitCurves(person.model), progress=progress)
    with written_beside(path) as target, target.open("w", encoding="ascii", newline="\n") as file:
        file.write(f'{{"fps": {json.dumps(float(motion.fps))},\n"names": {json.dumps(CURVES)},\n"frames": [')
        for time_secs, row in rows:
            file.write(f"{',' if time_secs else ''}\n[{row}]")
        file.write("\n]}\n")


def read_json(path: Path) -> RecordedCurves:
    """Raises ValueError saying what is wrong, and OSError."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("it is larger than 1 GiB; split it")
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_int=float, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is damaged on line {error.lineno}") from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    if not isinstance(content, dict) or not {"fps", "names", "frames"} <= set(content):
        raise ValueError(f"it has not the form {FORM}")
    fps, names, frames = content["fps"], content["names"], content["frames"]
    if not isinstance(fps, float):
        raise ValueError("its fps is no number")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its names are no list of words")
    if not 0 < len(names) <= MAX_CURVES:
        raise ValueError(f"it names {len(names)} curves; expected 1 to {MAX_CURVES}")
    if not isinstance(frames, list) or not frames:
        raise ValueError("it has no frames")
    return RecordedCurves(names=tuple(names), values=_table(frames, width=len(names)), fps=fps)


def _table(frames: list[object], *, width: int) -> Float[Array, "frames curve"]:
    if len(frames) * width > MAX_NUMBERS:
        raise ValueError("it has too many frames to hold at once; split it")
    out = np.empty((len(frames), width))
    for i, row in enumerate(frames):
        if not isinstance(row, list) or len(row) != width:
            raise ValueError(f"frame {i + 1} is no list of {width} numbers")
        if not all(isinstance(value, float) for value in row):
            raise ValueError(f"frame {i + 1} holds something that is no number")
        out[i] = row
    if not np.all(np.isfinite(out)):
        raise ValueError("a number in it is too large")
    return out


def _refuse(word: str) -> float:
    raise ValueError(f"it holds {word}, which is no number")
