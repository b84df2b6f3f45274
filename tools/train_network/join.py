"""Join the lip path of one run and the expression path of another into the checkpoint that ships.

    python -m tools.train_network.join LIPS.safetensors EXPRESSION.safetensors -o OUT.safetensors [--card FILE]

The paths share no parameter but the mean spectrum of the training speech, which is the lip run's.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.errors import CheckpointError
from face_emote.core.reading import text_of
from face_emote.network.checkpoint import Checkpoint, read_checkpoint
from face_emote.network.config import NetConfig
from face_emote.network.weights import EXPRESSION_PREFIX
from face_emote_lab.train.checkpoint_file import write_checkpoint

NEAR = 1.5
"""Mean spectra of two corpora may differ by this much (natural log units)."""


def joined(lips: Checkpoint, expression: Checkpoint) -> tuple[NetConfig, dict[str, Array]]:
    """Configuration and weights of both.

    Raises:
        CheckpointError: they look ahead differently, or have heard too different a corpus.
    """
    same = ("condition_width", "look_ahead_frames")
    for name in same:
        if getattr(lips.config, name) != getattr(expression.config, name):
            raise CheckpointError(f"The two checkpoints differ in {name}; train both with the same one")
    if float(np.abs(lips.weights["x0"] - expression.weights["x0"]).max()) > NEAR:
        raise CheckpointError("The two checkpoints were trained on sound of different colour; use one corpus for both")
    weights = {name: value for name, value in lips.weights.items() if not name.startswith(EXPRESSION_PREFIX)}
    weights |= {name: value for name, value in expression.weights.items() if name.startswith(EXPRESSION_PREFIX)}
    return replace(lips.config, expression=expression.config.expression), weights


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Join a lip path and an expression path.")
    parser.add_argument("lips", type=Path)
    parser.add_argument("expression", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--card", type=Path, help="text for the checkpoint's card; by default those of both")
    options = parser.parse_args()
    lips, expression = read_checkpoint(options.lips), read_checkpoint(options.expression)
    config, weights = joined(lips, expression)
    try:
        card = text_of(options.card) if options.card else f"{lips.card}\n\n{expression.card}"
    except (OSError, ValueError) as error:
        parser.error(f"the card cannot be read ({error}): {options.card}")
    write_checkpoint(options.output, weights, config=config, card=card)


if __name__ == "__main__":
    main()
