"""Curves of a tracked talker and of performances on one page, in one unit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.liveliness_figures import FIRST, TRACKED_FPS, WINDOW, Moves

ROWS = ("brow, permille", "upper lid, permille", "nod, degrees", "turn, degrees")
_LONGEST = FIRST + WINDOW


def plot_curves(columns: Sequence[tuple[str, Moves, Sequence[int]]], target: Path) -> None:
    """Write a picture: a column for each face, with these clips of it; every curve about its own mean."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(ROWS), len(columns), figsize=(3.0 * len(columns), 6.0), sharex=True, sharey="row", squeeze=False
    )
    secs = np.arange(_LONGEST) / TRACKED_FPS
    for column, (title, moves, clips) in enumerate(columns):
        axes[0, column].set_title(title, fontsize=9)
        for clip in clips:
            heights, head = 1000.0 * moves.heights[clip][:_LONGEST], moves.head[clip][:_LONGEST]
            for row, curve in enumerate((heights[:, 0], heights[:, 1], head[:, 0], head[:, 1])):
                axes[row, column].plot(secs[: len(curve)], curve - np.median(curve), linewidth=1.0)
    for row, label in enumerate(ROWS):
        axes[row, 0].set_ylabel(label, fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("seconds", fontsize=8)
    for axis in axes.flat:
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.25)
    figure.tight_layout()
    figure.savefig(target, dpi=90)
    pyplot.close(figure)
