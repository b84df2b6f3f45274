"""`.bvh`: the skeleton and its turns - head, jaw and eyes - for programs that retarget motion capture.

Joints are `names.JOINTS`; metres, +Y up, degrees; channels Y, X, Z, so that a joint's turn is Ry Rx Rz. FLAME's joints
also move a little with the expression (a millimetre or so); a `.bvh` has no place for that.
"""

from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource, reported
from face_emote.core.names import JOINT_PARENTS, JOINTS
from face_emote.core.output import written_beside
from face_emote.core.rotations import yaw_pitch_roll
from face_emote.core.types import Progress
from face_emote.formats.mesh.person import Person, rotations_of

TURNS = "Yrotation Xrotation Zrotation"
TIP = (0.0, 0.0, 0.03)  # Metres; where the last bones end: in front of their joint.


def write_bvh(motion: MotionSource, path: Path, *, person: Person, progress: Progress | None = None) -> None:
    """Write a motion's joints. Memory does not grow with the length. OutputError: the file cannot be written there."""
    rest = person.head.joints()
    row = " ".join(["%.6f"] * (3 + 3 * len(JOINTS))) + "\n"
    with written_beside(path) as target, target.open("w", encoding="ascii", newline="\n") as file:
        file.write("HIERARCHY\n" + "".join(_joint_lines(0, rest, depth=0)))
        file.write(f"MOTION\nFrames: {motion.num_frames}\nFrame Time: {1.0 / motion.fps:.9f}\n")
        for block in reported(motion, progress):
            turns = np.degrees(yaw_pitch_roll(rotations_of(block))).reshape(block.num_frames, -1)
            rows = np.concatenate([rest[0] + block.translation, turns], axis=1)
            rows = np.round(rows, 6) + 0.0  # No "-0.000000".
            file.write(row * block.num_frames % tuple(rows.ravel().tolist()))


def _joint_lines(joint: int, rest: Float[Array, "joint=5 3"], *, depth: int) -> list[str]:
    """The joint and all below it; depth first is the order of `names.JOINTS`, since only the neck has several."""
    indent, parent = "  " * depth, JOINT_PARENTS[joint]
    offset = rest[joint] - (rest[parent] if parent >= 0 else 0.0)
    kind, channels = ("ROOT", "6 Xposition Yposition Zposition") if parent < 0 else ("JOINT", "3")
    lines = [
        f"{indent}{kind} {JOINTS[joint]}\n{indent}{{\n",
        f"{indent}  OFFSET {_point(offset)}\n{indent}  CHANNELS {channels} {TURNS}\n",
    ]
    children = [child for child, above in enumerate(JOINT_PARENTS) if above == joint]
    for child in children:
        lines += _joint_lines(child, rest, depth=depth + 1)
    if not children:
        lines.append(f"{indent}  End Site\n{indent}  {{\n{indent}    OFFSET {_point(np.array(TIP))}\n{indent}  }}\n")
    return [*lines, f"{indent}}}\n"]


def _point(offset: Float[Array, " axis=3"]) -> str:
    return " ".join(f"{value:.6f}" for value in np.round(offset, 6) + 0.0)
