# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the engine is: a place from the preferences, or the bundled wheel; nothing else is started. No bpy here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PYTHONS = ("bin/python3", "bin/python", "Scripts/python.exe", "python.exe")
"""Where a virtual environment keeps its Python."""


@dataclass(frozen=True, slots=True)
class EngineCommand:
    """How to start a worker."""

    origin: str
    """Where it was found, for people."""
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


class EngineMissingError(Exception):
    """No engine can be started; the message says what to do."""


def find_engine(preference: str, *, package_folders: list[str], python: str) -> EngineCommand:
    """The engine of the preference, or else the bundled wheel.

    Args:
        preference: A Python executable, a virtual environment or a folder that holds `face_emote`; empty for none.
        package_folders: Folders in which bundled wheels are unpacked, and that of numpy.
        python: Blender's Python.

    Raises:
        EngineMissingError: the preference names nothing usable, or there is no engine at all.
    """
    if preference:
        return _preferred(Path(preference), python=python, package_folders=package_folders)
    for folder in package_folders:
        if (Path(folder) / "face_emote" / "worker").is_dir():
            return EngineCommand("bundled engine", _worker(python), clean_environment(package_folders))
    raise EngineMissingError(
        "The engine is missing; install the extension's zip again, or name an engine in its preferences"
    )


def _preferred(path: Path, *, python: str, package_folders: list[str]) -> EngineCommand:
    if path.is_file():
        return EngineCommand(str(path), _worker(str(path)), clean_environment([]))
    for name in PYTHONS:
        if (path / name).exists():
            return EngineCommand(str(path), _worker(str(path / name)), clean_environment([]))
    if (path / "face_emote" / "worker").is_dir():
        return EngineCommand(str(path), _worker(python), clean_environment([str(path), *package_folders]))
    raise EngineMissingError(
        f"No engine is there; choose a Python, a virtual environment or a checkout of face_emote: {path}"
    )


def _worker(python: str) -> tuple[str, ...]:
    return (python, "-u", "-m", "face_emote.worker")


def clean_environment(package_folders: list[str]) -> dict[str, str]:
    """This process's environment without what would make another Python find Blender's modules."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON") and name != "LD_LIBRARY_PATH"
    }
    if package_folders:
        kept["PYTHONPATH"] = os.pathsep.join(package_folders)
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    return kept
