"""Every step of the differentiable renderer: gradients by finite differences in double, and slow loops that agree."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the differentiable renderer needs torch")

from face_emote.differentiable import light, materials, shade
from face_emote.differentiable.antialias import MIN_GAP, SAME_SURFACE, antialias, find_edges
from face_emote.differentiable.interpolate import find_pixels, interpolate
from face_emote.differentiable.mesh import Facets, project, torch_rows, vertex_normals
from face_emote.differentiable.rasterise import Visible, rasterise, rasterise_scatter
from face_emote.differentiable.texture import level_sides, mip_chain, mip_level, sample
from face_emote.face.subdivision import sparse_rows
from face_emote.rendering.fast import materials as fast_materials
from face_emote.rendering.fast.buffers import NUM_CHANNELS, Lighting, Look
from face_emote.rendering.scene import LIGHTS, Camera, focal_pixels, view_matrix
from face_emote.skin import colour

DOUBLE = torch.float64
SIZE = 24
CAMERA = Camera((0.05, 0.02, 0.7), (0.0, 0.0, 0.0), 0.5)
LIT = light.make_lights(LIGHTS["studio"], dtype=DOUBLE)


def gradients_are_right(function, *inputs):
    return torch.autograd.gradcheck(function, [x.clone().requires_grad_() for x in inputs], atol=1e-6, rtol=1e-4)


def draw(seed):
    return np.random.default_rng(seed)


def random_unit(seed, count):
    values = draw(seed).normal(size=(count, 3))
    return torch.from_numpy(values / np.linalg.norm(values, axis=1, keepdims=True))


def scene():
    """A bent sheet of 3 x 3 points before a larger triangle: silhouettes inside and outside, no symmetry."""
    y, x = np.mgrid[0:3, 0:3] * 0.08 - 0.083
    sheet = np.stack([x, -y, 0.05 - 2.0 * (x + 0.02) ** 2], -1).reshape(-1, 3)
    behind = np.array([[-0.155, -0.127, -0.1], [0.163, -0.102, -0.12], [0.021, 0.166, -0.09]])
    points = np.concatenate([sheet + draw(0).normal(size=sheet.shape) * 0.004, behind])
    corners = [[r * 3 + c, r * 3 + c + 3, r * 3 + c + 4] for r in range(2) for c in range(2)]
    corners += [[r * 3 + c, r * 3 + c + 4, r * 3 + c + 1] for r in range(2) for c in range(2)]
    return torch.from_numpy(points)[None], torch.tensor([*corners, [9, 10, 11]])


def on_screen(points, size=SIZE):
    view = torch.from_numpy(view_matrix(CAMERA))[None]
    focal = torch.tensor([focal_pixels(CAMERA, width=size, height=size)], dtype=DOUBLE)
    return project(points, view, focal=focal, width=size, height=size)


POINTS, TRIANGLES = scene()
SCREEN = on_screen(POINTS)
FACETS = Facets(TRIANGLES, num_points=12, dtype=DOUBLE)
VISIBLE = rasterise(SCREEN, TRIANGLES, width=SIZE, height=SIZE)


def rasterise_ref(screen, triangles, size):
    """Pixel by pixel, triangle by triangle."""
    ids, depth = np.full((size, size), -1), np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            for t, corners in enumerate(triangles.tolist()):
                (x0, y0, _, w0), (x1, y1, _, w1), (x2, y2, _, w2) = (screen[k].tolist() for k in corners)
                area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
                px, py = column + 0.5, row + 0.5
                a = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
                b = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
                w = a * w0 + b * w1 + (1 - a - b) * w2
                if area < 0 and min(a, b, 1 - a - b) >= 0 and w > depth[row, column]:
                    ids[row, column], depth[row, column] = t, w
    return ids, depth


def test_both_z_buffers_agree_with_a_loop():
    ids, depth = rasterise_ref(SCREEN[0], TRIANGLES, SIZE)
    assert len(np.unique(ids)) > 7, "sheet, triangle and nothing are all seen"
    for method in (rasterise, rasterise_scatter):
        found = method(SCREEN, TRIANGLES, width=SIZE, height=SIZE)
        assert np.array_equal(found.face_id[0].numpy(), ids)
        assert np.allclose(found.inverse_depth[0].numpy(), depth, atol=1e-6)


def test_triangles_that_show_their_inside_are_not_seen():
    for method in (rasterise, rasterise_scatter):
        assert (method(SCREEN, TRIANGLES.flip(1), width=SIZE, height=SIZE).face_id == -1).all()


def test_a_pixel_is_seen_at_its_centre():
    corners = torch.tensor([[[3.4, 2.4, 1.0, 1.0], [3.4, 2.6, 1.0, 1.0], [3.6, 2.5, 1.0, 1.0]]], dtype=DOUBLE)
    for method in (rasterise, rasterise_scatter):
        seen = method(corners, torch.tensor([[0, 1, 2]]), width=6, height=5).face_id[0]
        assert torch.nonzero(seen >= 0).tolist() == [[2, 3]], "row 2, column 3: its centre is (3.5, 2.5)"


def test_scatter_gives_the_same_in_small_parts(monkeypatch):
    whole = rasterise_scatter(SCREEN.repeat(2, 1, 1), TRIANGLES, width=SIZE, height=SIZE)
    monkeypatch.setattr("face_emote.differentiable.rasterise.CANDIDATES", 50)
    parts = rasterise_scatter(SCREEN.repeat(2, 1, 1), TRIANGLES, width=SIZE, height=SIZE)
    assert torch.equal(whole.face_id, parts.face_id)
    assert torch.equal(whole.face_id[0], whole.face_id[1])


def test_projection_and_normals_have_gradients():
    view = torch.from_numpy(view_matrix(CAMERA))[None]
    focal = torch.tensor([31.0], dtype=DOUBLE)
    assert gradients_are_right(lambda p, v, f: project(p, v, focal=f, width=20, height=16), POINTS[:, :4], view, focal)
    assert gradients_are_right(lambda p: vertex_normals(p, FACETS), POINTS)


def test_normals_agree_with_the_fast_renderers():
    from face_emote.rendering.fast.kernels import vertex_normals as fast

    out = np.zeros((12, 3), np.float32)
    fast(POINTS[0].numpy().astype(np.float32), TRIANGLES.numpy().astype(np.int32), out)
    assert np.allclose(vertex_normals(POINTS, FACETS)[0].numpy(), out, atol=1e-5)


def test_sparse_rows_agree_with_numpy_and_have_gradients():
    rng = draw(1)
    row, column = np.concatenate([np.arange(5), rng.integers(0, 5, 6)]), rng.integers(0, 4, 11)
    rows = sparse_rows(row, column, rng.normal(size=11), shape=(5, 4))
    values = rng.normal(size=(2, 4, 3))
    moved = torch_rows(rows, dtype=DOUBLE)
    out = moved.apply(torch.from_numpy(values))
    assert np.allclose(out.numpy(), np.stack([rows.apply(v) for v in values]), atol=1e-6)
    assert gradients_are_right(moved.apply, torch.from_numpy(values))
    assert torch.autograd.gradgradcheck(moved.apply, [torch.from_numpy(values).requires_grad_()])


def test_interpolation_gives_back_the_point_under_each_pixel():
    pixels = find_pixels(VISIBLE, SCREEN, TRIANGLES)
    where = interpolate(POINTS[0], pixels.corner, pixels.weight)
    at = on_screen(where[None])[0]
    expected = torch.stack([pixels.index % SIZE + 0.5, pixels.index // SIZE + 0.5], -1).double()
    assert torch.allclose(at[:, :2], expected, atol=1e-9), "perspective-correct: the mixed point is seen at the centre"
    assert torch.allclose(at[:, 3], VISIBLE.inverse_depth.reshape(-1)[pixels.index], atol=1e-5)


def test_interpolation_has_gradients_to_values_and_places():
    def mixed(values, screen):
        pixels = find_pixels(VISIBLE, screen, TRIANGLES)
        return interpolate(values, pixels.corner, pixels.weight)[::7]

    assert gradients_are_right(mixed, torch.from_numpy(draw(2).normal(size=(12, 2))), SCREEN)


def sample_ref(levels, uv, level):
    """One pixel at a time on the pyramid of numpy arrays."""
    out = []
    for (u, v), k in zip(uv, level, strict=True):
        side = len(levels[k])
        x, y = u * side - 0.5, (1.0 - v) * side - 0.5
        c, r = math.floor(x), math.floor(y)
        fx, fy = x - c, y - r
        a, b = min(max(r, 0), side - 1), min(max(c, 0), side - 1)
        below, beside = min(a + 1, side - 1), min(b + 1, side - 1)
        upper = levels[k][a, b] * (1 - fx) + levels[k][a, beside] * fx
        lower = levels[k][below, b] * (1 - fx) + levels[k][below, beside] * fx
        out.append(upper * (1 - fy) + lower * fy)
    return np.array(out)


def test_textures_agree_with_a_loop_and_have_gradients():
    rng = draw(3)
    side = 32
    assert level_sides(side) == [32, 16]
    base = rng.normal(size=(side, side, 2))
    half = base.reshape(16, 2, 16, 2, 2).mean(axis=(1, 3))
    uv, level = rng.uniform(0.05, 0.95, (40, 2)), rng.integers(0, 2, 40)
    out = sample(mip_chain(torch.from_numpy(base)), torch.from_numpy(uv), torch.from_numpy(level), side=side)
    assert np.allclose(out.numpy(), sample_ref([base, half], uv, level))
    few = torch.from_numpy(level[:3])
    texels = mip_chain(torch.from_numpy(base))
    assert gradients_are_right(lambda place: sample(texels, place, few, side=side), torch.from_numpy(uv[:3]))
    small = torch.from_numpy(rng.normal(size=(4, 4, 1)))
    none = torch.zeros(3, dtype=torch.int64)
    assert gradients_are_right(
        lambda texture: sample(mip_chain(texture), torch.from_numpy(uv[:3]), none, side=4), small
    )


def test_mip_levels_are_those_of_the_fast_renderer():
    def level_ref(ratio, last):
        level = 0
        while ratio > 2.0 and level < last:
            ratio *= 0.25
            level += 1
        return level

    ratios = 10.0 ** draw(4).uniform(-3, 6, 200)
    side = 512
    found = mip_level(torch.from_numpy(ratios / side**2), torch.ones(200, dtype=DOUBLE), side=side)
    assert found.tolist() == [level_ref(r, len(level_sides(side)) - 1) for r in ratios]


def test_light_has_gradients():
    normal, view = random_unit(5, 6), random_unit(6, 6)
    towards = LIT.directions[0]
    assert gradients_are_right(lambda n: light.sky_light(light.unit(n), LIT), normal)
    assert gradients_are_right(
        lambda n, t, v, r: light.specular(n, t, v, roughness=r, f0=0.03),
        normal, towards, view, torch.tensor(0.4, dtype=DOUBLE),
    )  # fmt: skip
    assert gradients_are_right(lambda n, v: light.highlights(LIT, n, v, roughness=0.4, f0=0.03), normal, view)
    tangents, height = torch.from_numpy(draw(7).normal(size=(6, 2, 3))), torch.from_numpy(draw(8).normal(size=(6, 2)))
    assert gradients_are_right(light.bent_normal, normal, tangents, height)
    values = torch.from_numpy(draw(9).uniform(0.01, 0.7, 20))
    assert gradients_are_right(light.tone, values)
    assert gradients_are_right(light.srgb, values)


def skin_points(seed, count=8):
    rng = draw(seed)
    texel = rng.uniform(0.0, 1.0, (count, NUM_CHANNELS))
    texel[:, 3:5], texel[:, 6:8] = rng.normal(size=(count, 2)) * 0.02, rng.normal(size=(count, 2)) * 0.05
    texel[:, 5] = rng.uniform(-0.9, 0.6, count)
    texel[:, 2] = rng.uniform(0.5, 1.9, count)
    normal = random_unit(seed + 1, count)
    view = light.unit(normal + 0.6 * random_unit(seed + 2, count))
    return shade.SkinPoints(
        texel=torch.from_numpy(texel),
        normal=normal,
        tangents=torch.from_numpy(rng.normal(size=(count, 2, 3)) * 0.3),
        view=view,
        sky=light.sky_light(normal, LIT),
        wrinkle=torch.from_numpy(rng.uniform(0.1, 0.9, (count, 1))),
        blood=torch.from_numpy(rng.uniform(-0.9, 0.9, (count, 1))),
    )


HAIR = torch.tensor([0.05, 0.03, 0.02], dtype=DOUBLE)


def test_skin_has_gradients_to_all_it_is_made_of():
    points = skin_points(10)
    names = ("texel", "normal", "tangents", "view", "sky", "wrinkle", "blood")

    def shaded(directions, colours, *values):
        lit = light.Lights(directions, colours, LIT.sky_directions, LIT.sky_colours, LIT.exposure)
        return shade.shade_skin(shade.SkinPoints(**dict(zip(names, values, strict=True))), lit, hair_colour=HAIR)

    values = [getattr(points, name) for name in names]
    assert gradients_are_right(shaded, LIT.directions, LIT.colours, *values)


def test_skin_is_the_fast_renderers_skin():
    points = skin_points(20, count=40)
    empty = np.zeros((3, 3))
    lighting = Lighting(
        LIT.directions.numpy(), LIT.colours.numpy(), empty, empty, empty, empty, 1.0, float(LIT.exposure)
    )
    look = Look(
        iris=empty, hair=HAIR.numpy(), cloth=empty, eye_axes=empty, base=np.array(colour.BASE_ALBEDO),
        melanin_absorption=np.array(colour.MELANIN_EXTINCTION),
        haemoglobin_absorption=np.array(colour.HAEMOGLOBIN_EXTINCTION), blood_gain=colour.BLOOD_GAIN,
        pallor_greying=colour.PALLOR_GREYING, luminance=np.array(colour.LUMINANCE), crease=np.array(colour.CREASE_TINT),
        sample_size=1.0,
    )  # fmt: skip
    bent = shade.relief(points).numpy()
    expected = np.zeros((40, 3))
    for i in range(40):
        sky = np.append(points.sky[i].numpy(), 1.0)
        fast_materials.shade_skin.py_func(
            expected[i], points.texel[i].numpy(), look, lighting, sky, points.normal[i].numpy(), bent[i],
            points.view[i].numpy(), 1.0, float(points.wrinkle[i, 0]), float(points.blood[i, 0]),
        )  # fmt: skip
    found = shade.shade_skin(points, LIT, hair_colour=HAIR).numpy()
    assert np.abs(found - expected).max() < 1e-9


def test_albedo_is_the_one_that_skin_defines():
    points = skin_points(30, count=50)
    texel = points.texel.clone()
    texel[:, 8] = 0.0
    found = shade.skin_albedo(texel, wrinkle=points.wrinkle, blood=points.blood, hair_colour=HAIR)
    values = texel.numpy()
    expected = colour.skin_albedo(
        melanin=values[:, 0], haemoglobin=values[:, 1], blood_flow=points.blood[:, 0].numpy(),
        crease=-values[:, 5] * points.wrinkle[:, 0].numpy(),
    )  # fmt: skip
    assert np.abs(found.numpy() - expected).max() < 1e-5


@pytest.mark.parametrize("material", ["eye", "tooth", "wet", "cloth"])
def test_plain_materials_have_gradients(material):
    normal = random_unit(40, 6)
    local = torch.tensor([0.02, -0.01, 0.09], dtype=DOUBLE) + 0.02 * random_unit(41, 6)
    if material == "cloth":
        local = local * torch.tensor([400.0, 1.0, 1.0], dtype=DOUBLE)
    colours = torch.tensor([0.1, 0.12, 0.2], dtype=DOUBLE)
    view, axis = light.unit(normal + 0.5 * random_unit(42, 6)), random_unit(43, 6)

    def shaded(place, n, v, a):
        points = materials.PlainPoints(place, n, v, light.sky_light(n, LIT))
        if material == "eye":
            return materials.shade_eye(points, LIT, axis=a, iris_colour=colours)
        if material == "tooth":
            return materials.shade_tooth(points, LIT)
        if material == "wet":
            return materials.shade_wet(points, LIT)
        return materials.shade_cloth(points, LIT, colour=colours) + 0.0 * a

    inputs = [x.clone().requires_grad_() for x in (local, normal, view, axis)]
    assert torch.autograd.gradcheck(shaded, inputs, atol=1e-5, rtol=1e-4)


def antialias_ref(picture, visible, screen, triangles):
    """Edge by edge and line by line in plain Python."""
    size = picture.shape[0]
    ids, depth = visible.face_id[0].numpy(), visible.inverse_depth[0].numpy()
    place = [screen[k].tolist() for k in range(len(screen))]
    beside = {}
    for corners in triangles.tolist():
        for k in range(3):
            a, b, c = corners[k], corners[(k + 1) % 3], corners[(k + 2) % 3]
            (x0, y0), (x1, y1), (x2, y2) = place[a][:2], place[b][:2], place[c][:2]
            front = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) < 0
            beside.setdefault((min(a, b), max(a, b)), []).append((front, c))
    best = {}
    for (a, b), sides in beside.items():
        fronts = [apex for front, apex in sides if front]
        if len(fronts) != 1:
            continue
        p, q, o = place[a], place[b], place[fronts[0]]
        along = 0 if abs(q[1] - p[1]) >= abs(q[0] - p[0]) else 1
        over = 1 - along
        for line in range(size):
            if not min(p[over], q[over]) <= line + 0.5 < max(p[over], q[over]):
                continue
            t = (line + 0.5 - p[over]) / (q[over] - p[over])
            at, w = p[along] + t * (q[along] - p[along]), p[3] + t * (q[3] - p[3])
            before = math.floor(at - 0.5)
            if not 0 <= before < size - 1:
                continue
            r = (o[over] - p[over]) / (q[over] - p[over])
            leads = o[along] < p[along] + r * (q[along] - p[along])
            pair = [(line, before), (line, before + 1)] if along == 0 else [(before, line), (before + 1, line)]
            near, far = pair if leads else pair[::-1]
            if w <= depth[far] * (1 + MIN_GAP) or w * (1 + SAME_SURFACE) <= depth[near]:
                continue
            share = at - before - 1.0 if leads else before + 1.0 - at
            key = (along, near, far)
            best[key] = max(best.get(key, -1.0), share)
    assert ids.shape == picture.shape[:2]
    out = picture.copy()
    for (_, near, far), share in best.items():
        out[far] += (picture[near] - picture[far]) * max(share, 0.0)
        out[near] += (picture[far] - picture[near]) * max(-share, 0.0)
    return out


def test_antialiasing_agrees_with_a_loop_and_has_gradients():
    edges = find_edges(TRIANGLES)
    picture = torch.from_numpy(draw(11).uniform(size=(1, SIZE, SIZE, 2)))
    out = antialias(picture, VISIBLE, SCREEN, TRIANGLES, edges)
    expected = antialias_ref(picture[0].numpy(), VISIBLE, SCREEN[0], TRIANGLES)
    assert np.abs(expected - picture[0].numpy()).max() > 0.1
    assert np.allclose(out[0].numpy(), expected)
    weights = torch.from_numpy(draw(12).normal(size=(1, SIZE, SIZE, 2)))
    assert gradients_are_right(
        lambda tint, s: (antialias(picture * tint, VISIBLE, s, TRIANGLES, edges) * weights).sum((0, 2)),
        torch.from_numpy(draw(14).uniform(size=(SIZE, 1, 2))),
        SCREEN,
    )


def test_every_edge_is_found_once_with_both_its_triangles():
    edges = find_edges(TRIANGLES)
    assert len(edges.ends) == 16 + 3, "12 sides, 4 diagonals, 3 of the lone triangle"
    assert int((edges.sides[:, 1] == -1).sum()) == 8 + 3
    for ends, sides, apex in zip(edges.ends.tolist(), edges.sides.tolist(), edges.apex.tolist(), strict=True):
        for side, point in zip(sides, apex, strict=True):
            if side >= 0:
                assert sorted([*ends, point]) == sorted(TRIANGLES[side].tolist())


def test_a_straight_edge_covers_what_it_cuts_off():
    """A half plane that ends at x = 3.8: the pixel behind is covered by 0.8."""
    corners = torch.tensor([[3.8, -9, 1, 1], [-20, 3, 1, 1], [3.8, 15, 1, 1]], dtype=DOUBLE)[None]
    mesh = torch.tensor([[0, 1, 2]])
    visible = rasterise(corners, mesh, width=6, height=6)
    assert (visible.face_id[0, :, :4] == 0).all()
    assert (visible.face_id[0, :, 4:] == -1).all()
    mask = (visible.face_id >= 0).double()[..., None]
    for end, expected in ((3.8, (1.0, 0.8)), (3.6, (1.0, 0.6))):
        moved = corners.clone()
        moved[0, [0, 2], 0] = end
        seen = Visible(visible.face_id, visible.inverse_depth)
        row = antialias(mask, seen, moved, mesh, find_edges(mesh))[0, 2, :, 0]
        assert torch.allclose(row[2:4], torch.tensor(expected, dtype=DOUBLE))
