"""Filmed talkers as a camera sees them (`generation.seen`)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.generation.seen import seen_of


@dataclass(frozen=True, slots=True, eq=False)
class Filmed:
    """Clips of one talker."""

    name: str
    clips: tuple[str, ...]
    curves: tuple[Float[Array, "frames channel=9"], ...]
    """As `seen_of` has them."""
    sounds: tuple[Path, ...]


def tracked_talkers(data: Path, *, every: dict[str, int] | None = None) -> list[Filmed]:
    """The GRID talkers; of some, every so many-th clip."""
    found = []
    for file in (data / "grid_s1" / "motion_train.npz", *sorted((data / "grid_talkers").glob("*/motion.npz"))):
        with np.load(file) as track:
            name = file.parent.name.removeprefix("grid_")
            index, chosen = track["lm_index"].tolist(), slice(None, None, (every or {}).get(name, 1))
            points, head = track["lm"][chosen].astype(np.float64), np.degrees(track["head"][chosen, :, :3])
            clips = [str(clip) for clip in track["clips"][chosen]]
        sounds = {path.stem: path for path in (file.parent / "audio").iterdir()}
        rows = [
            (clip, seen_of(face, index, turn.astype(np.float64)), sounds[clip])
            for face, turn, clip in zip(points, head, clips, strict=True) if clip in sounds
        ]  # fmt: skip
        found.append(Filmed(name, *zip(*rows, strict=True)))
    return found
