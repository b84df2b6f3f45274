"""What printed formulas and the engines that run them agree on; `tools.write_shaders` prints them.

A kernel works on a block: a flat float32 array of planes, in which number r of place i lies at r * TILE + i. First come
the planes of a place's numbers, then those of the outputs; the way back reads the outputs' gradients there and writes
the gradients of chosen inputs behind them. A shader gets what all places share as uniforms.
"""

from functools import cache

from face_emote.core.arrays import Array, Float
from face_emote.look.formula.materials import Formula

TILE = 112
"""Places together: all planes fit the nearest cache, and distances near powers of two would fight for its lines."""
OF_ALL = ("lights.", "skies.")  # Uniforms that formulas share; others carry the formula's name.


@cache
def gradient_names(formula: Formula) -> tuple[str, ...]:
    """Inputs that `backward` gives gradients of, in their order: all of a place, and the mouth's opening."""
    shared = (name for name in formula.names(formula.shared) if name.startswith("opening."))
    return (*formula.names(formula.rows), *shared)


def uniform_values(formula: Formula, numbers: Float[Array, " number"]) -> dict[str, list[float]]:
    """What to set the uniforms to, from the shared numbers in their order."""
    found: dict[str, list[float]] = {}
    for name, number in zip(formula.names(formula.shared), numbers.tolist(), strict=True):
        found.setdefault(uniform_name(formula, name).partition(".")[0], []).append(number)
    return found


def uniform_name(formula: Formula, name: str) -> str:
    """What a shader calls a shared number."""
    of_all = name.startswith(OF_ALL)
    return ("" if of_all else f"{formula.name}_") + component_name(name, whole=of_all)


def component_name(name: str, *, whole: bool = False) -> str:
    """`spot.normal.x` as `normal.x`; `whole` keeps the record's name."""
    pieces = name.split(".") if whole else name.split(".")[1:]
    if pieces[-1] in ("x", "y", "z"):
        return "_".join(pieces[:-1]) + "." + pieces[-1]
    return "_".join(pieces)
