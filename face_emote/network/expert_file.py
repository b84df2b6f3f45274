"""Experts on disk: named stacks of convolutions with a few words about them, in the safetensors layout."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.errors import CheckpointError
from face_emote.network.convnet import ConvNet, ConvNetSpec, convnet, spec_from_table, spec_table
from face_emote.network.safetensors_file import read_tensors, write_tensors

FORMAT = "face_emote.expert/1"
MAX_STACKS = 8


@dataclass(frozen=True, slots=True, eq=False)
class ExpertFile:
    """What one file holds."""

    kind: str
    """What the expert does, for example `sync`."""
    stacks: Mapping[str, ConvNet]
    extras: Mapping[str, Array]
    """Further arrays, float32, such as `x0`."""
    labels: tuple[str, ...]
    """Names of the classes that it tells apart; empty where there are none."""
    card: str
    """How it was trained and how good it is."""


def write_expert(
    path: Path,
    *,
    kind: str,
    specs: Mapping[str, ConvNetSpec],
    weights: Mapping[str, Array],
    extras: Mapping[str, Array] | None = None,
    labels: tuple[str, ...] = (),
    card: str,
) -> str:
    """Write an expert, weights as float16; returns their sha256.

    Args:
        path: `.safetensors`.
        kind: what it does.
        specs: its stacks by name.
        weights: arrays named `<stack>.<array of weight_shapes_of>`.
        extras: kept float32, named `extra.<name>` in the file.
        labels: names of its classes.
        card: short text.

    Raises:
        OutputError: the file cannot be written there.
    """
    tensors = {name: np.asarray(array, np.float16) for name, array in weights.items()}
    tensors |= {f"extra.{name}": np.asarray(array, np.float32) for name, array in (extras or {}).items()}
    metadata = {
        "format": FORMAT,
        "kind": kind,
        "stacks": json.dumps({name: spec_table(spec) for name, spec in specs.items()}, sort_keys=True),
        "labels": json.dumps(list(labels)),
        "card": card,
    }
    return write_tensors(path, tensors, metadata=metadata)


def read_expert(path: Path, *, kind: str) -> ExpertFile:
    """Read an expert of a kind.

    Raises:
        CheckpointError: the file is missing, damaged, or something else.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT or metadata.get("kind") != kind:
        found = metadata.get("kind", metadata.get("format", "nothing known"))
        raise CheckpointError(f"The file holds {found!r} and not the expert {kind!r}; choose another: {path}")
    try:
        table, labels = json.loads(metadata["stacks"]), json.loads(metadata["labels"])
        if not isinstance(table, dict) or len(table) > MAX_STACKS or not isinstance(labels, list):
            raise ValueError("no stacks")
        stacks = {name: convnet(spec_from_table(entry), tensors, prefix=f"{name}.") for name, entry in table.items()}
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"The expert cannot be used ({error}); fetch or train it again: {path}") from None
    extras = {
        name.removeprefix("extra."): array.astype(np.float32)
        for name, array in tensors.items()
        if name.startswith("extra.")
    }
    return ExpertFile(
        kind=kind, stacks=stacks, extras=extras, labels=tuple(map(str, labels)), card=metadata.get("card", "")
    )
