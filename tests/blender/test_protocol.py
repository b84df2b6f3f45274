"""The worker as a process of its own, and what the extension knows of it without Blender."""

import contextlib
import importlib.util
import json
import os
import shutil
import sys
import threading
import time
import types
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabricated_flame import write_flame

from face_emote.audio.examples import example_speech
from face_emote.core.errors import EmotionError, OptionError
from face_emote.core.names import ARKIT_ORDER, BLOOD_REGIONS, EMOTIONS, WRINKLES
from face_emote.emotion.grammar import describe
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.formats.motion_file import read_motion
from face_emote.verbs.animate import animate
from face_emote.worker.protocol import MAX_LINE, METHODS, read_request
from face_emote.worker.server import Server
from face_emote.worker.takes import read_emotion_keys

ROOT = Path(__file__).parent.parent.parent
SPEECH = example_speech()[1]


def extension_module(name: str) -> types.ModuleType:
    """A bpy-free module of the extension."""
    package = ROOT / "blender_addon"
    for parent in ("blender_addon", "blender_addon.engine", "blender_addon.apply"):
        if parent not in sys.modules:
            hollow = types.ModuleType(parent)
            hollow.__path__ = [str(package.parent / parent.replace(".", "/"))]  # type: ignore[attr-defined]
            sys.modules[parent] = hollow
    return importlib.import_module(f"blender_addon.{name}")


locate, client, session = (extension_module(f"engine.{name}") for name in ("locate", "client", "session"))


def command() -> object:
    return locate.find_engine(str(ROOT), package_folders=[str(Path(np.__file__).parent.parent)], python=sys.executable)


def run(worker: object, *, until: object, secs: float = 60.0) -> None:
    end = time.monotonic() + secs
    while not until():  # type: ignore[operator]
        worker.tick()  # type: ignore[attr-defined]
        assert time.monotonic() < end, "the engine does not answer"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def worker():
    made = session.Session(command)
    yield made
    made.close()


def outcome(worker, method: str, params: dict) -> tuple[dict, str]:
    """The result of a request, or its error."""
    results: list[dict] = []
    errors: list[str] = []
    task = session.Task(
        method, method, params, done=results.append, failed=lambda message, _details: errors.append(message)
    )
    worker.submit(task)
    run(worker, until=lambda: results or errors)
    return (results or [{}])[0], (errors or [""])[0]


def take_params(folder: Path, **more: object) -> dict:
    return {"speech": str(SPEECH.path), "path": str(folder / "take.npz"), "fps": 24.0, "emotion": "joy"} | more


def test_hello_tells_what_the_panel_is_drawn_from(worker):
    said, error = outcome(worker, "hello", {})
    assert not error and said["protocol"] == client.PROTOCOL == worker.capabilities["protocol"]
    names = extension_module("names")
    assert tuple(said["emotions"]) == names.EMOTIONS == EMOTIONS
    assert tuple(said["wrinkles"]) == names.WRINKLES == WRINKLES
    assert tuple(said["blood_regions"]) == names.BLOOD_REGIONS == BLOOD_REGIONS
    assert tuple(said["arkit"]) == names.ARKIT == ARKIT_ORDER
    assert tuple(said["characters"]) == names.CHARACTERS == tuple(item.name for item in characters())


def test_a_speech_is_read(worker):
    said, error = outcome(worker, "read", {"speech": str(example_speech()[0].path), "transcript": "I am so sad."})
    assert not error and tuple(said["mix"]) == EMOTIONS and set(said["gates"]) == {"voice", "text", "face"}
    assert describe(said["emotion"]).auto == 0.0 and "believed: voice" in said["sentence"]
    assert [name for name, *_ in said["senses"]] == ["voice", "words"] and "words" in said["sentence"]


def test_a_speech_is_read_against_other_lines_of_its_voice(worker):
    line, *others = [str(item.path) for item in example_speech()]
    alone, known = (outcome(worker, "read", {"speech": line, "others": them})[0] for them in ([], [*others, line]))
    assert known["mix"] != alone["mix"]
    assert "list of texts" in outcome(worker, "read", {"speech": line, "others": "one"})[1]


def test_a_table_of_lines_is_read_as_a_batch_reads_it(worker, tmp_path):
    table = tmp_path / "lines.csv"
    rows = [f"{SPEECH.path};calm joy;hello;maya;3;0,5;mp4", "gone.wav;joy;lost;;;;", f"{SPEECH.path};joyy;odd;;;;"]
    table.write_text("speech;emotion;name;character;seed;head motion;outputs\n" + "\n".join(rows))
    said, error = outcome(worker, "lines", {"table": str(table)})
    good, gone, odd = said["lines"]
    assert not error and [line["name"] for line in said["lines"]] == ["hello", "lost", "odd"]
    assert good["given"] == {"emotion": "calm joy", "seed": 3} and good["sliders"] == {"head": 0.5}
    assert good["character"] == "maya" and good["problem"] == "" and Path(good["speech"]) == SPEECH.path
    assert "no such file" in gone["problem"] and "nearest known words" in odd["problem"]
    made, error = outcome(worker, "generate", take_params(tmp_path, **good["given"]) | {"sliders": good["sliders"]})
    assert not error and made["frames"] > 10
    assert "no such manifest" in outcome(worker, "lines", {"table": str(tmp_path / "none.csv")})[1]


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs flite")
def test_a_text_is_said_by_a_speaker_of_this_computer(worker, tmp_path):
    said, error = outcome(worker, "hello", {})
    assert "flite" in said["speakers"] and not error
    target = tmp_path / "line.said.wav"
    ask = {"text": "[softly] I hate you!", "speaker": "flite", "path": str(target)}
    line, error = outcome(worker, "say", ask)
    assert not error and line["text"] == "I hate you!" and line["emotion"].startswith("anger")
    with wave.open(str(target)) as sound:
        assert 0.3 < sound.getnframes() / sound.getframerate() < 3.0
    assert outcome(worker, "say", ask | {"text": 12 * "a "})[0]["text"] == ""  # Heard, not aligned.
    assert "nothing to say" in outcome(worker, "say", ask | {"text": "[softly]"})[1]
    assert "did you mean 'flite'" in outcome(worker, "say", ask | {"speaker": "flit"})[1]


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs flite")
def test_lines_of_text_are_said_and_keep_what_is_hidden(worker, tmp_path):
    table = tmp_path / "lines.csv"
    table.write_text(
        "speech;text;emotion;hidden;said_by\n;I never said that.;joy, then calm;fear;flite\n"
        f"{SPEECH.path};He was not an ill-disposed young man;joy;anger;\n"
    )
    said, error = outcome(worker, "lines", {"table": str(table), "folder": str(tmp_path)})
    first, second = said["lines"]
    assert not error and not first["problem"] and Path(first["speech"]).parent == tmp_path
    assert first["given"]["transcript"] == "I never said that." and first["name"] == "I never said that"
    assert first["given"]["emotion"].count("fear hidden under") == 3
    assert second["given"]["emotion"] == "anger hidden under joy"
    assert second["given"]["transcript"].startswith("He was not") and Path(second["speech"]) == SPEECH.path


def test_a_take_holds_curves_for_every_frame_and_a_motion_file_beside_it(worker, tmp_path):
    said, error = outcome(worker, "generate", take_params(tmp_path, target="arkit"))
    assert not error
    motion = read_motion(said["motion"])
    with np.load(said["path"], allow_pickle=False) as take:
        assert take["names"].tolist() == list(ARKIT_ORDER)
        assert take["weights"].shape == (motion.num_frames, len(ARKIT_ORDER))
        assert take["turns"].shape == (motion.num_frames, 5, 4)
        np.testing.assert_allclose(np.linalg.norm(take["turns"], axis=-1), 1.0, atol=1e-5)
        np.testing.assert_array_equal(take["blood"], motion.blood_flow)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["take.cues.json", "take.motion.npz", "take.npz"]


def test_a_take_for_a_flame_head_keeps_its_motion_in_flames_coefficients(worker, tmp_path):
    flame = write_flame(tmp_path / "flame.npz")
    said, error = outcome(worker, "generate", take_params(tmp_path, target="arkit", head=str(flame)))
    assert not error
    motion, head = read_motion(said["motion"]), load_head(flame)
    assert motion.info.basis == head.basis and motion.num_frames == said["frames"]
    whole = animate(SPEECH.path, emotion="joy", fps=24.0, head=head)
    np.testing.assert_array_equal(motion.expression, whole.expression)
    np.testing.assert_array_equal(motion.jaw_pose, whole.jaw_pose)


def test_a_recording_without_speech_is_said_in_the_panel(worker, tmp_path):
    with wave.open(str(tmp_path / "silent.wav"), "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(64_000))
    silent = {"speech": str(tmp_path / "silent.wav"), "target": "arkit"}
    said, error = outcome(worker, "generate", take_params(tmp_path, **silent))
    assert not error and "No speech was found" in said["remarks"][0] and "No speech was found" in worker.status


def test_what_nobody_says_of_the_words_is_named_in_the_panel(worker, tmp_path):
    words = {"transcript": f"(sighs) {SPEECH.transcript}", "target": "arkit"}
    said, error = outcome(worker, "generate", take_params(tmp_path, **words))
    assert not error and "'(sighs)'" in said["remarks"][0] and "'(sighs)'" in worker.status


def test_a_users_mistake_is_one_sentence_and_leaves_no_file(worker, tmp_path):
    for params, words in (
        ({"speech": str(tmp_path / "none.wav")}, "no such speech file"),
        ({"emotion": "joyy"}, "joy"),
        ({"sliders": {"nose": 1.0}}, "no slider 'nose'"),
        ({"person": {"character": "mia"}}, "did you mean 'maya'"),
        ({"target": "smpl"}, "head, arkit"),
        ({"fps": 0}, "fps must be a number from 1 to 1000"),
        ({"fps": 10**400}, "fps must be a number from 1 to 1000, got a number of over 40 digits"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"fsp": 24.0}, "no parameter 'fsp'; did you mean 'fps'"),
        ({"sliders": {"lips": "loud"}}, "lips must be a number from 0 to 4"),
        ({"person": {"identity": {"agee": 0.5}}}, "no slider of a person 'agee'; did you mean 'age'"),
        ({"person": {"identity": {"age": 2.0}}}, "age must be a number from 0 to 1"),
        ({"person": {"identity": {"african": "much"}}}, "african must be a number from 0 to 1"),
        ({"person": {"name": "maya"}}, "no parameter 'name'; choose one of: character, identity"),
        ({"emotion": "joy\ud800"}, "no letters of any script"),
        ({"path": str(tmp_path / ("x" * 300))}, "File name too long"),
        ({"speech": str(tmp_path / ("x" * 300)) + ".wav"}, "ile name too long"),
        ({"emotion_keys": str(tmp_path / ("x" * 300))}, "File name too long"),
    ):
        _said, error = outcome(worker, "generate", take_params(tmp_path, **params))
        assert words in error and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_cancel_leaves_nothing_and_the_next_task_is_served(worker, tmp_path):
    outcomes: list[str] = []
    task = session.Task(
        "long", "load", {"out_dir": str(tmp_path), "person": {"character": "walter"}},
        done=lambda _result: outcomes.append("done"), failed=lambda *_: outcomes.append("failed"),
    )  # fmt: skip
    worker.submit(task)
    run(worker, until=lambda: worker.progress > 0.0 or worker.stage == "starting")
    worker.cancel()
    assert not worker.busy and worker.status == "Cancelled"
    said, error = outcome(worker, "hello", {})
    assert said and not error and outcomes == [] and not (tmp_path / "head.npz").exists()


def test_a_killed_engine_is_told_of_and_started_again(tmp_path):
    worker = session.Session(command)
    errors: list[str] = []
    params = take_params(tmp_path)
    worker.submit(session.Task("take", "generate", params, done=errors.append, failed=lambda m, _d: errors.append(m)))
    run(worker, until=lambda: worker.pid is not None)
    os.kill(worker.pid, 9)
    run(worker, until=lambda: errors)
    assert "stopped" in errors[0] and "as it was" in errors[0]
    assert not any(path.suffix == ".npz" for path in tmp_path.iterdir())
    said, error = outcome(worker, "hello", {})
    assert said and not error
    worker.close()
    assert worker.pid is None


def fake_engine(tmp_path: Path, answer: dict) -> object:
    """A command that answers every request with the same line."""
    reply = f"print(json.dumps({answer!r} | {{'id': json.loads(line)['id']}}), flush=True)"
    script = f"import sys, json\nfor line in sys.stdin:\n {reply}\n"
    return locate.EngineCommand("fake", (sys.executable, "-c", script), locate.clean_environment([]))


def test_an_engine_of_another_protocol_is_explained(tmp_path):
    said = {"result": {"protocol": "face_emote/2", "version": "9.0"}}
    worker = session.Session(lambda: fake_engine(tmp_path, said))
    _result, error = outcome(worker, "load", {})
    assert "face_emote/2" in error and "update" in error
    worker.close()


def test_an_engine_that_talks_nonsense_is_no_crash():
    assert client.parsed_answer("Hello!\n").event == "error"
    assert client.parsed_answer('{"id": 3, "event": "progress", "value": "much", "stage": 1}').id == 0
    assert client.parsed_answer('{"id": 3, "result": {"a": 1}}').data == {"a": 1}


def test_an_estimate_follows_the_progress():
    now = [0.0]
    worker = session.Session(command, clock=lambda: now[0])
    worker._task, worker._started = session.Task("x", "hello", {}, done=print, failed=print), 0.0
    worker.progress, now[0] = 0.25, 10.0
    assert worker.secs_left == pytest.approx(30.0)


def test_requests_are_read_as_hostile():
    assert read_request('{"id": 1, "method": "hello"}').method in METHODS
    for line in ("", "[]", "{}", '{"id": true, "method": "hello"}', '{"id": 1, "method": "rm"}',
                 '{"id": 1, "method": "hello", "params": 3}', "[" * 100_000, "x" * (MAX_LINE + 1)):  # fmt: skip
        with pytest.raises(OptionError):
            read_request(line)


def write_keys(path: Path, **changed: np.ndarray) -> Path:
    amounts = np.zeros((2, 8))
    amounts[1, 1] = 0.7
    keys: dict[str, Any] = {
        "time_secs": np.array([0.0, 1.5]), "amounts": amounts, "vad": np.zeros((2, 3)), "vad_amount": np.zeros(2),
        "hidden": np.zeros((2, 8)), "leak": np.zeros(2),
    } | changed  # fmt: skip
    np.savez(path, **keys)
    return path


def test_sliders_mean_what_the_same_words_mean(tmp_path):
    plan = read_emotion_keys(write_keys(tmp_path / "keys.npz"))
    words = describe("0s neutral; 1.5s joy:0.7")
    for own, said in zip(plan.keys, words.keys, strict=True):
        assert own.time_secs == said.time_secs and own.emotion.intensity == pytest.approx(said.emotion.intensity)
        np.testing.assert_allclose(own.emotion.mix, said.emotion.mix, atol=1e-6)


def test_a_hidden_slider_is_covert_and_leaks(tmp_path):
    hidden = np.zeros((2, 8))
    hidden[:, 6] = 0.5
    keys = read_emotion_keys(write_keys(tmp_path / "keys.npz", hidden=hidden, leak=np.full(2, 0.3))).keys
    assert keys[1].emotion.covert[6] == pytest.approx(0.5) and keys[1].emotion.leak == pytest.approx(0.3)


def test_damaged_emotion_keys_are_refused(tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK no zip")
    for path in (broken, tmp_path / "none.npz", write_keys(tmp_path / "a.npz", time_secs=np.array([1.0, 0.0])),
                 write_keys(tmp_path / "b.npz", vad=np.full((2, 3), np.nan)),
                 write_keys(tmp_path / "c.npz", amounts=np.zeros((2, 7)))):  # fmt: skip
        with pytest.raises(EmotionError):
            read_emotion_keys(path)


def test_emotion_keys_damaged_anywhere_are_a_users_error(tmp_path):
    whole = write_keys(tmp_path / "keys.npz").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(0, 256)
        (tmp_path / "keys.npz").write_bytes(data[: rng.integers(1, len(data) + 1)])
        with contextlib.suppress(EmotionError):
            read_emotion_keys(tmp_path / "keys.npz")


def test_a_cancelled_id_can_be_used_again(tmp_path):
    load = {"method": "load", "params": {"out_dir": str(tmp_path), "person": {"character": "james"}}}
    asking, asked = os.pipe()
    answering, answered = os.pipe()
    with (
        os.fdopen(asking) as requests, os.fdopen(asked, "w", buffering=1) as say,
        os.fdopen(answering) as hear, os.fdopen(answered, "w") as answers,
    ):  # fmt: skip
        server = threading.Thread(target=Server(requests, answers).run)
        server.start()
        say.write('{"id": 1, "method": "cancel", "params": {"request": 7}}\n' * 2)
        for request in ({"id": 7, **load}, {"id": 8, "method": "cancel", "params": {"request": 7}}):
            say.write(json.dumps(request) + "\n")
        lines = iter(hear)
        assert "Cancelled" in next(line for line in lines if '"event"' not in line)
        say.write('{"id": 7, "method": "hello"}\n{"id": 9, "method": "shutdown"}\n')
        assert '"protocol"' in next(line for line in lines if '"event"' not in line)
        server.join(timeout=30.0)
        assert not server.is_alive()


def test_the_engine_is_found_in_the_order_of_trust(tmp_path, monkeypatch):
    bundled = tmp_path / "site"
    (bundled / "face_emote" / "worker").mkdir(parents=True)
    found = locate.find_engine("", package_folders=[str(bundled)], python="/blender/python")
    assert found.origin == "bundled engine" and found.arguments[0] == "/blender/python"
    assert str(bundled) in found.environment["PYTHONPATH"]
    assert command().origin == str(ROOT)
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for name in ("face-emote", "python3"):
        (scripts / name).write_text("#!/bin/sh\n")
        (scripts / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(scripts))  # Nothing that merely lies on it is started.
    with pytest.raises(locate.EngineMissingError, match="install the extension"):
        locate.find_engine("", package_folders=[], python="p")
    with pytest.raises(locate.EngineMissingError, match="No engine is there"):
        locate.find_engine(str(tmp_path / "nowhere"), package_folders=[], python="p")


def test_the_engines_environment_has_no_foreign_python(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/blender")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/blender/lib")
    kept = locate.clean_environment(["/a"])
    assert "PYTHONHOME" not in kept and "LD_LIBRARY_PATH" not in kept and kept["PYTHONPATH"] == "/a"


def test_protocol_lines_hold_no_arrays(worker, tmp_path):
    said, _error = outcome(worker, "generate", take_params(tmp_path))
    lists = [value for value in said.values() if isinstance(value, list)]
    assert all(isinstance(item, str) for value in lists for item in value), "numbers lie in files"
    assert len(json.dumps(said)) < 2000


def test_a_take_can_be_exported(worker, tmp_path):
    said, _error = outcome(worker, "generate", take_params(tmp_path))
    target = tmp_path / "take.csv"
    done, error = outcome(worker, "export", {"motion": said["motion"], "path": str(target)})
    assert (
        not error and done["path"] == str(target) and target.read_text().lower().startswith("timecode,blendshapecount,")
    )
    _done, error = outcome(worker, "export", {"motion": said["motion"], "path": str(tmp_path / "take.doc")})
    assert "Cannot write '.doc' files" in error
