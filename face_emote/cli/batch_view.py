"""What `face-emote batch` shows: a plan, a live view, an outcome, the state of a batch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from face_emote.batch.log import LogEntry, Watch
from face_emote.batch.plan import Plan
from face_emote.batch.report import FILE as REPORT
from face_emote.batch.report import duration
from face_emote.batch.run import Choice, Outcome, select
from face_emote.batch.state import DONE, FAILED, FILE, RUNNING, BatchState
from face_emote.core.fields import shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOWN_FAILURES = SHOWN_NAMES = 20
SHOWN_RUNNING = 8
RATE_SECS = 20.0  # Frames a second are those of the last so many seconds.


class BatchFailed(click.exceptions.Exit):
    """Some rows failed; all was said already."""

    def __init__(self) -> None:
        super().__init__(2)


def echo_plan(plan: Plan, choice: Choice, *, folder: Path) -> None:
    """Say what would be done."""
    if (folder / FILE).is_file():
        with closing(BatchState(folder, read_only=True)) as state:
            selected = select(plan, choice, folder=folder, state=state)
    else:
        selected = select(plan, choice, folder=folder, state=None)
    frames = 0.0
    for row in selected.rows:
        secs = plan.secs.get(row.name, 0.0)
        frames += secs * row.performance.fps
        fault = plan.unreadable.get(row.name)
        story = (
            f"CANNOT BE READ: {fault}" if fault else f"{secs:.1f} s, {row.performance.emotion}: {' '.join(row.outputs)}"
        )
        click.echo(f"{row.number:>5}  {row.name:<32} {story}")
    kept = f", {selected.skipped} are finished" if selected.skipped else ""
    left = f", {selected.left} are left for later" if selected.left else ""
    click.echo(f"{len(selected.rows)} of {len(plan.rows)} rows would be done, about {frames:.0f} frames{kept}{left}")


def echo_renamed(plan: Plan) -> None:
    """Say what the results of recordings are called whose own names cannot be files' everywhere."""
    for original, name in list(plan.renamed.items())[:SHOWN_NAMES]:
        click.echo(f"{shown(original)} becomes {name}", err=True)
    if len(plan.renamed) > SHOWN_NAMES:
        click.echo(f"and {len(plan.renamed) - SHOWN_NAMES} more names are changed; --dry-run shows all", err=True)


def echo_outcome(outcome: Outcome, folder: Path) -> None:
    """Say how a run ended: a line for each failure, one for the whole."""
    for error in list(outcome.failures.items())[:SHOWN_FAILURES]:
        click.echo(f"face-emote: {error[0]}: {error[1]}", err=True)
    if len(outcome.failures) > SHOWN_FAILURES:
        click.echo(f"face-emote: and {len(outcome.failures) - SHOWN_FAILURES} more failures; see the report", err=True)
    rate = f", {outcome.frames / outcome.secs:.1f} frames/s" if outcome.frames and outcome.secs > 0.0 else ""
    parts = [f"{outcome.done} rows done in {duration(outcome.secs)}{rate}"]
    parts += [f"{outcome.skipped} finished before"] if outcome.skipped else []
    parts += [f"{len(outcome.failures)} failed"] if outcome.failures else []
    parts += [f"{outcome.left} left for later"] if outcome.left else []
    click.echo(f"{', '.join(parts)}: {folder / REPORT}")


def echo_status(folder: Path) -> None:
    """Say how far a batch is; reads only, so it may be running."""
    with closing(BatchState(folder, read_only=True)) as state:
        rows = state.rows()
    counts = {status: sum(row.status == status for row in rows) for status in (DONE, RUNNING, FAILED)}
    frames = sum(row.timing.get("drawn", 0.0) for row in rows)
    waiting = len(rows) - sum(counts.values())
    click.echo(f"{len(rows)} rows: {counts[DONE]} done, {counts[RUNNING]} running, {waiting} waiting, "
               f"{counts[FAILED]} failed; {frames:.0f} frames drawn")  # fmt: skip
    for row in rows:
        if row.status == FAILED:
            click.echo(f"  {row.place}: {row.error}")
        elif row.status == RUNNING and row.error:
            click.echo(f"  {row.place} is tried again: {row.error}")


@contextmanager
def watching() -> Iterator[Watch]:
    """Yield what shows the progress on stderr: a live view on a terminal, a line per failure elsewhere."""
    if not sys.stderr.isatty():
        yield lambda entry: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=RATE_SECS) as bars:
        yield LiveView(bars).watch


class LiveView:
    """A bar for the whole - rows, frames a second, time left, failures - and one for each row that is being done."""

    def __init__(self, bars: Progress) -> None:
        self._bars, self._whole = bars, bars.add_task("")
        self._running: dict[str, TaskID] = {}
        self._rows = self._done = self._failed = 0
        self._where = self._last = ""

    def watch(self, entry: LogEntry) -> None:
        """Take note."""
        if entry.kind == "batch started":
            self._rows, self._where = entry.rows, entry.text
            self._bars.update(self._whole, total=max(1, entry.frames))
        elif entry.kind == "row started" and len(self._running) < SHOWN_RUNNING:
            self._running[entry.row] = self._bars.add_task(f"  {entry.row}", total=entry.frames or None)
        elif entry.kind == "frames":
            for task in (self._whole, self._running.get(entry.row)):
                if task is not None:
                    self._bars.advance(task, entry.frames)
        elif entry.kind in ("row done", "row failed") and entry.row in self._running:
            self._bars.remove_task(self._running.pop(entry.row))
        self._done += entry.kind == "row done"
        self._failed += entry.kind == "row failed"
        if entry.kind in ("row failed", "retried"):
            self._last = f"\n  {entry.text}"
        rate = self._bars.tasks[0].speed or 0.0
        failed = f", {self._failed} failed" if self._failed else ""
        said = f"{self._done} of {self._rows} rows{failed}, {rate:.1f} frames/s, {self._where}{self._last}"
        self._bars.update(self._whole, description=said)
