"""Small networks with random weights: everything that a trained one has, at a thousandth of the price."""

import math
from pathlib import Path

import numpy as np

from face_emote.network.checkpoint import read_checkpoint
from face_emote.network.config import NetConfig, PathConfig
from face_emote.network.runtime import MotionNet, motion_net
from face_emote.network.weights import weight_shapes
from face_emote_lab.train.checkpoint_file import write_checkpoint

TINY = NetConfig(
    lips=PathConfig(width=16, layers=2, heads=2, band=7, taps=4, growth=2),
    expression=PathConfig(width=12, layers=2, heads=3, band=5, taps=3, growth=2),
    condition_width=8,
    styles=("generic", "mumbler"),
)


def random_weights(config: NetConfig, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights that let every part of the network matter, gates included."""
    rng = np.random.default_rng(seed)
    weights = {
        name: rng.normal(size=shape) / np.sqrt(max(math.prod(shape[1:]), 1) if len(shape) > 1 else 4.0)
        for name, shape in weight_shapes(config).items()
    }
    weights["x0"] = -10.0 + weights["x0"]
    return {name: array.astype(np.float32) for name, array in weights.items()}


def write_random_net(path: Path, *, config: NetConfig = TINY, seed: int = 0) -> Path:
    """A checkpoint file of random weights."""
    write_checkpoint(path, random_weights(config, seed=seed), config=config, card="Random weights, for tests.")
    return path


def random_net(folder: Path, *, config: NetConfig = TINY, seed: int = 0) -> MotionNet:
    """A network of random weights, as it comes back from disk."""
    path = write_random_net(folder / "random.safetensors", config=config, seed=seed)
    return motion_net(read_checkpoint(path), name="random")
