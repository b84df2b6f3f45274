"""Moments for the encoder: stretches of voice, words and face with what is known of them, kept as tokens."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CorpusError
from face_emote.core.names import EMOTIONS
from face_emote.core.output import written_beside
from face_emote.perception.encoder_inputs import KINDS, WIDTHS, EncoderInputs, Track
from face_emote.perception.words import FINE_WORDS
from tools.train_voice.clips import CLEAN

LONGEST_SECS = 8.0
UNSEEN_EVERY = 5
"""Talkers whose number (or name's checksum) divides by it only measure."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A stretch of what is sensed and what is known of it; NaN where nobody knows."""

    corpus: str
    talker: str
    label: str
    """As the corpus names it."""
    kind: str
    """`clean`, `varied`, or `crop` of either."""
    measures: bool
    """Nothing learns from it; of EmoDB, folds decide."""
    tracks: tuple[Track, ...]
    mix: Float[Array, " emotion=8"]
    vad: Float[Array, " vad=3"]
    fine: Float[Array, " fine=28"]
    line: str = ""
    """Of labelled sentences."""

    def inputs(self) -> EncoderInputs:
        """As the encoder takes it."""
        ends = [int(track.place[-1]) + 1 for track in self.tracks if len(track.place)]
        return EncoderInputs(self.tracks, max([*ends, 1]))


UNKNOWN_MIX, UNKNOWN_VAD, UNKNOWN_FINE = (np.full(n, np.nan, np.float32) for n in (8, 3, len(FINE_WORDS)))
NEUTRAL = np.eye(len(EMOTIONS), dtype=np.float32)[0]
_ABOUT = ("corpus", "talker", "label", "kind", "measures", "line")


def moment(corpus: str, talker: str, tracks: Sequence[Track], **known: Any) -> Moment:
    """A moment of which little is known."""
    about: dict[str, Any] = {
        "label": "", "kind": CLEAN, "measures": False, "mix": UNKNOWN_MIX, "vad": UNKNOWN_VAD, "fine": UNKNOWN_FINE,
    }  # fmt: skip
    return Moment(corpus, talker, tracks=tuple(tracks), **(about | known))


def is_unseen(talker: str) -> bool:
    """Whether a talker only measures."""
    number = int(talker) if talker.isdigit() else zlib.crc32(talker.split("-")[0].encode())
    return number % UNSEEN_EVERY == 0


def write_moments(moments: Sequence[Moment], path: Path) -> None:
    """Keep moments in one file."""
    kept: dict[str, Any] = {
        name: np.array([getattr(m, name) for m in moments]) for name in (*_ABOUT, "mix", "vad", "fine")
    }
    for k, kind in enumerate(KINDS):
        kept[f"{kind}.rows"] = np.concatenate([m.tracks[k].rows for m in moments] or [np.zeros((0, WIDTHS[k]))])
        kept[f"{kind}.place"] = np.concatenate([m.tracks[k].place for m in moments])
        kept[f"{kind}.count"] = np.array([len(m.tracks[k].place) for m in moments])
    with written_beside(path) as beside, beside.open("wb") as file:
        np.savez(file, **kept)


def read_moments(folder: Path) -> list[Moment]:
    """All that is kept in a folder; raises CorpusError when there is nothing."""
    found: list[Moment] = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            kept = {name: file[name] for name in file.files}
        ends = {kind: np.cumsum(kept[f"{kind}.count"]) for kind in KINDS}
        for i in range(len(kept["corpus"])):
            parts = [(kind, slice(ends[kind][i] - kept[f"{kind}.count"][i], ends[kind][i])) for kind in KINDS]
            tracks = tuple(Track(kept[f"{kind}.rows"][part], kept[f"{kind}.place"][part]) for kind, part in parts)
            about = {name: kept[name][i].item() for name in _ABOUT}
            found.append(Moment(**about, tracks=tracks, mix=kept["mix"][i], vad=kept["vad"][i], fine=kept["fine"][i]))
    if not found:
        raise CorpusError(f"No moments were kept yet; run tools.train_encoder.gather first: {folder}")
    return found
