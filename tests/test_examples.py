"""The examples run as they stand and write what they say."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from random_net import write_random_net

from face_emote.audio.examples import example_speech
from face_emote.core.names import CONTROLS
from face_emote.formats.motion_file import read_motion

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *words: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, str(EXAMPLES / name), *words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested_here():
    source = Path(__file__).read_text()
    assert all(path.name in source for path in EXAMPLES.glob("*.py"))


def test_engine_example(tmp_path):
    assert "speech.glb" in run("02_speech_to_engine.py", cwd=tmp_path)
    assert (tmp_path / "speech.glb").read_bytes()[:4] == b"glTF"


def test_curves_example(tmp_path):
    run("03_edit_the_curves.py", cwd=tmp_path)
    motion = read_motion(tmp_path / "edited.npz")
    assert np.all(motion.expression[-10:, CONTROLS.index("eyeBlinkLeft")] == 1.0)


def test_vertices_example(tmp_path):
    out = run("04_vertices_and_landmarks.py", cwd=tmp_path)
    assert "vertices (" in out and "inner lips: closed to" in out


def test_live_example(tmp_path):
    shortest = min(example_speech(), key=lambda item: item.path.stat().st_size)
    net = write_random_net(tmp_path / "net.safetensors")
    out = run("05_live.py", str(shortest.path), str(net), cwd=tmp_path)
    assert re.match(r"\d+ frames of \d", out)


def test_other_faces_example(tmp_path):
    out = run("06_other_faces.py", cwd=tmp_path)
    assert out.startswith("0.00\t")
    header = (tmp_path / "heroine.csv").read_text().splitlines()[0]
    assert header == "time,Smile_L,Smile_R,Blush,Ah,Oo"
    assert {"visemes.csv", "metahuman.json", "cues.tsv"} <= {path.name for path in tmp_path.iterdir()}


def test_meshes_example(tmp_path):
    out = run("08_meshes.py", cwd=tmp_path)
    assert "eye_left eye_right" in out and "level 2:" in out
    assert (tmp_path / "surprised.ply").is_file()


@pytest.mark.slow
def test_capture_example(tmp_path):
    run("07_feel_a_capture.py", cwd=tmp_path)
    assert read_motion(tmp_path / "felt.npz").wrinkles.max() > 0.3
    assert all((tmp_path / name).stat().st_size > 20_000 for name in ("recorded.png", "felt.png"))


@pytest.mark.slow
def test_video_example(tmp_path):
    run("01_speech_to_video.py", cwd=tmp_path)
    assert (tmp_path / "speech.mp4").stat().st_size > 50_000
