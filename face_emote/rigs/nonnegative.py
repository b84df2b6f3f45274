"""Weights that may not be negative: how much of each shape makes a wanted shape, by coordinate descent."""

import numpy as np

from face_emote.core.arrays import Array, Float

SWEEPS = 300  # The mixes of ARKit's shapes are settled to 1e-6 after about 100.


def nearest_mixes(
    wanted: Float[Array, "shape number"], shapes: Float[Array, "part number"]
) -> Float[Array, "shape part"]:
    """Non-negative weights w with least |wanted - w @ shapes|^2; 0 for shapes that are empty."""
    gram = (shapes @ shapes.T).astype(np.float64)
    goal = (wanted @ shapes.T).astype(np.float64)
    return nonnegative_weights(gram, goal)


def nonnegative_weights(
    gram: Float[Array, "part part"],
    goal: Float[Array, "row part"],
    *,
    upper: float = np.inf,
    sweeps: int = SWEEPS,
    settled: float = 1e-7,
    start: Float[Array, "row part"] | None = None,
) -> Float[Array, "row part"]:
    """Rows w with least w gram w - 2 goal w, each in 0..`upper`: the same, given only the shapes' products.

    Stops after `sweeps` rounds, or when no weight changes by more than `settled`; sooner from a `start` near the end.
    """
    weights = np.zeros(goal.shape) if start is None else start.astype(np.float64)
    used = np.flatnonzero(np.diag(gram) > 1e-12)
    slope = goal.astype(np.float64) - weights @ gram
    for _ in range(sweeps):
        largest = 0.0
        for part in used:
            new = np.clip(weights[:, part] + slope[:, part] / gram[part, part], 0.0, upper)
            step = new - weights[:, part]
            largest = max(largest, float(np.abs(step).max(initial=0.0)))
            slope -= step[:, None] * gram[part]
            weights[:, part] = new
        if largest < settled:
            break
    return weights
