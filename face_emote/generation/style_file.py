"""Styles: how somebody moves while they talk, as `.style` files; of how they look only what they asked for is in them.

Arrays of `core.signed_arrays`. Files of version 1, JSON of eighteen numbers that nobody signed, are read too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import CONTROLS, NUM_SHAPE
from face_emote.core.signed_arrays import read_signed, require_arrays, with_header
from face_emote.core.version import VERSION
from face_emote.face.person_file import MOST_CONSENT, require_consent
from face_emote.generation.layout import STYLE
from face_emote.network.low_rank import RANK, LowRank

SUFFIX = ".style"
FORMAT, UNSIGNED_FORMAT = "face_emote.style/2", "face_emote.style/1"
_MOST_BYTES = 300_000
_MOST = 1000.0  # Nothing in a style is as large.
_WIDEST = 4096
HABITS_BEFORE = (0.0, 0.12, 0.25, 0.4, 0.6, 0.9)
HABITS_AFTER = (0.0, 0.12, 0.25, 0.45, 0.8, 1.3)
"""Knots of what lips do before and after speech, seconds; at the last ones the habit is over."""
NUM_HABITS = len(HABITS_BEFORE) + len(HABITS_AFTER) - 2
_SHAPES = {"habits": (NUM_HABITS, 3), "betas": (NUM_SHAPE,)}
_PARTS = ("down", "up", "bias")


@dataclass(frozen=True, slots=True, eq=False)
class MotionStyle:
    """What a seed's own way to move gives way to."""

    moves: tuple[float, ...]
    """In the order of `layout.STYLE`."""
    secs: float
    """Of the clips that it was learnt from."""
    consent: str
    """Who agreed to what."""
    habits: Float[Array, f"knot={NUM_HABITS} aim=3"] | None = None
    """Of the lips beside speech: `motion.mouth.lip_habits`."""
    rest: Mapping[str, float] = field(default_factory=dict)
    """What the face does while it does nothing, by the names of controls."""
    betas: Float[Array, f" shape={NUM_SHAPE}"] | None = None
    """Whose face it is; only where that was asked for."""
    lips: LowRank | None = None
    """A change of the layer with which the network of lips answers."""

    @property
    def lips_of(self) -> str:
        """sha256 of the network whose lips it changes; empty when it changes none."""
        return "" if self.lips is None else self.lips.of


def require_style_place(path: Path, consent: str) -> None:
    """Raise OptionError unless a style can be kept there, with this consent."""
    if path.suffix != SUFFIX:
        raise OptionError(f"A style is kept in a file that ends in {SUFFIX}: {path}")
    require_consent(consent, path, whose="How somebody moves is theirs", example="Jane Doe, own style, 2026-03-01")


def style_arrays(style: MotionStyle) -> dict[str, Array]:
    """All that is signed and kept: `core.signed_arrays`."""
    header = {
        "format": FORMAT, "version": VERSION, "moves": dict(zip(STYLE, style.moves, strict=True)), "secs": style.secs,
        "consent": style.consent, "rest": dict(style.rest),
        "of": {} if style.lips is None else {"lips": style.lips.of},
    }  # fmt: skip
    arrays = {name: getattr(style, name) for name in _SHAPES}
    if style.lips is not None:
        arrays |= {f"lips_{part}": getattr(style.lips, part) for part in _PARTS}
    return with_header(header, {name: array.astype(np.float32) for name, array in arrays.items() if array is not None})


def is_unsigned(path: Path) -> bool:
    """Whether it is a file of version 1."""
    with path.open("rb") as file:
        return file.read(1) == b"{"


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
        if is_unsigned(path):
            style = _style(json.loads(path.read_text("utf-8")), {}, expected=UNSIGNED_FORMAT)
        else:
            signed = read_signed(path)
            style = _style(signed.header, signed.arrays, expected=FORMAT)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OptionError(f"This is no style file, or a damaged one ({error}); clone it again: {path}") from None
    if not 0 < len(style.consent) <= MOST_CONSENT:
        raise OptionError(f"The style file says nothing of consent; clone it again, with it: {path}")
    return style


def _style(header: Mapping[str, Any], arrays: Mapping[str, Array], *, expected: str) -> MotionStyle:
    if header["format"] != expected:
        raise ValueError(f"its format is {str(header['format'])[:40]!r}")
    moves = tuple(float(header["moves"][name]) for name in STYLE)
    secs = float(header["secs"])
    rest = {str(name): float(value) for name, value in header.get("rest", {}).items() if name in CONTROLS}
    for values in (np.array([*moves, secs, *rest.values()]), *arrays.values()):
        if not (np.abs(values) < _MOST).all():
            raise ValueError("it holds numbers that nobody has")
    of = header.get("of", {})
    lips = _lips(arrays, of=str(of["lips"])) if "lips" in of else None
    require_arrays(arrays, {name: ("<f4", shape) for name, shape in _SHAPES.items() if name in arrays})
    held = {name: arrays[name] for name in _SHAPES if name in arrays}
    return MotionStyle(moves, secs=secs, consent=str(header["consent"]).strip(), rest=rest, lips=lips, **held)


def _lips(arrays: Mapping[str, Array], *, of: str) -> LowRank:
    down, up, bias = (arrays[f"lips_{part}"].astype(np.float32) for part in _PARTS)
    sizes = (*down.shape, *up.shape)
    if len(sizes) != 4 or sizes[1] != sizes[2] or sizes[1] > RANK or bias.shape != sizes[3:] or max(sizes) > _WIDEST:
        raise ValueError("its lips do not fit together")
    return LowRank(down, up, bias, of)
