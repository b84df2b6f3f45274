"""One thread each for the libraries that numpy stands on: sums in another order give other bytes."""

import os

ONE_THREAD = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}  # fmt: skip


def use_one_thread() -> None:
    """For processes of our own, whatever their environment says; before numpy is loaded, or it has no effect."""
    os.environ.update(ONE_THREAD)
