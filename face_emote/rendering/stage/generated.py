"""The kernels that `tools.write_shaders` prints."""

import importlib.util
import sys
import threading
from collections.abc import Callable
from types import ModuleType

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.look.formula.materials import Formula
from face_emote.look.formula.printed import TILE, gradient_names
from face_emote.rendering.stage.cache import KERNELS, kept_here

_loading = threading.Lock()
"""Frames are drawn in several threads; none may take a module that another has begun to load."""


def kernel(name: str) -> ModuleType:
    """The module `shaders/kernels/NAME.py`, loaded once."""
    full = f"face_emote_kernel_{name}"
    with _loading:
        if full not in sys.modules:
            spec = importlib.util.spec_from_file_location(full, KERNELS / f"{name}.py")
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[full] = module  # where numba looks for the names a kept kernel uses
            with kept_here():
                spec.loader.exec_module(module)
        return sys.modules[full]


def run_rows(formula: Formula, rows: Float[Array, "place number"], shared: Array) -> Float[Array, "place output"]:
    """The formula at places given row by row; for what is shaded in bulk, `shading` fills blocks itself."""
    return _run(kernel(formula.name).forward, rows, shared, num_out=formula.num_outputs)


def run_back(
    formula: Formula, rows: Float[Array, "place number"], shared: Array, *, given: Float[Array, "place output"]
) -> Float[Array, "place gradient"]:
    """Gradients of `gradient_names` at every place, from those of the outputs."""
    both = np.concatenate([rows, given], axis=1)
    return _run(kernel(f"{formula.name}_back").backward, both, shared, num_out=len(gradient_names(formula)))


def _run(function: Callable[..., None], planes: Array, shared: Array, *, num_out: int) -> Array:
    count, width = planes.shape
    num_blocks = -(-count // TILE)
    padded = np.zeros((num_blocks * TILE, width), np.float32)
    padded[:count] = planes
    blocks = np.empty((num_blocks, width + num_out, TILE), np.float32)
    blocks[:, :width] = padded.reshape(num_blocks, TILE, width).transpose(0, 2, 1)
    for block in blocks.reshape(num_blocks, -1):
        function(block, shared, TILE)
    return blocks[:, width:].transpose(0, 2, 1).reshape(-1, num_out)[:count]
