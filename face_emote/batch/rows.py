"""What a row of a batch asks for, checked and complete."""

from dataclasses import dataclass
from pathlib import Path

from face_emote.core.types import PerformanceStyle

SHEET_SUFFIX = ".png"


@dataclass(frozen=True, slots=True)
class Performance:
    """How a speech is to be performed: all that decides the motion."""

    emotion: str
    intensity: float
    """Factor on the strength of the emotion; 1 leaves it as described."""
    transcript: str | Path | None
    fps: float
    seed: int
    character: str
    head: Path | None
    style: PerformanceStyle
    animator: str
    model: str | Path


@dataclass(frozen=True, slots=True)
class Picture:
    """How it is to be drawn."""

    size: tuple[int, int]
    """Width and height in pixels."""
    camera: str
    light: str
    skin: str | None
    hair: str | None
    dof: float | None
    codec: str | None
    engine: str
    samples: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a speech, performed once, written as one or several files."""

    number: int
    """Row of the manifest, from 1 (without the heading); several share it when a sweep or a pattern made them."""
    name: str
    """What its files are called, without ending; unique in a batch."""
    speech: Path
    performance: Performance
    picture: Picture
    outputs: tuple[str, ...]
    """Paths inside the batch's folder."""
    consent: str = ""
    marked: bool = True
    """Whether the files carry the signed mark."""

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"row {self.number} ({self.name})"


def is_sheet(output: str) -> bool:
    """Whether an output is a contact sheet."""
    return Path(output).suffix.lower() == SHEET_SUFFIX
