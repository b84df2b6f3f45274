"""Eyes of a take: blinks in a list, a target that they follow; the rest of the face stays as it is."""

import math

import numpy as np
import pytest

from .stage import SPEECH, added_head, emptied, fe, key_mesh

_ = fe


@pytest.fixture
def head(fe):
    """Our head has said its line; its take has a key a frame, so that values are exact."""
    made = added_head(fe)
    scene = fe.bpy.context.scene
    scene.face_emote.key_tolerance, scene.face_emote.emotion = 0.0, "joy"
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    return made


def value(fe, character, key, frame):
    fe.bpy.context.scene.frame_set(frame)
    return character.data.shape_keys.key_blocks[key].value


def others(fe, character):
    """Every curve outside of eyes and head: its keys."""
    writing = __import__("blender_addon.apply.writing", fromlist=["x"])
    take = fe.takes.takes_of(character)[0]
    return {
        (curve.data_path, curve.array_index): [tuple(point.co) for point in curve.keyframe_points]
        for layer, curve in writing.curves_of(take, character)
        if layer.region not in ("eyes", "head")
    }


def looking(fe, head, side, frame):
    """Degrees by which an eye misses its target."""
    vector = pytest.importorskip("mathutils").Vector
    scene, rig = fe.bpy.context.scene, head.face_emote.rig
    scene.frame_set(frame)
    graph = fe.bpy.context.evaluated_depsgraph_get()
    body = rig.evaluated_get(graph)
    bone = body.pose.bones[f"eye_{side}"]
    moved = body.matrix_world @ bone.matrix @ bone.bone.matrix_local.inverted()
    forward = (moved.to_3x3() @ vector((0.0, -1.0, 0.0))).normalized()
    spot = head.face_emote.gaze_target.evaluated_get(graph).matrix_world.translation
    return math.degrees(forward.angle(spot - body.matrix_world @ bone.head))


def test_blinks_are_listed_moved_weakened_added_and_deleted(fe, head):
    bpy, scene = fe.bpy, fe.bpy.context.scene
    rest = others(fe, head)
    assert bpy.ops.face_emote.list_blinks() == {"FINISHED"}
    (row,) = scene.face_emote.blink_rows
    frame = row.frame
    assert value(fe, head, "eyeBlinkLeft", round(frame + 3)) > value(fe, head, "eyeBlinkLeft", round(frame - 3)) + 0.3
    row.frame, row.strength, row.frames = 12.0, 1.0, 8.0
    assert bpy.ops.face_emote.remake_eyes() == {"FINISHED"}
    assert value(fe, head, "eyeBlinkLeft", 15) > 0.9 and value(fe, head, "eyeBlinkLeft", round(frame + 3)) < 0.3
    row.strength = 0.5
    bpy.ops.face_emote.remake_eyes()
    assert 0.35 < max(value(fe, head, "eyeBlinkLeft", f) for f in (13, 14, 15, 16)) < 0.8
    scene.frame_set(40)
    assert bpy.ops.face_emote.add_blink() == {"FINISHED"}
    bpy.ops.face_emote.remake_eyes()
    assert value(fe, head, "eyeBlinkRight", 43) > 0.9
    scene.face_emote.active_blink = 0
    assert bpy.ops.face_emote.delete_blink() == {"FINISHED"}
    bpy.ops.face_emote.remake_eyes()
    assert max(value(fe, head, "eyeBlinkLeft", f) for f in (13, 14, 15, 16)) < 0.3 < value(fe, head, "eyeBlinkLeft", 43)
    assert others(fe, head) == rest
    scene.face_emote.emotion = "anger"
    assert bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert value(fe, head, "eyeBlinkLeft", 43) > 0.9 and others(fe, head) != rest


def test_eyes_follow_an_animated_target_and_a_share_of_the_head_too(fe, head):
    bpy, scene = fe.bpy, fe.bpy.context.scene
    head.face_emote.rig.location = (0.3, 0.2, 0.0)
    rest = others(fe, head)
    target = bpy.data.objects.new("Fly", None)
    scene.collection.objects.link(target)
    for frame, x in ((1, -0.3), (36, 0.9), (72, 0.3)):
        target.location = (x, -1.2, 0.1)
        target.keyframe_insert("location", frame=frame)
    head.face_emote.gaze_target, head.face_emote.gaze_head = target, 0.0
    assert bpy.ops.face_emote.remake_eyes() == {"FINISHED"}
    still = [looking(fe, head, "left", frame) for frame in range(1, 73, 6)]
    assert np.median(still) < 4.0 and max(still) < 9.0
    neck = head.face_emote.rig.pose.bones["neck"]
    scene.frame_set(36)
    unturned = neck.matrix.copy()
    head.face_emote.gaze_head = 0.5
    assert bpy.ops.face_emote.remake_eyes() == {"FINISHED"}
    scene.frame_set(36)
    assert 7.0 < math.degrees(unturned.to_quaternion().rotation_difference(neck.matrix.to_quaternion()).angle) < 25.0
    turned = [looking(fe, head, "left", frame) for frame in range(1, 73, 6)]
    assert np.median(turned) < 4.0 and others(fe, head) == rest
    target.location.z = -0.8
    target.animation_data_clear()
    high = value(fe, head, "eyeBlinkLeft", 30)
    assert bpy.ops.face_emote.remake_eyes() == {"FINISHED"}
    assert value(fe, head, "eyeBlinkLeft", 30) > high + 0.1  # The lids go down with the eyes.
    head.face_emote.gaze_target = None
    assert bpy.ops.face_emote.remake_eyes() == {"FINISHED"}
    scene.frame_set(36)
    assert math.degrees(unturned.to_quaternion().rotation_difference(neck.matrix.to_quaternion()).angle) < 0.5


def test_the_target_is_where_it_is_when_the_take_is_seen(fe, head):
    bpy, scene, take = fe.bpy, fe.bpy.context.scene, fe.takes.takes_of(head)[0]
    target = bpy.data.objects.new("Fly", None)
    scene.collection.objects.link(target)
    for frame, x in ((1, -0.5), (100, -0.5), (130, 0.5)):
        target.location = (x, -1.0, 0.1)
        target.keyframe_insert("location", frame=frame)
    for strip in fe.takes.strips_of(take, head):
        strip.frame_start, strip.frame_end = strip.frame_start + 80.0, strip.frame_end + 80.0
    head.face_emote.gaze_target, head.face_emote.gaze_head = target, 0.0
    assert bpy.ops.face_emote.remake_eyes() == {"FINISHED"}
    assert np.median([looking(fe, head, "right", frame) for frame in range(82, 150, 6)]) < 4.0
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.location = (0.5, -1.5, 0.2)
    head.face_emote.gaze_target = camera
    assert bpy.ops.face_emote.rebake_take() == {"FINISHED"}
    assert np.median([looking(fe, head, "right", frame) for frame in range(82, 150, 6)]) < 4.0


def test_an_own_mesh_looks_with_its_keys(fe):
    scene = emptied(fe)
    character = key_mesh(fe, list(fe.names.ARKIT))
    scene.face_emote.target, scene.face_emote.emotion = character, "neutral"
    fe.bpy.ops.face_emote.map_character()
    target = fe.bpy.data.objects.new("Fly", None)
    scene.collection.objects.link(target)
    target.location = (4.0, -4.0, 0.5)  # To the character's left, which is at +X.
    character.face_emote.gaze_target = target
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="neutral")
    assert value(fe, character, "eyeLookOutLeft", 30) > 0.3 and value(fe, character, "eyeLookInRight", 30) > 0.3
    target.location.x = -4.0
    assert fe.bpy.ops.face_emote.remake_eyes() == {"FINISHED"}
    assert value(fe, character, "eyeLookInLeft", 30) > 0.3 > value(fe, character, "eyeLookOutLeft", 30)
