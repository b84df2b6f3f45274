"""What every benchmark shares: repeat, take the median, say on what; a table for people and JSON for the record."""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

QUICK = "--quick" in sys.argv
"""Smallest sizes and single runs: shows that a benchmark works; its figures say nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    note: str = ""


def options(description: str, **paths: str) -> argparse.Namespace:
    """What every benchmark takes on its command line: `json` (a file or None) and `quick`; more `paths` with help."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="smallest sizes, single runs: only to see that it works")
    for name, help_text in paths.items():
        parser.add_argument(f"--{name}", type=Path, metavar=name.upper(), help=help_text)
    return parser.parse_args()


def write_long_speech(path: Path, *, secs: int) -> None:
    """The bundled sentences again and again, as a .wav."""
    from face_emote.audio.examples import example_speech

    sentences = []
    for item in example_speech():
        with wave.open(str(item.path)) as sound:
            form, frames = sound.getparams(), sound.readframes(sound.getnframes())
            sentences.append(frames)
    wanted = secs * form.framerate * form.sampwidth * form.nchannels
    with wave.open(str(path), "wb") as out:
        out.setnchannels(form.nchannels)
        out.setsampwidth(form.sampwidth)
        out.setframerate(form.framerate)
        written = 0
        while written < wanted:
            for frames in sentences:
                piece = frames[: wanted - written]
                out.writeframes(piece)
                written += len(piece)


def median_secs(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Median wall-clock seconds of `work`, after one run that warms caches up."""
    work()
    times = []
    for _ in range(1 if QUICK else repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def report(title: str, figures: Sequence[Figure], *, target: Path | None) -> None:
    """Print a table; write the figures to `target`, if there is one."""
    width = max(len(figure.name) for figure in figures)
    print(f"\n{title}   [{machine()}]")
    for figure in figures:
        print(f"  {figure.name:<{width}}  {figure.value:>10.3f} {figure.unit:<8} {figure.note}".rstrip())
    if target is not None:
        content = {"title": title, "machine": machine(), "figures": [asdict(figure) for figure in figures]}
        target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def machine() -> str:
    """What the figures were measured on."""
    installed = {item.name.lower().replace("_", "-"): item.version for item in metadata.distributions()}
    versions = " ".join(f"{name} {installed[name]}" for name in ("face-emote", "numpy", "numba") if name in installed)
    threads = os.environ["OMP_NUM_THREADS"]
    return f"{_processor()}, {os.cpu_count()} cores, {threads} thread(s); Python {platform.python_version()} {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
