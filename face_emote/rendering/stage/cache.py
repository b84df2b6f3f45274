"""Where compiled kernels are kept: one folder per state of this folder's sources.

numba notices a change in a kernel's own file only, not in the files of the functions it calls; after an update it would
go on drawing with the old ones. So the folder's name holds a hash of all the sources.
"""

import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from face_emote.core.assets import SHADERS

KERNELS = SHADERS / "kernels"  # What `tools.write_shaders` prints for numba.

HERE = Path(__file__).parent
OTHERS = (
    *sorted((HERE.parent / "fast").glob("*.py")),
    *sorted(KERNELS.glob("*.py")),
    *(HERE.parent.parent / "look" / f"{name}.py" for name in ("reflection", "hair_follow")),
)


def source_hash(folder: Path, *more: Path) -> str:
    """Eight hex digits over every source file in a folder, and some more files."""
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("*.py")), *more]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


_hash_here = lru_cache(maxsize=1)(lambda: source_hash(HERE, *OTHERS))


def cache_folder() -> Path:
    """NUMBA_CACHE_DIR if that is set, else beside the sources if that can be written, else the user's cache."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    beside = HERE / "__pycache__"
    if chosen:
        base = Path(chosen)
    elif os.access(beside if beside.exists() else HERE, os.W_OK):
        base = beside
    else:
        base = Path.home() / ".cache" / "face_emote"
    return base / f"kernels-{_hash_here()}"


@contextmanager
def kept_here() -> Iterator[None]:
    """Let numba cache what is declared inside the block in `cache_folder`, or for the time being in a temporary one."""
    from numba.core import config

    settings: Any = config  # its names are made at run time
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(usable_folder())
    try:
        yield
    finally:
        settings.CACHE_DIR = before


def usable_folder() -> Path:
    """`cache_folder`, or if it cannot be made one among the temporary files: numba refuses to compile without any."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    spare = Path(tempfile.gettempdir()) / f"face_emote-{getpass.getuser()}" / folder.name
    spare.mkdir(parents=True, exist_ok=True, mode=0o700)
    return spare
