"""Results appear whole or not at all: they are written beside their place and moved there at the end."""

import errno
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from face_emote.core.errors import OutputError

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
"""What a disk says when it cannot take more; other OSErrors inside a write are bugs or the input's fault."""
COMPANIONS = "beside"  # Folder for what belongs to a file and lies beside it.


def require_writable(path: Path, *, folder: bool = False) -> None:
    """Raise OutputError unless a file (or, with `folder`, a folder) could be written there; leaves no trace.

    Long work calls this first, so that an hour is not spent on a result that has no place.
    """
    parent = path.absolute().parent
    if not path.name:
        raise OutputError(f"The output needs a {'folder' if folder else 'file'} name, not only a place: {path}")
    try:
        taken = path.exists()
        if not parent.is_dir():
            raise OutputError(f"The output's folder does not exist; create it or choose another: {parent}")
        if folder and taken and not path.is_dir():
            raise OutputError(f"The output must be a folder, but a file has that name; choose another: {path}")
        if not folder and taken and not path.is_file():
            kind = "a folder" if path.is_dir() else "a device"
            raise OutputError(f"The output must be a file, but {kind} has that name; choose another: {path}")
        with tempfile.TemporaryFile(dir=parent):
            pass
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "no file can have this name"
        raise OutputError(f"Nothing can be written there ({why}); choose another place: {shown_path(path)}") from None


def shown_path(path: Path) -> str:
    """A path in a message; of a very long one, both ends."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:140]}..{text[-140:]}"


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a file path to write to; when the block ends well, that file takes the place of `path`, in one step.

    The path lies in a temporary folder on the same disk, which is removed in any case (also on Ctrl-C). A name ends
    as that of `path` does. Files of a folder COMPANIONS in it go beside `path`, before it. Raises OutputError when the
    place is not writable or the disk is full.
    """
    require_writable(path)
    with _temporary_folder(path) as folder:
        yield folder / path.name
        for companion in sorted((folder / COMPANIONS).glob("*")):
            companion.replace(path.with_name(companion.name))
        (folder / path.name).replace(path)


@contextmanager
def folder_written_beside(path: Path, *, own_names: re.Pattern[str]) -> Iterator[Path]:
    """Like `written_beside` for a folder; an existing one is replaced only if all its files match `own_names`.

    So a second export takes the place of the first, but nobody's other files are ever lost (OutputError instead).
    """
    require_replaceable(path, own_names=own_names)
    with _temporary_folder(path) as folder:
        (folder / "new").mkdir()
        yield folder / "new"
        if path.exists():
            path.rename(folder / "old")
        (folder / "new").rename(path)


def require_replaceable(path: Path, *, own_names: re.Pattern[str]) -> None:
    """Raise OutputError unless a folder can be made at `path`, or the one there holds nothing but `own_names`."""
    require_writable(path, folder=True)
    strangers = [entry.name for entry in path.iterdir() if not own_names.fullmatch(entry.name)] if path.exists() else []
    if strangers:
        raise OutputError(f"The folder holds other files ({min(strangers)}); choose a new or empty one: {path}")


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    try:
        with tempfile.TemporaryDirectory(prefix=".face_emote_", dir=path.absolute().parent) as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise OutputError(f"The result could not be written ({error.strerror}); free some space: {path}") from error
