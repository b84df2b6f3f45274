"""`batch`: a manifest or a folder of recordings becomes a folder of results. The one entry; see `run` for how."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from face_emote.batch.executor import Executor
from face_emote.batch.log import Log, LogEntry, Watch
from face_emote.batch.plan import Plan
from face_emote.batch.pool import ProcessPool
from face_emote.batch.report import write_report
from face_emote.batch.rows import WORK, Row, words_of
from face_emote.batch.run import BatchRun, Choice, Outcome, require_folder, select
from face_emote.batch.state import BatchState
from face_emote.batch.talkers import write_voices
from face_emote.core.errors import BatchError
from face_emote.core.reading import content_of
from face_emote.core.types import PerformanceStyle

MAX_HOLDER_BYTES = 1000
REPORT_SECS = 30.0  # How old the report may become while rows get done.


@dataclass(frozen=True, slots=True)
class Place:
    """Where the work is done."""

    workers: int
    """Processes on this machine; on a cluster, tasks at the same time at most (0: as many as it has processors)."""
    cluster: str | None = None  # Address of a Ray cluster, or `auto` for the one that runs on this machine.
    shared: bool = True  # The other machines see this one's files; False sends them along.


def run_batch(plan: Plan, folder: Path, *, place: Place, choice: Choice, watch: Watch | None = None) -> Outcome:
    """Do what a plan says, and leave `report.html`, `log.jsonl` and the state in the folder.

    Rows that fail are named in the outcome and do not stop the others. Finished outputs of equal inputs are kept.
    BatchError: another batch runs there, or the folder's state is of another version. OutputError: the folder cannot be
    written. DependencyError: a cluster is wanted, and Ray is not installed.
    """
    folder = folder.absolute()
    require_folder(folder)
    with held(folder / WORK), closing(BatchState(folder)) as state, closing(Log(folder)) as log:
        state.list_rows([(row.name, row.place, _about(row)) for row in plan.rows])
        selected = select(plan, choice, folder=folder, state=state)
        if plan.voices:
            write_voices(plan.voices, folder / WORK)

        reported = time.monotonic()

        def note(entry: LogEntry) -> None:
            nonlocal reported
            log(entry)
            if watch is not None:
                watch(entry)
            if entry.kind == "row done" and time.monotonic() > reported + REPORT_SECS:
                write_report(folder, state)
                reported = time.monotonic()

        executor = _executor(place, folder=folder)
        try:
            run = BatchRun(plan, folder=folder, state=state, executor=executor, watch=note)
            return run.run(selected)
        finally:
            executor.close()
            state.put_back()
            write_report(folder, state)


def _shown_line(data: bytes) -> str:
    """One line that can be printed, whatever the bytes are."""
    return "".join(letter for letter in " ".join(data.decode("utf-8", "replace").split()) if letter.isprintable())


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a work folder. The system lets go of it when its holder dies, however it dies.

    BatchError: another batch holds it.
    """
    lock, holder = FileLock(folder / "lock"), folder / "holder"
    try:
        lock.acquire(blocking=False)
    except Timeout:
        known = "another process"
        with suppress(OSError, ValueError):
            known = _shown_line(content_of(holder, most=MAX_HOLDER_BYTES))
        raise BatchError(
            f"A batch is running in this folder already ({known}); wait for it, watch it with `face-emote batch "
            f"status`, or choose another folder: {folder.parent}"
        ) from None
    try:
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _executor(place: Place, *, folder: Path) -> Executor:
    if place.cluster is None:
        return ProcessPool(place.workers, work_folder=folder / WORK)
    from face_emote.batch.cluster import RayCluster

    return RayCluster(place.cluster, workers=place.workers, work_folder=folder / WORK, shared=place.shared)


def _about(row: Row) -> dict[str, str]:
    """What a row wants, for the report."""
    words, usual = words_of(row.performance, row.picture), asdict(PerformanceStyle())
    strength = "" if words["intensity"] == "1" else f" x {words['intensity']}"
    facts = {
        "speech": row.speech.name,
        "emotion": words["emotion"] + strength,
        **{name: words[name] for name in ("character", "seed", "camera", "light", "size", "fps")},
        "outputs": " ".join(row.outputs),
        "marked": "yes" if row.marked else "no",
    }
    return facts | {name: str(value) for name, value in asdict(row.performance.style).items() if value != usual[name]}
