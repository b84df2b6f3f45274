"""Property tests try the same examples every time; FACE_EMOTE_FUZZ=1 lets them look for new ones.

Files are signed with a key of the tests' own, not with the user's.
"""

import atexit
import os
import tempfile

from face_emote.core.threads import use_one_thread

use_one_thread()

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

threadpool_limits(1)  # The checker of shapes has loaded numpy already.

settings.register_profile("steady", derandomize=True)
settings.register_profile("fuzz", derandomize=False)
settings.load_profile("fuzz" if os.environ.get("FACE_EMOTE_FUZZ") else "steady")

_settings = tempfile.TemporaryDirectory(prefix="face_emote_settings_")
atexit.register(_settings.cleanup)
os.environ["FACE_EMOTE_SETTINGS"] = _settings.name


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line in this process: (exit code, stdout, stderr)."""
    from face_emote.cli import main as command_line

    monkeypatch.setattr(command_line, "_end_cleanly_when_terminated", lambda: None)

    def run(*words: str) -> tuple[int, str, str]:
        code = command_line.main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def motion_path(tmp_path):
    """A motion file of three frames."""
    from fabricated import lively_motion

    from face_emote.face.bundled import load_head
    from face_emote.formats.motion_file import write_motion

    return write_motion(lively_motion(load_head(), 3), tmp_path / "line.npz")
