"""The fast renderer draws what the motion says, the same every time, with smooth edges."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from face_emote.core.errors import HeadError, OptionError
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, WRINKLES
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.rig import pose_from_controls
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import make_scene

SIZE = 96
CHARACTER = character("default")
PERSON = replace(CHARACTER, skin=replace(CHARACTER.skin, hair_style="crop", hair_length=0.045))


@pytest.fixture(scope="module")
def person():
    return load_head().with_identity(PERSON.betas)


@pytest.fixture(scope="module")
def renderer():
    scene = make_scene(camera="front", light="studio", width=SIZE, height=SIZE)
    return FastRenderer(load_head(), betas=PERSON.betas, skin=PERSON.skin, scene=scene)


def pose(person, *, wrinkles=(), blood=(), **units):
    controls = np.zeros((1, len(CONTROLS)), np.float32)
    for name, value in units.items():
        controls[0, CONTROLS.index(name)] = value
    posed = pose_from_controls(controls, control_joints=person.control_joints)
    still = np.zeros((1, 3), np.float32)
    vertices = person.pose_vertices(
        expression=posed.expression, jaw_pose=posed.jaw_pose, eye_pose=posed.eye_pose,
        neck_pose=still, global_pose=still, translation=still,
    )[0]  # fmt: skip
    folds, flow = np.zeros(16, np.float32), np.zeros(8, np.float32)
    for name, value in wrinkles:
        folds[WRINKLES.index(name)] = value
    for name, value in blood:
        flow[BLOOD_REGIONS.index(name)] = value
    return Pose(vertices, folds, flow)


def test_a_head_stands_before_a_backdrop(renderer, person):
    picture = renderer.render(pose(person)).astype(float)
    corner, face = picture[:4, :4].mean(axis=(0, 1)), picture[40:60, 40:56].mean(axis=(0, 1))
    assert corner.max() < 60
    assert face.min() > 70
    assert face[0] > face[1] > face[2], "skin is redder than green than blue"


def test_the_same_frame_gives_the_same_bytes_in_any_order_and_thread(renderer, person):
    poses = [pose(person, jawOpen=0.2 * i, mouthSmileLeft=0.1 * i) for i in range(4)]
    first = [renderer.render(p) for p in poses]
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(renderer.render, poses[::-1]))[::-1]
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a, b)


def test_silhouettes_are_antialiased(renderer, person):
    row = renderer.render(pose(person))[int(SIZE * 0.62)].astype(int).sum(axis=1)
    steps = np.abs(np.diff(row))
    assert (steps < 260).all(), "no step from backdrop to bright skin within one pixel"


def test_a_blush_reddens_the_cheeks_and_nothing_else(renderer, person):
    plain = renderer.render(pose(person)).astype(float)
    blushed = renderer.render(pose(person, blood=[("cheek_left", 1.0), ("cheek_right", 1.0)])).astype(float)
    pale = renderer.render(pose(person, blood=[("cheek_left", -1.0), ("cheek_right", -1.0)])).astype(float)
    redness = lambda p: p[..., 0] - p[..., 1]  # noqa: E731
    change = redness(blushed) - redness(plain)
    changed = change > 4
    assert 0.01 < changed.mean() < 0.2
    assert (redness(pale) - redness(plain))[changed].mean() < -2
    assert np.abs(change[: int(0.3 * SIZE)]).max() < 4, "the forehead stays as it was"


def test_wrinkles_change_light_only_where_they_are(renderer, person):
    plain = renderer.render(pose(person)).astype(float)
    folded = renderer.render(pose(person, wrinkles=[("forehead_centre", 1.0)])).astype(float)
    change = np.abs(folded - plain).sum(axis=2)
    rows = np.flatnonzero(change.max(axis=1) > 12)
    assert len(rows) > 0
    assert rows.max() < 0.45 * SIZE


def test_an_open_mouth_is_dark_inside_and_a_blink_hides_the_eyes(renderer, person):
    plain, opened = (
        renderer.render(pose(person)).astype(float),
        renderer.render(pose(person, jawOpen=0.9)).astype(float),
    )
    lower_face = (slice(int(0.55 * SIZE), int(0.85 * SIZE)), slice(int(0.38 * SIZE), int(0.62 * SIZE)))
    dark = lambda picture: picture[lower_face][..., 1] < 55  # noqa: E731
    assert dark(opened).mean() > dark(plain).mean() + 0.04
    inside = opened[lower_face][dark(opened) & ~dark(plain)]
    assert inside[:, 0].mean() > 1.5 * inside[:, 1].mean(), "dark red, not black"
    assert inside[:, 0].mean() > 35
    shut = renderer.render(pose(person, eyeBlinkLeft=1.0, eyeBlinkRight=1.0)).astype(float)
    eyes = (slice(int(0.38 * SIZE), int(0.48 * SIZE)), slice(int(0.30 * SIZE), int(0.70 * SIZE)))
    assert np.abs(shut[eyes] - plain[eyes]).sum(axis=2).max() > 120


def test_moles_and_hair_follow_the_character(person):
    scene = make_scene(camera="front", light="studio", width=SIZE, height=SIZE)
    dark_hair = replace(PERSON.skin, hair_colour=(0.01, 0.01, 0.01))
    light_hair = replace(PERSON.skin, hair_colour=(0.5, 0.4, 0.25))
    dark, light = (
        FastRenderer(load_head(), betas=PERSON.betas, skin=skin, scene=scene).render(pose(person))[14:20, 40:56]
        for skin in (dark_hair, light_hair)
    )
    assert light.mean() > dark.mean() + 20


def test_brows_grow_denser(person):
    scene = make_scene(camera="eyes", light="studio", width=SIZE, height=SIZE)
    above_the_eyes = slice(int(0.2 * SIZE), int(0.45 * SIZE))
    light = [
        FastRenderer(load_head(), betas=PERSON.betas, skin=replace(PERSON.skin, brow_density=density), scene=scene)
        .render(pose(person))[above_the_eyes]
        .mean()
        for density in (0.0, 0.5, 1.0, 1.5)
    ]
    assert light == sorted(light, reverse=True)
    assert light[2] > light[3] + 0.2, "above 1 too"


def test_bald_heads_have_no_strands_on_top(person):
    scene = make_scene(camera="front", light="studio", width=SIZE, height=SIZE)
    for bald in ({"hair_style": "none"}, {"hair_style": "crop", "hair_length": 0.0}):
        skin = replace(PERSON.skin, **bald)
        picture = FastRenderer(load_head(), betas=PERSON.betas, skin=skin, scene=scene).render(pose(person))
        assert picture[16:24, 40:56, 0].mean() > 110, "bare scalp is skin"


@pytest.mark.parametrize("wrong", [{"camera": "portait"}, {"light": "disco"}, {"width": 15}, {"height": 9000}])
def test_wrong_scenes_are_refused_with_help(wrong):
    options = {"camera": "front", "light": "studio", "width": 64, "height": 64} | wrong
    with pytest.raises(OptionError) as caught:
        make_scene(**options)
    if wrong.get("camera"):
        assert "'portrait'" in str(caught.value)


def test_heads_without_charts_are_refused():
    bare = replace(load_head(), layout=None)
    scene = make_scene(camera="front", light="studio", width=64, height=64)
    with pytest.raises(HeadError, match="bundled head"):
        FastRenderer(bare, betas=PERSON.betas, skin=PERSON.skin, scene=scene)
