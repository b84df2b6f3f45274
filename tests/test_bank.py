"""The bank of moments: what is added is listed, used and forgotten; nothing in a folder is taken on faith."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.bank.moments import INDEX, Moment, add_moments, forget_moments, read_bank
from face_emote.core.errors import OptionError
from face_emote.generation.layout import FACE, VOICE, WINDOW


def moment(name: str, *, seed: int = 0, context: str = "interview") -> Moment:
    rng = np.random.default_rng(seed)
    face = rng.normal(0.0, 1.0, (WINDOW, len(FACE))).astype(np.float16).astype(np.float32)
    face[:, 6:8] = 1.0
    return Moment(
        name, face, vad=np.array([0.5, 0.25, -0.5], np.float32), context=context,
        voice=np.full(len(VOICE), np.nan, np.float32), emotion="cold fury", source="take.npz", consent="Jane Doe",
    )  # fmt: skip


def test_what_is_added_is_read_back_and_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    add_moments(folder, [moment("a"), moment("b", seed=1)], file="first.npz")
    add_moments(folder, [moment("c", seed=2)], file="second.npz")
    found = read_bank(folder)
    assert [m.name for m in found.moments] == ["a", "b", "c"]
    for k, m in enumerate(found.moments):
        np.testing.assert_array_equal(m.face, moment(m.name, seed=k).face)
        assert (m.emotion, m.context, m.consent) == ("cold fury", "interview", "Jane Doe")
    (folder / "notes.txt").write_text("mine")
    forget_moments(folder, ["a", "c"])
    assert [m.name for m in read_bank(folder).moments] == ["b"]
    assert sorted(p.name for p in folder.iterdir()) == ["first.npz", INDEX, "notes.txt"]
    np.testing.assert_array_equal(read_bank(folder).moments[0].face, moment("b", seed=1).face)
    with pytest.raises(OptionError, match="no moment 'a'"):
        forget_moments(folder, ["a"])


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    add_moments(tmp_path / "bank", [moment("a")], file="first.npz")
    with pytest.raises(OptionError, match="already holds a"):
        add_moments(tmp_path / "bank", [moment("a")], file="second.npz")


def test_a_folder_without_a_bank_is_an_empty_one(tmp_path: Path) -> None:
    assert read_bank(tmp_path / "nowhere").moments == ()


@pytest.mark.parametrize("damage", [
    {"file": "../out.npz"}, {"file": "/etc/passwd"}, {"file": "gone.npz"}, {"row": 7}, {"row": -1}, {"row": True},
    {"name": "../a"}, {"name": 3}, {"context": "war"}, {"made": "stolen"}, {"consent": ""}, {"vad": [2.0, 0.0, 0.0]},
    {"vad": [0.0]}, {"vad": None}, {"voice": [1.0]}, {"emotion": "x" * 2000}, {"vad": ["1", 0.0, 0.0]},
])  # fmt: skip
def test_a_hostile_index_is_refused_in_a_line(tmp_path: Path, damage: dict[str, object]) -> None:
    folder = tmp_path / "bank"
    add_moments(folder, [moment("a")], file="first.npz")
    content = json.loads((folder / INDEX).read_text())
    content["moments"][0] |= damage
    (folder / INDEX).write_text(json.dumps(content))
    with pytest.raises(OptionError, match="no bank of moments, or a damaged one"):
        read_bank(folder)


@given(text=st.text(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=9), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=9), x)
).map(json.dumps))  # fmt: skip
def test_any_index_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("bank")
    (folder / INDEX).write_text(text, encoding="utf-8")
    with pytest.raises(OptionError):
        read_bank(folder)


def test_tokens_that_no_face_has_are_refused(tmp_path: Path) -> None:
    for face in (np.full((1, WINDOW, len(FACE)), np.nan), np.zeros((1, 3, len(FACE))), np.zeros((1, 4), "S9")):
        folder = tmp_path / f"bank{face.ndim}{face.shape[1]}"
        add_moments(folder, [moment("a")], file="first.npz")
        np.savez(folder / "first.npz", face=face)
        with pytest.raises(OptionError, match="damaged"):
            read_bank(folder)
    with pytest.raises(OptionError, match="consent"):
        add_moments(tmp_path / "other", [replace(moment("a"), consent="")], file="first.npz")
