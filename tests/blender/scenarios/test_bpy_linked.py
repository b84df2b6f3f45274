"""Characters from other files: refused while they are merely linked, an override in one click, and kept when saved."""

import importlib

import pytest

from .stage import SPEECH, emptied, error_of, fe, key_mesh
from .test_bpy_own_mesh import armature, on_rig

_ = fe


def saved_character(fe, folder, *, mapped=True):
    """A library with a body, teeth and a rig in one collection."""
    bpy = fe.bpy
    scene = emptied(fe)
    rig = armature(fe)
    rig.data.bones["Jaw"].name = "Chin"
    body = on_rig(fe, rig, list(fe.names.ARKIT), "Body")
    teeth = on_rig(fe, rig, ["jawOpen"], "Teeth")
    hero = bpy.data.collections.new("Hero")
    scene.collection.children.link(hero)
    for thing in (rig, body, teeth):
        hero.objects.link(thing)
        scene.collection.objects.unlink(thing)
    if mapped:
        scene.face_emote.target = body
        bpy.ops.face_emote.map_character()
    path = folder / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def linked_in(fe, path):
    """A new file in which the collection is linked, and shown by an empty."""
    bpy = fe.bpy
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return another_instance(fe, path)


def another_instance(fe, path):
    bpy = fe.bpy
    with bpy.data.libraries.load(str(path), link=True) as (_there, here):
        here.collections = ["Hero"]
    hero = next(item for item in bpy.data.collections if item.library is not None)
    shown = bpy.data.objects.new("Hero", None)
    shown.instance_type, shown.instance_collection = "COLLECTION", hero
    bpy.context.scene.collection.objects.link(shown)
    bpy.context.view_layer.update()
    body = next(item for item in hero.all_objects if item.name == "Body")
    bpy.context.scene.face_emote.target = body
    return body


def opened(fe, path):
    fe.bpy.ops.wm.open_mainfile(filepath=str(path))
    return fe.bpy.context.scene


def values_at(fe, character, frame):
    fe.bpy.context.scene.frame_set(frame)
    return {block.name: round(block.value, 5) for block in list(character.data.shape_keys.key_blocks)[1:]}


def overridden(fe):
    assert fe.bpy.ops.face_emote.make_override() == {"FINISHED"}
    return fe.bpy.context.scene.face_emote.target


def test_a_linked_character_is_refused_with_the_reason_and_an_offer(fe, tmp_path):
    linked_in(fe, saved_character(fe, tmp_path))
    from .test_bpy_panels import drawn, said

    assert "press Make Override" in " ".join(said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_character)).split())
    assert "linked from another file" in error_of(lambda: fe.bpy.ops.face_emote.generate(speech=str(SPEECH)))
    assert not fe.bpy.data.actions


@pytest.mark.parametrize("mapped", [True, False])
def test_an_override_takes_a_performance_and_both_files_keep_it(fe, tmp_path, mapped):
    bpy = fe.bpy
    library = saved_character(fe, tmp_path, mapped=mapped)
    linked_in(fe, library)
    body = overridden(fe)
    assert body.library is None and body.data.shape_keys.library is None
    if not mapped:
        bpy.ops.face_emote.map_character()
    assert [part.mesh.name for part in body.face_emote.parts] == ["Teeth"]
    bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    teeth, rig = body.face_emote.parts[0].mesh, body.face_emote.rig
    assert teeth.library is None and rig.library is None
    before = [values_at(fe, body, frame) for frame in (9, 20, 33)]
    assert max(row["jawOpen"] for row in before) > 0.05
    turned = list(rig.pose.bones["Neck"].rotation_quaternion)
    shot = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(shot))

    scene = opened(fe, library)  # The library goes on being worked on.
    hero = bpy.data.objects["Body"]
    hero.data.vertices[0].co.x = 0.25
    hero.shape_key_add(name="smirk", from_mix=False).value = 0.0
    bpy.ops.wm.save_mainfile()

    scene = opened(fe, shot)
    body = scene.face_emote.target
    assert body.override_library is not None and body.face_emote.kind == "OWN"
    assert [values_at(fe, body, frame) for frame in (9, 20, 33)] == [row | {"smirk": 0.0} for row in before]
    assert list(body.face_emote.rig.pose.bones["Neck"].rotation_quaternion) == pytest.approx(turned, abs=1e-6)
    teeth = body.face_emote.parts[0].mesh
    scene.frame_set(20)
    assert teeth.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(
        body.data.shape_keys.key_blocks["jawOpen"].value
    )
    bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="anger")
    assert len(fe.takes.takes_of(body)) == 2
    for _number in range(2):
        bpy.ops.face_emote.remove_take()
    assert not fe.takes.takes_of(body) and max(values_at(fe, body, 20).values()) == 0.0


def test_an_override_takes_the_place_of_the_instance(fe, tmp_path):
    linked_in(fe, saved_character(fe, tmp_path))
    shown = fe.bpy.data.objects["Hero"]
    shown.location = (1.0, 2.0, 3.0)
    fe.bpy.context.view_layer.update()
    body = overridden(fe)
    fe.bpy.context.view_layer.update()
    assert tuple(body.matrix_world.translation) == pytest.approx((1.0, 2.0, 3.0))
    seen = [item.name for item in fe.bpy.context.scene.objects if item.type == "MESH"]
    assert sorted(seen) == ["Body", "Teeth"] and not [i for i in fe.bpy.context.scene.objects if i.type == "EMPTY"]


def test_a_second_character_of_the_same_library_has_takes_of_its_own(fe, tmp_path):
    bpy = fe.bpy
    library = saved_character(fe, tmp_path)
    linked_in(fe, library)
    first = overridden(fe)
    another_instance(fe, library)
    second = overridden(fe)
    importlib.import_module("blender_addon.apply.identity").settle()
    assert first != second and first.face_emote.uid != second.face_emote.uid
    assert first.data.shape_keys != second.data.shape_keys
    for character, emotion in ((first, "joy"), (second, "anger")):
        bpy.context.scene.face_emote.target = character
        bpy.ops.face_emote.generate(speech=str(SPEECH), emotion=emotion)
    assert [len(fe.takes.takes_of(item)) for item in (first, second)] == [1, 1]
    smiles = [values_at(fe, item, 30)["mouthSmileLeft"] for item in (first, second)]
    assert smiles[0] > smiles[1] + 0.05
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "two.blend"))
    scene = opened(fe, tmp_path / "two.blend")
    characters = [item for item in bpy.data.objects if item.override_library and item.face_emote.kind == "OWN"]
    assert len({item.face_emote.uid for item in characters}) == 2 and scene.face_emote.target in characters
    assert sorted(values_at(fe, item, 30)["mouthSmileLeft"] for item in characters) == sorted(smiles)


def test_a_mesh_that_is_linked_beneath_an_override_is_offered_the_rest(fe, tmp_path):
    """Blender's own Make Library Override leaves meshes, and so shape keys, linked."""
    bpy = fe.bpy
    body = linked_in(fe, saved_character(fe, tmp_path))
    hero = next(item for item in bpy.data.collections if item.library is not None)
    hero.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
    half = next(item for item in bpy.data.objects if item.override_library and item.name == body.name)
    bpy.context.scene.face_emote.target = half
    assert half.data.library is not None and "Make Override" in fe.takes.refusal(half)
    assert overridden(fe) == half and fe.takes.refusal(half) == ""


def test_an_appended_character_needs_no_override(fe):
    emptied(fe)
    fe.bpy.context.scene.face_emote.target = key_mesh(fe, ["jawOpen"])
    assert "not linked" in error_of(lambda: fe.bpy.ops.face_emote.make_override())
