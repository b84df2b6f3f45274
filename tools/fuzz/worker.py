"""A process that tries one damaged input after the other, and says what came of each. It may be killed, or die."""

import io
import logging
import os
import random
import resource
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tools.fuzz.damage import PLACES, damaged
from tools.fuzz.reader import Reader, Seed

ACCEPTED, REFUSED, TRACEBACK, HANG, DIED = "accepted", "refused", "traceback", "hang", "died"
MOST_MEGABYTES = 500.0
ROOM_BYTES = 3 << 30
"""What a process may take beyond what it has when all is loaded; a case that wants more fails, and is found."""
PLACE_SHARE = 0.03
"""Of the cases of a reader of files: something else lies in the file's place."""
PAGES = "face_emote-"
"""Start of the folder of pages that `view` leaves for the browser."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case."""

    reader: str
    seed: int
    number: int
    outcome: str
    secs: float = 0.0
    """Of the clock."""
    busy_secs: float = 0.0
    """Of the processor."""
    megabytes: float = 0.0
    """Most that was held while it ran, less what was held before."""
    left: tuple[str, ...] = ()
    """Files that stayed behind."""
    story: str = ""
    """The message, or the traceback."""

    @property
    def finding(self) -> str:
        """What is wrong; empty when nothing is."""
        if self.outcome in (TRACEBACK, HANG, DIED):
            return self.outcome
        if self.megabytes > MOST_MEGABYTES:
            return "memory"
        return "files left" if self.left else ""


def serve(connection: Connection, readers: Callable[[], dict[str, Reader]], stock: Path) -> None:
    """Answer (reader's name, seed, number) with a Result, or with a text: why the reader cannot be tried.

    Before a case begins, None is sent: what comes before is the making of valid inputs. Ends with the connection.
    """
    _settle(stock)
    known, trials = readers(), dict[str, Trial]()
    while True:
        try:
            name, seed, number = connection.recv()
        except EOFError:
            return
        try:
            if name not in trials:
                trials = {name: Trial(known[name], stock)}
        except Exception:
            connection.send(f"{name}: {traceback.format_exc()}")
            continue
        connection.send(None)
        connection.send(trials[name].case(seed, number=number))


def _settle(stock: Path) -> None:
    """Nothing is written but below the stock, and nothing is said."""
    for name in ("home", "tmp"):
        (stock / name).mkdir(exist_ok=True)
    os.environ |= {
        "HOME": str(stock / "home"), "FACE_EMOTE_SETTINGS": str(stock / "settings"), "BROWSER": "true",
        "FACE_EMOTE_CACHE": str(stock / "cache"), "TMPDIR": str(stock / "tmp"), "COLUMNS": "100",
    }  # fmt: skip
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        os.environ.pop(name, None)
    tempfile.tempdir = None
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


class Trial:
    """A reader that is tried."""

    def __init__(self, reader: Reader, stock: Path) -> None:
        """Make the valid inputs. Raises RuntimeError for one that is not accepted: damage to it would prove nothing."""
        self._reader, self._stock = reader, stock
        self._seeds: list[Seed] = reader.seeds(stock)
        for seed in self._seeds:
            done = self._tried(seed.content, suffix=seed.suffix)
            if done.outcome != ACCEPTED or done.left:
                raise RuntimeError(f"a valid input ({seed.suffix}) is {done.outcome} {done.left}: {done.story}")
        _limit_memory()

    def case(self, seed: int, *, number: int) -> Result:
        """Try a damaged input; the same numbers give the same one."""
        rng = random.Random(f"{seed} {self._reader.name} {number}")
        chosen = rng.choice(self._seeds)
        place = rng.choice(PLACES) if self._reader.is_file and rng.random() < PLACE_SHARE else None
        content = b"" if place else self._damaged(chosen.content, rng)
        return self._tried(content, suffix=chosen.suffix, place=place, seed=seed, number=number)

    def _damaged(self, content: bytes, rng: random.Random) -> bytes:
        return damaged(content, rng, own=self._reader.edits, any_byte=self._reader.any_byte)

    def _tried(
        self,
        content: bytes,
        *,
        suffix: str,
        place: Callable[[Path], None] | None = None,
        seed: int = 0,
        number: int = -1,
    ) -> Result:
        with tempfile.TemporaryDirectory(dir=self._stock, prefix="case_") as outer:
            folder = Path(outer) / "here"
            folder.mkdir()
            name_there = self._reader.name_there
            path = folder / (name_there if "." in name_there else f"{name_there}{suffix}")
            path.parent.mkdir(exist_ok=True)
            for name in self._reader.beside:
                shutil.copy(self._stock / name, folder / name)
            if place is None:
                path.write_bytes(content)
            else:
                place(path)
            before, held = _files(Path(outer), self._stock), _megabytes(peak=False)
            os.chdir(folder)
            started, busy = time.monotonic(), time.process_time()
            outcome, story = self._called(path)
            secs, busy_secs = time.monotonic() - started, time.process_time() - busy
            megabytes = max(_megabytes(peak=True) - held, 0.0)
            os.chdir(self._stock)
            left = tuple(sorted(_files(Path(outer), self._stock) - before))
            for name in left:
                _remove(Path(outer if name.startswith("here") else self._stock) / name)
            return Result(self._reader.name, seed, number, outcome, secs, busy_secs, megabytes, left, story)

    def _called(self, path: Path) -> tuple[str, str]:
        said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        _forget_peak()
        try:
            with redirect_stdout(said), redirect_stderr(said):
                self._reader.read(path)
            return ACCEPTED, ""
        except self._reader.mistakes as error:
            return REFUSED, str(error)
        except (Exception, SystemExit):
            return TRACEBACK, traceback.format_exc()


def _files(folder: Path, stock: Path) -> set[str]:
    """What lies in the case's folder and in the one for temporary files."""
    own = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    temporary = (path.relative_to(stock) for path in (stock / "tmp").rglob("*"))
    return own | {str(path) for path in temporary if not path.parts[1].startswith(PAGES)}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _limit_memory() -> None:
    """Let this process take so much more than it has, and no more."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):  # Not Linux.
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM_BYTES, hard))


def _forget_peak() -> None:
    """Let the system count the most memory held from now on; elsewhere it is the most that was ever held."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _megabytes(*, peak: bool) -> float:
    """Memory that this process holds, or has held at most."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        wanted = "VmHWM:" if peak else "VmRSS:"
        return next(float(line.split()[1]) / 1024.0 for line in lines if line.startswith(wanted))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
