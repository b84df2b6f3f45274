"""Styles: how somebody moves while they talk, as `.style` files of JSON. Nothing of how they look is in them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from face_emote.core.errors import OptionError
from face_emote.core.output import written_beside
from face_emote.core.version import VERSION
from face_emote.face.person_file import MOST_CONSENT, require_consent
from face_emote.generation.layout import STYLE

SUFFIX = ".style"
FORMAT = "face_emote.style/1"
_MOST_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class MotionStyle:
    """What a seed's own way to move gives way to."""

    moves: tuple[float, ...]
    """In the order of `layout.STYLE`."""
    secs: float
    """Of the clips that it was learnt from."""
    consent: str
    """Who agreed to what."""


def require_style_place(path: Path, consent: str) -> None:
    """Raise OptionError unless a style can be kept there, with this consent."""
    if path.suffix != SUFFIX:
        raise OptionError(f"A style is kept in a file that ends in {SUFFIX}: {path}")
    require_consent(consent, path, whose="How somebody moves is theirs", example="Jane Doe, own style, 2026-03-01")


def write_style(style: MotionStyle, path: Path) -> Path:
    """Write the file; the same style gives the same bytes. Raises OptionError as `require_style_place`."""
    require_style_place(path, style.consent)
    values = asdict(style) | {"moves": dict(zip(STYLE, style.moves, strict=True))}
    with written_beside(path) as beside:
        beside.write_text(json.dumps({"format": FORMAT, "version": VERSION, **values}, indent=1) + "\n", "utf-8")
    return path


def read_style(path: Path) -> MotionStyle:
    """The style in a file.

    Raises:
        OptionError: there is none, it is no such file, damaged, or says nothing of consent.
    """
    if not path.is_file():
        raise OptionError(f"There is no such style file; check its name: {path}")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        found = json.loads(path.read_text("utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {str(found['format'])[:40]!r}")
        moves = tuple(float(found["moves"][name]) for name in STYLE)
        style = MotionStyle(moves, secs=float(found["secs"]), consent=str(found["consent"]).strip())
        if not np.isfinite([*moves, style.secs]).all():
            raise ValueError("it holds numbers that are not finite")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OptionError(f"This is no style file, or a damaged one ({error}); clone it again: {path}") from None
    if not 0 < len(style.consent) <= MOST_CONSENT:
        raise OptionError(f"The style file says nothing of consent; clone it again, with it: {path}")
    return style
