"""The worker's loop: a thread reads requests, the main thread serves them one by one.

`cancel` overtakes: it is heard at once and stops the running request at its next sign of progress. The process ends
with `shutdown`, or when its stdin closes, so that it never outlives the program that started it.
"""

import logging
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TextIO

from face_emote.core.errors import FaceEmoteError
from face_emote.worker.jobs import serve
from face_emote.worker.protocol import Request, error_line, progress_line, read_request, result_line

logger = logging.getLogger(__name__)


class CancelledError(Exception):
    """The running request was cancelled."""


class Server:
    """Serves requests from one stream, answers on another."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._pending: set[int] = set()
        """Requests that wait or are being served; no other can be cancelled."""
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Serve until `shutdown` or the end of the stream."""
        threading.Thread(target=self._read, daemon=True).start()
        while (request := self._waiting.get()) is not None:
            answer = self._answer(request)
            self._forget(request.id)
            self._say(answer)

    def _read(self) -> None:
        for line in self._requests:
            if not line.strip():
                continue
            try:
                request = read_request(line)
                if request.method == "cancel":
                    self._cancel(request.params.whole("request"))
                    continue
            except FaceEmoteError as error:
                self._say(error_line(0, kind="user", message=str(error)))
                continue
            if request.method == "shutdown":
                break
            with self._lock:
                self._pending.add(request.id)
            self._waiting.put(request)
        self._waiting.put(None)

    def _cancel(self, request_id: int) -> None:
        with self._lock:
            if request_id in self._pending:
                self._cancelled.add(request_id)

    def _forget(self, request_id: int) -> None:
        """An answer was given: another request may have this id."""
        with self._lock:
            self._pending.discard(request_id)
            self._cancelled.discard(request_id)

    def _answer(self, request: Request) -> str:
        try:
            return result_line(request.id, serve(request, progress=self._progress_of(request)))
        except CancelledError:
            return error_line(request.id, kind="cancelled", message="Cancelled")
        except FaceEmoteError as error:
            return error_line(request.id, kind="user", message=str(error), details=traceback.format_exc())
        except OSError as error:
            message = f"The system refuses ({error.strerror or error}); check the names of the files"
            return error_line(request.id, kind="user", message=message, details=traceback.format_exc())
        except Exception as error:
            logger.exception("request %d failed", request.id)
            message = f"The engine failed ({type(error).__name__}: {error}); please report it with the report file"
            return error_line(request.id, kind="bug", message=message, details=traceback.format_exc())

    def _progress_of(self, request: Request) -> Callable[[float, str], None]:
        last = [-1.0]

        def progress(value: float, stage: str) -> None:
            if request.id in self._cancelled:
                raise CancelledError
            if value - last[0] >= 0.01:
                last[0] = value
                self._say(progress_line(request.id, value=min(value, 1.0), stage=stage))

        progress(0.0, "starting")
        return progress

    def _say(self, line: str) -> None:
        with self._lock:
            self._answers.write(line + "\n")
            self._answers.flush()


def main() -> int:
    """Serve stdin; whatever else writes to stdout is sent to stderr, so that the protocol stays clean."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(True)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = os.fdopen(os.dup(sys.stdin.fileno()), "r", encoding="utf-8", errors="replace")
    Server(requests, answers).run()
    return 0
