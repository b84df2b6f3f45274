"""Where the extension's own files go, and how they are cleared."""

import os
from pathlib import Path

import pytest

from .stage import SPEECH, emptied, fe, spoken
from .test_bpy_panels import drawn, said

_ = fe


@pytest.fixture
def granted(fe, monkeypatch):
    """Lets Blender grant another folder for a test."""
    folders = __import__("blender_addon.folders", fromlist=["_root"])

    def grant(answer):
        folders._root.cache_clear()
        monkeypatch.setattr(fe.bpy.utils, "extension_path_user", answer)

    yield grant
    monkeypatch.undo()
    folders._root.cache_clear()


def refuse(*_values, **_named):
    raise PermissionError("not here")


@pytest.mark.parametrize("answer", [lambda *_v, **_n: "", refuse, lambda *_v, **_n: "/proc"])
def test_an_unwritable_user_folder_leads_to_a_temporary_one_and_is_told(fe, granted, tmp_path, monkeypatch, answer):
    emptied(fe)
    monkeypatch.chdir(tmp_path)
    granted(answer)
    character = spoken(fe)
    assert len(fe.takes.takes_of(character)) == 1 and os.listdir(tmp_path) == []
    motion = Path(fe.takes.facts_of(fe.takes.takes_of(character)[0])["motion"])
    assert motion.is_file() and "face_emote" in str(motion)
    assert "cannot be written" in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_takes))


def test_a_folder_that_can_be_written_is_used_silently(fe, granted, tmp_path):
    granted(lambda *_v, **_n: str(tmp_path))
    assert fe.folders.user_folder("takes") == tmp_path / "takes" and fe.folders.problem() == ""


def test_the_cache_is_measured_and_cleared_but_for_the_takes_of_this_file(fe, granted, tmp_path):
    emptied(fe)
    granted(lambda *_v, **_n: str(tmp_path))
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    (tmp_path / "takes" / "0123456789abcdef.npz").write_bytes(b"x" * 3_000_000)
    (tmp_path / "heads" / "maya").mkdir(parents=True)
    (tmp_path / "heads" / "maya" / "skin.png").write_bytes(b"x" * 1_000_000)
    (tmp_path / "emotions.json").write_text("{}")
    before = fe.folders.cache_bytes()
    assert before > 4_000_000
    assert fe.bpy.ops.face_emote.clear_cache() == {"FINISHED"}
    assert fe.folders.cache_bytes() == before - 4_000_000 and (tmp_path / "emotions.json").is_file()
    facts = fe.takes.facts_of(take)
    assert Path(facts["motion"]).is_file() and fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}


def test_a_take_whose_cached_speech_is_gone_is_rebaked_from_the_users_file(fe):
    emptied(fe)
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    Path(fe.takes.facts_of(take)["wave"]).unlink()
    fe.bpy.context.scene.face_emote.emotion = "anger"
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    facts = fe.takes.facts_of(take)
    assert facts["emotion"] == "anger" and Path(facts["wave"]).is_file() and facts["source"] == str(SPEECH)
