"""Getting a head: the one in the package, or a file."""

from functools import lru_cache
from pathlib import Path

from face_emote.core.assets import ASSETS
from face_emote.face.eyeball import with_pupils
from face_emote.face.flame_file import read_flame
from face_emote.face.head import Head

BUNDLED_HEAD = ASSETS / "flame" / "head.npz"


def load_head(path: Path | str | None = None) -> Head:
    """The bundled head, or the head in a file (this package's .npz, or an official FLAME .pkl/.npz). Cached.

    HeadError: the file cannot be used.
    """
    if path is None:
        return _cached(BUNDLED_HEAD, 0)
    known = Path(path)
    changed = known.stat().st_mtime_ns if known.exists() else 0
    return _cached(known, changed)


@lru_cache(maxsize=3)
def _cached(path: Path, _changed_ns: int) -> Head:
    head = read_flame(path)
    return with_pupils(head) if head.is_semantic and head.layout is not None else head
