"""Run the extension's tests in one or several Blenders, a process per file, and print a table.

    python -m tools.test_blender --python .venv-blender/bin/python
    python -m tools.test_blender --python VENV45/bin/python VENV50/bin/python VENV52/bin/python --markdown

Each Python has `bpy` and `pytest` installed; 5.1 and newer need Python 3.13.
"""

import argparse
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCENARIOS = sorted((ROOT / "tests" / "blender" / "scenarios").glob("test_*.py"))
OPTIONS = ("--noconftest", "-o", "addopts=", "-o", "filterwarnings=", "-p", "no:cacheprovider", "-q", "-s", "-rs")
"""The repository's own pytest options are for its own environment."""
RUN = "import os, sys, pytest; code = pytest.main(sys.argv[1:]); sys.stdout.flush(); os._exit(code)"
"""Blender as a module may wait at its exit for ever: a thread that closes library files late outlives its own lock."""
SECS = 900


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file in one Blender."""

    version: str
    scenario: str
    passed: int
    failed: int
    skipped: int
    secs: float
    text: str

    @property
    def is_bad(self) -> bool:
        """Whether something failed or nothing ran; what is left out for want of a program gives its reason itself."""
        return self.failed > 0 or not self.passed + self.skipped

    @property
    def line(self) -> str:
        """What is printed of it."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        counts = f"{self.passed} passed, {self.failed} failed{skipped}, {self.secs:.0f} s"
        return f"Blender {self.version} {self.scenario}: {counts}"


def main() -> int:
    """Run everything; exit code 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", required=True, help="Pythons that have bpy")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/blender.md")
    parser.add_argument("--only", default="", help="part of a scenario's file name")
    options = parser.parse_args()
    outcomes = []
    for python in options.python:
        version = version_of(python)
        for scenario in SCENARIOS:
            if options.only in scenario.name:
                outcomes.append(run(python, scenario, version=version))
                print(outcomes[-1].line, flush=True)
                if outcomes[-1].is_bad or outcomes[-1].skipped:
                    print(outcomes[-1].text, flush=True)
    if options.markdown:
        print(table(outcomes))
    return 1 if any(item.is_bad for item in outcomes) else 0


def version_of(python: str) -> str:
    """Blender's version in a Python."""
    code = "import bpy; print('BPY', bpy.app.version_string.split()[0])"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    found = re.search(r"BPY (\S+)", said.stdout)
    if found is None:
        raise SystemExit(f"There is no bpy in this Python; pip install bpy==4.5.15 pytest: {python}")
    return found[1]


def run(python: str, scenario: Path, *, version: str) -> Outcome:
    """One file in a process of its own."""
    start = time.monotonic()
    process = subprocess.Popen(
        [python, "-c", RUN, *OPTIONS, str(scenario)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        text, _nothing = process.communicate(timeout=SECS)
    except subprocess.TimeoutExpired:
        process.kill()
        text = f"{process.communicate()[0]}\n1 error: still running after {SECS} s\n"
    summary = text[text.rfind("\n=") :] if "\n=" in text else text
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", text[-4000:])}
    failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    secs = time.monotonic() - start
    name, passed, skipped = scenario.stem.removeprefix("test_bpy_"), counts.get("passed", 0), counts.get("skipped", 0)
    return Outcome(version, name, passed, failed, skipped, secs, summary[-6000:])


def table(outcomes: list[Outcome]) -> str:
    """Rows are files, columns versions."""
    versions = list(dict.fromkeys(item.version for item in outcomes))
    lines = [
        "| tests | " + " | ".join(f"Blender {version}" for version in versions) + " |",
        "|---" * (1 + len(versions)) + "|",
    ]
    for scenario in dict.fromkeys(item.scenario for item in outcomes):
        own = {item.version: item for item in outcomes if item.scenario == scenario}
        cells = [f"{own[v].passed} of {own[v].passed + own[v].failed} passed" if v in own else "" for v in versions]
        lines.append(f"| {scenario.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
