"""The mean of two checkpoints' weights: half of a further round, for what it brings and half of what it costs.

python -m tools.train_network.mean BEFORE.safetensors AFTER.safetensors -o OUT.safetensors
"""

import argparse
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.errors import CheckpointError
from face_emote.network.checkpoint import Checkpoint, read_checkpoint
from face_emote_lab.train.checkpoint_file import write_checkpoint


def mean_weights(before: Checkpoint, after: Checkpoint) -> dict[str, Array]:
    """Half of each.

    Raises:
        CheckpointError: they are not two states of one network.
    """
    if before.config != after.config:
        raise CheckpointError("The two checkpoints are of different networks; give two rounds of one")
    return {
        name: (0.5 * value.astype(np.float64) + 0.5 * after.weights[name]).astype(value.dtype)
        for name, value in before.weights.items()
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="The mean of two checkpoints' weights.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    before, after = read_checkpoint(options.before), read_checkpoint(options.after)
    write_checkpoint(options.output, mean_weights(before, after), config=after.config, card=after.card)


if __name__ == "__main__":
    main()
