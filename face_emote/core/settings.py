"""Where a user's own settings lie."""

import os
import sys
from pathlib import Path

SETTINGS = "FACE_EMOTE_SETTINGS"  # Environment variable: a folder instead of the user's own for settings.


def user_folder() -> Path:
    """The folder, which need not be there."""
    chosen = os.environ.get(SETTINGS)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "face_emote"
