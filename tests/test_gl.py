"""The gl renderer: the picture of the fast one, drawn by a graphics driver."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from face_emote.core.errors import DependencyError
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION, WRINKLES
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.rig import pose_from_controls
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.gl import engine
from face_emote.rendering.gl.engine import GlRenderer, gl_missing
from face_emote.rendering.scene import make_scene

MISSING = gl_missing()
needs_gl = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
SIZE = 192


def smiling(who: str) -> Pose:
    person = load_head().with_identity(character(who).betas)
    controls = np.zeros((1, NUM_EXPRESSION), np.float32)
    for name, amount in {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.7, "jawOpen": 0.3, "eyeLookInLeft": 0.5}.items():
        controls[0, CONTROLS.index(name)] = amount
    posed = pose_from_controls(controls, control_joints=person.control_joints)
    vertices = person.pose_vertices(expression=posed.expression, jaw_pose=posed.jaw_pose, eye_pose=posed.eye_pose)
    rng = np.random.default_rng(3)
    return Pose(
        np.asarray(vertices[0], np.float32),
        rng.uniform(0.0, 1.0, len(WRINKLES)).astype(np.float32),
        rng.uniform(-0.6, 0.9, len(BLOOD_REGIONS)).astype(np.float32),
    )


def drawn(make: Callable, who: str, pose: Pose, *, camera: str = "close", **options) -> np.ndarray:
    scene = make_scene(camera=camera, light="warm", width=SIZE, height=SIZE)
    renderer = make(load_head(), betas=character(who).betas, skin=character(who).skin, scene=scene, **options)
    return renderer.render(pose).astype(np.float64)


def decibels(a: np.ndarray, b: np.ndarray) -> float:
    return float(10.0 * np.log10(255.0**2 / max(np.mean((a - b) ** 2), 1e-12)))


@needs_gl
@pytest.mark.parametrize(("who", "camera"), [("amara", "close"), ("walter", "eyes"), ("elena", "mouth")])
def test_numba_and_glsl_draw_the_same_face(who: str, camera: str):
    pose = smiling(who)
    fast = drawn(FastRenderer, who, pose, camera=camera, hair=False)
    gl = drawn(GlRenderer, who, pose, camera=camera, hair=False)
    assert np.std(fast) > 20.0
    assert decibels(fast, gl) > 40.0
    assert np.quantile(np.abs(fast - gl), 0.97) <= 2.0


@needs_gl
def test_torch_and_glsl_draw_the_same_face():
    pytest.importorskip("torch", reason="the differentiable renderer needs torch")
    from face_emote_lab.differentiable.render import DifferentiableRenderer

    pose = smiling("maya")
    ours = drawn(DifferentiableRenderer, "maya", pose)
    gl = drawn(GlRenderer, "maya", pose, hair=False, shadows=False)
    assert decibels(ours, gl) > 33.0


@needs_gl
def test_hair_and_shadow_are_drawn():
    pose = smiling("maya")
    bald, worn = (drawn(GlRenderer, "maya", pose, camera="portrait", hair=hair) for hair in (False, True))
    fast = drawn(FastRenderer, "maya", pose, camera="portrait")
    assert decibels(bald, worn) < 40.0
    assert decibels(fast, worn) > decibels(fast, bald) + 3.0
    lit = drawn(GlRenderer, "maya", pose, camera="portrait", hair=False, shadows=False)
    assert bald.mean() < lit.mean() - 0.5


@needs_gl
def test_any_thread_may_ask_and_gets_the_same_bytes():
    scene = make_scene(camera="close", light="studio", width=64, height=64)
    who = character("leo")
    renderer = GlRenderer(load_head(), betas=who.betas, skin=who.skin, scene=scene)
    poses = [smiling("leo"), smiling("kenji")] * 3
    with ThreadPoolExecutor(3) as pool:
        pictures = list(pool.map(renderer.render, poses))
    assert np.array_equal(pictures[0], pictures[4]) and np.array_equal(pictures[1], pictures[5])
    assert not np.array_equal(pictures[0], pictures[1])


def test_without_moderngl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    with pytest.raises(DependencyError, match=r"face-emote\[gl\]"):
        drawn(GlRenderer, "maya", smiling("maya"))
