"""A table of lines: one reader with batches, unchanged lines left alone, a faulty one named, all written out."""

import shutil

import pytest

from .stage import ROOT, SPEECH, emptied, error_of, fe, key_mesh, sounds
from .test_bpy_panels import laid_out, said

_ = fe
OTHER = ROOT / "assets" / "speech" / "dashwood_4.wav"


def table_of(folder, *rows, name="lines.csv"):
    for source in (SPEECH, OTHER):
        if not (folder / source.name).exists():
            shutil.copy(source, folder)
    (folder / name).write_text("speech,emotion,name,character,seed\n" + "\n".join(rows) + "\n")
    return folder / name


def actor(fe, name):
    character = key_mesh(fe, list(fe.names.ARKIT), name)
    fe.bpy.context.scene.face_emote.target = character
    fe.bpy.ops.face_emote.map_character()
    return character


def states(fe):
    return [(line.name, line.state) for line in fe.bpy.context.scene.face_emote.lines]


@pytest.fixture
def scene(fe):
    scene = emptied(fe)
    actor(fe, "Maya")
    actor(fe, "Usual")
    return scene


def test_a_table_becomes_takes_of_its_characters_one_after_another(fe, scene, tmp_path):
    rows = (f"{SPEECH.name},joy,greeting,maya,3", f"{OTHER.name},anger,answer,,")
    scene.face_emote.lines_table = str(table_of(tmp_path, *rows))
    assert fe.bpy.ops.face_emote.generate_lines() == {"FINISHED"}
    assert states(fe) == [("greeting", "DONE"), ("answer", "DONE")]
    made = {name: fe.takes.facts_of(fe.takes.takes_of(fe.bpy.data.objects[name])[0]) for name in ("Maya", "Usual")}
    assert made["Maya"]["emotion"] == "joy" and made["Maya"]["seed"] == 3 and made["Usual"]["emotion"] == "anger"
    assert made["Usual"]["first_frame"] > made["Maya"]["first_frame"] + made["Maya"]["num_frames"]
    assert len(sounds(fe)) == 2 and "2 lines generated" in fe.jobs.SESSION.status


def test_a_line_is_not_given_the_words_of_the_panels_speech(fe, scene, tmp_path):
    scene.face_emote.transcript = "These words are of another recording"
    scene.face_emote.lines_table = str(table_of(tmp_path, f"{SPEECH.name},joy,greeting,maya,3"))
    fe.bpy.ops.face_emote.generate_lines()
    assert states(fe) == [("greeting", "DONE")]
    assert fe.takes.facts_of(fe.takes.takes_of(fe.bpy.data.objects["Maya"])[0])["transcript"] == ""


def test_only_what_has_changed_is_done_again_in_its_place(fe, scene, tmp_path):
    rows = [f"{SPEECH.name},joy,greeting,maya,3", f"{OTHER.name},anger,answer,,"]
    scene.face_emote.lines_table = str(table_of(tmp_path, *rows))
    fe.bpy.ops.face_emote.generate_lines()
    before = {action.name: action[fe.names.TAKE_KEY] for action in fe.bpy.data.actions}
    fe.bpy.ops.face_emote.generate_lines()
    assert states(fe) == [("greeting", "SAME"), ("answer", "SAME")]
    rows[1] = f"{OTHER.name},fear,answer,,"
    table_of(tmp_path, *rows)
    fe.bpy.ops.face_emote.generate_lines()
    assert states(fe) == [("greeting", "SAME"), ("answer", "DONE")]
    after = {action.name: action[fe.names.TAKE_KEY] for action in fe.bpy.data.actions}
    assert sorted(after) == sorted(before)
    assert [after[name] == before[name] for name in sorted(after)].count(False) == 1
    scene.face_emote.lines[0].emotion = "sadness"
    fe.bpy.ops.face_emote.generate_lines()
    assert states(fe) == [("greeting", "DONE"), ("answer", "SAME")]
    shutil.copy(SPEECH, tmp_path / OTHER.name)
    fe.bpy.ops.face_emote.generate_lines()
    assert states(fe) == [("greeting", "SAME"), ("answer", "DONE")]


def test_faulty_lines_are_named_with_the_reason_and_the_others_are_done(fe, scene, tmp_path):
    rows = (
        "gone.wav,joy,lost,,", f"{SPEECH.name},joyy,misspelt,,", f"{SPEECH.name},joy,stranger,walter,",
        f"{SPEECH.name},joy,good,maya,",
    )  # fmt: skip
    scene.face_emote.lines_table = str(table_of(tmp_path, *rows))
    fe.bpy.ops.face_emote.generate_lines()
    assert states(fe) == [("lost", "FAILED"), ("misspelt", "FAILED"), ("stranger", "FAILED"), ("good", "DONE")]
    log = laid_out(fe, fe.bpy.types.FACEEMOTE_PT_lines).log
    told = " ".join(said(log).split())
    assert "lost: speech: there is no such file" in told and "nearest known words" in told
    assert "stranger: Choose or add a character first" in told
    assert fe.jobs.SESSION.failed and "1 lines generated, 0 unchanged, 3 failed" in fe.jobs.SESSION.status


def test_a_line_that_the_engine_refuses_does_not_stop_the_next(fe, scene, tmp_path):
    (tmp_path / "noise.wav").write_bytes(b"no sound at all")
    rows = ("noise.wav,joy,noise,,", f"{SPEECH.name},joy,good,,")
    scene.face_emote.lines_table = str(table_of(tmp_path, *rows))
    fe.bpy.ops.face_emote.generate_lines()
    assert [state for _name, state in states(fe)] == ["FAILED", "DONE"]


def test_a_table_that_cannot_be_read_is_told(fe, scene, tmp_path):
    scene.face_emote.lines_table = str(tmp_path / "none.csv")
    assert "There is no such table" in error_of(fe.bpy.ops.face_emote.read_lines)
    table = table_of(tmp_path, f"{SPEECH.name},joy,a,,")
    table.write_text(table.read_text().replace("emotion", "emotoin"))
    scene.face_emote.lines_table = str(table)
    fe.bpy.ops.face_emote.read_lines()
    assert "There is no column 'emotoin'" in scene.face_emote.lines[0].problem


def test_cancelling_leaves_what_is_done_and_a_second_push_goes_on(fe, scene, tmp_path):
    rows = (f"{SPEECH.name},joy,first,maya,", f"{OTHER.name},joy,second,maya,")
    scene.face_emote.lines_table = str(table_of(tmp_path, *rows))
    fe.bpy.ops.face_emote.read_lines()
    batch = __import__("blender_addon.operators.batch", fromlist=["_Run"])
    batch._Run(scene).go(wait=False)
    while scene.face_emote.lines["first"].state != "DONE":
        fe.jobs.SESSION.tick()
    log = laid_out(fe, fe.bpy.types.FACEEMOTE_PT_lines).log
    assert [named["text"] for name, _values, named in log if name == "progress"] == ["Line 2 of 2"]
    fe.bpy.ops.face_emote.cancel()
    while fe.jobs.SESSION.needs_ticks:
        fe.jobs.SESSION.tick()
    assert len(fe.takes.takes_of(fe.bpy.data.objects["Maya"])) == 1
    fe.bpy.ops.face_emote.generate_lines()
    assert states(fe) == [("first", "SAME"), ("second", "DONE")]


def test_every_lines_take_is_exported_under_its_own_name(fe, scene, tmp_path):
    rows = (f"{SPEECH.name},joy,greeting,maya,3", f"{OTHER.name},anger,answer,,")
    scene.face_emote.lines_table = str(table_of(tmp_path, *rows))
    fe.bpy.ops.face_emote.generate_lines()
    (tmp_path / "out").mkdir()
    scene.face_emote.export_path = str(tmp_path / "out" / "take.csv")
    fe.bpy.ops.face_emote.export_lines()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["answer.csv", "greeting.csv"]
