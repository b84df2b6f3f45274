"""Train the motion network as the bundled one was: `face-emote train` with the expression path, and with judges.

    python -m tools.train_network.train CONFIG --corpus CORPUS -o OUT [--experts EXPERTS]

EXPERTS is what `tools.train_judges.teach` wrote; configurations with a table `judges` need it. OUT is a run like any
other, on the CPU.
"""

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

from face_emote.core.errors import FaceEmoteError
from face_emote_lab.train.config import TrainConfig, read_config
from face_emote_lab.train.devices import this_process
from face_emote_lab.train.loop import train
from face_emote_lab.train.objective import Outside
from tools.train_judges.losses import load_judges
from tools.train_network.faces import TaughtFaces, random_emotions, spoken_pool


def train_network(
    config: TrainConfig, *, corpus: Path, output: Path, experts: Path | None = None, minutes: float = math.inf
) -> Path:
    """The run in `output`, with all that its configuration asks for; returns the path of the weights."""
    ranks = this_process("cpu")
    judges = load_judges(config, experts=experts, device=ranks.device) if config.judges else None
    outside = Outside(
        judges=judges,
        faces=lambda pool: TaughtFaces(spoken_pool(pool), config, ranks.device, judges),
        emotions=lambda crops, step: random_emotions(crops, seed=config.seed, step=step),
    )
    return train(config, corpus=corpus, output=output, ranks=ranks, minutes=minutes, outside=outside)


def main() -> int:
    """Returns the exit code: 2 for a user's mistake."""
    parser = argparse.ArgumentParser(description="Train the motion network.")
    parser.add_argument("config", help="a .toml file, or the name of a configuration such as ablations/reader")
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR")
    parser.add_argument("--experts", type=Path, metavar="DIR", help="trained experts, for the judges that need them")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder of the run")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; go on later")
    parser.add_argument("--steps", type=int, help="instead of the configuration's number of steps")
    given = parser.parse_args()
    try:
        config = read_config(given.config)
        if given.steps:
            config = replace(config, optimiser=replace(config.optimiser, steps=given.steps))
        written = train_network(
            config, corpus=given.corpus, output=given.output, experts=given.experts, minutes=given.minutes
        )
    except FaceEmoteError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    print(f"{written}: {config.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
