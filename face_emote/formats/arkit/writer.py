"""ARKit curves as text: the `.csv` of Epic's Live Link Face app, and a plain `.json`."""

import json
from collections.abc import Iterator
from pathlib import Path

from face_emote.core.motion import MotionSource
from face_emote.core.names import LIVE_LINK_TICKS_HZ
from face_emote.core.output import written_beside
from face_emote.core.timing import frame_times
from face_emote.face.head import Head
from face_emote.formats.arkit.curves import CURVES, DECIMALS, ArkitCurves
from face_emote.formats.mesh.person import Progress

ROW = ",".join([f"%.{DECIMALS}f"] * len(CURVES))
CSV_HEADER = ",".join(["Timecode", "BlendshapeCount", *(name[0].upper() + name[1:] for name in CURVES)])


def write_live_link_csv(
    motion: MotionSource, path: Path, *, head: Head, progress: Progress | None = None
) -> None:  # fmt: skip
    """Write the 63 columns that Unreal's importer of Live Link Face recordings reads. Memory stays flat.

    Raises:
        HeadError: the motion belongs to another face model, or one without named shapes.
        OutputError: the file cannot be written there.
    """
    rows = _rows(motion, ArkitCurves(motion, head), progress=progress)
    with written_beside(path) as target, target.open("w", encoding="ascii", newline="\n") as file:
        file.write(CSV_HEADER + "\n")
        for time_secs, row in rows:
            file.write(f"{timecode(time_secs)},{len(CURVES)},{row}\n")


def write_arkit_json(
    motion: MotionSource, path: Path, *, head: Head, progress: Progress | None = None
) -> None:  # fmt: skip
    """Write `{"fps": .., "names": [61 names], "frames": [[61 numbers], ..]}`. Memory and errors as the `.csv`."""
    rows = _rows(motion, ArkitCurves(motion, head), progress=progress)
    with written_beside(path) as target, target.open("w", encoding="ascii", newline="\n") as file:
        file.write(f'{{"fps": {json.dumps(float(motion.fps))},\n"names": {json.dumps(CURVES)},\n"frames": [')
        for time_secs, row in rows:
            file.write(f"{',' if time_secs else ''}\n[{row}]")
        file.write("\n]}\n")


def timecode(time_secs: float) -> str:
    """`HH:MM:SS:FF.fff`, FF counting sixtieths of a second as Unreal's importer does; 24 hours wrap around."""
    thousandths = round(time_secs * LIVE_LINK_TICKS_HZ * 1000.0)
    seconds, rest = divmod(thousandths, round(LIVE_LINK_TICKS_HZ * 1000.0))
    ticks, fraction = divmod(rest, 1000)
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours % 24:02d}:{minutes % 60:02d}:{seconds % 60:02d}:{ticks:02d}.{fraction:03d}"


def _rows(
    motion: MotionSource, curves: ArkitCurves, *, progress: Progress | None
) -> Iterator[tuple[float, str]]:  # fmt: skip
    """Seconds and numbers of every frame."""
    done = 0
    for block in motion.blocks():
        times = frame_times(done, done + block.num_frames, fps=motion.fps)
        for time_secs, row in zip(times.tolist(), curves.of(block).tolist(), strict=True):
            yield time_secs, ROW % tuple(row)
        done += block.num_frames
        if progress is not None:
            progress(done, motion.num_frames, "exporting")
