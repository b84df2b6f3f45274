"""One file for a trained network: weights, configuration and card, in the safetensors layout."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.errors import CheckpointError
from face_emote.network.config import NetConfig, PathConfig
from face_emote.network.safetensors_file import read_tensors
from face_emote.network.weights import weight_shapes

FORMAT = "face_emote.network/1"
WHOLE = frozenset({"x0"})  # Weights that stay float32 on disk; the others are stored as float16.
LIMITS = {
    "width": (4, 2048), "layers": (0, 64), "heads": (1, 64), "band": (1, 4096), "taps": (1, 64), "growth": (1, 16),
    "condition_width": (1, 2048),
}  # fmt: skip
MAX_LOOK_AHEAD = 250
MAX_NAMES = 4096
MAX_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A trained network as it lies on disk."""

    config: NetConfig
    weights: Mapping[str, Array]  # Float32, by the names of `weight_shapes`.
    card: str  # What it was trained on and how good it is; short Markdown.
    sha256: str  # Of the weights' bytes on disk, hex digits: names the network in motion files.


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a network; weights come back as float32.

    CheckpointError: The file is missing, damaged, of another version, or does not fit its own configuration.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        found = metadata.get("format", "none")[:60]
        raise CheckpointError(f"The checkpoint's format is '{found}', expected '{FORMAT}'; choose another: {path}")
    config = _config_from(metadata.get("config", ""), path)
    require_weights(tensors, config, path=path)
    weights = {name: array.astype(np.float32) for name, array in tensors.items()}
    return Checkpoint(config=config, weights=weights, card=metadata.get("card", ""), sha256=metadata["sha256"])


def require_weights(weights: Mapping[str, Array], config: NetConfig, *, path: Path) -> None:
    """Raise CheckpointError unless these are the finite weights of a configuration."""
    wanted = weight_shapes(config)
    if set(weights) != set(wanted):
        name = min(set(weights) ^ set(wanted))
        how = "lacks" if name in wanted else "should not have"
        raise CheckpointError(f"The checkpoint {how} the weight '{name}' of its configuration; choose another: {path}")
    for name, shape in wanted.items():
        if weights[name].shape != shape:
            raise CheckpointError(
                f"The checkpoint's weight '{name}' has the shape {weights[name].shape}, its configuration asks for "
                f"{shape}; choose another: {path}"
            )
        if not np.isfinite(weights[name]).all():
            raise CheckpointError(f"The weight '{name}' is not finite or too large for float16; train again: {path}")


def _config_from(text: str, path: Path) -> NetConfig:
    try:
        config = _net_config(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise CheckpointError(f"The checkpoint's configuration cannot be read; choose another: {path}") from None
    require_config(config, path)
    return config


def _net_config(values: dict[str, Any]) -> NetConfig:
    rest = {name: value for name, value in values.items() if name not in ("lips", "expression")}
    rest |= {name: tuple(rest[name]) for name in ("look_ahead_frames", "styles")}
    return NetConfig(lips=PathConfig(**values["lips"]), expression=PathConfig(**values["expression"]), **rest)


def require_config(config: NetConfig, path: Path) -> None:
    """Raise CheckpointError unless a network of these sizes can be computed with."""
    fault = fault_of(config)
    if fault:
        raise CheckpointError(f"The configuration's {fault}; choose another: {path}")


def fault_of(config: NetConfig) -> str:
    """Which size of a network cannot be computed with, and why; empty when all can."""
    sizes = [*asdict(config.lips).items(), *asdict(config.expression).items()]
    sizes.append(("condition_width", config.condition_width))
    for name, size in sizes:
        low, high = LIMITS[name]
        if type(size) is not int or not low <= size <= high:
            return f"{name} is {size!r:.40}, must be {low} to {high}"
    if any(part.width % part.heads for part in (config.lips, config.expression)):
        return "width is not a multiple of its heads"
    looks, styles = config.look_ahead_frames, config.styles
    if not 1 <= len(looks) <= 64 or any(type(look) is not int or not 3 <= look <= MAX_LOOK_AHEAD for look in looks):
        return f"look-aheads must be 3 to {MAX_LOOK_AHEAD} frames"
    named = all(isinstance(name, str) and len(name) <= MAX_NAME_LENGTH for name in styles)
    if not 1 <= len(styles) <= MAX_NAMES or not named:
        return f"styles must be 1 to {MAX_NAMES} names"
    return "" if type(config.lips_see_emotion) is bool else "lips_see_emotion must be true or false"
