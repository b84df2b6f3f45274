"""Where the files lie that ship with face_emote: inside the package when it is installed, beside it in a checkout."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent.parent
_ROOT = _PACKAGE if (_PACKAGE / "assets").is_dir() else _PACKAGE.parent
ASSETS = _ROOT / "assets"  # Heads, networks, maps, words: a folder each, with a README that names sources and licences.
SHADERS = _ROOT / "shaders"


@cache
def asset_table(name: str) -> dict[str, Any]:
    """What a `.toml` among them says; read once."""
    return tomllib.loads((ASSETS / name).read_text("utf-8"))
