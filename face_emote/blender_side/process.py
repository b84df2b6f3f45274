"""Blender in a process of its own: started when first needed, asked in JSON lines, gone when its owner is gone.

bpy may abort the interpreter that imports it (a missing libEGL is enough) and pins another numpy than we like, so it
never runs in ours. Control crosses as one JSON object a line, arrays as files in the process's own folder.

    ask:    {"verb": "draw", "facts": {"frame": 3}}
    answer: {"progress": 3, "total": 9} .. then {"result": {..}}, {"error": ".."} or {"missing": ".."}
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from face_emote.core.errors import BlenderError, DependencyError

PYTHON_VARIABLE = "FACE_EMOTE_BLENDER_PYTHON"
"""Names the Python that has bpy, when it is not the one that runs face_emote."""
INSTALL = "pip install 'face-emote[blender]'"
SYSTEM_PACKAGES = "libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1"
"""What bpy's libraries need of a bare Debian or Ubuntu."""
PACKAGE_ROOT = Path(__file__).parent.parent.parent
BOOT = "import sys; sys.path.append(sys.argv[1]); from face_emote.blender_side.child import serve; serve(*sys.argv[2:])"
"""The package is found last, so that Blender's Python keeps its own numpy."""
SECONDS_TO_LEAVE = 5.0

Report = Callable[[float, float], None]  # report(done, total), now and then while Blender works.


def blender_python() -> Path:
    """The Python that can import bpy. DependencyError: there is none."""
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        if shutil.which(named) is None:
            raise DependencyError(f"{PYTHON_VARIABLE} must name a Python that has bpy, but nothing runs there: {named}")
        return Path(cast(str, shutil.which(named)))
    if find_spec("bpy") is None:
        raise DependencyError(
            f"This needs Blender's Python module: {INSTALL} (Python 3.11), or let {PYTHON_VARIABLE} name a Python "
            "that has it"
        )
    return Path(sys.executable)


class BlenderProcess:
    """One Blender. Not for several threads at once; its owner closes it, or it ends with its owner."""

    def __init__(self, module: str, *, search: Path = PACKAGE_ROOT) -> None:
        """Start Blender with a module of VERBS, which is found in the folder `search`, as is face_emote.

        DependencyError: bpy, or a library that it needs, is not installed. BlenderError: Blender does not start.
        """
        python = blender_python()
        self.folder = Path(tempfile.mkdtemp(prefix="face_emote_blender_"))
        """For files that cross; removed with the process."""
        self._log = self.folder / "blender.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(python), "-P", "-c", BOOT, str(search), module, str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(python, folder=self.folder),
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is ours to handle.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        self._end = weakref.finalize(self, _stop, self._process, self.folder)
        try:
            self.version = str(self.ask("hello")["version"])
        except BaseException:
            self.close()
            raise

    def ask(self, verb: str, *, report: Report | None = None, **facts: Any) -> dict[str, Any]:
        """Let Blender do something and wait for its answer.

        DependencyError: bpy cannot be imported. BlenderError: it failed or died; the message names a log file.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"verb": verb, "facts": facts}) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # It is dead; the empty answer below says so.
        while line := self._process.stdout.readline():
            answer = json.loads(line)
            if "progress" in answer:
                if report is not None:
                    report(float(answer["progress"]), float(answer["total"]))
            elif "missing" in answer:
                raise DependencyError(_missing(str(answer["missing"])))
            elif "error" in answer:
                raise BlenderError(f"Blender failed ({answer['error']}); report this log: {self._kept_log()}")
            else:
                return cast(dict[str, Any], answer["result"])
        if not self._end.alive:
            raise BlenderError("Blender was stopped; nothing more can be asked of it")
        code = self._process.wait()
        raise BlenderError(f"Blender ended without an answer (code {code}); its last words are in: {self._kept_log()}")

    def close(self) -> None:
        """End it and remove its folder."""
        self._end()

    def _kept_log(self) -> Path:
        """A copy of what Blender said, where it outlives the process."""
        handle, name = tempfile.mkstemp(prefix="face_emote_blender_", suffix=".log")
        with os.fdopen(handle, "wb") as kept:
            kept.write(self._log.read_bytes() if self._log.exists() else b"")
        return Path(name)


def _environment(python: Path, *, folder: Path) -> dict[str, str]:
    """Ours, without what would lead another Python astray; Blender's own temporary files go into `folder` too.

    The hash seed keeps written files the same.
    """
    own = python == Path(sys.executable)
    kept = {name: value for name, value in os.environ.items() if own or not name.startswith("PYTHON")}
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    return kept | places | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def _missing(what: str) -> str:
    if ".so" in what:
        return f"bpy cannot start ({what}); on Debian and Ubuntu: apt-get install {SYSTEM_PACKAGES}"
    return f"The Python of {PYTHON_VARIABLE} has no bpy ({what}); there: pip install 'bpy>=4.5,<5.1'"


def _stop(process: "subprocess.Popen[str]", folder: Path) -> None:
    """Closing its input makes the child leave, whatever it is doing."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.close()
    except OSError:
        pass
    try:
        process.wait(SECONDS_TO_LEAVE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    shutil.rmtree(folder, ignore_errors=True)
