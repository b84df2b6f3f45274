"""What lies around a take: camera, lights, world, presets, a quick video that leaves no trace."""

import json

import pytest

from .stage import SPEECH, added_head, emptied, error_of, fe, key_mesh, spoken
from .test_bpy_panels import drawn, said

_ = fe


def test_a_second_stage_moves_the_first_and_leaves_the_users_world(fe):
    scene = emptied(fe)
    bpy = fe.bpy
    scene.world = bpy.data.worlds.new("Mine")
    scene.world.color = (0.4, 0.1, 0.9)
    first, second = spoken(fe), key_mesh(fe, ["a"], "Second")
    second.location.x = 3.0
    scene.face_emote.target = first
    bpy.ops.face_emote.add_stage()
    places = {item.name: item.location.copy() for item in scene.objects if item.type in ("LIGHT", "CAMERA")}
    second.face_emote.kind = "OWN"
    scene.face_emote.target = second
    bpy.context.view_layer.update()
    bpy.ops.face_emote.add_stage()
    stage = {item.name: item for item in scene.objects if item.type in ("LIGHT", "CAMERA")}
    assert sorted(item.type for item in stage.values()) == ["CAMERA", "LIGHT", "LIGHT", "LIGHT"]
    for name, place in places.items():
        assert stage[name].location.x == pytest.approx(place.x + 3.0, abs=1e-5)
    assert tuple(scene.world.color) == pytest.approx((0.4, 0.1, 0.9))


def test_a_scene_without_a_world_gets_one(fe):
    scene = emptied(fe)
    scene.world = None
    spoken(fe)
    fe.bpy.ops.face_emote.add_stage()
    assert scene.world is not None


@pytest.mark.parametrize("damage", ["{not json", "[1, 2]", '{"a": '])
def test_a_damaged_file_of_presets_is_told_and_the_menu_still_opens(fe, damage):
    emptied(fe)
    operators = __import__("blender_addon.operators.emotion", fromlist=["preset_items"])
    path = fe.folders.user_folder() / "emotions.json"
    path.write_text(damage)
    try:
        items = operators.preset_items(None, fe.bpy.context)
        assert len(items) == len(json.loads(fe.emotions.PRESET_FILE.read_text()))
        assert "emotion presets cannot be read" in " ".join(said(drawn(fe, fe.bpy.types.FACEEMOTE_PT_takes)).split())
        assert fe.bpy.ops.face_emote.use_emotion(words=items[0][0]) == {"FINISHED"}
        fe.bpy.context.scene.face_emote.emotion = "joy"
        assert "cannot be read" in error_of(lambda: fe.bpy.ops.face_emote.save_emotion(name="Mine"))
    finally:
        path.unlink()
        fe.jobs.SESSION.status, fe.jobs.SESSION.failed = "", False


def settings_of(scene):
    owners = (scene.render, scene.render.ffmpeg, scene.render.image_settings, scene.display.shading)
    return [
        {
            item.identifier: str(getattr(owner, item.identifier))
            for item in owner.bl_rna.properties
            if item.type in ("BOOLEAN", "INT", "FLOAT", "ENUM", "STRING") and not item.is_readonly
        }
        for owner in owners
    ]


def test_a_quick_video_leaves_the_scenes_settings_as_they_were(fe, tmp_path):
    scene = emptied(fe)
    spoken(fe)
    bpy = fe.bpy
    bpy.ops.face_emote.add_stage()
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_depth = "16"
    ffmpeg = scene.render.ffmpeg
    ffmpeg.format, ffmpeg.codec, ffmpeg.audio_codec, ffmpeg.constant_rate_factor = "MKV", "FFV1", "FLAC", "LOSSLESS"
    scene.frame_end, scene.render.resolution_x = 3, 333
    scene.face_emote.video_path = str(tmp_path / "take.mp4")
    before, seen = settings_of(scene), []

    def look(*_arguments):
        seen.append((scene.render.engine, scene.display.shading.color_type, ffmpeg.audio_codec))

    bpy.app.handlers.render_pre.append(look)
    try:
        bpy.ops.face_emote.quick_video("INVOKE_DEFAULT")
    except RuntimeError as error:
        pytest.skip(f"no OpenGL for Workbench here: {error}")
    finally:
        bpy.app.handlers.render_pre.remove(look)
    assert (tmp_path / "take.mp4").stat().st_size > 1000 and "Wrote" in fe.jobs.SESSION.status
    assert seen[0] == ("BLENDER_WORKBENCH", "TEXTURE", "AAC")
    assert settings_of(scene) == before
    handlers = [*bpy.app.handlers.render_complete, *bpy.app.handlers.render_cancel]
    assert not [item for item in handlers if "blender_addon" in item.__module__]


def test_a_quick_video_in_a_window_renders_as_a_job_and_puts_settings_back_when_it_ends(fe, tmp_path, monkeypatch):
    scene = emptied(fe)
    spoken(fe)
    fe.bpy.ops.face_emote.add_stage()
    export = __import__("blender_addon.operators.export", fromlist=["VideoSettings"])
    before = settings_of(scene)
    settings = export.VideoSettings(scene, tmp_path / "take.mp4")
    assert scene.render.resolution_x == 720 and settings_of(scene) != before
    scene.render.fps = 31  # The user goes on working.
    (tmp_path / "take.mp4").write_bytes(b"video")
    waiting = []
    monkeypatch.setattr(export.bpy.app.timers, "register", lambda call, **_named: waiting.append(call), raising=False)
    settings.finish()
    assert scene.render.fps == 31
    scene.render.fps = 24
    assert settings_of(scene) == before and fe.jobs.SESSION.status.startswith("Wrote") and waiting == []


def test_the_eyes_of_our_head_have_irises_in_a_quick_video(fe, tmp_path):
    """Eyes without a picture are white: the darkest of an eye's pixels is its iris."""
    head = added_head(fe)
    bpy, scene = fe.bpy, fe.bpy.context.scene
    bpy.ops.face_emote.add_stage()
    export = __import__("blender_addon.operators.export", fromlist=["VideoSettings"])
    settings = export.VideoSettings(scene, tmp_path / "take.mp4")
    image = scene.render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    image.file_format, scene.render.filepath = "PNG", str(tmp_path / "eyes.png")
    for item in bpy.data.objects:
        item.hide_render = item.type == "CURVES"
    try:
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        pytest.skip(f"no OpenGL for Workbench here: {error}")
    finally:
        settings.put_back()
    picture = bpy.data.images.load(str(tmp_path / "eyes.png"))
    from bpy_extras.object_utils import world_to_camera_view

    places = [
        tuple(world_to_camera_view(scene, scene.camera, eye_front(head, name))) for name in ("eye_left", "eye_right")
    ]
    for x, y, _depth in places:
        column, row = int(x * 720), int(y * 720)
        pixels = picture.pixels[:]
        middle = [pixels[4 * (720 * (row + dy) + column + dx)] for dx in range(-4, 5) for dy in range(-4, 5)]
        assert min(middle) < 0.35, f"a white eye at {column}, {row}"


def eye_front(head, name):
    from mathutils import Vector

    rig = head.face_emote.rig
    return rig.matrix_world @ (rig.data.bones[name].head_local + Vector((0.0, -0.012, 0.0)))


def box_of(things):
    from mathutils import Vector

    corners = [
        item.matrix_world @ Vector(corner) for item in things if item.type == "MESH" for corner in item.bound_box
    ]
    return [(min(c[i] for c in corners), max(c[i] for c in corners)) for i in range(3)]


def test_a_new_character_stands_at_the_cursor_beside_what_is_there_and_shows_its_pictures(fe):
    scene = emptied(fe)
    bpy = fe.bpy
    scene.cursor.location = (1.0, 2.0, 3.0)
    scene.face_emote.new_character = "default"
    bpy.ops.face_emote.add_character()
    first = scene.face_emote.target.face_emote.rig
    assert tuple(first.location) == pytest.approx((1.0, 2.0, 3.0))
    bpy.ops.face_emote.add_character()
    second = scene.face_emote.target.face_emote.rig
    scene.cursor.location = (0.0, 0.0, 0.0)
    boxes = [box_of(rig.children_recursive) for rig in (first, second)]
    assert second.location.x > 1.0 and boxes[1][0][0] > boxes[0][0][1]
    views = [area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D"]
    assert all(area.spaces.active.shading.color_type == "TEXTURE" for area in views)


def test_a_new_character_is_seen_from_the_front_and_a_view_of_a_face_is_left_alone(fe):
    from mathutils import Euler, Vector

    scene = emptied(fe)
    bpy = fe.bpy
    areas = bpy.context.window_manager.windows[0].screen.areas
    view = next(area for area in areas if area.type == "VIEW_3D").spaces.active.region_3d
    for before, stays in (((1.1, 0.0, 2.5), False), ((1.3, 0.0, -0.3), True)):
        view.view_perspective, view.view_rotation = "PERSP", Euler(before).to_quaternion()
        bpy.ops.face_emote.add_character()
        towards_viewer = view.view_rotation @ Vector((0.0, 0.0, 1.0))
        assert -towards_viewer.y > 0.8
        assert (view.view_rotation.rotation_difference(Euler(before).to_quaternion()).angle < 0.01) == stays
    assert scene.face_emote.target is not None


def test_a_key_of_our_head_that_was_deleted_is_named_and_the_rest_performs(fe):
    head = added_head(fe)
    assert fe.channels.lost_keys(head) == []
    head.shape_key_remove(head.data.shape_keys.key_blocks["mouthSmileLeft"])
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    assert "mouthSmileLeft" in fe.jobs.SESSION.status and len(fe.takes.takes_of(head)) == 1


def test_a_new_character_is_selected_by_the_rig_that_moves_all_of_it(fe):
    head = added_head(fe)
    rig = head.face_emote.rig
    assert fe.bpy.context.selected_objects == [rig] and fe.bpy.context.view_layer.objects.active == rig
    low = [bone.tail_local.y for bone in rig.data.bones if bone.name.startswith("eye")]
    assert min(vertex.co.y for vertex in head.data.vertices) < min(low), "bones end inside the skin"
