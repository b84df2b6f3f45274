"""What lies in a file's place is a file, of the size and the form that it says; everything else is refused at once."""

import json
import os
import sqlite3
import struct
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.talkers import read_talkers
from face_emote.batch.batch import held
from face_emote.batch.log import Log, LogEntry
from face_emote.batch.state import FILE, BatchState
from face_emote.cli.main import main
from face_emote.core.errors import BatchError, ConfigError, FaceEmoteError, HeadError, OutputError
from face_emote.core.reading import content_of, names_in, opened, read_npz, text_of, words_of
from face_emote.face.bundled import BUNDLED_HEAD
from face_emote.face.flame_file import read_flame
from face_emote.face.head_file import read_head, write_arrays
from face_emote.formats.captures import read_capture
from face_emote.formats.motion_file import read_motion
from face_emote.formats.viewer import write_page
from face_emote.network.safetensors_file import read_tensors
from face_emote.provenance.verification import verify
from face_emote.rendering.scene import LIGHTS
from face_emote.rendering.segment_file import CodedPacket, read_packets, write_packets
from face_emote.rigs.rig_file import load_rig
from face_emote_lab.evaluation.clips import ClipError
from face_emote_lab.train.corpus.cache import mapped_array

MOST_SECS = 10.0
READERS = {
    "motion.npz": read_motion,
    "capture.csv": read_capture,
    "capture.json": read_capture,
    "coefficients.npz": read_capture,
    "head.npz": read_flame,
    "head.pkl": read_flame,
    "rig.toml": load_rig,
    "net.safetensors": read_tensors,
    "segment.bin": lambda path: list(read_packets(path)),
    "mark.glb": verify,
    "view.glb": lambda path: write_page(path, path.with_name("page.html"), light=LIGHTS["studio"]),
}


def in_time(act) -> list[BaseException]:
    """What it raised; fails when it goes on for ever."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(MOST_SECS)
    assert not thread.is_alive()
    return raised


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes on this system")
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_or_a_device_in_place_of_a_file_is_refused_at_once(name, tmp_path):
    for place in (lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()):
        path = tmp_path / name
        place(path)
        (error,) = in_time(lambda path=path: READERS[name](path))
        assert isinstance(error, FaceEmoteError) and str(path) in str(error)
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_file_is_read_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfwords")
    assert content_of(path).endswith(b"words") and text_of(path) == "words"
    with pytest.raises(ValueError, match="larger than 0 MB"):
        content_of(path, most=7)
    with pytest.raises(OSError, match="no file can have this name"):
        opened(Path("a\0b"))


HEADERS = ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,", "((((", "{" * 3000, "None", "'" * 3)


@pytest.mark.parametrize("header", HEADERS)
def test_an_array_whose_description_is_no_description_is_no_array(header, tmp_path):
    body = header.encode() + b"\n"
    array = b"\x93NUMPY\x01\0" + struct.pack("<H", len(body)) + body + b"\0" * 64
    (tmp_path / "a.npy").write_bytes(array)
    with pytest.raises(ValueError):
        mapped_array(tmp_path / "a.npy")
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", array)
    with pytest.raises(ValueError):
        read_npz(tmp_path / "a.npz")
    assert names_in(tmp_path / "a.npz") == {"a"} and names_in(tmp_path / "a.npy") == set()


def test_words_are_texts_and_not_too_many():
    assert words_of(np.array(["a", "b"])) == ("a", "b")
    for array in (np.zeros(3), np.array("a"), np.zeros((2, 2), "<U1"), np.zeros(200_000, "<U1")):
        with pytest.raises(ValueError, match="words are wanted"):
            words_of(array)


WRONG_HEADS = {
    "mirror": lambda values: values[:-1],
    "quads": lambda values: values + 60_000,
    "uv": lambda values: values[:100],
    "mask_lips": lambda values: values * np.float16("nan"),
    "lips_free": lambda values: np.concatenate([values, values]),
    "upper_teeth": lambda values: values + 60_000,
    "landmarks68_corners": lambda values: values[:, :2],
    "control_joint_axes": lambda values: values + 9,
    "part_names": lambda values: np.zeros(3, np.float32),
}


@pytest.mark.parametrize("name", WRONG_HEADS)
def test_a_head_whose_parts_do_not_fit_each_other_is_refused(name, tmp_path):
    arrays = read_npz(BUNDLED_HEAD)
    write_arrays(tmp_path / "head.npz", arrays | {name: WRONG_HEADS[name](arrays[name])})
    with pytest.raises(HeadError, match="damaged"):
        read_head(tmp_path / "head.npz")


@pytest.mark.parametrize("value", ["", "{", "[]", "null", '{"drawn": "x"}', '{"drawn": NaN}', b"\xff", 7])
def test_a_batch_whose_rows_somebody_else_wrote_is_named(value, tmp_path):
    with closing(BatchState(tmp_path)) as state:
        state.list_rows([("one", "row 1", {"speech": "line.wav"})])
        state.finish_row("one", timing={"drawn": 4.0}, story="{}", thumbnail=b"")
        (row,) = state.rows()
        assert row.timing == {"drawn": 4.0} and row.about == {"speech": "line.wav"}
    with closing(sqlite3.connect(tmp_path / FILE)) as base, base:
        base.execute("UPDATE rows SET timing = ?", (value,))
    with closing(BatchState(tmp_path, read_only=True)) as state, pytest.raises(BatchError, match="damaged"):
        state.rows()


def test_a_segment_asks_for_no_more_than_its_file_holds(tmp_path):
    path = tmp_path / "segment.bin"
    packets = [CodedPacket(0, -1, True, b"abc"), CodedPacket(1, 0, False, b"")]
    write_packets(path, packets)
    assert list(read_packets(path)) == packets
    content = bytearray(path.read_bytes())
    content[-4:] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(OutputError, match="damaged"):
        list(read_packets(path))


def test_a_damaged_log_or_settings_of_a_run_are_named(tmp_path):
    pytest.importorskip("torch")
    from face_emote_lab.train.config import read_config
    from face_emote_lab.train.run_folder import LOG, RunFolder, open_run

    (tmp_path / LOG).write_text("step,name,value\n1,loss,2\n9,loss,1\n")
    RunFolder(tmp_path).forget_after(3)
    assert (tmp_path / LOG).read_text() == "step,name,value\n1,loss,2\n"
    for damage in (b"\xff", b"step,name,value\nx,loss,1\n"):
        (tmp_path / LOG).write_bytes(damage)
        with pytest.raises(ConfigError, match="log"):
            RunFolder(tmp_path).forget_after(3)
    for damage in ("[]", "[" * 100_000, "{"):
        (tmp_path / "config.json").write_text(damage)
        with pytest.raises(OutputError, match="cannot be used"):
            open_run(tmp_path, read_config("tiny"), board=False)


def test_tracked_lips_that_do_not_fit_their_names_are_refused(tmp_path):
    folder = tmp_path / "grid_talkers" / "s4"
    (folder / "audio").mkdir(parents=True)
    (folder / "audio" / "a.wav").touch()
    (folder / "phones.json").write_text(json.dumps({"a": [["the", "DH", 0.0, 0.1]]}))
    arrays = {
        "feat": np.linspace(0.0, 0.1, 225).reshape(1, 75, 3), "bs": np.zeros((1, 75, 1)), "fps": np.float64(25.0),
        "clips": np.array(["a"]), "feat_names": np.array(["gap", "inwidth", "jaw"]), "bs_names": np.array(["jawOpen"]),
    }  # fmt: skip
    np.savez(folder / "motion.npz", **arrays)
    (clip,) = read_talkers(tmp_path).clips
    assert clip.lips is not None and len(clip.lips.gap) == 75 and replace(clip.lips).fps == 25.0
    wrong = ({"feat": np.zeros((1, 75, 2))}, {"bs": np.zeros(3)}, {"clips": np.zeros(1)}, {"fps": np.float64(np.nan)})
    for other in wrong:
        np.savez(folder / "motion.npz", **(arrays | other))
        with pytest.raises(ClipError, match="measured lips"):
            read_talkers(tmp_path)


@pytest.mark.parametrize(
    ("content", "named"), [(b"process 7 on x\n\x1b[2J\xff", "process 7 on x [2J\ufffd"), (None, "another process")]
)
def test_a_batch_that_runs_is_named_whatever_its_sign_says(content, named, tmp_path):
    from filelock import FileLock

    if content is not None:
        (tmp_path / "holder").write_bytes(content)
    with FileLock(tmp_path / "lock"), pytest.raises(BatchError) as caught, held(tmp_path):
        pass
    assert f"({named})" in str(caught.value)


def test_a_log_that_is_no_file_is_named_and_a_torn_line_is_ended(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b'{"torn": ')
    with closing(Log(tmp_path)) as log:
        log(LogEntry("row done", row="one"))
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert lines[0] == '{"torn": ' and json.loads(lines[1])["row"] == "one"
    (tmp_path / "log.jsonl").unlink()
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(OutputError, match="log"):
        Log(tmp_path)


def test_half_a_letter_on_the_command_line_is_named(capsys):
    for word in ("a\ud800.wav", "\udfff"):
        assert main(["head", "info", word]) == 2
        said = capsys.readouterr().err
        assert "no letters" in said and said.count("\n") == 1
    assert main(["head", "info", "a\udcff.npz"]) == 2 and "no letters" not in capsys.readouterr().err


def test_coefficients_that_do_not_fit_their_frames_are_refused(tmp_path):
    from face_emote.core.errors import CorpusError
    from face_emote_lab.train.corpus.user_flame import measured_coefficients

    jaw = {"jaw_pose": np.zeros((20, 3), np.float32)}
    np.savez(tmp_path / "a.npz", **jaw, fps=np.array([30.0]))
    assert measured_coefficients(tmp_path / "a.npz", flame=None, fps=25.0).fps == 30.0
    wrong = (
        {"fps": np.zeros(0)},
        {"fps": np.array("x")},
        {"expression": np.zeros(7)},
        {"expression": np.zeros((20, 50)), "shape": np.zeros(0)},
    )
    for other in wrong:
        np.savez(tmp_path / "a.npz", **(jaw | other))
        with pytest.raises(CorpusError):
            measured_coefficients(tmp_path / "a.npz", flame=tmp_path / "no.npz", fps=25.0)
    np.savez(tmp_path / "a.npz", poses=np.zeros(()), pose=np.zeros(()))
    with pytest.raises(CorpusError, match="no jaw"):
        measured_coefficients(tmp_path / "a.npz", flame=None, fps=25.0)
