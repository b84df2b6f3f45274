"""Emotion in time: every emotion at its own speed, alive while it lasts, and leaking when it is hidden."""

import numpy as np
import pytest
from spoken import silent, spoken

from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionTrack
from face_emote.motion.events.cues import speech_cues
from face_emote.motion.events.micro_expressions import leak_pulses, leak_score, leak_weight
from face_emote.motion.feeling.dynamics import liveliness, step_mood


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
    track, _ = step_mood(plan, None, lively=np.ones(len(plan.intensity)), step_hz=50.0)
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
    lively = np.linspace(0.8, 1.0, 200)
    whole, _ = step_mood(plan, None, lively=lively, step_hz=50.0)
    state, parts = None, []
    for i in range(0, 200, 23):
        part = EmotionTrack(
            *(getattr(plan, f)[i : i + 23] for f in ("mix", "vad", "intensity", "covert", "leak")), fps=50.0
        )
        track, state = step_mood(part, state, lively=lively[i : i + 23], step_hz=50.0)
        parts.append(track)
    for field in ("mix", "vad", "intensity", "covert", "leak"):
        assert np.concatenate([getattr(p, field) for p in parts]).tobytes() == getattr(whole, field).tobytes()
    np.testing.assert_allclose(whole.mix.sum(1), 1.0, atol=1e-5)


def test_a_held_emotion_is_alive_but_never_stronger_than_asked():
    cues = speech_cues(spoken(60.0))
    lively = liveliness(cues, np.arange(6000) / 100.0, key=4)
    assert lively.max() <= 1.0 and lively.min() >= 0.75
    assert lively.std() > 0.03
    assert np.abs(np.diff(lively)).max() < 0.02


def test_leaks_are_short_and_sit_at_pauses():
    analysis = spoken(120.0)
    cues = speech_cues(analysis)
    score = leak_score(cues, analysis.pauses, rng=np.random.default_rng(0))
    assert len(score.start) > 10
    for i in range(len(score.start)):
        t = score.start[i] + np.arange(-0.05, 0.4, 0.001)
        visible = leak_pulses(score, t) > 0.02
        assert 0.12 < visible.sum() / 1000.0 <= 0.2
    at_pause = [min(abs(p.start_secs - t) for p in analysis.pauses) < 0.12 for t in score.start]
    assert np.mean(at_pause) > 0.75
    assert len(leak_score(speech_cues(silent(4.0)), (), rng=np.random.default_rng(0)).start) == 1
    assert not leak_weight(np.ones(3), leak=np.zeros(3)).any()
