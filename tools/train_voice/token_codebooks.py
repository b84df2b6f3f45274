"""Find the codebooks of `perception.tokens`: `python -m tools.train_voice.token_codebooks CACHE -o FILE`.

CACHE is what `voice_clips` has heard. Codes are means of clusters (k-means) of the frames of actors and readers; every
fifth talker only measures. Prints what is kept of a line that goes through tokens.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.types import SpeechAnalysis
from face_emote.perception.reading import read_feelings
from face_emote.perception.tokens import NUM_FEELINGS, NUM_MANNERS, feelings_of, manners_of, nearest
from face_emote_lab.train.checkpoint_file import write_tensors
from tools.train_voice.clips import CLEAN, read_heard

ROUNDS, UNHEARD_EVERY = 25, 5


def clustered(
    rows: Float[Array, "frames column"], count: int, *, rng: np.random.Generator
) -> Float[Array, "code column"]:
    """Means of clusters; one that loses all its rows starts anew at a random row."""
    book = rows[rng.choice(len(rows), count, replace=False)]
    for _ in range(ROUNDS):
        own = nearest(rows, book)
        sizes = np.bincount(own, minlength=count)
        sums = np.stack([np.bincount(own, column, count) for column in rows.T], axis=1)
        fresh = rows[rng.choice(len(rows), count)]
        book = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], fresh)
    return book


def main(arguments: Sequence[str] | None = None) -> int:
    """Cluster, write, measure."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_voice.token_codebooks")
    parser.add_argument("cache", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    clips = [clip for clip in read_heard(given.cache) if clip.kind == CLEAN and clip.corpus != "emogator"]
    talkers = sorted({clip.talker for clip in clips})
    parts: dict[bool, list[tuple[Array, Array]]] = {True: [], False: []}
    for clip in clips:
        secs = len(clip.prosody.speaking) / 100.0
        felt = read_feelings(SpeechAnalysis(secs, (), clip.prosody, (), aligned=False)).frames
        manners, _, _ = manners_of(clip.prosody, num_frames=len(felt.mix))
        parts[talkers.index(clip.talker) % UNHEARD_EVERY == 0].append((feelings_of(felt), manners))
    rng = np.random.default_rng(0)
    feelings, manners = (np.concatenate([part[i] for part in parts[False]]) for i in (0, 1))
    books = {
        "feelings": clustered(feelings, NUM_FEELINGS, rng=rng),
        "manners": clustered(manners, NUM_MANNERS, rng=rng),
    }
    written = {name: book.astype(np.float32) for name, book in books.items()}
    write_tensors(given.output, written, metadata={"format": "face_emote.tokens/1"})
    sys.stdout.write(kept(parts[True], written["feelings"].astype(np.float64), written["manners"].astype(np.float64)))
    return 0


def kept(clips: list[tuple[Array, Array]], feelings: Array, manners: Array) -> str:
    """What is left of lines of unheard talkers."""
    feeling, manner = (np.concatenate([clip[i] for clip in clips]) for i in (0, 1))
    again, played = feelings[nearest(feeling, feelings)], manners[nearest(manner, manners)]
    voiced = manner[:, 2] > 0.5
    cents = 400.0 * (played - manner)[voiced, 0]
    whole = [clip[0][:, :8].mean(axis=0).argmax() == feelings[nearest(clip[0], feelings)][:, :8].mean(axis=0).argmax()
             for clip in clips]  # fmt: skip
    lines = [
        f"F0: median error {np.median(np.abs(cents)):.0f} cents, root mean square {np.sqrt((cents**2).mean()):.0f}",
        f"level: r {np.corrcoef(manner[:, 1], played[:, 1])[0, 1]:.3f}",
        f"valence: r {np.corrcoef(feeling[:, 8], again[:, 8])[0, 1]:.3f}",
        f"arousal: r {np.corrcoef(feeling[:, 9], again[:, 9])[0, 1]:.3f}",
        f"emotion of a frame named the same: {(feeling[:, :8].argmax(1) == again[:, :8].argmax(1)).mean():.3f}",
        f"emotion of a line named the same: {np.mean(whole):.3f}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
