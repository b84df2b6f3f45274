"""Drawn mouths follow the sounds of a take, or of speech alone, by constant keys: objects, pictures, Grease Pencil."""

import numpy as np
import pytest

from .stage import SPEECH, emptied, error_of, fe, spoken

_ = fe
CLOSED = {"A"}


@pytest.fixture
def mouths(fe):
    """A collection with an object for each of Rhubarb's shapes."""
    scene = emptied(fe)
    scene.face_emote.transcript, scene.face_emote.emotion = "He was not an ill-disposed young man", "joy"
    group = fe.bpy.data.collections.new("Mouths")
    scene.collection.children.link(group)
    for shape in "ABCDEFGHX":
        group.objects.link(fe.bpy.data.objects.new(f"mouth_{shape}", None))
    scene.face_emote.drawn.members = group
    assert fe.bpy.ops.face_emote.list_shapes() == {"FINISHED"}
    return group


def seen(fe, group, frame: int) -> list[str]:
    fe.bpy.context.scene.frame_set(frame)
    return [item.name for item in group.objects if not item.hide_render]


def test_one_member_of_the_collection_is_seen_at_every_frame(fe, mouths):
    spoken(fe)
    assert fe.bpy.ops.face_emote.draw_mouth() == {"FINISHED"}
    shown = [seen(fe, mouths, frame) for frame in range(1, 75)]
    assert all(len(names) == 1 for names in shown)
    assert shown[-1] == ["mouth_X"] and len({names[0] for names in shown}) >= 5
    fe.bpy.ops.face_emote.list_mouth()
    closed = [row for row in fe.bpy.context.scene.face_emote.cues if row.kind == "SOUND" and row.label in "PBM"]
    assert closed and all(seen(fe, mouths, round(0.5 * (row.start + row.end))) == ["mouth_A"] for row in closed)
    curves = [curve for item in mouths.objects for curve in fe.compat.all_fcurves(item.animation_data.action)]
    assert all(point.interpolation == "CONSTANT" for curve in curves for point in curve.keyframe_points)


def test_made_again_it_follows_the_corrected_take_and_leaves_other_lines_alone(fe, mouths):
    character = spoken(fe)
    fe.bpy.ops.face_emote.draw_mouth()
    item = mouths.objects["mouth_X"]
    bag = fe.compat.all_fcurves(item.animation_data.action)
    for curve in bag:
        curve.keyframe_points.insert(300, 1.0)
    count = len(bag[0].keyframe_points)
    fe.bpy.ops.face_emote.draw_mouth()
    assert len(bag[0].keyframe_points) == count and bag[0].keyframe_points[-1].co[0] == 300.0
    for strip in fe.takes.strips_of(fe.takes.takes_of(character)[0], character):
        strip.frame_start, strip.frame_end = strip.frame_start + 100.0, strip.frame_end + 100.0
    before = [seen(fe, mouths, frame) for frame in range(1, 70)]
    fe.bpy.ops.face_emote.draw_mouth()
    assert [seen(fe, mouths, frame) for frame in range(101, 170)] == before
    assert fe.bpy.ops.face_emote.clear_mouth() == {"FINISHED"}
    assert len(seen(fe, mouths, 20)) == 9


def test_speech_alone_is_enough(fe, mouths):
    scene = fe.bpy.context.scene
    assert not fe.bpy.ops.face_emote.draw_mouth.poll()
    scene.face_emote.speech_file = str(SPEECH)
    scene.frame_start = 11
    assert fe.bpy.ops.face_emote.draw_mouth() == {"FINISHED"}
    assert len({seen(fe, mouths, frame)[0] for frame in range(11, 84)}) >= 5
    scene.frame_start = 1


def test_names_of_ones_own_are_used_and_missing_ones_told(fe, mouths):
    spoken(fe)
    rows = fe.bpy.context.scene.face_emote.drawn.shapes
    mouths.objects["mouth_A"].name = "zu"
    assert "A" in error_of(fe.bpy.ops.face_emote.draw_mouth)
    next(row for row in rows if row.shape == "A").shows = "zu"
    assert fe.bpy.ops.face_emote.draw_mouth() == {"FINISHED"}
    assert ["zu"] in [seen(fe, mouths, frame) for frame in range(1, 73)]


def test_a_picture_of_a_sequence_is_shown_for_each_shape(fe, mouths, tmp_path):
    bpy, settings = fe.bpy, fe.bpy.context.scene.face_emote.drawn
    for number in range(1, 10):
        image = bpy.data.images.new("one", 4, 4)
        image.filepath_raw, image.file_format = str(tmp_path / f"mouth_{number:02d}.png"), "PNG"
        image.save()
    image = bpy.data.images.load(str(tmp_path / "mouth_01.png"))
    image.source = "SEQUENCE"
    material = bpy.data.materials.new("Mouth")
    node = fe.compat.use_nodes(material).nodes.new("ShaderNodeTexImage")
    node.image = image
    settings.kind, settings.material = "PICTURES", material
    fe.bpy.ops.face_emote.list_shapes()
    spoken(fe)
    assert fe.bpy.ops.face_emote.draw_mouth() == {"FINISHED"}
    found = set()
    for frame in range(1, 73):
        bpy.context.scene.frame_set(frame)
        found.add(node.image_user.frame_offset + 1)
    assert len(found) >= 5 and found <= set(range(1, 10)) and 1 in found


def test_a_grease_pencil_object_shows_its_frames(fe, mouths):
    bpy, settings = fe.bpy, fe.bpy.context.scene.face_emote.drawn
    bpy.ops.object.grease_pencil_add(type="EMPTY")
    settings.kind, settings.pencil, settings.chart = "PENCIL", bpy.context.object, "BLAIR"
    fe.bpy.ops.face_emote.list_shapes()
    settings.shapes[0].shows = "31"
    spoken(fe)
    assert fe.bpy.ops.face_emote.draw_mouth() == {"FINISHED"}
    modifier = settings.pencil.modifiers[0]
    values = []
    for frame in range(1, 75):
        bpy.context.scene.frame_set(frame)
        values.append(modifier.offset)
    assert modifier.mode == "FIX" and values[-1] == 31 and len(np.unique(values)) >= 5
