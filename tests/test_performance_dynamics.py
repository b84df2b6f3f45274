"""Emotion in time: every emotion at its own speed, alive while it lasts, and leaking when it is hidden."""

import numpy as np
import pytest
from spoken import silent, spoken

from face_emote.core.names import CONTROLS, EMOTIONS
from face_emote.core.types import EmotionTrack
from face_emote.motion.events.cues import speech_cues
from face_emote.motion.events.micro_expressions import (
    MIN_SPACING_SECS,
    leak_pulses,
    leak_score,
    leak_weight,
    shaped_leaks,
)
from face_emote.motion.feeling.dynamics import step_mood
from face_emote.motion.feeling.life import Tempo, step_life


def plan_of(name: str, secs: float, *, from_secs: float = 0.0, intensity: float = 1.0) -> EmotionTrack:
    frames = int(secs * 50)
    on = (np.arange(frames) / 50.0 >= from_secs).astype(np.float32)
    mix = np.zeros((frames, 8), np.float32)
    mix[:, EMOTIONS.index(name)] = on
    mix[:, 0] += 1.0 - on
    zeros = np.zeros(frames, np.float32)
    return EmotionTrack(
        mix, np.zeros((frames, 3), np.float32), intensity * on, np.zeros((frames, 8), np.float32), zeros, 50.0
    )


def shown(name: str, plan: EmotionTrack) -> np.ndarray:
    track, _ = step_mood(plan, None, step_hz=50.0)
    return (track.mix[:, EMOTIONS.index(name)] * track.intensity).astype(float)


@pytest.mark.parametrize(
    ("name", "least", "most"), [("surprise", 0.12, 0.28), ("joy", 0.5, 0.9), ("sadness", 0.8, 1.4)]
)
def test_every_emotion_comes_at_its_own_speed(name, least, most):
    level = shown(name, plan_of(name, 6.0, from_secs=1.0))
    rise = (np.argmax(level > 0.9) - np.argmax(level > 0.1)) / 50.0
    assert least < rise < most
    assert level[-1] == pytest.approx(1.0, abs=0.01)
    assert np.all(np.diff(level) > -1e-6)


def test_emotions_leave_more_slowly_than_they_come():
    for name in EMOTIONS[1:]:
        plan = plan_of(name, 4.0)
        gone = plan_of("neutral", 6.0)
        both = EmotionTrack(
            *(
                np.concatenate([getattr(plan, f), getattr(gone, f)])
                for f in ("mix", "vad", "intensity", "covert", "leak")
            ),
            fps=50.0,
        )
        level = shown(name, both)
        fall = np.argmax(level[200:] < 0.1) - np.argmax(level[200:] < 0.9)
        up = shown(name, plan_of(name, 6.0, from_secs=1.0))
        assert fall > np.argmax(up > 0.9) - np.argmax(up > 0.1)


def test_mood_in_blocks_equals_the_whole():
    plan = plan_of("anger", 4.0, from_secs=0.7)
    whole, _ = step_mood(plan, None, step_hz=50.0)
    state, parts = None, []
    for i in range(0, 200, 23):
        part = EmotionTrack(
            *(getattr(plan, f)[i : i + 23] for f in ("mix", "vad", "intensity", "covert", "leak")), fps=50.0
        )
        track, state = step_mood(part, state, step_hz=50.0)
        parts.append(track)
    for field in ("mix", "vad", "intensity", "covert", "leak"):
        assert np.concatenate([getattr(p, field) for p in parts]).tobytes() == getattr(whole, field).tobytes()
    np.testing.assert_allclose(whole.mix.sum(1), 1.0, atol=1e-5)


def life_of(cues, *, key, first=0, count=3000, state=None):
    times = np.arange(first, first + count) / 50.0
    tempo = Tempo(cues.accents_at(times), cues.activity_at(times), cues.energy_at(times))
    return step_life(tempo, state, times=times, key=key)


def test_a_held_emotion_lives_region_by_region_without_twitching():
    cues = speech_cues(spoken(60.0))
    gains, _ = life_of(cues, key=4)
    brow, lid, mouth = (gains[:, CONTROLS.index(name)] for name in ("browDownLeft", "eyeSquintLeft", "mouthSmileLeft"))
    assert min(x.std() / x.mean() for x in (brow, lid)) > 0.35 and 0.02 < mouth.std() < 0.15
    assert np.corrcoef(brow, lid)[0, 1] < 0.8
    assert np.abs(np.diff(gains, axis=0)).max() < 0.22  # full scale in 90 ms at the fastest
    assert gains.min() > 0.0 and gains.max() < 1.7
    assert not np.array_equal(brow, life_of(cues, key=5)[0][:, CONTROLS.index("browDownLeft")])


def test_a_face_holds_what_it_feels_while_it_is_silent():
    gains, _ = life_of(speech_cues(silent(60.0)), key=4)
    assert gains.mean() == pytest.approx(1.0, abs=0.04) and gains.min() > 0.65


def test_brows_swell_with_a_stressed_word_sooner_than_they_ebb():
    times = np.arange(200) / 50.0
    word = np.exp(-0.5 * ((times - 1.0) / 0.06) ** 2)
    speaking, none = np.ones(200), np.zeros(200)
    stressed, _ = step_life(Tempo(word, speaking, none), None, times=times, key=1)
    plain, _ = step_life(Tempo(none, speaking, none), None, times=times, key=1)
    rise = (stressed - plain)[:, CONTROLS.index("browInnerUp")]
    peak, over = int(rise.argmax()), rise > 0.5 * rise.max()
    assert 1.0 <= times[peak] < 1.25
    assert peak - np.argmax(over) < np.flatnonzero(over)[-1] - peak


def test_a_wave_rises_faster_than_it_falls():
    gains, _ = life_of(speech_cues(spoken(60.0)), key=7)
    for name in ("browInnerUp", "browDownRight", "eyeWideLeft", "cheekSquintLeft"):
        speed = np.diff(gains[:, CONTROLS.index(name)])
        assert np.percentile(speed[speed > 0.0], 95) > 1.2 * np.percentile(-speed[speed < 0.0], 95)


def test_the_halves_of_the_face_move_together_but_not_as_one():
    gains, _ = life_of(speech_cues(spoken(60.0)), key=7)
    for name in ("browDown", "browOuterUp", "eyeWide", "eyeSquint", "cheekSquint"):
        left, right = (gains[:, CONTROLS.index(name + side)] for side in ("Left", "Right"))
        assert 0.75 < np.corrcoef(left, right)[0, 1] < 0.99
    assert np.array_equal(*(gains[:, CONTROLS.index("mouthSmile" + side)] for side in ("Left", "Right")))


def test_life_in_blocks_equals_the_whole():
    cues = speech_cues(spoken(12.0))
    whole, _ = life_of(cues, key=2, count=500)
    state, parts = None, []
    for first in range(0, 500, 100):
        part, state = life_of(cues, key=2, first=first, count=100, state=state)
        parts.append(part)
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_leaks_are_flashes_at_the_edges_of_pauses_and_on_stressed_words():
    analysis = spoken(240.0)
    cues = speech_cues(analysis)
    score = leak_score(cues, analysis.pauses, rng=np.random.default_rng(0))
    assert len(score.start) > 20
    assert (np.diff(score.start) > MIN_SPACING_SECS).mean() > 0.9
    for i in range(len(score.start)):
        t = score.start[i] + np.arange(-0.05, 0.6, 0.001)
        visible = leak_pulses(score, t).max(axis=1) > 0.02
        assert 1.0 / 15.0 <= visible.sum() / 1000.0 <= 0.5
    edges = np.concatenate([[p.start_secs, p.end_secs - 0.15] for p in analysis.pauses])
    at_edge = np.array([np.abs(edges - t).min() < 0.12 for t in score.start])
    stressed = np.array([np.abs(cues.accent_secs - t).min() < 0.12 for t in score.start])
    assert (at_edge | stressed).mean() > 0.85 and at_edge.sum() > 5


def test_one_side_leads_in_a_leak():
    sides = np.stack([leak_pulses(shaped_leaks(np.zeros(1), rng=np.random.default_rng(seed)), np.array([0.06]))[0]
                      for seed in range(40)])  # fmt: skip
    assert (np.abs(sides[:, 0] - sides[:, 1]) > 0.05 * sides.max(axis=1)).mean() > 0.7
    assert (sides[:, 0] > sides[:, 1]).any() and (sides[:, 0] < sides[:, 1]).any()


def test_nothing_leaks_where_nothing_may():
    assert len(leak_score(speech_cues(silent(4.0)), (), rng=np.random.default_rng(0)).start) == 1
    assert not leak_weight(np.ones((3, 2)), leak=np.zeros(3)).any()
