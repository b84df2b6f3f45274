"""The recordings that come with the package."""

from dataclasses import dataclass
from pathlib import Path

from face_emote.core.assets import ASSETS

FOLDER = ASSETS / "speech"


@dataclass(frozen=True, slots=True)
class ExampleSpeech:
    """A short recording in the public domain, with its words."""

    name: str
    path: Path
    transcript: str


def example_speech() -> tuple[ExampleSpeech, ...]:
    """Five English sentences of one reader (LibriVox), 3 to 7 seconds each; origin: `assets/speech/README.md`."""
    return tuple(
        ExampleSpeech(path.stem, path, path.with_suffix(".txt").read_text("utf-8").strip())
        for path in sorted(FOLDER.glob("*.wav"))
    )
