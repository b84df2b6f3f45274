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
OPTIONS = ("--noconftest", "-o", "addopts=", "-o", "filterwarnings=", "-p", "no:cacheprovider", "-q", "-s")
"""The repository's own pytest options are for its own environment."""
SECS = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file in one Blender."""

    version: str
    scenario: str
    passed: int
    failed: int
    secs: float
    text: str


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
                told = outcomes[-1]
                counts = f"{told.passed} passed, {told.failed} failed, {told.secs:.0f} s"
                print(f"Blender {told.version} {told.scenario}: {counts}")
                if told.failed or not told.passed:
                    print(told.text)
    if options.markdown:
        print(table(outcomes))
    return 1 if any(item.failed or not item.passed for item in outcomes) else 0


def version_of(python: str) -> str:
    """Blender's version in a Python."""
    code = "import bpy; print('BPY', bpy.app.version_string.split()[0])"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    found = re.search(r"BPY (\S+)", said.stdout)
    if found is None:
        raise SystemExit(f"There is no bpy in this Python; pip install bpy==4.5.15 pytest: {python}")
    return found[1]


def run(python: str, scenario: Path, *, version: str) -> Outcome:
    """One file in a process of its own; Blender 4.5 may hang at exit after a failure, hence the limit."""
    start = time.monotonic()
    process = subprocess.Popen(
        [python, "-m", "pytest", *OPTIONS, str(scenario)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        text, _nothing = process.communicate(timeout=SECS)
    except subprocess.TimeoutExpired:
        process.kill()
        text, _nothing = process.communicate()
    summary = text[text.rfind("\n=") :] if "\n=" in text else text
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)", text[-4000:])}
    failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    secs = time.monotonic() - start
    return Outcome(
        version, scenario.stem.removeprefix("test_bpy_"), counts.get("passed", 0), failed, secs, summary[-6000:]
    )


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
