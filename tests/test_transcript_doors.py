"""A transcript is the same through every door: Python, command line, manifest, worker; its remark reaches who asked."""

from pathlib import Path

import numpy as np
import pytest

from face_emote.audio.examples import example_speech
from face_emote.cli.main import main
from face_emote.core.errors import FaceEmoteWarning
from face_emote.core.types import FaceMotion
from face_emote.formats.motion_file import read_motion
from face_emote.verbs.animate import animate
from face_emote.worker.jobs import serve
from face_emote.worker.protocol import Params, Request

LINE = example_speech()[1]
WRITTEN = f"NARRATOR: (sighs) {LINE.transcript}"
REMARK = "Nobody says these parts of the transcript, which are left out: 'NARRATOR:', '(sighs)'"


@pytest.fixture(scope="module")
def plain() -> FaceMotion:
    return animate(LINE.path, emotion="joy", transcript=LINE.transcript, animator="rules", fps=24.0)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "line.script"
    path.write_text(WRITTEN, "utf-16")
    return path


def assert_same(motion: FaceMotion, plain: FaceMotion) -> None:
    np.testing.assert_array_equal(motion.jaw_pose, plain.jaw_pose)
    np.testing.assert_array_equal(motion.expression, plain.expression)


@pytest.mark.parametrize("as_file", [True, False])
def test_in_python(plain: FaceMotion, written: Path, as_file: bool):
    with pytest.warns(FaceEmoteWarning) as said:
        motion = animate(
            LINE.path, emotion="joy", transcript=written if as_file else WRITTEN, animator="rules", fps=24.0
        )
    assert [str(one.message) for one in said] == [REMARK]
    assert_same(motion, plain)


@pytest.mark.parametrize("as_file", [True, False])
def test_on_the_command_line(plain: FaceMotion, written: Path, as_file: bool, capsys):
    out = written.with_name("a.npz")
    words = ["animate", str(LINE.path), "-e", "joy", "-t", str(written) if as_file else WRITTEN, "--animator", "rules"]
    assert main([*words, "--fps", "24", "-o", str(out)]) == 0
    assert capsys.readouterr().err == f"face-emote: {REMARK}\n"
    assert_same(read_motion(out), plain)


@pytest.mark.filterwarnings("ignore:Nobody says")
@pytest.mark.parametrize("cell", ["line.script", WRITTEN])
def test_in_a_manifest(plain: FaceMotion, written: Path, cell: str):
    folder = written.parent
    (folder / "lines.csv").write_text(
        f'speech,name,emotion,transcript,animator,fps,outputs\n{LINE.path},a,joy,"{cell}",rules,24,npz\n'
    )
    assert main(["batch", str(folder / "lines.csv"), "-o", str(folder / "out"), "--workers", "1"]) == 0
    assert_same(read_motion(folder / "out" / "a.npz"), plain)
    assert "Nobody says these parts of the transcript" in (folder / "out" / "report.html").read_text("utf-8")


@pytest.mark.filterwarnings("ignore:Nobody says")
@pytest.mark.parametrize("as_file", [True, False])
def test_in_the_worker_that_serves_blender(plain: FaceMotion, written: Path, as_file: bool):
    asked = {"speech": str(LINE.path), "path": str(written.with_name("take.npz")), "emotion": "joy", "fps": 24.0,
             "transcript": str(written) if as_file else WRITTEN, "animator": "rules"}  # fmt: skip
    said = serve(Request(1, "generate", Params(asked)), progress=lambda *_: None)
    assert said["remarks"] == [REMARK]
    assert_same(read_motion(said["motion"]), plain)
