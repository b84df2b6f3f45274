"""Targets of a rig as files: a table (`.csv`), `.json`, arrays (`.npz`), and Rhubarb's cues (`.tsv`, `.json`)."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.motion import MotionSource
from face_emote.core.output import written_beside
from face_emote.core.timing import frame_times
from face_emote.face.head import Head
from face_emote.formats.arkit.curves import DECIMALS
from face_emote.formats.coefficients.array_file import ArraySpool, write_arrays
from face_emote.formats.mesh.person import Progress
from face_emote.formats.rig.curves import RigCurves
from face_emote.rigs.rig_file import Rig

CUE_SUFFIXES = (".tsv", ".json")
CURVE_SUFFIXES = (".csv", ".json", ".npz")
SHORTEST_CUE_SECS = 0.06
"""A shorter drawing is not seen; it gives way to the one before it."""


def require_rig_suffix(path: Path, rig: Rig) -> None:
    """Raise OptionError unless a rig can be written as this kind of file."""
    able = CUE_SUFFIXES if rig.cues else CURVE_SUFFIXES
    if path.suffix.lower() not in able:
        raise OptionError(
            f"The rig {rig.name} is written as {', '.join(able)}, not as '{path.suffix}'; end the output so: {path}"
        )


def write_rig(motion: MotionSource, path: Path, *, head: Head, rig: Rig, progress: Progress | None = None) -> None:
    """Write the targets of a rig on every frame. Memory does not grow with the length.

    Raises:
        OptionError: the suffix does not suit the rig.
        HeadError: the motion belongs to another face model, or one without named shapes.
        OutputError: the file cannot be written there.
    """
    require_rig_suffix(path, rig)
    curves = RigCurves(motion, head, rig=rig)
    suffix = path.suffix.lower()
    with written_beside(path) as target:
        if rig.cues:
            _write_cues(target, motion, curves, rig=rig, progress=progress)
        elif suffix == ".npz":
            _write_arrays(target, motion, curves, progress=progress)
        else:
            write = _write_table if suffix == ".csv" else _write_json
            write(target, motion, curves, progress=progress)


def _blocks(
    motion: MotionSource, curves: RigCurves, *, progress: Progress | None
) -> Iterator[tuple[Float[Array, " frames"], Float[Array, "frames target"]]]:
    done = 0
    for block in motion.blocks():
        yield frame_times(done, done + block.num_frames, fps=motion.fps), curves.of(block)
        done += block.num_frames
        if progress is not None:
            progress(done, motion.num_frames, "exporting")


def _write_table(path: Path, motion: MotionSource, curves: RigCurves, *, progress: Progress | None) -> None:
    """A header `time,NAME,..`, then seconds and values."""
    row = ",".join(["%.6f"] + [f"%.{DECIMALS}f"] * len(curves.names)) + "\n"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(["time", *map(_quoted, curves.names)]) + "\n")
        for times, values in _blocks(motion, curves, progress=progress):
            for time_secs, numbers in zip(times.tolist(), values.tolist(), strict=True):
                file.write(row % (time_secs, *numbers))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\n\r') else name


def _write_json(path: Path, motion: MotionSource, curves: RigCurves, *, progress: Progress | None) -> None:
    """`{"fps": .., "names": [..], "frames": [[..], ..]}`, as the ARKit `.json`."""
    row = ",".join([f"%.{DECIMALS}f"] * len(curves.names))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        names = json.dumps(curves.names, ensure_ascii=False)
        file.write(f'{{"fps": {json.dumps(float(motion.fps))},\n"names": {names},\n"frames": [')
        first = True
        for _, values in _blocks(motion, curves, progress=progress):
            for numbers in values.tolist():
                file.write(f"{'' if first else ','}\n[{row % tuple(numbers)}]")
                first = False
        file.write("\n]}\n")


def _write_arrays(path: Path, motion: MotionSource, curves: RigCurves, *, progress: Progress | None) -> None:
    """`names`, `values` [frames, target] and `fps`."""
    with ExitStack() as files:
        spool = ArraySpool(files, path.parent, name="values", row_shape=(len(curves.names),))
        for _, values in _blocks(motion, curves, progress=progress):
            spool.append(values)
        write_arrays(path, {"names": np.array(curves.names), "fps": np.float64(motion.fps)}, spools=[spool])


def _write_cues(
    path: Path, motion: MotionSource, curves: RigCurves, *, rig: Rig, progress: Progress | None
) -> None:  # fmt: skip
    """Rhubarb's own two formats; the last time is the end of the sound, cut to hundredths."""
    index, done = [], 0
    for block in motion.blocks():
        index.append(curves.cue_index(block))
        done += block.num_frames
        if progress is not None:
            progress(done, motion.num_frames, "exporting")
    secs = motion.info.speech_secs or motion.num_frames / motion.fps
    ends = int(secs * 100.0 + 1e-6)
    names = [target.name for target in rig.cues]
    silent = next((target.name for target in rig.cues if not target.weights), names[0])
    cues = [(round(start * 100.0), names[number]) for start, number in _held(np.concatenate(index), fps=motion.fps)]
    cues = [(start, name) for start, name in cues if start < ends] or [(0, silent)]
    if path.suffix.lower() == ".tsv":
        lines = [f"{start / 100.0:.2f}\t{name}\n" for start, name in [*cues, (ends, silent)]]
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
        return
    stops = [start for start, _ in cues[1:]] + [ends]
    rows = [
        f'    {{ "start": {start / 100.0:.2f}, "end": {stop / 100.0:.2f}, "value": {json.dumps(name)} }}'
        for (start, name), stop in zip(cues, stops, strict=True)
    ]
    sound = json.dumps(motion.info.speech_name)
    text = f'{{\n  "metadata": {{\n    "soundFile": {sound},\n    "duration": {ends / 100.0:.2f}\n  }},\n'
    path.write_text(text + '  "mouthCues": [\n' + ",\n".join(rows) + "\n  ]\n}\n", encoding="utf-8", newline="\n")


def _held(index: Array, *, fps: float) -> list[tuple[float, int]]:
    """Start in seconds and number of each cue; those too short to be seen are left out."""
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    lengths = np.diff(starts, append=len(index)) / fps
    out: list[tuple[float, int]] = []
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        number = int(index[start])
        if (not out or length >= SHORTEST_CUE_SECS) and (not out or out[-1][1] != number):
            out.append((start / fps, number))
    return out
