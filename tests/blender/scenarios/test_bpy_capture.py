"""A film becomes a take, whose keys and markers say where the face was not seen."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .stage import ROOT, added_head, error_of, fe

_ = fe
PYTHON = os.environ.get("FACE_EMOTE_CAPTURE_PYTHON", sys.executable)
CAPTURES = subprocess.run([PYTHON, "-c", "import mediapipe"], capture_output=True, check=False).returncode == 0
pytestmark = pytest.mark.skipif(
    not CAPTURES, reason="needs MediaPipe here, or FACE_EMOTE_CAPTURE_PYTHON: a Python that has it"
)
COUNT, FIRST_HIDDEN, STOP_HIDDEN = 48, 16, 32
FILMING = f"""
import sys; from pathlib import Path; import numpy as np
from filmed import FPS, motion_of, pictures_of, write_film
wave = np.sin(np.pi * np.arange({COUNT}) / 24) ** 2
pictures = pictures_of(motion_of({{"jawOpen": 0.4 * wave}}), size=256)
for picture in pictures[{FIRST_HIDDEN}:{STOP_HIDDEN}]:
    picture[150:200, 98:160] = (120, 84, 70)
write_film(Path(sys.argv[1]), pictures)
"""
"""The mouth opens twice; a hand lies before it in the middle."""


@pytest.fixture(scope="module")
def take(fe, tmp_path_factory):
    """The film played by a head of ours, at the film's 25 frames a second."""
    from blender_addon.engine import locate

    film = tmp_path_factory.mktemp("film") / "take.mp4"
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    subprocess.run([PYTHON, "-c", FILMING, str(film)], check=True, env={**os.environ, "PYTHONPATH": paths})
    fe.jobs.SESSION._locate = lambda: locate.find_engine(str(ROOT), package_folders=[], python=PYTHON)
    head = added_head(fe, "default")
    fe.bpy.context.scene.render.fps, fe.bpy.context.scene.face_emote.key_tolerance = 25, 0.0
    fe.bpy.ops.face_emote.capture(filepath=str(film), neutral=0.0)
    (made,) = fe.takes.takes_of(head)
    return head, made


def keys_of(fe, action, name):
    """Of a shape key, or of a bone's turn about its first axis."""
    paths = (f'key_blocks["{name}"].value', f'pose.bones["{name}"].rotation_euler')
    (curve,) = (curve for curve in fe.compat.all_fcurves(action) if curve.data_path in paths and curve.array_index == 0)
    return curve.keyframe_points


def test_the_head_plays_the_film(fe, take):
    _, action = take
    jaw = np.array([abs(key.co[1]) for key in keys_of(fe, action, "jaw")])
    filmed = np.sin(np.pi * np.arange(COUNT) / 24) ** 2
    seen = np.r_[0:14, 36:48]
    assert len(jaw) == COUNT and np.corrcoef(jaw[seen], filmed[seen])[0, 1] > 0.9


def test_keys_of_the_half_that_was_hidden_are_coloured_and_no_others(fe, take):
    _, action = take
    jaw, mouth, brow = (
        np.array([key.type == "EXTREME" for key in keys_of(fe, action, name)])
        for name in ("jaw", "mouthFrownLeft", "browInnerUp")
    )
    assert (jaw == mouth).all()
    assert jaw[FIRST_HIDDEN + 2 : STOP_HIDDEN - 2].all() and not jaw[: FIRST_HIDDEN - 3].any()
    assert not jaw[STOP_HIDDEN + 3 :].any() and not brow.any()


def test_markers_of_the_action_bound_the_span_and_say_what_was_hidden(fe, take):
    _, action = take
    start, stop = sorted(action.pose_markers, key=lambda marker: marker.frame)
    assert (start.name, stop.name) == ("lower face not seen", "lower face seen again")
    assert abs(start.frame - (1 + FIRST_HIDDEN)) <= 2 and abs(stop.frame - (1 + STOP_HIDDEN)) <= 2


def test_a_film_without_a_face_says_so_and_leaves_the_scene_as_it_was(fe, take, tmp_path):
    head, _ = take
    path = tmp_path / "noise.mp4"
    path.write_bytes(b"no film" * 99)
    assert "cannot be read as a film" in error_of(lambda: fe.bpy.ops.face_emote.capture(filepath=str(path)))
    assert len(fe.takes.takes_of(head)) == 1
    assert Path(path).is_file()
