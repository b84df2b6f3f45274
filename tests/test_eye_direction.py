"""Blinks and gaze targets that somebody has decided: they change the eyes, and nothing else."""

from functools import cache

import numpy as np
import pytest

from face_emote.audio.examples import example_speech
from face_emote.core.errors import OptionError
from face_emote.core.eyes import EyeDirection
from face_emote.core.names import CONTROLS
from face_emote.core.options import Performance
from face_emote.core.rotations import rotation_matrix
from face_emote.core.types import FaceMotion, PerformanceStyle
from face_emote.face.bundled import load_head
from face_emote.verbs.animate import Take, perform

LINE = example_speech()[1]
BLINK = CONTROLS.index("eyeBlinkLeft")
MOUTH = [i for i, name in enumerate(CONTROLS) if name.startswith(("mouth", "jaw", "lip"))]


@cache
def take(eyes: EyeDirection | None = None, gaze: float = 0.0) -> Take:
    style = PerformanceStyle(gaze=gaze)
    return perform(Performance(LINE.path, emotion="joy", animator="rules", style=style, eyes=eyes))


@cache
def motion(eyes: EyeDirection | None = None, gaze: float = 0.0) -> FaceMotion:
    return take(eyes, gaze).whole()


def blinks() -> np.ndarray:
    score = take().blinks
    return np.stack([score.start, score.closing, score.hold, score.opening, score.depth], axis=1)


def looking_at(points: np.ndarray, share: float = 0.0) -> EyeDirection:
    secs = np.linspace(0.0, 3.0, len(points))
    yaw = np.arctan2(points[:, 0], points[:, 2])
    return EyeDirection(secs=secs, target=points, head_turn=np.stack([share * yaw, 0.0 * yaw], axis=1))


def missed(played: FaceMotion, points: np.ndarray) -> np.ndarray:
    """Degrees by which the left eye misses the target, frame by frame."""
    joints = load_head().joints()
    body, head = rotation_matrix(played.global_pose), rotation_matrix(played.neck_pose)
    eye = np.einsum("fab,b->fa", head, joints[3] - joints[1]) + joints[1] - joints[0]
    eye = np.einsum("fab,fb->fa", body, eye) + joints[0] + played.translation
    forward = (body @ head @ rotation_matrix(played.eye_pose[:, 0]))[..., 2]
    to_target = points + joints[3:5].mean(axis=0) - eye
    to_target /= np.linalg.norm(to_target, axis=1, keepdims=True)
    angle: np.ndarray = np.degrees(np.arccos(np.clip((forward * to_target).sum(axis=1), -1.0, 1.0)))
    return angle


def at_frames(points: np.ndarray, count: int) -> np.ndarray:
    times = np.arange(count) / motion().fps
    return np.stack([np.interp(times, np.linspace(0.0, 3.0, len(points)), column) for column in points.T], axis=1)


def test_the_blinks_of_a_take_given_back_change_nothing() -> None:
    again, plain = motion(EyeDirection(blinks=blinks())), motion()
    assert again.expression.tobytes() == plain.expression.tobytes()


def test_a_blink_closes_the_lids_when_it_is_wanted_and_leaves_the_mouth_alone() -> None:
    wanted = motion(EyeDirection(blinks=np.array([[1.0, 0.1, 0.05, 0.2, 1.0]])))
    frame = round(1.12 * wanted.fps)
    assert wanted.expression[frame, BLINK] > 0.95 and motion().expression[frame, BLINK] < 0.5
    assert wanted.expression[:, MOUTH].tobytes() == motion().expression[:, MOUTH].tobytes()
    assert wanted.neck_pose.tobytes() == motion().neck_pose.tobytes()
    half = motion(EyeDirection(blinks=np.array([[1.0, 0.1, 0.05, 0.2, 0.5]])))
    assert 0.4 < half.expression[frame, BLINK] < 0.75
    assert motion(EyeDirection(blinks=np.zeros((0, 5)))).expression[:, BLINK].max() < 0.5


def test_the_eyes_meet_a_target_that_moves_and_the_head_follows_by_its_share() -> None:
    points = np.array([[-0.3, 0.1, 0.9], [0.4, -0.2, 0.8], [0.0, 0.0, 1.2]])
    still, turned = motion(looking_at(points)), motion(looking_at(points, share=0.5))
    for played in (still, turned):
        assert np.median(missed(played, at_frames(points, played.num_frames))) < 2.0
    assert still.neck_pose.tobytes() == motion().neck_pose.tobytes()
    yaw = at_frames(points, still.num_frames)[:, 0] / at_frames(points, still.num_frames)[:, 2]
    right = np.argmax(yaw)
    assert turned.neck_pose[right, 1] - still.neck_pose[right, 1] == pytest.approx(
        0.5 * np.arctan(yaw[right]), abs=0.03
    )
    assert np.abs(turned.eye_pose).mean() < np.abs(still.eye_pose).mean()


def test_lids_follow_a_look_down() -> None:
    ahead, down = (motion(looking_at(np.array([[0.0, y, 1.0]] * 2))) for y in (0.0, -0.5))
    assert down.expression[:, BLINK].mean() > ahead.expression[:, BLINK].mean() + 0.1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"blinks": np.array([[2.0, 0.1, 0.0, 0.2, 1.0], [1.0, 0.1, 0.0, 0.2, 1.0]])}, "in order"),
        ({"blinks": np.array([[1.0, 0.1, 0.0, 0.2, 1.5]])}, "0 to 1"),
        ({"blinks": np.array([[1.0, np.nan, 0.0, 0.2, 1.0]])}, "finite"),
        ({"secs": np.zeros(1), "target": np.zeros((1, 3)), "head_turn": np.zeros((1, 2))}, "between the eyes"),
        ({"secs": np.zeros(2), "target": np.ones((2, 3)), "head_turn": np.zeros((2, 2))}, "rising"),
    ],
)
def test_what_no_eyes_can_do_is_refused(given: dict[str, np.ndarray], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        EyeDirection(**given)
