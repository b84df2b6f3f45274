"""Train the experts: `python -m face_emote.train.experts.train CORPUS -o DIR [--judges] [--only NAME] [--minutes M]`.

Files are named after expert and role: `sync_train.safetensors` teaches (`--experts DIR` of a training run), and
`sync_judge.safetensors`, of another seed, only measures. Without `--minutes` the same corpus and seed give the same
files.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from face_emote.core.errors import FaceEmoteError
from face_emote.train.corpus.cache import read_corpus
from face_emote.train.experts.teach import LESSONS, teach

TEACHERS = ("lip_reader", "sync", "emotional_sync")
JUDGES = ("sync", "emotions", "compounds")

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 2 for a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m face_emote.train.experts.train", description=__doc__.split("\n")[0]
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the trained experts")
    parser.add_argument("--only", action="append", choices=sorted(LESSONS), help="train this one; may be repeated")
    parser.add_argument("--judges", action="store_true", help="train the instances that measure")
    parser.add_argument("--seed", type=int, default=None, help="0 for those who teach, 7 for judges")
    parser.add_argument("--steps", type=int, default=0, help="instead of each expert's own number")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop each one after so long")
    parser.add_argument("--hold-out", default="", help="talkers not to learn from, separated by commas")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    hold_out = tuple(filter(None, given.hold_out.split(",")))
    try:
        corpus = read_corpus(given.corpus)
        given.output.mkdir(parents=True, exist_ok=True)
        role, seed = ("judge", 7) if given.judges else ("train", 0)
        seed = seed if given.seed is None else given.seed
        for name in given.only or (JUDGES if given.judges else TEACHERS):
            lesson = LESSONS[name]
            fitting = replace(lesson.fit, steps=given.steps or lesson.fit.steps, minutes=given.minutes)
            lesson = replace(lesson, fit=fitting, hold_out=hold_out)
            path = given.output / f"{name}_{role}.safetensors"
            figures = teach(
                name, corpus, lesson=lesson, seed=seed, path=path,
                report=lambda line, name=name: logger.info("%s: %s", name, line),  # type: ignore[misc]
            )  # fmt: skip
            logger.info("%s: %s", path.name, ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    except FaceEmoteError as error:
        logger.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
