"""Functions without branches, so that loops that use them run on vector instructions; all in single precision."""

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
HALF_PI, PI = float32(1.57079633), float32(3.14159265)
PI_HIGH, PI_MIDDLE, PI_LOW, PER_PI = (float32(x) for x in (3.140625, 9.67502593e-4, 1.50995799e-7, 0.318309886))
"""Pi in three parts, as ln 2."""
S3, S5, S7, S9 = (float32(x) for x in (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4, 2.6e-6))
A3, A5, A7, A9 = (float32(x) for x in (-3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2))
EIGHTH = float32(0.41421356)  # Tangent of pi / 8: arcs beyond it are turned by pi / 4 (Cephes).
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


@intrinsic
def floor(_context: Any, value: Any) -> Any:
    """The largest whole number that is not above a float, as a float."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.floor", [ir.FloatType()]), arguments)

    return types.float32(types.float32), generate


@intrinsic
def cell_hash(_context: Any, x: Any, y: Any, z: Any) -> Any:
    """`look.formula.ops.cell_hash`; numba itself would widen 32-bit whole numbers to 64."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.IntType(32)
        parts = [
            builder.mul(builder.fptosi(argument, kind), ir.Constant(kind, factor))
            for argument, factor in zip(arguments, (374761393, 668265263, 1274126177), strict=True)
        ]
        x = builder.add(builder.add(parts[0], parts[1]), parts[2])
        x = builder.mul(builder.xor(x, builder.lshr(x, ir.Constant(kind, 13))), ir.Constant(kind, 1103515245))
        x = builder.and_(builder.xor(x, builder.lshr(x, ir.Constant(kind, 16))), ir.Constant(kind, 0xFFFFFF))
        scale = ir.Constant(ir.FloatType(), 1.0 / 16777215.0)
        return builder.fmul(builder.sitofp(x, ir.FloatType()), scale)

    return types.float32(types.float32, types.float32, types.float32), generate


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


@_fused
def sin(x):
    """Sine of radians, absolute error below 1e-6 plus the rounding of x."""
    turns = floor(x * PER_PI + HALF)
    r = ((x - turns * PI_HIGH) - turns * PI_MIDDLE) - turns * PI_LOW
    odd = turns - TWO * floor(turns * HALF)
    z = r * r
    value = r + r * z * (S3 + z * (S5 + z * (S7 + z * S9)))
    return value - TWO * odd * value


@_fused
def cos(x):
    """Cosine of radians, as `sin`."""
    return sin(x + HALF_PI)


@_fused
def atan2(y, x):
    """Angle of (x, y), -pi..pi, absolute error below 1e-6."""
    flat, tall = abs(x), abs(y)
    steep = tall > flat
    top, below = (flat if steep else tall), (tall if steep else flat)
    t = top / max(below, TINY)
    far = t > EIGHTH
    s = (t - ONE) / (t + ONE) if far else t
    z = s * s
    angle = s + s * z * (A3 + z * (A5 + z * (A7 + z * A9)))
    angle = angle + HALF * HALF_PI if far else angle
    angle = HALF_PI - angle if steep else angle
    angle = PI - angle if x < float32(0.0) else angle
    return -angle if y < float32(0.0) else angle
