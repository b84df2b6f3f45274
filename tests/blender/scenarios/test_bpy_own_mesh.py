"""Other people's rigs: names in any case, bones with any axes, the artist's own animation."""

import json
import math
import struct

import numpy as np
import pytest

from .stage import SPEECH, emptied, error_of, fe, key_mesh, selected_only, spoken
from .test_bpy_panels import drawn, said

_ = fe


def title_case(name: str) -> str:
    return name[0].upper() + name[1:].replace("Left", "_L").replace("Right", "_R")


def armature(fe, name="Rig", turned=0.0):
    bpy = fe.bpy
    data = bpy.data.armatures.new(name)
    rig = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, tail, roll in (
        ("Neck", (0, 0, 1), 0.3),
        ("Jaw", (0, -1, -0.5), 1.0),
        ("Eye.L", (0, -1, 0), 0),
        ("Eye.R", (0, -1, 0), 0),
    ):
        edit = data.edit_bones.new(bone)
        edit.head, edit.tail, edit.roll = (0, 0, 0), tail, roll
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.rotation_euler = (0.0, 0.0, turned)
    bpy.context.view_layer.update()
    return rig


def test_a_renamed_arkit_mesh_plays_every_curve(fe):
    scene = emptied(fe)
    mesh = key_mesh(fe, [title_case(name) for name in fe.names.ARKIT] + ["TailWag"])
    scene.face_emote.target = mesh
    assert fe.bpy.ops.face_emote.map_character() == {"FINISHED"}
    idle, lost = __import__("blender_addon.operators.mapping", fromlist=["unmatched"]).unmatched(mesh)
    assert idle == ["TailWag"] and lost == []
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    (action,) = fe.takes.takes_of(mesh)
    keys = mesh.data.shape_keys.key_blocks
    seen = np.zeros((60, len(keys)))
    for frame in range(60):
        scene.frame_set(1 + frame)
        seen[frame] = [block.value for block in keys]
    names = [block.name for block in keys]
    assert seen[:, names.index("JawOpen")].max() > 0.2 and seen[:, names.index("MouthSmile_L")].max() > 0.2
    assert seen[:, names.index("EyeBlink_L")].max() > 0.5 and seen[:, names.index("TailWag")].max() == 0.0
    assert seen.min() >= 0.0 and seen.max() <= 1.0 and len(action.slots) == 4


def test_mpfb_visemes_are_mapped_and_the_jaw_does_not_open_on_closed_lips(fe):
    scene = emptied(fe)
    names = [f"viseme_{n}" for n in "aa CH DD E FF I kk nn O PP RR sil SS TH U".split()]
    mesh = key_mesh(fe, names)
    scene.face_emote.target = mesh
    fe.bpy.ops.face_emote.map_character()
    assert {row.source for row in mesh.face_emote.rows} >= {"jawOpen", "mouthClose", "mouthPucker"}
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="neutral")
    keys = mesh.data.shape_keys.key_blocks
    openness = []
    for frame in range(1, 60):
        scene.frame_set(frame)
        openness.append(keys["viseme_aa"].value)
    assert max(openness) > 0.2 and min(openness) < 0.05


def test_a_mesh_without_known_names_is_told_and_rows_can_be_made_by_hand(fe, tmp_path):
    scene = emptied(fe)
    mesh = key_mesh(fe, ["Bouche", "Sourire"])
    scene.face_emote.target = mesh
    assert "only 0 have known names" in error_of(lambda: fe.bpy.ops.face_emote.map_character())
    fe.bpy.ops.face_emote.add_row()
    row = mesh.face_emote.rows[0]
    assert row.key == "Bouche"
    row.source, row.weight = "jawOpen", 0.5
    fe.bpy.ops.face_emote.save_mapping(name="French")
    mesh.face_emote.rows.clear()
    fe.bpy.ops.face_emote.map_character(preset="French")
    assert [(row.key, row.source, row.weight) for row in mesh.face_emote.rows] == [("Bouche", "jawOpen", 0.5)]
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    assert len(fe.takes.takes_of(mesh)) == 1


@pytest.mark.parametrize(
    ("mode", "turned", "facing"), [("QUATERNION", 0.0, "-Y"), ("XYZ", 0.5 * math.pi, "+X"), ("ZYX", 0.0, "-Y")]
)
def test_bones_turn_in_world_axes_whatever_their_own(fe, mode, turned, facing):
    scene = emptied(fe)
    mesh = key_mesh(fe, list(fe.names.ARKIT))
    rig = armature(fe, turned=turned)
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    mesh.face_emote.rig, mesh.face_emote.facing = rig, facing
    scene.face_emote.target = mesh
    fe.bpy.ops.face_emote.map_character()
    assert (mesh.face_emote.jaw, mesh.face_emote.eye_left, mesh.face_emote.neck) == ("Jaw", "Eye.L", "Neck")
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    action = fe.takes.takes_of(mesh)[0]
    facts = fe.takes.facts_of(action)
    path = __import__("pathlib").Path(facts["motion"])
    take = fe.channels.read_take(path.with_name(path.name.replace(".motion", "")))
    axes = __import__("blender_addon.apply.axes", fromlist=["x"])
    wanted = axes.blender_rotations(take.turns[:, 2], facing=turned)
    frame = int(np.argmax(np.abs(wanted - np.eye(3)).max(axis=(1, 2))))
    scene.frame_set(1 + frame)
    bone = rig.pose.bones["Jaw"]
    world = np.array((rig.matrix_world @ bone.matrix).to_3x3().normalized())
    rest = np.array((rig.matrix_world @ bone.bone.matrix_local).to_3x3().normalized())
    np.testing.assert_allclose(world @ rest.T, wanted[frame], atol=1e-4)
    played = {curve.data_path for curve in fe.compat.all_fcurves(action)}
    assert 'key_blocks["jawOpen"].value' not in played and 'key_blocks["mouthClose"].value' in played


def test_the_artists_animation_is_not_touched(fe):
    scene = emptied(fe)
    mesh, rig = key_mesh(fe, list(fe.names.ARKIT)), armature(fe)
    for owner, path in ((rig.pose.bones["Neck"], "location"), (mesh.data.shape_keys.key_blocks["cheekPuff"], "value")):
        owner.keyframe_insert(path, frame=1)
    own = rig.animation_data.action
    own_keys = mesh.data.shape_keys.animation_data.action
    own_keys_slot = mesh.data.shape_keys.animation_data.action_slot
    mesh.face_emote.rig = rig
    scene.face_emote.target = mesh
    fe.bpy.ops.face_emote.map_character()
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    assert rig.animation_data.action == own and mesh.data.shape_keys.animation_data.action == own_keys
    assert mesh.data.shape_keys.animation_data.action_slot == own_keys_slot
    assert len(fe.compat.all_fcurves(own)) == 3 and len(fe.compat.all_fcurves(own_keys)) == 1
    mesh.data.shape_keys.key_blocks["jawForward"].value = 0.4
    scene.face_emote.active_take = list(fe.bpy.data.actions).index(fe.takes.takes_of(mesh)[0])
    fe.bpy.ops.face_emote.remove_take()
    assert rig.animation_data.action == own


def test_names_with_quotes_are_played(fe):
    scene = emptied(fe)
    mesh = key_mesh(fe, ['mouth "open"', "b\\s"])
    mesh.face_emote.kind = "OWN"
    for key in ('mouth "open"', "b\\s"):
        row = mesh.face_emote.rows.add()
        row.key, row.source = key, "jawOpen"
    scene.face_emote.target = mesh
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    highest = [0.0, 0.0]
    for frame in range(1, 60):
        scene.frame_set(frame)
        highest = [max(h, mesh.data.shape_keys.key_blocks[i + 1].value) for i, h in enumerate(highest)]
    assert highest[0] > 0.2 and highest[1] == pytest.approx(highest[0])


def on_rig(fe, rig, names, name):
    mesh = key_mesh(fe, names, name)
    mesh.modifiers.new("Rig", "ARMATURE").object = rig
    return mesh


def test_several_meshes_of_one_character_are_driven_together(fe):
    scene = emptied(fe)
    rig = armature(fe)
    rig.data.bones["Jaw"].name = "Chin"
    body = on_rig(fe, rig, list(fe.names.ARKIT), "Body")
    teeth = on_rig(fe, rig, ["Jaw_Open", "jawLeft"], "Teeth")
    lashes = on_rig(fe, rig, ["eyeBlink_L", "eyeBlink_R"], "Lashes")
    tongue = key_mesh(fe, ["jawOpen", "tongueOut"], "Tongue")  # Not on the rig.
    hat = on_rig(fe, rig, ["brim"], "Hat")
    scene.face_emote.target = body
    fe.bpy.ops.face_emote.map_character()
    assert [part.mesh for part in body.face_emote.parts] == [lashes, teeth]
    selected_only(fe, body, tongue)
    assert fe.bpy.ops.face_emote.add_parts() == {"FINISHED"}
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    (take,) = fe.takes.takes_of(body)
    worst = {}
    for frame in range(1, 60):
        scene.frame_set(frame)
        values = body.data.shape_keys.key_blocks
        for mesh, key, same in ((teeth, "Jaw_Open", "jawOpen"), (lashes, "eyeBlink_L", "eyeBlinkLeft"),
                                (tongue, "jawOpen", "jawOpen")):  # fmt: skip
            off = abs(mesh.data.shape_keys.key_blocks[key].value - values[same].value)
            worst[mesh.name] = max(worst.get(mesh.name, 0.0), off)
    assert max(worst.values()) < 1e-6 and body.data.shape_keys.key_blocks["jawOpen"].value >= 0.0
    assert hat.data.shape_keys.animation_data is None
    scene.face_emote.target = teeth
    assert "part of another character" in fe.takes.refusal(teeth)
    scene.face_emote.target = body
    fe.bpy.ops.face_emote.remove_take()
    assert not any(mesh.data.shape_keys.animation_data.nla_tracks for mesh in (body, teeth, lashes, tongue))
    assert take is not None and "Lashes" in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_own_mesh))


def test_a_mapped_key_that_was_renamed_is_told(fe):
    emptied(fe)
    character = spoken(fe)
    assert "renamed" not in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_own_mesh))
    character.data.shape_keys.key_blocks["jawOpen"].name = "Kiefer"
    told = " ".join(said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_own_mesh)).split())
    assert "renamed since they were mapped: jawOpen" in told
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    assert "mapped: jawOpen" in fe.jobs.SESSION.status


def glb_of(path):
    content = path.read_bytes()
    length = struct.unpack("<I", content[12:16])[0]
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def test_an_own_mesh_is_exported_itself_with_its_corrections(fe, tmp_path):
    scene = emptied(fe)
    character = spoken(fe)
    fe.bpy.ops.face_emote.add_corrections()
    keys = character.data.shape_keys
    bag = fe.compat.channelbag(keys.animation_data.action, keys.animation_data.action_slot)
    bag.fcurves.new('key_blocks["cheekPuff"].value').keyframe_points.insert(1, 0.25)
    (take,) = fe.takes.takes_of(character)
    frames = fe.takes.facts_of(take)["num_frames"]
    scene.face_emote.export_path = str(tmp_path / "own.glb")
    assert fe.bpy.ops.face_emote.export_take() == {"FINISHED"}
    table, binary = glb_of(tmp_path / "own.glb")
    (mesh,) = table["meshes"]
    names = mesh["extras"]["targetNames"]
    assert names == list(fe.names.ARKIT)
    assert table["accessors"][mesh["primitives"][0]["attributes"]["POSITION"]]["count"] == 3
    (animation,) = table["animations"]
    accessor = table["accessors"][animation["samplers"][0]["output"]]
    view = table["bufferViews"][accessor["bufferView"]]
    start = view.get("byteOffset", 0)
    weights = np.frombuffer(binary[start : start + 4 * accessor["count"]], "<f4").reshape(-1, len(names))
    assert len(weights) == frames
    scene.frame_set(20)
    corrected = keys.key_blocks["cheekPuff"].value
    assert corrected >= 0.25 and weights[19, names.index("cheekPuff")] == pytest.approx(corrected, abs=1e-5)
    assert weights[19, names.index("jawOpen")] == pytest.approx(keys.key_blocks["jawOpen"].value, abs=1e-5)


@pytest.mark.parametrize("ending", [".pc2", ".mdd", ".usda"])
def test_an_own_mesh_is_exported_in_other_formats(fe, tmp_path, ending):
    scene = emptied(fe)
    character = spoken(fe)
    character.data.shape_keys.key_blocks["jawOpen"].data[1].co.z += 1.0
    path = tmp_path / f"own{ending}"
    scene.face_emote.export_path, scene.frame_start, scene.frame_end = str(path), 7, 9
    assert fe.bpy.ops.face_emote.export_take() == {"FINISHED"}
    assert (scene.frame_start, scene.frame_end) == (7, 9)
    (take,) = fe.takes.takes_of(character)
    frames = fe.takes.facts_of(take)["num_frames"]
    scene.frame_set(20)
    opened = character.data.shape_keys.key_blocks["jawOpen"].value
    if ending == ".usda":
        assert "mouthSmileLeft" in path.read_text() and f"{frames}" in path.read_text()
        return
    content = path.read_bytes()
    kind, start = ("<f4", 32) if ending == ".pc2" else (">f4", 8 + 4 * frames)
    points = np.frombuffer(content[start:], kind).reshape(frames, 3, 3)
    assert points[19, 1, 2] == pytest.approx(opened, abs=1e-5)
