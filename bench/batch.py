"""Rows an hour: one and two workers, a real Ray cluster of two nodes, and what a batch costs beside `render`.

ROWS=200 SIZE=256 in the environment are the defaults; CLUSTER=0 leaves Ray out. Bundled speech x emotions x characters,
each cut to a second and a half.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from itertools import islice, product
from pathlib import Path
from typing import Any

from bench.common import QUICK, Figure, options, report
from face_emote.audio.examples import example_speech
from face_emote.face.characters import characters

ROWS, SIZE = int(os.environ.get("ROWS", "2" if QUICK else "200")), os.environ.get("SIZE", "64" if QUICK else "256")
EMOTIONS = ("joy", "sadness", "calm anger", "fear", "surprise")
SECS, FPS = 1.5, "12"
CLUSTER = """
import subprocess, sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
code = subprocess.run([*sys.argv[1:], "--cluster", cluster.address]).returncode
cluster.shutdown()
sys.exit(code)
"""


def main() -> None:
    """Measure and print."""
    target = options(__doc__).json
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = _manifest(folder)
        by_hand = _by_hand(folder)
        _batch(manifest, folder / "warm", "--workers", "2", "--limit", "2")
        one, two = (_batch(manifest, folder / f"out{count}", "--workers", str(count)) for count in (1, 2))
        figures = [
            *_figures("1 worker", folder / "out1", one),
            *_figures("2 workers", folder / "out2", two),
            Figure("2 workers against 1", one / two, "x", "time of the same rows"),
            Figure(
                "overhead a row",
                one / ROWS - by_hand,
                "s",
                "1 worker, beside calling animate and render in one process",
            ),
            Figure("render by hand", by_hand, "s", "a row, median of 8"),
        ]
        first, last = _memory(folder / "out1")
        figures += [
            Figure("memory, tenth row", first, "MB", "of the one worker"),
            Figure(f"memory, row {ROWS}", last, "MB", "of the same"),
        ]
        if os.environ.get("CLUSTER", "0" if QUICK else "1") == "1":
            ray = _batch(manifest, folder / "ray", prefix=(sys.executable, "-W", "ignore", "-c", CLUSTER))
            figures += _figures("Ray, 2 nodes", folder / "ray", ray)
            figures.append(
                Figure("2 nodes against 2 workers", two / ray, "x", "starting and stopping the cluster included")
            )
            same = _same(folder / "out1", folder / "out2", folder / "ray")
        else:
            same = _same(folder / "out1", folder / "out2")
        figures.append(Figure("results that are equal byte for byte", same, "files"))
    report(f"Batch of {ROWS} rows, {SIZE} px, {SECS} s each", figures, target=target)


def _manifest(folder: Path) -> Path:
    lines = ["speech,name,emotion,character"]
    everything = product(characters(), EMOTIONS, example_speech())
    for number, (person, emotion, speech) in enumerate(islice(everything, ROWS)):
        short = folder / f"{speech.name}.wav"
        if not short.exists():
            _cut(speech.path, short)
        lines.append(f"{short},{number:03d}_{person.name},{emotion},{person.name}")
    path = folder / "lines.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _cut(source: Path, target: Path) -> None:
    with wave.open(str(source)) as sound, wave.open(str(target), "wb") as out:
        out.setparams(sound.getparams())
        out.writeframes(sound.readframes(round(SECS * sound.getframerate())))


def _batch(manifest: Path, out: Path, *more: str, prefix: tuple[str, ...] = ()) -> float:
    """Wall-clock seconds of the command, from start to end."""
    words = [*prefix, sys.executable, "-m", "face_emote", "batch", str(manifest), "-o", str(out), "--size", SIZE]
    started = time.perf_counter()
    subprocess.run([*words, "--fps", FPS, *more], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _by_hand(folder: Path) -> float:
    """Median seconds of a row by two calls in this process, warm."""
    from face_emote.verbs.animate import animate
    from face_emote.verbs.render import render

    speech = next(folder.glob("*.wav"))
    secs = []
    for number, person in enumerate((characters()[0], *(characters()[:1] if QUICK else characters()))):
        started = time.perf_counter()
        motion = animate(speech, emotion="joy", character=person.name, fps=float(FPS))
        render(motion, folder / "hand.mp4", speech=speech, size=int(SIZE), workers=1)
        if number:
            secs.append(time.perf_counter() - started)
    return statistics.median(secs)


def _log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]


def _figures(name: str, out: Path, secs: float) -> list[Figure]:
    frames = next(line["frames"] for line in _log(out) if line["kind"] == "batch done")
    return [
        Figure(f"{name}: rows", ROWS / secs * 3600.0, "rows/h", f"{secs:.0f} s in all"),
        Figure(f"{name}: frames", frames / secs, "frames/s"),
    ]


def _memory(out: Path) -> tuple[float, float]:
    """Resident memory after the tenth and after the last task."""
    seen = [line["memory_mb"] for line in _log(out) if line["kind"] == "task done"]
    return seen[min(9, len(seen) - 1)], seen[-1]


def _same(first: Path, *others: Path) -> float:
    videos = sorted(path.name for path in first.glob("*.mp4"))
    return float(
        sum(all((first / name).read_bytes() == (out / name).read_bytes() for out in others) for name in videos)
    )


if __name__ == "__main__":
    main()
