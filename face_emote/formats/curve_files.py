"""Curves of a rig as files: table, JSON, arrays, and what Audio2Face, VRM, USD and FBX make of named curves.

Each writer takes a path, the motion, the curves block by block as the motion has its frames, their names and the head
whose motion it is.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.core.names import FACE_ANGLES
from face_emote.face.head import Head
from face_emote.formats.arkit import text_rows, write_json_rows
from face_emote.formats.array_file import ArraySpool, write_arrays

Blocks = Iterator[Float[Array, "frames target"]]


CURVE_FILES = {
    ".csv": "curve_files:write_table",
    ".json": "curve_files:write_json",
    ".npz": "curve_files:write_curve_arrays",
    ".a2f.json": "curve_files:write_a2f",
    ".vrma": "avatar.vrma:write_vrma_curves",
    ".usda": "usd.curves:write_usd_curves",
    ".usdc": "usd.curves:write_usd_curves",
    ".fbx": "blender:write_fbx_curves",
}
"""`room:function` that writes each, by suffix."""


def write_table(path: Path, motion: MotionSource, values: Blocks, *, names: Sequence[str], head: Head) -> None:
    """A header `time,NAME,..`, then seconds and values."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(["time", *map(_quoted, names)]) + "\n")
        for time_secs, row in text_rows(motion, values, progress=None):
            file.write(f"{time_secs:.6f},{row}\n")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\n\r') else name


def write_json(path: Path, motion: MotionSource, values: Blocks, *, names: Sequence[str], head: Head) -> None:
    """Names and rows, as the package reads them."""
    write_json_rows(path, text_rows(motion, values, progress=None), names=names, fps=motion.fps)


def write_a2f(path: Path, motion: MotionSource, values: Blocks, *, names: Sequence[str], head: Head) -> None:
    """`exportFps`, `trackPath`, `numPoses`, `numFrames`, `facsNames` and `weightMat`, a row a frame; no angles."""
    shown = [i for i, name in enumerate(names) if name not in FACE_ANGLES]
    facts = {
        "exportFps": float(motion.fps),
        "trackPath": motion.info.speech_name,
        "numPoses": len(shown),
        "numFrames": motion.num_frames,
        "facsNames": [names[i] for i in shown],
    }
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(facts, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "weightMat": [')
        for number, (_, row) in enumerate(text_rows(motion, (block[:, shown] for block in values), progress=None)):
            file.write(f"{',' if number else ''}\n[{row}]")
        file.write("\n]}\n")


def write_curve_arrays(path: Path, motion: MotionSource, values: Blocks, *, names: Sequence[str], head: Head) -> None:
    """`names`, `values` [frames, target] and `fps`."""
    with ExitStack() as files:
        spool = ArraySpool(files, path.parent, name="values", row_shape=(len(names),))
        for block in values:
            spool.append(block)
        write_arrays(path, {"names": np.array(names), "fps": np.float64(motion.fps)}, spools=[spool])
