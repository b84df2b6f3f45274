# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this extension keeps its own files: presets and reports, and a cache of heads and takes that can be cleared."""

import functools
import shutil
import tempfile
from pathlib import Path

import bpy

from .messages import tr

ROOT = __package__
CACHES = ("takes", "heads")


def user_folder(name: str = "") -> Path:
    """A folder for this extension's own files."""
    folder = _root()[0] / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def problem() -> str:
    """What people should know of the place of these files; empty when all is well."""
    return _root()[1]


@functools.cache
def _root() -> tuple[Path, str]:
    """The folder that Blender grants; a temporary one when it cannot be written, and the sentence that says so."""
    try:
        granted = bpy.utils.extension_path_user(ROOT, create=True)  # Empty when it cannot be made.
    except ValueError:  # Not installed as an extension (a source checkout, a test).
        return Path(bpy.app.tempdir or tempfile.mkdtemp()) / "face_emote", ""
    except OSError:
        granted = ""
    if granted and _can_be_written(Path(granted)):
        return Path(granted), ""
    beside = Path(tempfile.mkdtemp(prefix="face_emote_"))
    return beside, tr(
        "Blender's folder for extensions cannot be written; presets and takes' files go to {beside}", beside=beside
    )


def _can_be_written(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def cache_bytes() -> int:
    """Size of everything that can be cleared."""
    return sum(path.stat().st_size for path in _cached())


def clear_cache(*, used: set[str]) -> tuple[int, int]:
    """Delete cached files; those whose name starts with one of `used` stay. Returns bytes freed, and files kept."""
    freed = kept = 0
    for path in _cached():
        if path.name.partition(".")[0] in used:
            kept += 1
            continue
        size = path.stat().st_size
        path.unlink()
        freed += size
    for folder in [item for name in CACHES for item in user_folder(name).iterdir() if item.is_dir()]:
        if not any(item.is_file() for item in folder.rglob("*")):
            shutil.rmtree(folder)
    return freed, kept


def _cached() -> list[Path]:
    return [path for name in CACHES for path in sorted(user_folder(name).rglob("*")) if path.is_file()]
