"""What goes on while a batch runs, for the progress view and for the log."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from face_emote.core.errors import OutputError
from face_emote.core.reading import opened

LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One thing that a batch has come to."""

    kind: str
    """`batch started`, `row started`, `frames`, `task done`, `row done`, `row failed`, `retried`, `batch done`."""
    row: str = ""
    text: str = ""  # Why it failed, or what is tried again.
    frames: int = 0  # Frames drawn since; at the start, and for a row that is done, frames in all.
    secs: float = 0.0  # How long it took.
    rows: int = 0  # At the start: rows to do; at the end: rows done.
    failed: int = 0
    worker: str = ""
    memory_mb: float = 0.0


Watch = Callable[[LogEntry], None]


def _is_torn(path: Path) -> bool:
    """Whether the last line has no end."""
    with opened(path) as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


class Log:
    """`log.jsonl`: a line of JSON for everything but single frames, with the time of day. Grows with every run."""

    def __init__(self, folder: Path) -> None:
        """Go on with the log of the folder. Raises OutputError when it cannot be written."""
        path = folder / LOG
        try:
            torn = path.exists() and _is_torn(path)
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise OutputError(f"The batch's log cannot be written ({error.strerror}); move it away: {path}") from None
        if torn:  # the last run was killed while it wrote
            self._file.write("\n")

    def __call__(self, entry: LogEntry) -> None:
        """Write a line."""
        if entry.kind == "frames":
            return
        facts = {name: value for name, value in asdict(entry).items() if value}
        self._file.write(json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds")} | facts) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
