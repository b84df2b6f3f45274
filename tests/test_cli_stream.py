"""`face-emote animate --stream`, and who animates: the network or the rules."""

import contextlib
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from random_net import write_random_net

from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.cli import main as cli_main
from face_emote.cli.main import main
from face_emote.cli.streaming import frame_of
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, WRINKLES
from face_emote.core.version import VERSION
from face_emote.formats.motion_file import read_motion


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_random_net(tmp_path_factory.mktemp("net") / "tiny.safetensors")


@pytest.fixture(scope="module")
def pcm():
    """A second and a half of speech, as a microphone program pipes it."""
    return (read_speech(example_speech()[0].path).samples[:24_000] * 32767.0).astype("<i2").tobytes()


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line with these bytes on stdin: (exit code, stdout, stderr)."""
    monkeypatch.setattr(cli_main, "_end_cleanly_when_terminated", lambda: None)

    def run(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))
        code = main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_sound_on_stdin_becomes_a_line_a_frame(run, model, pcm):
    code, out, err = run("animate", "--stream", "--model", str(model), "-e", "joy", "--latency", "80", stdin=pcm)
    assert (code, err) == (0, "")
    header, *frames = [json.loads(line) for line in out.splitlines()]
    assert (header["face_emote"], header["fps"], header["latency_ms"]) == (VERSION, 50.0, 80)
    assert header["animator"].startswith("net tiny ")
    assert [frame["t"] for frame in frames] == [round(i / 50.0, 6) for i in range(75)]
    assert set(frames[0]) == {"t", "expression", "jaw", "neck", "eyes", "body", "shift", "wrinkles", "blood"}
    for frame in frames:
        assert set(frame["expression"]) <= set(CONTROLS) and 0.0 not in frame["expression"].values()
        assert set(frame["wrinkles"]) <= set(WRINKLES) and set(frame["blood"]) <= set(BLOOD_REGIONS)


def test_a_folder_gets_a_motion_file_a_second(run, model, pcm, tmp_path):
    words = ("animate", "--stream", "--model", str(model), "--fps", "25", "-o", str(tmp_path / "take"))
    assert run(*words, stdin=pcm) == (0, "", "")
    parts = [read_motion(path) for path in sorted((tmp_path / "take").iterdir())]
    assert [part.num_frames for part in parts] == [25, 13]
    code, out, _ = run(*words[:-2], stdin=pcm)
    frames = [json.loads(line) for line in out.splitlines()][1:]
    assert code == 0
    assert frames[30] == json.loads(json.dumps(frame_of(parts[1], 5, secs=1.2)))
    code, _, err = run(*words, stdin=pcm)
    assert code == 2 and "motion files in this folder already; choose another" in err


def test_another_rate_is_heard_as_the_same_speech(run, model, pcm):
    double = np.repeat(np.frombuffer(pcm, "<i2"), 2).tobytes()
    words = ("animate", "--stream", "--model", str(model), "--fps", "25")
    plain = run(*words, stdin=pcm)[1].splitlines()
    resampled = run(*words, "--stream-rate", "32000", stdin=double + b"x")[1].splitlines()
    assert len(plain) == len(resampled) == 39


def test_no_sound_at_all_is_no_mistake(run, model):
    assert run("animate", "--stream", "--model", str(model)) == (0, "", "")


MISTAKES = {
    "transcript": (["-t", "hello"], "--transcript cannot be used with --stream; animate a recording instead"),
    "picture": (["--light", "warm"], "--light cannot be used with --stream; animate a recording instead"),
    "rules": (
        ["--animator", "rules"],
        "Only the animator net can hear while somebody speaks; leave out --animator rules, or --stream",
    ),
    "rate": (["--stream-rate", "10"], "--stream-rate must lie between 1000 and 768000 Hz, got 10"),
    "slow": (["--fps", "2"], "A live performance has at least 10 frames a second, got 2"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_line(run, case, model, monkeypatch):
    words, message = MISTAKES[case]
    network = [] if case == "rules" else ["--model", str(model)]
    assert run("animate", "--stream", *network, *words) == (2, "", f"face-emote: {message}\n")


def test_a_terminal_is_no_microphone(run, model, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    assert main(["animate", "--stream", "--model", str(model)]) == 2
    assert "There is no sound on stdin; pipe 16-bit mono PCM" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_the_stream(model, pcm):
    words = [sys.executable, "-m", "face_emote", "animate", "--stream", "--model", str(model)]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    child.stdin.write(pcm)
    child.stdin.flush()
    assert child.stdout.readline().startswith(b'{"face_emote"')
    child.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(20 * pcm)
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    with child.stderr:
        assert child.stderr.read() == b""
    assert child.wait(timeout=60) == 0


def test_the_animator_is_chosen_by_name_or_by_its_network(run, model, tmp_path):
    speech = str(min(example_speech(), key=lambda item: item.path.stat().st_size).path)
    made = {}
    for name, words in {"rules": ["--animator", "rules"], "net": ["--model", str(model)]}.items():
        path = tmp_path / f"{name}.npz"
        assert run("animate", speech, "--fps", "4", *words, "-o", str(path))[0] == 0
        made[name] = read_motion(path)
        assert made[name].info.animator.split()[0] == name
    assert np.abs(made["rules"].jaw_pose - made["net"].jaw_pose).max() > 1e-3


def test_contradictions_about_the_network_are_told(run, model, tmp_path):
    out = ["-o", str(tmp_path / "a.npz")]
    assert run("animate", "a.wav", "--fast", "--model", str(model), *out)[2] == (
        "face-emote: fast and model name two networks; give one of them\n"
    )
    assert run("animate", "a.wav", "--animator", "rules", "--fast", *out)[2] == (
        "face-emote: The rules need no network; leave out the network, or the animator rules\n"
    )
    code, _, err = run("animate", str(example_speech()[0].path), "--model", str(tmp_path / "none.safetensors"), *out)
    assert code == 2 and "none.safetensors" in err
