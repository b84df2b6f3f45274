"""`batch`: a manifest or a folder of recordings becomes a folder of results. The one entry; see `run` for how."""

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from face_emote.batch.executor import Executor
from face_emote.batch.happenings import Happening, Log, Watch
from face_emote.batch.lock import held
from face_emote.batch.plan import Plan
from face_emote.batch.pool import ProcessPool
from face_emote.batch.report import write_report
from face_emote.batch.rows import Row
from face_emote.batch.run import WORK, BatchRun, Choice, Outcome, require_folder, select
from face_emote.batch.state import BatchState

REPORT_SECS = 30.0
"""How old the report may become while rows get done."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the work is done."""

    workers: int
    """Processes on this machine; on a cluster, tasks at the same time at most (0: as many as it has processors)."""
    cluster: str | None = None
    """Address of a Ray cluster, or `auto` for the one that runs on this machine."""
    shared: bool = True
    """The other machines see this one's files; False sends them along."""


def run_batch(plan: Plan, folder: Path, *, place: Place, choice: Choice, watch: Watch | None = None) -> Outcome:
    """Do what a plan asks for, and leave `report.html`, `log.jsonl` and the state in the folder.

    Rows that fail are told in the outcome and do not stop the others. Finished outputs of equal inputs are kept.

    Raises:
        BatchError: another batch runs there, or the folder's state is of another version.
        OutputError: the folder cannot be written.
        DependencyError: a cluster is asked for, and Ray is not installed.
    """
    folder = folder.absolute()
    require_folder(folder)
    with held(folder / WORK), closing(BatchState(folder)) as state, Log(folder) as log:
        state.list_rows([(row.name, row.place, _about(row)) for row in plan.rows])
        selected = select(plan, choice, folder=folder, state=state)

        reported = time.monotonic()

        def tell(happening: Happening) -> None:
            nonlocal reported
            log(happening)
            if watch is not None:
                watch(happening)
            if happening.kind == "row done" and time.monotonic() > reported + REPORT_SECS:
                write_report(folder, state)
                reported = time.monotonic()

        executor = _executor(place, folder=folder)
        try:
            run = BatchRun(plan, folder=folder, state=state, executor=executor, watch=tell)
            return run.run(selected)
        finally:
            executor.close()
            state.put_back()
            write_report(folder, state)


def _executor(place: Place, *, folder: Path) -> Executor:
    if place.cluster is None:
        return ProcessPool(place.workers, work_folder=folder / WORK)
    from face_emote.batch.cluster import RayCluster

    return RayCluster(place.cluster, workers=place.workers, work_folder=folder / WORK, shared=place.shared)


def _about(row: Row) -> dict[str, str]:
    """What a row asks for, for the report."""
    performance, picture = row.performance, row.picture
    wishes = {
        "speech": row.speech.name,
        "emotion": performance.emotion + (f" x {performance.intensity:g}" if performance.intensity != 1.0 else ""),
        "character": performance.character,
        "seed": str(performance.seed),
        "camera": picture.camera,
        "light": picture.light,
        "size": "x".join(str(side) for side in picture.size),
        "fps": f"{performance.fps:g}",
        "outputs": " ".join(row.outputs),
        "marked": "yes" if row.marked else "no",
    }
    changed = {name: value for name, value in asdict(performance.style).items()}
    return wishes | {name: str(value) for name, value in changed.items() if value != _usual(name)}


def _usual(name: str) -> object:
    from face_emote.core.types import PerformanceStyle

    return getattr(PerformanceStyle(), name)
