"""Names of outputs: templates such as `{speech}_{emotion}` filled with the cells of a row, and names made by us.

A name that somebody wrote is refused when it cannot be a file's everywhere; one that we make is made so that it can.
"""

import hashlib
import re
import string
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath

from face_emote.core.errors import BatchError
from face_emote.core.fields import nearest, shown

DEFAULT_TEMPLATE = "{speech}"
RESERVED = frozenset({"batch.sqlite", "batch.sqlite-wal", "batch.sqlite-shm", "log.jsonl", "report.html", ".work"})
"""What the batch itself keeps in its folder."""
MAX_PART_BYTES, MAX_BYTES = 200, 800
"""Of a file or folder, and of a path: systems take 255 bytes and 4096, and temporary names are longer by some."""
_MADE_BYTES = 100  # Names that are made by us are at most so long, so that there is room for `_sheet.png` and the like.
_UNFIT = re.compile(r"(-|[^\w.+])+")
_FORBIDDEN = re.compile(r'[<>:"|?*\\/\x00-\x1f]+')
_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def slug(text: str) -> str:
    """A text as part of a file name: `joy tinged with guilt` -> `joy-tinged-with-guilt`."""
    plain = _UNFIT.sub("-", unicodedata.normalize("NFC", text).strip()).strip("-.")
    return _cut(plain[:60], 60).strip("-.") or "none"


def made_valid(name: str) -> str:
    """A relative path with `/` whose every part can be a file's on every system; as like the given one as may be."""
    parts = (_made_valid_part(part) for part in name.split("/") if part not in ("", ".", ".."))
    return "/".join(parts) or "recording"


def key_of(name: str) -> str:
    """Equal for names that are one file on some system: big and small letters, composed accents or not."""
    return unicodedata.normalize("NFC", name).casefold()


def unique(name: str, *, like: str, taken: set[str]) -> str:
    """The name, or if it is taken, one that depends on nothing but `like`; it is taken from then on."""
    if key_of(name) in taken:
        name = f"{name}-{hashlib.sha256(like.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
    taken.add(key_of(name))
    return name


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with every field in it replaced; `{name}` may hold folders, other values become slugs.

    BatchError: a field that does not exist or has a format, or a template that cannot be read.
    """
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise BatchError(f"The name template cannot be read ({error}): {shown(template)}") from None
    text = ""
    for words, field, form, conversion in pieces:
        text += words
        if field is None:
            continue
        if form or conversion:
            raise BatchError(f"Fields of a name template have no format; write {{{field}}} alone: {shown(template)}")
        if field not in values:
            raise BatchError(f"The name template has a field {{{field}}}; {nearest(field, values)}: {shown(template)}")
        text += values[field] if field == "name" else slug(values[field])
    return text


def shortened(name: str) -> str:
    """A relative path whose parts are short enough to have endings put on them."""
    return "/".join(_shortened(part) for part in name.split("/"))


def require_safe(name: str) -> str:
    """The name, a relative path with `/`, if it stays inside the folder and can be a file's on every system.

    BatchError: it cannot.
    """
    path = PurePosixPath(name)
    fits = (
        path.parts
        and not path.is_absolute()
        and not PureWindowsPath(name).drive
        and all(_fits(part) for part in path.parts)
        and len(name.encode()) <= MAX_BYTES
        and key_of(path.parts[0]) not in RESERVED
    )
    if not fits:
        raise BatchError(f"Files cannot be called like this; choose another name: {shown(name)}")
    return str(path)


def _fits(part: str) -> bool:
    if part in ("", ".", "..") or part.endswith((" ", ".")) or not part.isprintable():
        return False
    return len(part.encode()) <= MAX_PART_BYTES and not _FORBIDDEN.search(part) and not _WINDOWS.fullmatch(part)


def _made_valid_part(part: str) -> str:
    plain = "".join(letter if letter.isprintable() else "-" for letter in unicodedata.normalize("NFC", part))
    plain = _FORBIDDEN.sub("-", plain).strip(" .-") or "recording"
    return _shortened(f"_{plain}" if _WINDOWS.fullmatch(plain) else plain)


def _shortened(part: str) -> str:
    """At most _MADE_BYTES; what is cut off leaves its hash."""
    if len(part.encode("utf-8", "surrogatepass")) <= _MADE_BYTES:
        return part
    code = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{_cut(part, _MADE_BYTES - 7).rstrip(' .-')}-{code}"


def _cut(text: str, num_bytes: int) -> str:
    """As many whole letters as fit."""
    return text.encode("utf-8", "replace")[:num_bytes].decode("utf-8", "ignore")
