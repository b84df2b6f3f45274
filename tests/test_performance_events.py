"""The events of a performance: blinks, glances, nods, accents, breaths, leaks, and the noise under them."""

import numpy as np
import pytest
from spoken import silent, spoken

from face_emote.core.names import CONTROLS
from face_emote.motion.events.blinks import EVOKING_SHIFT, blink_score, lid_closure
from face_emote.motion.events.breathing import breath_score, breath_volume, swallowed
from face_emote.motion.events.brows import BrowScore, brow_controls, brow_score, stirring
from face_emote.motion.events.cues import speech_cues
from face_emote.motion.events.curves import drift, ease, eased_steps, smooth_noise
from face_emote.motion.events.head_motion import LIMIT, head_rotation, head_score


def times_of(secs: float, hz: float = 100.0) -> np.ndarray:
    return np.arange(int(secs * hz)) / hz


def blinks_of(cues, *, amount=1.0, seed=0, factor=1.0, shifts=(), sizes=()):
    return blink_score(
        cues,
        factor=np.full(int(cues.duration_secs * 10) + 1, factor),
        factor_hz=10.0,
        shifts=np.column_stack([np.array(shifts, float), np.array(sizes, float)]),
        amount=amount,
        rng=np.random.default_rng(seed),
    )


# ---------------------------------------------------------------- cues


def test_phrases_are_the_runs_of_speech():
    analysis = spoken(20.0, gap=0.5)
    cues = speech_cues(analysis)
    assert len(cues.phrases) > 3
    for start, end in cues.phrases:
        inside = [p for p in analysis.phones if start <= p.centre_secs <= end]
        assert all(p.label != "SIL" for p in inside)
    spoken_secs = sum(p.end_secs - p.start_secs for p in analysis.phones if p.label != "SIL")
    assert np.diff(cues.phrases, axis=1).sum() == pytest.approx(spoken_secs)


def test_accents_prefer_stressed_vowels_and_keep_apart():
    analysis = spoken(60.0)
    cues = speech_cues(analysis)
    stressed = [p.centre_secs for p in analysis.phones if p.stress == 1]
    on_stress = np.mean([np.min(np.abs(np.array(stressed) - t)) < 1e-6 for t in cues.accent_secs])
    assert on_stress > 0.75
    assert np.all(np.diff(cues.accent_secs) >= 0.25)
    assert 0.5 < len(cues.accent_secs) / 60.0 < 3.0


def test_questions_are_heard():
    assert np.mean(speech_cues(spoken(20.0, question=True)).rising) > 0.5
    assert np.mean(speech_cues(spoken(20.0)).rising) < 0.35


def test_the_mouth_rests_only_well_inside_silence():
    cues = speech_cues(spoken(20.0, gap=1.5))
    t = times_of(20.0)
    rest = cues.rest_at(t)
    for start, end in cues.phrases:
        assert np.all(rest[(t >= start) & (t <= end)] == 0.0)
    middle = 0.5 * (cues.phrases[0, 1] + cues.phrases[1, 0]) + 0.1
    assert cues.rest_at(np.array([middle]))[0] > 0.8
    assert np.all(speech_cues(silent(3.0)).rest_at(times_of(3.0)) == 1.0)


def test_silence_has_no_cues():
    cues = speech_cues(silent(5.0))
    assert len(cues.phrases) == len(cues.accent_secs) == 0
    assert not cues.energy.any() and not cues.activity.any()


# ---------------------------------------------------------------- noise and curves


def test_noise_is_a_pure_function_of_time_and_bounded():
    t = np.linspace(-50.0, 4000.0, 20_001)
    whole = smooth_noise(t, rate_hz=1.0, key=5)
    parts = np.concatenate([smooth_noise(t[i : i + 77], rate_hz=1.0, key=5) for i in range(0, len(t), 77)])
    assert whole.tobytes() == parts.tobytes()
    assert np.abs(whole).max() < 1.45
    assert whole.std() == pytest.approx(0.58, abs=0.05)
    assert abs(np.corrcoef(whole, smooth_noise(t, rate_hz=1.0, key=6))[0, 1]) < 0.05


def test_drift_is_smooth_and_slow():
    t = times_of(600.0, 50.0)
    wander = drift(t, key=3, channels=2)
    assert np.abs(wander).max() < 1.6
    power = np.abs(np.fft.rfft(wander[:, 0])) ** 2
    hz = np.fft.rfftfreq(len(t), 0.02)
    assert power[hz < 0.5].sum() > 0.8 * power[1:].sum()
    assert power[hz > 3.0].sum() < 0.01 * power[1:].sum()


def test_eased_steps_equal_a_plain_loop():
    rng = np.random.default_rng(0)
    start = np.sort(rng.uniform(0, 10, 12))
    values = rng.normal(size=(12, 2))
    t = times_of(12.0)
    wanted = np.zeros((len(t), 2))
    for i, now in enumerate(t):
        before = np.zeros(2)
        for s, v in zip(start, values, strict=True):
            u = min(max((now - s) / 0.8, 0.0), 1.0)
            wanted[i] += (v - before) * (u**3 * (u * (6 * u - 15) + 10))
            before = v
    np.testing.assert_allclose(eased_steps(t, start=start, values=values, duration_secs=0.8), wanted, atol=1e-12)
    assert ease(np.array([-1.0, 0.5, 2.0])).tolist() == [0.0, 0.5, 1.0]


# ---------------------------------------------------------------- blinks


def test_people_blink_about_twenty_times_a_minute_while_speaking():
    rates = [len(blinks_of(speech_cues(spoken(120.0, seed=s)), seed=s).start) / 2.0 for s in range(4)]
    assert 14.0 < np.mean(rates) < 26.0


def test_blinks_follow_the_slider_and_the_mood():
    cues = speech_cues(spoken(240.0))
    usual = len(blinks_of(cues).start)
    assert len(blinks_of(cues, amount=0.0).start) == 0
    assert len(blinks_of(cues, amount=0.4).start) < 0.65 * usual
    assert len(blinks_of(cues, factor=1.5).start) > 1.2 * usual


def test_blinks_gather_at_phrase_ends():
    cues = speech_cues(spoken(240.0))
    ends = cues.phrases[:, 1]
    near = lambda ts: np.mean([np.min(np.abs(ends - t)) < 0.3 for t in ts])  # noqa: E731
    chance = near(np.random.default_rng(0).uniform(0, 240, 2000))
    assert near(blinks_of(cues).start) > 2.0 * chance


def test_large_shifts_of_gaze_bring_blinks():
    cues = speech_cues(silent(100.0))
    shifts = np.arange(3.0, 97.0, 4.0)
    score = blinks_of(cues, shifts=shifts, sizes=np.full(len(shifts), 1.5 * EVOKING_SHIFT))
    with_shift = np.mean([np.min(np.abs(score.start - t)) < 0.1 for t in shifts])
    assert 0.25 < with_shift < 0.85


def test_darting_eyes_do_not_make_the_lids_flutter():
    cues = speech_cues(spoken(120.0))
    shifts = np.arange(1.0, 119.0, 1.5)
    rates = [
        len(blinks_of(cues, seed=s, factor=1.5, shifts=shifts, sizes=np.full(len(shifts), 0.3)).start) / 2.0
        for s in range(4)
    ]
    assert 20.0 < np.mean(rates) < 36.0


def test_a_blink_closes_fast_and_opens_slowly():
    score = blinks_of(speech_cues(spoken(60.0)))
    apart = np.diff(score.start, append=np.inf)
    alone = (apart > 0.5) & (np.diff(score.start, prepend=-np.inf) > 0.5)
    full = np.flatnonzero((score.depth == 1.0) & alone)
    assert len(full) > 5
    for i in full:
        t = score.start[i] + np.arange(0, 0.4, 0.001)
        lids = lid_closure(score, t)
        top = lids.max()
        assert top == pytest.approx(1.0, abs=1e-6)
        first, last = np.flatnonzero(lids > 0.5 * top)[[0, -1]]
        rise = np.argmax(lids >= 0.999) - np.argmax(lids > 0.02)
        fall = np.flatnonzero(lids > 0.02)[-1] - np.flatnonzero(lids >= 0.999)[-1]
        assert 40 <= rise <= 105 and fall > 1.25 * rise
        assert 0.09 < (last - first) / 1000.0 < 0.22


def test_some_blinks_are_partial_and_some_come_in_pairs():
    scores = [blinks_of(speech_cues(spoken(120.0)), seed=seed) for seed in range(6)]
    partial = np.concatenate([score.depth < 0.9 for score in scores]).mean()
    apart = np.concatenate([np.diff(score.start) for score in scores])
    assert 0.12 < partial < 0.35
    assert 0.01 < np.mean(apart < 0.5) < 0.15 and apart.min() > 0.2


def test_the_lids_move_alike_in_any_blocks():
    score = blinks_of(speech_cues(spoken(30.0)))
    t = times_of(30.0, 60.0)
    parts = np.concatenate([lid_closure(score, t[i : i + 13]) for i in range(0, len(t), 13)])
    np.testing.assert_allclose(parts, lid_closure(score, t), atol=1e-15)
    assert parts.max() <= 1.0 and parts.min() >= 0.0


# ---------------------------------------------------------------- head, brows, breath


def head_of(cues, t, *, amount=1.0, seed=0, energy=1.0):
    score = head_score(cues, follow_start=np.zeros(0), follow=np.zeros((0, 2)), rng=np.random.default_rng(seed))
    return score, head_rotation(
        score,
        t,
        activity=cues.activity_at(t),
        energy=np.full(len(t), energy),
        tendency=np.zeros((len(t), 3)),
        amount=amount,
    )


def test_the_head_moves_a_few_degrees_and_calms_down_in_silence():
    cues = speech_cues(spoken(120.0))
    t = times_of(120.0)
    _, moved = head_of(cues, t)
    degrees = np.degrees(moved)
    assert 0.6 < degrees[:, 0].std() < 2.2
    assert np.percentile(np.abs(degrees), 99) < 6.5
    assert np.all(np.abs(moved) < LIMIT)
    quiet_cues = speech_cues(silent(120.0))
    _, quiet = head_of(quiet_cues, t)
    speed = lambda x: np.abs(np.diff(x, axis=0)).mean()  # noqa: E731
    assert speed(quiet) < 0.25 * speed(moved)


def test_a_silent_head_is_no_photograph():
    t = times_of(120.0)
    for seed in range(3):
        _, quiet = head_of(speech_cues(silent(120.0)), t, seed=seed)
        spans = [np.ptp(np.degrees(quiet[i : i + 800]), axis=0).max() for i in range(0, len(t) - 799, 800)]
        assert np.median(spans) > 1.0 and min(spans) > 0.3 and max(spans) < 6.0


def test_nods_reach_their_depth_on_the_accents():
    cues = speech_cues(spoken(240.0))
    score, _ = head_of(cues, times_of(1.0))
    apex = score.beat_start + score.beat_attack
    offsets = np.array([cues.accent_secs[np.argmin(np.abs(cues.accent_secs - a))] - a for a in apex])
    assert np.mean(np.abs(offsets) < 0.08) > 0.9
    assert np.mean(score.beat[:, 0] > 0.0) > 0.6


def test_the_head_slider_scales_and_stops_the_head():
    cues = speech_cues(spoken(30.0))
    t = times_of(30.0)
    assert not head_of(cues, t, amount=0.0)[1].any()
    half, full = head_of(cues, t, amount=0.5)[1], head_of(cues, t)[1]
    assert half.std() == pytest.approx(0.5 * full.std(), rel=0.1)


def test_no_jerk_in_the_head():
    cues = speech_cues(spoken(60.0))
    t = times_of(60.0, 200.0)
    _, moved = head_of(cues, t)
    speed = np.diff(moved, axis=0) * 200.0
    assert np.degrees(np.abs(speed).max()) < 45.0
    assert np.degrees(np.abs(np.diff(speed, axis=0)).max()) * 200.0 < 1500.0


def test_brows_rise_just_before_the_accent_and_frown_in_a_frowning_mood():
    cues = speech_cues(spoken(120.0))
    score = brow_score(cues, rng=np.random.default_rng(0))
    plain = score.question == 0.0
    lead = [
        np.min(np.abs(cues.accent_secs - (s + a + 0.06)))
        for s, a in zip(score.start[plain], score.attack[plain], strict=True)
    ]
    assert np.max(lead) < 1e-6
    t = times_of(120.0)
    up, down = CONTROLS.index("browOuterUpLeft"), CONTROLS.index("browDownLeft")
    raised = brow_controls(score, t, frown=np.zeros(len(t)), amount=1.0)
    frowned = brow_controls(score, t, frown=np.ones(len(t)), amount=1.0)
    assert 0.2 < raised[:, up].max() < 0.5 and not raised[:, down].any()
    assert frowned[:, down].max() > 0.1 and frowned[:, up].max() < raised[:, up].max() + 1e-6
    assert not brow_controls(score, t, frown=np.zeros(len(t)), amount=0.0).any()


def test_accents_that_overlap_are_one_raise():
    one = BrowScore(*(np.array([x]) for x in (1.0, 0.2, 0.1, 0.4, 1.0, 0.3, 0.0)))
    two = BrowScore(*(np.array([x, y]) for x, y in zip(*[(1.0, 0.2, 0.1, 0.4, 1.0, 0.3, 0.0)] * 2, strict=True)))
    t = times_of(2.0)
    alone, together = (brow_controls(score, t, frown=np.zeros(len(t)), amount=1.0).max(axis=0) for score in (one, two))
    up = CONTROLS.index("browOuterUpLeft")
    assert alone[up] == pytest.approx(0.3 * (1.0 + 0.35 * 0.3), abs=1e-3)
    assert alone[up] < together[up] < 1.3 * alone[up]


def test_brows_stir_a_little_while_somebody_talks_and_rest_in_silence():
    score = brow_score(speech_cues(spoken(60.0)), rng=np.random.default_rng(0))
    t = times_of(60.0, 25.0)
    talking = (t < 40.0).astype(float)
    moved = stirring(score, t, talking=talking, amount=1.0)
    shown = [i for i, name in enumerate(CONTROLS) if moved[:, i].any()]
    assert {CONTROLS[i][:4] for i in shown} == {"brow", "eyeW", "eyeS"}
    assert not moved[t > 40.0].any() and np.all((moved >= 0.0) & (moved < 0.35))
    up, down = (moved[:1000, CONTROLS.index(name)] for name in ("browOuterUpLeft", "browDownLeft"))
    assert 0.04 < up.std() < 0.15 and not np.any((up > 0.0) & (down > 0.0))
    parts = [stirring(score, t[i : i + 37], talking=talking[i : i + 37], amount=1.0) for i in range(0, len(t), 37)]
    assert np.concatenate(parts).tobytes() == moved.tobytes()


def test_questions_raise_the_brows_at_their_end():
    cues = speech_cues(spoken(20.0, question=True))
    score = brow_score(cues, rng=np.random.default_rng(0))
    asked = cues.phrases[cues.rising > 0.2, 1]
    assert len(asked) > 1
    up = CONTROLS.index("browInnerUp")
    at = brow_controls(score, np.sort(asked), frown=np.zeros(len(asked)), amount=1.0)[:, up]
    assert np.all(at > 0.07)


def test_a_breath_is_taken_before_each_phrase_after_a_pause():
    cues = speech_cues(spoken(60.0, gap=0.8))
    score = breath_score(cues, rate=np.ones(601), grid_hz=10.0, rng=np.random.default_rng(0))
    assert np.all(np.diff(score.time) > 0.0)
    for start, _ in cues.phrases[1:]:
        before, at = breath_volume(score, np.array([start - 0.65, start]))
        assert at > before + 0.2
    volume = breath_volume(score, times_of(60.0))
    assert volume.min() >= 0.0 and volume.max() <= 1.0


def test_a_swallow_has_room_in_long_pauses_only():
    for gap, some in ((0.8, False), (2.5, True)):
        cues = speech_cues(spoken(30.0, gap=gap))
        score = breath_score(cues, rate=np.ones(301), grid_hz=10.0, rng=np.random.default_rng(0))
        lifted = swallowed(score, times_of(30.0))
        assert (lifted.max() > 0.95) == some
        for start, end in cues.phrases:
            assert not swallowed(score, np.linspace(start, end, 9)).any(), "nobody swallows while talking"


def test_quiet_breathing_goes_on_in_silence():
    cues = speech_cues(silent(60.0))
    score = breath_score(cues, rate=np.ones(601), grid_hz=10.0, rng=np.random.default_rng(0))
    volume = breath_volume(score, times_of(60.0)) - 0.38
    breaths = np.sum((volume[:-1] < 0) & (volume[1:] >= 0))
    assert 11 <= breaths <= 18
