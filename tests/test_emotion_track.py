"""Emotion over time: keys, blends, and what was read of the speech among them."""

import numpy as np
import pytest

from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionTrack
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import PlannedEmotion, track, with_auto


def on(text: str, times) -> EmotionTrack:
    return track(describe(text), times=np.asarray(times, np.float64), fps=30.0)


def felt(emotion: EmotionTrack, name: str) -> np.ndarray:
    return emotion.mix[:, EMOTIONS.index(name)] * emotion.intensity


def equal(a: EmotionTrack, b: EmotionTrack) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("mix", "vad", "intensity", "covert", "leak")
    )


def test_the_emotion_holds_outside_the_keys_and_is_reached_at_them():
    emotion = on("1s anger; 2s joy:0.5", [0.0, 1.0, 2.0, 9.0])
    np.testing.assert_allclose(felt(emotion, "anger"), [1, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(felt(emotion, "joy"), [0, 0, 0.5, 0.5], atol=1e-6)


def test_a_blend_eases_in_and_out():
    times = np.linspace(0, 1, 101)
    joy = felt(on("0s neutral; 1s joy", times), "joy")
    speed = np.diff(joy)
    assert (speed >= -1e-7).all() and speed[0] < 0.1 * speed.max() and speed[-1] < 0.1 * speed.max()
    assert joy[50] == pytest.approx(0.5, abs=1e-5)


def test_every_frame_of_a_blend_is_an_emotion():
    emotion = on("0s joy:0.2; 1s anger hidden under fear; 2s hidden sadness; 4s neutral", np.linspace(-1, 5, 301))
    np.testing.assert_allclose(emotion.mix.sum(axis=1), 1.0, atol=1e-5)
    assert (emotion.mix >= 0).all() and (emotion.intensity >= 0).all() and (emotion.intensity <= 1).all()
    assert (emotion.covert.sum(axis=1) <= 1.0001).all() and (np.abs(emotion.vad) <= 1).all()
    assert np.abs(np.diff(emotion.mix * emotion.intensity[:, None], axis=0)).max() < 0.05


def test_faint_joy_does_not_flare_up_on_its_way_to_anger():
    assert felt(on("0s joy:0.2; 1s anger", np.linspace(0, 1, 50)), "joy").max() <= 0.2 + 1e-6


def test_the_leak_belongs_to_what_is_hidden():
    emotion = on("0s neutral; 2s anger hidden under joy (leak 40%)", [0.0, 0.5, 1.0, 2.0])
    np.testing.assert_allclose(emotion.leak[1:], 0.4, atol=1e-6)
    assert emotion.covert[:, 6].tolist() == pytest.approx([0.0, 0.15625, 0.5, 1.0])


def test_blocks_equal_the_whole():
    times = np.arange(500) / 30.0
    plan = describe("0s neutral; 0.3s joy tinged with guilt; 4s restrained despair; 9.7s fear hidden under a smile")
    whole = track(plan, times=times, fps=30.0)
    for first in range(0, 500, 37):
        part = track(plan, times=times[first : first + 37], fps=30.0)
        for name in ("mix", "vad", "intensity", "covert", "leak"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[first : first + 37])


def test_a_plan_that_reads_the_speech_has_to_be_filled_first():
    with pytest.raises(ValueError, match="auto_plan"):
        PlannedEmotion(describe("auto"), 1.0).at(np.zeros(1), rate_hz=30.0)


def test_auto_alone_is_what_was_heard_and_a_share_lies_between():
    heard = describe("0s joy:0.2; 2s anger 30% + fear 20%")
    times = np.arange(90) / 30.0
    assert equal(track(with_auto(describe("auto"), heard), times=times, fps=30.0), track(heard, times=times, fps=30.0))
    half = with_auto(describe("auto + joy"), heard)
    assert half.auto == 0.0 and half.text == "auto + joy"
    at_keys = track(half, times=np.array([0.0, 2.0]), fps=30.0)
    np.testing.assert_allclose(at_keys.intensity, [0.5 * 0.2 + 0.5, 0.5 * 0.5 + 0.5], atol=1e-6)


def test_keys_and_what_is_heard_both_keep_their_instants():
    filled = with_auto(describe("auto:0.5; 0s joy; 3s sadness"), describe("1s anger:0.4; 2s neutral"))
    assert [key.time_secs for key in filled.keys] == [0.0, 1.0, 2.0, 3.0]
    felt_anger = felt(track(filled, times=np.array([1.0, 2.0]), fps=30.0), "anger")
    np.testing.assert_allclose(felt_anger, [0.2, 0.0], atol=1e-6)
