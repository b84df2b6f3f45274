"""The mouth of a take in a list: it follows the playhead, is corrected, and only the mouth is made again."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from .stage import SPEECH, added_head, emptied, error_of, fe, key_mesh

_ = fe
WORDS = "He was not an ill-disposed young man"


@pytest.fixture
def spoken(fe):
    """A small mesh that has said its line; the list of its mouth is open."""
    scene = emptied(fe)
    scene.face_emote.target = key_mesh(fe, list(fe.names.ARKIT))
    scene.face_emote.transcript = WORDS
    fe.bpy.ops.face_emote.map_character()
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    assert fe.bpy.ops.face_emote.list_mouth() == {"FINISHED"}
    return scene


def take_of(fe, scene):
    return fe.takes.takes_of(scene.face_emote.target)[0]


def values(fe, scene):
    """[frame, key] of the take's file."""
    path = Path(fe.takes.facts_of(take_of(fe, scene))["motion"])
    take = fe.channels.read_take(path.with_name(path.name.replace(".motion", "")))
    return dict(zip(take.names, take.weights.T, strict=True))


def words(scene):
    return [row for row in scene.face_emote.cues if row.kind == "WORD"]


def sounds(scene):
    return [row for row in scene.face_emote.cues if row.kind == "SOUND"]


def test_the_words_are_heard_by_the_bundled_engine_and_listed_with_their_sounds(fe, spoken):
    assert [row.text for row in words(spoken)] == "he was not an ill disposed young man".split()
    assert [row.label for row in sounds(spoken)][:5] == ["HH", "IY", "W", "AA", "Z"]
    assert all(row.end > row.start >= 1.0 for row in spoken.face_emote.cues)


def test_what_came_is_said_in_seconds_frames_and_words(fe, spoken):
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    secs, frames = 3.0, round(3.0 * 24)
    assert f"{secs:.1f} s, {frames} frames, 8 words" in fe.jobs.SESSION.status


def test_the_list_follows_the_playhead(fe, spoken):
    row = sounds(spoken)[7]
    spoken.frame_set(round(row.start + 1.0))
    shown = spoken.face_emote.cues[spoken.face_emote.active_cue]
    assert shown.start <= spoken.frame_current < shown.end
    spoken.face_emote.cues_follow = False
    spoken.frame_set(1)
    assert spoken.face_emote.cues[spoken.face_emote.active_cue].start == shown.start


def test_only_the_mouth_is_made_again_and_quickly(fe, spoken):
    before = values(fe, spoken)
    for row in sounds(spoken):
        row.strength = 0.0
    started = time.perf_counter()
    assert fe.bpy.ops.face_emote.remake_mouth() == {"FINISHED"}
    secs = time.perf_counter() - started
    after = values(fe, spoken)
    print(f"the mouth of 3 s made again in {secs:.2f} s")
    assert np.abs(after["jawOpen"]).max() < 0.5 * before["jawOpen"].max()
    for name in ("browInnerUp", "browDownLeft", "eyeBlinkLeft", "eyeLookInLeft"):
        np.testing.assert_array_equal(after[name], before[name])
    assert len(fe.takes.takes_of(spoken.face_emote.target)) == 1
    assert [row.strength for row in sounds(spoken)] == [0.0] * len(sounds(spoken))


def test_corrections_and_the_sounds_stay_when_the_emotion_changes(fe, spoken):
    assert fe.bpy.ops.face_emote.add_corrections() == {"FINISHED"}
    sounds(spoken)[0].strength = 0.25
    fe.bpy.ops.face_emote.remake_mouth()
    layer = spoken.face_emote.target.data.shape_keys.animation_data.action
    spoken.face_emote.emotion = "anger"
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert spoken.face_emote.target.data.shape_keys.animation_data.action == layer
    fe.bpy.ops.face_emote.list_mouth()
    assert sounds(spoken)[0].strength == 0.25


def test_a_dragged_word_takes_its_sounds_along_and_an_edge_its_neighbour(fe, spoken):
    word = words(spoken)[-1]
    own = [row.label for row in sounds(spoken) if word.start <= row.start < word.end]
    start, last = word.start, sounds(spoken)[-1].start
    word.end += 6.0
    word.start += 6.0
    moved = [row for row in sounds(spoken) if row.start >= word.start - 0.01]
    assert [row.label for row in moved] == own and sounds(spoken)[-1].start > last + 3.0
    first, second = sounds(spoken)[:2]
    assert first.end == pytest.approx(second.start)
    second.start += 0.5
    assert first.end == pytest.approx(second.start)
    fe.bpy.ops.face_emote.remake_mouth()
    assert words(spoken)[-1].start == pytest.approx(start + 6.0, abs=0.1)


def test_markers_can_be_dragged_in_place_of_rows(fe, spoken):
    assert fe.bpy.ops.face_emote.mark_cues(kind="WORD") == {"FINISHED"}
    markers = [item for item in spoken.timeline_markers if item.name.startswith("FE#")]
    assert [item.name.partition(" ")[2] for item in markers] == [row.text for row in words(spoken)]
    markers[-1].frame += 4
    wanted = markers[-1].frame
    fe.bpy.ops.face_emote.remake_mouth()
    assert words(spoken)[-1].start == pytest.approx(wanted, abs=0.1)
    assert not any(item.name.startswith("FE#") for item in spoken.timeline_markers)


def test_a_retyped_word_gets_the_sounds_of_its_spelling(fe, spoken):
    words(spoken)[-1].text = "mop"
    fe.bpy.ops.face_emote.remake_mouth()
    word = words(spoken)[-1]
    assert word.text == "mop"
    assert [row.label for row in sounds(spoken) if row.start >= word.start - 0.01] == ["M", "AA", "P"]


def test_sounds_are_put_in_and_taken_out(fe, spoken):
    vowel = next(row for row in sounds(spoken) if row.label in ("IY", "AA", "AO"))
    spoken.frame_set(round(vowel.start + 1))
    count = len(sounds(spoken))
    spoken.face_emote.new_sound = "P"
    assert fe.bpy.ops.face_emote.insert_sound() == {"FINISHED"}
    row = spoken.face_emote.cues[spoken.face_emote.active_cue]
    assert (row.label, row.start) == ("P", spoken.frame_current) and len(sounds(spoken)) == count + 1
    starts = [item.start for item in spoken.face_emote.cues]
    assert starts == sorted(starts)
    fe.bpy.ops.face_emote.remake_mouth()
    assert "P" in [item.label for item in sounds(spoken)]
    spoken.face_emote.cues_follow = False
    spoken.face_emote.active_cue = 0
    assert fe.bpy.ops.face_emote.delete_cue() == {"FINISHED"}
    assert words(spoken)[0].text == "was" and sounds(spoken)[0].label != "HH"


def test_an_offset_is_kept_in_the_take(fe, spoken):
    before = values(fe, spoken)["jawOpen"]
    spoken.face_emote.cues_offset = 3.0
    fe.bpy.ops.face_emote.remake_mouth()
    after = values(fe, spoken)["jawOpen"]
    assert np.corrcoef(before[5:-10], after[8:-7])[0, 1] > 0.95
    assert json.loads(take_of(fe, spoken)["face_emote_cues"])["offset"] == pytest.approx(3.0 / 24.0, abs=1e-3)
    assert spoken.face_emote.cues_offset == pytest.approx(3.0, abs=0.01)


def test_buttons_say_what_is_missing(fe):
    emptied(fe)
    assert "Choose or add a character first" in error_of(fe.bpy.ops.face_emote.list_mouth)
    assert "Choose or add a character first" in error_of(fe.bpy.ops.face_emote.remake_mouth)


def test_the_mouth_of_ten_seconds_is_made_again_in_a_second(fe, tmp_path):
    """In processor time: of the engine, of reading and of writing."""
    wave = pytest.importorskip("wave")
    with wave.open(str(SPEECH)) as sound:
        layout, frames = sound.getparams(), sound.readframes(sound.getnframes())
    with wave.open(str(tmp_path / "ten.wav"), "wb") as sound:
        sound.setparams(layout)
        sound.writeframes((frames * 4)[: 10 * layout.framerate * layout.sampwidth])
    head = added_head(fe)
    scene = fe.bpy.context.scene
    scene.face_emote.transcript = ""
    fe.bpy.ops.face_emote.generate(speech=str(tmp_path / "ten.wav"), emotion="joy")
    fe.bpy.ops.face_emote.list_mouth()
    sounds(scene)[3].strength = 0.5
    spent = -_cpu(fe)
    started = time.perf_counter()
    fe.bpy.ops.face_emote.remake_mouth()
    spent += _cpu(fe)
    print(f"the mouth of 10 s made again in {spent:.2f} s of CPU, {time.perf_counter() - started:.2f} s by the clock")
    assert head.data.shape_keys is not None and spent < 1.0


def _cpu(fe) -> float:
    """Of this process and the engine's, seconds."""
    ticks = Path(f"/proc/{fe.jobs.SESSION.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + sum(map(int, ticks)) / 100.0
