"""Somebody's own change to a layer of a trained network: a matrix of low rank, added to the layer's own."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.network.weights import Affine

RANK = 4
"""Directions at most."""


@dataclass(frozen=True, slots=True, eq=False)
class LowRank:
    """What is added to a layer: x @ down @ up + bias."""

    down: Float[Array, "_in rank"]
    up: Float[Array, "rank _out"]
    bias: Float[Array, " _out"]
    of: str
    """sha256 of the network that has the layer: to another one it says nothing."""

    def onto(self, layer: Affine, *, strength: float) -> Affine:
        """The layer with so much of it."""
        weight = layer.weight + np.float32(strength) * (self.down @ self.up)
        return Affine(weight.astype(np.float32), (layer.bias + np.float32(strength) * self.bias).astype(np.float32))

    def fits(self, layer: Affine) -> bool:
        """Whether its sizes are the layer's."""
        return (len(self.down), self.up.shape[1]) == layer.weight.shape


def low_rank(change: Float[Array, "_in _out"], *, bias: Float[Array, " _out"], of: str) -> LowRank:
    """The nearest change of `RANK` to a whole one."""
    left, sizes, right = np.linalg.svd(change, full_matrices=False)
    down, up = left[:, :RANK] * sizes[:RANK], right[:RANK]
    return LowRank(down.astype(np.float32), up.astype(np.float32), bias.astype(np.float32), of)
