"""Frames and seconds: a take lies where its sound is heard, at whatever speed, trim and frame rate."""

import wave

import numpy as np
import pytest

from .stage import SPEECH, emptied, error_of, fe, sounds, spoken
from .test_bpy_panels import drawn, said

_ = fe


def own_strip(fe, frame=10, sound=SPEECH):
    scene = fe.bpy.context.scene
    scene.sequence_editor_create()
    strip = fe.compat.strips_of(scene).new_sound("Mine", str(sound), 3, frame)
    scene.face_emote.speech_source, scene.face_emote.speech_strip = "STRIP", "Mine"
    return strip


def generated(fe):
    """The facts of a take of the panel's speech."""
    settings = fe.bpy.context.scene.face_emote
    source = settings.speech_source
    settings.speech_source = "FILE"
    character = spoken(fe)
    fe.bpy.ops.face_emote.remove_take()
    settings.speech_source, settings.emotion = source, "joy"
    fe.bpy.ops.face_emote.generate()
    (take,) = fe.takes.takes_of(character)
    return fe.takes.facts_of(take)


def heard(facts):
    with wave.open(facts["wave"]) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768.0


def level(samples, frames, fps=24):
    """Loudness of each frame."""
    size = 16_000 // fps
    return np.array([np.abs(samples[i * size : (i + 1) * size]).mean() for i in range(frames)])


def test_a_handle_before_the_content_does_not_shift_the_take(fe):
    emptied(fe)
    strip = own_strip(fe)
    fe.compat.trim_strip(strip, first_frame=4, num_frames=50)
    facts = generated(fe)
    assert facts["first_frame"] == 10 and facts["source_start"] == 0.0
    assert facts["num_secs"] == pytest.approx(44 / 24, abs=0.02)


def test_a_trimmed_strips_take_starts_with_what_is_heard(fe):
    emptied(fe)
    strip = own_strip(fe)
    fe.compat.trim_strip(strip, first_frame=22, num_frames=30)
    facts = generated(fe)
    assert facts["first_frame"] == 22 and facts["source_start"] == pytest.approx(0.5)


def test_a_strip_whose_handles_hold_no_sound_is_refused_with_the_reason(fe):
    emptied(fe)
    strip = own_strip(fe)
    fe.compat.trim_strip(strip, first_frame=1, num_frames=5)
    spoken_before = spoken
    fe.bpy.context.scene.face_emote.speech_source = "FILE"
    spoken_before(fe)
    fe.bpy.context.scene.face_emote.speech_source = "STRIP"
    assert "between the handles" in error_of(lambda: fe.bpy.ops.face_emote.generate())


def retimed(fe, strip):
    if fe.bpy.app.version < (5, 0, 0):
        pytest.skip("Blender 4.5 cannot add retiming keys from Python")
    return strip.retiming_keys.add(timeline_frame=34)


def test_a_harmless_retiming_key_changes_nothing(fe):
    emptied(fe)
    strip = own_strip(fe)
    plain = level(heard(generated(fe)), 60)
    retimed(fe, strip)
    facts = generated(fe)
    np.testing.assert_allclose(level(heard(facts), 60), plain, atol=0.01)
    assert facts["first_frame"] == 10


def test_a_retimed_strip_is_performed_at_the_speed_at_which_it_plays(fe, tmp_path):
    scene = emptied(fe)
    secs = np.arange(3 * 16_000) / 16_000
    tone = np.where((secs > 2.0) & (secs < 2.4), 0.4 * np.sin(2 * np.pi * 200 * secs), 0.0)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((tone * 32767).astype("<i2").tobytes())
    strip = own_strip(fe, sound=tmp_path / "tone.wav")
    retimed(fe, strip)
    strip.retiming_keys[-1].timeline_frame -= 24  # From the first second on twice as fast.
    other = fe.compat.strips_of(scene).new_sound("Other", str(SPEECH), 5, 1)
    scene.frame_start, scene.frame_end = 1, 300
    facts = generated(fe)
    assert facts["num_secs"] == pytest.approx(2.0, abs=0.05) and facts["first_frame"] == 10
    loud = np.flatnonzero(level(heard(facts), 48) > 0.1) / 24
    assert loud[0] == pytest.approx(1.5, abs=0.06) and loud[-1] == pytest.approx(1.7, abs=0.06)
    assert (strip.mute, other.mute, scene.frame_start, scene.frame_end) == (False, False, 1, 300)


def test_mixing_one_strip_down_hears_that_strip_alone(fe, tmp_path):
    scene = emptied(fe)
    strip = own_strip(fe)
    plain = level(heard(generated(fe)), 60)
    fe.compat.strips_of(scene).new_sound("Other", str(SPEECH.with_name("dashwood_1.wav")), 5, 1)
    strip.mute = True
    fe.sound.mix_down(strip, scene, path=tmp_path / "mixed.wav")
    np.testing.assert_allclose(level(heard({"wave": str(tmp_path / "mixed.wav")}), 60), plain, atol=0.01)
    assert strip.mute and scene.frame_start == 1


@pytest.mark.parametrize("use_range", [False, True])
@pytest.mark.parametrize(("start_at", "frame"), [("SCENE", 5), ("PLAYHEAD", 33)])
def test_whole_files_and_parts_start_where_the_panel_says(fe, use_range, start_at, frame):
    scene = emptied(fe)
    settings = scene.face_emote
    settings.speech_file, settings.use_range, settings.range_end = str(SPEECH), use_range, 1.0
    facts_before = spoken(fe)
    assert facts_before
    fe.bpy.ops.face_emote.remove_take()
    scene.frame_start, settings.start_at, settings.emotion = 5, start_at, "joy"
    scene.frame_set(33)
    assert f"Starts at frame {frame}" in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_speech))
    fe.bpy.ops.face_emote.generate()
    (take,) = fe.takes.takes_of(settings.target)
    scene.frame_start = 1
    assert fe.takes.facts_of(take)["first_frame"] == frame
    assert [fe.compat.strip_first_frame(strip) for strip in sounds(fe)] == [frame]


def test_the_panel_says_where_a_strips_take_starts(fe):
    emptied(fe)
    strip = own_strip(fe)
    fe.compat.trim_strip(strip, first_frame=4, num_frames=50)
    assert "Starts at frame 10" in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_speech))


def test_a_changed_frame_rate_is_told_and_the_take_offered_for_a_rebake(fe):
    scene = emptied(fe)
    character = spoken(fe, emotion="anger")
    (take,) = fe.takes.takes_of(character)
    frames = fe.takes.facts_of(take)["num_frames"]
    assert "frames a second" not in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_takes))
    scene.render.fps = 48
    log = drawn(fe, fe.bpy.types.FACEEMOTE_PT_takes)
    assert "was made for 24 frames a second, the scene has 48" in " ".join(said(log).split())
    scene.face_emote.emotion = "joy"
    number = fe.takes.facts_of(take)["id"]
    assert fe.bpy.ops.face_emote.rebake_take(take_id=number, as_it_was=True) == {"FINISHED"}
    facts = fe.takes.facts_of(take)
    assert facts["fps"] == 48 and facts["num_frames"] == pytest.approx(2 * frames, abs=2)
    assert facts["emotion"] == "anger"
    assert {strip.frame_end for strip in fe.takes.strips_of(take, character)} == {facts["num_frames"]}
    assert "frames a second" not in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_takes))


def test_the_scenes_end_grows_with_the_take_and_says_so(fe):
    scene = emptied(fe)
    scene.frame_end = 20
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    frames = fe.takes.facts_of(take)["num_frames"]
    assert frames > 60 and scene.frame_end == frames
    assert f"the scene ends at frame {frames} now" in fe.jobs.SESSION.status
    scene.frame_end = 250
    fe.bpy.ops.face_emote.rebake_take()
    assert scene.frame_end == 250 and "ends at" not in fe.jobs.SESSION.status


def test_a_rebake_keeps_trims_places_and_scale_of_the_strip(fe):
    emptied(fe)
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    strip, *_others = fe.takes.strips_of(take, character)
    strip.action_frame_start, strip.action_frame_end = 11.0, 41.0
    strip.frame_start, strip.scale = 100.0, 2.0
    before = (strip.action_frame_start, strip.action_frame_end, strip.frame_start, strip.frame_end, strip.scale)
    assert strip.frame_end == pytest.approx(160.0)
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    after = (strip.action_frame_start, strip.action_frame_end, strip.frame_start, strip.frame_end, strip.scale)
    assert after == pytest.approx(before)
    fe.bpy.context.scene.render.fps = 12
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert (strip.action_frame_start, strip.frame_start) == pytest.approx((6.0, 100.0), abs=0.6)
    assert strip.action_frame_end == pytest.approx(21.0, abs=1.1) and strip.scale == pytest.approx(2.0)
