"""Takes on our own head: exact, layered, never in the artist's way."""

import json
import os
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from .stage import SPEECH, added_head, all_values, emptied, error_of, fe

_ = fe


@pytest.fixture(scope="module")
def head(fe):
    made = added_head(fe, "maya")
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    return made


def take_of(fe, head):
    return fe.takes.takes_of(head)[0]


def strips(fe, head, take):
    return list(fe.takes.strips_of(take, head))


def read(fe, take):
    path = Path(fe.takes.facts_of(take)["motion"])
    return fe.channels.read_take(path.with_name(path.name.replace(".motion", "")))


def test_without_a_tolerance_the_curves_are_the_take_to_the_last_bit(fe, head):
    scene, keys = fe.bpy.context.scene, head.data.shape_keys.key_blocks
    scene.face_emote.key_tolerance = 0.0
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    take = read(fe, take_of(fe, head))
    for frame in (0, 17, take.num_frames - 1):
        scene.frame_set(1 + frame)
        for i, name in enumerate(take.names):
            assert keys[name].value == pytest.approx(float(take.weights[frame, i]), abs=1e-6), name
        assert list(head["face_emote_blood_a"]) == pytest.approx(take.blood[frame, :4].tolist(), abs=1e-6)
    scene.face_emote.key_tolerance = 0.05
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}


def test_one_action_with_a_slot_and_a_track_for_every_layer(fe, head):
    take = take_of(fe, head)
    wanted = {
        "KEY": ["brows", "expression", "eyes", "mouth"], "OBJECT": ["skin"], "RIG": ["eyes", "head", "mouth"],
    }  # fmt: skip
    assert len(take.slots) == 8 and take.name.startswith("FE dashwood_2")
    for name, owner in fe.channels.owners_of(head).items():
        tracks = sorted(owner.animation_data.nla_tracks, key=lambda track: track.name)
        assert [track.name for track in tracks] == [f"Face Emote {region}" for region in wanted[name]]
        for track, region in zip(tracks, wanted[name], strict=True):
            (strip,) = track.strips
            assert strip.action == take and strip.action_slot.name_display == f"{owner.name} {region}"
            assert (strip.frame_start, strip.frame_end) == (1, read(fe, take).num_frames)
            assert strip.extrapolation == "HOLD" and owner.animation_data.action is None


def test_the_sound_lies_under_the_take(fe, head):
    (strip,) = list(fe.compat.strips_of(fe.bpy.context.scene))
    assert fe.compat.strip_first_frame(strip) == 1 and Path(strip.sound.filepath) == SPEECH
    with wave.open(str(SPEECH)) as sound:
        secs = sound.getnframes() / sound.getframerate()
    assert fe.compat.strip_num_frames(strip) == pytest.approx(secs * 24, abs=1.0)


def test_the_mesh_moves_as_the_engines_head_does(fe, head):
    engine = pytest.importorskip("face_emote.face.bundled").load_head()
    read_motion = pytest.importorskip("face_emote.formats.motion_file").read_motion
    motion = read_motion(fe.takes.facts_of(take_of(fe, head))["motion"])
    expected = engine.vertices(motion)
    layout = engine.layout
    shown = np.load(fe.folders.user_folder("heads") / "head.npz")["vertex_index"]
    lids = np.unique(np.concatenate([layout.left_lid_loop, layout.right_lid_loop]))
    smooth = head.modifiers["Smooth"]
    smooth.show_viewport = False
    worst = 0.0
    for frame in range(0, motion.num_frames, 7):
        fe.bpy.context.scene.frame_set(1 + frame)
        mesh = head.evaluated_get(fe.bpy.context.evaluated_depsgraph_get()).data
        points = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", points)
        points = points.reshape(-1, 3)[: len(shown)]  # Behind them are corneas, brows and lashes.
        wanted = expected[frame][shown][:, [0, 2, 1]] * np.array([1.0, -1.0, 1.0])
        off = np.linalg.norm(points - wanted, axis=1)
        worst = max(worst, float(off[~np.isin(shown, lids)].max()))
    smooth.show_viewport = True
    assert worst < 0.0015, f"{1000 * worst:.2f} mm"


def test_a_rebake_keeps_the_strip_and_an_additive_correction(fe, head):
    scene, keys = fe.bpy.context.scene, head.data.shape_keys
    scene.face_emote.active_take = list(fe.bpy.data.actions).index(take_of(fe, head))
    fe.bpy.ops.face_emote.add_corrections()
    correction = keys.animation_data.action
    bag = fe.compat.channelbag(correction, keys.animation_data.action_slot)
    curve = bag.fcurves.new('key_blocks["browInnerUp"].value')
    curve.keyframe_points.insert(1, 0.25)
    before = strips(fe, head, take_of(fe, head))
    scene.frame_set(20)
    take = read(fe, take_of(fe, head))
    own = take.weights[19, take.names.index("browInnerUp")]
    assert keys.key_blocks["browInnerUp"].value == pytest.approx(own + 0.25, abs=0.02)
    scene.face_emote.emotion, scene.face_emote.energy = "sadness", 1.5
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    after = read(fe, take_of(fe, head))
    scene.frame_set(20)
    new = after.weights[19, after.names.index("browInnerUp")]
    assert abs(new - own) > 0.05 and keys.key_blocks["browInnerUp"].value == pytest.approx(new + 0.25, abs=0.02)
    assert strips(fe, head, take_of(fe, head)) == before and len(fe.takes.takes_of(head)) == 1
    assert keys.animation_data.action == correction and fe.takes.facts_of(take_of(fe, head))["emotion"] == "sadness"


def test_a_second_take_mutes_the_first_and_can_be_compared(fe, head):
    scene = fe.bpy.context.scene
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    first, second = sorted(fe.takes.takes_of(head), key=lambda take: take.name)
    assert fe.takes.is_shown(second, head) and not fe.takes.is_shown(first, head)
    scene.frame_set(20)
    angry = head.data.shape_keys.key_blocks["browDownLeft"].value
    fe.bpy.ops.face_emote.show_take()
    assert fe.takes.is_shown(first, head) and not fe.takes.is_shown(second, head)
    assert head.data.shape_keys.key_blocks["browDownLeft"].value < angry - 0.2
    fe.bpy.ops.face_emote.show_take()
    assert fe.takes.is_shown(second, head)
    scene.face_emote.emotion = "joy"
    assert fe.bpy.ops.face_emote.recall_take() == {"FINISHED"} and scene.face_emote.emotion == "anger"


def test_merging_gives_one_action_with_few_keys_within_the_tolerance(fe, head):
    scene, keys = fe.bpy.context.scene, head.data.shape_keys
    take = fe.reasons.chosen_take(fe.bpy.context)
    frames = range(1, 1 + read(fe, take).num_frames, 5)

    def values():
        out = []
        for frame in frames:
            scene.frame_set(frame)
            out.append([block.value for block in keys.key_blocks])
        return np.array(out)

    before = values()
    scene.face_emote.key_tolerance = 0.1
    assert fe.bpy.ops.face_emote.merge_take() == {"FINISHED"}
    scene.face_emote.key_tolerance = 0.05
    merged = keys.animation_data.action
    surface = __import__("blender_addon.apply.surface", fromlist=["key_reaches"])
    reach = np.array(list(surface.key_reaches(head).values()))
    assert (np.abs(values() - before) * reach).max() <= 0.101
    bag = fe.compat.existing_channelbag(merged, keys.animation_data.action_slot)
    dense = len(bag.fcurves) * read(fe, take).num_frames
    assert sum(len(curve.keyframe_points) for curve in bag.fcurves) < 0.4 * dense
    assert not fe.takes.is_shown(take, head) and "Maya corrections" in fe.bpy.data.actions
    for owner in fe.channels.owners_of(head).values():
        owner.animation_data.action = None
    fe.bpy.data.actions.remove(merged)


def test_removing_all_takes_restores_the_face(fe, head):
    scene = fe.bpy.context.scene
    while fe.takes.takes_of(head):
        scene.face_emote.active_take = list(fe.bpy.data.actions).index(fe.takes.takes_of(head)[0])
        assert fe.bpy.ops.face_emote.remove_take() == {"FINISHED"}
    keys = head.data.shape_keys
    assert all(block.value == 0.0 for block in list(keys.key_blocks)[1:])
    assert list(head["face_emote_blood_a"]) == [0.0] * 4 and len(fe.compat.strips_of(scene)) == 0
    assert all(owner.animation_data is None or len(owner.animation_data.nla_tracks) == 0
               for owner in fe.channels.owners_of(head).values())  # fmt: skip


def test_applying_is_one_undo_step(fe, head):
    bpy, name, uid = fe.bpy, head.name, head.face_emote.uid
    bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    facts = json.loads(fe.takes.takes_of(head)[0]["face_emote_take"])
    bpy.ops.face_emote.remove_take()
    path = Path(facts["motion"]).with_name(Path(facts["motion"]).name.replace(".motion", ""))
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.face_emote.apply_take(
        "EXEC_DEFAULT", True, filepath=str(path), facts=json.dumps(facts), character=uid, first_frame=1
    )
    assert len(fe.takes.takes_of(bpy.data.objects[name])) == 1
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
        assert fe.takes.takes_of(bpy.data.objects[name]) == []
        bpy.ops.ed.redo()
    assert len(fe.takes.takes_of(bpy.data.objects[name])) == 1


def test_cancel_and_a_killed_engine_leave_the_scene_as_it_was(fe):
    bpy = fe.bpy
    made = added_head(fe)
    before = all_values(fe, made)
    generate = __import__("blender_addon.operators.generate", fromlist=["submit_take"])
    line = generate.prepared_line(bpy.context.scene, speech=str(SPEECH))
    line.given["emotion"] = "fear"
    for end in ("cancel", "kill"):
        generate.submit_take(bpy.context.scene, made, line, wait=False)
        for _attempt in range(3):
            fe.jobs.SESSION.tick()
        if end == "cancel":
            bpy.ops.face_emote.cancel()
        else:
            os.kill(fe.jobs.SESSION.pid, 9)
        until = time.monotonic() + 20.0
        while fe.jobs.SESSION.needs_ticks and time.monotonic() < until:
            fe.jobs.SESSION.tick()
            time.sleep(0.01)
        assert all_values(fe, made) == before, end
    assert "stopped" in fe.jobs.SESSION.status
    bpy.app.timers.unregister(fe.jobs.tick)
    assert bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy") == {"FINISHED"}


def test_a_preview_is_quick_and_leaves_no_trace(fe):
    made = added_head(fe)
    scene, before = fe.bpy.context.scene, all_values(fe, made)
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy", preview=True)
    assert fe.preview.current() is not None and fe.bpy.data.actions[:] == []
    spent, shown = [], fe.preview.current()
    for frame in range(1, 41):
        start = time.process_time()
        scene.frame_set(frame)
        spent.append(time.process_time() - start)
        values = [block.value for block in made.data.shape_keys.key_blocks]
        np.testing.assert_allclose(values, np.clip(shown.keys[frame - 1], -10.0, 10.0), atol=1e-5)
    print(f"preview: {1000 * np.median(spent):.1f} ms a frame")
    assert np.median(spent) < 0.010
    assert any(abs(block.value) > 0.05 for block in made.data.shape_keys.key_blocks)
    fe.bpy.ops.face_emote.preview_stop()
    assert all_values(fe, made) == before
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy", preview=True)
    fe.bpy.ops.face_emote.preview_apply()
    assert len(fe.takes.takes_of(made)) == 1


def test_a_minute_of_speech_is_applied_within_three_seconds(fe, tmp_path):
    made = added_head(fe)
    with wave.open(str(SPEECH)) as sound:
        rate, pcm = sound.getframerate(), sound.readframes(sound.getnframes())
    path = tmp_path / "minute.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((pcm * 30)[: 2 * rate * 60])
    scene = fe.bpy.context.scene
    scene.render.fps = 30
    fe.bpy.ops.face_emote.generate(speech=str(path), emotion="joy")
    take = fe.takes.takes_of(made)[0]
    facts = fe.takes.facts_of(take)
    npz = Path(facts["motion"]).with_name(Path(facts["motion"]).name.replace(".motion", ""))
    start = time.process_time()
    fe.takes.rebake(take, made, npz, facts)
    spent = time.process_time() - start
    curves = fe.compat.all_fcurves(take)
    counts = [len(curve.keyframe_points) for curve in curves]
    print(f"60 s, {len(curves)} curves of {np.median(counts):.0f} keys (at most {max(counts)}): {spent:.2f} s")
    assert int(facts["num_frames"]) == 1800 and np.median(counts) < 360 and spent < 3.0


def test_emotion_keyframes_and_markers_become_emotion_keys(fe):
    scene = emptied(fe)
    settings = scene.face_emote
    settings.emotion_mode = "SLIDERS"
    settings.emo_joy = 0.0
    scene.keyframe_insert("face_emote.emo_joy", frame=1)
    settings.emo_joy = 1.0
    scene.keyframe_insert("face_emote.emo_joy", frame=49)
    keys = fe.emotions.slider_keys(scene, first_frame=1, num_secs=3.0, fps=24.0)
    joy = keys["amounts"][:, 1]
    assert joy[0] == 0.0 and joy[-1] == pytest.approx(1.0) and np.all(np.diff(joy) >= -1e-6) and len(joy) > 20
    scene.timeline_markers.new("fe: surprise:0.8", frame=25)
    scene.timeline_markers.new("cut", frame=30)
    markers = fe.emotions.markers_in(scene, first_frame=1, num_secs=3.0, fps=24.0)
    assert fe.emotions.with_markers("calm joy", markers) == "0s calm joy; 1.000s surprise:0.8"
    assert fe.emotions.with_markers("auto", markers).startswith("auto:0.5; 0s neutral; ")
    with pytest.raises(fe.report.UserError, match="not both"):
        fe.emotions.with_markers("0s joy; 2s anger", markers)


def test_sliders_and_markers_reach_the_face(fe):
    made = added_head(fe)
    scene = fe.bpy.context.scene
    settings = scene.face_emote
    settings.speech_file, settings.emotion_mode, settings.emo_anger = str(SPEECH), "SLIDERS", 1.0
    fe.bpy.ops.face_emote.generate()
    scene.frame_set(30)
    angry = made.data.shape_keys.key_blocks["browDownLeft"].value
    settings.emotion_mode, settings.emotion = "WORDS", "joy"
    fe.bpy.ops.face_emote.generate()
    scene.frame_set(30)
    assert angry > 0.4 > made.data.shape_keys.key_blocks["browDownLeft"].value


def test_mistakes_are_one_sentence(fe):
    bpy = fe.bpy
    added_head(fe)
    settings = bpy.context.scene.face_emote
    assert "Choose a speech file" in error_of(lambda: bpy.ops.face_emote.generate())
    assert "does not exist" in error_of(lambda: bpy.ops.face_emote.generate(speech="/nowhere.wav"))
    assert "joyy" in error_of(lambda: bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joyy"))
    assert Path(bpy.context.window_manager.face_emote_job.report_path).is_file()
    settings.speech_source = "STRIP"
    assert "Choose a sound strip" in error_of(lambda: bpy.ops.face_emote.generate())


def test_a_strips_start_and_trim_are_kept_and_lines_are_made_at_one_push(fe):
    made = added_head(fe)
    scene = fe.bpy.context.scene
    scene.sequence_editor_create()
    strips_here = fe.compat.strips_of(scene)
    first = strips_here.new_sound("A", str(SPEECH), 1, 10)
    second = strips_here.new_sound("B", str(SPEECH), 2, 120)
    second.frame_offset_start, second.frame_offset_end = 12, 12
    fe.bpy.ops.face_emote.add_lines()
    lines = scene.face_emote.lines
    assert [line.strip for line in lines] == ["A", "B"] and all(line.character == made for line in lines)
    lines[1].emotion = "anger"
    assert fe.bpy.ops.face_emote.generate_lines() == {"FINISHED"}
    takes = sorted(fe.takes.takes_of(made), key=lambda take: fe.takes.facts_of(take)["first_frame"])
    assert [fe.takes.facts_of(take)["first_frame"] for take in takes] == [10, 132]
    lengths = [read(fe, take).num_frames for take in takes]
    assert lengths[0] - lengths[1] == pytest.approx(24, abs=2) and len(strips_here) == 2
    assert all(fe.takes.is_shown(take, made) for take in takes)
    tracks = made.data.shape_keys.animation_data.nla_tracks
    assert [len(track.strips) for track in tracks] == [2] * 4 and first.name == "A"


def test_linked_and_overridden_characters_are_refused_with_a_reason(fe, tmp_path):
    bpy = fe.bpy
    made = added_head(fe)
    name, path = made.name, tmp_path / "library.blend"
    bpy.data.libraries.write(str(path), {made}, fake_user=True)
    emptied(fe)
    with bpy.data.libraries.load(str(path), link=True) as (_source, target):
        target.objects = [name]
    linked = target.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    assert "linked from another file" in fe.takes.refusal(linked)
    override = linked.override_create(remap_local_usages=True)
    assert "override" in fe.takes.refusal(override) or "linked" in fe.takes.refusal(override)


def test_export_and_video_write_files(fe, tmp_path):
    added_head(fe)
    bpy, scene = fe.bpy, fe.bpy.context.scene
    scene.render.fps = 12
    bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    scene.face_emote.export_path = str(tmp_path / "take.csv")
    assert bpy.ops.face_emote.export_take() == {"FINISHED"} and (tmp_path / "take.csv").stat().st_size > 1000
    scene.face_emote.export_path = str(tmp_path / "take.doc")
    assert not bpy.ops.face_emote.export_take.poll()
    assert not bpy.ops.face_emote.quick_video.poll()
    bpy.ops.face_emote.add_stage()
    scene.frame_end, before = 4, (scene.render.engine, scene.render.filepath, scene.render.resolution_x)
    scene.face_emote.video_path = str(tmp_path / "take.mp4")
    try:
        done = bpy.ops.face_emote.quick_video()
    except RuntimeError as error:
        pytest.skip(f"no OpenGL for Workbench here: {error}")
    assert done == {"FINISHED"} and (tmp_path / "take.mp4").stat().st_size > 5000
    assert (scene.render.engine, scene.render.filepath, scene.render.resolution_x) == before
    scene.frame_end = 250


def test_what_is_felt_is_read_into_the_text_field(fe, head):
    settings = fe.bpy.context.scene.face_emote
    before, settings.speech_file = settings.emotion, str(SPEECH)
    assert fe.bpy.ops.face_emote.read_emotion() == {"FINISHED"}
    assert settings.emotion != "auto" and "believed: voice" in settings.what_was_read
    ((name, weight, says),) = json.loads(settings.senses_read)
    assert (name, weight) == ("voice", 1.0) and says.split(" ")[0] in settings.what_was_read
    settings.transcript = "I am so sad."
    assert fe.bpy.ops.face_emote.read_emotion() == {"FINISHED"}
    senses = {name: weight for name, weight, _ in json.loads(settings.senses_read)}
    assert set(senses) == {"voice", "words"} and abs(sum(senses.values()) - 1.0) < 0.01
    settings.emotion, settings.transcript = before, ""


def test_the_users_scene_gets_no_custom_property_but_the_settings(fe):
    made = added_head(fe)
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    fe.bpy.ops.face_emote.show_take()
    fe.bpy.ops.face_emote.add_stage()
    assert len(fe.takes.takes_of(made)) == 2
    for scene in fe.bpy.data.scenes:
        assert set(scene.keys()) <= {"face_emote"} | {name for name in scene.keys() if "face_emote" not in name}
