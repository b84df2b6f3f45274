"""Every step of the differentiable renderer: gradients by finite differences in double, and slow loops that agree."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the differentiable renderer needs torch")

from face_emote.core.types import Camera
from face_emote.face.subdivision import sparse_rows
from face_emote.look import colour
from face_emote.look.formula.records import Texel, filled
from face_emote.look.formula.skin import albedo
from face_emote.rendering.scene import focal_pixels, view_matrix
from face_emote.rendering.stage.fragments import list_fragments, room_for
from face_emote_lab.differentiable import light
from face_emote_lab.differentiable.antialias import (
    MIN_GAP,
    SAME_SURFACE,
    find_crossings,
    find_crossings_compiled,
    find_edges,
)
from face_emote_lab.differentiable.fragments import find_fragments
from face_emote_lab.differentiable.interpolate import Places, interpolate, weights
from face_emote_lab.differentiable.mesh import Facets, project, torch_rows, vertex_normals
from face_emote_lab.differentiable.rasterise import Visible, rasterise, rasterise_scatter
from face_emote_lab.differentiable.texture import level_sides, mip_chain, mip_level, sample

DOUBLE = torch.float64
SIZE = 24
CAMERA = Camera((0.05, 0.02, 0.7), (0.0, 0.0, 0.0), 0.5)


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
    monkeypatch.setattr("face_emote_lab.differentiable.rasterise.CANDIDATES", 50)
    parts = rasterise_scatter(SCREEN.repeat(2, 1, 1), TRIANGLES, width=SIZE, height=SIZE)
    assert torch.equal(whole.face_id, parts.face_id)
    assert torch.equal(whole.face_id[0], whole.face_id[1])


def test_projection_and_normals_have_gradients():
    view = torch.from_numpy(view_matrix(CAMERA))[None]
    focal = torch.tensor([31.0], dtype=DOUBLE)
    assert gradients_are_right(lambda p, v, f: project(p, v, focal=f, width=20, height=16), POINTS[:, :4], view, focal)
    assert gradients_are_right(lambda p: vertex_normals(p, FACETS), POINTS)


def test_normals_agree_with_the_fast_renderers():
    from face_emote.rendering.stage.kernels import vertex_normals as fast

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


def places_of(visible):
    """Every pixel that sees something, at its centre."""
    index = torch.nonzero(visible.face_id.reshape(-1) >= 0)[:, 0]
    triangle = visible.face_id.reshape(-1)[index]
    centre = torch.stack([index % SIZE + 0.5, index // SIZE + 0.5], -1).double()
    return index, Places(triangle, TRIANGLES[triangle], centre)


def test_interpolation_gives_back_the_point_under_each_pixel():
    index, places = places_of(VISIBLE)
    where = interpolate(POINTS[0], places.corner, weights(places, SCREEN[0])[0])
    at = on_screen(where[None])[0]
    assert torch.allclose(at[:, :2], places.place, atol=1e-9), "perspective-correct: it is seen at the centre"
    assert torch.allclose(at[:, 3], VISIBLE.inverse_depth.reshape(-1)[index], atol=1e-5)


def test_interpolation_has_gradients_to_values_and_places():
    _, places = places_of(VISIBLE)

    def mixed(values, screen):
        return interpolate(values, places.corner, weights(places, screen)[0])[::7]

    assert gradients_are_right(mixed, torch.from_numpy(draw(2).normal(size=(12, 2))), SCREEN[0])


def fragments_ref(visible, material):
    """Pixel by pixel: lists of (pixel, triangle, place, share), sorted by material."""
    ids, depth = visible.face_id[0].numpy(), visible.inverse_depth[0].numpy()
    found = []
    for i in range(SIZE // 2):
        for j in range(SIZE // 2):
            left = [(2 * i, 2 * j), (2 * i, 2 * j + 1), (2 * i + 1, 2 * j), (2 * i + 1, 2 * j + 1)]
            while left:
                first, t = left[0], ids[left[0]]
                group = [
                    k
                    for k in left
                    if ids[k] == t
                    or (
                        min(ids[k], t) >= 0
                        and material[ids[k]] == material[t]
                        and abs(depth[k] - depth[first]) < 0.004 * depth[first]
                    )
                ]
                left = [k for k in left if k not in group]
                if t >= 0:
                    row, column = np.mean(group, axis=0) + 0.5
                    found.append((i * (SIZE // 2) + j, t, column, row, len(group) / 4))
    return np.array(sorted(found, key=lambda one: material[int(one[1])]))


def test_fragments_agree_with_a_loop():
    material = torch.arange(len(TRIANGLES)) % 2 * 2
    single = Visible(VISIBLE.face_id, VISIBLE.inverse_depth.float())
    expected = fragments_ref(single, material.numpy())
    plain = find_fragments(single, TRIANGLES, material, num_points=12, dtype=torch.float32)
    room, member = room_for((SIZE // 2) ** 2), np.empty((SIZE, SIZE), np.int32)
    ids, depth = single.face_id[0].numpy(), single.inverse_depth[0].numpy()
    total = list_fragments(ids, depth, material.numpy(), 0, SIZE // 2, room, member)
    assert 0.25 in expected[:, 4]
    assert 1.0 in expected[:, 4]
    order = np.concatenate([kinds[:count] for kinds, count in zip(room.order, room.counts, strict=True)])
    compiled = [room.pixel, room.triangle, *room.place.T, room.share]
    pieces = plain.pieces
    found = [pieces.pixel, plain.triangle, *plain.place.unbind(1), pieces.share]
    assert np.allclose(np.stack([np.asarray(one, float) for one in found], 1), expected)
    assert np.allclose(np.stack([one[order] for one in compiled], 1), expected)
    assert plain.counts == (*np.bincount(material[expected[:, 1].astype(int)], minlength=6),) == (*room.counts,)
    assert torch.equal(plain.corner, TRIANGLES[plain.triangle])
    rank = np.append(np.argsort(order), -1)
    assert total == len(expected) and np.array_equal(pieces.member[0].numpy(), rank[member])
    assert torch.equal(pieces.member[0] >= 0, VISIBLE.face_id[0] >= 0)


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


def test_light_on_the_screen_has_gradients():
    values = torch.from_numpy(draw(9).uniform(0.01, 0.7, 21))
    assert gradients_are_right(light.srgb, values)
    assert gradients_are_right(light.unit, values.reshape(-1, 3))


def test_albedo_is_the_one_that_skin_defines():
    rng = draw(30)
    melanin, haemoglobin, height = rng.uniform(0.3, 2.5, 50), rng.uniform(0.2, 1.2, 50), rng.uniform(-0.9, 0.6, 50)
    wrinkle, blood = rng.uniform(0.1, 0.9, 50), rng.uniform(-0.9, 0.9, 50)
    texel = filled(Texel, {"melanin": melanin, "haemoglobin": haemoglobin, "wrinkle": height}.get)
    found = np.stack(list(albedo(texel, wrinkle=wrinkle, blood=blood)), axis=1)
    expected = colour.skin_albedo(
        melanin=melanin, haemoglobin=haemoglobin, blood_flow=blood, crease=-height * wrinkle
    )  # fmt: skip
    assert np.abs(found - expected).max() < 1e-5


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


def mixed_by(crossings, picture):
    """A picture whose pixels are mixed as its crossings say."""
    flat = picture.reshape(-1, picture.shape[-1])
    target = torch.where(crossings.reach > 0, crossings.far, crossings.near)
    change = (flat[crossings.near] - flat[crossings.far]) * crossings.reach[:, None]
    return flat.index_add(0, target, change).reshape(picture.shape)


def test_crossings_agree_with_a_loop_and_have_gradients():
    edges = find_edges(TRIANGLES)
    picture = torch.from_numpy(draw(11).uniform(size=(1, SIZE, SIZE, 2)))
    out = mixed_by(find_crossings(VISIBLE, SCREEN, TRIANGLES, edges), picture)
    expected = antialias_ref(picture[0].numpy(), VISIBLE, SCREEN[0], TRIANGLES)
    assert np.abs(expected - picture[0].numpy()).max() > 0.1
    assert np.allclose(out[0].numpy(), expected)
    weights = torch.from_numpy(draw(12).normal(size=(1, SIZE, SIZE, 2)))
    assert gradients_are_right(
        lambda tint, s: (mixed_by(find_crossings(VISIBLE, s, TRIANGLES, edges), picture * tint) * weights).sum((0, 2)),
        torch.from_numpy(draw(14).uniform(size=(SIZE, 1, 2))),
        SCREEN,
    )


def test_compiled_crossings_are_the_plain_ones():
    edges, two = find_edges(TRIANGLES), SCREEN.float().repeat(2, 1, 1)
    single = Visible(VISIBLE.face_id.repeat(2, 1, 1), VISIBLE.inverse_depth.float().repeat(2, 1, 1))
    results = []
    for find in (find_crossings, find_crossings_compiled):
        screen = two.clone().requires_grad_()
        found = find(single, screen, TRIANGLES, edges)
        order = torch.argsort(2 * torch.minimum(found.near, found.far) * 10000 + torch.maximum(found.near, found.far))
        pull = torch.autograd.grad((found.reach[order] * torch.arange(len(order))).sum(), screen)[0]
        results.append((found.near[order], found.far[order], found.reach[order].detach(), pull))
    assert len(results[0][0]) > 20
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, atol=1e-4, rtol=1e-4)


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
        row = mixed_by(find_crossings(seen, moved, mesh, find_edges(mesh)), mask)[0, 2, :, 0]
        assert torch.allclose(row[2:4], torch.tensor(expected, dtype=DOUBLE))
