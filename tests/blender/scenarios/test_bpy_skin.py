"""The skin shader in Cycles: blood colours cheeks, wrinkles bend light, where the masks say and per object."""

import numpy as np
import pytest

from .stage import added_head, fe

_ = fe
SIZE = 72


@pytest.fixture(scope="module")
def picture(fe, tmp_path_factory):
    head = added_head(fe)
    bpy, scene = fe.bpy, fe.bpy.context.scene
    bpy.ops.face_emote.add_stage()
    for item in bpy.data.objects:
        item.hide_render = item.type == "CURVES"
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device, scene.cycles.seed = 4, False, "CPU", 1
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.view_settings.view_transform = "Raw"
    scene.render.image_settings.file_format = "OPEN_EXR"
    head.modifiers["Smooth"].render_levels = 0
    path = tmp_path_factory.mktemp("skin") / "skin.exr"

    def render(**values):
        for name, numbers in values.items():
            head[name] = numbers
        head.update_tag()
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(str(path), check_existing=False)
        pixels = np.array(image.pixels[:], np.float32).reshape(SIZE, SIZE, -1)[::-1, :, :3]
        bpy.data.images.remove(image)
        for name in values:
            head[name] = [1.0, 1.0, 0.0, 0.0] if name.endswith("skin") else [0.0] * 4
        return pixels

    return render


@pytest.fixture(scope="module")
def neutral(picture):
    return picture()


def test_no_node_of_the_skin_is_undefined_and_eevee_has_room_for_its_attributes(fe, neutral):
    attributes = set()
    for name in ("Face Emote Channels", "Face Emote Skin"):
        for node in fe.bpy.data.node_groups[name].nodes:
            assert node.bl_idname != "NodeUndefined"
            if node.bl_idname == "ShaderNodeAttribute":
                attributes.add((node.attribute_type, node.attribute_name))
    kinds = [kind for kind, _name in attributes]
    assert kinds.count("OBJECT") <= 8 and kinds.count("GEOMETRY") <= 12
    assert np.isfinite(neutral).all() and neutral.max() > 0.05


def test_a_blush_reddens_the_cheeks_and_pallor_greys_them(neutral, picture):
    def redness(pixels):
        rows, columns = slice(int(0.48 * SIZE), int(0.62 * SIZE)), slice(int(0.30 * SIZE), int(0.70 * SIZE))
        cheeks = pixels[rows, columns].reshape(-1, 3).mean(axis=0)
        return cheeks[0] / cheeks[1]

    flushed = picture(face_emote_blood_a=[0.0, 0.5, 1.0, 1.0])
    pale = picture(face_emote_blood_a=[0.0, -0.5, -1.0, -1.0])
    assert redness(flushed) > 1.08 * redness(neutral) and redness(pale) < 0.96 * redness(neutral)
    top = slice(0, int(0.1 * SIZE))
    np.testing.assert_allclose(flushed[top], neutral[top], atol=0.02)


def test_wrinkles_change_the_forehead_and_not_the_chin(neutral, picture):
    folded = picture(face_emote_wrinkles_a=[1.0, 1.0, 1.0, 1.0])
    change = np.abs(folded - neutral).mean(axis=(1, 2))
    forehead, chin = change[int(0.2 * SIZE) : int(0.42 * SIZE)].mean(), change[int(0.7 * SIZE) : int(0.8 * SIZE)].mean()
    assert forehead > 3.0 * chin


def test_the_strength_slider_switches_the_skin_off(neutral, picture):
    still = picture(face_emote_wrinkles_a=[1.0] * 4, face_emote_blood_a=[0.5] * 4, face_emote_skin=[0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(still, neutral, atol=1e-3)


def test_a_region_can_be_shown(fe, neutral, picture):
    index = fe.names.SHOWN_REGIONS.index("blood cheek_left")
    shown = picture(face_emote_skin=[1.0, 1.0, float(index), 0.0])
    change = np.clip((shown - neutral)[int(0.4 * SIZE) : int(0.65 * SIZE), :, 0], 0.0, None)
    left, right = change[:, SIZE // 2 :].sum(), change[:, : SIZE // 2].sum()
    assert left > 5.0 and left > 3.0 * right  # The character's left is at the viewer's right.
