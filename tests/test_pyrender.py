"""A renderer that nobody here wrote sees the same head: depth and outline against pyrender."""

import numpy as np
import pytest

from face_emote.core.errors import DependencyError
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.rendering.base import Pose, Renderer
from face_emote.rendering.scene import focal_pixels, make_scene, placed, view_matrix

PERSON = character("default")
SIZE = 192


@pytest.fixture(scope="module")
def view():
    from pyrender_view import PyrenderView

    scene = make_scene(camera="three-quarter", light="studio", width=SIZE, height=SIZE)
    try:
        found = PyrenderView(load_head(), betas=PERSON.betas, skin=PERSON.skin, scene=scene)
        found.render(neutral())
    except DependencyError as missing:
        pytest.skip(f"{missing}")
    except Exception as problem:  # drivers fail in many ways
        pytest.skip(f"OpenGL does not start here: {problem}")
    return found


def neutral():
    head = load_head().with_identity(PERSON.betas)
    return Pose(head.template.astype(np.float32), np.zeros(16, np.float32), np.zeros(8, np.float32))


FINE = 8
"""Samples a pixel along each side."""


def our_inverse_depth(scene):
    """The z-buffer that fast and differentiable renderer share, [row, sample, column, sample]."""
    from face_emote.rendering.stage import kernels
    from face_emote.rendering.stage.mesh import make_mesh

    head = load_head()
    mesh = make_mesh(head.layout, head.template)
    plain = mesh.rows.apply(neutral().vertices).astype(np.float32)
    normals = np.zeros_like(plain)
    kernels.vertex_normals(plain, mesh.triangles[mesh.triangles.max(1) < len(plain)], normals)
    points = np.concatenate([plain, mesh.garment.points(plain[: mesh.num_skin], normals[: mesh.num_skin])])
    camera = placed(scene.camera, origin=head.with_identity(PERSON.betas).eyes_middle())
    screen = np.empty((len(points), 4), np.float32)
    side = FINE * SIZE
    focal = focal_pixels(camera, width=side, height=side)
    kernels.project(points.astype(np.float32), view_matrix(camera), focal, 0.5 * side, 0.5 * side, screen)
    face_id, inverse = np.empty((side, side), np.int32), np.empty((side, side), np.float32)
    kernels.visibility(screen, mesh.triangles, face_id, inverse)
    return inverse.reshape(SIZE, FINE, SIZE, FINE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_depth_and_outline_agree_with_pyrender(view):
    """Its depth is that of one of a pixel's samples, the driver's own choice: ours is taken where it agrees best."""
    fine, theirs = our_inverse_depth(view._scene), view.depth(neutral())
    assert isinstance(view, Renderer)
    results = [compared(fine[:, row, :, column], theirs) for row in range(FINE) for column in range(FINE)]
    overlap, median, most = min(results, key=lambda one: one[1])
    print(f"outline: overlap {100 * overlap:.3f} %; depth: median {median:.4f} mm, 98 % within {most:.3f} mm")
    assert overlap > 0.996
    assert median < 0.1
    assert most < 1.0


def compared(inverse, theirs):
    """Share of common pixels of the two outlines; median and 98th percentile of the depths' difference, mm."""
    seen, seen_by_them = inverse > 0.0, theirs > 0.0
    union, both = (seen | seen_by_them).sum(), seen & seen_by_them
    assert union > 0.3 * SIZE * SIZE
    error = np.abs(1.0 / inverse[both] - theirs[both]) * 1e3
    return both.sum() / union, np.median(error), np.quantile(error, 0.98)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_view_is_lit_and_coloured(view):
    picture = view.render(neutral()).astype(float)
    face = picture[SIZE // 3 : SIZE // 2, SIZE // 3 : SIZE // 2].reshape(-1, 3)
    assert face.mean(0)[0] > face.mean(0)[2] + 10.0, "skin is warm"
    assert face.max() > 1.3 * face.min() + 10.0, "light falls from one side"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_any_thread_may_ask_for_pictures(view):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        pictures = list(pool.map(view.render, [neutral()] * 4))
    assert all((one == pictures[0]).all() for one in pictures)


def test_the_command_line_knows_every_engine():
    from face_emote.cli.render_command import command
    from face_emote.core.names import ENGINES

    (option,) = [item for item in command.params if item.name == "engine"]
    assert tuple(option.type.choices) == ENGINES
