"""Where the files lie that ship with face_emote: inside the package when it is installed, beside it in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_ROOT = _PACKAGE if (_PACKAGE / "assets").is_dir() else _PACKAGE.parent
ASSETS = _ROOT / "assets"
"""Heads, networks, maps, words: a folder each, with a README that names sources and licences."""
SHADERS = _ROOT / "shaders"
