"""A performance while the words are being said."""

from dataclasses import replace

import numpy as np
import pytest
from random_net import TINY, write_random_net
from spoken import silent

from face_emote.audio.conditioning import RumbleFilter
from face_emote.audio.examples import example_speech
from face_emote.audio.logmel import log_mels
from face_emote.audio.reader import read_speech
from face_emote.core.errors import CheckpointError, HeadError, OptionError
from face_emote.core.motion import joined_motion
from face_emote.core.names import CONTROLS, MOTION_HZ, SAMPLE_RATE_HZ
from face_emote.core.options import Performance
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import FRAME_ARRAYS, MotionInfo, PerformanceStyle, Speech
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import PlannedEmotion
from face_emote.face.bundled import load_head
from face_emote.motion.events.gaze import gaze_direction
from face_emote.motion.events.micro_expressions import LONGEST_CALM_SECS, MIN_SPACING_SECS
from face_emote.motion.live import LivePerformer
from face_emote.motion.live.director import MEMORY_SECS, Director, Moment
from face_emote.motion.live.ears import MouthGate, SpeechDetector, look_ahead_within
from face_emote.motion.mouth.lips import lip_score
from face_emote.motion.mouth.net_lips import gate, spoken_secs
from face_emote.motion.net_listening import net_answers
from face_emote.motion.perform import face_frames
from face_emote.motion.player import player_of
from face_emote.motion.score import performance_score
from face_emote.motion.slow_tracks import joined, slow_tracks
from face_emote.network.runtime import load_motion_net
from face_emote.verbs.animate import perform

STYLE = PerformanceStyle()
BARE = replace(STYLE, energy=0.0, brows=0.0, head=0.0, gaze=0.0, blinks=0.0)
"""Lips alone."""
LIPS = [i for i, name in enumerate(CONTROLS) if name.startswith(("mouth", "lip", "tongue"))]


LIPS_AT_REST = lip_score(silent(1.0), head=load_head(), style=STYLE)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    config = replace(TINY, lips=replace(TINY.lips, layers=1), expression=replace(TINY.expression, layers=1))
    return load_motion_net(write_random_net(tmp_path_factory.mktemp("net") / "tiny.safetensors", config=config))


@pytest.fixture(scope="module")
def line():
    return read_speech(example_speech()[0].path).samples[: 5 * SAMPLE_RATE_HZ // 2]


def live(net, samples, *, step: int = 4096, **options):
    performer = LivePerformer(load_head(), net=net, **options)
    made = [motion for i in range(0, len(samples), step) for motion in performer.feed(samples[i : i + step])]
    return joined_motion(made + performer.finish())


def unrecognised(take, answers, *, fps):
    """A recording played by the network alone: nobody recognises phones live."""
    player = player_of(load_head(), style=BARE, fps=fps, info=MotionInfo(basis="x"), betas=take.motion.betas)
    score = performance_score(take.analysis, take.plan, player=player, answers=answers)
    face = replace(score.face, lips=replace(score.face.lips, contacts=None, aligned=False))
    score = replace(score, face=face)
    times = frame_times(0, frames_in(take.analysis.duration_secs, fps=fps), fps=fps)
    steps = slow_tracks(score, player=player, chunk=256)
    slow = next(steps)
    while slow.last_secs < times[-1]:
        slow = joined(slow, next(steps))
    activity, leisure = score.cues.activity_at(times), score.cues.rest_at(times)
    return face_frames(player, times, score=face, now=slow.at(times), activity=activity, leisure=leisure)


@pytest.mark.parametrize(("latency_ms", "look_ahead", "fps"), [(80, 3, 50.0), (160, 7, 30.0)])
def test_live_lips_are_those_of_a_recording_with_the_same_look_ahead(net, line, latency_ms, look_ahead, fps):
    mine = live(net, line, emotion="neutral", style=BARE, fps=fps, latency_ms=latency_ms)
    take = perform(Performance(Speech(line), emotion="neutral", style=BARE, fps=fps))
    cleaner = RumbleFilter()
    heard = np.concatenate([cleaner.push(line), cleaner.finish()])
    answers = net_answers(
        net, log_mels([heard]), analysis=take.analysis, planned=PlannedEmotion(take.plan, take.analysis.duration_secs),
        look_ahead_frames=look_ahead,
    )  # fmt: skip
    whole = unrecognised(take, answers, fps=fps)
    assert mine.num_frames == whole.num_frames
    times = np.arange(whole.num_frames) / fps
    inside = np.ones(len(times), bool)
    rows, door = SpeechDetector().push(heard), MouthGate()
    opened = np.array([door.step(rows[2 * t : 2 * (t + look_ahead) + 1]) for t in range(125)])
    spoken = spoken_secs(take.analysis.prosody.speaking)
    for shift in range(-3, 4):  # as far as a frame's spline reaches
        step = np.clip(np.floor(times * MOTION_HZ).astype(int) + shift, 0, 124)
        inside &= (opened[step] == 1.0) & (gate(spoken, step / MOTION_HZ) == 1.0)
    assert inside.mean() > 0.4
    np.testing.assert_allclose(mine.jaw_pose[inside], whole.jaw_pose[inside], atol=5e-5)
    np.testing.assert_allclose(mine.expression[inside][:, LIPS], whole.expression[inside][:, LIPS], atol=5e-5)
    assert np.ptp(whole.jaw_pose[inside, 0]) > 0.01


def test_live_lips_do_not_depend_on_what_nobody_hears(net, line):
    time = np.arange(len(line)) / SAMPLE_RATE_HZ
    wave = 0.01 * np.sin(2.0 * np.pi * 12.0 * time).astype(np.float32)
    clean, *others = (live(net, sound, emotion="neutral", style=BARE) for sound in (line, line + 0.05, line + wave))
    settled = slice(int(0.25 * clean.fps), None)
    for other in others:
        np.testing.assert_allclose(other.jaw_pose[settled], clean.jaw_pose[settled], atol=2e-3)
    assert np.ptp(clean.jaw_pose[settled, 0]) > 0.02


def test_what_comes_out_does_not_depend_on_how_the_sound_was_cut(net, line):
    whole = live(net, line[:20_000], emotion="anger hidden under a smile", step=20_000)
    for step in (1201, 5000):
        parts = live(net, line[:20_000], emotion="anger hidden under a smile", step=step)
        for name in FRAME_ARRAYS:
            # The masseter eases by twice what the jaw opens, and the jaw is good to a millionth.
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=2e-6, err_msg=name)


@pytest.mark.parametrize("fps", [24.0, 50.0])
def test_frames_cover_the_sound(net, line, fps):
    for count in (1, 500, 10_123):
        motion = live(net, line[:count], fps=fps)
        assert motion.num_frames == frames_in(count / SAMPLE_RATE_HZ, fps=fps)
        assert all(np.isfinite(getattr(motion, name)).all() for name in FRAME_ARRAYS)


@pytest.mark.parametrize(("latency_ms", "needed"), [(80, 0.0725), (160, 0.1525)])
def test_a_frame_comes_as_soon_as_its_look_ahead_is_heard(net, line, latency_ms, needed):
    performer = LivePerformer(load_head(), net=net, latency_ms=latency_ms)
    given = round(needed * SAMPLE_RATE_HZ)
    assert not performer.feed(line[: given - 1])
    assert [motion.num_frames for motion in performer.feed(line[given - 1 : given])] == [1]
    assert not performer.feed(line[given : given + 319])
    assert [motion.num_frames for motion in performer.feed(line[given + 319 : given + 320])] == [1]


def test_the_past_does_not_change_with_the_future(net, line):
    other = line.copy()
    other[16_000:] = line[:24_000][::-1]
    a, b = (live(net, samples[:28_000], fps=25.0, emotion="calm joy") for samples in (line, other))
    same = int((16_000 / SAMPLE_RATE_HZ - 0.1525) * 25.0)
    for name in FRAME_ARRAYS:
        np.testing.assert_array_equal(getattr(a, name)[:same], getattr(b, name)[:same], err_msg=name)
    assert np.abs(a.jaw_pose[same + 4 :] - b.jaw_pose[same + 4 :]).max() > 1e-3


def test_silence_keeps_the_lips_still(net):
    rng = np.random.default_rng(0)
    for quiet in (np.zeros(16_000, np.float32), (1e-4 * rng.standard_normal(24_000)).astype(np.float32)):
        motion = live(net, quiet, emotion="neutral")
        assert np.ptp(motion.jaw_pose[:, 0]) == 0.0
        assert np.ptp(motion.expression[:, LIPS], axis=0).max() < 1e-6


def test_a_live_heart_breathes(net):
    style = PerformanceStyle(blood="physiological")
    motion = live(net, np.zeros(20 * SAMPLE_RATE_HZ, np.float32), style=style, emotion="neutral", fps=100.0)
    flow = motion.blood_flow[:, 0].astype(np.float64)
    feet = np.flatnonzero((flow[1:-1] < flow[:-2]) & (flow[1:-1] <= flow[2:]) & (flow[1:-1] < -0.3 * flow.max())) + 1
    beats = np.diff(feet) / 100.0
    assert 15 < len(beats) < 30 and np.ptp(60.0 / beats[2:-2]) > 3.5  # Faster with full lungs, slower with empty ones.


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_glances(net, line):
    a, b, c = (live(net, line[:12_000], seed=seed, fps=25.0) for seed in (4, 4, 5))
    assert all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in FRAME_ARRAYS)
    assert np.abs(a.eye_pose - c.eye_pose).max() > 0.005


def test_what_is_remembered_does_not_grow(net):
    rng = np.random.default_rng(0)
    performer = LivePerformer(load_head(), net=net, fps=10.0)
    sizes = []
    for _ in range(8):
        performer.feed((0.1 * rng.standard_normal(SAMPLE_RATE_HZ // 2)).astype(np.float32))
        sizes.append(sum(value.nbytes for value in vars(performer).values() if isinstance(value, np.ndarray)))
    assert max(sizes[3:]) <= max(sizes[1:3]) + 400, sizes


def test_mistakes_are_told(net):
    for options, error, says in (
        ({"latency_ms": 50}, OptionError, "at least 73 ms for this network, got 50"),
        ({"fps": 2.0}, OptionError, "at least 10 frames a second, got 2"),
        ({"fps": 0.0}, OptionError, "fps must be a number from 1 to 1000"),
    ):
        with pytest.raises(error, match=says):
            LivePerformer(load_head(), net=net, **options)
    with pytest.raises(HeadError, match="give the bundled head"):
        LivePerformer(replace(load_head(), control_joints=()), net=net)
    assert [look_ahead_within(net, ms) for ms in (80, 160, 1000)] == [3, 7, 15]
    assert issubclass(CheckpointError, Exception) and LivePerformer(load_head(), net=net).finish() == []


def test_keys_of_an_emotion_are_reached_in_time(net, line):
    plan = describe("0s neutral; 1s joy")
    assert live(net, line[:20_000], emotion=plan).info.emotion == "0s neutral; 1s joy"


def moments(secs: float, *, speaks, **others):
    """Steps of somebody who stresses a syllable every 0.6 s."""
    usual = {
        "hides": 0.0,
        "gaze_pitch": 0.0,
        "gaze_avert": 0.2,
        "gaze_scan": 0.1,
        "blink_factor": 1.0,
        "breath_factor": 1.0,
    }
    for i in range(int(secs * MOTION_HZ)):
        time = i / MOTION_HZ
        speaking = speaks(time)
        bump = np.exp(-(((time % 0.6) - 0.3) ** 2) / 0.002) if speaking else 0.0
        yield Moment(
            secs=time, speaking=speaking, accent=0.8 * float(bump), activity=float(speaking),
            **(usual | others),
        )  # fmt: skip


def directed(secs: float, *, speaks=lambda time: time % 5.0 < 3.5, style=STYLE, seed=0, **others):
    """All events that a director ever decides, by their start."""
    director = Director(style=style, seed=seed)
    found: dict[str, dict[float, tuple[float, ...]]] = {"blink": {}, "look": {}, "beat": {}, "brow": {}, "leak": {}}
    most, looked = 0, 0.0
    for i, moment in enumerate(moments(secs, speaks=speaks, **others)):
        director.step(moment)
        if i % 10:
            continue
        events = director.score(LIPS_AT_REST)
        columns = {
            "blink": (events.blinks.start, events.blinks.depth),
            "look": (events.gaze.start, events.gaze.duration),
            "beat": (events.head.beat_start, events.head.beat_attack),
            "brow": (events.brows.start, events.brows.strength),
            "leak": (events.leaks.start, events.leaks.strength),
        }
        for name, (start, value) in columns.items():
            for time, amount in zip(start, value, strict=True):
                if float(time) not in found[name]:
                    assert time >= looked - 1e-9, f"a {name} began before it was decided"
                    found[name][float(time)] = (float(amount), moment.secs)
        looked = moment.secs
        most = max(most, *(len(start) for start, _ in columns.values()))
    assert most < 12 * MEMORY_SECS
    return found


def test_live_events_come_as_often_as_in_life():
    found = directed(60.0)
    assert 10 <= len(found["blink"]) <= 30
    assert 45 <= len(found["look"]) <= 150
    assert 15 <= len(found["beat"]) <= 70
    starts = sorted(found["look"])
    lengths = [found["look"][time][0] for time in starts]
    assert np.all(np.diff(starts) > np.array(lengths[:-1]))
    assert np.all(np.diff(sorted(found["blink"])) >= 0.55)
    assert not found["leak"]


def test_nods_and_brows_follow_the_stressed_syllables():
    found = directed(20.0)
    for name in ("beat", "brow"):
        assert found[name]
        assert all(0.28 <= time % 0.6 <= 0.4 for time in found[name]), name


def test_sliders_and_moods_change_the_live_events():
    assert not directed(8.0, style=replace(STYLE, blinks=0.0))["blink"]
    calm, fearful = (len(directed(20.0, gaze_scan=scan)["look"]) for scan in (0.0, 1.0))
    assert fearful > 1.3 * calm
    often, seldom = (len(directed(40.0, blink_factor=f, gaze_avert=0.0)["blink"]) for f in (2.0, 0.5))
    assert often > 1.5 * seldom


def test_a_hidden_emotion_leaks_at_the_ends_of_phrases_on_stressed_words_and_now_and_then():
    starts = sorted(directed(40.0, hides=0.3)["leak"])
    at_end = [3.4 < start % 5.0 < 3.6 for start in starts]
    stressed = [0.28 <= start % 0.6 <= 0.4 for start in starts]
    late = [now - before > LONGEST_CALM_SECS - 0.1 for before, now in zip([0.0, *starts], starts, strict=False)]
    assert any(at_end) and any(stressed)
    assert all(map(any, zip(at_end, stressed, late, strict=True)))
    assert min(np.diff(starts)) > MIN_SPACING_SECS


def test_eyes_that_are_kept_on_the_viewer_stay_there():
    director = Director(style=replace(STYLE, gaze=0.0), seed=0)
    for moment in moments(10.0, speaks=lambda time: True):
        director.step(moment)
    assert np.abs(gaze_direction(director.score(LIPS_AT_REST).gaze, np.linspace(9.0, 9.9, 50))).max() < np.radians(0.4)


def test_the_detector_hears_speech_at_once_and_ignores_noise():
    rng = np.random.default_rng(0)
    noise = (0.01 * rng.standard_normal(12 * SAMPLE_RATE_HZ)).astype(np.float32)
    spoken = noise.copy()
    t = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    spoken[-SAMPLE_RATE_HZ:] += (0.2 * np.sign(np.sin(2 * np.pi * 120 * t))).astype(np.float32)
    detector = SpeechDetector()
    rows = np.concatenate([detector.push(spoken[i : i + 333]) for i in range(0, len(spoken), 333)])
    assert not rows[800:1090].any()
    assert rows[1104:1190].all()
    assert not SpeechDetector().push(np.zeros(SAMPLE_RATE_HZ, np.float32)).any()


def test_the_detector_agrees_with_the_one_that_knows_the_whole_recording(line):
    live_rows = SpeechDetector().push(line)
    known = perform(Performance(Speech(line))).analysis.prosody.speaking[: len(live_rows)] > 0.5
    assert np.mean(live_rows == known) > 0.85, np.mean(live_rows == known)


def test_the_gate_opens_within_the_look_ahead_and_has_no_steps():
    for ahead in (3, 7):
        door = MouthGate()
        speech = np.zeros(600, bool)
        speech[200:300] = True
        opened = np.array([door.step(speech[2 * t : 2 * (t + ahead) + 1]) for t in range(280)])
        assert not opened[:90].any() and opened[100:150].min() == 1.0 and not opened[170:].any()
        assert opened[150:156].min() == 1.0
        assert np.abs(np.diff(opened)).max() < 0.5
