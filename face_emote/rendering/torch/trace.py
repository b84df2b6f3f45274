"""A torch function of one pixel written down as scalar arithmetic, to be compiled into one loop over all pixels.

The function is run once on a single row of each input, and every torch operation on the way is repeated on symbols
(Griewank and Walther 2008, ch. 6). What comes out is a straight list of scalar steps, each made once, with their
derivatives: `compile` turns it into kernels.
"""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from face_emote.core.arrays import Array

Derivative = Callable[["Scalar", list["Scalar"], "Scalar"], list["Scalar | float | None"]]


class NotScalarError(Exception):
    """The function does something that is not arithmetic on single rows."""


class Program:
    """Steps in order: (operation, arguments). Arguments are earlier steps, or the value of a constant."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, tuple[Any, ...]]] = []
        self._known: dict[tuple[str, tuple[Any, ...]], int] = {}

    def step(self, name: str, *arguments: "Scalar | float | bool") -> "Scalar":
        """The result of an operation, made once however often it is asked for."""
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
        """`kind` x: channel of a pixel; p: of the parameters; g: of the gradient of the output."""
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

    def __neg__(self) -> "Scalar":
        return self.program.step("neg", self)


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
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "acos": math.acos,
    "atan2": math.atan2, "floor": math.floor, "max": max, "min": min, "where": lambda c, a, b: a if c else b,
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq,
    "and": lambda a, b: bool(a) and bool(b), "or": lambda a, b: bool(a) or bool(b), "not": operator.not_,
}  # fmt: skip
"""Every operation of a program, on numbers."""

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
    "cos": lambda y, a, g: [-(g * y.program.step("sin", a[0]))],
    "acos": lambda y, a, g: [-(g / y.program.step("sqrt", 1.0 - a[0] * a[0]))],
    "atan2": lambda y, a, g: [g * a[1] / (a[0] * a[0] + a[1] * a[1]), -(g * a[0] / (a[0] * a[0] + a[1] * a[1]))],
    "max": lambda y, a, g: [
        y.program.step("where", y.program.step("gt", a[0], a[1]), g, 0.0),
        y.program.step("where", y.program.step("gt", a[0], a[1]), 0.0, g),
    ],
    "min": lambda y, a, g: [
        y.program.step("where", y.program.step("lt", a[0], a[1]), g, 0.0),
        y.program.step("where", y.program.step("lt", a[0], a[1]), 0.0, g),
    ],
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


def traced(
    function: Callable[..., Tensor], *, row: Tensor, parameters: Sequence[Tensor]
) -> tuple[Program, list[Scalar], list[Scalar]]:
    """Run `function(row, *parameters)` on symbols.

    Args:
        function: Of rows [pixel, channel] and parameters that all rows share; each row by itself.
        row: One row, [1, channel], like those the function will be used on.
        parameters: Examples of the right shapes.

    Returns:
        The program, its outputs in order, and the row's channels.

    Raises:
        NotScalarError: an operation is not known here.
    """
    program = Program()
    channels = [program.read("x", k) for k in range(row.shape[1])]
    symbols: dict[int, Array] = {id(row): _objects(channels, row.shape)}
    first = 0
    for parameter in parameters:
        shared = [program.read("p", first + k) for k in range(parameter.numel())]
        symbols[id(parameter)] = _objects(shared, parameter.shape)
        first += parameter.numel()
    mode = _Recorder(program, symbols, keep=[row, *parameters])
    with torch.no_grad(), mode:
        result = function(row, *parameters)
    if id(result) not in symbols:
        raise NotScalarError("the result does not depend on the rows")
    return program, list(symbols[id(result)].reshape(-1)), channels


def _objects(values: Sequence[Any], shape: Sequence[int]) -> Array:
    out = np.empty(len(values), object)
    out[:] = values
    return out.reshape(tuple(shape))


class _Recorder(TorchDispatchMode):
    """Repeats every operation on symbols; tensors that hold none are constants."""

    def __init__(self, program: Program, symbols: dict[int, Array], *, keep: list[Any]) -> None:
        super().__init__()
        self.program, self.symbols = program, symbols
        self.keep = keep
        """Tensors are known by their identity: they have to stay alive."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for every operation."""
        options = kwargs or {}
        out = func(*args, **options)
        name = func._schema.name.removeprefix("aten::")
        if not any(id(one) in self.symbols for one in _flat([*args, *options.values()])):
            return out
        if name not in HANDLERS:
            raise NotScalarError(f"{name} is not known")
        plain = {key: value for key, value in options.items() if key in ("alpha", "min", "max", "keepdim", "dim")}
        found = HANDLERS[name](self.program, out, *[self._symbolic(one) for one in args], **plain)
        for tensor, symbol in zip(_flat([out]), found if isinstance(found, list) else [found], strict=True):
            self.symbols[id(tensor)] = np.asarray(symbol, object).reshape(tuple(tensor.shape))
            self.keep.append(tensor)
        return out

    def _symbolic(self, argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [self._symbolic(one) for one in argument]
        if not isinstance(argument, Tensor):
            return argument
        if id(argument) in self.symbols:
            return self.symbols[id(argument)]
        return _objects([self.program.constant(v) for v in argument.reshape(-1).tolist()], argument.shape)


def _flat(values: Any) -> list[Any]:
    if isinstance(values, list | tuple):
        return [one for value in values for one in _flat(value)]
    return [values]


def _each(name: str) -> Callable[..., Array]:
    """An operation of a program on arrays of symbols and numbers."""

    def handler(program: Program, out: Any, *arguments: Any) -> Array:
        wide = np.broadcast_arrays(*[np.asarray(a, object) for a in arguments])
        rows = zip(*(one.reshape(-1) for one in wide), strict=True)
        return _objects([program.step(name, *row) for row in rows], wide[0].shape)

    return handler


def _clamp(program: Program, out: Any, x: Array, min: Any = None, max: Any = None) -> Array:
    if min is not None:
        x = _each("max")(program, out, x, min)
    return x if max is None else _each("min")(program, out, x, max)


def _power(program: Program, out: Any, x: Any, exponent: Any) -> Array:
    if isinstance(exponent, int | float) and float(exponent).is_integer() and 0 < abs(exponent) <= 16:
        whole, result, square = abs(int(exponent)), 1.0, x
        while whole:
            if whole & 1:
                result = result * square
            whole >>= 1
            square = square * square if whole else square
        return np.asarray(1.0 / result if exponent < 0 else result, object)
    if exponent == 0.5:
        return _each("sqrt")(program, out, x)
    logarithm = _each("log")(program, out, x)
    return _each("exp")(program, out, logarithm * np.asarray(exponent, object))


def _lerp(program: Program, out: Any, a: Array, b: Array, weight: Any) -> Array:
    return a + (b - a) * np.asarray(weight, object)


def _sum(program: Program, out: Any, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    axes = tuple(range(x.ndim)) if dim is None else tuple(dim)
    return np.asarray(x.sum(axis=axes, keepdims=keepdim), object).reshape(tuple(out.shape))


def _mean(program: Program, out: Any, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    total = _sum(program, out, x, dim, keepdim)
    return total * (total.size / x.size)


def _norm(program: Program, out: Any, x: Array, order: float = 2.0, dim: Any = None, keepdim: bool = False) -> Array:
    if order != 2:
        raise NotScalarError("only the Euclidean norm is known")
    return _each("sqrt")(program, out, _sum(program, out, x * x, dim, keepdim))


def _cross(program: Program, out: Any, a: Array, b: Array, dim: int = -1) -> Array:
    a, b = (np.moveaxis(one, dim, -1) for one in np.broadcast_arrays(a, b))
    parts = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=dim)


def _shaped(program: Program, out: Any, x: Array, *_: Any, **__: Any) -> Array:
    return x.reshape(tuple(out.shape))


def _slice(
    program: Program, out: Any, x: Array, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Array:
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def _split(program: Program, out: Any, x: Array, dim: int = 0) -> list[Array]:
    return [np.take(x, k, axis=dim) for k in range(x.shape[dim])]


HANDLERS: dict[str, Callable[..., Any]] = {
    "add": lambda p, o, a, b, alpha=1: a + (b if alpha == 1 else b * alpha),
    "sub": lambda p, o, a, b, alpha=1: a - (b if alpha == 1 else b * alpha),
    "rsub": lambda p, o, a, b, alpha=1: b - (a if alpha == 1 else a * alpha),
    "mul": lambda p, o, a, b: a * b,
    "div": lambda p, o, a, b: a / b,
    "reciprocal": lambda p, o, a: 1.0 / a,
    "neg": lambda p, o, a: -a,
    "abs": lambda p, o, a: _each("max")(p, o, a, -a),
    "rsqrt": lambda p, o, a: 1.0 / _each("sqrt")(p, o, a),
    "pow": _power,
    "maximum": _each("max"), "minimum": _each("min"), "clamp_min": _each("max"), "clamp_max": _each("min"),
    "clamp": _clamp, "lerp": _lerp, "sum": _sum, "mean": _mean, "linalg_vector_norm": _norm, "linalg_cross": _cross,
    "mm": lambda p, o, a, b: a @ b,
    "bmm": lambda p, o, a, b: a @ b,
    "mv": lambda p, o, a, b: a @ b,
    "dot": lambda p, o, a, b: np.asarray(a @ b, object),
    "addmm": lambda p, o, c, a, b: c + a @ b,
    "t": lambda p, o, a: a.T,
    "transpose": lambda p, o, a, i, j: np.swapaxes(a, i, j),
    "permute": lambda p, o, a, axes: np.transpose(a, axes),
    "expand": lambda p, o, a, *_: np.broadcast_to(a, tuple(o.shape)),
    "select": lambda p, o, a, dim, at: np.asarray(np.take(a, at, axis=dim), object),
    "slice": _slice, "unbind": _split,
    "cat": lambda p, o, parts, dim=0: np.concatenate(parts, axis=dim),
    "stack": lambda p, o, parts, dim=0: np.stack(parts, axis=dim),
    "bitwise_and": _each("and"), "logical_and": _each("and"), "bitwise_or": _each("or"), "logical_or": _each("or"),
    "bitwise_not": _each("not"), "logical_not": _each("not"),
    **{name: _each(name) for name in (
        "exp", "log", "sqrt", "sin", "cos", "acos", "atan2", "floor", "where", "lt", "le", "gt", "ge", "eq"
    )},
    **{name: _shaped for name in (
        "view", "reshape", "_unsafe_view", "unsqueeze", "squeeze", "flatten", "clone", "detach", "alias", "_to_copy",
        "contiguous", "lift_fresh", "lift_fresh_copy", "_reshape_alias",
    )},
}  # fmt: skip
"""Torch's operations on arrays of symbols: handler(program, torch's own result, *arguments)."""
