"""Faces made of bones: poses of a library, mixed; and poses made for face rigs that are known by their bones' names."""

import math
import re

import numpy as np
import pytest

from .stage import SPEECH, emptied, error_of, fe, key_mesh
from .test_bpy_panels import drawn, said

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


# Face rigs that are known by their bones' names.


@pytest.fixture(scope="module")
def rigify(fe, tmp_path_factory):
    """Blender's own human metarig, generated, saved."""
    addon_utils = pytest.importorskip("addon_utils")
    emptied(fe)
    if addon_utils.enable("rigify", default_set=True) is None:
        pytest.skip("this Blender comes without Rigify")
    bpy = fe.bpy
    bpy.ops.object.armature_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE" and "rig_id" in item.data)
    rig.name = "Hero rig"
    path = tmp_path_factory.mktemp("rigify") / "rig.blend"
    bpy.data.libraries.write(str(path), {rig}, fake_user=True)
    return path


def from_file(fe, path, size=1.0):
    bpy = fe.bpy
    emptied(fe)
    with bpy.data.libraries.load(str(path)) as (_there, here):
        here.objects = ["Hero rig"]
    rig = here.objects[0]
    bpy.context.scene.collection.objects.link(rig)
    if size != 1.0:
        rig.scale = (size,) * 3
        bpy.context.view_layer.objects.active = rig
        rig.select_set(True)
        bpy.ops.object.transform_apply(location=False, rotation=False)
    return rig


def at(rig, bone):
    return np.array(rig.pose.bones[bone].head)


def show_pose(fe, rig, name):
    """The rig in one of its poses, played by its own action."""
    item = rig.face_emote.poses[name]
    rig.animation_data.action = item.action
    rig.animation_data.action_slot = item.action.slots[0]
    fe.bpy.context.scene.frame_set(round(item.frame))
    fe.bpy.context.view_layer.update()


@pytest.mark.parametrize("size", [1.0, 3.0])
def test_rigifys_face_gets_poses_in_its_own_size(fe, rigify, size):
    rig = from_file(fe, rigify, size)
    fe.bpy.context.scene.face_emote.target = rig
    fe.bpy.ops.face_emote.map_poses(source="RIG")
    assert len(rig.face_emote.rows) == 52
    wide = np.linalg.norm(np.subtract(*(rig.data.bones[f"lips.{s}"].head_local for s in "LR")))
    gap = rig.data.bones["lid.T.L.002"].head_local.z - rig.data.bones["lid.B.L.002"].head_local.z
    show_pose(fe, rig, "neutral")
    rest = {name: at(rig, name) for name in rig.pose.bones.keys()}

    def moved(pose, bone):
        show_pose(fe, rig, pose)
        return at(rig, bone) - rest[bone]

    jaw = moved("jawOpen", "DEF-chin")
    assert 0.5 * wide < -jaw[2] < 1.2 * wide and abs(jaw[0]) < 0.01 * wide
    assert -moved("jawOpen", "DEF-lip.B.L")[2] > 3.0 * -moved("jawOpen", "DEF-lip.T.L")[2] >= 0.0
    smile = moved("mouthSmileLeft", "lips.L")
    assert smile[2] > 0.15 * wide and smile[0] > 0.08 * wide
    assert np.abs(moved("mouthSmileLeft", "lips.R")).max() < 0.02 * wide
    np.testing.assert_allclose(moved("mouthSmileRight", "lips.R") * (-1, 1, 1), smile, atol=2e-3 * wide)
    assert moved("eyeBlinkLeft", "lid.T.L.002")[2] == pytest.approx(-0.85 * gap, rel=0.05)
    assert moved("browInnerUp", "brow.T.L.003")[2] > 0.0 > moved("browDownLeft", "brow.T.L.003")[2]
    assert moved("mouthPucker", "lips.L")[0] < 0.0 < -moved("mouthPucker", "lip.T")[1]
    assert moved("eyeLookOutLeft", "eye.L")[0] > 0.2 * np.linalg.norm(rest["eye.L"] - rest["master_eye.L"]) * 0.9


def test_a_rigify_face_performs_and_renamed_bones_are_followed(fe, rigify):
    scene = emptied(fe)
    rig = from_file(fe, rigify)
    take = performed(fe, rig)
    scene = fe.bpy.context.scene
    lips, chins = [], []
    for frame in range(1, 59, 2):
        scene.frame_set(frame)
        chins.append(at(rig, "DEF-chin"))
        lips.append(at(rig, "DEF-lip.T.L")[2] - at(rig, "DEF-lip.B.L")[2])
    assert np.ptp(np.array(chins)[:, 2]) > 0.004 and max(lips) > min(lips) + 0.002
    bones = {found[1] for curve in fe.compat.all_fcurves(take) if (found := re.search(r'"(.*?)"', curve.data_path))}
    assert "hand_ik.L" not in bones and {"jaw_master", "lips.L", "lid.T.L.002", "neck"} <= bones
    scene.frame_set(30)
    before = at(rig, "DEF-chin")
    rig.data.bones["jaw_master"].name = "Kiefer"
    scene.frame_set(31)
    scene.frame_set(30)
    np.testing.assert_allclose(at(rig, "DEF-chin"), before, atol=1e-6)
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    again = fe.takes.chosen_take(scene.face_emote)
    assert any('"Kiefer"' in curve.data_path for curve in fe.compat.all_fcurves(again))
    assert "renamed" not in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_bones))


ARP = {
    "head.x": ((0, 0, 1.5), (0, 0, 1.8), ""), "c_jawbone.x": ((0, -0.02, 1.56), (0, -0.12, 1.5), "head.x"),
    "c_lips_top.x": ((0, -0.13, 1.56), (0, -0.15, 1.56), "head.x"),
    "c_lips_bot.x": ((0, -0.13, 1.55), (0, -0.15, 1.55), "c_jawbone.x"),
    "c_tong_01.x": ((0, -0.06, 1.55), (0, -0.1, 1.55), "c_jawbone.x"),
} | {
    f"{name}.{side}": ((sign * x, y, z), (sign * x, y - 0.02, z), parent)
    for side, sign in (("l", 1), ("r", -1))
    for name, (x, y, z, parent) in {
        "c_lips_smile": (0.025, -0.12, 1.555, "head.x"), "c_lips_top": (0.012, -0.13, 1.56, "head.x"),
        "c_lips_bot": (0.012, -0.13, 1.55, "c_jawbone.x"), "c_eye": (0.032, -0.1, 1.63, "head.x"),
        "c_eyelid_top": (0.032, -0.115, 1.637, "head.x"), "c_eyelid_bot": (0.032, -0.115, 1.624, "head.x"),
        "c_eyebrow_01_end": (0.015, -0.12, 1.655, "head.x"), "c_eyebrow_02": (0.035, -0.12, 1.66, "head.x"),
        "c_eyebrow_03": (0.05, -0.11, 1.655, "head.x"), "c_cheek_smile": (0.04, -0.11, 1.59, "head.x"),
    }.items()
}  # fmt: skip
"""Controls of Auto-Rig Pro's face by their documented names; the rig itself is not free to distribute."""


def test_auto_rig_pros_face_is_known_by_its_names(fe):
    scene = emptied(fe)
    rig = rig_of_bones(fe, ARP)
    take = performed(fe, rig)
    chins = []
    for frame in range(1, 59):
        scene.frame_set(frame)
        chins.append(at(rig, "c_lips_bot.x")[2])
    assert np.ptp(chins) > 0.004 and not any("head.x" in c.data_path for c in fe.compat.all_fcurves(take))
    show_pose(fe, rig, "eyeBlinkRight")
    assert at(rig, "c_eyelid_top.r")[2] == pytest.approx(1.637 - 0.85 * 0.013, abs=1e-4)
    show_pose(fe, rig, "mouthSmileLeft")
    assert at(rig, "c_lips_smile.l")[2] > 1.555 + 0.005


def test_one_undo_takes_made_poses_away(fe):
    """Made poses are one action and one muted track; nothing of it plays by itself."""
    emptied(fe)
    rig = rig_of_bones(fe, ARP)
    fe.bpy.context.scene.face_emote.target = rig
    before = placed(fe, rig)
    fe.bpy.ops.face_emote.map_poses()
    fe.bpy.context.scene.frame_set(20)
    assert placed(fe, rig) == before
    assert len(fe.bpy.data.actions) == 1 and [track.mute for track in rig.animation_data.nla_tracks] == [True]
    fe.bpy.ops.face_emote.map_poses()
    assert len(fe.bpy.data.actions) == 1, "pressed again, the same poses are found"
