"""Formulas as numba kernels: one loop over the places of a block, single precision, for vector instructions.

Constant distances between the planes of a block (`look.formula.printed`) are what lets the compiler see that no store
meets a load.
"""

from collections.abc import Sequence
from typing import Any

from face_emote.look.formula.materials import Formula
from face_emote.look.formula.printed import TILE, gradient_names
from tools.write_shaders.symbols import LEAVES, Scalar, Traced, needed

SHADOWS = ("spot.rim_seen", "spot.seen")
"""Their gradients are 0: the differentiable renderer has no shadows."""
HEAD = '''"""Written by `python -m tools.write_shaders` from face_emote/look; a change here is lost."""

from math import sqrt

from numba import njit
from numpy import float32, uintp

from face_emote.rendering.stage.vector_math import {names}

_compiled = njit(
    cache=True, nogil=True, _nrt=False, error_model="numpy",
    fastmath={{"nsz", "arcp", "contract", "afn", "reassoc"}},
)
'''
LOOP = """

@_compiled
def {name}(block, shared, count):
{before}    for number in range(count):
        i = uintp(number)
{inside}"""
SIGNS = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}",
    "max": "{0} if {0} > {1} else {1}", "min": "{0} if {0} < {1} else {1}", "where": "{1} if {0} else {2}",
    "lt": "{} < {}", "gt": "{} > {}", "sqrt": "sqrt({})", "hash": "cell_hash({}, {}, {})",
}  # fmt: skip
"""How a step is written; others are calls of their name in `vector_math`."""


def forward_source(formula: Formula) -> str:
    """A module with one kernel, `forward`."""
    traced = Traced(formula)
    return _module(traced, "forward", traced.outputs, first=len(traced.rows))


def backward_source(formula: Formula) -> str:
    """A module with one kernel, `backward`: from the outputs' gradients to those of `gradient_names`."""
    traced = Traced(formula)
    first, names = len(traced.rows) + len(traced.outputs), gradient_names(formula)
    gradients = [
        traced.program.constant(0.0) if name in SHADOWS else gradient
        for name, gradient in zip(names, traced.gradients(names), strict=True)
    ]
    return _module(traced, "backward", gradients, first=first)


def _module(traced: Traced, name: str, outputs: Sequence[Scalar], *, first: int) -> str:
    """Steps that all places share come before the loop."""
    before: list[str] = []
    inside: list[str] = []
    own: set[int] = set()
    used = set()
    for index in needed(traced.program, outputs):
        operation, operands = traced.program.steps[index]
        if operation in ("x", "g") or (operation not in LEAVES and own.intersection(operands)):
            own.add(index)
        if operation not in LEAVES and (operation not in SIGNS or operation == "hash"):
            used.add("cell_hash" if operation == "hash" else operation)
        line = f"s{index} = {_expression(operation, operands, len(traced.rows))}"
        (inside if index in own else before).append(line)
    inside += [f"block[i + uintp({(first + k) * TILE})] = s{output.index}" for k, output in enumerate(outputs)]
    loop = LOOP.format(
        name=name,
        before="".join(f"    {line}\n" for line in before),
        inside="".join(f"        {line}\n" for line in inside),
    )
    return HEAD.format(names=", ".join(sorted(used | {"exp"}))) + loop


def _expression(operation: str, operands: tuple[Any, ...], num_rows: int) -> str:
    if operation == "constant":
        return f"float32({operands[0]!r})"
    if operation in LEAVES:
        number = operands[0]
        if operation == "p":
            return f"shared[{number}]"
        plane = number if operation == "x" else num_rows + number
        return f"block[i + uintp({plane * TILE})]"
    names = [f"s{index}" for index in operands]
    return SIGNS[operation].format(*names) if operation in SIGNS else f"{operation}({', '.join(names)})"
