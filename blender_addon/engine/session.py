# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks for the engine, one after the other: start, progress, cancel, crash. No bpy; a timer calls `tick`."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .client import PROTOCOL, Answer, Client
from .locate import EngineCommand, EngineMissingError

CANCEL_SECS = 2.0
"""How long a cancelled engine may take to notice before it is ended."""


@dataclass(frozen=True, slots=True)
class Task:
    """One request, and what to do with its outcome."""

    label: str
    method: str
    params: dict[str, Any]
    done: Callable[[dict[str, Any]], None]
    failed: Callable[[str, str], None]
    """failed(one sentence, details for a report)."""


class Session:
    """Owns at most one worker, which is started when it is first needed and again after a crash."""

    def __init__(self, locate: Callable[[], EngineCommand], clock: Callable[[], float] = time.monotonic) -> None:
        self._locate, self._clock = locate, clock
        self._client: Client | None = None
        self._waiting: deque[Task] = deque()
        self._task: Task | None = None
        self._method, self._request, self._hello = "", 0, 0
        self._started = self._cancelled_at = 0.0
        self.capabilities: dict[str, Any] = {}
        self.progress, self.stage, self.status, self.failed = 0.0, "", "", False

    @property
    def busy(self) -> bool:
        """Whether a task runs or waits."""
        return self._task is not None or bool(self._waiting)

    @property
    def needs_ticks(self) -> bool:
        """Whether `tick` has to be called on."""
        return self.busy or self._cancelled_at > 0.0

    @property
    def waiting(self) -> int:
        """Tasks behind the running one."""
        return len(self._waiting)

    @property
    def label(self) -> str:
        """What the running task is called."""
        return self._task.label if self._task else ""

    @property
    def method(self) -> str:
        """What the running task asks for, or the last one did."""
        return self._method

    @property
    def pid(self) -> int | None:
        """Process id of the worker, if there is one."""
        return self._client.pid if self._client is not None and self._client.alive else None

    @property
    def log(self) -> list[str]:
        """The last lines that the worker logged."""
        return list(self._client.log) if self._client is not None else []

    @property
    def secs_left(self) -> float | None:
        """Estimate for the running task; None while there is too little to judge from."""
        spent = self._clock() - self._started
        if self._task is None or self.progress < 0.05 or spent < 0.5:
            return None
        return spent * (1.0 - self.progress) / self.progress

    def submit(self, task: Task) -> None:
        """Queue a task; the next tick starts it."""
        self._waiting.append(task)

    def cancel(self) -> None:
        """Forget all tasks. The engine is told, and ended if it does not listen."""
        if self._task is not None and self._client is not None:
            self._client.send("cancel", {"request": self._request})
            self._cancelled_at = self._clock()
        self._task = None
        self._waiting.clear()
        self.progress, self.stage, self.status, self.failed = 0.0, "", "Cancelled", False

    def tick(self) -> None:
        """Move on: collect answers, start the next task. Never waits."""
        if self._client is not None:
            for answer in self._client.poll():
                self._take(answer)
        if self._cancelled_at and self._clock() - self._cancelled_at > CANCEL_SECS:
            self.close()
        if self._task is None and self._waiting and not self._cancelled_at:
            self._start(self._waiting.popleft())

    def close(self) -> None:
        """End the worker."""
        if self._client is not None:
            self._client.stop()
        self._client, self._task, self._cancelled_at = None, None, 0.0
        self._waiting.clear()

    def _start(self, task: Task) -> None:
        self._task, self.progress, self.stage, self.status, self.failed = task, 0.0, "starting", "", False
        self._method, self._started = task.method, self._clock()
        try:
            if self._client is None or not self._client.alive:
                self._client = Client(self._locate())
                self._hello = self._client.send("hello", {})
        except (EngineMissingError, OSError) as error:
            self._client = None
            self._fail(
                str(error) if isinstance(error, EngineMissingError) else f"The engine cannot be started ({error})"
            )
            return
        self._request = self._client.send(task.method, task.params)

    def _take(self, answer: Answer) -> None:
        if answer.event == "exit":
            self._ended(int(answer.data["code"]))
        elif answer.id == self._hello and answer.event == "result":
            self._greeted(answer.data)
        elif answer.id != self._request or self._request == 0:
            return
        elif self._task is None:
            if answer.event != "progress":
                self._cancelled_at = 0.0  # The cancelled request is over.
        elif answer.event == "progress":
            self.progress, self.stage = answer.data["value"], answer.data["stage"]
        elif answer.event == "result":
            task, self._task = self._task, None
            self.progress, self.status = 1.0, " ".join(answer.data.get("remarks", ())) or "Done"
            task.done(answer.data)
        else:
            self._fail(str(answer.data.get("message", "The engine failed")), str(answer.data.get("details", "")))

    def _greeted(self, said: dict[str, Any]) -> None:
        if said.get("protocol") == PROTOCOL:
            self.capabilities = said
            return
        self._fail(
            f"The engine {said.get('version', '')} speaks {said.get('protocol', 'another protocol')}, this extension "
            f"{PROTOCOL}; update the older one, or empty the engine path in the extension's preferences"
        )
        self.close()

    def _ended(self, code: int) -> None:
        log = "\n".join(self.log)
        if self._client is not None:
            self._client.stop()
        self._client, self._cancelled_at = None, 0.0
        if self._task is None:
            return
        missing = "No module named face_emote" in log
        hint = "it lacks face_emote" if missing else f"code {code}"
        self._fail(f"The engine stopped ({hint}); the scene is as it was, Generate starts it again", log)

    def _fail(self, message: str, details: str = "") -> None:
        task, self._task = self._task, None
        self._waiting.clear()
        self.status, self.failed = message, True
        if task is not None:
            task.failed(message, details)
