"""Cycles draws the same person as the fast renderer: same outline, same colours, same blush, the same bytes twice."""

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated import still_motion
from interruptible import started
from test_blender_process import needs_blender

from face_emote.core.errors import HeadError, OptionError
from face_emote.core.names import BLOOD_REGIONS
from face_emote.core.options import Picture
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.formats.motion_file import write_motion
from face_emote.look.eye_picture import eye_albedo, eye_uv
from face_emote.rendering.base import Pose
from face_emote.rendering.cycles.engine import CyclesRenderer, developed, posed, tangents
from face_emote.rendering.cycles.eyes import cornea_normals
from face_emote.rendering.cycles.job import prepare
from face_emote.rendering.scene import make_scene, view_matrix
from face_emote.verbs.render import render_frames

SIZE = 128


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def person(head):
    scene = make_scene(camera="portrait", light="studio", width=SIZE, height=SIZE)
    maya = character("maya")
    return prepare(head, betas=maya.betas, skin=maya.skin, scene=scene, samples=1)


@pytest.fixture(scope="module")
def rest(head):
    return Pose(head.with_identity(character("maya").betas).template, np.zeros(16, np.float32), np.zeros(8, np.float32))


def test_tangents_follow_the_surface(person, rest):
    """One step in u and v away from a texture vertex lies where the tangents say."""
    points = posed(person, rest).points
    along = tangents(person, points)
    corners, index = points[person.stage.mesh.skin.triangles], person.stage.mesh.skin.uv_triangles
    step = person.stage.mesh.skin.uv[index[:, 1]] - person.stage.mesh.skin.uv[index[:, 0]]
    mean = along[index].mean(axis=1).reshape(-1, 2, 3)
    guessed = np.einsum("ti,tic->tc", step, mean)
    true = corners[:, 1] - corners[:, 0]
    size = np.linalg.norm(true, axis=1)
    assert np.median(np.linalg.norm(guessed - true, axis=1) / np.maximum(size, 1e-6)) < 0.1


def test_the_cornea_stands_out_along_the_gaze(person, rest):
    frame = posed(person, rest)
    for index in person.eyes:
        local, normals = person.stage.mesh.local[index], frame.cornea[index]
        assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)
        middle = np.argmax(local[:, 2])
        assert normals[middle, 2] > 0.97
    local = person.stage.mesh.local[person.eyes[0]]
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    assert np.allclose(cornea_normals(local, local @ turn.T), cornea_normals(local, local) @ turn.T, atol=1e-4)


def test_the_eye_picture_has_a_pupil_in_its_middle_and_the_iris_colour_round_it():
    skin = character("elena").skin
    picture = eye_albedo(skin, pupil=0.3)
    uv = eye_uv(np.array([[0.0, 0.0, 1.0], [np.sin(0.22), 0.0, np.cos(0.22)], [1.0, 0.0, 0.3]]))
    row, column = ((1.0 - uv[:, 1]) * len(picture)).astype(int), (uv[:, 0] * len(picture)).astype(int)
    pupil, iris, white = picture[row, column]
    assert pupil.max() < 0.01 and white.min() > 0.2
    assert iris[2] > iris[0] and np.argmax(iris) == np.argmax(skin.iris_colour)


def test_cameras_are_turned_the_right_way_round(person):
    whole = np.eye(4)
    whole[:3] = view_matrix(person.stage.camera)
    assert np.allclose(person.job.world_from_camera @ whole, np.eye(4), atol=1e-12)
    assert np.allclose(person.job.world_from_camera[:3, 3], person.stage.camera.position)


def test_where_nothing_is_the_backdrop_shows():
    light = np.zeros((2, 2, 4), np.float32)
    light[0] = 0.25, 0.25, 0.25, 0.5
    backdrop = np.full((2, 2, 3), 0.2, np.float32)
    picture = developed(light, backdrop=backdrop, exposure=1.0)
    assert np.all(picture[1] == picture[1, 0, 0]) and 120 <= picture[1, 0, 0] <= 126
    assert np.all(picture[0] > picture[1])


def test_mistakes_are_found_before_blender_starts(head):
    with pytest.raises(OptionError, match="samples must be a whole number from 1 to 4096, got 5000"):
        Picture(engine="cycles", samples=5000)
    with pytest.raises(OptionError, match="Only the engine cycles counts samples"):
        Picture(samples=4)
    scene = make_scene(camera="portrait", light="studio", width=SIZE, height=SIZE)
    plain = replace(head, layout=None)
    with pytest.raises(HeadError, match="no skin charts"):
        CyclesRenderer(plain, betas=np.zeros(300, np.float32), skin=character("maya").skin, scene=scene)


@pytest.fixture(scope="module")
def pictures(head):
    """Frames of rest and blush, by both engines; Cycles again, three times in turns."""
    motion = still_motion(head, 2)
    blood = motion.blood_flow.copy()
    blood[1] = [0.3, 0.4, 1.0, 1.0, 0.8, 0.0, 0.0, 0.1]
    motion = replace(motion, blood_flow=blood, character="default", betas=character("default").betas)
    return {
        name: render_frames(motion, frames, picture=picture, head=head).astype(float)
        for name, frames, picture in (
            ("fast", [0, 1], Picture(size=SIZE)),
            ("cycles", [0, 1], Picture(size=SIZE, engine="cycles", samples=4)),
            ("again", [0, 1] * 3, Picture(size=SIZE, engine="cycles", samples=4)),
        )
    }


@needs_blender
@pytest.mark.slow
def test_the_same_frame_has_the_same_bytes(pictures):
    """Whatever was drawn before it, and however busy the machine is."""
    for start in (0, 2, 4):
        assert np.array_equal(pictures["cycles"], pictures["again"][start : start + 2])


@needs_blender
@pytest.mark.slow
def test_both_engines_show_the_same_person_in_the_same_light(pictures):
    fast, cycles = pictures["fast"][0], pictures["cycles"][0]
    corner = np.s_[:16, :16]
    assert np.abs(fast[corner] - cycles[corner]).max() <= 1.0, "the backdrop"
    assert np.corrcoef(fast.mean(-1).ravel(), cycles.mean(-1).ravel())[0, 1] > 0.9
    face = np.s_[40:95, 45:85]
    assert np.abs(fast[face].mean((0, 1)) - cycles[face].mean((0, 1))).max() < 25.0


@needs_blender
@pytest.mark.slow
def test_a_blush_reddens_the_cheeks_as_it_does_in_the_fast_engine(pictures):
    assert BLOOD_REGIONS[2] == "cheek_left"
    cheek = np.s_[60:74, 78:88]
    for name in ("fast", "cycles"):
        before, after = (picture[cheek].mean((0, 1)) for picture in pictures[name])
        redder = after[0] / after[1] / (before[0] / before[1])
        assert redder > 1.08, name


@needs_blender
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_an_interrupted_video_leaves_nothing_behind_and_does_not_wait_for_its_picture(head, tmp_path):
    write_motion(still_motion(head, 8), tmp_path / "line.npz")
    command = ["render", "line.npz", "--engine", "cycles", "--samples", "2000", "--size", "512", "-o", "line.mp4"]
    (tmp_path / "temporary").mkdir()
    folders = {"PYTHONPATH": str(Path(__file__).parent.parent), "TMPDIR": str(tmp_path / "temporary")}
    process = started(*command, cwd=tmp_path, env=os.environ | folders, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120.0
    while not list((tmp_path / "temporary").glob("*/frame_0.npz")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    process.wait(30.0)
    assert process.returncode != 0
    assert [path.name for path in tmp_path.iterdir() if path.name != "temporary"] == ["line.npz"]
    assert not list((tmp_path / "temporary").iterdir())
