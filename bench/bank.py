"""Takes with the bank of moments and without it, beside people whom network and bank have not met.

python -m bench.bank DATA [--keep FOLDER] [--asked 2] [--every 2]

DATA and figures are those of `bench.real_or_drawn`; without: `--forbid all`. Takes of one sound under a feeling are
named by the judge of motions, as there.
"""

import argparse
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.real_or_drawn import SEEDS, Curves, folds_of, people_rows, print_columns, rows_of
from bench.whose_style import EVERY
from face_emote.core.arrays import Array
from face_emote.core.assets import ASSETS
from face_emote.core.names import EMOTIONS
from face_emote.core.options import BankUse, Performance
from face_emote.generation.seen import FPS, from_rest, seen_of_performance
from face_emote.verbs.animate import perform
from tools.train_generation.seen import Filmed, tracked_talkers
from tools.train_judges.experts import EMOTIONS_JUDGE, load_classifier

WAYS = {"with bank": BankUse(), "without": BankUse(forbid="all")}
_STRENGTH = 0.6


@dataclass(frozen=True, slots=True)
class Played:
    """Curves of takes, kept on disk."""

    way: str
    folder: Path

    def curve(self, sound: Path, *, seed: int) -> Array:
        """Of one neutral take."""
        path = self.folder / f"{self.way.replace(' ', '_')}_{zlib.crc32(str(sound).encode()):08x}_{seed}.npy"
        if not path.is_file():
            asked = Performance(
                sound, emotion="neutral", animator="takes", fps=FPS, seed=seed, moments=WAYS[self.way]
            )  # fmt: skip
            self.folder.mkdir(parents=True, exist_ok=True)
            np.save(path, seen_of_performance(perform(asked).whole()))
        return np.asarray(np.load(path))

    def of(self, talker: Filmed) -> Curves:
        """All clips of a talker."""
        return tuple(self.curve(sound, seed=k) for k, sound in enumerate(talker.sounds))

    def between_seeds(self, sounds: list[Path]) -> dict[str, float]:
        """How far takes of one sound lie apart."""
        takes = [np.stack([from_rest(self.curve(s, seed=1000 + k)) for k in range(SEEDS)]) for s in sounds]
        apart = np.sqrt(np.mean([take.var(axis=0).mean(axis=0) for take in takes], axis=0))
        return {"between seeds: brows, permille": float(apart[:2].mean()), "between seeds: nod": float(apart[5])}

    def named(self) -> dict[str, float]:
        """How often a judge names what is felt, and how much more heads move under arousal than without."""
        judge, sound = load_classifier(EMOTIONS_JUDGE), ASSETS / "speech" / "dashwood_2.wav"
        right, nods = [], {}
        for feeling in EMOTIONS:
            asked = Performance(
                sound, emotion=feeling, intensity=_STRENGTH, animator="takes", moments=WAYS[self.way], seed=3
            )  # fmt: skip
            motion = perform(asked).whole()
            right.append(judge.classify(motion) == feeling)
            nods[feeling] = float(np.degrees(motion.neck_pose[:, 0].std()))
        excited = np.mean([nods[name] for name in ("joy", "fear", "anger", "surprise")])
        return {"emotion named, of 7": float(np.mean(right[1:])), "nods, joy fear anger surprise over sadness":
                float(excited / nods["sadness"])}  # fmt: skip


def main() -> int:
    """Print both side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the tracked talkers")
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--asked", default="2", help="folds that are asked about")
    parser.add_argument("--every", type=int, default=1, help="of those with many clips, this much fewer")
    given = parser.parse_args()
    talkers = tracked_talkers(given.data, every={name: every * given.every for name, every in EVERY.items()})
    asked_of = tuple(int(k) for k in given.asked.split(","))
    real = folds_of(talkers, lambda talker: talker.curves)
    columns = {"people": people_rows(real, asked_of=asked_of)}
    some = [talker.sounds[0] for talker in talkers][:4]
    for way in WAYS:
        played = Played(way, given.keep)
        rows = rows_of(real, folds_of(talkers, played.of), asked_of=asked_of)
        columns[way] = rows | played.between_seeds(some) | played.named()
    print_columns(columns)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
