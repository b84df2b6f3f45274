"""Skin colour, relief by age, displacement, tone, lights and lens: what must be true of the picture."""

from dataclasses import replace

import numpy as np
import pytest

from face_emote.core.errors import OptionError
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.look import colour
from face_emote.look.displacement import crease_relief
from face_emote.look.formula.light import displayed
from face_emote.look.formula.ops import Vec
from face_emote.look.formula.records import Colour, Lamp, Lights, Spot, Texel
from face_emote.look.formula.skin import shade_skin
from face_emote.look.maps import load_skin_maps, resting_folds
from face_emote.look.reflection import DARK_SMOOTHING
from face_emote.look.tone import tone_mapped
from face_emote.rendering.base import Pose
from face_emote.rendering.fast import lens
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import LIGHTS, make_scene
from face_emote.rendering.stage.mesh import make_mesh

PERSON = character("default")
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(rgb):
    """CIELAB (D65) of linear sRGB."""
    x = rgb @ XYZ.T / XYZ.sum(axis=1)
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def test_skin_has_the_colours_that_were_measured_on_faces():
    melanin = np.array([0.45, 0.7, 1.0, 1.5, 2.0, 2.6])
    light, red, yellow = lab(colour.albedo(melanin, np.full(6, 0.72)).astype(float)).T
    assert (np.diff(light) < -3).all() and light[0] > 65 and light[-1] < 40
    assert red.min() > 10 and red.max() < 14, "facial redness hardly depends on pigment (Xiao et al. 2017)"
    assert yellow.min() > 12.5 and yellow.max() < 19
    angle = np.degrees(np.arctan2(light - 50.0, yellow))
    assert angle[0] > 41 and angle[-1] < -30, "from light to dark on the individual typology angle"


def test_the_tone_curve_rises_reaches_white_and_leaves_greys_grey():
    grey = np.geomspace(1e-3, 8.0, 300)
    out = tone_mapped(np.repeat(grey[:, None], 3, axis=1))
    assert np.ptp(out, axis=1).max() < 1e-12
    assert (np.diff(out[:, 0]) > 0.0).all()
    assert out[-1, 0] > 0.99 and abs(tone_mapped(np.full((1, 3), 0.18))[0, 0] - 0.18) < 0.01


@pytest.mark.parametrize("melanin", [0.5, 1.0, 2.0])
def test_bright_and_dark_skin_keep_their_hue(melanin):
    shades = colour.albedo(np.array([melanin]), np.array([0.7])) * np.geomspace(0.1, 2.0, 30)[:, None]
    _, red, yellow = lab(tone_mapped(shades.astype(float))).T
    hue = np.degrees(np.arctan2(yellow, red))
    assert np.ptp(hue) < 15.0, "per channel, the same curve turns it by more"
    assert (np.hypot(red, yellow)[5:20] > 8.0).all(), "skin stays coloured"


def test_the_formulas_tone_curve_is_the_defined_one():
    values = np.random.default_rng(0).uniform(0.0, 3.0, (50, 3))
    found = np.stack(list(displayed(Vec(*values.T))), axis=1)
    np.testing.assert_allclose(found, tone_mapped(values), atol=1e-12)


def test_relief_and_unevenness_grow_with_age():
    maps = [load_skin_maps(SkinParams(age=age), size=512) for age in (0.0, 0.2, 0.5, 1.0)]
    relief = [float((m.bump_gradient.astype(float) ** 2).mean()) for m in maps]
    assert (np.diff(relief) > 0.2 * relief[0]).all()
    face = maps[0].lips + maps[0].inside < 0.01
    for name in ("melanin", "haemoglobin"):
        spread = [float(getattr(m, name)[face & (m.specular > 0)].std()) for m in maps]
        assert spread == sorted(spread), name
    lips = maps[0].lips > 0.9
    red = [float(m.haemoglobin[lips].mean()) for m in maps]
    assert red == sorted(red, reverse=True), "lips pale"
    assert all(0.25 <= m.roughness.min() and m.roughness.max() <= 0.66 for m in maps)


@pytest.fixture(scope="module")
def mesh():
    head = load_head()
    return make_mesh(head.layout, head.template)


def test_creases_move_the_mesh_but_never_lips_lids_or_the_mouth(mesh):
    head = load_head()
    height = load_skin_maps(SkinParams(), size=1024).wrinkle_height
    relief = crease_relief(height, surface=mesh.skin, lips=head.layout.mask_lips)
    assert 0.0005 < np.abs(relief).max() < 0.0015
    lips = mesh.skin.linear.apply(head.layout.mask_lips[mesh.skin.vertex_index].astype(float))
    assert (relief[lips > 0.3] == 0.0).all()
    hidden = np.unique(mesh.skin.triangles[mesh.skin.part >= 2])
    assert (relief[hidden] == 0.0).all()
    x, y, z = mesh.skin_template.T * 1e3
    forehead = (np.abs(x) < 30) & (np.abs(y - 90) < 12) & (z > 60)
    assert np.abs(relief[forehead]).max() > 0.0003
    assert np.abs(relief[(y > 140) | (z < -40)]).max() < 1e-5, "the scalp is smooth"
    assert resting_folds(0.0) == 0.0 < resting_folds(0.5) < resting_folds(1.0) < 0.5


def highlight(melanin, *, relief, wrinkle):
    """Light that gloss adds to ridges of skin of this pigment, seen head-on under the key light."""
    slope = np.linspace(-relief, relief, 104)
    ahead, none, across = Vec(0.0, 0.0, 1.0), Vec(0.0, 0.0, 0.0), Vec(1.0, 0.0, 0.0)
    spot = Spot(-ahead, ahead, none, none, 1.0, 1.0, wrinkle, 0.0, 0.0, 1.0)
    lights = Lights(Lamp(ahead, Vec(1.0, 1.0, 1.0)), Lamp(across, none), Lamp(across, none), 1.0)
    shades = []
    for gloss in (0.0, 1.0):
        texel = Texel(
            melanin, 0.5, gloss, 0.0, 0.0, 0.0, slope / wrinkle, 0.0, 0.0, 0.4, across, Vec(0.0, 1.0, 0.0)
        )  # fmt: skip
        shades.append(shade_skin(spot, texel, lights, Colour(none)).x)
    return slope, shades[1] - shades[0]


def test_highlights_on_folds_are_wider_on_dark_skin():
    def width(melanin):
        slope, shine = highlight(melanin, relief=0.8, wrinkle=0.9)
        return np.ptp(slope[shine > 0.5 * shine.max()])

    assert DARK_SMOOTHING > 0.0
    assert width(2.5) > 1.4 * width(0.5)
    _, pale = highlight(0.5, relief=0.8, wrinkle=0.9)
    _, dark = highlight(2.5, relief=0.8, wrinkle=0.9)
    assert np.abs(np.diff(dark)).max() < 0.8 * np.abs(np.diff(pale)).max(), "no glitter"


def drawn(*, light="studio", f_number=None, size=96, camera="front", hair=True, skin=PERSON.skin):
    scene = make_scene(camera=camera, light=light, width=size, height=size, f_number=f_number)
    renderer = FastRenderer(load_head(), betas=PERSON.betas, skin=skin, scene=scene, hair=hair)
    vertices = load_head().with_identity(PERSON.betas).template.astype(np.float32)
    return renderer.render(Pose(vertices, np.zeros(16, np.float32), np.zeros(8, np.float32))), renderer


def test_lights_are_told_apart_at_a_glance():
    bare = replace(PERSON.skin, hair_length=0.0)
    means = {}
    for name in LIGHTS:
        picture, _ = drawn(light=name, size=64, skin=bare, hair=False)
        face = picture[18:44, 18:46].astype(float) / 255.0
        means[name] = np.array([*face.mean(axis=(0, 1)), face.std(), picture[:4, :4].mean() / 255.0])
        assert face.max() < 1.0 or (face == 1.0).mean() < 0.01, "nothing burns out"
    names = list(means)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert np.abs(means[one] - means[other]).max() > 0.1, (one, other)
    warmth = {name: m[0] / m[2] for name, m in means.items()}
    assert warmth["warm"] > 1.15 * warmth["studio"] > 1.15 * warmth["night"]
    assert abs(warmth["soft"] / warmth["studio"] - 1.0) < 0.1, "both are neutral"


def test_without_depth_of_field_nothing_changes_and_with_it_the_eyes_stay_sharp():
    plain, _ = drawn(size=256)
    pinhole, _ = drawn(size=256, f_number=64.0)
    assert np.array_equal(plain, pinhole), "a tiny aperture blurs nothing"
    blurred, _ = drawn(size=256, f_number=1.4)
    eyes, ear = (slice(100, 120), slice(80, 176)), (slice(104, 150), slice(48, 76))
    detail = lambda p, where: np.abs(np.diff(p[where].astype(float), axis=1)).mean()  # noqa: E731
    assert detail(blurred, eyes) > 0.9 * detail(plain, eyes)
    assert detail(blurred, ear) < 0.8 * detail(plain, ear)


def test_a_blurred_ground_does_not_bleed_over_a_sharp_face():
    picture = np.zeros((40, 40, 3), np.float32)
    picture[:, 20:] = 1.0
    radius = np.where(np.arange(40) < 20, 6.0, 0.0).astype(np.float32)[None].repeat(40, 0)
    out = np.empty_like(picture)
    lens.defocus(picture, radius, lens.TAPS, out)
    assert (out[:, 20:] == 1.0).all(), "the sharp half is untouched"
    assert out[:, :18].max() < 0.02, "and gives nothing to the blurred one"


def test_defocus_agrees_with_a_slow_loop():
    rng = np.random.default_rng(2)
    picture = rng.uniform(size=(9, 11, 3)).astype(np.float32)
    radius = rng.uniform(0.0, 3.0, (9, 11)).astype(np.float32)
    out = np.empty_like(picture)
    lens.defocus(picture, radius, lens.TAPS, out)
    for i in range(9):
        for j in range(11):
            own, total, sum_ = radius[i, j], 1.0, picture[i, j].astype(float)
            for dx, dy in (lens.TAPS * own) if own > lens.SHARP else []:
                r, c = np.clip(int(i + 0.5 + dy), 0, 8), np.clip(int(j + 0.5 + dx), 0, 10)
                weight = np.clip(radius[r, c] - np.hypot(dx, dy) + 1.0, 0.0, 1.0)
                total += weight
                sum_ = sum_ + weight * picture[r, c]
            np.testing.assert_allclose(out[i, j], sum_ / total, rtol=1e-5)


def test_the_blur_is_a_thin_lens():
    inverse = np.array([[1 / 0.68, 1 / 0.78, 0.0]], np.float32)
    radius = lens.blur_radius(np.tile(inverse, (200, 100)), focus=0.68, aperture=0.02, focal=1200.0)
    assert radius[0, 0] < 1e-3
    np.testing.assert_allclose(radius[0, 1], 0.5 * 1200 * 0.02 * (1 / 0.68 - 1 / 0.78), rtol=1e-3)
    assert abs(radius[0, 2] - radius[0, 1]) < 1e-4, "hair and ground count as the outline of the head"
    wide = lens.blur_radius(np.tile(inverse, (200, 100)), focus=0.1, aperture=0.5, focal=1200.0)
    assert wide.max() == pytest.approx(lens.LARGEST * 200)


@pytest.mark.parametrize("wrong", [0.0, -2.0, 200.0])
def test_impossible_lenses_are_refused(wrong):
    with pytest.raises(OptionError, match="f-number"):
        make_scene(camera="front", light="studio", width=64, height=64, f_number=wrong)
