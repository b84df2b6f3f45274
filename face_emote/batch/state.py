"""What is done and what is not, in one SQLite file: whatever is killed, the next start knows where to go on.

Write-ahead logging: a reader (`batch status`) never waits for the writer, and a killed writer leaves the last whole
state. One process writes, the one that holds the lock of the folder.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_emote.core.errors import BatchError, OutputError
from face_emote.core.records import Record, parsed_json

FILE = "batch.sqlite"
FORMAT = 1
WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    name TEXT PRIMARY KEY, place TEXT NOT NULL, position INTEGER NOT NULL, listed INTEGER NOT NULL,
    status TEXT NOT NULL, error TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
    about TEXT NOT NULL DEFAULT '{}', timing TEXT NOT NULL DEFAULT '{}', story TEXT NOT NULL DEFAULT '{}',
    thumbnail BLOB NOT NULL DEFAULT x'');
CREATE TABLE IF NOT EXISTS outputs (
    path TEXT PRIMARY KEY, row TEXT NOT NULL, hash TEXT NOT NULL, status TEXT NOT NULL, sha256 TEXT NOT NULL,
    size INTEGER NOT NULL, marked INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class OutputState:
    """A file that was, or is about to be, put in its place."""

    path: str  # Inside the batch's folder.
    row: str
    hash: str  # Of its inputs (`fingerprint.output_hash`).
    published: bool  # False: it was about to be, when the batch was stopped.
    sha256: str
    size: int
    marked: bool


@dataclass(frozen=True, slots=True)
class RowState:
    """How far a row is."""

    name: str
    place: str
    status: str
    error: str
    attempts: int
    about: dict[str, str]  # What was wanted, for people.
    timing: dict[str, float]  # Seconds by kind of work, frames, memory.
    story: dict[str, object]
    thumbnail: bytes


class BatchState:
    """The state of one folder. Used by one thread."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Open, or make.

        BatchError: it is no state of a batch, or that of another version; or with `read_only`, there is none.
        OutputError: the disk cannot take it.
        """
        self._path = folder / FILE
        if read_only and not self._path.is_file():
            raise BatchError(f"No batch has run in this folder yet: {folder}")
        with self._faults_named():
            self._database = sqlite3.connect(self._path, isolation_level=None, timeout=30.0)
            self._database.execute("PRAGMA busy_timeout = 30000")
            if not read_only:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.executescript(_TABLES)
                self._database.execute("INSERT OR IGNORE INTO facts VALUES ('format', ?)", (str(FORMAT),))
            if self.fact("format") != str(FORMAT):
                self._database.close()
                raise BatchError(f"This folder's batch is of another version; choose a new folder: {folder}")

    def close(self) -> None:
        """Fold the log into the file."""
        self._database.close()

    def fact(self, name: str) -> str:
        """A fact about the whole batch; empty when it is not known."""
        with self._faults_named(), closing(self._database.cursor()) as cursor:
            found = cursor.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return "" if found is None else str(found[0])

    def list_rows(self, rows: list[tuple[str, str, dict[str, str]]]) -> None:
        """Name, place and description of the rows of this run, in order; others are kept, but no longer listed."""
        with self.together():
            self._write("UPDATE rows SET listed = 0")
            for position, (name, place, about) in enumerate(rows):
                self._write(
                    "INSERT INTO rows (name, place, position, listed, status, about) VALUES (?, ?, ?, 1, ?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET place = excluded.place, position = excluded.position, "
                    "listed = 1, about = excluded.about, "
                    "status = CASE status WHEN 'running' THEN 'waiting' ELSE status END",
                    name, place, position, WAITING, json.dumps(about),
                )  # fmt: skip

    def put_back(self) -> None:
        """Nothing is running any more."""
        self._write("UPDATE rows SET status = ? WHERE status = ?", WAITING, RUNNING)

    def set_status(self, name: str, status: str, *, error: str = "", attempts: int | None = None) -> None:
        """How far a row is now."""
        self._write(
            "UPDATE rows SET status = ?, error = ?, attempts = coalesce(?, attempts) WHERE name = ?",
            status, error, attempts, name,
        )  # fmt: skip

    def finish_row(self, name: str, *, timing: dict[str, float], story: str, thumbnail: bytes) -> None:
        """The row is done."""
        self._write(
            "UPDATE rows SET status = ?, error = '', timing = ?, story = ?, thumbnail = ? WHERE name = ?",
            DONE, json.dumps(timing), story, thumbnail, name,
        )  # fmt: skip

    def rows(self) -> list[RowState]:
        """All rows of the last run, in the manifest's order."""
        with self._faults_named():
            found = self._database.execute(
                "SELECT name, place, status, error, attempts, about, timing, story, thumbnail FROM rows "
                "WHERE listed = 1 ORDER BY position"
            ).fetchall()
            return [_row_of(cells) for cells in found]

    def statuses(self) -> dict[str, str]:
        """Status of every row that was ever listed, by name."""
        with self._faults_named():
            return dict(self._database.execute("SELECT name, status FROM rows").fetchall())

    def put_output(self, output: OutputState) -> None:
        """Keep what is known of an output."""
        self._write(
            "INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?)",
            output.path, output.row, output.hash, DONE if output.published else WAITING, output.sha256, output.size,
            int(output.marked),
        )  # fmt: skip

    def outputs(self) -> dict[str, OutputState]:
        """All outputs by path."""
        with self._faults_named():
            found = self._database.execute(
                "SELECT path, row, hash, status, sha256, size, marked FROM outputs"
            ).fetchall()
        return {
            path: OutputState(path, row, digest, status == DONE, sha256, size, bool(marked))
            for path, row, digest, status, sha256, size, marked in found
        }

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes inside the block are kept at once, or none."""
        self._write("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._write("COMMIT")

    def _write(self, statement: str, *values: object) -> None:
        with self._faults_named():
            self._database.execute(statement, [_storable(value) for value in values])

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise BatchError(f"The state of the batch is damaged ({error}); move it away: {self._path}") from None
        except sqlite3.Error as error:
            message = str(error)
            if "not a database" in message or "malformed" in message or "no such" in message:
                raise BatchError(f"This is not the state of a batch; move it away: {self._path}") from None
            raise OutputError(f"The state of the batch cannot be written ({message}): {self._path}") from None


def _row_of(cells: tuple[Any, ...]) -> RowState:
    """A row as it was stored. Raises ValueError when somebody else wrote it."""
    name, place, status, error, attempts, about, timing, story, thumbnail = cells
    if not all(isinstance(text, str) for text in cells[:4]) or not isinstance(attempts, int):
        raise ValueError("a row holds other values than ours")
    known, times = _table_of(about), _table_of(timing)
    return RowState(
        name, place, status, error, attempts, {key: known.text(key) for key in known.values},
        {key: times.number(key) for key in times.values}, dict(_table_of(story).values),
        thumbnail if isinstance(thumbnail, bytes) else b"",
    )  # fmt: skip


def _table_of(cell: object) -> Record:
    if not isinstance(cell, str):
        raise ValueError("a row holds other values than ours")
    return Record.of(parsed_json(cell.encode()))


def _storable(value: object) -> object:
    """Names of files may hold halves of letters, which a database does not take."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
