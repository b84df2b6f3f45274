"""The one loop that numpy cannot do: least squares within bounds, a coordinate at a time."""

from numba import njit


@njit(cache=True)
def boxed_solution(matrix, right, start, low, high, sweeps):
    """Minimise x A x / 2 - b x within low..high by projected Gauss-Seidel, in place on `start`."""
    size = len(start)
    for _ in range(sweeps):
        for i in range(size):
            rest = right[i]
            for j in range(size):
                rest -= matrix[i, j] * start[j]
            value = start[i] + rest / matrix[i, i]
            start[i] = min(max(value, low[i]), high[i])
    return start
