"""A progress line on the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from face_emote.core.types import Progress


@contextmanager
def progress_shown() -> Iterator[Progress | None]:
    """Yield a callback that draws one bar, for the present activity, on stderr; None when that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("starting", total=None)

        def report(done: float, total: float, activity: str) -> None:
            if bars.tasks[0].description != activity:
                bars.reset(task, description=activity)
            bars.update(task, completed=done, total=total if done > 0.0 else None)  # None: the bar only pulses.

        yield report
