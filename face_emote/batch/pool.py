"""Worker processes on this machine. One that dies takes its own task with it and nothing else; another is started."""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from face_emote.batch.executor import Drawn, Event, Finished, Lost, Refused
from face_emote.batch.work import Task, Tick, do_task
from face_emote.core.errors import FaceEmoteError, warnings_in_a_line
from face_emote.core.threads import ONE_THREAD

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None


class ProcessPool:
    """An `executor.Executor`."""

    def __init__(self, workers: int, *, work_folder: Path) -> None:
        """Workers are started when there is work for them."""
        self._size, self._folder = workers, work_folder
        self._workers: list[_Worker] = []

    @property
    def free(self) -> int:
        """Workers without a task."""
        return self._size - sum(worker.task is not None for worker in self._workers)

    @property
    def description(self) -> str:
        """How many processes."""
        return f"{self._size} worker{'s' if self._size > 1 else ''} on this machine"

    def submit(self, task: Task) -> None:
        """Give a task to a worker that has none."""
        worker = next((worker for worker in self._workers if worker.task is None), None)
        if worker is None:
            worker = self._start()
        worker.task = task
        try:
            worker.pipe.send(task)
        except OSError:
            pass  # It died while it had nothing to do: `events` finds out.

    def events(self, timeout_secs: float) -> list[Event]:
        """What the workers say; a dead one loses its task."""
        found: list[Event] = []
        sources = [source for worker in self._workers for source in (worker.pipe, worker.process.sentinel)]
        ready = set(wait(sources, timeout_secs))
        for worker in list(self._workers):
            if worker.pipe in ready:
                found += self._heard(worker)
            if worker.process.sentinel in ready and worker in self._workers:
                found += self._heard(worker)
                self._workers.remove(worker)
                worker.process.join()
                if worker.task is not None:
                    found.append(Lost(worker.task, f"the worker died ({_how(worker.process.exitcode)})"))
                worker.pipe.close()
        return found

    def _heard(self, worker: _Worker) -> list[Event]:
        found: list[Event] = []
        try:
            while worker.pipe.poll():
                event: Event = worker.pipe.recv()
                found.append(event)
                if not isinstance(event, Drawn):
                    worker.task = None
        except (EOFError, OSError):
            pass  # Its sentinel says the rest.
        return found

    def _start(self) -> _Worker:
        mine, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_work, args=(theirs, self._folder), daemon=True)
        with _environment(ONE_THREAD):
            process.start()
        theirs.close()
        worker = _Worker(process, mine)
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(5.0)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
        self._workers.clear()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """These variables hold inside the block: a child that is started there inherits them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}" if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"


def _work(pipe: Connection, folder: Path) -> None:
    """In the worker: do what comes until nothing does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the batch decides.
    _die_with_the_batch()
    with warnings_in_a_line():
        while True:
            try:
                task: Task = pipe.recv()
            except (EOFError, OSError):
                return
            event = outcome_of(task, folder, tick=lambda frames, task=task: pipe.send(Drawn(task, frames)))  # type: ignore[misc]
            try:
                pipe.send(event)
            except OSError:
                return


def outcome_of(task: Task, folder: Path, *, tick: Tick) -> Finished | Refused | Lost:
    """Do a task and say how it went."""
    try:
        return Finished(task, do_task(task, folder / task.key, tick=tick))
    except FaceEmoteError as error:
        return Refused(task, str(error))
    except MemoryError:
        return Lost(task, "there was not enough memory; use fewer workers or a smaller size")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        story = " ".join(str(error).split())
        return Lost(
            task, f"a bug of ours, sorry: {type(error).__name__}: {story} ({Path(place.filename).name}:{place.lineno})"
        )


def _die_with_the_batch() -> None:
    """When the batch is killed, whatever it was doing here is of no use any more."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
