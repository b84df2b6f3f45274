"""`animate --stream --to`: what other programs are sent while somebody speaks, from stdin, a microphone or a file."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from evaluated_takes import write_wav
from interruptible import started
from random_net import write_random_net
from test_live_targets import listening, osc_server

from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.cli import main as cli_main
from face_emote.cli.main import main
from face_emote.core.motion import joined_motion
from face_emote.core.names import ARKIT_ORDER
from face_emote.face.bundled import load_head
from face_emote.formats.arkit import CURVES, ArkitCurves
from face_emote.formats.motion_file import read_motion

JAW = CURVES.index("jawOpen")
LIDS = [CURVES.index(f"eyeBlink{side}") for side in ("Left", "Right")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_random_net(tmp_path_factory.mktemp("net") / "tiny.safetensors"))


@pytest.fixture(scope="module")
def samples():
    return read_speech(example_speech()[0].path).samples[:24_000]


@pytest.fixture(scope="module")
def pcm(samples):
    return (samples * 32767.0).astype("<i2").tobytes()


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line with these bytes on stdin: (exit code, stdout, stderr)."""
    monkeypatch.setattr(cli_main, "_end_cleanly_when_terminated", lambda: None)

    def run(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))
        code = main(["animate", "--stream", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


class Heard(threading.Thread):
    """Packets of Live Link as they come: instants, and the 61 curves of each."""

    def __init__(self, heard: socket.socket) -> None:
        super().__init__()
        self._heard, self._ended = heard, False
        self.times: list[float] = []
        self.curves: list[np.ndarray] = []
        heard.settimeout(0.2)
        self.start()

    def run(self) -> None:
        while not self._ended:
            try:
                packet = self._heard.recv(4096)
            except TimeoutError:
                continue
            self.times.append(time.monotonic())
            self.curves.append(np.frombuffer(packet[-61 * 4 :], ">f4"))

    def end(self) -> np.ndarray:
        time.sleep(0.3)
        self._ended = True
        self.join()
        return np.array(self.curves)


def test_everybody_is_sent_the_same_values_and_they_are_those_of_the_files(run, model, pcm, tmp_path):
    pytest.importorskip("pythonosc")
    take = tmp_path / "take"
    with listening() as (heard, port), osc_server() as (osc_port, said, _):
        packets = Heard(heard)
        code, out, err = run(
            "--model", model, "-e", "joy", "--rig", "arkit", "--to", f"livelink://127.0.0.1:{port}",
            "--to", f"osc://127.0.0.1:{osc_port}", "--to", "json", "-o", str(take), stdin=pcm,
        )  # fmt: skip
        curves = packets.end()
    assert code == 0 and f"livelink://127.0.0.1:{port}, osc://127.0.0.1:{osc_port}, json: 50 frames a second" in err
    header, *frames = [json.loads(line) for line in out.splitlines()]
    assert header["latency_ms"] == 80
    named = np.array([[frame["curves"][name] for name in CURVES] for frame in frames])
    np.testing.assert_array_equal(curves, named.astype(np.float32))
    applied = [i for i, message in enumerate(said) if message[0] == "/VMC/Ext/Blend/Apply"]
    assert len(applied) == len(frames) > 20
    last = {m[1]: m[2] for m in said[applied[-2] + 1 : applied[-1]] if m[0] == "/VMC/Ext/Blend/Val"}
    assert last == {f"{name[0].upper()}{name[1:]}": np.float32(frames[-1]["curves"][name]) for name in ARKIT_ORDER}
    motion = joined_motion([read_motion(path) for path in sorted(take.iterdir())])
    whole = ArkitCurves(load_head()).of(motion)
    spoken = [i for i, frame in enumerate(frames) if round(frame["t"] * 50) < motion.num_frames]
    rows = [round(frames[i]["t"] * 50) for i in spoken]
    np.testing.assert_allclose(named[spoken], whole[rows], atol=1e-5)
    assert spoken and motion.num_frames <= 75 + 30, "the sound, and the silence in which the mouth closes"


def test_at_the_end_the_mouth_closes_and_the_face_rests(run, model, pcm):
    with listening() as (heard, port):
        packets = Heard(heard)
        assert run("--model", model, "-e", "joy", "--to", f"livelink://127.0.0.1:{port}", stdin=pcm)[0] == 0
        curves = packets.end()
    assert np.abs(curves[:40]).max() > 0.2
    np.testing.assert_array_equal(curves[-1], 0.0)
    assert np.abs(np.diff(curves[-20:, :52], axis=0)).max() < 0.25, "it eases, it does not snap"


def test_a_recording_is_sent_at_its_own_pace(run, model, samples, tmp_path):
    write_wav(tmp_path / "line.wav", samples)
    with listening() as (heard, port):
        packets = Heard(heard)
        words = ("--model", model, "--fps", "25", "--to", f"livelink://127.0.0.1:{port}")
        assert run(str(tmp_path / "line.wav"), *words)[0] == 0
        packets.end()
    lasted, most = packets.times[-1] - packets.times[0], (1.5 + 0.6 + 0.5) * 25 + 1
    assert 20 < len(packets.times) <= most
    assert lasted > len(packets.times) / 25 - 0.15, "never faster than real time"


def test_json_alone_is_paced_when_a_recording_is_named(run, model, samples, tmp_path):
    write_wav(tmp_path / "line.wav", samples[:8000])
    code, out, err = run(str(tmp_path / "line.wav"), "--model", model, "--rig", "vrm")
    frames = [json.loads(line) for line in out.splitlines()][1:]
    assert code == 0 and {"aa", "blinkLeft", "happy"} <= set(frames[0]["curves"])
    assert "frames sent" in err


def child(*words, **more):
    return started("animate", "--stream", *words, stdin=subprocess.PIPE, **more)


def test_where_no_sound_comes_the_face_lives_on_and_ctrl_c_puts_it_to_rest(model):
    with listening() as (heard, port):
        packets = Heard(heard)
        speaking = child("--model", model, "--blinks", "4", "--to", f"livelink://127.0.0.1:{port}")
        assert speaking.stdin is not None and speaking.stderr is not None
        speaking.stdin.write(b"\0" * 640)
        speaking.stdin.flush()
        deadline = time.monotonic() + 60.0
        while not any(row[LIDS].max() > 0.6 for row in packets.curves) and time.monotonic() < deadline:
            time.sleep(0.1)
        speaking.send_signal(signal.SIGINT)
        assert speaking.wait(timeout=30) == 0
        curves = packets.end()
        said = speaking.stderr.read().decode()
        speaking.stdin.close()
        speaking.stderr.close()
    assert curves[:, LIDS].max() > 0.6 and curves[:, JAW].max() < 0.1
    np.testing.assert_array_equal(curves[-1], 0.0)
    assert "Traceback" not in said and "frames sent" in said


def test_nobody_at_the_other_end_stops_nothing(run, model, pcm):
    with listening() as (_, port):
        pass
    code, out, err = run("--model", model, "--to", f"livelink://127.0.0.1:{port}", "--to", "json", stdin=pcm[:16_000])
    assert code == 0 and len(out.splitlines()) > 10
    assert err.count("Nobody takes the face yet") == 1 and f"livelink://127.0.0.1:{port}" in err


def test_lines_that_nobody_reads_hold_up_nobody(model, samples, tmp_path):
    write_wav(tmp_path / "line.wav", np.tile(samples, 2))
    with listening() as (heard, port):
        packets = Heard(heard)
        words = (str(tmp_path / "line.wav"), "--model", model, "--rig", "arkit")
        speaking = child(*words, "--to", "json", "--to", f"livelink://127.0.0.1:{port}", stdout=subprocess.PIPE)
        assert speaking.stdin is not None and speaking.stdout is not None and speaking.stderr is not None
        assert speaking.wait(timeout=60) == 0
        curves = packets.end()
        lines = speaking.stdout.read().splitlines()
        for pipe in (speaking.stdin, speaking.stdout, speaking.stderr):
            pipe.close()
    np.testing.assert_array_equal(curves[-1], 0.0)
    assert 0 < len(lines) < len(curves) and all(json.loads(line) for line in lines)


MISTAKES = {
    "two sounds": (["line.wav", "--mic"], "--mic and SPEECH are both to be heard; leave one of them out"),
    "a name": (["--to", "osc://studio"], "--to takes a host as its number, such as 192.168.1.5, since names are not"),
    "cues": (["--to", "osc", "--rig", "rhubarb"], "Live there are curves with names, and rhubarb has none; choose vrm"),
    "coefficients": (["--to", "osc", "--rig", "amass"], "Live there are curves with names, and amass has none"),
    "rig": (
        ["--to", "livelink", "--rig", "vrm"],
        "livelink:// always has ARKit's curves; --rig is for osc:// and json",
    ),
    "file": (["nothing.wav", "--to", "osc"], "There is no such speech file; check the name: nothing.wav"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_line(run, case, model):
    words, message = MISTAKES[case]
    code, out, err = run("--model", model, *words)
    assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith(f"face-emote: {message}")


def test_an_address_without_stream_is_told(capsys):
    assert main(["animate", "line.wav", "--to", "osc", "-o", "line.npz"]) == 2
    assert capsys.readouterr().err == "face-emote: --to belongs to --stream; add it\n"


@pytest.mark.parametrize(("package", "words"), [("pythonosc", ["--to", "osc"]), ("sounddevice", ["--mic"])])
def test_a_package_that_is_missing_is_named(run, model, monkeypatch, package, words):
    for name in [name for name in sys.modules if name.partition(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)
    code, _, err = run("--model", model, *words, stdin=b"\0" * 640)
    assert code == 2 and "pip install 'face-emote[live]'" in err and err.count("\n") == 1


ASOUNDRC = """\
pcm.fabricated { type file slave.pcm "null" file /dev/null infile "%s" format raw }
pcm.!default { type plug slave.pcm fabricated }
"""


@pytest.fixture
def home(tmp_path):
    """A home folder with a microphone: ALSA reads it from a file, and PortAudio believes it."""
    pytest.importorskip("sounddevice", exc_type=ImportError)
    (tmp_path / "sound.raw").write_bytes((0.1 * np.sin(np.arange(16_000)) * 32767).astype("<i2").tobytes())
    (tmp_path / ".asoundrc").write_text(ASOUNDRC % (tmp_path / "sound.raw"))
    ask = "import sounddevice; print([facts['name'] for facts in sounddevice.query_devices()])"
    asked = subprocess.run([sys.executable, "-c", ask], env=os.environ | {"HOME": str(tmp_path)}, capture_output=True)
    if b"fabricated" not in asked.stdout:
        pytest.skip("PortAudio of this machine knows no ALSA, which a microphone is fabricated with")
    return os.environ | {"HOME": str(tmp_path)}


@pytest.mark.parametrize("device", [[], ["fabricated"]])
def test_a_microphone_is_heard(home, model, device):
    with listening() as (heard, port):
        packets = Heard(heard)
        speaking = child("--model", model, "--to", f"livelink://127.0.0.1:{port}", "--mic", *device, env=home)
        assert speaking.stdin is not None and speaking.stderr is not None
        deadline = time.monotonic() + 60.0
        while len(packets.times) < 30 and time.monotonic() < deadline:
            time.sleep(0.1)
        speaking.send_signal(signal.SIGINT)
        assert speaking.wait(timeout=30) == 0
        packets.end()
        speaking.stdin.close()
        speaking.stderr.close()
    assert len(packets.times) >= 30


def test_a_microphone_that_is_not_there_lists_those_that_are(home, model):
    speaking = child("--model", model, "--to", "livelink", "--mic", "golden", env=home)
    _, said = speaking.communicate(timeout=60)
    assert speaking.returncode == 2
    assert said.decode().startswith("face-emote: No sound comes from that microphone (")
    assert "0 fabricated, 1 default" in said.decode()
