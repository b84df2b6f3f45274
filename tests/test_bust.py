"""The bust is closed: shoulders, cloth and base are one surface, on everybody and however the head turns."""

import numpy as np
import pytest

from face_emote.core.arrays import Array
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.face.head import Head
from face_emote.formats.mesh.surface import vertex_normals
from face_emote.look.garment import Garment, make_garment
from face_emote.look.surface import SkinSurface, layout_skin

STILL = np.zeros((1, 100))


def made(levels: int = 1) -> tuple[SkinSurface, Garment]:
    head = load_head()
    assert head.layout is not None
    skin = layout_skin(head.layout, levels=levels)
    return skin, make_garment(skin.triangles, on_skin(skin, head.template), levels=levels)


def on_skin(skin: SkinSurface, vertices: Array) -> Array:
    return skin.matrix.apply(vertices[skin.vertex_index].astype(np.float64))


def worn(garment: Garment, skin: SkinSurface, vertices: Array) -> Array:
    points = on_skin(skin, vertices)
    return garment.points(points, vertex_normals(points, skin.triangles).astype(np.float64))


def turned(person: Head, degrees: float) -> Array:
    found: Array = person.pose_vertices(expression=STILL, neck_pose=np.array([[0.0, np.deg2rad(degrees), 0.0]]))[0]
    return found


@pytest.mark.parametrize("levels", [1, 2])
def test_every_edge_of_the_garment_is_shared_by_two_triangles(levels: int) -> None:
    _, garment = made(levels)
    corners = garment.triangles
    sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]).tolist()
    directed = {(a, b) for a, b in sides}
    assert len(directed) == len(sides)
    assert all((b, a) in directed for a, b in directed)
    assert np.array_equal(np.unique(corners), np.arange(len(garment.first)))


def test_on_everybody_the_bust_encloses_a_volume_and_ends_in_a_finished_base() -> None:
    skin, garment = made()
    for person in characters():
        points = worn(garment, skin, load_head().with_identity(person.betas).template)
        a, b, c = (points[garment.triangles[:, k]] for k in range(3))
        volume = np.einsum("td,td->t", a, np.cross(b, c)).sum() / 6.0
        assert 0.006 < volume < 0.02, person.name
        rim, base = points[garment.base.hem], points[-len(garment.base.hem) :]
        assert base[:, 1].max() < rim[:, 1].mean() - 0.09, person.name
        # The base is narrower than the shoulders, and looks down.
        assert np.ptp(base[:, 0]) < 0.7 * np.ptp(rim[:, 0]), person.name
        lowest = points[garment.triangles[-20:]]
        facing = np.cross(lowest[:, 1] - lowest[:, 0], lowest[:, 2] - lowest[:, 0])
        assert (facing[:, 1] < 0.0).all(), person.name


def test_the_bust_stays_when_the_head_turns_and_its_cloth_does_not_tear() -> None:
    skin, garment = made()
    person = load_head().with_identity(characters()[0].betas)
    before, after = (worn(garment, skin, turned(person, degrees)) for degrees in (0.0, 45.0))
    base = garment.base.share == 0.0
    assert np.linalg.norm(after - before, axis=1)[len(garment.offset) :][base].max() < 0.012
    first, second = garment.triangles[:, 0], garment.triangles[:, 1]
    length = [np.linalg.norm(points[first] - points[second], axis=1) for points in (before, after)]
    under_rim = garment.under[first] > 15.0
    assert (length[1] / length[0])[under_rim].max() < 2.0


def test_the_bust_turns_with_the_body() -> None:
    skin, garment = made()
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    vertices = load_head().template
    moved = worn(garment, skin, (vertices @ turn.T + (0.1, 0.2, 0.3)).astype(np.float32))
    assert np.allclose(moved, worn(garment, skin, vertices) @ turn.T + (0.1, 0.2, 0.3), atol=1e-5)


def test_the_base_hangs_on_the_body_joint_alone() -> None:
    skin, garment = made()
    weights = garment.joint_weights(skin.linear.apply(load_head().skin_weights[skin.vertex_index].astype(np.float64)))
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-3)
    lowest = garment.triangles[-1]
    assert np.allclose(weights[lowest, 0], 1.0)


def test_torch_puts_the_cloth_where_numpy_does() -> None:
    torch = pytest.importorskip("torch")
    from face_emote_lab.differentiable.stage import _garment

    skin, garment = made()
    points = on_skin(skin, turned(load_head(), 20.0)).astype(np.float32)
    normals = vertex_normals(points, skin.triangles)
    there = _garment(garment, moved=lambda array: torch.as_tensor(np.asarray(array, _kind(array))))
    found = there.points(torch.as_tensor(points)[None], torch.as_tensor(normals)[None])[0].numpy()
    assert np.allclose(found, garment.points(points, normals), atol=2e-6)


def _kind(array: Array) -> type:
    return np.float32 if np.asarray(array).dtype.kind == "f" else np.int64
