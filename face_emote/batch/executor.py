"""What runs tasks somewhere: `pool.ProcessPool` on this machine, `cluster.RayCluster` on many."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from face_emote.batch.work import Done, Task


@dataclass(frozen=True, slots=True)
class Finished:
    """A task is done."""

    task: Task
    done: Done


@dataclass(frozen=True, slots=True)
class Refused:
    """A task cannot be done: the input's fault, or the disk's."""

    task: Task
    error: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A task's worker died or failed in an unforeseen way; another may do better."""

    task: Task
    error: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """Frames were drawn."""

    task: Task
    frames: int


Event = Finished | Refused | Lost | Drawn


@runtime_checkable
class Executor(Protocol):
    """Runs tasks, several at a time, in no particular order."""

    @property
    def free(self) -> int:
        """How many more tasks it would start at once."""
        ...

    @property
    def description(self) -> str:
        """For people: `2 workers`."""
        ...

    def submit(self, task: Task) -> None:
        """Start a task."""
        ...

    def events(self, timeout_secs: float) -> list[Event]:
        """What is new; waits for something for so long."""
        ...

    def close(self) -> None:
        """Stop at once; unfinished tasks are dropped."""
        ...
