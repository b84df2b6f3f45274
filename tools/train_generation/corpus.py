"""Windows of tokens from real talkers and acted voices, for the network that draws takes.

    python -m tools.train_generation.corpus DATA MOMENTS -o FILE.npz

DATA holds the tracked GRID talkers, MOMENTS what `tools.train_encoder.gather` has heard. From GRID come face and
voice of read sentences - how people move while they talk and feel nothing in particular -, from EmoDB voices and what
is felt in them. Nobody's face under a feeling is in it: the posture of a feeling is authored (`motion.feeling`), this
is what goes on around it.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.output import written_beside
from face_emote.generation.layout import (
    FACE_SLICE,
    FEELING,
    FEELING_SLICE,
    NUM_VALUES,
    SLICES,
    STYLE,
    VOICE,
    VOICE_COLUMNS,
    VOICE_SLICE,
    WINDOW,
)  # fmt: skip
from face_emote.generation.seen import FIRST_TOKEN, face_tokens, style_of
from tools.train_encoder.moments import Moment, read_moments
from tools.train_generation.seen import tracked_talkers
from tools.train_network.grid import other_recordings, s1_recordings


@dataclass(frozen=True, slots=True, eq=False)
class TakeCorpus:
    """Windows, unnormalised."""

    values: Float[Array, f"window token={WINDOW} value={NUM_VALUES}"]
    known: Bool[Array, "window stream=3"]
    """Which streams were really there."""
    style: Float[Array, f"window style={len(STYLE)}"]
    """Of the face, `style_of`; 0 without one."""
    talker: Array
    """Name of each window's, with `emodb` in front of EmoDB's numbers."""


def filmed_windows(data: Path, moments: list[Moment]) -> Iterator[tuple[Array, str]]:
    """Face and voice of every GRID clip."""
    heard = [m for m in moments if m.corpus == "grid"]
    names = [(r.talker, r.track.name) for r in s1_recordings(data)]
    names += [(talker, r.track.name) for talker, items in other_recordings(data).items() for r in items]
    voices = {name: m.tracks[0].rows[:, VOICE_COLUMNS] for name, m in zip(names, heard, strict=True)}
    for talker in tracked_talkers(data):
        for clip, curve in zip(talker.clips, talker.curves, strict=True):
            face, voice = face_tokens(curve)[:WINDOW], voices.get((talker.name, clip))
            if len(face) < WINDOW or voice is None or len(voice) < FIRST_TOKEN + WINDOW - 1:
                continue
            row = np.zeros((WINDOW, NUM_VALUES))
            row[:, FACE_SLICE] = face
            row[:, VOICE_SLICE] = _held(voice[FIRST_TOKEN : FIRST_TOKEN + WINDOW])
            yield row, talker.name


def acted_windows(moments: list[Moment]) -> Iterator[tuple[Array, str]]:
    """Voice and feeling of EmoDB."""
    for m in moments:
        if m.corpus != "emodb" or m.kind == "crop":
            continue
        row = np.zeros((WINDOW, NUM_VALUES))
        row[:, VOICE_SLICE] = _held(m.tracks[0].rows[:WINDOW, VOICE_COLUMNS])
        row[:, FEELING_SLICE] = np.concatenate([m.mix, m.vad])
        yield row, f"emodb {m.talker}"


def _held(rows: Float[Array, f"_token value={len(VOICE)}"]) -> Float[Array, f"token={WINDOW} value={len(VOICE)}"]:
    """The last one held to the window's end."""
    return rows[np.minimum(np.arange(WINDOW), len(rows) - 1)].astype(np.float64)


def take_corpus(data: Path, moments: list[Moment]) -> TakeCorpus:
    """All windows."""
    faces, voices = list(filmed_windows(data, moments)), list(acted_windows(moments))
    style = np.array([style_of(row[:, FACE_SLICE]) for row, _ in faces])
    return TakeCorpus(
        values=np.array([row for row, _ in faces + voices], np.float32),
        known=np.array([[True, True, False]] * len(faces) + [[False, True, True]] * len(voices)),
        style=np.concatenate([style, np.zeros((len(voices), len(STYLE)))]).astype(np.float32),
        talker=np.array([talker for _, talker in faces + voices]),
    )


def read_corpus(path: Path) -> TakeCorpus:
    """What this program wrote."""
    with np.load(path) as file:
        return TakeCorpus(**{item.name: file[item.name] for item in fields(TakeCorpus)})


def main() -> int:
    """Write the corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("moments", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    corpus = take_corpus(given.data, read_moments(given.moments))
    with written_beside(given.output) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **{item.name: getattr(corpus, item.name) for item in fields(TakeCorpus)})
    for name, part in zip(("face", "voice", "feeling"), SLICES, strict=True):
        print(name, corpus.values[:, :, part].std(axis=(0, 1)).round(2))
    print(f"{len(corpus.values)} windows of {len(set(corpus.talker))} talkers; feelings: {', '.join(FEELING)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
