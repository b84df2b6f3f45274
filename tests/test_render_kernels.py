"""The compiled kernels against plain loops and numpy."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose

from face_emote.core.cameras import CAMERAS
from face_emote.face.subdivision import catmull_clark
from face_emote.rendering.scene import focal_pixels, view_matrix
from face_emote.rendering.stage import cache, kernels, shadow
from face_emote.rendering.stage.buffers import Lighting
from face_emote.rendering.stage.lights import light_frame


@pytest.fixture
def triangles():
    rng = np.random.default_rng(3)
    corners = rng.uniform(2, 30, (40, 1, 2)) + rng.uniform(-9, 9, (40, 3, 2))
    screen = np.zeros((120, 4), np.float32)
    screen[:, :2] = corners.reshape(-1, 2)
    screen[:, 3] = rng.uniform(1, 3, 120)
    screen[:, 2] = 1 / screen[:, 3]
    return screen, np.arange(120, dtype=np.int32).reshape(-1, 3)


def visibility_ref(screen, triangles, size):
    face_id = np.full((size, size), -1)
    nearest = np.zeros((size, size))
    for t, corners in enumerate(triangles):
        (x0, y0), (x1, y1), (x2, y2) = screen[corners, :2].astype(float)
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area >= 0:
            continue
        for i in range(size):
            for j in range(size):
                px, py = j + 0.5, i + 0.5
                b0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
                b1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
                w = np.array([b0, b1, 1 - b0 - b1]) @ screen[corners, 3]
                if min(b0, b1, 1 - b0 - b1) >= 0 and w > nearest[i, j]:
                    face_id[i, j], nearest[i, j] = t, w
    return face_id, nearest


def test_the_z_buffer_agrees_with_a_slow_loop(triangles):
    screen, corners = triangles
    face_id, inverse_depth = np.zeros((32, 32), np.int32), np.zeros((32, 32), np.float32)
    kernels.visibility(screen, corners, face_id, inverse_depth)
    slow_id, slow_depth = visibility_ref(screen, corners, 32)
    assert (slow_id >= 0).mean() > 0.3
    assert (face_id == slow_id).mean() > 0.995  # samples on an edge may fall to either side
    same = face_id == slow_id
    assert_allclose(inverse_depth[same], slow_depth[same], rtol=1e-5)


def test_neighbouring_triangles_leave_no_gap_and_no_overlap():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.linspace(-1, 33, 9), np.linspace(-1, 33, 9)), axis=-1)
    grid[1:-1, 1:-1] += rng.uniform(-1.5, 1.5, (7, 7, 2))
    screen = np.zeros((81, 4), np.float32)
    screen[:, :2], screen[:, 2:] = grid.reshape(-1, 2), 1.0
    a = (np.arange(8)[:, None] * 9 + np.arange(8)).ravel()
    corners = np.concatenate([np.stack([a, a + 9, a + 1], 1), np.stack([a + 1, a + 9, a + 10], 1)]).astype(np.int32)
    face_id, depth = np.zeros((32, 32), np.int32), np.zeros((32, 32), np.float32)
    kernels.visibility(screen, corners, face_id, depth)
    assert (face_id >= 0).all()


def test_depth_maps_hold_the_nearest_surface_towards_the_light():
    points = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    points = np.concatenate([points, points * 0.5 + [0, 0, 0.4]]).astype(np.float32)
    corners = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    depth, mapped = np.zeros((40, 40), np.float32), np.zeros((8, 3), np.float32)
    frame = light_frame(np.array([0.0, 0.0, 1.0]))
    kernels.depth_map(points, corners, frame, np.zeros(3), 2.0, mapped, depth)
    assert_allclose(depth[20, 20], -0.4, atol=1e-6)
    assert_allclose(depth[20, 11], 0.0, atol=1e-6)
    assert depth[2, 2] == 1e9


def test_shadow_moments_are_two_box_filters_one_after_the_other():
    rng = np.random.default_rng(4)
    depth = rng.uniform(-0.2, 0.2, (24, 24)).astype(np.float32)
    depth[:6] = 1e9
    spare, out = np.zeros((24, 24, 2), np.float32), np.zeros((24, 24, 2), np.float32)
    shadow.shadow_moments(depth, 2, spare, out)

    def box_ref(values):
        near = lambda k: min(max(k, 0), 23)  # noqa: E731
        return np.array(
            [[np.mean([values[near(i + a), near(j + b)] for a in range(-2, 3) for b in range(-2, 3)], axis=0)
              for j in range(24)] for i in range(24)]
        )  # fmt: skip

    z = np.minimum(depth, shadow.FAR).astype(float)
    expected = box_ref(box_ref(np.stack([z, z * z], axis=2)))
    assert_allclose(out, expected, atol=2e-6)


def test_the_key_light_is_seen_before_a_wall_and_not_behind_it():
    """A wall over the left half of the light's map, 5 cm towards the light."""
    depth = np.full((64, 64), 1e9, np.float32)
    depth[:, :32] = -0.05
    spare, moments = np.zeros((64, 64, 2), np.float32), np.zeros((64, 64, 2), np.float32)
    shadow.shadow_moments(depth, 2, spare, moments)
    frame = light_frame(np.array([0.0, 0.0, 1.0]))
    light = Lighting(np.zeros(3), moments, frame, np.zeros(3), 0.19)

    @numba.njit
    def seen(light, x, z):
        return shadow.key_light_seen(light, x, 0.0, z, 0.0, 0.0, 1.0)

    assert seen(light, -0.1, 0.0) < 0.01
    assert seen(light, -0.1, 0.06) == 1.0, "in front of the wall"
    assert seen(light, 0.1, 0.0) == 1.0
    across = [seen(light, x, 0.0) for x in np.linspace(-0.05, 0.05, 200)]
    assert (np.diff(across) > -1e-6).all() and np.diff(across).max() < 0.2, "no steps"
    assert seen(light, 0.5, 0.0) == 1.0, "outside the map"


def test_sparse_rows_and_projection_agree_with_numpy():
    quads = np.array([[0, 1, 2, 3], [1, 4, 5, 2]])
    rows, _ = catmull_clark(quads, num_vertices=6)
    values = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    out = np.zeros((rows.num_rows, 3), np.float32)
    kernels.apply_rows(rows.start, rows.index, rows.weight, values, out)
    assert_allclose(out, rows.apply(values), atol=1e-6)
    camera = CAMERAS["portrait"]
    view, focal = view_matrix(camera), focal_pixels(camera, width=64, height=48)
    screen = np.zeros((1, 4), np.float32)
    kernels.project(np.array([camera.target], np.float32), view, focal, 32.0, 24.0, screen)
    distance = np.linalg.norm(np.subtract(camera.position, camera.target))
    assert_allclose(screen[0], [32, 24, distance, 1 / distance], rtol=1e-5)


def test_normals_of_a_sphere_point_outwards():
    turn, height = np.meshgrid(np.linspace(0, 2 * np.pi, 25)[:-1], np.linspace(0.2, np.pi - 0.2, 16))
    points = np.stack([np.sin(height) * np.sin(turn), np.cos(height), np.sin(height) * np.cos(turn)], -1)
    a = (np.arange(15)[:, None] * 24 + np.arange(24)).ravel()
    b = (np.arange(15)[:, None] * 24 + (np.arange(24) + 1) % 24).ravel()
    corners = np.concatenate([np.stack([a, a + 24, b], 1), np.stack([b, a + 24, b + 24], 1)]).astype(np.int32)
    points = points.reshape(-1, 3).astype(np.float32)
    normals = np.zeros_like(points)
    kernels.vertex_normals(points, corners, normals)
    inner = np.abs(points[:, 1]) < 0.9
    assert_allclose((normals * points).sum(axis=1)[inner], 1.0, atol=5e-3)


def test_compiled_code_is_kept_apart_for_every_state_of_the_sources(tmp_path):
    """numba itself misses changes in the files of called functions."""
    (tmp_path / "shade.py").write_text("x = 1\n")
    first = cache.source_hash(tmp_path)
    assert cache.source_hash(tmp_path) == first
    (tmp_path / "materials.py").write_text("y = 2\n")
    assert cache.source_hash(tmp_path) != first


def test_the_cache_goes_where_it_is_told_or_where_it_can(tmp_path, monkeypatch):
    from numba.core import config

    before = config.CACHE_DIR
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    with cache.kept_here():
        assert str(config.CACHE_DIR) == str(cache.cache_folder())
        assert cache.cache_folder().is_dir()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "below"))
    with cache.kept_here():
        assert config.CACHE_DIR != str(cache.cache_folder())
    assert before == config.CACHE_DIR
