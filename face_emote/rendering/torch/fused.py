"""Functions of single pixels compiled into one loop over all of them, and the loop of their gradients.

The formulas are written once, in torch. On a CPU, in single precision, where only the pixels need gradients, `apply`
runs their compiled twin: a pixel's few hundred numbers stay in registers instead of going through memory at each step.
Everywhere else it runs the torch function itself.
"""

import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Float
from face_emote.core.output import written_beside
from face_emote.rendering.stage.cache import kept_here, usable_folder
from face_emote.rendering.torch.trace import NotScalarError, Program, Scalar, pulled_back, traced

_LOG = logging.getLogger(__name__)
RowFunction = Callable[..., Tensor]
"""f(rows [pixel, channel], *parameters) -> [pixel, channel]; each row by itself, parameters shared by all."""

HEAD = '''"""Written by face_emote.rendering.torch.fused from a traced function; may be deleted."""

from math import acos, atan2, cos, floor, sin, sqrt

from numba import njit
from numpy import float32, uintp

from face_emote.rendering.stage.vector_math import exp, log

_compiled = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"nsz", "arcp", "contract", "afn", "reassoc"}
)


@_compiled
def _copy(rows, first, work, place, count):
    for number in range(count):
        lane = uintp(number)
        for k in range(rows.shape[1]):
            work[uintp(place + k * {tile}) + lane] = rows[uintp(first) + lane, uintp(k)]
'''
LOOP = """

@_compiled
def {name}(rows, parameters, given, out, work):
{before}    for first in range(0, rows.shape[0], {tile}):
        count = min({tile}, rows.shape[0] - first)
        _copy(rows, first, work, 0, count)
{copied}        for number in range(count):
            lane = uintp(number)
{inside}        for number in range(count):
            lane = uintp(number)
            for k in range({outputs}):
                out[uintp(first) + lane, uintp(k)] = work[uintp({place} + k * {tile}) + lane]
"""
TILE = 240
"""Rows at a time. They are copied to one small array in which all channels lie at fixed distances: only then does the
compiler see that no store meets a load, and use vector instructions. Distances near powers of two would make channels
fight for the same lines of the cache."""
SIGNS = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}",
    "max": "{0} if {0} > {1} else {1}", "min": "{0} if {0} < {1} else {1}", "where": "{1} if {0} else {2}",
    "lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}", "eq": "{} == {}",
    "and": "{} and {}", "or": "{} or {}", "not": "not {}",
}  # fmt: skip
"""How a step is written; others are calls of their name."""


@dataclass(frozen=True, slots=True)
class Loops:
    """What a traced function was compiled to; all arrays are float32, C-contiguous."""

    forward: Callable[..., None]
    """(rows [row, channel], parameters, nothing, out [row, out], work)."""
    backward: Callable[..., None]
    """(rows, parameters, gradient [row, out], out [row, channel], work)."""
    num_work: int
    """Numbers in `work`."""
    num_outputs: int


class _Apply(torch.autograd.Function):
    """The compiled loops as one torch operation."""

    @staticmethod
    def forward(ctx, loops: Loops, shared: Tensor, rows: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.loops, ctx.shared, ctx.rows = loops, shared, rows.contiguous()
        out = torch.empty(len(rows), loops.num_outputs)
        work = np.empty(loops.num_work, np.float32)
        loops.forward(ctx.rows.numpy(), shared.numpy(), out.numpy(), out.numpy(), work)
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None, Tensor]:  # type: ignore[no-untyped-def]
        out, given = torch.empty_like(ctx.rows), gradient.contiguous()
        work = np.empty(ctx.loops.num_work, np.float32)
        ctx.loops.backward(ctx.rows.numpy(), ctx.shared.numpy(), given.numpy(), out.numpy(), work)
        return None, None, out


def apply(
    function: RowFunction,
    rows: Float[Tensor, "pixel channel"],
    *parameters: Tensor,
    compiled: bool = True,
) -> Float[Tensor, "pixel out"]:
    """`function(rows, *parameters)`, compiled where that can be.

    Args:
        function: Of the rows; a module-level function, told apart by its name.
        rows: What is known of each.
        parameters: Shared by all rows.
        compiled: False runs the torch function in any case.
    """
    shapes = tuple(tuple(parameter.shape) for parameter in parameters)
    usable = compiled and can_compile(rows, *parameters) and not any(p.requires_grad for p in parameters)
    loops = loops_of(function, rows.shape[1], shapes) if usable and len(rows) else None
    if loops is None:
        return function(rows, *parameters)
    shared = torch.cat([parameter.reshape(-1) for parameter in parameters]) if parameters else torch.empty(0)
    out: Tensor = _Apply.apply(loops, shared, rows)
    return out


def can_compile(*tensors: Tensor) -> bool:
    """Whether kernels for one processor core serve: on a CPU, in single precision."""
    return all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors)


@lru_cache(maxsize=64)
def loops_of(function: RowFunction, channels: int, shapes: tuple[tuple[int, ...], ...]) -> Loops | None:
    """The compiled loops of a function; None, with a warning in the log, where it cannot be written down."""
    generator = torch.Generator().manual_seed(0)
    row = torch.rand(1, channels, generator=generator)
    examples = [torch.rand(shape, generator=generator) for shape in shapes]
    try:
        program, outputs, inputs = traced(function, row=row, parameters=examples)
    except NotScalarError as problem:
        _LOG.warning("%s runs uncompiled: %s", getattr(function, "__name__", "a function"), problem)
        return None
    gradients = pulled_back(program, outputs, inputs)
    forward = _written("forward", program, outputs, num_rows=channels, num_given=0)
    backward = _written("backward", program, gradients, num_rows=channels, num_given=len(outputs))
    with kept_here():
        module = _module(HEAD.replace("{tile}", str(TILE)) + forward + backward)
    return Loops(module.forward, module.backward, (2 * channels + len(outputs)) * TILE, len(outputs))


def _written(name: str, program: Program, outputs: Sequence[Scalar], *, num_rows: int, num_given: int) -> str:
    """Source of a loop that stores the outputs: only steps they need, those that all pixels share before the loop."""
    needed, waiting = set(), [output.index for output in outputs]
    while waiting:
        index = waiting.pop()
        operation, operands = program.steps[index]
        if index not in needed:
            needed.add(index)
            waiting += operands if operation not in _LEAVES else ()
    before: list[str] = []
    inside: list[str] = []
    own: set[int] = set()
    for index in sorted(needed):
        operation, operands = program.steps[index]
        if operation in ("x", "g") or (operation not in _LEAVES and own.intersection(operands)):
            own.add(index)
        line = f"s{index} = {_expression(operation, operands, num_rows)}"
        (inside if index in own else before).append(line)
    first = (num_rows + num_given) * TILE
    inside += [f"work[lane + uintp({first + k * TILE})] = s{output.index}" for k, output in enumerate(outputs)]
    return LOOP.format(
        name=name,
        before="".join(f"    {line}\n" for line in before),
        inside="".join(f"            {line}\n" for line in inside),
        copied=f"        _copy(given, first, work, {num_rows * TILE}, count)\n" if num_given else "",
        place=first,
        outputs=len(outputs),
        tile=TILE,
    )


_LEAVES = ("constant", "x", "p", "g")


def _expression(operation: str, operands: tuple[Any, ...], num_rows: int) -> str:
    if operation == "constant":
        return f"float32({operands[0]!r})"
    if operation in _LEAVES:
        number = operands[0]
        if operation == "p":
            return f"parameters[{number}]"
        plane = number if operation == "x" else num_rows + number
        return f"work[lane + uintp({plane * TILE})]"
    names = [f"s{index}" for index in operands]
    return SIGNS[operation].format(*names) if operation in SIGNS else f"{operation}({', '.join(names)})"


def _module(source: str) -> ModuleType:
    """The module with this source, from the folder of compiled kernels: numba keeps what it compiles beside it."""
    name = f"fused_{sha256(source.encode()).hexdigest()[:16]}"
    path = usable_folder() / f"{name}.py"
    if not path.exists() or path.read_text("utf-8") != source:
        with written_beside(path) as beside:
            Path(beside).write_text(source, "utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where numba looks for the names a kept kernel uses
    spec.loader.exec_module(module)
    return module
