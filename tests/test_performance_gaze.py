"""Gaze: saccades, targets, aversion, and how the head follows."""

import numpy as np
import pytest
from spoken import silent, spoken

from face_emote.core.cameras import lens_of
from face_emote.core.rotations import rotation_matrix
from face_emote.motion.events.cues import speech_cues
from face_emote.motion.events.gaze import eye_rotations, gaze_direction, gaze_score, head_follow

JOINTS = np.array(
    [[0, -0.105, -0.034], [0, -0.037, -0.012], [0, -0.01, 0.028], [0.031, 0.043, 0.084], [-0.031, 0.043, 0.084]]
)


AHEAD = np.array([0.0, 0.0, 1.0])


def times_of(secs: float, hz: float = 100.0) -> np.ndarray:
    return np.arange(int(secs * hz)) / hz


def gaze_of(cues, *, amount=1.0, seed=0, pitch=0.0, avert=0.0):
    grid = np.ones(int(cues.duration_secs * 10) + 1)
    return gaze_score(
        cues, pitch=pitch * grid, avert=avert * grid, restless=grid, grid_hz=10.0, amount=amount,
        rng=np.random.default_rng(seed),
    )  # fmt: skip


def test_the_eyes_hold_their_target_while_the_head_moves():
    rng = np.random.default_rng(0)
    neck, body = rng.uniform(-0.1, 0.1, (50, 3)), rng.uniform(-0.02, 0.02, (50, 3))
    shift = rng.uniform(-0.01, 0.01, (50, 3))
    direction = np.tile([0.05, -0.03], (50, 1))
    pose = eye_rotations(direction, joints=JOINTS, neck_pose=neck, global_pose=body, translation=shift, viewer=AHEAD)
    aim = np.array([np.sin(0.05) * np.cos(-0.03), -np.sin(-0.03), np.cos(0.05) * np.cos(-0.03)])
    spot = JOINTS[3:].mean(0) + aim
    for f in range(50):
        head = rotation_matrix(body[f]) @ rotation_matrix(neck[f])
        for e in range(2):
            on_neck = rotation_matrix(neck[f]) @ (JOINTS[3 + e] - JOINTS[1]) + JOINTS[1] - JOINTS[0]
            eye = rotation_matrix(body[f]) @ on_neck + JOINTS[0] + shift[f]
            sight = head @ rotation_matrix(pose[f, e]) @ np.array([0.0, 0.0, 1.0])
            miss = np.linalg.norm(np.cross(sight, spot - eye))  # metres from the target, 1 m away
            assert miss < 1e-6


def test_both_eyes_turn_inward_to_somebody_near():
    still = np.zeros((1, 3))
    pose = eye_rotations(
        np.zeros((1, 2)), joints=JOINTS, neck_pose=still, global_pose=still, translation=still, viewer=AHEAD
    )
    left, right = np.degrees(pose[0, :, 1])
    assert left == pytest.approx(-right)
    assert left == pytest.approx(-np.degrees(np.arctan(0.031)), abs=0.01)
    assert np.all(pose[..., 2] == 0.0)


@pytest.mark.parametrize("camera", ["portrait", "front", "close", "bust"])
def test_a_look_at_the_viewer_goes_into_the_lens_that_draws(camera):
    still, lens = np.zeros((1, 3)), lens_of(camera)
    pose = eye_rotations(
        np.zeros((1, 2)), joints=JOINTS, neck_pose=still, global_pose=still, translation=still, viewer=lens
    )
    for eye in range(2):
        sight = rotation_matrix(pose[0, eye]) @ np.array([0.0, 0.0, 1.0])
        to_lens = JOINTS[3:].mean(axis=0) + lens - JOINTS[3 + eye]
        assert np.linalg.norm(np.cross(sight, to_lens)) < 1e-6


def test_the_eyes_go_before_the_head_and_turn_back_while_it_comes():
    score = gaze_of(speech_cues(spoken(60.0)))
    start, follow = head_follow(score)
    assert np.all((start - score.start >= 0.05) & (start - score.start <= 0.1))
    assert np.all(start >= score.start + 0.9 * score.duration)
    big = int(np.argmax(np.hypot(*follow.T)))
    at = start[big] + np.array([0.0, 0.42])
    turned = np.zeros((2, 3))
    turned[1, :2] = follow[big][::-1]
    zeros = np.zeros((2, 3))
    eyes = eye_rotations(np.repeat(gaze_direction(score, at[:1]), 2, axis=0), joints=JOINTS, neck_pose=turned,
                         global_pose=zeros, translation=zeros, viewer=AHEAD)  # fmt: skip
    back = np.hypot(*(eyes[1, 0, :2] - eyes[0, 0, :2]))
    assert back > 0.8 * np.hypot(*follow[big])


def test_eyes_never_pass_their_range():
    far = np.radians(np.array([[70.0, 50.0], [-70.0, -50.0]]))
    still = np.zeros((2, 3))
    pose = eye_rotations(far, joints=JOINTS, neck_pose=still, global_pose=still, translation=still, viewer=AHEAD)
    assert np.degrees(np.linalg.norm(pose, axis=-1)).max() < 28.5


def test_saccades_follow_the_main_sequence():
    score = gaze_of(speech_cues(spoken(120.0)))
    sizes = np.degrees(score.sizes)
    np.testing.assert_allclose(score.duration, 0.021 + 0.0022 * sizes)
    assert np.all(score.start[1:] >= score.start[:-1] + score.duration[:-1])
    for i in np.flatnonzero(sizes > 5.0)[:5]:
        t = score.start[i] + np.arange(0.0, score.duration[i], 1e-4)
        path = np.degrees(gaze_direction(score, t))
        speed = np.linalg.norm(np.diff(path, axis=0), axis=1) / 1e-4
        assert speed.max() == pytest.approx(1.65 * sizes[i] / score.duration[i], rel=0.06)


def test_the_viewer_is_looked_at_most_of_the_time():
    cues = speech_cues(spoken(240.0))
    t = times_of(240.0, 25.0)
    away = np.degrees(np.linalg.norm(gaze_direction(gaze_of(cues), t), axis=1)) > 4.5
    assert 0.05 < away.mean() < 0.4
    assert np.degrees(np.abs(gaze_direction(gaze_of(cues, amount=0.0), t))).max() < 0.2


def test_shame_looks_down_and_away():
    cues = speech_cues(spoken(120.0))
    t = times_of(120.0, 25.0)
    ashamed = gaze_direction(gaze_of(cues, pitch=0.12, avert=0.8), t)
    plain = gaze_direction(gaze_of(cues), t)
    assert ashamed[:, 1].mean() > plain[:, 1].mean() + 0.05
    assert np.abs(ashamed[:, 0]).mean() > 1.5 * np.abs(plain[:, 0]).mean()


def test_even_the_shyest_meet_the_viewer_now_and_then_and_stay_away_for_a_while():
    cues = speech_cues(silent(240.0))
    t = times_of(240.0, 25.0)
    away = np.degrees(np.linalg.norm(gaze_direction(gaze_of(cues, pitch=0.17, avert=0.9), t), axis=1)) > 6.5
    assert 0.3 < away.mean() < 0.7
    turns = np.count_nonzero(away[1:] & ~away[:-1])
    assert 0.8 < away.sum() / 25.0 / turns < 3.0  # seconds an averted look lasts


def test_a_listener_looks_aside_seldom_but_does():
    t = times_of(120.0, 25.0)
    away = np.degrees(np.linalg.norm(gaze_direction(gaze_of(speech_cues(silent(120.0))), t), axis=1)) > 4.5
    assert 0.03 < away.mean() < 0.25


def test_the_head_follows_large_shifts_only():
    score = gaze_of(speech_cues(spoken(120.0)))
    _, follow = head_follow(score)
    reach = np.hypot(*score.target.T)
    assert np.all(follow[reach < np.radians(5.0)] == 0.0)
    big = reach > np.radians(8.0)
    assert big.any() and np.all(np.hypot(*follow[big].T) > 0.05 * reach[big])
    assert np.all(np.hypot(*follow.T) < 0.35 * reach + 1e-9)
