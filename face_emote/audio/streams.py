"""Streams of feature rows: fixed windows with context on both sides, so that streamed equals whole to the bit."""

from collections.abc import Iterable, Iterator

import numpy as np

from face_emote.core.arrays import Array, Float


def with_context(
    chunks: Iterable[Float[Array, "_rows column"]], *, size: int, before: int, after: int, outside: float
) -> Iterator[tuple[Float[Array, "_window column"], int]]:
    """Cut a stream of rows into windows of `before + size + after` rows, one every `size` rows.

    Yields:
        The window, and how many of its `size` middle rows are real (fewer at the end of the stream). Rows before
        the start and after the end hold `outside`. Every window starts at a multiple of `size` and has the same
        shape, so what is computed from it does not depend on how the stream was cut.
    """
    held: Array | None = None
    length = before + size + after
    for chunk in chunks:
        if held is None:
            held = np.full((before, chunk.shape[1]), outside, chunk.dtype)
        held = np.concatenate([held, chunk])
        while len(held) >= length:
            yield held[:length], size
            held = held[size:]
    while held is not None and len(held) > before:
        window = np.full((length, held.shape[1]), outside, held.dtype)
        window[: len(held)] = held
        yield window, min(size, len(held) - before)
        held = held[size:]


def middle(
    windows: Iterable[tuple[Float[Array, "_window column"], int]], *, before: int
) -> Iterator[Float[Array, "_rows column"]]:
    """The real middle rows of each window of `with_context`."""
    for window, real in windows:
        yield window[before : before + real]
