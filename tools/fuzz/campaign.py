"""Many cases for many readers, each under limits, in one process that is started anew when it hangs or dies."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tools.fuzz.reader import Reader
from tools.fuzz.worker import DIED, HANG, Result, serve

MOST_SECS = 10.0
PATIENCE = 4.0
MAKING_SECS = 600.0
"""For the valid inputs of a reader, and a renderer that has to be compiled first."""
OUTCOMES = ("accepted", "refused", "traceback", "hang", "memory", "files left", "died")


class UntriableError(Exception):
    """A reader refuses its own valid inputs; damage to them would prove nothing."""


@dataclass(slots=True)
class Tally:
    """Counts of one reader."""

    cases: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    busiest_secs: float = 0.0
    """Of the processor."""
    most_megabytes: float = 0.0

    def add(self, result: Result) -> None:
        """Count a case."""
        self.cases += 1
        self.counts[result.finding or result.outcome] += 1
        self.busiest_secs = max(self.busiest_secs, result.busy_secs)
        self.most_megabytes = max(self.most_megabytes, result.megabytes)

    def join(self, other: "Tally") -> None:
        """Count another's cases in."""
        self.cases += other.cases
        self.counts += other.counts
        self.busiest_secs = max(self.busiest_secs, other.busiest_secs)
        self.most_megabytes = max(self.most_megabytes, other.most_megabytes)


class Campaign:
    """Tries cases. Used as a context, which ends the process."""

    def __init__(self, readers: Callable[[], dict[str, Reader]], stock: Path, *, most_secs: float = MOST_SECS) -> None:
        """`readers` is a function of a module: the process calls it too."""
        self._readers, self._stock, self._most_secs = readers, stock, most_secs
        self.untriable: dict[str, str] = {}
        """Readers that refuse their own valid inputs, and why."""
        self._process: BaseProcess | None = None
        self._connection: Connection[Any, Any] | None = None

    def __enter__(self) -> "Campaign":
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._stop()

    def results(self, orders: Iterable[tuple[str, int, int]]) -> Iterator[Result]:
        """What comes of each (reader, seed, number); those of a reader that cannot be tried are passed over."""
        for order in orders:
            if order[0] in self.untriable:
                continue
            try:
                result = self._tried(order, most_secs=self._most_secs)
                if result.outcome == HANG:  # On a machine with other work a case may only have waited for its turn.
                    result = self._tried(order, most_secs=PATIENCE * self._most_secs)
                    if result.busy_secs > self._most_secs:
                        result = replace(result, outcome=HANG)
            except UntriableError as error:
                self.untriable[order[0]] = str(error)
                self._stop()
                continue
            yield result

    def _tried(self, order: tuple[str, int, int], *, most_secs: float) -> Result:
        connection = self._started()
        try:
            connection.send(order)
            if not connection.poll(MAKING_SECS):
                raise UntriableError(f"{order[0]}: its valid inputs take longer than {MAKING_SECS:.0f} s")
            ready = connection.recv()
            if ready is not None:
                raise UntriableError(ready)
            if not connection.poll(most_secs):
                self._stop()
                return Result(*order, HANG, secs=most_secs)
            result: Result = connection.recv()
            return result
        except (EOFError, ConnectionError):
            code = self._stop()
            return Result(*order, DIED, story=f"the process ended with {code}")

    def _started(self) -> "Connection[Any, Any]":
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=serve, args=(theirs, self._readers, self._stock), daemon=True)
            self._process.start()
            theirs.close()
        return self._connection

    def _stop(self) -> int | None:
        """End the process; its exit code."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return None
        connection.close()
        process.join(0.2)
        process.kill()
        process.join()
        return process.exitcode


def orders_of(readers: Iterable[Reader], *, cases: int, seed: int) -> list[tuple[str, int, int]]:
    """So many cases in all, shared out evenly, reader by reader."""
    chosen = list(readers)
    shares = [cases // len(chosen) + (i < cases % len(chosen)) for i in range(len(chosen))]
    return [
        (reader.name, seed, number) for reader, share in zip(chosen, shares, strict=True) for number in range(share)
    ]
