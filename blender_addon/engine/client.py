# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker process. Its threads touch queues only; whoever owns the client polls it. No bpy here."""

import contextlib
import json
import queue
import subprocess
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import IO, Any

from .locate import EngineCommand

PROTOCOL = "face_emote/1"
LOG_LINES = 60
STOP_SECS = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One line from the worker, or its end (`event` is "exit")."""

    id: int
    event: str
    """progress, result, error or exit."""
    data: dict[str, Any] = field(default_factory=dict)


class Client:
    """Starts a worker, writes requests to it and collects what it says."""

    def __init__(self, command: EngineCommand) -> None:
        self.command = command
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._number = 0
        self._process = subprocess.Popen(
            command.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=dict(command.environment),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        threading.Thread(target=self._read_answers, args=(self._process.stdout,), daemon=True).start()
        threading.Thread(target=self._read_log, args=(self._process.stderr,), daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, method: str, params: dict[str, Any]) -> int:
        """Write a request; returns its id. A dead process is told of by an `exit` answer."""
        self._number += 1
        line = json.dumps({"id": self._number, "method": method, "params": params})
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        return self._number

    def poll(self, limit: int = 256) -> list[Answer]:
        """What has been said since the last call, oldest first."""
        answers: list[Answer] = []
        with contextlib.suppress(queue.Empty):
            while len(answers) < limit:
                answers.append(self._answers.get_nowait())
        return answers

    def stop(self) -> None:
        """End the process: politely, then firmly. Safe to call twice."""
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self.alive:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECS)

    def _read_answers(self, stream: IO[str]) -> None:
        for line in stream:
            self._answers.put(parsed_answer(line))
        stream.close()
        self._answers.put(Answer(0, "exit", {"code": self._process.wait()}))

    def _read_log(self, stream: IO[str]) -> None:
        for line in stream:
            self.log.append(line.rstrip())
        stream.close()


def parsed_answer(line: str) -> Answer:
    """A line of the protocol; whatever is none becomes an error with id 0."""
    try:
        message = json.loads(line)
        number = int(message["id"])
        if message.get("event") == "progress":
            return Answer(number, "progress", {"value": float(message["value"]), "stage": str(message["stage"])})
        if "result" in message:
            return Answer(number, "result", dict(message["result"]))
        return Answer(number, "error", dict(message["error"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Answer(0, "error", {"kind": "bug", "message": f"The engine said something strange: {line[:80]!r}"})
