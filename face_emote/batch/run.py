"""Run a planned batch: give tasks to workers, publish what they finish, keep the state, survive what dies.

Everything that matters is on disk before the next thing is begun, so a batch that is stopped anywhere, in any way, goes
on from there at the next start; see `state`.

Outputs are put in their place in a way that survives being stopped anywhere. 1. A signed copy is made beside the
unsigned file. 2. Its hash is written down. 3. It is moved to its place. 4. That is written down. Stopped before 2, all
is done again from the unsigned file; stopped later, the file at its place is recognised by its hash.
"""

import heapq
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from face_emote.batch.executor import Drawn, Event, Executor, Finished, Lost
from face_emote.batch.log import LogEntry, Watch
from face_emote.batch.plan import Plan
from face_emote.batch.rows import KEY_DIGITS, WORK, Row, output_hash, work_key
from face_emote.batch.state import DONE, FAILED, RUNNING, BatchState, OutputState
from face_emote.batch.state import FILE as STATE_FILE
from face_emote.batch.work import MOTION, STORY, THUMBNAIL, Perform, Task, output_file, stages
from face_emote.core.errors import FaceEmoteError, OutputError
from face_emote.core.reading import sha256_of
from face_emote.formats.motion_file import open_motion
from face_emote.provenance.credential import Provenance
from face_emote.provenance.marking import mark

OWN = "made_by_face_emote"  # The sign in a work folder that it is a batch's.
KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")  # Names of folders in it; nothing else in there is ever deleted.
MAX_ATTEMPTS = 3
FIRST_WAIT_SECS, LONGEST_WAIT_SECS = 0.5, 30.0  # Before a lost task is tried again; doubled each time.
PATIENCE_SECS = 0.25


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of a plan are to be done."""

    redo: bool = False  # Also what is finished.
    only_failed: bool = False
    limit: int | None = None  # At most so many rows.


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    done: int
    skipped: int  # Finished before.
    failures: Mapping[str, str]  # Rows that failed, by name, and why.
    left: int  # Rows that this run was not to do.
    frames: int  # Drawn.
    secs: float


@dataclass(slots=True)
class _Progress:
    """A row in the works."""

    row: Row
    key: str  # Of its work folder.
    stages: list[list[Task]]
    open_tasks: int = 0
    failed: bool = False
    timing: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selected:
    """Rows to do, with the outputs that they lack, and how many are done or left."""

    rows: tuple[Row, ...]
    kept: frozenset[str]  # Outputs of theirs that lie at their places already and are not made again.
    skipped: int
    left: int


def select(plan: Plan, choice: Choice, *, folder: Path, state: BatchState | None) -> Selected:
    """Look at what is there; changes nothing."""
    outputs = {} if state is None else state.outputs()
    statuses = {} if state is None else state.statuses()
    rows: list[Row] = []
    kept: set[str] = set()
    skipped = left = 0
    for row in plan.rows:
        there = {
            output
            for output in row.outputs
            if not choice.redo and is_there(outputs.get(output), digest=output_hash(row, output), folder=folder)
        }
        lacking = tuple(output for output in row.outputs if output not in there)
        if not lacking and statuses.get(row.name) == DONE:
            skipped += 1
        elif (choice.only_failed and statuses.get(row.name) != FAILED) or len(rows) == choice.limit:
            left += 1
        else:
            kept |= there
            # Stopped while it was put in place, a row has its parts still, and their names know all outputs.
            begun = there and (folder / WORK / work_key(row)).is_dir()
            rows.append(row if begun else replace(row, outputs=lacking))
    return Selected(tuple(rows), frozenset(kept), skipped, left)


class BatchRun:
    """One run over a folder whose lock is held."""

    def __init__(self, plan: Plan, *, folder: Path, state: BatchState, executor: Executor, watch: Watch) -> None:
        self._plan, self._folder, self._state, self._executor, self._watch = plan, folder, state, executor, watch
        self._rows: dict[str, _Progress] = {}
        self._ready: list[tuple[float, int, int, Task]] = []
        """Heap: not before, most frames first, number, task."""
        self._attempts: dict[Task, int] = {}
        self._frames_done: dict[Task, int] = {}
        """Frames that a task has reported while it ran."""
        self._number = self._drawn = self._done = 0
        self._failures: dict[str, str] = {}
        self._kept: frozenset[str] = frozenset()

    def run(self, selected: Selected) -> Outcome:
        """Do these rows; those that fail do not stop the others. OutputError: the state cannot be written any more."""
        started = time.monotonic()
        self._begin(selected)
        while self._rows:
            self._submit()
            for event in self._executor.events(PATIENCE_SECS):
                self._take(event)
        secs = time.monotonic() - started
        self._report("batch done", rows=self._done, failed=len(self._failures), frames=self._drawn, secs=secs)
        return Outcome(self._done, selected.skipped, dict(self._failures), selected.left, self._drawn, secs)

    def _begin(self, selected: Selected) -> None:
        keys = set()
        self._kept = selected.kept
        for row in selected.rows:
            if row.name in self._plan.unreadable:
                self._fail(row, self._plan.unreadable[row.name])
                continue
            try:
                key = work_key(row)
            except OSError as error:
                self._fail(row, f"The recording cannot be read ({error.strerror}): {row.speech}")
                continue
            keys.add(key)
            if (self._folder / WORK / key).is_symlink():
                _drop(self._folder / WORK, key)
            todo = stages(row, key=key, secs=self._plan.secs.get(row.name, 0.0))
            self._rows[row.name] = _Progress(row, key, todo)
        if not selected.left:
            for stale in (self._folder / WORK).iterdir():
                if KEY.fullmatch(stale.name) and stale.name not in keys:
                    _drop(self._folder / WORK, stale.name)
        frames = sum(task.num_frames for item in self._rows.values() for stage in item.stages for task in stage)
        self._report("batch started", rows=len(selected.rows), frames=frames, text=self._executor.description)
        longest_first = sorted(self._rows.values(), key=lambda item: -self._plan.secs.get(item.row.name, 0.0))
        for item in longest_first:
            self._next_stage(item)

    def _next_stage(self, item: _Progress) -> None:
        stage = item.stages.pop(0)
        item.open_tasks = len(stage)
        # Ones that others wait for come first: hearing a long speech, and joining it.
        weight = sum(task.num_frames for later in [stage, *item.stages] for task in later)
        for task in stage:
            self._push(task, weight=weight)

    def _push(self, task: Task, *, weight: int, wait_secs: float = 0.0) -> None:
        self._number += 1
        not_before = 0.0 if wait_secs == 0.0 else time.monotonic() + wait_secs
        heapq.heappush(self._ready, (not_before, -weight, self._number, task))

    def _submit(self) -> None:
        while self._ready and self._executor.free > 0 and self._ready[0][0] <= time.monotonic():
            task = heapq.heappop(self._ready)[3]
            item = self._rows.get(task.row.name)
            if item is None or item.failed:
                continue
            if isinstance(task.steps[0], Perform):
                self._state.set_status(task.row.name, RUNNING)
                self._report("row started", task.row.name, frames=task.num_frames)
            self._executor.submit(task)

    def _take(self, event: Event) -> None:
        item = self._rows.get(event.task.row.name)
        if item is None or item.failed:
            return
        if isinstance(event, Drawn):
            self._frames_done[event.task] = self._frames_done.get(event.task, 0) + event.frames
            self._count(event.task, event.frames)
        elif isinstance(event, Finished):
            self._finished(item, event)
        elif isinstance(event, Lost):
            self._lost(item, event)
        else:
            self._give_up(item, event.error)

    def _count(self, task: Task, frames: int) -> None:
        self._drawn += frames
        self._report("frames", task.row.name, frames=frames)

    def _finished(self, item: _Progress, event: Finished) -> None:
        done, timing = event.done, item.timing
        self._count(event.task, done.drawn - self._frames_done.pop(event.task, 0))
        for kind, secs in done.secs:
            timing[kind] = timing.get(kind, 0.0) + secs
        timing["frames"] = float(done.num_frames)
        timing["drawn"] = timing.get("drawn", 0.0) + done.drawn
        timing["memory_mb"] = max(timing.get("memory_mb", 0.0), done.memory_mb)
        self._report(
            "task done", item.row.name, text=event.task.name, frames=done.drawn,
            secs=sum(secs for _, secs in done.secs), worker=done.worker, memory_mb=round(done.memory_mb, 1),
        )  # fmt: skip
        item.open_tasks -= 1
        if item.open_tasks:
            return
        if item.stages:
            self._next_stage(item)
            return
        self._publish(item, self._folder / WORK / event.task.key)

    def _publish(self, item: _Progress, work: Path) -> None:
        row, started = item.row, time.monotonic()
        try:
            for output in row.outputs:
                if output not in self._kept:
                    publish(row, output, folder=self._folder, work=work, state=self._state)
            story, thumbnail = (work / STORY).read_text("utf-8"), (work / THUMBNAIL).read_bytes()
        except FaceEmoteError as error:
            self._give_up(item, str(error))
            return
        item.timing["sign"] = time.monotonic() - started
        self._state.finish_row(row.name, timing=item.timing, story=story, thumbnail=thumbnail)
        _drop(self._folder / WORK, item.key)
        del self._rows[row.name]
        self._done += 1
        self._report("row done", row.name, frames=int(item.timing["frames"]), secs=sum(self._secs_of(item)))

    @staticmethod
    def _secs_of(item: _Progress) -> list[float]:
        return [item.timing.get(kind, 0.0) for kind in ("perform", "draw", "write", "sign")]

    def _lost(self, item: _Progress, event: Lost) -> None:
        self._frames_done.pop(event.task, None)
        attempts = self._attempts[event.task] = self._attempts.get(event.task, 0) + 1
        if attempts >= MAX_ATTEMPTS:
            self._give_up(item, f"{event.error}; tried {attempts} times")
            return
        wait = min(LONGEST_WAIT_SECS, FIRST_WAIT_SECS * 2 ** (attempts - 1))
        self._state.set_status(item.row.name, RUNNING, error=event.error, attempts=attempts)
        self._report("retried", item.row.name, text=f"{event.task.name}: {event.error}", secs=wait)
        self._push(event.task, weight=event.task.num_frames, wait_secs=wait)

    def _give_up(self, item: _Progress, error: str) -> None:
        item.failed = True
        with suppress(OSError):  # what is in it is of use for another try
            (self._folder / WORK / item.key).rmdir()
        self._fail(item.row, error)
        del self._rows[item.row.name]

    def _fail(self, row: Row, error: str) -> None:
        self._failures[row.name] = error
        self._state.set_status(row.name, FAILED, error=error)
        self._report("row failed", row.name, text=f"{row.place}: {error}")

    def _report(self, kind: str, row: str = "", **facts: object) -> None:
        self._watch(LogEntry(kind, row, **facts))  # type: ignore[arg-type]


def require_folder(folder: Path) -> None:
    """Make the folder of a batch, and its work folder; one that no batch made is left alone.

    OutputError: it cannot be made or written to, or is somebody else's.
    """
    work = folder / WORK
    try:
        if work.is_symlink() or (work.exists() and not _is_own(work)):
            raise OutputError(f"No batch made this; move it away, or choose another folder: {work}")
        work.mkdir(parents=True, exist_ok=True)
        (work / OWN).touch()
    except OSError as error:
        raise OutputError(f"Nothing can be written there ({error.strerror}); choose another folder: {folder}") from None


def _is_own(work: Path) -> bool:
    """Whether a batch made this work folder; earlier versions left no sign but the lock beside their state."""
    if not work.is_dir() or any(item.is_symlink() and not KEY.fullmatch(item.name) for item in work.iterdir()):
        return False
    return (work / OWN).is_file() or ((work / "lock").is_file() and (work.parent / STATE_FILE).is_file())


def _drop(work: Path, key: str) -> None:
    """Delete the work folder of a row; a link in its place is not followed."""
    place = work / key
    if place.is_symlink():
        place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)


def publish(row: Row, output: str, *, folder: Path, work: Path, state: BatchState) -> None:
    """Put one output of a row in its place.

    The state learns of it before and after. OutputError, ProvenanceError: it cannot be written, or not be signed.
    """
    final, source = folder / output, work / output_file(row, output)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.is_dir():
            raise OutputError(f"The output must be a file, but a folder has that name; move it away: {final}")
        with tempfile.TemporaryDirectory(dir=work, prefix="publish_") as place:
            ready = Path(place) / f"ready{final.suffix.lower()}"
            shutil.copyfile(source, ready)
            if row.marked:
                with open_motion(work / MOTION) as motion:
                    mark(ready, motion, Provenance(consent=row.consent))
            known = OutputState(
                path=output, row=row.name, hash=output_hash(row, output), published=False, sha256=sha256_of(ready),
                size=ready.stat().st_size, marked=row.marked,
            )  # fmt: skip
            state.put_output(known)
            ready.replace(final)
        state.put_output(replace(known, published=True))
    except OSError as error:
        raise OutputError(f"The result could not be written ({error.strerror}): {final}") from None


def is_there(known: OutputState | None, *, digest: str, folder: Path) -> bool:
    """Whether the very file that these inputs gave lies at its place."""
    if known is None or known.hash != digest:
        return False
    path = folder / known.path
    return path.is_file() and path.stat().st_size == known.size and sha256_of(path) == known.sha256
