"""Wrinkles: made by the geometry, where the anatomy says, at once; gone a little later."""

import numpy as np
import pytest

from face_emote.core.names import CONTROLS, MOTION_HZ, WRINKLES
from face_emote.face.bundled import load_head
from face_emote.look.regions import wrinkle_masks
from face_emote.motion.feeling.wrinkles import (
    ATTACK_SECS,
    RELEASE_SECS,
    WrinkleModel,
    folding,
    step_wrinkles,
    tension,
    wrinkle_model,
)


@pytest.fixture(scope="module")
def model() -> WrinkleModel:
    return wrinkle_model(load_head())


def controls(**wanted: float) -> np.ndarray:
    """One frame; names without a side mean both."""
    out = np.zeros((1, len(CONTROLS)), np.float32)
    for name, value in wanted.items():
        for control in (name,) if name in CONTROLS else (f"{name}Left", f"{name}Right"):
            out[0, CONTROLS.index(control)] = value
    return out


def folds(model: WrinkleModel, **wanted: float) -> dict[str, float]:
    return dict(zip(WRINKLES, folding(model, controls(**wanted))[0], strict=True))


MADE_BY = {
    "forehead_centre": {"browInnerUp": 1.0},
    "forehead_left": {"browOuterUp": 1.0},
    "glabella": {"browDown": 1.0},
    "nose_bridge": {"noseSneer": 1.0},
    "crows_feet_left": {"mouthSmile": 0.8, "cheekSquint": 0.9, "eyeSquint": 0.4},
    "lower_lid_left": {"cheekSquint": 0.9},
    "nasolabial_left": {"mouthSmile": 0.8, "cheekSquint": 0.5},
    "perioral": {"mouthPucker": 1.0},
    "mouth_corner_left": {"mouthDimple": 1.0, "mouthSmile": 0.5},
    "chin": {"mouthShrugLower": 1.0},
    "neck_bands": {"neckPlatysma": 1.0, "mouthStretch": 0.5},
}


@pytest.mark.parametrize("region", MADE_BY)
def test_each_wrinkle_is_made_by_its_own_action(model, region):
    assert folds(model, **MADE_BY[region])[region] > 0.45
    other = region.replace("left", "right")
    assert folds(model, **MADE_BY[region])[other] == pytest.approx(folds(model, **MADE_BY[region])[region], abs=0.1)


def test_a_neutral_face_is_smooth(model):
    assert folding(model, controls()).max() < 0.01


def test_speech_and_blinks_alone_fold_little(model):
    for act in ({"jawOpen": 0.6}, {"eyeBlink": 1.0}, {"mouthPress": 0.3, "lipSeal": 1.0}, {"mouthFunnel": 0.6}):
        deepest = max(folds(model, **act).items(), key=lambda item: item[1])
        assert deepest[1] < 0.4, (act, deepest)


def test_a_one_sided_smile_wrinkles_one_side(model):
    found = dict(zip(WRINKLES, folding(model, controls(mouthSmileLeft=0.9, cheekSquintLeft=0.8))[0], strict=True))
    assert found["nasolabial_left"] > 0.5 and found["nasolabial_right"] < 0.1
    assert found["crows_feet_left"] > 0.3 and found["crows_feet_right"] < 0.1


def test_wrinkles_grow_with_the_action_and_with_the_slider(model):
    ramp = np.concatenate([controls(browInnerUp=x, browDown=0.5 * x) for x in np.linspace(0.0, 1.0, 21)])
    depth = folding(model, ramp)
    assert np.all(np.diff(depth[:, WRINKLES.index("forehead_centre")]) > -1e-6)
    half = folding(model, ramp, amount=0.5)
    np.testing.assert_allclose(half[:8], 0.5 * folding(model, ramp)[:8], atol=1e-6)
    assert not folding(model, ramp, amount=0.0).any()
    assert depth.max() <= 1.0 and depth.min() >= 0.0


def test_every_identity_folds_at_its_own_full_action():
    rng = np.random.default_rng(3)
    for _ in range(2):
        person = wrinkle_model(load_head().with_identity((0.7 * rng.standard_normal(300)).astype(np.float32)))
        for region in ("forehead_centre", "glabella", "nasolabial_left", "perioral"):
            assert folds(person, **MADE_BY[region])[region] > 0.45
        assert folding(person, controls()).max() < 0.02


def test_tension_is_the_mean_edge_compression(model):
    """Slow twin: every edge by a plain loop."""
    act = controls(mouthSmile=0.6, browDown=0.4, jawOpen=0.2)
    from face_emote.face.rig import pose_from_controls

    pose = pose_from_controls(act, control_joints=model.head.control_joints)
    points = model.head.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose, eye_pose=pose.eye_pose)[0]
    wanted = np.zeros(len(WRINKLES))
    for (a, b), rest, weight in zip(model.edges, model.rest_length, model.weights, strict=True):
        wanted += weight * max(1.0 - float(np.linalg.norm(points[b] - points[a])) / float(rest), 0.0)
    np.testing.assert_allclose(tension(model, act)[0], wanted, atol=1e-6)


def test_folds_come_within_40_ms_and_go_within_a_quarter_second():
    target = np.concatenate([np.zeros((10, 16)), np.ones((50, 16)), np.zeros((50, 16))])
    level, _ = step_wrinkles(target, np.zeros(16), step_hz=MOTION_HZ)
    assert np.all(level[11] > 0.6) and np.all(level[12] > 0.85)
    gone = level[60:, 0]
    seconds = np.argmax(gone < np.exp(-1.0)) / MOTION_HZ
    assert 0.12 <= seconds <= 0.25
    assert 0.0 <= ATTACK_SECS <= 0.04 and 0.12 <= RELEASE_SECS <= 0.25


def test_attack_and_release_agree_with_a_10_khz_loop():
    rng = np.random.default_rng(0)
    target = np.repeat(rng.uniform(0, 1, (12, 16)), 8, axis=0)
    level, wanted = np.zeros(16), []
    for row in target:
        for _ in range(200):
            level = level + (row - level) * (1e-4 / np.where(row > level, ATTACK_SECS, RELEASE_SECS))
        wanted.append(level)
    found, _ = step_wrinkles(target, np.zeros(16), step_hz=MOTION_HZ)
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_blocks_of_wrinkles_equal_the_whole():
    rng = np.random.default_rng(0)
    target = rng.uniform(0, 1, (200, 16))
    whole, _ = step_wrinkles(target, np.zeros(16), step_hz=MOTION_HZ)
    state, parts = np.zeros(16), []
    for first in range(0, 200, 31):
        part, state = step_wrinkles(target[first : first + 31], state, step_hz=MOTION_HZ)
        parts.append(part)
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_wrinkle_masks_are_sided_soft_and_mirrored():
    head = load_head()
    masks = wrinkle_masks(head.template * np.float32(1e3))
    assert masks.min() >= 0.0 and masks.max() <= 1.0
    assert np.all(masks.max(axis=0) > 0.7)
    swapped = wrinkle_masks(head.template * np.array([-1e3, 1e3, 1e3], np.float32))
    for i, name in enumerate(WRINKLES):
        twin = name.replace("left", "*").replace("right", "left").replace("*", "right")
        np.testing.assert_allclose(swapped[:, WRINKLES.index(twin)], masks[:, i], atol=1e-5)
    left = masks[:, WRINKLES.index("nasolabial_left")]
    assert left[head.template[:, 0] < -0.008].max() < 1e-6
