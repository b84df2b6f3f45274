# SPDX-License-Identifier: GPL-3.0-or-later
"""The one session of this Blender, and where its engine is found."""

import sys
from pathlib import Path

import bpy

from .locate import EngineCommand, find_engine
from .session import Session

ROOT = __package__.rpartition(".")[0]


def _locate() -> EngineCommand:
    entry = bpy.context.preferences.addons.get(ROOT)
    preference = bpy.path.abspath(entry.preferences.engine_path) if entry else ""
    return find_engine(preference, package_folders=_package_folders(), python=sys.executable)


def _package_folders() -> list[str]:
    """Where the bundled wheel lies (if it is installed), and the numpy that belongs to this Python."""
    from importlib.util import find_spec

    import numpy as np

    spec = find_spec("face_emote")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return [*(str(Path(place).parent) for place in places[:1]), str(Path(np.__file__).parent.parent)]


SESSION = Session(_locate)
