"""Blender lives in a process of its own: it answers, fails in one sentence, and never outlives its owner."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from face_emote.blender_side.process import PYTHON_VARIABLE, BlenderProcess, blender_python
from face_emote.core.errors import BlenderError, DependencyError


def have_blender():
    try:
        return bool(blender_python())
    except DependencyError:
        return False


needs_blender = pytest.mark.skipif(
    not have_blender(), reason=f"no bpy: pip install bpy, or set {PYTHON_VARIABLE} to a Python that has it"
)
VERBS = "face_emote.blender_side.files"


def test_without_blender_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    if find_spec("bpy") is None:
        with pytest.raises(DependencyError, match=r"pip install 'face-emote\[blender\]'"):
            blender_python()
    monkeypatch.setenv(PYTHON_VARIABLE, "/nowhere/python")
    with pytest.raises(DependencyError, match="nothing runs there: /nowhere/python"):
        blender_python()


@pytest.mark.skipif(find_spec("bpy") is not None, reason="this Python has bpy")
def test_a_python_without_bpy_is_told_apart(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    with pytest.raises(DependencyError, match=r"has no bpy .*pip install 'bpy>=4.5,<5.1'"):
        BlenderProcess(VERBS)


@needs_blender
def test_it_tells_its_version_and_goes_when_closed():
    blender = BlenderProcess(VERBS)
    assert blender.version.startswith(("4.5", "5.0"))
    assert blender.folder.is_dir()
    blender.close()
    assert not blender.folder.exists()
    assert blender._process.poll() is not None


@needs_blender
def test_a_failure_is_one_sentence_and_names_a_log_with_the_details():
    blender = BlenderProcess(VERBS)
    try:
        with pytest.raises(
            BlenderError, match=r"Blender failed \(FileNotFoundError: .*\); report this log: "
        ) as caught:
            blender.ask("fbx", surface="/nowhere.npz", rig="", path="", fps=30.0, attachments="")
    finally:
        blender.close()
    log = Path(str(caught.value).rpartition(": ")[2])
    assert "Traceback" in log.read_text()
    log.unlink()


@needs_blender
def test_a_crash_is_an_error_and_not_a_hang():
    blender = BlenderProcess(VERBS)
    os.kill(blender._process.pid, signal.SIGKILL)
    with pytest.raises(BlenderError, match="ended without an answer") as caught:
        blender.ask("fbx", surface="", rig="", path="", fps=30.0, attachments="")
    blender.close()
    Path(str(caught.value).rpartition(": ")[2]).unlink()


OWNER = """
import sys
from face_emote.blender_side.process import BlenderProcess
blender = BlenderProcess(sys.argv[1])
print(blender._process.pid, blender.folder, flush=True)
input()
"""


@needs_blender
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_it_dies_and_tidies_up_when_its_owner_is_killed():
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, VERBS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    pid, _, folder = owner.stdout.readline().strip().partition(" ")
    assert Path(folder).is_dir()
    owner.kill()
    owner.wait()
    owner.stdin.close()
    owner.stdout.close()
    deadline = time.monotonic() + 20.0
    while Path(folder).exists() or alive(int(pid)):
        assert time.monotonic() < deadline, "Blender is still there"
        time.sleep(0.05)


def alive(pid):
    """Whether the process runs; one that waits to be reaped by whoever adopted it does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
