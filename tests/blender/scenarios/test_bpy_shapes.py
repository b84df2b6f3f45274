"""Shape keys for a character that has none: marks to move, keys, what goes along, and what people do afterwards."""

import numpy as np
import pytest

from .stage import SPEECH, added_head, emptied, error_of, fe
from .test_bpy_panels import drawn, said

_ = fe
SKIN = ("skin", "lips")


def bare_character(fe, *, turned=0.4, size=2.0):
    """Our head as somebody's: no keys, no rig, eyes apart, fewer faces, placed somewhere."""
    bpy = fe.bpy
    head = added_head(fe, "maya")
    keys = head.data.shape_keys
    flat = np.empty(3 * len(head.data.vertices), np.float32)
    keys.reference_key.data.foreach_get("co", flat)
    jaw = np.empty_like(flat)
    keys.key_blocks["jawOpen"].data.foreach_get("co", jaw)
    names = [slot.material.name if slot.material else "" for slot in head.material_slots]
    polygons = [(list(face.vertices), names[face.material_index].lower()) for face in head.data.polygons]
    points = flat.reshape(-1, 3)
    made = {}
    for name, wanted in (("Hero", lambda n: "eye" not in n), ("Hero Eyes", lambda n: "eye" in n)):
        faces = [corners for corners, material in polygons if wanted(material)]
        used, local = np.unique(np.concatenate([np.array(f) for f in faces]), return_inverse=True)
        mesh = bpy.data.meshes.new(name)
        cuts = np.cumsum([len(face) for face in faces])[:-1]
        mesh.from_pydata(points[used].tolist(), [], [list(map(int, part)) for part in np.split(local, cuts)])
        made[name] = bpy.data.objects.new(name, mesh)
    emptied_objects = [item for item in bpy.data.objects if item.name not in made]
    for item in emptied_objects:
        bpy.data.objects.remove(item)
    home = bpy.data.collections.new("Hero")
    scene = bpy.context.scene
    scene.collection.children.link(home)
    for thing in made.values():
        home.objects.link(thing)
        thing.scale, thing.rotation_euler, thing.location = (size,) * 3, (0.0, 0.0, turned), (1.0, 2.0, 0.5)
    bpy.context.view_layer.update()
    scene.face_emote.target = made["Hero"]
    return made["Hero"], made["Hero Eyes"]


def offsets(character, key):
    keys = character.data.shape_keys
    tables = []
    for block in (keys.reference_key, keys.key_blocks[key]):
        flat = np.empty(3 * len(character.data.vertices), np.float32)
        block.data.foreach_get("co", flat)
        tables.append(flat.reshape(-1, 3))
    return tables[1] - tables[0]


@pytest.fixture(scope="module")
def hero(fe):
    """A character with marks and keys."""
    character, eyes = bare_character(fe, turned=0.0)
    assert "Find Marks" in fe.takes.refusal(character)
    assert "Press Find Marks first" in error_of(lambda: fe.bpy.ops.face_emote.create_keys())
    assert fe.bpy.ops.face_emote.find_marks() == {"FINISHED"}
    assert fe.bpy.ops.face_emote.create_keys() == {"FINISHED"}
    return character, eyes


def test_marks_lie_on_the_face_and_keys_move_it(fe, hero):
    character, eyes = hero
    marks = {item.face_emote.mark: item for item in character.children if item.face_emote.mark}
    assert len(marks) == 22 and all(mark.show_in_front for mark in marks.values())
    left, right = (np.array(marks[f"mouth_{side}"].matrix_world.translation) for side in ("left", "right"))
    nose, chin = (np.array(marks[name].matrix_world.translation) for name in ("nose_tip", "chin"))
    assert left[0] > right[0] + 0.06 and nose[2] > chin[2] + 0.06 and nose[1] < left[1]
    assert set(fe.names.ARKIT) <= set(character.data.shape_keys.key_blocks.keys())
    jaw, smile = offsets(character, "jawOpen"), offsets(character, "mouthSmileLeft")
    assert jaw[:, 2].min() < -0.02 and np.linalg.norm(smile, axis=1).max() > 0.01
    widest = np.linalg.norm(smile, axis=1).argmax()
    assert character.data.vertices[widest].co.x > 0.0, "the character's left"
    assert "eyeLookInLeft" in eyes.data.shape_keys.key_blocks and "jawOpen" not in eyes.data.shape_keys.key_blocks
    assert [part.mesh for part in character.face_emote.parts] == [eyes]


def test_the_match_is_told_and_shown_in_colours(fe, hero):
    character, _eyes = hero
    fe.bpy.context.scene.face_emote.target = character
    assert "of the face matched" in said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_own_mesh)).replace("  ", " ")
    layer = character.data.color_attributes["Face Emote Match"]
    colours = np.array([item.color[:3] for item in layer.data])
    assert (colours[:, 1] > 0.8).mean() > 0.3 and (colours == 0.25).all(axis=1).any()


def test_it_performs_and_keys_are_made_again_at_moved_marks(fe, hero):
    character, _eyes = hero
    scene = fe.bpy.context.scene
    scene.face_emote.target = character
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    (take,) = fe.takes.takes_of(character)
    seen = []
    for frame in range(1, 59, 4):
        scene.frame_set(frame)
        seen.append(character.data.shape_keys.key_blocks["jawOpen"].value)
    assert max(seen) > 0.1 and {curve.data_path for curve in fe.compat.all_fcurves(take)}
    before, count = offsets(character, "mouthSmileLeft"), len(character.data.shape_keys.key_blocks)
    for mark in character.children:
        if mark.face_emote.mark in ("mouth_left", "lip_top"):
            mark.location.x += 0.004
    fe.bpy.context.view_layer.update()
    assert fe.bpy.ops.face_emote.create_keys() == {"FINISHED"}
    assert len(character.data.shape_keys.key_blocks) == count, "keys are changed in place"
    assert np.abs(offsets(character, "mouthSmileLeft") - before).max() > 1e-4
    assert fe.takes.takes_of(character) == [take]


def test_a_mesh_that_cannot_be_a_face_is_refused_in_a_sentence(fe):
    scene = emptied(fe)
    mesh = fe.bpy.data.meshes.new("Own")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 0, 1)], [], [(0, 1, 2)])
    thing = fe.bpy.data.objects.new("Own", mesh)
    scene.collection.objects.link(thing)
    scene.face_emote.target = thing
    said = error_of(lambda: fe.bpy.ops.face_emote.find_marks())
    assert thing.data.shape_keys is None and not thing.children and "too few vertices" in said
    assert "press Find Marks" in error_of(lambda: fe.bpy.ops.face_emote.map_character())
