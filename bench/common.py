"""What every benchmark shares: repeat, take the median, say on what; a table for people and JSON for the record."""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

SPEECH = Path(__file__).parent.parent / "assets" / "speech"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    note: str = ""


def median_secs(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Median wall-clock seconds of `work`, after one run that warms caches up."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def report(title: str, figures: Sequence[Figure]) -> None:
    """Print a table; with `--json FILE` on the command line write the figures there too."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--json", type=Path, metavar="FILE")
    target: Path | None = parser.parse_args().json
    width = max(len(figure.name) for figure in figures)
    print(f"\n{title}   [{machine()}]")
    for figure in figures:
        print(f"  {figure.name:<{width}}  {figure.value:>10.3f} {figure.unit:<8} {figure.note}".rstrip())
    if target is not None:
        content = {"title": title, "machine": machine(), "figures": [asdict(figure) for figure in figures]}
        target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def machine() -> str:
    """What the figures were measured on."""
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("face-emote", "numpy", "numba"))
    threads = os.environ["OMP_NUM_THREADS"]
    return f"{_processor()}, {os.cpu_count()} cores, {threads} thread(s); Python {platform.python_version()} {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
