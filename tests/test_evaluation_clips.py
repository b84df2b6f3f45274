"""Folders of clips: what lies in them is read, or refused in a sentence."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from evaluated_takes import mumble, write_takes, write_wav
from fabricated import lively_motion
from hypothesis import given
from hypothesis import strategies as st

from bench.talkers import VOICES, read_talkers
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import write_motion
from face_emote_lab.evaluation.clips import ClipError, phones_from, read_clips


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture
def folder(tmp_path, head):
    return write_takes(tmp_path / "takes", head)


def test_a_motion_file_beside_a_recording_is_its_truth(tmp_path, head):
    write_wav(tmp_path / "line.wav", mumble(1.0))
    write_motion(lively_motion(head, 25), tmp_path / "line.npz")
    (tmp_path / "line.txt").write_text("mama")
    (clip,) = read_clips(tmp_path).clips
    assert clip.lips is not None and len(clip.lips.gap) == 25 and clip.lips.face is not None
    assert clip.transcript == "mama" and clip.phones == ()


def test_phones_are_made_gapless_and_garbage_is_refused(tmp_path):
    found = phones_from([["a", "AA1", 0.2, 0.4], ["", "+SPN+", 0.4, 0.5], ["b", "b", 0.6, 0.7]], path=tmp_path)
    assert [phone.label for phone in found] == ["SIL", "AA", "SIL", "SIL", "B"]
    assert all(a.end_secs == b.start_secs for a, b in pairwise(found))
    for rows in ([], {}, [["a"]], [["a", "XX", 0, 1]], [["a", "AA", 1, 0]], [["a", "AA", 0, "nan"]], None, "AA"):
        with pytest.raises(ClipError):
            phones_from(rows, path=tmp_path)


@given(st.recursive(st.none() | st.floats() | st.text(max_size=4), lambda x: st.lists(x, max_size=5), max_leaves=12))
def test_any_json_for_phones_is_read_or_refused_in_words(rows):
    try:
        phones_from(rows, path=Path("x.phones.json"))
    except ClipError as error:
        assert "x.phones.json" in str(error)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\x93NUMPY", b"not an archive"])
def test_damaged_lips_are_told_in_one_sentence(folder, content):
    (folder / "one.lips.npz").write_bytes(content)
    with pytest.raises(ClipError, match=re.escape("one.lips.npz")):
        read_clips(folder)


def test_wrong_lips_and_folders_are_told(folder, tmp_path):
    np.savez(folder / "two.lips.npz", gap=np.zeros((3, 2)), fps=25.0)
    with pytest.raises(ClipError, match="gap must be"):
        read_clips(folder)
    np.savez(folder / "two.lips.npz", gap=np.zeros(30))
    with pytest.raises(ClipError, match="lack 'fps'"):
        read_clips(folder)
    for word in ({"fps": ""}, {"gap": np.array(["a"] * 30)}):
        np.savez(folder / "two.lips.npz", **{"gap": np.zeros(30), "fps": 25.0} | word)
        with pytest.raises(ClipError, match="no numbers"):
            read_clips(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ClipError, match="no recordings"):
        read_clips(tmp_path / "empty")
    with pytest.raises(ClipError, match="no such folder"):
        read_clips(tmp_path / "absent")


def test_voices_beside_tracked_talkers_are_measured_without_a_face(tmp_path, head):
    (tmp_path / "grid_talkers").mkdir()
    rows = [["a", "AA1", 0.1, 0.4], ["b", "B", 0.4, 0.5]]
    names = [f"{talker}-1-0" for talker in range(1, 12)]
    (tmp_path / "librispeech" / "audio").mkdir(parents=True)
    (tmp_path / "librispeech" / "phones.json").write_text(json.dumps(dict.fromkeys(names, rows)))
    for name in names:
        (tmp_path / "librispeech" / "audio" / f"{name}.ogg").write_bytes(b"")
    (group,) = read_talkers(tmp_path).groups
    assert group.name == VOICES
    assert [clip.name for clip in group.clips] == ["1-1-0", "11-1-0"]  # every tenth talker, by number
    assert all(clip.lips is None and clip.phones[1].label == "AA" for clip in group.clips)
    with pytest.raises(ClipError, match="There is no talker 's99', only librispeech; name some of those"):
        read_talkers(tmp_path, talkers=("s99",))
    with pytest.raises(ClipError, match="no tracked talkers"):
        read_talkers(tmp_path / "grid_talkers")
