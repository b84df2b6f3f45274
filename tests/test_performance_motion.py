"""What must hold for every performance, whatever is said and felt."""

import tracemalloc
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from spoken import silent, spoken

from face_emote.core.cameras import CAMERAS
from face_emote.core.errors import FaceEmoteWarning
from face_emote.core.motion import joined_motion
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, EMOTIONS, WRINKLES
from face_emote.core.timing import frames_in
from face_emote.core.types import FRAME_ARRAYS, FaceMotion, MotionInfo, PerformanceStyle, Speech, SpeechAnalysis
from face_emote.emotion.grammar import describe
from face_emote.face.bundled import load_head
from face_emote.face.rig import ControlPose, controls_from_pose, pose_from_controls
from face_emote.motion.layering import GAP_METRES, GAP_SHARE, layered, lids_follow, lip_gap, mouth_gauge
from face_emote.motion.mouth.lips import lip_score
from face_emote.motion.perform import perform
from face_emote.motion.player import player_of
from face_emote.motion.score import accent_size
from face_emote.verbs.animate import animate

STYLE = PerformanceStyle()
INDEX = {name: i for i, name in enumerate(CONTROLS)}
BETAS = np.zeros(300, np.float32)


def play(
    analysis: SpeechAnalysis, emotion: str = "neutral", *, fps=30.0, seed=0, style=STYLE, block=256, betas=BETAS
) -> FaceMotion:
    info = MotionInfo(basis=load_head().basis, seed=seed)
    player = player_of(load_head(), style=style, fps=fps, info=info, betas=betas)
    blocks = perform(analysis, describe(emotion), player=player, block_frames=block)
    return joined_motion(list(blocks))


@lru_cache(maxsize=32)
def spoken_as(emotion: str, *, secs: float = 6.0, seed: int = 0, fps: float = 50.0) -> FaceMotion:
    return play(spoken(secs), emotion, seed=seed, fps=fps)


def controls_of(motion: FaceMotion) -> np.ndarray:
    pose = ControlPose(motion.expression, motion.jaw_pose, motion.eye_pose)
    return controls_from_pose(pose, control_joints=load_head().control_joints)


def gap_mm(motion: FaceMotion) -> np.ndarray:
    return 1e3 * lip_gap(mouth_gauge(load_head()), controls_of(motion))


@pytest.mark.parametrize("block", [1, 7, 100, 10_000])
def test_blocks_equal_the_whole_byte_for_byte(block):
    whole = play(spoken(4.5), "anger hidden under a smile", fps=60.0)
    parts = play(spoken(4.5), "anger hidden under a smile", fps=60.0, block=block)
    for name in FRAME_ARRAYS:
        assert getattr(parts, name).tobytes() == getattr(whole, name).tobytes(), name


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_performance():
    one, same, other = (play(spoken(6.0), "joy", seed=s) for s in (0, 0, 1))
    for name in FRAME_ARRAYS:
        assert getattr(one, name).tobytes() == getattr(same, name).tobytes()
    assert np.abs(one.neck_pose - other.neck_pose).max() > np.radians(0.5)
    assert np.abs(one.eye_pose - other.eye_pose).max() > np.radians(1.0)
    blink = INDEX["eyeBlinkLeft"]
    assert np.abs(controls_of(one)[:, blink] - controls_of(other)[:, blink]).max() > 0.5


def test_the_dice_never_touch_the_lips():
    one, other = (gap_mm(play(spoken(6.0), "neutral", seed=s, fps=50.0)) for s in (0, 1))
    assert np.abs(one - other).max() < 0.05


@pytest.mark.parametrize("fps", [12.0, 29.97, 120.0])
def test_frames_cover_the_sound_at_any_rate(fps):
    analysis = spoken(3.21)
    motion = play(analysis, "sadness", fps=fps)
    assert motion.num_frames == frames_in(3.21, fps=fps)
    assert motion.fps == fps


def test_the_frame_rate_does_not_change_the_performance():
    slow, fast = play(spoken(5.0), "fear", fps=25.0), play(spoken(5.0), "fear", fps=100.0)
    for name in ("neck_pose", "global_pose", "translation", "eye_pose"):
        np.testing.assert_allclose(getattr(slow, name), getattr(fast, name)[::4], atol=1e-5)
    for name in ("wrinkles", "blood_flow"):  # at low rates the lips' contacts are held until a frame hits them
        np.testing.assert_allclose(getattr(slow, name), getattr(fast, name)[::4], atol=0.03)


@pytest.mark.parametrize("secs", [0.011, 0.3, 0.9])
def test_the_shortest_clips_are_played_too(secs):
    for analysis in (spoken(secs), silent(secs)):
        motion = play(analysis, "fear hidden under a smile", fps=60.0)
        assert motion.num_frames == frames_in(secs, fps=60.0)
        assert all(np.all(np.isfinite(getattr(motion, name))) for name in FRAME_ARRAYS)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_all_values_stay_in_their_ranges(emotion):
    motion = spoken_as(emotion)
    for name in FRAME_ARRAYS:
        assert np.all(np.isfinite(getattr(motion, name))), name
    controls = controls_of(motion)[:, [i for name, i in INDEX.items() if not name.startswith("eyeLook")]]
    assert controls.min() >= 0.0 and controls.max() <= 1.0
    controls = controls_of(motion)
    assert np.all(controls[:, INDEX["mouthClose"]] <= controls[:, INDEX["jawOpen"]] + 1e-5)
    assert motion.wrinkles.min() >= 0.0 and motion.wrinkles.max() <= 1.0
    assert np.abs(motion.blood_flow).max() <= 1.0
    assert np.degrees(np.linalg.norm(motion.neck_pose, axis=1)).max() < 14.0
    assert np.degrees(np.linalg.norm(motion.eye_pose, axis=2)).max() < 28.5
    assert np.abs(motion.translation).max() < 0.012


def test_silence_keeps_the_lips_still():
    motion = play(silent(4.0), "neutral", fps=50.0)
    gap = gap_mm(motion)
    assert np.ptp(gap) < 0.02
    mouth = [i for name, i in INDEX.items() if name.startswith(("mouth", "jaw", "lip", "tongue"))]
    assert np.ptp(controls_of(motion)[:, mouth], axis=0).max() < 1e-3


@pytest.mark.parametrize("animator", ["net", "rules"])
def test_what_is_read_from_silence_leaves_the_lips_alone(animator):
    with pytest.warns(FaceEmoteWarning, match="No speech"):
        motion = animate(Speech(np.zeros(64_000, np.float32)), fps=50.0, animator=animator)
    assert np.abs(np.diff(gap_mm(motion)[75:])).max() * 50.0 < 6.0


@pytest.mark.parametrize("emotion", ["joy", "surprise", "anger"])
def test_an_emotion_in_silence_moves_the_lips_slowly_if_at_all(emotion):
    gap = gap_mm(play(silent(4.0), emotion, fps=50.0))[75:]
    assert np.abs(np.diff(gap)).max() * 50.0 < 6.0  # mm a second; speech reaches 150


@pytest.mark.parametrize("emotion", EMOTIONS[1:])
def test_no_emotion_moves_the_lips_off_the_speech(emotion):
    analysis = spoken(6.0)
    plain, felt = gap_mm(spoken_as("neutral")), gap_mm(spoken_as(emotion))
    lips = lip_score(analysis, head=load_head(), style=STYLE, fps=50.0).sample(np.arange(300) / 50.0)
    spoken_frames = lips.ownership > 0.95
    talking, gap = np.abs(felt - plain)[spoken_frames], np.maximum(plain[spoken_frames], 0.0)
    allowed = np.maximum(1e3 * GAP_METRES, GAP_SHARE * gap) + 0.35
    assert np.mean(talking <= allowed) > 0.97 and talking.max() < 2.0
    assert np.corrcoef(felt[spoken_frames], plain[spoken_frames])[0, 1] > 0.985


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_closures_stay_closed_under_every_emotion(emotion):
    analysis, head = spoken(6.0), load_head()
    motion = spoken_as(emotion)
    lips = lip_score(analysis, head=head, style=STYLE, fps=50.0).sample(np.arange(300) / 50.0)
    closed = np.flatnonzero(lips.closure > 0.99)
    assert len(closed) > 10
    assert head.contact is not None
    edge = head.restricted_to(np.concatenate([head.contact.lips.upper, head.contact.lips.lower]))
    points = edge.pose_vertices(expression=motion.expression[closed], jaw_pose=motion.jaw_pose[closed])
    top, bottom = points[:, : len(head.contact.lips.upper)], points[:, len(head.contact.lips.upper) :]
    facing = top[..., 1] @ head.contact.lips.lower_on_upper.T
    assert 1e3 * (facing - bottom[..., 1]).max() < 0.6


def test_emotions_can_be_told_apart_while_speaking():
    means = np.stack([controls_of(spoken_as(name)).mean(axis=0) for name in EMOTIONS])
    apart = np.linalg.norm(means[:, None] - means[None], axis=-1)
    assert apart[~np.eye(8, dtype=bool)].min() > 0.25


def test_more_intensity_shows_more():
    amounts = [
        controls_of(play(spoken(3.0), f"sadness:{x}"))[:, INDEX["mouthFrownLeft"]].mean() for x in (0.2, 0.5, 0.9)
    ]
    assert amounts[0] < amounts[1] < amounts[2]


def test_an_emotion_is_never_quite_constant():
    brow = controls_of(play(spoken(12.0), "sadness"))[:, INDEX["innerBrowRaiseLeft"]]
    assert 0.05 < brow[100:].std() < 0.35


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_clip_opens_in_its_emotion_without_a_pop(emotion):
    motion = spoken_as(emotion)
    controls = controls_of(motion)
    brows = [i for name, i in INDEX.items() if name.startswith(("brow", "innerBrow", "noseSneer", "cheekSquint"))]
    assert np.abs(np.diff(controls[:4, brows], axis=0)).max() < 0.05
    assert np.abs(np.diff(motion.wrinkles[:4], axis=0)).max() < 0.05
    if emotion != "neutral":
        settled = controls[40:250, brows].mean(axis=0)
        assert controls[0, brows] @ settled > 0.3 * (settled @ settled)


@pytest.mark.parametrize("emotion", EMOTIONS[1:])
def test_no_fold_is_stuck_at_its_deepest(emotion):
    folds = spoken_as(emotion).wrinkles
    deep = folds[50:].mean(axis=0) > 0.5
    assert not deep.any() or folds[50:, deep].std(axis=0).min() > 0.003
    assert np.mean(folds > 0.995) == 0.0


def test_the_lids_ride_on_the_eyes():
    still = np.zeros((5, len(CONTROLS)), np.float32)
    pitch = np.radians(np.array([-15.0, -8.0, 0.0, 8.0, 15.0]))
    followed = lids_follow(still, eye_pitch=np.stack([pitch, pitch], axis=1))
    for side in ("Left", "Right"):
        blink, wide = followed[:, INDEX[f"eyeBlink{side}"]], followed[:, INDEX[f"eyeWide{side}"]]
        assert np.all(np.diff(blink[2:]) > 0.05) and not blink[:3].any()
        assert np.all(np.diff(wide[:3]) < -0.05) and not wide[2:].any()
    shut = still.copy()
    shut[:, INDEX["eyeBlinkLeft"]] = 1.0
    both = lids_follow(shut, eye_pitch=np.stack([pitch, pitch], axis=1))
    assert np.all(both[:, INDEX["eyeBlinkLeft"]] == 1.0) and not both[:, INDEX["eyeWideLeft"]].any()


def test_lids_fall_when_the_performance_looks_down():
    motion = spoken_as("joy")
    lid, down = controls_of(motion)[:, INDEX["eyeBlinkLeft"]], np.maximum(motion.eye_pose[:, 0, 0], 0.0)
    opened = lid < 0.2  # not in a blink
    assert np.ptp(down[opened]) > np.radians(3.0)
    assert np.corrcoef(lid[opened], down[opened])[0, 1] > 0.7


def test_a_key_is_reached_at_its_time():
    motion = play(silent(5.0), "0s neutral; 2s neutral; 2.3s surprise", fps=50.0)
    lift = controls_of(motion)[:, INDEX["browOuterUpLeft"]]
    assert lift[:85].max() < 0.1
    assert lift[120:].mean() > 0.5
    assert lift[122] > 0.8 * lift[120:].max()


def test_stressed_words_hardly_lift_the_brows_of_somebody_who_feels_nothing():
    lifts = {}
    for text in ("neutral", "joy"):
        controls = controls_of(play(spoken(20.0), text))
        lifts[text] = controls[:, INDEX["browOuterUpLeft"]].max()
    assert 0.02 < lifts["neutral"] < 0.6 * lifts["joy"]
    felt = np.zeros((2, len(CONTROLS)), np.float32)
    felt[1, INDEX["mouthSmileLeft"]] = 1.0
    assert accent_size(felt)[0] < 0.35 and accent_size(felt)[1] == 1.0


def test_stressed_words_leave_worried_brows_slanted():
    for text in ("fear", "sadness"):
        controls = controls_of(play(spoken(20.0), text))
        slant = controls[:, INDEX["innerBrowRaiseLeft"]] - controls[:, INDEX["browOuterUpLeft"]]
        assert np.percentile(slant[30:], 5) > 0.0, text


def test_no_blink_hides_a_leak():
    motion = play(spoken(30.0), "anger hidden under a smile", fps=50.0)
    plain = controls_of(play(spoken(30.0), "a smile", fps=50.0))[:, INDEX["browDownLeft"]]
    controls = controls_of(motion)
    flashes = controls[:, INDEX["browDownLeft"]] > plain + 0.25
    assert flashes.sum() > 15
    assert controls[flashes, INDEX["eyeBlinkLeft"]].max() < 0.4


def test_hidden_anger_flashes_and_reddens():
    motion = play(spoken(14.0), "anger hidden under joy (leak 60%)")
    hidden, plain = controls_of(motion), controls_of(play(spoken(14.0), "joy"))
    column = INDEX["browDownLeft"]
    leaks = hidden[:, column] - plain[:, column]
    pulses = leaks > np.median(leaks) + 0.25
    starts = np.flatnonzero(np.diff(pulses.astype(int)) == 1)
    assert 2 <= len(starts) <= 20
    assert pulses.mean() < 0.15
    assert motion.blood_flow[-1, BLOOD_REGIONS.index("forehead")] > 0.25


def test_shame_blushes_and_fear_pales():
    cheek = BLOOD_REGIONS.index("cheek_left")
    assert play(spoken(6.0), "shame").blood_flow[-1, cheek] > 0.45
    assert play(spoken(6.0), "embarrassment").blood_flow[-1, cheek] > 0.45
    assert play(spoken(6.0), "fear").blood_flow[-1, cheek] < -0.5
    assert abs(play(spoken(6.0), "neutral").blood_flow[-1, cheek]) < 0.05


def test_smiles_bring_crows_feet_and_worry_the_forehead():
    assert spoken_as("joy").wrinkles[:, WRINKLES.index("crows_feet_left")].mean() > 0.3
    assert spoken_as("fear").wrinkles[:, WRINKLES.index("forehead_centre")].mean() > 0.4
    assert spoken_as("anger").wrinkles[:, WRINKLES.index("glabella")].mean() > 0.4
    assert spoken_as("neutral").wrinkles.mean() < 0.12


def test_every_slider_stops_its_layer():
    speech = spoken(6.0)
    off = play(
        speech, "anger", style=replace(STYLE, head=0.0, gaze=0.0, blinks=0.0, brows=0.0, wrinkles=0.0, blood="off")
    )
    assert not off.neck_pose.any() and not off.global_pose.any() and not off.translation.any()
    assert not off.wrinkles.any() and not off.blood_flow.any()
    controls = controls_of(off)
    assert controls[:, INDEX["eyeBlinkLeft"]].max() < 0.3
    assert np.degrees(np.ptp(off.eye_pose[:, 0, 1])) < 0.5
    assert not controls[:, INDEX["browOuterUpLeft"]].any()


def test_the_eyes_look_at_the_viewer_on_average():
    motion = spoken_as("neutral")
    sight = motion.neck_pose[:, None] + motion.global_pose[:, None] + motion.eye_pose
    lens = CAMERAS["portrait"].position
    aside = np.array([-np.arctan2(lens[1], lens[2]), np.arctan2(lens[0], lens[2]), 0.0])
    assert np.degrees(aside[1]) > 4.0
    assert np.abs(np.degrees(np.median(sight.mean(axis=1), axis=0) - aside)).max() < 1.5


def test_nothing_jumps():
    motion = play(spoken(5.0), "fear", fps=120.0)
    controls = controls_of(motion)
    calm = [i for name, i in INDEX.items() if name.startswith(("brow", "cheek", "mouthSmile", "mouthFrown"))]
    assert np.abs(np.diff(controls[:, calm], axis=0)).max() * 120.0 < 14.0  # full scale in 70 ms at the fastest
    assert np.degrees(np.abs(np.diff(motion.neck_pose, axis=0))).max() * 120.0 < 60.0
    assert np.abs(np.diff(motion.blood_flow, axis=0)).max() * 120.0 < 6.0


def test_the_gauge_measures_the_gap_of_the_mesh():
    rng = np.random.default_rng(0)
    controls = (rng.uniform(size=(60, 100)) * (rng.uniform(size=(60, 100)) < 0.3)).astype(np.float32)
    controls[:40, INDEX["lipSeal"]] = 0.0
    gauge = mouth_gauge(load_head())
    pose = pose_from_controls(controls, control_joints=gauge.head.control_joints)
    mesh = gauge.head.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)[:, :, 1] @ gauge.heights
    np.testing.assert_allclose(lip_gap(gauge, controls), mesh, atol=1e-7)
    assert mesh.std() > 0.005


def test_layers_without_emotion_are_the_lips_alone():
    lips = np.zeros((3, 100), np.float32)
    lips[:, INDEX["jawOpen"]] = [0.0, 0.3, 0.6]
    nothing, zeros = np.zeros((3, 100), np.float32), np.zeros(3)
    out = layered(lips, emotion=nothing, accents=nothing, ownership=zeros + 1, closure=zeros, blink=zeros,
                  inhaled=zeros, gauge=mouth_gauge(load_head()))  # fmt: skip
    np.testing.assert_array_equal(out, lips)


def test_the_performance_fits_the_person():
    rng = np.random.default_rng(0)
    betas = (0.6 * rng.standard_normal(300)).astype(np.float32)
    own, average = play(spoken(5.0), "joy", betas=betas), play(spoken(5.0), "joy")
    assert own.betas.tobytes() == betas.tobytes()
    assert np.abs(own.expression - average.expression).max() > 0.01


def test_memory_does_not_grow_with_the_clip():
    def peak(secs: float) -> float:
        info, analysis = MotionInfo(basis=load_head().basis), spoken(secs)
        tracemalloc.start()
        player = player_of(load_head(), style=STYLE, fps=4.0, info=info, betas=BETAS)
        for _ in perform(analysis, describe("joy"), player=player):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top / 1e6

    short, long = peak(6.0), peak(18.0)
    assert long < short + 1.0


@pytest.mark.parametrize("emotion", EMOTIONS[1:])
def test_a_felt_upper_face_is_no_mask_while_it_speaks(emotion):
    motion = spoken_as(emotion, secs=12.0)
    controls = controls_of(motion)[50:]
    calm = controls[:, INDEX["eyeBlinkLeft"]] < np.median(controls[:, INDEX["eyeBlinkLeft"]]) + 0.12
    upper = [i for name, i in INDEX.items() if name.startswith(("brow", "innerBrow", "eyeWide", "eyeSquint", "cheek"))]
    shown = [controls[calm, i] for i in upper if controls[calm, i].mean() > 0.1]
    assert sum(curve.std() for curve in shown) > 0.33 * sum(curve.mean() for curve in shown)
    slow = [i for name, i in INDEX.items() if name.startswith(("brow", "innerBrow", "cheek"))]
    assert np.abs(np.diff(controls[:, slow], axis=0)).max() < 0.25  # lids may go with eyes that jump
