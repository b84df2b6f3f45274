"""Pictures of an evaluation: lip gap against the real one, and a bar for every measure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from face_emote.core.errors import DependencyError
from face_emote.core.output import written_beside
from face_emote_lab.evaluation.evaluate import GapPair
from face_emote_lab.evaluation.report import LIP_ROWS, GroupReport, Report

CLOSED = 0.03
OURS, REAL, OTHERS = "#c2410c", "#334155", "#94a3b8"
DPI = 110


def write_plots(report: Report, pairs: Sequence[GapPair], *, folder: Path) -> tuple[Path, ...]:
    """Write `gap-N.png` for each group's best, median and worst clip and `measures-N.png` with a bar for each figure.

    DependencyError: matplotlib is not installed. OutputError: nothing can be written there.
    """
    require_plotting()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, group in enumerate(report.groups, start=1):
        mine = [pair for pair in pairs if pair.group == group.name]
        if mine:
            written.append(_saved(_gap_figure(group, mine, animator=report.animator), folder / f"gap-{number}.png"))
        written.append(_saved(_bar_figure(group), folder / f"measures-{number}.png"))
    return tuple(written)


def require_plotting() -> None:
    """Raise DependencyError unless matplotlib can be imported; long work calls this first."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise DependencyError("Plots need matplotlib: pip install 'face-emote[train]'") from None


def _gap_figure(group: GroupReport, pairs: Sequence[GapPair], *, animator: str) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 2.4 * len(pairs)), layout="constrained")
    for axes, pair in zip(figure.subplots(len(pairs), 1, squeeze=False)[:, 0], pairs, strict=True):
        axes.axhline(CLOSED, color=OTHERS, linewidth=0.8, linestyle=":")
        axes.plot(pair.times, pair.real, color=REAL, linewidth=1.6, label="real lips")
        axes.plot(pair.times, pair.ours, color=OURS, linewidth=1.6, label=animator)
        axes.set_title(f"{pair.clip}: r = {pair.correlation:.2f}", fontsize=10, loc="left")
        axes.set_ylabel("lip gap")
        axes.set_xlim(pair.times[0], pair.times[-1])
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("seconds")
    figure.axes[0].legend(frameon=False, ncols=2, loc="upper right", fontsize=9)
    figure.suptitle(f"{group.name}: best, median and worst clip (dotted: closed below {CLOSED})", fontsize=11)
    return figure


def _bar_figure(group: GroupReport) -> Any:
    from matplotlib.figure import Figure

    shown = [row for row in LIP_ROWS if any(getattr(system, row[0]) is not None for system in group.systems)]
    columns = 4
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3.2 * columns, 1.9 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (field, title, form) in zip(grid, shown, strict=False):
        known = [(s.system, getattr(s, field)) for s in group.systems if getattr(s, field) is not None]
        names, values = [name for name, _ in known], [value for _, value in known]
        colours = [OURS if name == group.systems[0].system else REAL if name == "human" else OTHERS for name in names]
        axes.barh(range(len(known)), values, color=colours)
        axes.set_yticks(range(len(known)), names, fontsize=8)
        axes.invert_yaxis()
        for i, value in enumerate(values):
            place = {"xytext": (2, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(format(value, form), (max(value, 0.0), i), fontsize=8, **place)
        axes.margins(x=0.25)
        axes.set_title(title.strip(), fontsize=9, loc="left")
        axes.tick_params(axis="x", labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    figure.suptitle(f"{group.name} ({group.clips} clips)", fontsize=11)
    return figure


def _saved(figure: Any, path: Path) -> Path:
    with written_beside(path) as target:
        figure.savefig(target, dpi=DPI, metadata={"Software": None})
    return path
