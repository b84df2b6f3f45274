"""Workers on a Ray cluster: as many machines as it has, which may die and come back.

Ray moves tasks; everything else (order, attempts, state) is `run`'s, so that one machine and many behave alike. Files
go through the batch's folder when the machines share it. Else they travel with the task: its input goes along once per
row and is kept in Ray's object store, and what was made comes back as bytes.
"""

import logging
import os
import platform
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from face_emote.batch.executor import Event, Finished, Lost, Refused
from face_emote.batch.pool import outcome_of
from face_emote.batch.rows import Row, input_files
from face_emote.batch.work import MOTION, Finish, Task
from face_emote.core.errors import BatchError, DependencyError
from face_emote.core.threads import ONE_THREAD
from face_emote.core.version import VERSION

BASE_MB, BYTES_PER_PIXEL = 600, 400
"""Memory that a task needs: what a worker holds (measured by `bench.batch`), and pictures in the making."""
QUEUE = 2  # Tasks given to the cluster for each of its processors, so that none waits for the next.


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back from a worker."""

    event: Finished | Refused | Lost
    made: Mapping[str, bytes]  # Files of the work folder, when they travel.


class RayCluster:
    """An `executor.Executor`."""

    def __init__(self, address: str, *, workers: int, work_folder: Path, shared: bool) -> None:
        """Join a cluster: `auto` for the one on this machine, or `host:port` of its head.

        `workers` tasks at the same time at most; 0: as many as it has processors. `shared`: the other machines see
        `work_folder` and the inputs under the same names. DependencyError: Ray is not installed. BatchError: no cluster
        is there.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_DEDUP_LOGS", "0")
        try:
            import ray
        except ImportError:
            raise DependencyError("Batches on a cluster need Ray: pip install 'face-emote[batch]'") from None
        try:
            _require_listening(address)
            ray.init(
                address=address, logging_level=logging.ERROR, log_to_driver=False, namespace="face_emote",
                runtime_env={"env_vars": ONE_THREAD},
            )  # fmt: skip
        except (OSError, ValueError, RuntimeError) as error:
            raise BatchError(
                f"There is no Ray cluster at {address} ({' '.join(str(error).split())[:120]}); start one with `ray "
                "start --head`, see docs/batch.md"
            ) from None
        self._ray, self._workers = ray, workers
        self._folder, self._shared = work_folder, shared
        self._token = secrets.token_hex(8)
        (work_folder / "token").write_text(self._token)
        self._remote = ray.remote(_answer)
        self._running: dict[Any, Task] = {}
        self._inputs: dict[str, Any] = {}

    @property
    def free(self) -> int:
        """How many more tasks the cluster takes: some wait there already."""
        return max(0, (self._workers or QUEUE * self._processors()) - len(self._running))

    @property
    def description(self) -> str:
        """Machines and processors."""
        machines = sum(bool(node["Alive"]) for node in self._ray.nodes())
        return f"a cluster of {machines} machine{'s' if machines > 1 else ''} with {self._processors()} processors"

    def _processors(self) -> int:
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, task: Task) -> None:
        """Hand a task to the cluster, with what it needs of processor and memory."""
        width, height = task.row.picture.sides
        megabytes = BASE_MB + width * height * BYTES_PER_PIXEL / 2**20
        parcel = None if self._shared else [self._inputs_of(task.row), self._ray.put(self._work_of(task))]
        remote = self._remote.options(
            num_cpus=1, memory=int(megabytes * 2**20), max_retries=0, scheduling_strategy="SPREAD"
        )
        reference = remote.remote(task, folder=str(self._folder), token=self._token, version=VERSION, parcel=parcel)
        self._running[reference] = task

    def _inputs_of(self, row: Row) -> Any:
        if row.name not in self._inputs:
            self._inputs[row.name] = self._ray.put({name: path.read_bytes() for name, path in input_files(row).items()})
        return self._inputs[row.name]

    def _work_of(self, task: Task) -> dict[str, bytes]:
        """Of the work folder: the motion, and for the last step the segments too."""
        folder = self._folder / task.key
        if not folder.is_dir():
            return {}
        whole = any(isinstance(step, Finish) for step in task.steps)
        wanted = [path for path in sorted(folder.iterdir()) if path.is_file() and (whole or path.name == MOTION)]
        return {path.name: path.read_bytes() for path in wanted}

    def events(self, timeout_secs: float) -> list[Event]:
        """What came back; a task whose machine died is lost."""
        if not self._running:
            return []
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout_secs)
        if ready:
            ready, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        return [self._event(reference) for reference in ready]

    def _event(self, reference: Any) -> Event:
        task = self._running.pop(reference)
        try:
            answer: Answer = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return Lost(task, f"the worker or its machine died ({type(error).__name__})")
        if answer.made:
            folder = self._folder / task.key
            folder.mkdir(exist_ok=True)
            for name, content in answer.made.items():
                beside = folder / f"{name}.new"
                beside.write_bytes(content)
                beside.replace(folder / name)
        return replace(answer.event, task=task)

    def close(self) -> None:
        """Leave the cluster; what still runs there is cancelled."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()
        self._ray.shutdown()
        (self._folder / "token").unlink(missing_ok=True)


def _require_listening(address: str) -> None:
    """Raise unless somebody answers there: Ray itself would try for many minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10.0):
            pass


def _answer(task: Task, *, folder: str, token: str, version: str, parcel: list[Any] | None) -> Answer:
    """In the worker."""
    if version != VERSION:
        fault = f"this machine has face_emote {VERSION}, the batch {version}; install the same ({platform.node()})"
        return Answer(Refused(task, fault), {})
    if parcel is None:
        fault = _unseen(task, Path(folder), token=token)
        if fault:
            return Answer(Refused(task, fault), {})
        return Answer(outcome_of(task, Path(folder), tick=lambda frames: None), {})
    import ray

    inputs, work = ray.get(parcel)
    with tempfile.TemporaryDirectory(prefix="face_emote_") as place:
        return _done_here(task, Path(place), inputs=inputs, work_files=work)


def _unseen(task: Task, folder: Path, *, token: str) -> str:
    """Why this machine cannot do a task through shared files; empty when it can."""
    seen = folder / "token"
    if not seen.is_file() or seen.read_text() != token:
        lacking = folder.parent
    else:
        lacking = next((path for path in input_files(task.row).values() if not path.is_file()), Path())
    if lacking == Path():
        return ""
    return f"{platform.node()} does not see this; share the folder, or use --no-shared: {lacking}"


def _done_here(task: Task, place: Path, *, inputs: Mapping[str, bytes], work_files: Mapping[str, bytes]) -> Answer:
    """Unpack, do, and pack what is new. Names stay, for motions remember them."""
    files: dict[str, Any] = {}
    for name, path in input_files(task.row).items():
        files[name] = place / name / path.name
        files[name].parent.mkdir()
        files[name].write_bytes(inputs[name])
    work = place / task.key
    work.mkdir()
    for name, content in work_files.items():
        (work / name).write_bytes(content)
    filming, person = task.row.filming, files.pop("person", None)
    if "character" in files:
        files["character"] = str(files["character"])
    row = replace(
        task.row,
        performance=replace(task.row.performance, **files),
        filming=filming if filming is None or person is None else replace(filming, person=person),
    )
    event = outcome_of(replace(task, row=row), place, tick=lambda frames: None)
    made = {path.name: path for path in work.iterdir() if path.is_file() and path.name not in work_files}
    answer = Answer(event, {name: path.read_bytes() for name, path in made.items()})
    shutil.rmtree(work)
    return answer
