"""The arithmetic formulas are written in: `+ - * /`, comparisons, what is below, and vectors of three."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Number = Any  # A float, a column of floats (numpy or torch), or a symbol.

KINDS: dict[type, Callable[..., Number]] = {}
"""For values that are neither floats nor numpy arrays: kind(operation, *arguments)."""


def cell_hash(i: Number, j: Number, k: Number) -> Number:
    """A number in 0..1 for every cell of the grid; arguments are whole. Every engine has these integer steps."""
    i, j, k = (np.asarray(np.floor(v)).astype(np.int64) for v in (i, j, k))
    x = (i * 374761393 + j * 668265263 + k * 1274126177) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 1103515245) & 0xFFFFFFFF
    return ((x ^ (x >> 16)) & 0xFFFFFF) / 16777215.0


NUMPY: dict[str, Callable[..., Number]] = {
    "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "sin": np.sin, "atan2": np.arctan2, "floor": np.floor,
    "max": np.maximum, "min": np.minimum, "where": np.where, "hash": cell_hash,
}  # fmt: skip


def _operation(name: str, *values: Number) -> Number:
    for value in values:
        kind = KINDS.get(type(value))
        if kind is not None:
            return kind(name, *values)
    return NUMPY[name](*values)


def sqrt(x: Number) -> Number:
    """Square root; x >= 0, and > 0 where a gradient is wanted."""
    return _operation("sqrt", x)


def exp(x: Number) -> Number:
    """Of base e."""
    return _operation("exp", x)


def sine(x: Number) -> Number:
    """Of radians."""
    return _operation("sin", x)


def atan2(y: Number, x: Number) -> Number:
    """Angle of (x, y)."""
    return _operation("atan2", y, x)


def floor(x: Number) -> Number:
    """Largest whole number not above x; without gradient."""
    return _operation("floor", x)


def maximum(a: Number, b: Number) -> Number:
    """The larger."""
    return _operation("max", a, b)


def minimum(a: Number, b: Number) -> Number:
    """The smaller."""
    return _operation("min", a, b)


def where(condition: Number, one: Number, other: Number) -> Number:
    """`one` where the condition holds, else `other`; both are computed, so both must be finite."""
    return _operation("where", condition, one, other)


def absolute(x: Number) -> Number:
    """Without sign."""
    return maximum(x, -x)


def clamp(x: Number, low: float = 0.0, high: float = 1.0) -> Number:
    """Held between two ends."""
    return minimum(maximum(x, low), high)


def mix(a: Number, b: Number, share: Number) -> Number:
    """From a (share 0) to b (1); of numbers or vectors."""
    return a + (b - a) * share


def power(x: Number, exponent: float) -> Number:
    """X to a constant exponent; x > 0 unless the exponent is whole."""
    if not float(exponent).is_integer():
        return exp(_operation("log", x) * exponent)
    whole, result, square = int(exponent), None, x
    while whole:
        if whole & 1:
            result = square if result is None else result * square
        whole >>= 1
        square = square * square if whole else square
    return result


def smoothstep(ends: tuple[Number, Number], x: Number) -> Number:
    """0 below the first end, 1 above the second, smooth between; falls when the second is the smaller one."""
    t = clamp((x - ends[0]) * (1.0 / (ends[1] - ends[0])))
    return t * t * (3.0 - 2.0 * t)


@dataclass(frozen=True, slots=True, eq=False)
class Vec:
    """Three numbers: a place, a direction or a colour. Arithmetic goes by component; numbers count for all three."""

    x: Number
    y: Number
    z: Number

    __array_ufunc__ = None  # Lets `column * vector` come here instead of numpy taking the vector apart.

    def __iter__(self) -> Iterator[Number]:
        return iter((self.x, self.y, self.z))

    def __add__(self, other: "Vec | Number") -> "Vec":
        a = other if isinstance(other, Vec) else Vec(other, other, other)
        return Vec(self.x + a.x, self.y + a.y, self.z + a.z)

    __radd__ = __add__

    def __neg__(self) -> "Vec":
        return Vec(-self.x, -self.y, -self.z)

    def __sub__(self, other: "Vec | Number") -> "Vec":
        a = other if isinstance(other, Vec) else Vec(other, other, other)
        return Vec(self.x - a.x, self.y - a.y, self.z - a.z)

    def __rsub__(self, other: Number) -> "Vec":
        return Vec(other - self.x, other - self.y, other - self.z)

    def __mul__(self, other: "Vec | Number") -> "Vec":
        a = other if isinstance(other, Vec) else Vec(other, other, other)
        return Vec(self.x * a.x, self.y * a.y, self.z * a.z)

    __rmul__ = __mul__

    def each(self, function: Callable[[Number], Number]) -> "Vec":
        """The function of each component."""
        return Vec(function(self.x), function(self.y), function(self.z))


def vec(values: tuple[float, float, float]) -> Vec:
    """A constant of the number files as a vector."""
    return Vec(*values)


def dot(a: Vec, b: Vec) -> Number:
    """Scalar product."""
    return a.x * b.x + a.y * b.y + a.z * b.z


def cross(a: Vec, b: Vec) -> Vec:
    """Vector product."""
    return Vec(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)


def unit(a: Vec) -> Vec:
    """At length 1; nothing at all where it has none."""
    found: Vec = a * (1.0 / sqrt(dot(a, a) + 1e-20))
    return found


def distance(a: Vec, b: Vec) -> Number:
    """Between two places."""
    return sqrt(dot(a - b, a - b) + 1e-18)


def noise(at: Vec) -> Number:
    """Smooth noise in 0..1 with cells of size 1: numbers of the eight corners, mixed."""
    cell = at.each(floor)
    share = (at - cell).each(lambda f: f * f * (3.0 - 2.0 * f))
    corner = [[cell.x, cell.x + 1.0], [cell.y, cell.y + 1.0], [cell.z, cell.z + 1.0]]

    def along_x(j: int, k: int) -> Number:
        one, other = (_operation("hash", i, corner[1][j], corner[2][k]) for i in corner[0])
        return mix(one, other, share.x)

    near, far = (mix(along_x(0, k), along_x(1, k), share.y) for k in (0, 1))
    return mix(near, far, share.z)
