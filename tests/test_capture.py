"""A filmed face is read back as what it did; films made here, whose truth is known."""

import numpy as np
import pytest
from filmed import FPS, motion_of, pictures_of, write_film

pytest.importorskip("mediapipe", reason="capture needs MediaPipe: pip install 'face-emote[capture]'")
pytest.importorskip("scipy", reason="capture needs scipy: pip install 'face-emote[capture]'")

import face_emote as fe
from face_emote.core.names import CONTROLS
from face_emote.formats.motion_file import read_motion

SECS = 1.6


@pytest.fixture(scope="module")
def played():
    """The mouth opens twice, the eyes close once, the brows rise."""
    t = np.arange(round(SECS * FPS)) / FPS
    blink = np.exp(-0.5 * ((t - 0.8) / 0.05) ** 2)
    return motion_of(
        {
            "jawOpen": 0.35 * np.sin(np.pi * t / 0.8) ** 2, "eyeBlinkLeft": blink, "eyeBlinkRight": blink,
            "browInnerUp": 0.8 * np.clip((t - 1.0) / 0.3, 0, 1), "lipSeal": (np.sin(np.pi * t / 0.8) ** 2 < 0.05) * 1.0,
        },
        yaw=0.15 * np.sin(2 * np.pi * t / SECS),
    )  # fmt: skip


@pytest.fixture(scope="module")
def pictures(played):
    return pictures_of(played)


@pytest.fixture(scope="module")
def film(pictures, tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "take.mp4", pictures)


@pytest.fixture(scope="module")
def captured(film):
    return fe.capture(film, neutral=0.0)


def correlation(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def test_the_mouth_opens_as_filmed(played, captured):
    assert captured.num_frames == played.num_frames and captured.fps == FPS
    assert correlation(captured.jaw_pose[:, 0], played.jaw_pose[:, 0]) > 0.95


def test_a_blink_closes_the_eyes_at_its_instant(played, captured):
    lid = CONTROLS.index("eyeBlinkLeft")
    assert captured.expression[:, lid].max() > 0.9
    assert abs(int(np.argmax(captured.expression[:, lid])) - int(np.argmax(played.expression[:, lid]))) <= 1


def test_brows_and_head_follow(played, captured):
    brow = CONTROLS.index("browInnerUp")
    raised = played.expression[:, brow] > 0.7
    low, high = (captured.expression[rows, brow].mean() for rows in (played.expression[:, brow] == 0.0, raised))
    assert high - low > 0.25
    assert correlation(captured.neck_pose[:, 1], played.neck_pose[:, 1]) > 0.97


def test_lips_that_touch_in_the_film_are_sealed(played, captured):
    seal = CONTROLS.index("lipSeal")
    touching = played.expression[:, seal] > 0.5
    open_wide = played.jaw_pose[:, 0] > 0.5 * played.jaw_pose[:, 0].max()
    assert captured.expression[touching, seal].min() > 0.5
    assert captured.expression[open_wide, seal].max() == 0.0


def test_the_command_writes_what_the_function_returns(film, captured, tmp_path, run):
    code, out, err = run("capture", str(film), "-o", str(tmp_path / "take.npz"), "--neutral", "0")
    assert (code, err) == (0, "") and "40 frames" in out
    again = read_motion(tmp_path / "take.npz")
    np.testing.assert_array_equal(again.expression, captured.expression)
    np.testing.assert_array_equal(again.confidence, captured.confidence)
    assert again.confidence.min() > 0.9
