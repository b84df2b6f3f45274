"""What keeps a face from looking made up: lips, lashes, redness and brows of the eight people."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from face_emote.audio.examples import example_speech
from face_emote.core.names import CONTROLS
from face_emote.core.types import Manner, PerformanceStyle, SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.characters import character, characters
from face_emote.look import colour
from face_emote.look.fine_hair import fine_hair
from face_emote.look.maps import SkinMaps, fold_depth, load_skin_maps, resting_folds
from face_emote.look.regions import BLOOD_AND_NECK, blood_masks
from face_emote.look.surface import layout_skin
from face_emote.motion.events.brows import aged_brows
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import make_scene
from face_emote.verbs.animate import animate

NAMES = tuple(person.name for person in characters())
MEN = ("james", "kenji", "walter", "leo")
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE_POINT = np.array([0.9505, 1.0, 1.089])


def lab(linear):
    """CIELAB (D65) of a linear sRGB colour."""
    ratio = linear @ XYZ.T / WHITE_POINT
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16.0 / 116.0)
    return np.array([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)])


def skin_of(name) -> SkinMaps:
    return load_skin_maps(character(name).skin, size=512)


def mean_lab(maps, where):
    return lab(colour.albedo(maps.melanin, maps.haemoglobin)[where].mean(axis=0))


def around_the_lips(maps):
    """Skin within some 14 texels of the red."""
    bare = (maps.lips < 0.02) & (maps.inside < 0.05)
    return bare & (distance_transform_edt(maps.lips < 0.02) < 14)


@pytest.mark.parametrize("name", NAMES)
def test_lips_are_lips_and_no_lipstick(name):
    maps = skin_of(name)
    apart = mean_lab(maps, maps.lips > 0.9) - mean_lab(maps, around_the_lips(maps))
    low, high = (5.0, 11.5) if name in MEN else (9.0, 18.0)
    assert low < np.linalg.norm(apart) < high
    assert apart[0] < -3.0 < 2.0 < apart[1], "darker and redder than the skin beside them"


def test_lips_have_no_drawn_outline():
    """Red turns into skin over several texels, all round: a quarter from one to the next is rare."""
    maps = load_skin_maps(character("james").skin, size=1024)
    outside = maps.inside < 0.02
    step = np.abs(np.diff(maps.lips, axis=0))[outside[1:] & outside[:-1]]
    assert np.percentile(step[step > 0.02], 95) < 0.25
    assert step.max() < 0.34


def blood_by_region(maps):
    """Mean resting blood of each of `BLOOD_AND_NECK`, in units of the forehead's."""
    layout = load_head().layout
    surface = layout_skin(layout)
    points_mm = 1000.0 * surface.matrix.apply(load_head().template[surface.vertex_index].astype(np.float64))
    masks = blood_masks(points_mm, surface.linear.apply(layout.mask_ears[surface.vertex_index].astype(np.float64)))
    uv = np.zeros((len(points_mm), 2))
    uv[surface.triangles.reshape(-1)] = surface.uv[surface.uv_triangles.reshape(-1)]
    texel = np.clip((uv * [1.0, -1.0] + [0.0, 1.0]) * maps.size, 0, maps.size - 1).astype(int)
    blood, outer = (image[texel[:, 1], texel[:, 0]] for image in (maps.haemoglobin, 1.0 - maps.inside))
    masks = masks**2 * outer[:, None]
    mean = (masks * blood[:, None]).sum(axis=0) / masks.sum(axis=0)
    return dict(zip(BLOOD_AND_NECK, mean / mean[BLOOD_AND_NECK.index("forehead")], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_noses_and_lids_are_hardly_redder_than_the_face(name):
    blood = blood_by_region(skin_of(name))
    assert 1.0 < blood["nose"] < 1.4, "three quarters more reads as a cold"
    assert 0.9 < blood["periorbital"] < 1.25
    assert 1.0 < blood["cheek_left"] < 1.3


def lashes(name):
    return [hairs for hairs in fine_hair(character(name).skin) if hairs.kind == "lash"]


def covered(name):
    """Area of all lashes, square metres."""
    return sum(
        float((hairs.group.width * np.linalg.norm(hairs.group.offsets[:, -1], axis=1)).sum()) for hairs in lashes(name)
    )


def test_men_and_the_old_wear_no_mascara():
    fullest = max(covered(name) for name in NAMES)
    for name in (*MEN, "elena"):
        assert 0.02 * fullest < covered(name) < 0.6 * fullest, name


@pytest.mark.parametrize("name", NAMES)
def test_lashes_and_brows_have_the_colour_of_their_person(name):
    skin = character(name).skin
    hair = np.array(skin.hair_colour)
    for hairs in fine_hair(skin):
        typical = np.median(hairs.colour, axis=0)
        # The same hue, darker.
        share = {"brow": 0.62, "lash": 0.235}[hairs.kind]
        assert np.allclose(typical / hair, share, rtol=0.15), (hairs.kind, typical, hair)


def test_grey_brows_are_white_hairs_among_dark_ones():
    for hairs in fine_hair(character("walter").skin):
        if hairs.kind == "brow":
            light = hairs.colour @ LUMINANCE
            assert np.percentile(light, 90) > 2.0 * np.percentile(light, 10)


def brow_contrast(name):
    """Weber contrast of a drawn brow with the skin under it: 1 - with / without."""
    person = character(name)
    head = load_head().with_identity(person.betas)
    scene = make_scene(camera="eyes", light="studio", width=192, height=192)
    pose = Pose(head.template, np.zeros(16), np.zeros(8))
    bare, browed = (
        FastRenderer(load_head(), betas=person.betas, skin=skin, scene=scene).render(pose)[40:100].astype(float)
        @ LUMINANCE
        for skin in (replace(person.skin, brow_density=0.0), person.skin)
    )
    # The half of the changed pixels that changed more is the body of the brow.
    change = 1.0 - browed / np.maximum(bare, 1.0)
    own = change[change > 0.04]
    return float(np.median(own[own >= np.median(own)]))


@pytest.mark.parametrize("name", NAMES)
def test_brows_read_on_every_face(name):
    assert brow_contrast(name) >= 0.3


def test_old_skin_folds_deeper():
    young, middle, old = 0.0, 0.5, 1.0
    assert fold_depth(young) < fold_depth(middle) < fold_depth(old)
    assert fold_depth(old) > 1.4 * fold_depth(young)
    assert resting_folds(young) == 0.0 < resting_folds(middle) < resting_folds(old)
    depth = [np.abs(load_skin_maps(SkinParams(age=age), size=512).wrinkle_gradient).max() for age in (young, old)]
    assert depth[1] > 1.4 * depth[0]


def test_everybody_has_a_manner_and_no_two_the_same():
    manners = [person.manner for person in characters()]
    assert len(set(manners)) == len(manners)
    assert manners[0] == Manner(), "the default moves as people do on average"
    for name in (item.name for item in fields(Manner)):
        factors = [getattr(manner, name) for manner in manners]
        assert 0.65 < min(factors) < 1.0 < max(factors) < 1.5, "people differ; nobody is a puppet or a twitch"


def test_the_same_line_is_moved_differently_by_two_people():
    speech = example_speech()[1]
    calm, lively = (
        animate(
            speech.path, transcript=speech.transcript, fps=25.0, animator="rules", emotion="neutral", character=name
        )
        for name in ("kenji", "leo")
    )
    sway = [np.ptp(motion.neck_pose + motion.global_pose, axis=0).sum() for motion in (calm, lively)]
    assert sway[1] > 1.3 * sway[0]
    stilled = PerformanceStyle(head=0.0).as_played_by(character("leo"))
    assert stilled.head == 0.0, "a slider at nothing is nothing"


def test_old_brows_have_fewer_ways_to_move():
    rng = np.random.default_rng(3)
    controls = rng.random((50, len(CONTROLS))).astype(np.float32)
    inner, outer = CONTROLS.index("browInnerUp"), CONTROLS.index("browOuterUpLeft")
    apart = [np.abs(np.diff(aged_brows(controls, age=age)[:, [inner, outer]])).mean() for age in (0.2, 0.62, 1.0)]
    assert apart[0] > apart[1] > apart[2] > 0.6 * apart[0]
    assert aged_brows(controls, age=0.2) is controls
    others = [k for k, name in enumerate(CONTROLS) if not name.startswith("browInner") and "browOuter" not in name]
    np.testing.assert_array_equal(aged_brows(controls, age=1.0)[:, others], controls[:, others])
