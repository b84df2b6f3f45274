"""What the expression path is taught: the rules animator without its dice."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")

from face_emote.core.names import CONTROLS, EMOTIONS, PHONES
from face_emote.core.types import EmotionKey, EmotionPlan, PerformanceStyle
from face_emote.emotion.blending import State, finished
from face_emote.motion.feeling.affect import affect_by_rules
from face_emote.motion.feeling.expression import expression_controls
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.config import (
    BEARING,
    BEARING_SLICE,
    BLOOD_SLICE,
    CONTROL_SLICE,
    EMOTION_COLUMNS,
    EXPRESSION_CONTROLS,
    NUM_EXPRESSION_OUTPUTS,
    VOICE_SLICE,
    WRINKLE_SLICE,
)
from tools.train_network.random_plans import COVERT_SHARE, pair_state, random_plan, random_state, single_state
from tools.train_network.teacher_expression import analysis_from_mels, cues_from_mels, expression_targets, plan_track

FRAMES = 150


def steady(state):
    return EmotionPlan(keys=(EmotionKey(0.0, finished(state)),))


@pytest.fixture(scope="module")
def heard():
    """Log-mels and phones of 3 s: silence, three syllables of which the second is loud and long, silence."""
    phones = np.full(FRAMES, PHONES.index("SIL"))
    mels = np.full((2 * FRAMES, 40), -18.0)
    for start, stop, vowel, level in ((30, 45, "IH", -3.0), (50, 75, "AA", 0.0), (80, 92, "AH", -3.0)):
        phones[start - 4 : start] = PHONES.index("T")
        phones[start:stop] = PHONES.index(vowel)
        mels[2 * start - 8 : 2 * start] = -8.0
        mels[2 * start : 2 * stop] = level
    return mels, phones


@pytest.fixture(scope="module")
def cues(heard):
    return cues_from_mels(*heard)


def test_targets_are_the_rules_without_chance(cues):
    track = plan_track(steady(pair_state("joy", "fear", intensity=0.8)), num_frames=FRAMES)
    style = PerformanceStyle(asymmetry=0.0)
    got = expression_targets(track, cues)
    affect, _ = affect_by_rules(track, None, style=style)
    columns = [CONTROLS.index(name) for name in EXPRESSION_CONTROLS]
    assert got.shape == (FRAMES, NUM_EXPRESSION_OUTPUTS) and got.dtype == np.float32
    assert np.array_equal(got[:, CONTROL_SLICE], affect.display.emotion[:, columns])
    assert np.allclose(got[:, BLOOD_SLICE], affect.drives, atol=1e-6)
    bearing = dict(zip(BEARING, got[:, BEARING_SLICE].T, strict=True))
    assert np.allclose(bearing["motion_energy"], affect.display.energy, atol=1e-6)
    assert np.allclose(bearing["frown"], affect.display.frown, atol=1e-6)
    assert np.allclose(bearing["head_pitch"], affect.display.head_tendency[:, 0], atol=1e-6)


def test_a_neutral_face_rests(cues):
    got = expression_targets(plan_track(steady(State()), num_frames=FRAMES), cues)
    assert not got[:, CONTROL_SLICE].any() and not got[:, WRINKLE_SLICE].any() and not got[:, BLOOD_SLICE].any()
    bearing = dict(zip(BEARING, got[:, BEARING_SLICE].T, strict=True))
    for name in ("motion_energy", "blink_factor", "breath_factor"):
        assert np.allclose(bearing[name], 1.0)


def test_the_controls_of_every_emotion_have_a_column():
    rng = np.random.default_rng(0)
    known = {CONTROLS.index(name) for name in EXPRESSION_CONTROLS}
    for _ in range(60):
        track = plan_track(random_plan(rng, duration_secs=4.0), num_frames=40)
        used = np.flatnonzero(expression_controls(track, style=PerformanceStyle(asymmetry=0.2)).any(axis=0))
        assert set(used.tolist()) <= known


def test_emotion_rows_hold_every_field_in_the_order_of_the_columns():
    rng = np.random.default_rng(1)
    track = plan_track(random_plan(rng, duration_secs=3.0), num_frames=FRAMES)
    rows = emotion_rows(track)
    assert rows.shape == (FRAMES, len(EMOTION_COLUMNS))
    fields = [*track.mix.T, *track.vad.T, track.intensity, *track.covert.T, track.leak]
    for name, column, field in zip(EMOTION_COLUMNS, rows.T, fields, strict=True):
        assert np.array_equal(column, field), name
    assert EMOTION_COLUMNS.index("valence") == 8 and EMOTION_COLUMNS[-1] == "leak"


def test_the_plan_is_read_ahead():
    plan = EmotionPlan(
        keys=(EmotionKey(0.9, finished(State())), EmotionKey(1.0, finished(single_state("joy", intensity=1.0))))
    )
    intensity = plan_track(plan, num_frames=FRAMES).intensity
    assert intensity[30] == 0.0 and intensity[36] == 1.0


def test_voice_tracks_follow_the_sound(cues):
    accent, activity, energy = expression_targets(plan_track(steady(State()), num_frames=FRAMES), cues)[
        :, VOICE_SLICE
    ].T
    assert activity[60] > 0.95 and activity[140] < 0.05
    assert energy[62] > energy[38] > energy[140] and energy.max() <= 1.0
    assert 55 <= accent.argmax() <= 70 and 0.3 <= accent.max() <= 1.0
    assert accent[:20].max() == 0.0 and accent[110:].max() == 0.0


def test_unknown_phones_make_no_accents(heard):
    mels, phones = heard
    unknown = cues_from_mels(mels, np.full(len(phones), 255, np.uint8))
    assert len(unknown.accent_secs) == 0
    assert unknown.activity_at(np.array([1.2]))[0] > 0.9 and unknown.activity_at(np.array([2.9]))[0] < 0.1


def test_an_analysis_covers_the_clip(heard):
    analysis = analysis_from_mels(*heard)
    ends = [phone.end_secs for phone in analysis.phones]
    assert analysis.phones[0].start_secs == 0.0 and ends[-1] == analysis.duration_secs == 3.0
    assert all(a.end_secs == b.start_secs for a, b in zip(analysis.phones, analysis.phones[1:], strict=False))
    assert len(analysis.pauses) == 2 and all(pause.end_secs > pause.start_secs for pause in analysis.pauses)


def test_random_plans_cover_what_users_write():
    rng = np.random.default_rng(2)
    states = [random_state(rng) for _ in range(600)]
    mixes = np.array([state.mix for state in states])
    assert np.allclose(mixes.sum(axis=1), 1.0, atol=1e-6)
    for emotion in range(len(EMOTIONS)):
        assert (mixes[:, emotion] > 0.95).sum() >= 15
    assert ((mixes > 0.3).sum(axis=1) >= 2).sum() > 60
    intensity = np.array([state.intensity for state in states])
    assert np.histogram(intensity, 5, (0.0, 1.0))[0].min() > 30
    hiding = np.array([state.covert.sum() > 0 for state in states])
    assert abs(hiding.mean() - COVERT_SHARE) < 0.08 and all(0.0 <= state.leak <= 0.8 for state in states)
    assert all(np.abs(state.vad).max() <= 1.0 for state in states)


def test_random_plans_change_over_time_and_repeat_by_seed():
    plans = [random_plan(np.random.default_rng(seed), duration_secs=8.0) for seed in range(60)]
    counts = np.array([len(plan.keys) for plan in plans])
    assert 0.25 < (counts == 1).mean() < 0.65 and counts.max() >= 3
    for plan in plans:
        times = [key.time_secs for key in plan.keys]
        assert times == sorted(times) and times[-1] < 8.0
    again = random_plan(np.random.default_rng(5), duration_secs=8.0)
    assert [key.time_secs for key in again.keys] == [key.time_secs for key in plans[5].keys]


@pytest.mark.parametrize("intensity", [0.2, 0.6, 1.0])
def test_pairs_are_as_intense_as_said(intensity):
    state = pair_state("joy", "anger", intensity=intensity, share=0.3)
    assert state.intensity == pytest.approx(intensity)
    assert state.mix[1] == pytest.approx(0.3) and state.mix[6] == pytest.approx(0.7)
