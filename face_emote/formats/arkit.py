"""A motion as the 61 curves of an ARKit face, 52 weights and nine angles; and those as files.

Our controls are ARKit's 52 and some more. What is more goes to the ARKit shapes that come nearest: left halves of
unsided shapes count half, and every other extra shape becomes the non-negative mix of ARKit shapes that moves the
vertices most alike. A lip seal, being no shape, closes as much of the open jaw as mouthClose may.

The files: `{"fps": 30, "names": [..], "frames": [[a number per name], ..]}`, and the `.csv` of Epic's Live Link Face
app. `recorded` reads both.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import HeadError
from face_emote.core.motion import MotionSource
from face_emote.core.names import ARKIT_52, ARKIT_ORDER, CONTROLS, EXTRA_CONTROLS, FACE_ANGLES, LIVE_LINK_TICKS_HZ
from face_emote.core.output import written_beside
from face_emote.core.rotations import rotation_matrix, yaw_pitch_roll
from face_emote.core.timing import frame_times
from face_emote.core.types import FaceMotion, Progress
from face_emote.face.head import Head
from face_emote.face.rig import ControlPose, controls_from_pose
from face_emote.formats.mesh.person import Person
from face_emote.rigs.nonnegative import nearest_mixes

CURVES = (*ARKIT_ORDER, *FACE_ANGLES)  # Names of the 61 curves in the order in which `ArkitCurves.of` returns them.
CSV_HEADER = ",".join(["Timecode", "BlendshapeCount", *(name[0].upper() + name[1:] for name in CURVES)])
DECIMALS = 6  # Of every number in a file: 0.0001 % of a weight, 0.00006 degrees.
_COLUMNS = [CONTROLS.index(name) for name in ARKIT_ORDER]
_EXTRA_NAMES = (*EXTRA_CONTROLS, "lipsPart")
_EXTRAS = [CONTROLS.index(name) for name in _EXTRA_NAMES]


class ArkitCurves:
    """Curves of motions on one head."""

    def __init__(self, head: Head, *, apart: Collection[str] = ()) -> None:
        """With extra controls `apart` these do not become ARKit shapes, since they are shown beside them.

        Raises HeadError when the model has no named controls.
        """
        if not head.is_semantic:
            raise HeadError(
                "ARKit curves need a head whose shapes have names; this one came from a FLAME file, "
                "use .glb or a point cache"
            )
        self._control_joints = head.control_joints
        self._mixes = _mixes(head).copy()
        self._mixes[[i for i, name in enumerate(_EXTRA_NAMES) if name in apart]] = 0.0
        self._seals = "lipSeal" not in apart

    def of(self, block: FaceMotion) -> Float[Array, "frames curve=61"]:
        """Weights 0..1, then radians (`rotations.yaw_pitch_roll`); the head's are of neck and global pose together."""
        pose = ControlPose(expression=block.expression, jaw_pose=block.jaw_pose, eye_pose=block.eye_pose)
        controls = controls_from_pose(pose, control_joints=self._control_joints).astype(np.float64)
        weights = controls[:, _COLUMNS] + controls[:, _EXTRAS] @ self._mixes
        if self._seals:
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


def curve_blocks(
    motion: MotionSource, blocks: Iterable[Float[Array, "frames ..."]], *, progress: Progress | None
) -> Iterator[tuple[Float[Array, " frames"], Float[Array, "frames ..."]]]:
    """Seconds and curves of every block of curves."""
    done = 0
    for values in blocks:
        yield frame_times(done, done + len(values), fps=motion.fps), values
        done += len(values)
        if progress is not None:
            progress(done, motion.num_frames, "exporting")


def text_rows(
    motion: MotionSource, blocks: Iterable[Float[Array, "frames curve"]], *, progress: Progress | None
) -> Iterator[tuple[float, str]]:
    """Seconds and numbers of every frame."""
    for times, values in curve_blocks(motion, blocks, progress=progress):
        form = ",".join([f"%.{DECIMALS}f"] * values.shape[1])
        for time_secs, row in zip(times.tolist(), values.tolist(), strict=True):
            yield time_secs, form % tuple(row)


def write_json_rows(path: Path, rows: Iterator[tuple[float, str]], *, names: Sequence[str], fps: float) -> None:
    """Write `{"fps": .., "names": [..], "frames": [[..], ..]}`. Memory stays flat."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        said = json.dumps(names, ensure_ascii=False)
        file.write(f'{{"fps": {json.dumps(float(fps))},\n"names": {said},\n"frames": [')
        for number, (_, row) in enumerate(rows):
            file.write(f"{',' if number else ''}\n[{row}]")
        file.write("\n]}\n")


def write_json(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write `{"fps": .., "names": [61 names], "frames": [[61 numbers], ..]}`. Memory stays flat.

    HeadError: the head has no named shapes. OutputError: the file cannot be written there.
    """
    rows = text_rows(motion, map(ArkitCurves(person.model).of, motion.blocks()), progress=progress)
    with written_beside(path) as target:
        write_json_rows(target, rows, names=CURVES, fps=motion.fps)


def write_live_link(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write the 63 columns that Unreal's importer of Live Link Face recordings reads. Memory stays flat.

    HeadError: the head has no named shapes. OutputError: the file cannot be written there.
    """
    rows = text_rows(motion, map(ArkitCurves(person.model).of, motion.blocks()), progress=progress)
    with written_beside(path) as target, target.open("w", encoding="ascii", newline="\n") as file:
        file.write(CSV_HEADER + "\n")
        for time_secs, row in rows:
            file.write(f"{timecode(time_secs)},{len(CURVES)},{row}\n")


def timecode(time_secs: float) -> str:
    """`HH:MM:SS:FF.fff`, FF counting sixtieths of a second as Unreal's importer does; 24 hours wrap around."""
    thousandths = round(time_secs * LIVE_LINK_TICKS_HZ * 1000.0)
    seconds, rest = divmod(thousandths, round(LIVE_LINK_TICKS_HZ * 1000.0))
    ticks, fraction = divmod(rest, 1000)
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours % 24:02d}:{minutes % 60:02d}:{seconds % 60:02d}:{ticks:02d}.{fraction:03d}"
