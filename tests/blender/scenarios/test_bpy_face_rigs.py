"""Face rigs that are known by the names of their bones: Rigify's, and Auto-Rig Pro's."""

import importlib
import re

import numpy as np
import pytest

from .stage import SPEECH, emptied, fe
from .test_bpy_panels import drawn, said
from .test_bpy_poses import performed, placed, rig_of_bones

_ = fe


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


def test_rigifys_points_go_as_far_as_ours_whatever_else_the_rig_moves_with_them(fe, rigify):
    rig = from_file(fe, rigify)
    fe.bpy.context.scene.face_emote.target = rig
    fe.bpy.ops.face_emote.map_poses(source="RIG")
    rigs = importlib.import_module("blender_addon.apply.face_rigs")
    kind, ways = rigs.known_rig(rig), rigs._table()
    show_pose(fe, rig, "neutral")
    rest = {name: at(rig, name) for name in rig.pose.bones.keys()}
    wide = np.linalg.norm(rest["lips.L"] - rest["lips.R"])
    for source in ("mouthClose", "mouthSmileLeft", "mouthLeft", "mouthRollUpper"):
        show_pose(fe, rig, source)
        for point in (f"{name}{side}" for name in rigs.MOUTH for side in ("", ".L", ".R")):
            for bone in kind.points.get(point, []):
                x, y, z = ways[source].get(point, (0.0, 0.0, 0.0))
                np.testing.assert_allclose((at(rig, bone) - rest[bone]) / wide, (x, -z, y), atol=0.02)


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
