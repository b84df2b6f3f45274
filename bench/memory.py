"""Peak memory of performing 10 s, 10 min and 60 min of speech, and of exporting it, each in a process of its own.

The long recordings are the bundled sentences again and again. LONGEST_SECS=600 in the environment stops earlier.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.common import QUICK, Figure, options, report, write_long_speech

LENGTHS_SECS = (2,) if QUICK else (10, 600, 3600)
CHILD = "--child"


def main() -> None:
    """Run one child process per length and kind of work."""
    if CHILD in sys.argv:
        _work(*sys.argv[sys.argv.index(CHILD) + 1 :])
        return
    target = options(__doc__).json
    longest = float(os.environ.get("LONGEST_SECS", LENGTHS_SECS[-1]))
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for secs in (length for length in LENGTHS_SECS if length <= longest):
            speech = Path(folder) / f"{secs}.wav"
            write_long_speech(speech, secs=secs)
            for work in ("animate", "export"):
                megabytes = _peak_of_child(work, folder, str(secs))
                figures.append(Figure(f"{work} {_named(secs)}", megabytes, "MB", "peak resident memory"))
    report("Memory", figures, target=target)


def _named(secs: int) -> str:
    return f"{secs} s" if secs < 60 else f"{secs // 60} min"


def _peak_of_child(*arguments: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "bench.memory", CHILD, *arguments], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def _work(kind: str, folder: str, secs: str) -> None:
    """In the child: do the work, then print the peak resident set in MB."""
    from face_emote.core.options import Performance
    from face_emote.formats.motion_file import write_motion
    from face_emote.verbs.animate import perform
    from face_emote.verbs.export import export

    motion = Path(folder) / f"{secs}.npz"
    if kind == "animate":
        write_motion(perform(Performance(Path(folder) / f"{secs}.wav")).motion, motion)
    else:
        export(motion, motion.with_suffix(".glb"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)


if __name__ == "__main__":
    main()
