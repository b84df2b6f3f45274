"""A take in layers: each can be muted, heard alone, weakened; few keys; edited where the editors show it, and kept."""

from pathlib import Path

import numpy as np
import pytest

from .stage import SPEECH, added_head, emptied, fe, key_mesh, selected_only, spoken

_ = fe


@pytest.fixture
def own(fe):
    """A small mesh with ARKit's keys that has said its line, joyful."""
    emptied(fe).face_emote.emotion = "joy"
    return spoken(fe)


def module(name: str):
    return __import__(f"blender_addon.apply.{name}", fromlist=["x"])


def take_of(fe, character):
    return fe.takes.takes_of(character)[0]


def value(fe, character, key: str, frame: int = 20) -> float:
    fe.bpy.context.scene.frame_set(frame)
    return character.data.shape_keys.key_blocks[key].value


def curve_of(fe, take, character, key: str):
    writing = module("writing")
    return next(curve for _, curve in writing.curves_of(take, character) if f'"{key}"' in curve.data_path)


def table(fe, character, frames=range(1, 73, 4)):
    """[frame, key]."""
    return np.array([
        [value(fe, character, block.name, frame) for block in character.data.shape_keys.key_blocks]
        for frame in frames
    ])  # fmt: skip


def switch(fe, region: str, kind: str) -> None:
    assert fe.bpy.ops.face_emote.switch_layer(region=region, kind=kind) == {"FINISHED"}


def test_a_muted_layer_rests_and_the_others_play_on(fe, own):
    jaw, smile, brow = (value(fe, own, name) for name in ("jawOpen", "mouthSmileLeft", "browInnerUp"))
    switch(fe, "mouth", "mute")
    assert value(fe, own, "jawOpen") == 0.0 and value(fe, own, "mouthSmileLeft") == smile
    assert value(fe, own, "browInnerUp") == brow
    switch(fe, "mouth", "mute")
    assert value(fe, own, "jawOpen") == jaw > 0.1


def test_two_layers_can_be_solo(fe, own):
    smile, brow = value(fe, own, "mouthSmileLeft"), value(fe, own, "browInnerUp")
    switch(fe, "brows", "solo")
    switch(fe, "expression", "solo")
    assert value(fe, own, "jawOpen") == 0.0 == value(fe, own, "eyeSquintLeft")
    assert (value(fe, own, "mouthSmileLeft"), value(fe, own, "browInnerUp")) == (smile, brow)
    switch(fe, "brows", "solo")
    assert value(fe, own, "browInnerUp") == 0.0 < value(fe, own, "mouthSmileLeft")
    switch(fe, "expression", "solo")
    assert value(fe, own, "browInnerUp") == brow


def test_the_influence_of_a_layer_scales_it_and_stays_keyed(fe, own):
    layers, full = module("layers"), value(fe, own, "mouthSmileLeft")
    (strip,) = layers.strips_in(take_of(fe, own), own, "expression")
    strip.influence = 0.5
    assert value(fe, own, "mouthSmileLeft") == pytest.approx(0.5 * full, abs=1e-5)
    strip.influence = 0.0
    strip.keyframe_insert("influence", frame=10)
    strip.influence = 1.0
    strip.keyframe_insert("influence", frame=30)
    half = value(fe, own, "mouthSmileLeft", 20)
    assert half == pytest.approx(0.5 * full, abs=0.03)
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert value(fe, own, "mouthSmileLeft", 20) == pytest.approx(half, abs=1e-5)
    assert [tuple(point.co) for point in strip.fcurves[0].keyframe_points] == [(10.0, 0.0), (30.0, 1.0)]


def test_all_that_a_layer_moves_follows_its_influence(fe):
    head = added_head(fe)
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    layers, take = module("layers"), take_of(fe, head)
    first, second = layers.strips_in(take, head, "mouth")
    first.influence = 0.25
    layers._influence_changed(fe.bpy.context.scene)
    assert second.influence == 0.25
    first.keyframe_insert("influence", frame=5)
    layers._influence_changed(fe.bpy.context.scene)
    assert [tuple(point.co) for point in second.fcurves[0].keyframe_points] == [(5.0, 0.25)]


def test_layers_stay_as_they_are_through_save_rename_duplicate_and_other_takes(fe, own, tmp_path):
    bpy = fe.bpy
    switch(fe, "mouth", "mute")
    switch(fe, "brows", "solo")
    own.name, own.data.name, own.data.shape_keys.name, take_of(fe, own).name = "Hugo", "Mesh", "Keys", "My take"
    selected_only(fe, own)
    bpy.ops.object.duplicate()
    module("identity").settle()
    copy = bpy.context.view_layer.objects.active
    bpy.context.scene.face_emote.target = copy
    assert take_of(fe, copy) != take_of(fe, own)
    switch(fe, "brows", "solo")
    states = [module("layers").state_of(take_of(fe, item)) for item in (own, copy)]
    assert [state["solo"] for state in states] == [["brows"], []]
    assert [state["mute"] for state in states] == [["mouth"], ["mouth"]]
    assert value(fe, own, "mouthSmileLeft") == 0.0 < value(fe, copy, "mouthSmileLeft")
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    assert value(fe, copy, "jawOpen") > 0.05
    fe.bpy.ops.face_emote.show_take()
    assert value(fe, copy, "jawOpen") == 0.0 < value(fe, copy, "mouthSmileLeft")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    hugo = bpy.data.objects["Hugo"]
    bpy.context.scene.face_emote.target = hugo
    assert module("layers").state_of(take_of(fe, hugo))["solo"] == ["brows"]
    switch(fe, "brows", "solo")
    assert value(fe, hugo, "jawOpen") == 0.0 < value(fe, hugo, "mouthSmileLeft")
    fe.bpy.ops.face_emote.rebake_take()
    assert value(fe, hugo, "jawOpen") == 0.0 < value(fe, hugo, "mouthSmileLeft")


def test_keys_of_an_own_mesh_lie_in_the_layer_of_what_they_play(fe):
    scene = emptied(fe)
    scene.face_emote.target = key_mesh(fe, ["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight", "happy", "angry"])
    fe.bpy.ops.face_emote.map_character()
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    take, character = take_of(fe, scene.face_emote.target), scene.face_emote.target
    found = {layer.region: curve.data_path for layer, curve in module("writing").curves_of(take, character)}
    assert {"mouth", "eyes", "expression"} <= set(found) and "blink" in found["eyes"]


def test_curves_have_tens_of_keys_and_those_that_never_move_none(fe, tmp_path):
    wave = pytest.importorskip("wave")
    with wave.open(str(SPEECH)) as sound:
        layout, data = sound.getparams(), sound.readframes(sound.getnframes())
    with wave.open(str(tmp_path / "ten.wav"), "wb") as sound:
        sound.setparams(layout)
        sound.writeframes((data * 4)[: 10 * layout.framerate * layout.sampwidth])
    head = added_head(fe)
    fe.bpy.ops.face_emote.generate(speech=str(tmp_path / "ten.wav"), emotion="joy")
    take = take_of(fe, head)
    counts = [len(curve.keyframe_points) for curve in fe.compat.all_fcurves(take)]
    path = module("writing").motion_curves(fe.takes.facts_of(take))
    read = fe.channels.channels_of(fe.channels.read_take(path), head)
    moving = sum(bool(np.ptp(channel.values) > 1e-6) for channel in read)
    print(f"10 s: {len(counts)} of {len(read)} curves, {np.median(counts):.0f} keys each, at most {max(counts)}")
    assert np.median(counts) < 45 and np.percentile(counts, 90) < 90 and len(counts) <= moving < len(read)


def test_the_surface_and_closed_lips_are_where_every_frame_would_put_them(fe):
    head = added_head(fe)
    scene, smooth = fe.bpy.context.scene, head.modifiers["Smooth"]
    scene.face_emote.transcript, scene.face_emote.emotion = "He was not an ill-disposed young man", "joy"
    smooth.show_viewport = False

    def points():
        fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy") if not fe.takes.takes_of(
            head
        ) else fe.bpy.ops.face_emote.rebake_take()
        rows = []
        for frame in range(1, 73):
            scene.frame_set(frame)
            mesh = head.evaluated_get(fe.bpy.context.evaluated_depsgraph_get()).data
            table = np.empty(3 * len(mesh.vertices), np.float32)
            mesh.vertices.foreach_get("co", table)
            rows.append(table.reshape(-1, 3))
        return np.array(rows)

    scene.face_emote.key_tolerance = 0.0
    exact = points()
    scene.face_emote.key_tolerance = 0.05
    few = points()
    off = 1000.0 * np.linalg.norm(few - exact, axis=2)
    upper, lower = _lips(head)
    gap = [np.linalg.norm(rows[:, upper] - rows[:, lower], axis=2).mean(axis=1) * 1000.0 for rows in (exact, few)]
    shut = gap[0] < np.quantile(gap[0], 0.15)
    print(f"surface: {off.max():.2f} mm at most, {off.max(axis=1).mean():.2f} mm in the mean frame")
    print(f"closed lips: {np.abs(gap[1] - gap[0])[shut].max():.3f} mm off")
    assert off.max() < 0.3 and np.abs(gap[1] - gap[0])[shut].max() < 0.05


def _lips(head):
    """Pairs of vertices in the middle of the lips that meet: one that lipsPart raises most, those beneath."""
    rows = {}
    for name in ("Basis", "mouthUpperUpLeft", "mouthLowerDownLeft"):
        block = head.data.shape_keys.key_blocks.get(name) or head.data.shape_keys.key_blocks[0]
        rows[name] = np.empty(3 * len(block.data), np.float32)
        block.data.foreach_get("co", rows[name])
        rows[name] = rows[name].reshape(-1, 3)
    base = rows["Basis"]
    up = np.linalg.norm(rows["mouthUpperUpLeft"] - base, axis=1)
    down = np.linalg.norm(rows["mouthLowerDownLeft"] - base, axis=1)
    uppers, lowers = np.flatnonzero(up > 0.5 * up.max()), np.flatnonzero(down > 0.5 * down.max())
    between = np.linalg.norm(base[uppers][:, None] - base[lowers][None], axis=2)
    near = np.argsort(between.min(axis=1))[:12]
    return uppers[near], lowers[between.argmin(axis=1)[near]]


def test_a_take_is_edited_where_the_editors_show_it_and_goes_back(fe, own):
    bpy, take = fe.bpy, take_of(fe, own)
    before, data = table(fe, own), own.data.shape_keys.animation_data
    assert bpy.ops.face_emote.edit_take() == {"FINISHED"}
    bag = fe.compat.existing_channelbag(data.action, data.action_slot)
    assert data.action == take and {group.name for group in bag.groups} == {"Mouth", "Expression", "Brows", "Eyes"}
    assert len(bag.fcurves) == len(module("writing").curves_of(take, own))
    np.testing.assert_allclose(table(fe, own), before, atol=1e-5)
    curve = bag.fcurves.find('key_blocks["browInnerUp"].value')
    curve.keyframe_points.clear()
    curve.keyframe_points.insert(1, 0.7)
    curve.keyframe_points.insert(72, 0.9)
    assert bpy.ops.face_emote.done_editing() == {"FINISHED"}
    assert data.action is None and len(take.slots) == 4
    assert value(fe, own, "browInnerUp", 72) == pytest.approx(0.9, abs=1e-5)
    assert bpy.ops.face_emote.edit_take() == {"FINISHED"}
    bag = fe.compat.existing_channelbag(data.action, data.action_slot)
    points = bag.fcurves.find('key_blocks["browInnerUp"].value').keyframe_points
    assert [tuple(point.co) for point in points] == [(1.0, pytest.approx(0.7)), (72.0, pytest.approx(0.9))]
    points[0].co[1] = 0.1
    assert bpy.ops.face_emote.discard_edits() == {"FINISHED"}
    assert value(fe, own, "browInnerUp", 1) == pytest.approx(0.7, abs=1e-5)


def test_edits_stay_when_the_take_is_made_again_and_can_be_reverted(fe, own):
    bpy, scene, take = fe.bpy, fe.bpy.context.scene, take_of(fe, own)
    scene.face_emote.key_tolerance = 0.005
    bpy.ops.face_emote.revert_edits()
    bpy.ops.face_emote.edit_take()
    data = own.data.shape_keys.animation_data
    bag = fe.compat.existing_channelbag(data.action, data.action_slot)
    curve = bag.fcurves.find('key_blocks["browInnerUp"].value')
    for point in curve.keyframe_points:
        point.co[1] += 0.2
        point.handle_left[1] += 0.2
        point.handle_right[1] += 0.2
    curve.update()
    scene.face_emote.emotion = "anger"
    assert bpy.ops.face_emote.rebake_take() == {"FINISHED"}  # While it is being edited: it is put back first.
    assert data.action is None
    edited = value(fe, own, "browInnerUp")
    assert bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert value(fe, own, "browInnerUp") == pytest.approx(edited, abs=0.02)
    assert bpy.ops.face_emote.revert_edits() == {"FINISHED"}
    plain = value(fe, own, "browInnerUp")
    assert edited == pytest.approx(plain + 0.2, abs=0.03)
    assert module("writing").edited_curves(take, own) == []


def test_an_untouched_take_is_not_edited_by_showing_it(fe, own):
    take = take_of(fe, own)
    for strip in fe.takes.strips_of(take, own):
        strip.frame_start, strip.frame_end = strip.frame_start + 30.0, strip.frame_end + 30.0
        strip.scale = 1.5
    before = table(fe, own, range(31, 130, 7))
    fe.bpy.ops.face_emote.edit_take()
    np.testing.assert_allclose(table(fe, own, range(31, 130, 7)), before, atol=2e-4)
    fe.bpy.ops.face_emote.done_editing()
    assert module("writing").edited_curves(take, own) == []
    np.testing.assert_allclose(table(fe, own, range(31, 130, 7)), before, atol=1e-5)


def test_an_action_of_the_artist_plays_on_while_a_take_is_edited(fe, own):
    bpy, keys = fe.bpy, own.data.shape_keys
    own.shape_key_add(name="ears").value = 0.0
    keys.key_blocks["ears"].keyframe_insert("value", frame=1)
    keys.key_blocks["ears"].value = 1.0
    keys.key_blocks["ears"].keyframe_insert("value", frame=41)
    theirs = keys.animation_data.action
    keys.animation_data.action_blend_type = "ADD"
    ears = value(fe, own, "ears", 20)
    bpy.ops.face_emote.edit_take()
    assert keys.animation_data.action == take_of(fe, own)
    assert value(fe, own, "ears", 20) == pytest.approx(ears, abs=1e-4)
    bpy.ops.face_emote.done_editing()
    assert keys.animation_data.action == theirs and keys.animation_data.action_blend_type == "ADD"
    assert not [track for track in keys.animation_data.nla_tracks if "aside" in track.name]


def test_a_curve_that_was_deleted_or_added_in_the_editor_is_so_afterwards(fe, own):
    bpy, take = fe.bpy, take_of(fe, own)
    bpy.ops.face_emote.edit_take()
    data = own.data.shape_keys.animation_data
    bag = fe.compat.existing_channelbag(data.action, data.action_slot)
    bag.fcurves.remove(bag.fcurves.find('key_blocks["mouthSmileLeft"].value'))
    curve = bag.fcurves.new('key_blocks["cheekPuff"].value') if bag.fcurves.find(
        'key_blocks["cheekPuff"].value'
    ) is None else bag.fcurves.find('key_blocks["cheekPuff"].value')  # fmt: skip
    curve.keyframe_points.clear()
    curve.keyframe_points.insert(20, 0.6)
    bpy.ops.face_emote.done_editing()
    names = {curve.data_path for _, curve in module("writing").curves_of(take, own)}
    assert 'key_blocks["mouthSmileLeft"].value' not in names
    assert value(fe, own, "cheekPuff") == pytest.approx(0.6, abs=1e-5)


def test_a_take_on_twos_changes_on_every_second_frame_and_is_undone(fe, own):
    bpy, take = fe.bpy, take_of(fe, own)
    smooth = table(fe, own, range(1, 25))
    assert bpy.ops.face_emote.step_take(frames="2") == {"FINISHED"}
    stepped = table(fe, own, range(1, 25))
    np.testing.assert_allclose(stepped[0::2], smooth[0::2], atol=1e-5)
    np.testing.assert_allclose(stepped[1::2], smooth[0::2], atol=1e-5)
    assert bpy.ops.face_emote.step_take(frames="1", region="mouth") == {"FINISHED"}
    place = list(own.data.shape_keys.key_blocks.keys()).index("jawOpen")
    np.testing.assert_allclose(table(fe, own, range(1, 25))[:, place], smooth[:, place], atol=1e-5)
    bpy.ops.face_emote.rebake_take()
    brow = list(own.data.shape_keys.key_blocks.keys()).index("browInnerUp")
    again = table(fe, own, range(1, 25))[:, brow]
    np.testing.assert_allclose(again[1::2], again[0::2], atol=1e-5)
    bpy.ops.face_emote.step_take(frames="1")
    np.testing.assert_allclose(table(fe, own, range(1, 25)), smooth, atol=1e-5)
    assert module("writing").edited_curves(take, own) == []


def test_a_held_pose_stays_until_it_is_let_go(fe, own):
    bpy, scene = fe.bpy, fe.bpy.context.scene
    smooth = table(fe, own, range(1, 40))
    scene.frame_set(10)
    assert bpy.ops.face_emote.hold_pose(frames=8) == {"FINISHED"}
    held = table(fe, own, range(1, 40))
    np.testing.assert_allclose(held[9:17], np.repeat(smooth[9:10], 8, axis=0), atol=1e-5)
    np.testing.assert_allclose(held[18:], smooth[18:], atol=1e-5)
    np.testing.assert_allclose(held[:9], smooth[:9], atol=1e-5)
    scene.frame_set(14)
    assert bpy.ops.face_emote.release_pose() == {"FINISHED"}
    np.testing.assert_allclose(table(fe, own, range(1, 40)), smooth, atol=1e-5)


def test_a_take_that_blender_is_tweaking_can_be_edited(fe, own):
    keys = own.data.shape_keys
    track = keys.animation_data.nla_tracks[0]
    keys.animation_data.nla_tracks.active, track.strips[0].select = track, True
    keys.animation_data.use_tweak_mode = True
    assert keys.animation_data.use_tweak_mode and keys.animation_data.action == take_of(fe, own)
    assert fe.bpy.ops.face_emote.edit_take() == {"FINISHED"}
    assert keys.animation_data.action == take_of(fe, own) and not keys.animation_data.use_tweak_mode
    assert fe.bpy.ops.face_emote.done_editing() == {"FINISHED"} and keys.animation_data.action is None


def test_editing_can_be_undone(fe, own):
    bpy, name = fe.bpy, own.name
    bpy.ops.ed.undo_push(message="before")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.face_emote.edit_take("EXEC_DEFAULT", True)
        bpy.ops.ed.undo()
        data = bpy.data.objects[name].data.shape_keys.animation_data
        assert data.action is None and value(fe, bpy.data.objects[name], "jawOpen") > 0.05
        bpy.ops.ed.redo()
        assert bpy.data.objects[name].data.shape_keys.animation_data.action is not None
        assert bpy.ops.face_emote.done_editing() == {"FINISHED"}


def test_a_take_of_an_older_version_gets_layers_when_it_is_made_again(fe, own):
    """It has one slot and one strip for all shape keys."""
    take, keys = take_of(fe, own), own.data.shape_keys
    curves, facts = module("curves"), module("facts")
    slot = take.slots.new(id_type="KEY", name=keys.name)
    bag = fe.compat.channelbag(take, slot)
    for _layer, curve in module("writing").curves_of(take, own):
        curves.copy_curve(bag, curve)
    for track in list(keys.animation_data.nla_tracks):
        keys.animation_data.nla_tracks.remove(track)
    for other in [item for item in take.slots if item != slot]:
        take.slots.remove(other)
    facts.write_facts(take, {name: v for name, v in facts.facts_of(take).items() if name != "layers"})
    del take["face_emote_made"], take["face_emote_layers"]
    track = keys.animation_data.nla_tracks.new()
    track.name = "Face Emote"
    strip = track.strips.new("old", 11, take)
    strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end, strip.frame_start, strip.frame_end = 1, 72, 11, 82
    assert value(fe, own, "jawOpen", 30) > 0.05
    assert fe.bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert module("layers").regions_in(take, own) == ["mouth", "expression", "brows", "eyes"]
    strips = list(fe.takes.strips_of(take, own))
    assert len(strips) == 4 == len(take.slots) and {(s.frame_start, s.frame_end) for s in strips} == {(11.0, 82.0)}
    assert value(fe, own, "jawOpen", 30) > 0.05 and Path(fe.takes.facts_of(take)["motion"]).is_file()
