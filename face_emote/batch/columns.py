"""The columns of a manifest: the options of `face-emote render`, each with how its text is read.

A cell is text, whatever the manifest's format; an empty one means the default.
"""

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from face_emote.batch.rows import Performance, Picture
from face_emote.core.errors import BatchError, OptionError
from face_emote.core.names import DEFAULT_FPS
from face_emote.core.types import PerformanceStyle
from face_emote.emotion.grammar import describe
from face_emote.verbs.animate import ANIMATORS, DEFAULT_ANIMATOR, DEFAULT_MODEL, require_performance

TRANSCRIPT_SUFFIXES = (".txt", ".srt", ".vtt")
TRUE, FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
STYLE_NAMES = {"head": "head_motion"}
"""Sliders whose column is called otherwise than the field of PerformanceStyle."""
STYLE = {STYLE_NAMES.get(item.name, item.name): item.name for item in fields(PerformanceStyle)}
PERFORMANCE = ("emotion", "intensity", "transcript", "fps", "seed", "character", "head", "animator", "fast", "model")
PICTURE = ("size", "camera", "light", "skin", "hair", "dof", "codec", "engine", "samples", "label")
OTHERS = ("speech", "name", "outputs", "consent", "no_provenance")
COLUMNS = (*OTHERS, *PERFORMANCE, *STYLE, *PICTURE)


@dataclass(frozen=True, slots=True)
class Cells:
    """The texts of one row; paths in it are relative to `folder`."""

    texts: Mapping[str, str]
    folder: Path

    def text(self, name: str, default: str = "") -> str:
        """A cell, or the default when it is empty."""
        return self.texts.get(name, "").strip() or default

    def read(self, name: str, default: Any, reader: Callable[[str], Any]) -> Any:
        """A cell read as something else than text.

        Raises:
            OptionError: it is not of that kind; the message names the column.
        """
        text = self.text(name)
        try:
            return default if not text else reader(text)
        except ValueError:
            kind = {float: "a number", int: "a whole number", flag: "yes or no"}.get(reader, "readable")
            raise OptionError(f"{name} must be {kind}, got {text!r}") from None

    def path(self, name: str) -> Path | None:
        """A cell that names a file.

        Raises:
            OptionError: there is no such file.
        """
        text = self.text(name)
        if not text:
            return None
        path = self.folder / Path(text).expanduser()
        if not path.is_file():
            raise OptionError(f"{name}: there is no such file: {path}")
        return path.absolute()


def column_named(name: str) -> str:
    """The column that a heading means (`head-motion`, `Head motion` and `head_motion` are one).

    Raises:
        BatchError: there is none; the nearest is named.
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in COLUMNS:
        return plain
    near = difflib.get_close_matches(plain, COLUMNS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"columns are {', '.join(COLUMNS)}"
    raise BatchError(f"There is no column {name!r}; {hint}")


def performance_of(cells: Cells) -> Performance:
    """Read and check all that decides the motion.

    Raises:
        FaceEmoteError: a value that `animate` would not take.
    """
    fast, model = cells.read("fast", False, flag), cells.path("model")
    animator = cells.text("animator")
    if fast and model is not None:
        raise OptionError("fast and model name two networks; give one of them")
    if animator == "rules" and (fast or model is not None):
        raise OptionError("the rules need no network; leave out fast and model, or animator rules")
    named = "fast" if fast else model
    style: dict[str, Any] = {
        field: cells.text(column, "stage") if field == "blood"
        else cells.read(column, getattr(PerformanceStyle(), field), number)
        for column, field in STYLE.items()
    }  # fmt: skip
    asked = Performance(
        emotion=cells.text("emotion", "auto"),
        intensity=cells.read("intensity", 1.0, number),
        transcript=_transcript(cells),
        fps=cells.read("fps", DEFAULT_FPS, number),
        seed=cells.read("seed", 0, int),
        character=cells.text("character", "default"),
        head=cells.path("head"),
        style=PerformanceStyle(**style),
        animator=animator or (DEFAULT_ANIMATOR if named is None else "net"),
        model=named or DEFAULT_MODEL,
    )
    if asked.animator not in ANIMATORS:
        raise OptionError(f"animator must be one of {', '.join(ANIMATORS)}, got {asked.animator!r}")
    if not 0.0 <= asked.intensity <= 1.0:
        raise OptionError(f"intensity must lie between 0 and 1, got {asked.intensity:g}")
    plan = describe(asked.emotion)
    if asked.intensity != 1.0 and plan.auto > 0.0:
        raise OptionError("intensity needs an emotion by name; the strength of auto comes from the voice (use energy)")
    require_performance(
        fps=asked.fps, seed=asked.seed, character=asked.character, style=asked.style, animator=asked.animator,
        model=asked.model, head=asked.head,
    )  # fmt: skip
    return asked


def picture_of(cells: Cells) -> Picture:
    """Read how it is drawn; whether these go together is checked for each output."""
    return Picture(
        size=size_of(cells.text("size", "512")),
        camera=cells.text("camera", "portrait"),
        light=cells.text("light", "studio"),
        skin=cells.text("skin") or None,
        hair=cells.text("hair") or None,
        dof=number(cells.text("dof")) if cells.text("dof") else None,
        codec=cells.text("codec") or None,
        engine=cells.text("engine", "fast"),
        samples=int(cells.text("samples")) if cells.text("samples") else None,
        label=cells.text("label"),
    )


def _transcript(cells: Cells) -> str | Path | None:
    text = cells.text("transcript")
    if text.lower().endswith(TRANSCRIPT_SUFFIXES) and len(text.splitlines()) == 1:
        return cells.path("transcript")
    return text or None


def flag(text: str) -> bool:
    """Yes or no."""
    if text.lower() not in TRUE + FALSE:
        raise ValueError(text)
    return text.lower() in TRUE


def number(text: str) -> float:
    """A finite number."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def size_of(text: str) -> tuple[int, int]:
    """`512` or `1280x720` in pixels."""
    width, cross, height = text.lower().partition("x")
    if not width.isdecimal() or (cross and not height.isdecimal()) or len(width) > 5 or len(height) > 5:
        raise OptionError(f"size takes pixels such as 512 or 1280x720, got {text!r}")
    return int(width), int(height or width)
