"""Time, size and peak memory of every format: a clip of 7 s and one of 10 min, each in a process of its own.

LONGEST_SECS=7 in the environment leaves the long one out. Folders of a file a frame, and USD, which its library holds
in memory, are measured on the short clip only; their rate and growth are constant.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common import QUICK, Figure, options, report

CHILD = "--child"
FPS = 30.0
SHORT_SECS, LONG_SECS = 1 if QUICK else 7, 600
JOBS: dict[str, tuple[str, dict[str, Any]]] = {
    "npz": ("a.npz", {}), "glb": ("a.glb", {}), "glb --compress": ("a.glb", {"compress": True}),
    "glb --lod 1": ("a.glb", {"lod": 1}), "skin.png": ("a.skin.png", {}),
    "usdc": ("a.usdc", {}), "usdz": ("a.usdz", {}), "usda": ("a.usda", {}),
    "csv": ("a.csv", {}), "json": ("a.json", {}), "bvh": ("a.bvh", {}), "pc2": ("a.pc2", {}), "mdd": ("a.mdd", {}),
    "ply folder": ("a.ply", {}), "obj folder": ("a", {}), "rig metahuman csv": ("a.csv", {"rig": "metahuman"}),
    "rig oculus npz": ("a.npz", {"rig": "oculus"}), "rig rhubarb tsv": ("a.tsv", {"rig": "rhubarb"}),
    "rig amass npz": ("a.npz", {"rig": "amass"}),
}  # fmt: skip
SHORT_ONLY = {"skin.png", "usdc", "usdz", "usda", "ply folder", "obj folder", "glb --compress", "glb --lod 1"}


def main() -> None:
    """Run one child process per format and length."""
    if CHILD in sys.argv:
        _work(*sys.argv[sys.argv.index(CHILD) + 1 :])
        return
    target = options(__doc__).json
    longest = SHORT_SECS if QUICK else float(os.environ.get("LONGEST_SECS", LONG_SECS))
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for secs in (length for length in (SHORT_SECS, LONG_SECS) if length <= longest):
            # In a process of its own: a child begins with its parent's peak memory.
            subprocess.run([sys.executable, "-m", "bench.formats", CHILD, "write", folder, str(secs)], check=True)
            for name in JOBS:
                if secs == SHORT_SECS or name not in SHORT_ONLY:
                    figures += _measured(name, folder, secs)
    report("Formats", figures, target=target)


def _measured(name: str, folder: str, secs: int) -> list[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.formats", CHILD, name, folder, str(secs)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    took, size, peak = (float(word) for word in done.stdout.split()[-3:])
    clip = f"{name}, {secs} s" if secs < 60 else f"{name}, {secs // 60} min"
    return [
        Figure(clip, took, "s", f"{secs / took:.0f} x real time"),
        Figure(f"{clip}: size", size / 1e6, "MB"),
        Figure(f"{clip}: peak memory", peak, "MB"),
    ]


def _work(name: str, folder: str, secs: str) -> None:
    """In the child: write the motion, or export it and print seconds, bytes and the peak resident set in MB."""
    if name == "write":
        _write_motion(Path(folder) / f"{secs}.npz", int(secs))
        return
    from face_emote.face.bundled import load_head
    from face_emote.verbs.export import export

    load_head()
    target, options = JOBS[name]
    path = Path(folder) / "out" / target
    path.parent.mkdir(exist_ok=True)
    started = time.perf_counter()
    export(Path(folder) / f"{secs}.npz", path, **options)
    took = time.perf_counter() - started
    size = sum(item.stat().st_size for item in path.rglob("*")) if path.is_dir() else path.stat().st_size
    print(took, size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)


def _write_motion(path: Path, secs: int) -> None:
    """A performed bundled sentence, again and again."""
    from dataclasses import replace

    from face_emote.audio.examples import example_speech
    from face_emote.formats.motion_file import MotionWriter
    from face_emote.verbs.animate import animate

    clip = animate(example_speech()[0].path, emotion="joy tinged with guilt", fps=FPS, animator="rules")
    clip = replace(clip, info=replace(clip.info, speech_secs=float(secs)))
    left = round(secs * FPS)
    with MotionWriter(path) as writer:
        while left > 0:
            writer.append(clip.part(0, min(left, clip.num_frames)))
            left -= clip.num_frames


if __name__ == "__main__":
    main()
