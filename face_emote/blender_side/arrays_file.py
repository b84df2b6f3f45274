"""Frozen dataclasses of arrays as `.npz` files between our process and Blender's."""

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Part = TypeVar("Part")


def save(part: Any, path: Path) -> None:
    """Write all fields of a dataclass: arrays, numbers and strings."""
    arrays: dict[str, Any] = {item.name: np.asarray(getattr(part, item.name)) for item in fields(part)}
    np.savez(path, **arrays)


def load(kind: type[Part], path: Path) -> Part:
    """Read what `save` wrote into the dataclass `kind`."""
    with np.load(path, allow_pickle=False) as file:
        return kind(**{name: file[name] if file[name].ndim else file[name].item() for name in file.files})
