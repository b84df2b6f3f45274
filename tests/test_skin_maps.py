"""Skin colour and maps: what a renderer may rely on."""

import numpy as np
import pytest

from face_emote.core.errors import OptionError
from face_emote.core.types import SkinParams
from face_emote.face.bundled import load_head
from face_emote.look import colour
from face_emote.look.maps import MAP_FILE, SIZES, WRINKLE_DEPTH, height_gradient, load_skin_maps
from face_emote.look.surface import SKIN_PARTS, SkinSurface, layout_skin


@pytest.fixture(scope="module")
def surface() -> SkinSurface:
    layout = load_head().layout
    assert layout is not None
    return layout_skin(layout)


@pytest.fixture(scope="module")
def places(surface) -> np.ndarray:
    """Template position in mm of the middle of every refined triangle."""
    head = load_head()
    points = surface.matrix.apply(head.template[surface.vertex_index].astype(np.float64)) * 1e3
    return points[surface.triangles].mean(axis=1)


def at_triangles(image: np.ndarray, surface: SkinSurface) -> np.ndarray:
    """Nearest texel at the middle of every refined triangle."""
    size = len(image)
    u, v = surface.uv[surface.uv_triangles].mean(axis=1).T
    return image[np.floor((1.0 - v) * size).astype(int), np.floor(u * size).astype(int)]


def albedo_ref(melanin: float, haemoglobin: float, flow: float, crease: float) -> list[float]:
    """The colour model, one pixel in plain Python."""
    import math

    h = haemoglobin * math.exp(colour.BLOOD_GAIN * flow)
    out = [
        colour.EPIDERMIS + base * math.exp(-melanin * em - h * eh)
        for base, em, eh in zip(
            colour.BASE_ALBEDO, colour.MELANIN_EXTINCTION, colour.HAEMOGLOBIN_EXTINCTION, strict=True
        )
    ]
    grey = sum(w * c for w, c in zip(colour.LUMINANCE, out, strict=True))
    share = colour.PALLOR_GREYING * max(0.0, -flow)
    out = [c + share * (grey - c) for c in out]
    return [c * (1.0 - crease * (1.0 - tint)) for c, tint in zip(out, colour.CREASE_TINT, strict=True)]


def test_albedo_equals_its_plain_python_twin():
    rng = np.random.default_rng(1)
    m, h = rng.uniform(0, 3, 40), rng.uniform(0, 3, 40)
    flow, crease = rng.uniform(-1, 1, 40), rng.uniform(0, 1, 40)
    fast = colour.skin_albedo(melanin=m, haemoglobin=h, blood_flow=flow, crease=crease)
    slow = np.array([albedo_ref(*values) for values in zip(m, h, flow, crease, strict=True)])
    np.testing.assert_allclose(fast, slow, rtol=2e-6)


@pytest.mark.parametrize("melanin", [0.45, 0.7, 1.0, 1.9, 2.6])
def test_a_blush_reddens_and_pallor_pales_every_skin(melanin):
    m, h = np.full(3, melanin), np.full(3, 0.8)
    pale, rest, flushed = colour.skin_albedo(melanin=m, haemoglobin=h, blood_flow=np.array([-1.0, 0.0, 1.0]))
    assert flushed[0] / flushed[1] > 1.3 * rest[0] / rest[1]
    assert pale[0] / pale[1] < 0.9 * rest[0] / rest[1]
    assert pale[1] > 1.1 * rest[1] > 1.3 * flushed[1]


def test_zero_flow_and_no_crease_change_nothing():
    m, h = np.array([0.6, 2.0]), np.array([0.6, 0.9])
    np.testing.assert_array_equal(
        colour.skin_albedo(melanin=m, haemoglobin=h),
        colour.skin_albedo(melanin=m, haemoglobin=h, blood_flow=np.zeros(2), crease=np.zeros(2)),
    )


@pytest.mark.parametrize("size", SIZES)
def test_maps_are_finite_and_in_range(size):
    maps = load_skin_maps(SkinParams(age=1.0, freckles=1.0, beard=1.0, lip_colour=1.0, melanin=2.6), size=size)
    bounds = {
        "melanin": (0.0, 6.0),
        "haemoglobin": (0.0, 5.0),
        "specular": (0.0, 2.0),
        "wrinkle_height": (-1.16, 0.94),
        "hair_coverage": (0.0, 1.0),
        "lips": (0.0, 1.001),
        "inside": (0.0, 1.001),
    }
    for name, (low, high) in bounds.items():
        image = getattr(maps, name)
        assert image.shape == (size, size) and image.dtype == np.float32, name
        assert low <= image.min() and image.max() <= high, (name, image.min(), image.max())
    for name in ("bump_gradient", "wrinkle_gradient"):
        assert getattr(maps, name).shape == (size, size, 2)
        assert np.isfinite(getattr(maps, name)).all()


def test_another_size_is_refused_with_the_sizes_that_exist():
    with pytest.raises(OptionError, match=r"512, 1024, 2048 texels, not 300"):
        load_skin_maps(SkinParams(), size=300)


def test_height_gradient_equals_its_loop_twin():
    height = np.random.default_rng(2).normal(size=(9, 9)).astype(np.float32)
    fast = height_gradient(height, depth=0.5)
    for r in range(9):
        for c in range(9):
            left, right = max(c - 1, 0), min(c + 1, 8)
            up, down = max(r - 1, 0), min(r + 1, 8)
            du = 0.5 * (height[r, right] - height[r, left]) / ((right - left) / 9)
            dv = 0.5 * (height[up, c] - height[down, c]) / ((down - up) / 9)
            np.testing.assert_allclose(fast[r, c], [du, dv], rtol=1e-4, atol=1e-5)


def test_a_tilted_plane_has_the_gradient_of_its_tilt():
    s = 512
    u = (np.arange(s) + 0.5) / s
    v = 1.0 - (np.arange(s) + 0.5) / s
    plane = (3.0 * u[None, :] - 2.0 * v[:, None]).astype(np.float32)
    np.testing.assert_allclose(height_gradient(plane, depth=1.0), np.full((s, s, 2), [3.0, -2.0]), atol=2e-3)


def test_lips_are_where_the_head_has_lips_and_are_redder(surface, places):
    maps = load_skin_maps(SkinParams(), size=1024)
    lips = at_triangles(maps.lips, surface)
    x, y, z = places.T
    skin = surface.part <= 1
    assert lips[skin & ((np.abs(x) > 30) | (y > -12) | (y < -48) | (z < 85))].max() < 0.05
    middle = skin & (np.abs(x) < 12) & (np.abs(y + 28.5) < 5) & (z > 100)
    assert lips[middle].mean() > 0.8
    cheek = skin & (np.abs(np.abs(x) - 40) < 6) & (np.abs(y - 8) < 6) & (z > 60)
    blood = at_triangles(maps.haemoglobin, surface)
    assert blood[middle].mean() > 1.4 * blood[cheek].mean()


def test_cheeks_nose_and_ears_carry_more_blood_than_the_forehead(surface, places):
    blood = at_triangles(load_skin_maps(SkinParams(), size=1024).haemoglobin, surface)
    x, y, z = places.T
    skin = surface.part == 0
    forehead = blood[skin & (np.abs(x) < 25) & (np.abs(y - 85) < 8) & (z > 60)].mean()
    for name, where in {
        "cheek": (np.abs(np.abs(x) - 40) < 6) & (np.abs(y - 8) < 6) & (z > 60),
        "nose": (np.abs(x) < 6) & (np.abs(y - 5) < 5) & (z > 115),
        "ear": (np.abs(x) > 80) & (np.abs(y - 25) < 25),
    }.items():
        assert blood[skin & where].mean() > forehead + 0.15, name


@pytest.mark.parametrize(
    ("option", "where"),
    [
        ("freckles", lambda x, y, z: (np.abs(np.abs(x) - 32) < 14) & (np.abs(y - 14) < 10) & (z > 60)),
        ("beard", lambda x, y, z: (np.abs(x) < 25) & (np.abs(y + 60) < 10) & (z > 60)),
        ("age", lambda x, y, z: (np.abs(np.abs(x) - 30) < 10) & (np.abs(y - 30) < 5) & (z > 60)),
    ],
)
def test_options_darken_their_own_region_and_not_the_lips(surface, places, option, where):
    plain = load_skin_maps(SkinParams(age=0.0), size=1024)
    full = load_skin_maps(SkinParams(**{"age": 0.0} | {option: 1.0}), size=1024)
    darker = full.melanin - plain.melanin + full.hair_coverage - plain.hair_coverage
    more = at_triangles(darker, surface)
    region = (surface.part == 0) & where(*places.T)
    assert more[region].mean() > 0.01
    assert np.abs(more[at_triangles(plain.lips, surface) > 0.98]).max() < 0.05


def test_age_deepens_the_relief_at_rest():
    young, old = (load_skin_maps(SkinParams(age=age), size=1024) for age in (0.0, 1.0))
    assert np.abs(old.bump_gradient).mean() > 1.2 * np.abs(young.bump_gradient).mean()


def test_a_bald_head_has_no_scalp_paint_but_keeps_its_brows(surface, places):
    hairy = at_triangles(load_skin_maps(SkinParams(), size=1024).hair_coverage, surface)
    bald = at_triangles(load_skin_maps(SkinParams(hair_length=0.0), size=1024).hair_coverage, surface)
    x, y, z = places.T
    crown = (surface.part == 0) & (y > 130)
    brow = (surface.part == 0) & (np.abs(np.abs(x) - 28) < 5) & (np.abs(y - 60) < 2) & (z > 80)
    assert hairy[crown].min() > 0.6 and bald[crown].max() == 0.0
    np.testing.assert_array_equal(hairy[brow], bald[brow])
    assert bald[brow].mean() > 0.15


def test_creases_lie_in_their_regions_and_leave_eyes_lips_and_scalp_level(surface, places):
    from face_emote.core.names import WRINKLES
    from face_emote.look.regions import wrinkle_masks

    maps = load_skin_maps(SkinParams(), size=1024)
    height = at_triangles(maps.wrinkle_height, surface)
    masks = wrinkle_masks(places)
    for column, name in enumerate(WRINKLES):
        # Bands are mostly ridges; every other region folds.
        inside = height[(masks[:, column] > 0.5) & (surface.part <= 1)]
        assert (inside.max() > 0.15) if name == "neck_bands" else (inside.min() < -0.1), name
    covered = masks.max(axis=1)
    assert np.abs(height[covered < 1e-3]).max() < 0.12
    assert (
        np.abs(height[np.isin(surface.part, [SKIN_PARTS.index(p) for p in ("mouth", "socketL", "socketR")])]).max()
        < 0.05
    )
    assert np.abs(height[at_triangles(maps.lips, surface) > 0.9]).max() < 0.05


def test_the_relief_is_gentle_enough_to_shade(surface):
    """Slopes above 60 degrees would sparkle: measured per metre of skin, not per unit of the atlas."""
    maps = load_skin_maps(SkinParams(), size=1024)
    head = load_head()
    points = surface.matrix.apply(head.template[surface.vertex_index].astype(np.float64))
    corner, uv = points[surface.triangles], surface.uv[surface.uv_triangles].astype(np.float64)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    a, b = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    metres_per_uv = np.sqrt(area / np.maximum(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]), 1e-12))
    face = (surface.part == 0) & (places_z(points, surface) > 0.04)
    for image, high in ((maps.bump_gradient, 0.7), (maps.wrinkle_gradient, 1.7)):
        slope = np.linalg.norm(at_triangles(image, surface), axis=1)[face] / metres_per_uv[face]
        assert np.percentile(slope, 99.5) < high
        assert np.percentile(slope, 99.5) > 0.03
    assert 5e-4 <= WRINKLE_DEPTH <= 2e-3


def places_z(points: np.ndarray, surface: SkinSurface) -> np.ndarray:
    return points[surface.triangles].mean(axis=1)[:, 2]


def test_charts_join_without_a_seam(surface):
    """Along a seam two texels show one point of the skin: their colours must agree."""
    maps = load_skin_maps(SkinParams(), size=1024)
    size = maps.size
    vertex, uv_vertex = surface.triangles.reshape(-1), surface.uv_triangles.reshape(-1)
    pairs = np.unique(np.stack([vertex, uv_vertex], axis=1), axis=0)
    twin = np.flatnonzero(pairs[1:, 0] == pairs[:-1, 0])
    u, v = surface.uv[pairs[:, 1]].T
    row, column = np.clip((1.0 - v) * size, 0, size - 1).astype(int), np.clip(u * size, 0, size - 1).astype(int)
    for image, limit in ((maps.melanin, 0.12), (maps.haemoglobin, 0.35), (maps.specular, 0.3)):
        values = image[row, column]
        assert np.percentile(np.abs(values[twin + 1] - values[twin]), 95) < limit


def test_the_asset_stays_small():
    assert MAP_FILE.stat().st_size < 12e6


@pytest.mark.parametrize("bits", [8, 16])
def test_packed_maps_come_back_within_half_a_step(bits):
    pack = pytest.importorskip("tools.bake_skin.pack", reason="the bakers need scipy")
    from face_emote.look.maps import _decoded

    image = np.random.default_rng(5).normal(size=(32, 32)).astype(np.float32)
    image[:8] = 0.0
    stored, (low, step) = pack.quantised(image, bits=bits)
    back = _decoded("map", {"map": stored}).astype(np.float32) * step + low
    assert np.abs(back - image).max() <= 0.51 * step
    assert (back[:8] == 0.0).all(), "level skin stays level"
    assert step < 8.0 / 2**bits


def test_the_rasteriser_covers_what_its_loop_twin_covers():
    raster = pytest.importorskip("tools.bake_skin.raster", reason="the bakers need scipy")
    corners = np.random.default_rng(6).uniform(-4, 28, (12, 3, 2)).astype(np.float32)
    depth = np.random.default_rng(7).uniform(0, 1, (12, 1)).repeat(3, axis=1).astype(np.float32)
    index, weights = raster.rasterise(corners, shape=(24, 24), depth=depth)
    for r in range(24):
        for c in range(24):
            best, found = -np.inf, -1
            for f, (p0, p1, p2) in enumerate(corners.astype(np.float64)):
                b = np.linalg.solve([[p0[0], p1[0], p2[0]], [p0[1], p1[1], p2[1]], [1, 1, 1]], [c + 0.5, r + 0.5, 1.0])
                if b.min() >= 0.0 and depth[f, 0] > best:
                    best, found = depth[f, 0], f
            assert index[r, c] == found
            if found >= 0:
                np.testing.assert_allclose(weights[r, c] @ corners[found], [c + 0.5, r + 0.5], atol=1e-3)


@pytest.mark.slow
def test_baking_again_gives_the_same_maps():
    baker = pytest.importorskip("tools.bake_skin.__main__", reason="the bakers need scipy")
    from tools.bake_skin.mesh import skin_mesh

    fresh = baker.bake_maps(skin_mesh(load_head(), levels=2))
    with np.load(MAP_FILE) as file:
        for name in file.files:
            # Libraries round differently by version; a code in a thousand may be off.
            assert (fresh[name] != file[name]).mean() < 1e-3, name
