"""Viterbi searches side by side, through the stretches of a stream between instants at which the state is known."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Int

BATCH_FRAMES = 12_000
"""Frames that are gathered before their stretches are searched together: memory does not grow with the stream."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """Runs of rows, longest first, so that those which still go on are always the first ones.

    A step of a search is a few operations on arrays, whose cost hardly depends on how many searches take it together.
    """

    first: Int[Array, " stretch"]
    length: Int[Array, " stretch"]

    @classmethod
    def of(cls, first: Int[Array, " stretch"], length: Int[Array, " stretch"]) -> "Stretches":
        """In any order."""
        order = np.argsort(-length, kind="stable")
        return cls(first[order], length[order])

    @property
    def last(self) -> Int[Array, " stretch"]:
        """The last row of each."""
        last: Array = self.first + self.length - 1
        return last

    def forward(self) -> Iterator[Int[Array, " _going_on"]]:
        """Step by step, the rows at which those stretches are that go on, from their first rows on."""
        for step, count in enumerate(self._counts()):
            yield self.first[:count] + step

    def backward(self) -> Iterator[Int[Array, " _going_on"]]:
        """Likewise, from their last rows back."""
        for step, count in enumerate(self._counts()):
            yield self.last[:count] - step

    def _counts(self) -> list[int]:
        """How many stretches have a step, for each step."""
        longest = int(self.length[0]) if len(self.length) else 0
        counts: list[int] = np.searchsorted(-self.length, -np.arange(longest), side="left").tolist()
        return counts
