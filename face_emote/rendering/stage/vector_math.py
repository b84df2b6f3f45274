"""Exponential and logarithm without branches, so that loops that use them run on vector instructions."""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy import float32, int32

from face_emote.rendering.stage.cache import kept_here

LOG2_E, LN2_HIGH, LN2_LOW = float32(1.44269504), float32(0.693359375), float32(-2.12194440e-4)
"""ln 2 in two parts, so that x - n ln 2 loses nothing."""
LARGEST = float32(87.0)
E2, E3, E4, E5, E6 = (float32(1.0 / k) for k in (2, 6, 24, 120, 720))
HALF, ONE, TWO, SQRT2 = float32(0.5), float32(1.0), float32(2.0), float32(1.41421356)
L3, L5, L7, L9 = (float32(1.0 / k) for k in (3, 5, 7, 9))
TINY = float32(1e-37)
MANTISSA, BIAS, SHIFT = int32(0x7FFFFF), int32(127), int32(23)


@intrinsic
def _as_float(_context: Any, bits: Any) -> Any:
    """The float with these 32 bits."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def _as_int(_context: Any, value: Any) -> Any:
    """The 32 bits of a float."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


def _fused(function: Any) -> Any:
    with kept_here():
        return njit(nogil=True, cache=True, error_model="numpy", fastmath={"nsz", "arcp", "contract", "afn"})(function)


@_fused
def exp(x):
    """E to the x in single precision, relative error below 3e-7; x is held within +-87."""
    x = min(max(x, -LARGEST), LARGEST)
    n = int32(x * LOG2_E + (HALF if x > float32(0.0) else -HALF))
    whole = float32(n)
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    p = ONE + r * (ONE + r * (E2 + r * (E3 + r * (E4 + r * (E5 + r * E6)))))
    return p * _as_float(int32((n + BIAS) << SHIFT))


@_fused
def log(x):
    """Natural logarithm in single precision, absolute error below 3e-7; smaller numbers count as 1e-37."""
    bits = _as_int(max(x, TINY))
    power = int32((bits >> SHIFT) - BIAS)
    m = _as_float(int32((bits & MANTISSA) | int32(0x3F800000)))
    large = m > SQRT2
    m = m * HALF if large else m
    whole = float32(power) + (ONE if large else float32(0.0))
    s = (m - ONE) / (m + ONE)
    z = s * s
    series = TWO * s * (ONE + z * (L3 + z * (L5 + z * (L7 + z * L9))))
    return series + whole * LN2_HIGH + whole * LN2_LOW
