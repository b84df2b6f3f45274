"""Takes stay with their character and their sound: renamed, duplicated, appended, undone, another file opened."""

import json
import time

import numpy as np
import pytest

from .stage import SPEECH, added_head, emptied, error_of, fe, key_mesh, selected_only, sounds, spoken

_ = fe


def names_of(fe, character):
    return sorted(take.name for take in fe.takes.takes_of(character))


def finished(fe, secs=30.0):
    until = time.monotonic() + secs
    while fe.jobs.SESSION.needs_ticks and time.monotonic() < until:
        fe.jobs.SESSION.tick()
        time.sleep(0.01)
    if fe.bpy.app.timers.is_registered(fe.jobs.tick):
        fe.bpy.app.timers.unregister(fe.jobs.tick)


def asked(fe, character, **options):
    """A take that the engine works on."""
    generate = __import__("blender_addon.operators.generate", fromlist=["submit_take"])
    scene = fe.bpy.context.scene
    line = generate.prepared_line(scene, speech=str(SPEECH))
    line.given["emotion"] = "joy"
    generate.submit_take(scene, character, line, wait=False, **options)
    for _attempt in range(3):
        fe.jobs.SESSION.tick()


def duplicated(fe, character, **options):
    selected_only(fe, character)
    fe.bpy.ops.object.duplicate(**options)
    fe.bpy.context.view_layer.update()
    return fe.bpy.context.view_layer.objects.active


def appended(fe, path, name):
    with fe.bpy.data.libraries.load(str(path)) as (_source, target):
        target.objects = [name]
    (character,) = target.objects
    fe.bpy.context.scene.collection.objects.link(character)
    fe.bpy.context.view_layer.update()
    return character


def test_a_renamed_character_keeps_its_takes_and_a_rebake_fills_the_same_curves(fe):
    scene = emptied(fe)
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    character.name, character.data.shape_keys.name = "Renamed", "Other keys"
    assert fe.takes.takes_of(character) == [take]
    slots, curves = [slot.handle for slot in take.slots], {curve.data_path for curve in fe.compat.all_fcurves(take)}
    scene.face_emote.emotion = "anger"
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    again = {curve.data_path for curve in fe.compat.all_fcurves(take)}
    assert [slot.handle for slot in take.slots] == slots and len(again & curves) > 0.8 * len(curves)
    assert len(fe.compat.all_fcurves(take)) == len(again)
    assert fe.bpy.ops.face_emote.merge_take() == {"FINISHED"}
    assert len(fe.compat.all_fcurves(character.data.shape_keys.animation_data.action)) == len(again)


def test_another_object_that_takes_over_a_characters_name_gets_none_of_its_takes(fe):
    emptied(fe)
    character = spoken(fe)
    character.name = "Away"
    other = key_mesh(fe, list(fe.names.ARKIT))
    assert other.name == "Own" and fe.takes.takes_of(other) == [] and len(fe.takes.takes_of(character)) == 1


def test_a_duplicate_gets_takes_of_its_own_that_do_not_change_the_original(fe):
    scene = emptied(fe)
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    before = [curve.keyframe_points[-1].co[1] for curve in fe.compat.all_fcurves(take)]
    copy = duplicated(fe, character)
    (own,) = fe.takes.takes_of(copy)
    assert own != take and fe.takes.takes_of(character) == [take]
    assert [strip.action for strip in fe.takes.strips_of(own, copy)] == [own] * 4
    assert [strip.action for strip in fe.takes.strips_of(take, character)] == [take] * 4
    scene.face_emote.target, scene.face_emote.emotion = copy, "anger"
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert [curve.keyframe_points[-1].co[1] for curve in fe.compat.all_fcurves(take)] == before
    scene.frame_set(20)
    brow = [item.data.shape_keys.key_blocks["browDownLeft"].value for item in (copy, character)]
    assert brow[0] > brow[1] + 0.2
    assert fe.bpy.ops.face_emote.remove_take() == {"FINISHED"}
    assert fe.takes.takes_of(copy) == [] and fe.takes.takes_of(character) == [take] and len(sounds(fe)) == 1


def test_an_appended_character_brings_its_takes_beside_one_of_the_same_name(fe, tmp_path):
    emptied(fe)
    path = tmp_path / "library.blend"
    character = spoken(fe)
    name, before = character.name, names_of(fe, character)
    fe.bpy.data.libraries.write(str(path), {character})
    newcomer = appended(fe, path, name)
    assert newcomer.name != name and names_of(fe, character) == before
    (take,) = fe.takes.takes_of(newcomer)
    assert [strip.action for strip in fe.takes.strips_of(take, newcomer)] == [take] * 4
    emptied(fe)
    alone = appended(fe, path, name)
    assert names_of(fe, alone) == before


def test_takes_of_files_from_before_ids_are_found_by_the_name_they_know(fe):
    emptied(fe)
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    facts = {k: v for k, v in json.loads(take["face_emote_take"]).items() if k not in ("id", "character_id")}
    take["face_emote_take"] = json.dumps(facts | {"character": character.name})
    character.face_emote.uid = ""
    sounds(fe)[0]["face_emote_take"] = take.name
    key_mesh(fe, ["a"], "Newcomer")
    fe.bpy.context.view_layer.update()
    assert fe.takes.takes_of(character) == [take]
    assert fe.bpy.ops.face_emote.remove_take() == {"FINISHED"}
    assert sounds(fe) == []


def test_the_chosen_take_stays_chosen_whatever_actions_come(fe):
    scene = emptied(fe)
    character = spoken(fe)
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    second = fe.reasons.chosen_take(fe.bpy.context)
    fe.bpy.data.actions.new("A first of all")
    assert fe.reasons.chosen_take(fe.bpy.context) == second
    assert fe.bpy.data.actions[scene.face_emote.active_take] == second
    first = next(take for take in fe.takes.takes_of(character) if take != second)
    scene.face_emote.active_take = list(fe.bpy.data.actions).index(first)
    first.name = "Zoe"
    fe.bpy.ops.face_emote.add_corrections()
    assert fe.reasons.chosen_take(fe.bpy.context) == first
    assert fe.bpy.ops.face_emote.merge_take.poll() is False  # It is muted.
    fe.bpy.ops.face_emote.remove_take()
    assert fe.takes.takes_of(character) == [second]


def test_a_renamed_take_takes_its_sound_along_when_it_is_removed(fe):
    emptied(fe)
    character = spoken(fe)
    (take,) = fe.takes.takes_of(character)
    take.name = "My favourite"
    assert len(sounds(fe)) == 1
    fe.bpy.ops.face_emote.remove_take()
    assert sounds(fe) == [] and fe.takes.takes_of(character) == []


def test_a_sound_that_two_takes_share_stays_until_both_are_gone(fe):
    emptied(fe)
    character = spoken(fe)
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    assert len(sounds(fe)) == 1
    for left in (1, 0):
        fe.bpy.context.scene.face_emote.active_take = list(fe.bpy.data.actions).index(fe.takes.takes_of(character)[0])
        fe.bpy.ops.face_emote.remove_take()
        assert len(sounds(fe)) == left


def test_opening_a_file_cancels_the_job_that_was_for_the_other_one(fe, tmp_path):
    emptied(fe)
    character = spoken(fe)
    path = tmp_path / "other.blend"
    fe.bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    asked(fe, character)
    assert fe.jobs.SESSION.busy
    fe.bpy.ops.wm.open_mainfile(filepath=str(path))
    assert not fe.jobs.SESSION.busy
    finished(fe)
    again = fe.bpy.data.objects[0]
    assert len(fe.takes.takes_of(again)) == 1, "the take landed in a file that was opened later"
    fe.bpy.ops.wm.read_homefile(use_empty=True)


def test_a_result_finds_its_character_after_a_rename_and_never_another_one(fe):
    emptied(fe)
    character = spoken(fe)
    asked(fe, character)
    character.name = "Renamed"
    other = spoken_before = key_mesh(fe, list(fe.names.ARKIT))
    fe.bpy.context.scene.face_emote.target = spoken_before
    fe.bpy.ops.face_emote.map_character()
    finished(fe)
    assert len(fe.takes.takes_of(character)) == 2 and fe.takes.takes_of(other) == []
    asked(fe, character)
    fe.bpy.data.objects.remove(character)
    other.name = "Renamed"
    finished(fe)
    assert fe.takes.takes_of(other) == [] and "gone" in fe.jobs.SESSION.status


def test_a_result_lands_in_the_scene_in_which_it_was_asked_for(fe):
    scene = emptied(fe)
    character = spoken(fe)
    fe.bpy.ops.face_emote.remove_take()
    asked(fe, character)
    other = fe.bpy.data.scenes.new("Other")
    window = fe.bpy.context.window_manager.windows[0]
    window.scene = other
    finished(fe)
    window.scene = scene
    assert len(sounds(fe)) == 1 and not fe.compat.strips_of(other)
    fe.bpy.data.scenes.remove(other)


def test_a_preview_ends_on_the_character_it_was_made_for(fe):
    emptied(fe)
    character = spoken(fe)
    keys = character.data.shape_keys
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger", preview=True)
    assert keys.animation_data.nla_tracks[0].mute
    character.name, keys.name = "Renamed", "Renamed keys"
    fe.bpy.ops.face_emote.preview_stop()
    assert not keys.animation_data.nla_tracks[0].mute


def test_a_linked_duplicate_is_refused_and_says_whose_keys_it_has(fe):
    scene = emptied(fe)
    character = spoken(fe)
    twin = duplicated(fe, character, linked=True)
    scene.face_emote.target = twin
    told = error_of(lambda: fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy"))
    assert character.name in told and "Single" in told
    scene.face_emote.target = character
    assert fe.takes.refusal(character) == "" and len(fe.takes.takes_of(character)) == 1


def test_undo_of_what_came_after_a_duplication_keeps_the_two_apart(fe):
    emptied(fe)
    character = spoken(fe)
    name = character.name
    fe.bpy.ops.ed.undo_push(message="before")
    copy = duplicated(fe, character)
    other = copy.name
    fe.bpy.ops.ed.undo_push(message="duplicated")
    copy.location.x = 1.0
    fe.bpy.ops.ed.undo_push(message="moved")
    with fe.bpy.context.temp_override(window=fe.bpy.context.window_manager.windows[0]):
        fe.bpy.ops.ed.undo()
    character, copy = fe.bpy.data.objects[name], fe.bpy.data.objects[other]
    assert character.face_emote.uid != copy.face_emote.uid
    assert len(fe.takes.takes_of(character)) == len(fe.takes.takes_of(copy)) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_a_duplicated_head_has_brows_and_lashes_that_follow_it(fe, whole):
    head = added_head(fe)
    rig = head.face_emote.rig
    selected_only(fe, head, *([rig, *rig.children_recursive] if whole else []))
    fe.bpy.ops.object.duplicate()
    fe.bpy.context.view_layer.update()
    copy = next(item for item in fe.bpy.context.selected_objects if item.face_emote.kind == "HEAD")
    rest = hair_points(fe, head)
    assert len(rest) > 10_000 and np.abs(hair_points(fe, copy) - rest).max() < 1e-6
    for block in ("browInnerUp", "eyeBlinkLeft"):
        copy.data.shape_keys.key_blocks[block].value = 1.0
    assert 0.002 < np.abs(hair_points(fe, copy) - rest).max() < 0.05
    assert np.abs(hair_points(fe, head) - rest).max() < 1e-6


def test_brows_and_lashes_are_hidden_and_deleted_with_the_head(fe):
    head = added_head(fe)
    assert all("brow" not in item.name and "lash" not in item.name for item in fe.bpy.context.scene.objects)
    fe.bpy.data.objects.remove(head)
    fe.bpy.data.orphans_purge(do_recursive=True)
    assert all("brow" not in item.name for item in fe.bpy.data.objects)


def hair_points(fe, head):
    """What stands on a head's own vertices."""
    fe.bpy.context.view_layer.update()
    mesh = head.evaluated_get(fe.bpy.context.evaluated_depsgraph_get()).data
    out = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", out)
    return out.reshape(-1, 3)[len(head.data.vertices) :]
