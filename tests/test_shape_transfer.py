"""Shape keys for a mesh that has none: against the truth of our own head, warped and in another topology."""

import numpy as np
import pytest

from face_emote.core.errors import HeadError
from face_emote.face.bundled import load_head
from face_emote.face.identity import identity
from face_emote.rigs.registration.guess import guessed_places
from face_emote.rigs.registration.sparse import Links, nearest, solved
from face_emote.rigs.registration.transfer import ARKIT, PLACES, arkit_moves, own_places, transferred

SKIN = ("head", "torso", "mouth", "socketL", "socketR")
OTHERS = {
    "eyes": ("eyeL", "eyeR"),
    "teeth.lower": ("teethL",),
    "teeth.upper": ("teethU",),
    "lashes": ("lashL", "lashR"),
}
KINDS = {"teeth.lower": "teeth_lower", "teeth.upper": "teeth_upper"}


def other_topology(quads):
    """The same surface from the middles of edges and of quads: no vertex is shared.

    Returns four of the old vertices for each new one, and triangles.
    """
    sides = np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1)
    edges, number = np.unique(sides, axis=0, return_inverse=True)
    of_quad = number.reshape(4, -1).T
    middle = len(edges) + np.arange(len(quads))
    triangles = [np.stack([middle, of_quad[:, i], of_quad[:, (i + 1) % 4]], axis=1) for i in range(4)]
    around = {}
    for quad, own in zip(quads, of_quad, strict=True):
        for i in range(4):
            around.setdefault(quad[(i + 1) % 4], []).append((own[i], own[(i + 1) % 4]))
    fans = []
    for pairs in around.values():
        every = [edge for pair in pairs for edge in pair]
        apex = next((edge for edge in every if every.count(edge) == 1), every[0])
        fans += [(apex, two, one) for one, two in pairs if apex not in (one, two)]
    return np.concatenate([np.repeat(edges, 2, axis=1), quads]), np.concatenate([*triangles, np.array(fans)])


def meshes_of(head, warp, parts):
    """Meshes in another topology, and the true displacements of their vertices, key by key."""
    base, moves = head.template.astype(float), arkit_moves(head)
    posed = np.stack([warp(base + move) - warp(base) for move in moves])
    meshes, truth = {}, {}
    for name, own in parts.items():
        four, triangles = other_topology(head.layout.quads[head.layout.in_parts(*own)])
        used, local = np.unique(triangles, return_inverse=True)
        meshes[name] = (warp(base)[four[used]].mean(axis=1), local.reshape(-1, 3), KINDS.get(name, ""))
        truth[name] = posed[:, four[used]].mean(axis=2)
        if name == "skin":
            seen = np.isin(four[used], head.layout.vertices_of("head", "torso")).all(axis=1)
            lower = np.isin(four[used], np.flatnonzero(moves[ARKIT.index("jawOpen"), :, 1] < -0.02)).all(axis=1)
    return meshes, truth, seen, lower


def turned(degrees, axis):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out, (i, j) = np.eye(3), {"x": (1, 2), "y": (2, 0)}[axis]
    out[i, i], out[j, j], out[i, j], out[j, i] = c, c, -s, s
    return out


SIZE = 13.7
TURN = turned(25.0, "y") @ turned(-12.0, "x")


def warped(points):
    """Wider above, lower, deeper and bent; then turned, enlarged and moved."""
    x, y, z = points.T
    bent = np.stack([x * (1.12 + 0.8 * y), y * (1.06 - 0.954 * y), z + 0.006 * np.sin(25.0 * y) + 0.15 * y], axis=1)
    return SIZE * bent @ TURN.T + np.array([3.0, 5.0, -2.0])


def quiet(_share, _stage):
    pass


def errors(found, truth, size=1.0):
    """Millimetres on a head of human size: error and motion, key by vertex."""
    return (1000.0 / size * np.linalg.norm(table, axis=2) for table in (found - truth, truth))


def lips_apart(skin, truth, found, keys, *, lower, seen):
    """Millimetres by which a pose opens the lips at their middle, in truth and as found."""
    points = skin[0]
    opened = truth[ARKIT.index("jawOpen")]
    upper = seen & ~lower & (np.linalg.norm(opened, axis=1) < 0.05 * np.linalg.norm(opened, axis=1).max())
    one, two = np.flatnonzero(upper), np.flatnonzero(lower & seen)
    gaps, partner = nearest(points[two], points[one])
    pairs = np.flatnonzero(gaps[:, 0] < np.percentile(gaps[:, 0], 0.5))
    a, b = one[pairs], two[partner[pairs, 0]]
    return [
        np.linalg.norm(points[a] - points[b] + sum(table[ARKIT.index(key)] for key in keys)[a]
                       - sum(table[ARKIT.index(key)] for key in keys)[b], axis=1)
        for table in (truth, found)
    ]  # fmt: skip


def test_shapes_reach_a_warped_head_of_another_topology_and_size():
    head = load_head()
    meshes, truth, seen, lower = meshes_of(head, warped, {"skin": SKIN} | OTHERS)
    made = transferred(head, meshes, places=dict(zip(PLACES, warped(own_places(head)), strict=True)), progress=quiet)
    error, motion = errors(made.keys["skin"][:, seen], truth["skin"][:, seen], SIZE)
    moving = motion > 0.5
    assert error[moving].mean() < 0.9 and motion[moving].mean() > 3.0
    for name in ("mouthSmileLeft", "browInnerUp", "eyeBlinkRight", "mouthPucker", "noseSneerLeft"):
        k = ARKIT.index(name)
        assert np.percentile(error[k], 99) < 0.3 * motion[k].max(), name
    error, motion = errors(made.keys["eyes"], truth["eyes"], SIZE)
    assert error.max() < 0.35 * motion.max()
    k = ARKIT.index("jawOpen")
    error, motion = errors(made.keys["teeth.lower"], truth["teeth.lower"], SIZE)
    assert error[k].mean() < 0.3 * motion[k].mean() and not made.keys["teeth.upper"].any()
    k = ARKIT.index("eyeBlinkLeft")
    error, motion = errors(made.keys["lashes"], truth["lashes"], SIZE)
    assert error[k][motion[k] > 1.0].mean() < 0.45 * motion[k][motion[k] > 1.0].mean()
    assert made.coverage > 0.95 and made.weak == () and made.error < 0.0015
    opened, found = lips_apart(meshes["skin"], truth["skin"], made.keys["skin"], ["jawOpen"], lower=lower, seen=seen)
    assert found.mean() > 0.85 * opened.mean() > 5.0 * SIZE / 1000.0
    closed, found = lips_apart(
        meshes["skin"], truth["skin"], made.keys["skin"], ["jawOpen", "mouthClose"], lower=lower, seen=seen
    )
    assert found.mean() < closed.mean() + 2.0 * SIZE / 1000.0
    nothing = np.isnan(made.gap["eyes"]).all() and np.isfinite(made.gap["skin"]).mean() > 0.5
    assert nothing, "the match is told of the skin alone"


@pytest.mark.slow
def test_shapes_reach_another_person():
    head = load_head()
    betas = identity(race=(0.0, 1.0, 0.0), gender=0.9, age=0.8, muscle=0.3, weight=0.7, seed=5).astype(np.float32)
    person = head.with_identity(betas)
    meshes, truth, seen, lower = meshes_of(person, lambda points: points, {"skin": SKIN})
    found = guessed_places(head, meshes)
    off = 1000.0 * np.linalg.norm(np.array(list(found.values())) - own_places(person), axis=1)
    assert off.mean() < 2.0 and off.max() < 4.0
    made = transferred(head, meshes, places=dict(zip(PLACES, own_places(person), strict=True)), progress=quiet)
    error, motion = errors(made.keys["skin"][:, seen], truth["skin"][:, seen])
    assert error[motion > 0.5].mean() < 0.5 and motion[motion > 0.5].mean() > 3.0
    opened, found = lips_apart(meshes["skin"], truth["skin"], made.keys["skin"], ["jawOpen"], lower=lower, seen=seen)
    assert found.mean() > 0.93 * opened.mean()


def test_marks_beside_the_face_and_too_few_are_refused():
    head = load_head()
    skin = head.template[head.layout.vertices_of("head")].astype(float)
    mesh = {"head": (skin, np.array([[0, 1, 2], [1, 2, 3]]), "")}
    with pytest.raises(HeadError, match="Only 2 marks"):
        transferred(head, mesh, places={"chin": skin[0], "nose_tip": skin[1]}, progress=quiet)
    places = dict(zip(PLACES, own_places(head) + 1.0, strict=True))
    with pytest.raises(HeadError, match="no skin at the marks"):
        transferred(head, mesh, places=places, progress=quiet)


def test_nearest_points_and_the_system_over_edges_agree_with_plain_algebra():
    random = np.random.default_rng(3)
    points, wanted = random.normal(size=(70, 3)), random.normal(size=(40, 3))
    distance, index = nearest(points, wanted, count=3)
    every = np.linalg.norm(points[None] - wanted[:, None], axis=2)
    np.testing.assert_array_equal(index, np.argsort(every, axis=1)[:, :3])
    np.testing.assert_allclose(distance, np.sort(every, axis=1)[:, :3])
    edges = np.unique(np.sort(random.integers(0, 70, (200, 2)), axis=1), axis=0)
    links = Links.of(edges[edges[:, 0] != edges[:, 1]], num_vertices=70)
    matrix = links.laplacian(np.eye(70)) + 0.3 * np.eye(70)
    found = solved(
        lambda u: links.laplacian(u) + 0.3 * u, points, diagonal=links.degree + 0.3, first=0.0 * points, exact=1e-9
    )
    np.testing.assert_allclose(found, np.linalg.solve(matrix, points), atol=1e-6)
