"""Strands: rooted in the right skin, outside of eyes and lids, and carried along with it."""

import numpy as np
import pytest

from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.face.bundled import load_head
from face_emote.face.rig import pose_from_controls
from face_emote.look.strands import (
    GROUPS,
    HAIR_LENGTH,
    STRAND_FILE,
    StrandGroup,
    load_strands,
    pose_strands,
    triangle_frames,
)
from face_emote.look.surface import SkinSurface, layout_skin
from tools.bake_skin.mesh import topology_code

LASHES = [name for name in GROUPS if name.startswith("lash")]


@pytest.fixture(scope="module")
def surface() -> SkinSurface:
    layout = load_head().layout
    assert layout is not None
    return layout_skin(layout)


def skin_corners(surface: SkinSurface, vertices: np.ndarray, group: StrandGroup) -> np.ndarray:
    points = surface.matrix.apply(vertices[surface.vertex_index].astype(np.float64))
    return points[surface.triangles[group.triangle]].astype(np.float32)


def posed_head(**controls: float) -> np.ndarray:
    head = load_head()
    values = np.zeros((1, NUM_EXPRESSION), np.float32)
    for name, value in controls.items():
        values[0, CONTROLS.index(name)] = value
    pose = pose_from_controls(values, control_joints=head.control_joints)
    return head.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)[0]


def knots(surface: SkinSurface, group: StrandGroup, vertices: np.ndarray) -> np.ndarray:
    rest = skin_corners(surface, load_head().template, group)
    return pose_strands(group, rest_triangles=rest, posed_triangles=skin_corners(surface, vertices, group))


def eyeball(vertices: np.ndarray, name: str) -> tuple[np.ndarray, float]:
    """Centre and mean radius."""
    layout = load_head().layout
    assert layout is not None
    ball = vertices[layout.vertices_of("eyeL" if name.endswith("left") else "eyeR")]
    centre = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
    return centre, float(np.linalg.norm(ball - centre, axis=1).mean())


def test_the_strands_belong_to_this_head():
    layout = load_head().layout
    assert layout is not None
    with np.load(STRAND_FILE) as file:
        assert int(file["topology"][0]) == topology_code(layout.quads, quad_part=layout.quad_part), (
            "The head's quads changed: run python -m tools.bake_skin"
        )


def test_every_group_is_there_in_its_place(surface):
    strands = load_strands()
    assert tuple(group.name for group in strands.groups) == GROUPS
    for group in strands.groups:
        assert group.num_strands > 50
        assert group.triangle.min() >= 0 and group.triangle.max() < len(surface.triangles)
        assert np.isin(surface.part[group.triangle], (0, 1)).all(), f"{group.name} grows inside the mouth or an eye"
        np.testing.assert_allclose(group.weights.sum(axis=1), 1.0, atol=1e-6)
        assert group.weights.min() >= -1e-6
        assert (group.offsets[:, 0] == 0.0).all()
        root = 1e3 * knots(surface, group, load_head().template)[:, 0]
        if group.name != "scalp":
            side = 1.0 if group.name.endswith("left") else -1.0
            low, high = (6.0, 57.0) if group.name.startswith("brow") else (17.0, 50.0)
            assert low < (side * root[:, 0]).min() and (side * root[:, 0]).max() < high, group.name
            low, high = (48.0, 70.0) if group.name.startswith("brow") else (33.0, 50.0)
            assert low < root[:, 1].min() and root[:, 1].max() < high, group.name


def test_lengths_are_those_of_hair():
    bounds = {"brow": (3.0, 10.5), "lash_upper": (2.8, 11.0), "lash_lower": (1.6, 7.0), "scalp": (0.8, 12.1)}
    for group in load_strands().groups:
        kind = next(key for key in bounds if group.name.startswith(key))
        length = 1e3 * np.linalg.norm(np.diff(group.offsets, axis=1), axis=2).sum(axis=1)
        assert bounds[kind][0] < length.min() and length.max() < bounds[kind][1], (
            group.name,
            length.min(),
            length.max(),
        )


def test_on_the_template_the_knots_are_root_plus_offset(surface):
    group = load_strands().group("brow_left")
    rest = skin_corners(surface, load_head().template, group)
    posed = pose_strands(group, rest_triangles=rest, posed_triangles=rest)
    expected = np.einsum("sk,skd->sd", group.weights, rest)[:, None] + group.offsets
    np.testing.assert_allclose(posed, expected, atol=2e-6)


def test_posing_equals_its_loop_twin_and_follows_rigid_motion():
    rng = np.random.default_rng(3)
    group = load_strands().group("lash_upper_left").thinned(0.1)
    count = group.num_strands
    rest = rng.normal(size=(count, 3, 3)).astype(np.float32)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    posed = (rest @ turn.T + [0.1, 0.2, 0.3]).astype(np.float32)
    fast = pose_strands(group, rest_triangles=rest, posed_triangles=posed)
    for s in range(count):
        at_rest = group.weights[s] @ rest[s]
        for k in range(group.offsets.shape[1]):
            np.testing.assert_allclose(fast[s, k], turn @ (at_rest + group.offsets[s, k]) + [0.1, 0.2, 0.3], atol=2e-5)


def test_triangle_frames_are_right_handed_and_orthonormal():
    frames = triangle_frames(np.random.default_rng(4).normal(size=(50, 3, 3)))
    np.testing.assert_allclose(frames.transpose(0, 2, 1) @ frames, np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(frames), 1.0, atol=1e-9)
    assert np.isfinite(triangle_frames(np.zeros((1, 3, 3)))).all()


@pytest.mark.parametrize("blink", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", LASHES)
def test_lashes_stay_outside_the_eyeball(surface, name, blink):
    vertices = posed_head(eyeBlinkLeft=blink, eyeBlinkRight=blink)
    points = knots(surface, load_strands().group(name), vertices)
    centre, radius = eyeball(vertices, name)
    assert np.linalg.norm(points - centre, axis=2).min() > radius - 2e-4


@pytest.mark.parametrize("name", LASHES)
def test_lashes_point_away_from_the_eye_and_fan_out(surface, name):
    vertices = load_head().template
    points = 1e3 * knots(surface, load_strands().group(name), vertices)
    way = points[:, -1] - points[:, 0]
    centre, _ = eyeball(vertices, name)
    assert (np.einsum("sd,sd->s", way, points[:, 0] - 1e3 * centre) > 0.0).mean() > 0.97, "away from the eye"
    upper = "upper" in name
    assert ((way[:, 1] > 0.0) if upper else (way[:, 1] < 0.0)).mean() > 0.9, "up, or down"
    outward = (1.0 if name.endswith("left") else -1.0) * points[:, 0, 0]
    lean = (1.0 if name.endswith("left") else -1.0) * way[:, 0]
    assert np.corrcoef(outward, lean)[0, 1] > 0.7


@pytest.mark.parametrize("name", ["brow_left", "brow_right"])
def test_brow_hairs_lie_close_to_the_skin_and_above_it(surface, name):
    from scipy.spatial import cKDTree

    group = load_strands().group(name)
    head = load_head()
    points = surface.matrix.apply(head.template[surface.vertex_index].astype(np.float64))
    corner = points[surface.triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    tips = knots(surface, group, head.template)[:, 1:].reshape(-1, 3)
    _, near = cKDTree(corner.mean(axis=1)).query(tips)
    height = np.einsum("pd,pd->p", tips - corner[near].mean(axis=1), normal[near])
    assert np.percentile(height, 2) > -2e-4
    assert np.percentile(height, 98) < 1.8e-3


def test_inner_brow_hairs_stand_up_and_outer_ones_lie_outward(surface):
    points = knots(surface, load_strands().group("brow_left"), load_head().template)
    x, way = 1e3 * points[:, 0, 0], points[:, -1] - points[:, 0]
    angle = np.degrees(np.arctan2(way[:, 1], way[:, 0]))
    assert np.median(angle[x < 14]) > 50.0
    assert -50.0 < np.median(angle[x > 45]) < 0.0


def test_any_first_part_of_a_group_is_an_even_selection(surface):
    group = load_strands().group("scalp")
    all_roots = knots(surface, group, load_head().template)[:, 0]
    part = knots(surface, group.thinned(0.2), load_head().template)[:, 0]
    np.testing.assert_allclose(part.mean(axis=0), all_roots.mean(axis=0), atol=2e-3)
    np.testing.assert_allclose(part.std(axis=0), all_roots.std(axis=0), atol=2e-3)
    assert group.thinned(0.0).num_strands == 0 and group.thinned(3.0).num_strands == group.num_strands


def test_lengthening_scales_offsets_alone():
    group = load_strands().group("scalp")
    half = group.lengthened(0.5)
    np.testing.assert_allclose(half.offsets, 0.5 * group.offsets, atol=1e-9)
    np.testing.assert_array_equal(half.triangle, group.triangle)
    assert (
        0.9 * HAIR_LENGTH
        < np.linalg.norm(np.diff(group.offsets, axis=1), axis=2).sum(axis=1).max()
        <= 1.01 * HAIR_LENGTH
    )


def test_scalp_hair_is_on_the_scalp_and_the_face_is_bare(surface):
    x, y, z = 1e3 * knots(surface, load_strands().group("scalp"), load_head().template)[:, 0].T
    assert not ((z > 60) & (y < 70)).any()
    assert not ((np.abs(x) < 20) & (z > 60) & (y < 92)).any()
    assert (y > -45).all()
    assert ((y > 120).mean() > 0.1) and ((z < -60).mean() > 0.1)


def test_the_asset_stays_small():
    assert STRAND_FILE.stat().st_size < 3e6


@pytest.mark.slow
def test_growing_again_gives_the_same_strands():
    baker = pytest.importorskip("tools.bake_skin.__main__", reason="the bakers need scipy")
    from tools.bake_skin.mesh import skin_mesh

    fresh = baker.bake_strands(skin_mesh(load_head(), levels=1))
    with np.load(STRAND_FILE) as file:
        for name in fresh:
            assert (np.abs(fresh[name].astype(int) - file[name].astype(int)) > 2).mean() < 1e-2, name
