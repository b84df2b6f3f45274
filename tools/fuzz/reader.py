"""What is known of a reader of the product: how a valid input is made for it, and how it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from face_emote.core.errors import FaceEmoteError
from tools.fuzz.damage import Edit


@dataclass(frozen=True, slots=True)
class Seed:
    """A valid input."""

    content: bytes
    suffix: str
    """Ending of the file that it lies in."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A way into the product."""

    name: str
    kind: str
    """What it reads, for people: readers of a kind are counted together."""
    seeds: Callable[[Path], list[Seed]]
    """seeds(folder): valid inputs; the folder is there to make them in, and is kept for other readers."""
    read: Callable[[Path], object]
    """read(path): read the file and use what comes out of it, as the product would."""
    edits: tuple[Edit, ...] = ()
    """Damage that knows the format."""
    mistakes: tuple[type[Exception], ...] = (FaceEmoteError,)
    """What is raised for a person's mistake."""
    beside: tuple[str, ...] = ()
    """Files of the seeds' folder that lie beside the damaged one."""
    name_there: str = "input"
    """Name of the damaged file; the seed's ending is put on it where it has none."""
    is_file: bool = True
    """False: the bytes stand for words, a line or a stream; nothing else may lie in the file's place."""
    any_byte: bool = True
    """False: only `edits` damage it."""
    quick: bool = False
    """Whether it takes part in the run of the default tests."""


class WronglyAcceptedError(Exception):
    """A reader let something pass that nobody can use."""
