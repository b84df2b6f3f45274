"""Hair styles: outside of every head, on the skull and not on the jaw, covering, the same every time, and lit alike."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from face_emote.core.errors import HeadError, OptionError
from face_emote.core.names import HAIR_STYLES
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.characters import character, characters, natural_hair_colour
from face_emote.face.identity import identity
from face_emote.look.hair import HairCurves, hair_on, light_under_hair, mean_hair_colour, style_geometry, wearing
from face_emote.look.hair_follow import skull_frame
from face_emote.look.hair_loss import left, loss
from face_emote.look.hair_shape import carried
from face_emote.look.hair_styles import GROWN_STYLES, HAIR_FILE, load_anchors, load_style
from face_emote.look.head_shell import CENTRE, farthest, head_shell, pushed_out
from face_emote.look.surface import SkinSurface, layout_skin
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import make_scene
from tools.bake_skin.mesh import topology_code

HAIRY = [style for style in HAIR_STYLES if style != "none"]


@pytest.fixture(scope="module")
def surface() -> SkinSurface:
    layout = load_head().layout
    assert layout is not None
    return layout_skin(layout)


def skin_of(surface: SkinSurface, vertices: np.ndarray) -> np.ndarray:
    return surface.matrix.apply(vertices[surface.vertex_index].astype(np.float64)).astype(np.float32)


def hair_of(style: str, *, seed: int | None = None, detail: float = 0.1, **look: Any) -> HairCurves:
    head = load_head()
    if seed is not None:
        head = head.with_identity(identity(seed=seed, gender=(seed % 5) / 4, age=0.34 + 0.6 * (seed % 7) / 6))
    return style_geometry(head, skin=SkinParams(hair_style=style, **look), detail=detail)


def test_the_styles_belong_to_this_head():
    layout = load_head().layout
    assert layout is not None
    with np.load(HAIR_FILE) as file:
        assert int(file["topology"][0]) == topology_code(layout.quads, quad_part=layout.quad_part), (
            "The head's quads changed: run python -m tools.bake_hair"
        )
    assert HAIR_FILE.stat().st_size < 1.5e6


@pytest.mark.parametrize("name", GROWN_STYLES)
def test_stored_styles_are_well_formed(name, surface):
    style = load_style(name)
    assert style.triangle.max() < len(surface.triangles) and style.guide_triangle.max() < len(surface.triangles)
    assert style.guides.max() < len(style.guide_triangle) and style.clump.max() < style.num_strands
    np.testing.assert_allclose(style.mix.sum(axis=1), 1.0, atol=5e-3)
    assert np.isfinite(style.guide_knots).all()


@pytest.mark.parametrize("style", HAIRY)
def test_the_same_person_has_the_same_hair_every_time(style):
    first, again = (hair_of(style, seed=2, hair_curl=0.4) for _ in range(2))
    for name in ("points", "width", "colour", "openness", "outward"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_no_style_is_no_strand():
    assert hair_of("none").num_strands == 0
    assert hair_of("crop", hair_length=0.0).num_strands == 0


def test_strands_stay_out_of_twenty_random_heads_and_off_the_face(surface):
    triangles = surface.triangles[np.isin(surface.part, (0, 1))]
    template = skin_of(surface, load_head().template)
    for seed in range(20):
        head = load_head().with_identity(identity(seed=seed, gender=(seed % 5) / 4, age=0.34 + 0.6 * (seed % 7) / 6))
        points = skin_of(surface, head.template)
        shell, eyes = head_shell(points, triangles), head.joints()[3:5]
        for style in HAIRY:
            skin = SkinParams(hair_style=style, hair_curl=0.25 * (seed % 4))
            hair = hair_on(surface, template=template, points=points, skin=skin, detail=0.03)
            height = shell.height(hair.points.reshape(-1, 3)).reshape(hair.points.shape[:2])
            # The shell lies a little outside the skin; a strand rises through that within its first millimetres.
            beyond = np.linalg.norm(hair.points - hair.points[:, :1], axis=2) > 0.006
            if style == "crop":  # behind the ears the outermost skin is the ear
                assert (height[beyond] > -0.001).mean() > 0.97, seed
                continue
            assert height[beyond].min() > -0.001, (style, seed)
            x, y, z = hair.points.reshape(-1, 3).T
            before = (z > eyes[:, 2].mean() - 0.01) & (y < eyes[:, 1].mean() + 0.018)
            assert not (before & (np.abs(x) < np.abs(eyes[:, 0]).mean() + 0.012)).any(), (style, seed)


@pytest.mark.parametrize("style", HAIRY)
def test_roots_are_where_they_are_said_to_be(surface, style):
    head = load_head().with_identity(character("james").betas)
    hair = style_geometry(head, skin=SkinParams(hair_style=style), detail=0.1)
    corners = skin_of(surface, head.template)[surface.triangles[hair.triangle]]
    gap = np.linalg.norm(np.einsum("sk,skd->sd", hair.weights, corners) - hair.points[:, 0], axis=1)
    from_the_skin = gap < 1e-3
    assert from_the_skin.mean() > (0.8 if style == "tied" else 0.9999), "all but the bun"


def test_hair_follows_the_head_and_not_the_jaw():
    head = load_head()
    frame = skull_frame(head)
    opened = head.pose_vertices(
        expression=np.zeros((1, 100), np.float32), jaw_pose=np.array([[0.5, 0.1, 0.0]], np.float32)
    )
    np.testing.assert_allclose(frame.transform(opened[0]), np.eye(3, 4), atol=1e-4)
    turn = np.array([[0.1, 0.5, 0.0]], np.float32)
    nodded = head.pose_vertices(
        expression=np.zeros((1, 100), np.float32), jaw_pose=np.zeros((1, 3), np.float32), neck_pose=turn
    )[0]
    moved = frame.transform(nodded)
    np.testing.assert_allclose(
        head.template[frame.vertex] @ moved[:, :3].T + moved[:, 3], nodded[frame.vertex], atol=3e-4
    )
    assert np.arccos((np.trace(moved[:, :3]) - 1.0) / 2.0) == pytest.approx(np.linalg.norm(turn), abs=0.02)


@pytest.mark.parametrize("style", HAIRY)
def test_hair_covers_the_scalp_without_a_bald_spot(style):
    points = hair_of(style, detail=1.0).points
    hull = farthest(points.reshape(-1, 3))
    rows, columns = hull.shape
    # From 18 degrees over the horizon up to the crown, behind the ears: 8 mm patches, every one of them holds hair.
    scalp = hull[4 : round(0.40 * rows), :][:, np.r_[: columns // 4, 3 * columns // 4 : columns]]
    patches = scalp[: len(scalp) // 3 * 3].reshape(len(scalp) // 3, 3, -1, 3).max(axis=(1, 3))
    assert (patches > 0.0).all()


def test_medium_hair_reaches_the_jaw_and_tied_hair_bares_the_neck():
    medium, tied, short = (hair_of(style).points[..., 1].min(axis=1) for style in ("medium", "tied", "short"))
    assert -0.085 < np.percentile(medium, 5) < -0.05
    assert np.percentile(tied, 1) > -0.045 and np.percentile(short, 1) > -0.055
    front = hair_of("short").points
    assert front[..., 1].max() > load_head().template[:, 1].max() + 0.008, "volume on top"


def test_curls_wind_hair_up():
    straight, wavy, curly = (hair_of("short", hair_curl=curl) for curl in (0.0, 0.3, 1.0))

    def winding(hair: HairCurves) -> float:
        length = np.linalg.norm(np.diff(hair.points, axis=1), axis=2).sum(axis=1)
        return float(np.median(length / np.linalg.norm(hair.points[:, -1] - hair.points[:, 0], axis=1)))

    assert winding(straight) < winding(wavy) < winding(curly)


def test_fewer_strands_are_wider():
    many, few = hair_of("medium", detail=1.0), hair_of("medium", detail=0.25)
    assert few.num_strands == pytest.approx(0.25 * many.num_strands, rel=0.01)
    assert 2.0 < few.width.mean() / many.width.mean() < 4.0


def test_hair_is_darkest_at_the_roots_and_inside():
    hair = hair_of("medium", detail=0.3)
    assert hair.openness.min() > 0.0 and hair.openness.max() <= 1.0
    assert np.percentile(hair.openness, 10) < 0.2 and np.percentile(hair.openness, 90) > 0.85
    assert hair.openness[:, :2].mean() < hair.openness[:, -4:].mean()
    assert (hair.colour[:, -1] > hair.colour[:, 0]).all()


def test_natural_colours_run_from_blond_to_black_and_turn_red():
    blond, brown, black = (natural_hair_colour(eumelanin=amount) for amount in (0.05, 0.5, 3.0))
    assert all(a > b > c for a, b, c in zip(blond, brown, black, strict=True))
    plain, red = natural_hair_colour(eumelanin=0.2), natural_hair_colour(eumelanin=0.05, pheomelanin=1.0)
    assert red[0] / red[2] > 2.0 * plain[0] / plain[2]


def test_grey_is_a_share_of_white_hairs():
    skin = SkinParams(hair_style="short", hair_colour=(0.02, 0.01, 0.005))
    young, half, old = (
        style_geometry(load_head(), skin=replace(skin, hair_grey=grey), detail=0.2).colour.mean()
        for grey in (0.0, 0.5, 1.0)
    )
    assert young < half < old
    assert half == pytest.approx(0.5 * (young + old), rel=0.1)
    assert mean_hair_colour(skin) == skin.hair_colour
    assert min(mean_hair_colour(replace(skin, hair_grey=1.0))) > 0.4


def test_hair_is_lost_from_crown_and_temples_first():
    places = np.array([[0.0, 0.150, -0.035], [0.0, 0.140, 0.06], [0.07, 0.03, -0.05], [0.0, 0.0, -0.08]], np.float32)
    crown, top, side, nape = left(loss(places), 0.6)
    assert crown < top and side == nape == 1.0
    assert left(loss(places), 1.0)[1] < 0.1
    np.testing.assert_array_equal(left(loss(places), 0.0), 1.0)
    few, many = hair_of("crop", hair_loss=1.0, detail=1.0), hair_of("crop", detail=1.0)
    assert 0.3 < few.num_strands / many.num_strands < 0.75


def test_unknown_styles_are_refused_naming_them_all():
    with pytest.raises(OptionError, match="'mullet'; choose one of none, crop, short, medium, tied"):
        wearing(SkinParams(), "mullet")
    with pytest.raises(OptionError, match="mullet"):
        style_geometry(load_head(), skin=SkinParams(hair_style="mullet"))
    with pytest.raises(HeadError, match="bundled head"):
        style_geometry(replace(load_head(), layout=None), skin=SkinParams())
    assert wearing(SkinParams(), None) == SkinParams()
    assert wearing(SkinParams(), "tied").hair_style == "tied"


def test_every_style_is_worn_by_somebody_and_curls_too():
    looks = [person.skin for person in characters()]
    assert {skin.hair_style for skin in looks} >= {"crop", "short", "medium", "tied"}
    assert max(skin.hair_curl for skin in looks) == 1.0 and max(skin.hair_loss for skin in looks) > 0.5


def test_carried_points_move_as_their_anchors_do():
    rng = np.random.default_rng(1)
    anchors = rng.normal(0.0, 0.1, (40, 3)).astype(np.float32)
    points = rng.normal(0.0, 0.1, (30, 3)).astype(np.float32)
    turn = np.array([[1.1, 0.1, 0.0], [0.0, 0.95, 0.05], [0.02, 0.0, 1.0]])
    affine = lambda p: (p @ turn.T + [0.01, -0.02, 0.03]).astype(np.float32)  # noqa: E731
    np.testing.assert_allclose(carried(points, anchors=anchors, moved=affine(anchors)), affine(points), atol=1e-5)
    bumps = anchors + rng.normal(0.0, 0.003, anchors.shape).astype(np.float32)
    np.testing.assert_allclose(carried(anchors, anchors=anchors, moved=bumps), bumps, atol=1e-5)
    assert len(load_anchors()) > 100


def test_a_shell_knows_a_ball():
    down, around = np.meshgrid(np.linspace(0.0, np.pi, 61), np.linspace(0.0, 2.0 * np.pi, 121), indexing="ij")
    ball = np.stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], axis=-1)
    ball = (CENTRE + 0.09 * ball.reshape(-1, 3)).astype(np.float32)
    corner = (np.arange(60)[:, None] * 121 + np.arange(120)).reshape(-1)
    triangles = np.concatenate([corner[:, None] + [0, 121, 1], corner[:, None] + [1, 121, 122]]).astype(np.int32)
    shell = head_shell(ball, triangles)
    np.testing.assert_allclose(shell.radius, 0.09, atol=3e-4)
    inside = CENTRE + 0.5 * (ball[:50] - CENTRE)
    out = pushed_out(inside, shell, clearance=np.full(50, 0.002, np.float32))
    np.testing.assert_allclose(np.linalg.norm(out - CENTRE, axis=1), 0.092, atol=3e-4)
    np.testing.assert_allclose(pushed_out(out, shell, clearance=np.zeros(50, np.float32)), out, atol=1e-7)


SIZE = 128


def picture_of(style: str, *, camera: str = "front", **look: Any) -> np.ndarray:
    person = character("maya")
    head = load_head()
    scene = make_scene(camera=camera, light="studio", width=SIZE, height=SIZE)
    skin = replace(person.skin, hair_style=style, **look)
    renderer = FastRenderer(head, betas=person.betas, skin=skin, scene=scene)
    vertices = head.with_identity(person.betas).template.astype(np.float32)
    return renderer.render(Pose(vertices, np.zeros(16, np.float32), np.zeros(8, np.float32))).astype(float)


def test_styles_look_different_and_leave_the_face_free():
    bare, crop, short, medium, tied = (picture_of(style) for style in HAIR_STYLES)
    face = (slice(int(0.42 * SIZE), int(0.72 * SIZE)), slice(int(0.40 * SIZE), int(0.60 * SIZE)))
    for one in (crop, short, medium, tied):
        assert np.abs(one - bare).max(axis=2)[: SIZE // 4].mean() > 22, "dark hair where bare skin was"
        assert np.abs(one[face] - bare[face]).mean() < 4.0
    hidden_ears = np.abs(medium - tied).sum(axis=2)[int(0.4 * SIZE) : int(0.6 * SIZE)]
    assert (hidden_ears > 60).mean() > 0.05


def test_hair_casts_its_shadow_on_the_skin_and_keeps_the_sky_from_it():
    bare, short = picture_of("none"), picture_of("short")
    is_skin = [(picture[..., 0] - picture[..., 2] > 35) & (picture[..., 0] > 60) for picture in (bare, short)]
    both = is_skin[0] & is_skin[1]
    ratio = short.sum(axis=2)[both] / bare.sum(axis=2)[both]
    assert (ratio < 0.85).mean() > 0.01, "a shadow under the hair"
    assert np.median(ratio) > 0.98, "and none elsewhere"
    head = load_head()
    light = light_under_hair(hair_of("medium", detail=0.5), head.template)
    assert light.min() < 0.5 and light.max() == 1.0
    places = np.array([[0.083, 0.02, 0.0], [0.0, 0.0, 0.13]])
    ear, nose = (light[np.argmin(np.linalg.norm(head.template - place, axis=1))] for place in places)
    assert ear < 0.6 and nose > 0.97


@pytest.mark.slow
def test_growing_again_gives_the_same_styles():
    baker = pytest.importorskip("tools.bake_hair.__main__", reason="the bakers need scipy")
    from tools.bake_skin.mesh import skin_mesh

    fresh = baker.bake(skin_mesh(load_head(), levels=1))
    with np.load(HAIR_FILE) as file:
        for name in fresh:
            assert (np.abs(fresh[name].astype(int) - file[name].astype(int)) > 2).mean() < 1e-2, name
