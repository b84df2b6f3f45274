"""Faces made of bones: poses of a library, mixed; and poses made for face rigs that are known by their bones' names."""

import math

import numpy as np
import pytest

from .stage import SPEECH, emptied, error_of, fe, key_mesh

_ = fe


def rig_of_bones(fe, places, name="Rig"):
    """An armature from {bone: (head, tail, parent)}."""
    bpy = fe.bpy
    data = bpy.data.armatures.new(name)
    rig = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, (head, tail, parent) in places.items():
        edit = data.edit_bones.new(bone)
        edit.head, edit.tail = head, tail
        if parent:
            edit.parent = data.edit_bones[parent]
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def face_rig(fe):
    """A root, a head, and in it a jaw, a lip, a brow; a hand outside of the head."""
    rig = rig_of_bones(fe, {
        "root": ((0, 0, 0), (0, 0, 1), ""), "head": ((0, 0, 1), (0, 0, 2), "root"),
        "chin": ((0, 0, 1.4), (0, -0.3, 1.2), "head"), "lip": ((0.1, -0.3, 1.4), (0.1, -0.4, 1.4), "head"),
        "brow": ((0.1, -0.3, 1.7), (0.1, -0.4, 1.7), "head"), "hand": ((1, 0, 1), (1, 0, 0.8), "root"),
    })  # fmt: skip
    rig.pose.bones["chin"].rotation_mode = "XYZ"
    rig["mood"] = 0.0
    rig.id_properties_ui("mood").update(min=0.0, max=2.0, default=0.25)
    return rig


def pose_action(fe, rig, name, keys, *, frame=1.0, asset=False, action=None):
    """An action (or one more frame of it) with values by (path, index)."""
    action = action or fe.bpy.data.actions.new(name)
    slot = action.slots[0] if action.slots else action.slots.new(id_type="OBJECT", name=rig.name)
    bag = fe.compat.channelbag(action, slot)
    for (path, index), value in keys.items():
        curve = bag.fcurves.find(path, index=index) or bag.fcurves.new(path, index=index)
        curve.keyframe_points.insert(frame, value).interpolation = "CONSTANT"
    action.use_fake_user = True
    if asset:
        action.asset_mark()
    return action


def on(bone, path):
    return f'pose.bones["{bone}"].{path}'


def library(fe, rig, **how):
    """jawOpen turns chin by 0.6 and the hand hangs in every pose; a smile moves the lip and a property."""
    hang = {(on("hand", "location"), 0): 0.5}
    turn = math.sin(0.45), math.cos(0.45)
    return [
        pose_action(fe, rig, "jawOpen", hang | {(on("chin", "rotation_euler"), 0): 0.6}, **how),
        pose_action(fe, rig, "mouthSmileLeft", hang | {
            (on("lip", "location"), 0): 0.2, (on("lip", "location"), 2): 0.1, ('["mood"]', 0): 1.25,
            (on("brow", "scale"), 1): 1.5,
        }, **how),
        pose_action(fe, rig, "eyeBlinkLeft", hang | {
            (on("brow", "rotation_quaternion"), 0): turn[1], (on("brow", "rotation_quaternion"), 1): turn[0],
            (on("brow", "rotation_quaternion"), 2): 0.0, (on("brow", "rotation_quaternion"), 3): 0.0,
        }, **how),
    ]  # fmt: skip


def performed(fe, rig, emotion="joy"):
    """The rig as the character, mapped and given a take; returns the take."""
    fe.bpy.context.scene.face_emote.target = rig
    assert fe.bpy.ops.face_emote.map_poses() == {"FINISHED"}
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion=emotion)
    return fe.takes.chosen_take(fe.bpy.context.scene.face_emote)


def weights_of(fe, take):
    facts = fe.takes.facts_of(take)
    path = __import__("pathlib").Path(facts["motion"])
    return fe.channels.read_take(path.with_name(path.name.replace(".motion", "")))


def placed(fe, rig):
    return {
        name: (tuple(bone.location), tuple(bone.rotation_euler), tuple(bone.rotation_quaternion), tuple(bone.scale))
        for name, bone in rig.pose.bones.items()
    } | {"mood": rig.get("mood")}


@pytest.mark.parametrize("asset", [True, False])
def test_a_pose_library_is_mixed_by_the_weights(fe, asset):
    scene = emptied(fe)
    scene.face_emote.key_tolerance = 0.0
    rig = face_rig(fe)
    library(fe, rig, asset=asset)
    take = performed(fe, rig)
    played = weights_of(fe, take)
    names = played.names
    seen_jaw = 0.0
    for frame in range(0, 60, 7):
        scene.frame_set(1 + frame)
        jaw, smile, blink = (
            played.weights[frame, names.index(n)] for n in ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft")
        )
        bones = rig.pose.bones
        assert bones["chin"].rotation_euler.x == pytest.approx(0.6 * jaw, abs=1e-4)
        assert tuple(bones["lip"].location) == pytest.approx((0.2 * smile, 0.0, 0.1 * smile), abs=1e-5)
        assert bones["brow"].scale.y == pytest.approx(1.0 + 0.5 * smile, abs=1e-5)
        assert bones["brow"].rotation_quaternion.angle == pytest.approx(0.9 * blink, abs=1e-3)
        assert bones["brow"].rotation_quaternion.magnitude == pytest.approx(1.0, abs=1e-5)
        assert rig["mood"] == pytest.approx(0.25 + smile, abs=1e-4)
        assert tuple(bones["hand"].location) == (0.0, 0.0, 0.0)
        seen_jaw = max(seen_jaw, jaw)
    assert seen_jaw > 0.1


def test_a_pose_a_frame_of_one_action_is_a_library_and_differs_from_its_neutral(fe):
    scene = emptied(fe)
    rig = face_rig(fe)
    place = (on("lip", "location"), 1)
    action = pose_action(fe, rig, "Face", {place: 0.3}, frame=1)
    for frame, (name, value) in enumerate((("jawOpen", 0.8), ("mouthSmile_L", 0.3), ("eye blink left", 0.3)), start=2):
        pose_action(fe, rig, "", {place: value, (on("brow", "location"), frame - 2): 0.1}, frame=frame, action=action)
        action.pose_markers.new(name).frame = frame
    action.pose_markers.new("Neutral").frame = 1
    take = performed(fe, rig)
    played = weights_of(fe, take)
    for frame in (5, 20, 33):
        scene.frame_set(1 + frame)
        jaw = played.weights[frame, played.names.index("jawOpen")]
        assert rig.pose.bones["lip"].location.y == pytest.approx(0.3 + 0.5 * jaw, abs=1e-5)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", "ZXY"])
def test_two_turns_are_mixed_alike_in_every_rotation_mode(fe, mode):
    scene = emptied(fe)
    rig = face_rig(fe)
    axis = np.array([0.6, 0.0, 0.8])
    from mathutils import Matrix, Quaternion

    bone = rig.pose.bones["lip"]
    bone.rotation_mode = mode
    turn = Quaternion(axis, 2.4)
    numbers, path = {
        "QUATERNION": (tuple(-turn), "rotation_quaternion"),  # The other sign of the same turn.
        "AXIS_ANGLE": ((2.4, *axis), "rotation_axis_angle"),
    }.get(mode, (tuple(turn.to_euler("ZXY")), "rotation_euler"))
    keys = {(on("lip", path), i): value for i, value in enumerate(numbers)}
    for name in ("jawOpen", "mouthSmileLeft"):
        pose_action(fe, rig, name, keys)
    pose_action(fe, rig, "eyeBlinkLeft", {(on("brow", "location"), 0): 1.0})
    played = weights_of(fe, performed(fe, rig))
    worst, last = 0.0, None
    for frame in range(58):
        scene.frame_set(1 + frame)
        share = sum(played.weights[frame, played.names.index(name)] for name in ("jawOpen", "mouthSmileLeft"))
        wanted = np.array(Matrix.Rotation(2.4 * share, 3, axis.tolist()))
        worst = max(worst, np.abs(np.array(bone.matrix_basis.to_3x3()) - wanted).max())
        if mode == "QUATERNION":
            now = np.array(bone.rotation_quaternion)
            assert last is None or now @ last > 0.5, "a curve flips its sign"
            last = now
    assert worst < 2e-3


def test_locked_channels_get_no_curves(fe):
    scene = emptied(fe)
    rig = face_rig(fe)
    library(fe, rig)
    rig.pose.bones["lip"].lock_location = (False, False, True)
    rig.pose.bones["chin"].lock_rotation = (True, False, False)
    rig.pose.bones["brow"].lock_scale = (False, True, False)
    rig.pose.bones["brow"].lock_rotation = (True, True, True)
    take = performed(fe, rig)
    curves = {(curve.data_path, curve.array_index) for curve in fe.compat.all_fcurves(take)}
    assert (on("lip", "location"), 0) in curves and (on("lip", "location"), 2) not in curves
    assert not any("scale" in path or (on("chin", "rotation_euler"), 0) == (path, index) for path, index in curves)
    scene.frame_set(30)
    assert tuple(rig.pose.bones["brow"].rotation_quaternion) == (1.0, 0.0, 0.0, 0.0)


def test_other_bones_keep_their_keys_and_removal_restores_all(fe):
    scene = emptied(fe)
    rig = face_rig(fe)
    library(fe, rig)
    rig.pose.bones["hand"].location.x = 0.7
    rig.pose.bones["hand"].keyframe_insert("location", frame=1)
    rig.pose.bones["lip"].location = (0.01, 0.02, 0.03)
    own = rig.animation_data.action
    fe.bpy.context.view_layer.update()
    before = placed(fe, rig)
    performed(fe, rig)
    scene.frame_set(30)
    assert rig.animation_data.action == own and len(fe.compat.all_fcurves(own)) == 3
    assert rig.pose.bones["hand"].location.x == pytest.approx(0.7)
    assert placed(fe, rig) != before
    fe.bpy.ops.face_emote.remove_take()
    assert placed(fe, rig) == before and not rig.animation_data.nla_tracks


def test_a_preview_of_bones_is_put_back(fe):
    emptied(fe)
    rig = face_rig(fe)
    library(fe, rig)
    before = placed(fe, rig)
    fe.bpy.context.scene.face_emote.target = rig
    fe.bpy.ops.face_emote.map_poses()
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy", preview=True)
    fe.bpy.context.scene.frame_set(30)
    assert placed(fe, rig) != before
    fe.bpy.ops.face_emote.preview_stop()
    assert placed(fe, rig) == before


def test_a_mesh_and_its_rig_share_the_work(fe):
    """Curves that shape keys play are theirs; poses play the rest; the rig alone is a part of the mesh then."""
    scene = emptied(fe)
    rig = face_rig(fe)
    library(fe, rig)
    mesh = key_mesh(fe, ["mouthSmileLeft", "mouthSmileRight", "browInnerUp"])
    mesh.modifiers.new("Rig", "ARMATURE").object = rig
    scene.face_emote.target = mesh
    fe.bpy.ops.face_emote.map_character()
    fe.bpy.ops.face_emote.map_poses()
    assert {row.source for row in rig.face_emote.rows} == {"jawOpen", "eyeBlinkLeft"}
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    (take,) = fe.takes.takes_of(mesh)
    paths = {curve.data_path for curve in fe.compat.all_fcurves(take)}
    assert {'key_blocks["mouthSmileLeft"].value', on("chin", "rotation_euler")} <= paths
    assert on("lip", "location") not in paths and "part of another" in fe.takes.refusal(rig)


def test_a_rig_without_known_poses_or_bones_is_told_what_to_do(fe):
    scene = emptied(fe)
    scene.face_emote.target = face_rig(fe)
    assert "name actions or pose markers" in error_of(lambda: fe.bpy.ops.face_emote.map_poses())
