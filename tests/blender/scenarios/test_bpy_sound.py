"""What is heard: the user's own file, once, and only with the take that is shown."""

import os
import sys
import wave
from pathlib import Path

import pytest

from .stage import SPEECH, emptied, error_of, fe, sounds, spoken

_ = fe


def played(strip):
    return Path(strip.sound.filepath)


def test_keeping_a_preview_adds_the_users_file_once(fe):
    emptied(fe)
    spoken(fe, preview=True)
    assert sounds(fe) == []
    fe.bpy.ops.face_emote.preview_apply()
    assert [played(strip) for strip in sounds(fe)] == [SPEECH]
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger", preview=True)
    fe.bpy.ops.face_emote.preview_apply()
    assert len(sounds(fe)) == 1


def test_keeping_the_preview_of_a_strip_adds_no_sound(fe):
    scene = emptied(fe)
    scene.sequence_editor_create()
    own = fe.compat.strips_of(scene).new_sound("Mine", str(SPEECH), 3, 10)
    scene.face_emote.speech_source, scene.face_emote.speech_strip = "STRIP", "Mine"
    character = spoken(fe)
    fe.bpy.ops.face_emote.remove_take()
    scene.face_emote.emotion = "joy"
    fe.bpy.ops.face_emote.generate(preview=True)
    fe.bpy.ops.face_emote.preview_apply()
    assert sounds(fe) == [own] and "face_emote_take" not in own
    assert len(fe.takes.takes_of(character)) == 1


@pytest.mark.parametrize("preview", [False, True])
def test_a_part_of_a_file_is_the_file_itself_cut_to_the_part(fe, preview):
    scene = emptied(fe)
    settings = scene.face_emote
    settings.speech_file, settings.use_range, settings.range_start, settings.range_end = str(SPEECH), True, 0.51, 1.5
    character = spoken(fe)
    fe.bpy.ops.face_emote.remove_take()
    scene.frame_set(40)
    settings.emotion, settings.start_at = "joy", "PLAYHEAD"
    fe.bpy.ops.face_emote.generate(preview=preview)
    if preview:
        fe.bpy.ops.face_emote.preview_apply()
    (take,) = fe.takes.takes_of(character)
    (strip,) = sounds(fe)
    facts = fe.takes.facts_of(take)
    assert played(strip) == SPEECH
    assert fe.compat.strip_first_frame(strip) == facts["first_frame"] == 40
    assert fe.compat.strip_trimmed_frames(strip) == 12  # 0.51 s lie on frame 12 of 24 a second.
    assert fe.compat.strip_num_frames(strip) == pytest.approx(24, abs=1)
    with wave.open(str(SPEECH)) as whole, wave.open(facts["wave"]) as heard:
        first = round(0.5 * whole.getframerate())
        whole.setpos(first)
        assert heard.readframes(4000) == whole.readframes(4000)


def test_a_voice_that_follows_the_feeling_is_the_sound_of_the_take(fe):
    pytest.importorskip("pyworld", reason="the engine re-tunes with pyworld: pip install 'face-emote[voice]'")
    scene = emptied(fe)
    character = spoken(fe)
    fe.bpy.ops.face_emote.remove_take()
    scene.face_emote.speech_file, scene.face_emote.voice_follows, scene.face_emote.emotion = str(SPEECH), True, "anger"
    fe.bpy.ops.face_emote.generate()
    (take,), (strip,) = fe.takes.takes_of(character), sounds(fe)
    assert str(played(strip)) == fe.takes.facts_of(take)["voice"] != str(SPEECH)
    with wave.open(str(played(strip))) as voice, wave.open(fe.takes.facts_of(take)["wave"]) as heard:
        assert voice.getnframes() == heard.getnframes()
        assert voice.readframes(99999) != heard.readframes(99999)
    scene.face_emote.voice_follows = False


def test_hidden_takes_mute_their_sound(fe, tmp_path):
    emptied(fe)
    character = spoken(fe)
    other = tmp_path / "other.wav"
    other.write_bytes(SPEECH.with_name("dashwood_5.wav").read_bytes())
    fe.bpy.ops.face_emote.generate(speech=str(other), emotion="joy")
    first, second = sorted(sounds(fe), key=lambda strip: played(strip) != SPEECH)
    assert first.mute and not second.mute
    fe.bpy.ops.face_emote.show_take()
    assert second.mute and not first.mute
    fe.bpy.ops.face_emote.show_take()
    fe.bpy.ops.face_emote.remove_take()
    assert [strip.mute for strip in sounds(fe)] == [False] and played(sounds(fe)[0]) == SPEECH
    assert len(fe.takes.takes_of(character)) == 1


def test_two_takes_of_one_sound_do_not_mute_it(fe):
    emptied(fe)
    spoken(fe)
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    assert [strip.mute for strip in sounds(fe)] == [False]
    fe.bpy.ops.face_emote.show_take()
    assert [strip.mute for strip in sounds(fe)] == [False]


@pytest.fixture
def speaker(fe, tmp_path, monkeypatch):
    """A speaker of this computer: a program called flite, in front of whatever is there."""
    program = tmp_path / "flite"
    program.write_text(
        f"#!{sys.executable}\nimport shutil, sys\nif 'nonsense' in open(sys.argv[sys.argv.index('-f') + 1]).read():\n"
        f"    sys.exit('no such word')\nshutil.copy({str(SPEECH)!r}, sys.argv[-1])\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FACE_EMOTE_CACHE", str(tmp_path / "cache"))
    fe.jobs.SESSION.close()  # The next engine sees the program.
    yield "flite"
    fe.jobs.SESSION.close()


def test_a_text_is_said_and_performed_and_its_sound_lies_on_the_timeline(fe, speaker):
    scene = emptied(fe)
    character = spoken(fe)
    fe.bpy.ops.face_emote.remove_take()
    settings = scene.face_emote
    settings.speech_source, settings.say, settings.said_by = (
        "TEXT",
        "He was not [softly] an ill-disposed young man,",
        speaker,
    )
    assert fe.reasons.cannot_generate(fe.bpy.context) == ""
    scene.frame_set(20)
    settings.start_at = "PLAYHEAD"
    fe.bpy.ops.face_emote.generate()
    (take,), (strip,) = fe.takes.takes_of(character), sounds(fe)
    facts = fe.takes.facts_of(take)
    assert facts["transcript"] == "He was not an ill-disposed young man," and "contempt" in facts["emotion"]
    assert fe.compat.strip_first_frame(strip) == facts["first_frame"] == 20
    assert played(strip).read_bytes()[44:] and str(played(strip)) == (facts["voice"] or facts["source"])
    fe.bpy.ops.face_emote.clear_cache()
    assert played(strip).is_file() and Path(facts["source"]).is_file()
    settings.emotion = "calm joy"
    fe.bpy.ops.face_emote.rebake_take()
    assert len(fe.takes.takes_of(character)) == 1


def test_a_text_is_said_before_its_feeling_is_read_or_it_is_previewed(fe, speaker):
    scene = emptied(fe)
    character = spoken(fe)
    settings = scene.face_emote
    settings.speech_source, settings.say, settings.said_by = "TEXT", "He was not an ill-disposed young man,", speaker
    fe.bpy.ops.face_emote.generate(preview=True, emotion="joy, then fear")
    assert fe.preview.current() is not None and sounds(fe) == sounds(fe)[:1]
    fe.bpy.ops.face_emote.preview_apply()
    assert fe.takes.facts_of(fe.takes.takes_of(character)[-1])["emotion"] == "joy, then fear"
    fe.bpy.ops.face_emote.read_emotion()
    assert settings.what_was_read
    settings.say = "Completely different words, a whole long sentence of them."
    fe.bpy.ops.face_emote.generate()  # Words that are not to be found in the sound are heard from it.
    assert fe.takes.facts_of(fe.takes.chosen_take(settings))["transcript"] == ""


def test_a_text_that_cannot_be_said_is_a_sentence(fe, speaker):
    scene = emptied(fe)
    spoken(fe)
    settings = scene.face_emote
    settings.speech_source = "TEXT"
    assert "Write what is to be said" in fe.reasons.cannot_generate(fe.bpy.context)
    settings.say, settings.said_by = "Some nonsense.", speaker
    assert "press Say It" in fe.reasons.no_speech(fe.bpy.context)
    assert "The speaker flite failed ('no such word')" in error_of(fe.bpy.ops.face_emote.say)
    settings.said_by = "flit"
    assert "did you mean 'flite'" in error_of(fe.bpy.ops.face_emote.generate)
    settings.say, settings.said_by = "Hello.", speaker
    fe.bpy.ops.face_emote.say()
    assert fe.reasons.no_speech(fe.bpy.context) == ""
    settings.say = "Hello you."
    assert "press Say It" in fe.reasons.no_speech(fe.bpy.context)
