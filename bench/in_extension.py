"""What the Blender extension costs, in processor time of Blender and its engine together.

    python -m bench.in_extension --json out/bench/in_extension.json

Needs `bpy` and numpy in the Python that runs it, that of `.venv-blender` after `make test-blender`; the engine is this
checkout's.
"""

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from bench.common import QUICK, Figure, options, report, write_long_speech

ROOT = Path(__file__).parent.parent
SECS = 3 if QUICK else 10


def main() -> None:
    """Measure and report."""
    asked = options(__doc__ or "")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    extension = importlib.import_module("blender_addon")
    session = importlib.import_module("blender_addon.engine.jobs").SESSION
    locate = importlib.import_module("blender_addon.engine.locate")
    numpy_folder = str(Path(np.__file__).parent.parent)
    session._locate = lambda: locate.find_engine(str(ROOT), package_folders=[numpy_folder], python=sys.executable)
    extension.register()
    try:
        figures = measured(session)
    finally:
        extension.unregister()
    report("The Blender extension", figures, target=asked.json)


def measured(session: Any) -> list[Figure]:
    """A character twice, a take twice, its mouth once."""
    operators, settings = bpy.ops.face_emote, bpy.context.scene.face_emote
    with tempfile.TemporaryDirectory() as folder:
        speech = Path(folder) / "speech.wav"
        write_long_speech(speech, secs=SECS)
        settings.speech_file = str(speech)
        first = [spent(session, operators.add_character), spent(session, operators.generate)]
        again = [spent(session, operators.add_character), spent(session, operators.generate)]
        operators.list_mouth()
        sound = next(row for row in settings.cues if row.kind == "SOUND")
        sound.strength = 1.5
        mouth = spent(session, operators.remake_mouth)
    return [
        Figure("add a character, the engine's start included", first[0], "s CPU"),
        Figure("add a character again", again[0], "s CPU", "at most 2"),
        Figure(f"generate {SECS} s of speech, networks read", first[1], "s CPU"),
        Figure(f"generate {SECS} s of speech again", again[1], "s CPU", "at most 3"),
        Figure(f"the mouth of {SECS} s made again", mouth, "s CPU", "at most 1"),
    ]


def spent(session: Any, work: Callable[[], Any]) -> float:
    """Processor seconds of this process and the engine's."""
    start = time.process_time() + engine_secs(session.pid)
    assert work() == {"FINISHED"}, session.status
    return time.process_time() + engine_secs(session.pid) - start


def engine_secs(pid: int | None) -> float:
    """Processor seconds of a process so far; 0 of none."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
