"""Sweeps: `emotion=joy,anger; intensity=.3,1` makes every row four."""

import re
from itertools import product

from face_emote.batch.columns import column_named
from face_emote.core.errors import BatchError

MAX_COMBINATIONS = 10_000
_COMMA = re.compile(r",(?![^(]*\))")
"""A comma that is not inside brackets: `vad(-0.4, 0.7, 0.2)` is one value."""
FIXED = ("speech", "outputs", "name")


def combinations(sweep: str) -> tuple[dict[str, str], ...]:
    """The cells of every combination; of an empty sweep, one without cells.

    Raises:
        BatchError: the sweep cannot be read.
    """
    axes: dict[str, list[str]] = {}
    for part in (part for part in sweep.split(";") if part.strip()):
        name, sign, values = part.partition("=")
        if not sign or not values.strip():
            raise BatchError(
                f'A sweep reads "emotion=joy,anger; intensity=.3,1"; this part has no values: {part.strip()}'
            )
        column = column_named(name)
        if column in FIXED or column in axes:
            raise BatchError(f"A sweep cannot go over {column}{' twice' if column in axes else ''}")
        axes[column] = [value.strip() for value in _COMMA.split(values)]
        if "" in axes[column] or len(set(axes[column])) < len(axes[column]):
            raise BatchError(f"The values of {column} in the sweep must be there, each once: {values.strip()}")
    count = 1
    for options in axes.values():
        count *= len(options)
    if count > MAX_COMBINATIONS:
        raise BatchError(f"This sweep makes {count} of every row; at most {MAX_COMBINATIONS} are possible")
    return tuple(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
