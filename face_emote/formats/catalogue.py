"""What can be written and read, by suffix: what each format keeps of a performance, what it loses, and by whom."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from face_emote.core.assets import asset_table
from face_emote.core.errors import OptionError

SPACE = frozenset({"up", "unit"})
MATERIAL_FILE = "head.mtl"
_OPTION_WORDS = {
    "up": "an up-axis", "unit": "a unit", "lod": "a level of detail", "parts": "parts", "blush": "vertex colours",
    "hair": "hair",
    "frame": "one instant", "skin_curves": "curves of the skin as shapes", "compress": "compression",
    "dense": "shapes in full",
    "avatar": "an avatar's names",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One format."""

    title: str
    keeps: str
    loses: str
    takes: frozenset[str] = frozenset()
    """Of `MeshOptions.changed`: what can be chosen. Formats without `up` and `unit` fix them or hold no positions."""
    folder_names: str = ""
    """Of formats that are a folder of files: which names these have; one that holds no others may be replaced."""
    writes: str = ""
    """`room:function` that writes it: (motion, path, person=, progress=); looked up when it is first needed."""
    needs: str = ""  # `room:function` that raises DependencyError unless what it is written with is installed.
    pictured: bool = False  # Whether it holds pictures of the skin.
    expressive: bool = False  # Whether it shows wrinkles and blood by shapes.
    readable: bool = False  # Whether a motion can be read from it.

    @property
    def own_names(self) -> re.Pattern[str]:
        """`folder_names` to compare with."""
        return re.compile(self.folder_names)

    def writer(self, avatar: str = "") -> Callable[..., None]:
        """The function that writes it, or the avatar of that kind."""
        return function_named(f"avatar.{avatar}:write_{avatar}" if avatar else self.writes)

    def require_installed(self) -> None:
        """Raise DependencyError unless what it is written with is installed."""
        if self.needs:
            function_named(self.needs)()


FORMATS = {
    suffix: FileFormat(**table | {"takes": frozenset(table.get("takes", ()))})
    for suffix, table in asset_table("formats.toml").items()
}
"""By suffix; no suffix means a folder of `.obj`."""


def suffix_of(path: Path) -> str:
    """The ending of a path that says its format: `.a2f.json` of `line.a2f.json`, and of a file of just that name."""
    name = f".{path.name.lower()}"
    return next((suffix for suffix in FORMATS if suffix.count(".") > 1 and name.endswith(suffix)), path.suffix.lower())


def format_of(path: Path) -> FileFormat:
    """The format that a path's suffix means. Raises OptionError when there is none."""
    suffix = suffix_of(path)
    if suffix not in FORMATS:
        known = ", ".join(f"{suffix or 'no suffix'} ({item.title})" for suffix, item in FORMATS.items())
        raise OptionError(f"Cannot write '{path.suffix}' files; give the output one of {known}: {path}")
    return FORMATS[suffix]


def require_options(path: Path, changed: tuple[str, ...]) -> None:
    """Raise OptionError unless the format of a path is known and has a place for every option that is given."""
    takes = format_of(path).takes
    for name in changed:
        if name in takes:
            continue
        able = ", ".join(suffix or "no suffix" for suffix, item in FORMATS.items() if name in item.takes)
        if name in SPACE:
            fault, remedy = f"Up-axis and unit of {path.suffix} files are fixed", "leave them out"
        else:
            fault = f"A {path.suffix or 'folder of .obj'} file has no place for {_OPTION_WORDS[name]}"
            remedy = "leave it out"
        raise OptionError(f"{fault}; {remedy}, or write one of {able}: {path}")


def require_no_options(changed: tuple[str, ...]) -> None:
    """Raise OptionError when any option of the mesh is given."""
    if changed:
        word = _OPTION_WORDS[changed[0]]
        raise OptionError(f"A rig is written as curves, which have no place for {word}; leave it out")


def function_named(name: str) -> Callable[..., Any]:
    """`room:function` of the formats."""
    room, function = name.split(":")
    found: Callable[..., Any] = getattr(import_module(f"face_emote.formats.{room}"), function)
    return found
