"""Names of outputs: templates such as `{speech}_{emotion}` filled with the cells of a row."""

import re
import string
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath

from face_emote.core.errors import BatchError

DEFAULT_TEMPLATE = "{speech}"
RESERVED = frozenset({"batch.sqlite", "batch.sqlite-wal", "batch.sqlite-shm", "log.jsonl", "report.html", ".work"})
"""What the batch itself keeps in its folder."""
MAX_PART, MAX_NAME = 100, 200
_UNFIT = re.compile(r"(-|[^\w.+])+")
_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def slug(text: str) -> str:
    """A text as part of a file name: `joy tinged with guilt` -> `joy-tinged-with-guilt`."""
    return _UNFIT.sub("-", text.strip()).strip("-.")[:60] or "none"


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with every field in it replaced; `{name}` may hold folders, other values become slugs.

    Raises:
        BatchError: a field that does not exist, or a template that cannot be read.
    """
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise BatchError(f"The name template cannot be read ({error}): {template}") from None
    for field in fields:
        if field not in values:
            raise BatchError(
                f"The name template has a field {{{field}}}; known are {', '.join(sorted(values))}: {template}"
            )
    return template.format_map({key: value if key == "name" else slug(value) for key, value in values.items()})


def require_safe(name: str) -> str:
    """The name, a relative path with `/`, if it stays inside the folder and can be a file's on every system.

    Raises:
        BatchError: it cannot.
    """
    path = PurePosixPath(name)
    fits = (
        path.parts
        and not path.is_absolute()
        and not PureWindowsPath(name).drive
        and "\\" not in name
        and len(name) <= MAX_NAME
        and all(_fits(part) for part in path.parts)
        and path.parts[0].lower() not in RESERVED
    )
    if not fits:
        raise BatchError(f"Files cannot be called like this; choose another name: {name!r}")
    return str(path)


def _fits(part: str) -> bool:
    plain = part not in ("", ".", "..") and len(part.encode()) <= MAX_PART and not part.endswith((" ", "."))
    return plain and part.isprintable() and not set(part) & set('<>:"|?*') and not _WINDOWS.fullmatch(part)
