"""Arithmetic written down instead of done: a formula called with symbols becomes a list of scalar steps.

Each step is made once however often it is asked for, and has a derivative (Griewank and Walther 2008, ch. 6).
`glsl` and `kernel` write the steps in other languages.
"""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from face_emote.look.formula.materials import Formula
from face_emote.look.formula.ops import KINDS, cell_hash
from face_emote.look.formula.records import filled

LEAVES = ("constant", "x", "p", "g")
"""Steps without arguments that are steps."""
Derivative = Callable[["Scalar", list["Scalar"], "Scalar"], list["Scalar | float | None"]]


class Program:
    """Steps in order: (operation, arguments). Arguments are earlier steps, or the value or number of a leaf."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, tuple[Any, ...]]] = []
        self._known: dict[tuple[str, tuple[Any, ...]], int] = {}

    def step(self, name: str, *arguments: "Scalar | float | bool") -> "Scalar":
        """The result of an operation."""
        nodes = [a if isinstance(a, Scalar) else self.constant(a) for a in arguments]
        values = [node.value for node in nodes]
        if all(value is not None for value in values):
            return self.constant(FOLD[name](*values))
        simple = _simplified(name, nodes, values)
        return simple if simple is not None else self._made(name, tuple(node.index for node in nodes))

    def constant(self, value: float | bool) -> "Scalar":
        """A number."""
        return self._made("constant", (float(value),))

    def read(self, kind: str, number: int) -> "Scalar":
        """`kind` x: of a place; p: shared by all; g: of the gradient of the output."""
        return self._made(kind, (number,))

    def _made(self, name: str, arguments: tuple[Any, ...]) -> "Scalar":
        key = (name, arguments)
        if key not in self._known:
            self._known[key] = len(self.steps)
            self.steps.append(key)
        return Scalar(self, self._known[key])


def _binary(name: str, *, swapped: bool = False) -> Any:
    """A method of `Scalar` that adds a step with two arguments."""

    def method(self: "Scalar", other: Any) -> Any:
        if not isinstance(other, Scalar | float | int | np.number | np.bool_):
            return NotImplemented
        pair = (other, self) if swapped else (self, other)
        return self.program.step(name, *pair)

    return method


class Scalar:
    """One step's result; arithmetic on it adds steps."""

    __slots__ = ("index", "program")

    def __init__(self, program: Program, index: int) -> None:
        self.program, self.index = program, index

    @property
    def value(self) -> float | None:
        """The number, where it is one."""
        name, arguments = self.program.steps[self.index]
        return arguments[0] if name == "constant" else None

    __add__, __radd__ = _binary("add"), _binary("add", swapped=True)
    __sub__, __rsub__ = _binary("sub"), _binary("sub", swapped=True)
    __mul__, __rmul__ = _binary("mul"), _binary("mul", swapped=True)
    __truediv__, __rtruediv__ = _binary("div"), _binary("div", swapped=True)
    __lt__, __gt__ = _binary("lt"), _binary("gt")

    def __neg__(self) -> "Scalar":
        return self.program.step("neg", self)


def _of_symbols(name: str, *values: Any) -> Scalar:
    program = next(value.program for value in values if isinstance(value, Scalar))
    return program.step(name, *values)


KINDS[Scalar] = _of_symbols


def _simplified(name: str, nodes: list[Scalar], values: list[float | None]) -> Scalar | None:
    """What needs no step: x + 0, x - 0, 1 x, 0 x, x / 1, a choice that is made."""
    if name == "add" and 0.0 in values:
        return nodes[1 - values.index(0.0)]
    if name == "sub" and values[1] == 0.0:
        return nodes[0]
    if name == "mul" and 0.0 in values:
        return nodes[values.index(0.0)]
    if name in ("mul", "div") and values[1] == 1.0:
        return nodes[0]
    if name == "mul" and values[0] == 1.0:
        return nodes[1]
    if name == "where" and (values[0] is not None or nodes[1].index == nodes[2].index):
        return nodes[1] if values[0] or values[0] is None else nodes[2]
    return None


FOLD: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "atan2": math.atan2,
    "floor": math.floor, "hash": cell_hash, "max": max, "min": min, "where": lambda c, a, b: a if c else b,
    "lt": operator.lt, "gt": operator.gt,
}  # fmt: skip
"""Every operation of a program, on numbers."""


def _chosen(y: "Scalar", name: str, a: list["Scalar"], g: "Scalar") -> list["Scalar | float | None"]:
    first = y.program.step(name, a[0], a[1])
    return [y.program.step("where", first, g, 0.0), y.program.step("where", first, 0.0, g)]


DERIVATIVES: dict[str, Derivative] = {
    "add": lambda y, a, g: [g, g],
    "sub": lambda y, a, g: [g, -g],
    "mul": lambda y, a, g: [g * a[1], g * a[0]],
    "div": lambda y, a, g: [g / a[1], -(g * y / a[1])],
    "neg": lambda y, a, g: [-g],
    "exp": lambda y, a, g: [g * y],
    "log": lambda y, a, g: [g / a[0]],
    "sqrt": lambda y, a, g: [g * 0.5 / y],
    "sin": lambda y, a, g: [g * y.program.step("cos", a[0])],
    "atan2": lambda y, a, g: [g * a[1] / (a[0] * a[0] + a[1] * a[1]), -(g * a[0] / (a[0] * a[0] + a[1] * a[1]))],
    "max": lambda y, a, g: _chosen(y, "gt", a, g),
    "min": lambda y, a, g: _chosen(y, "lt", a, g),
    "where": lambda y, a, g: [None, y.program.step("where", a[0], g, 0.0), y.program.step("where", a[0], 0.0, g)],
}
"""Given a step's result, its arguments and the gradient of the result: gradients of the arguments. Others have none."""


def pulled_back(program: Program, outputs: Sequence[Scalar], inputs: Sequence[Scalar]) -> list[Scalar]:
    """Steps for the gradient of every input, given those of the outputs as `g` (reverse accumulation)."""
    gradients: dict[int, Scalar] = {}
    for number, output in enumerate(outputs):
        given = program.read("g", number)
        gradients[output.index] = gradients[output.index] + given if output.index in gradients else given
    for index in range(max(output.index for output in outputs), -1, -1):
        name, arguments = program.steps[index]
        if index not in gradients or name not in DERIVATIVES:
            continue
        nodes = [Scalar(program, number) for number in arguments]
        parts = DERIVATIVES[name](Scalar(program, index), nodes, gradients[index])
        for node, part in zip(nodes, parts, strict=True):
            if part is None or node.value is not None:
                continue
            known = gradients.get(node.index)
            gradients[node.index] = part if known is None else known + part  # type: ignore[assignment]
    return [gradients.get(one.index, program.constant(0.0)) for one in inputs]


def needed(program: Program, outputs: Iterable[Scalar]) -> list[int]:
    """Numbers of the steps that some outputs are made of, in order."""
    found, waiting = set(), [output.index for output in outputs]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            operation, operands = program.steps[index]
            waiting += operands if operation not in LEAVES else ()
    return sorted(found)


class Traced:
    """A formula's steps."""

    def __init__(self, formula: Formula) -> None:
        """Call it with symbols."""
        self.formula, self.program = formula, Program()
        self.row_names, self.shared_names = formula.names(formula.rows), formula.names(formula.shared)
        self.rows, shared = self._read("x", formula.rows), self._read("p", formula.shared)
        self.outputs: list[Scalar] = [
            value if isinstance(value, Scalar) else self.program.constant(value)
            for value in formula.compute(
                *self._records(formula.rows, self.rows), *self._records(formula.shared, shared)
            )
        ]
        self.shared = shared

    def gradients(self, names: Iterable[str]) -> list[Scalar]:
        """Steps for the gradients of some inputs, by name."""
        known = dict(zip([*self.row_names, *self.shared_names], [*self.rows, *self.shared], strict=True))
        return pulled_back(self.program, self.outputs, [known[name] for name in names])

    def _read(self, leaf: str, kinds: tuple[type, ...]) -> list[Scalar]:
        names = self.formula.names(kinds)
        return [self.program.read(leaf, number) for number in range(len(names))]

    @staticmethod
    def _records(kinds: tuple[type, ...], symbols: list[Scalar]) -> list[Any]:
        left = iter(symbols)
        return [filled(kind, lambda _: next(left)) for kind in kinds]
