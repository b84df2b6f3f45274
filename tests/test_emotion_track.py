"""Emotion over time: keys, blends, and what is read from the voice."""

from pathlib import Path

import numpy as np
import pytest

from face_emote.core.names import EMOTIONS, FEATURE_HZ
from face_emote.core.types import EmotionTrack, Prosody
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import track
from face_emote.emotion.voice import MOST_INTENSE, SMOOTHING_SECS, VOICE_HZ, _bell, auto_track, from_voice

EMODB = Path(__file__).parent.parent.parent / "shared" / "data" / "emodb" / "wav16"


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
    plan = describe("auto:0.4; 0.3s joy tinged with guilt; 4s restrained despair; 9.7s fear hidden under a smile")
    voice = from_voice(made_up(seed=3))
    whole = track(plan, times=times, fps=30.0, auto=auto_track(voice, times=times, fps=30.0))
    for first in range(0, 500, 37):
        block = times[first : first + 37]
        part = track(plan, times=block, fps=30.0, auto=auto_track(voice, times=block, fps=30.0))
        for name in ("mix", "vad", "intensity", "covert", "leak"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[first : first + 37])


def test_a_plan_that_reads_the_voice_needs_the_voice():
    with pytest.raises(ValueError, match="auto_track"):
        on("auto", [0.0])


def test_auto_alone_is_what_was_heard_and_a_share_lies_between():
    times = np.arange(200) / 30.0
    heard = auto_track(from_voice(made_up(seed=1, swing=12.0)), times=times, fps=30.0)
    alone = track(describe("auto"), times=times, fps=30.0, auto=heard)
    np.testing.assert_allclose(alone.mix * alone.intensity[:, None], heard.mix * heard.intensity[:, None], atol=1e-6)
    half = track(describe("auto + joy"), times=times, fps=30.0, auto=heard)
    np.testing.assert_allclose(half.intensity, 0.5 * heard.intensity + 0.5, atol=1e-6)


def made_up(*, seed: int, secs: float = 8.0, swing: float = 3.0, level: float = -25.0, pace: float = 3.5) -> Prosody:
    """Prosody of syllables: `swing` is how far pitch (semitones) and level (dB) go, `pace` syllables a second."""
    rng = np.random.default_rng(seed)
    num = int(secs * FEATURE_HZ)
    t = np.arange(num) / FEATURE_HZ
    syllable = 0.5 - 0.5 * np.cos(2 * np.pi * pace * t)
    f0 = 140.0 * 2 ** (swing * np.sin(2 * np.pi * (0.4 * t + rng.random())) * syllable / 12)
    voiced = syllable > 0.2
    return Prosody(
        loudness_db=(level + swing * (syllable - 1)).astype(np.float32),
        f0_hz=np.where(voiced, f0, np.nan).astype(np.float32),
        voiced=np.where(voiced, 0.84, 0.0).astype(np.float32),
        speaking=np.ones(num, np.float32),
        tremor=np.zeros(num, np.float32),
    )


def test_lively_speech_is_more_aroused_than_flat_speech():
    arousal = [from_voice(made_up(seed=1, swing=swing)).arousal.mean() for swing in (1.0, 4.0, 10.0)]
    assert arousal == sorted(arousal) and arousal[-1] - arousal[0] > 0.3


def test_the_recording_level_does_not_matter():
    quiet, loud = (from_voice(made_up(seed=1, level=level)).arousal for level in (-50.0, -15.0))
    np.testing.assert_allclose(quiet, loud, atol=1e-4)


def test_a_loud_passage_raises_the_arousal_for_its_time():
    prosody = made_up(seed=2, secs=12.0)
    level = prosody.loudness_db.copy()
    level[500:700] += 12.0
    louder = Prosody(
        loudness_db=level, f0_hz=prosody.f0_hz, voiced=prosody.voiced, speaking=prosody.speaking, tremor=prosody.tremor
    )
    arousal = from_voice(louder).arousal
    assert 5.0 <= arousal.argmax() / VOICE_HZ <= 7.0 and arousal.max() > arousal[:20].mean() + 0.1


def test_silence_reads_as_neutral():
    num = 300
    silence = Prosody(
        loudness_db=np.full(num, -90, np.float32),
        f0_hz=np.full(num, np.nan, np.float32),
        voiced=np.zeros(num, np.float32),
        speaking=np.zeros(num, np.float32),
        tremor=np.zeros(num, np.float32),
    )
    voice = from_voice(silence)
    assert not voice.arousal.any() and not voice.valence.any()


def test_what_is_heard_stays_mild_and_sums_to_one():
    for swing in (0.5, 3.0, 20.0):
        heard = auto_track(from_voice(made_up(seed=5, swing=swing)), times=np.arange(400) / 50.0, fps=50.0)
        assert heard.intensity.max() <= MOST_INTENSE + 1e-6 and not heard.covert.any()
        np.testing.assert_allclose(heard.mix.sum(axis=1), 1.0, atol=1e-5)
        assert (heard.mix >= 0).all() and np.abs(np.diff(heard.intensity)).max() < 0.03


def test_the_fast_bell_is_close_to_a_real_one():
    values = np.random.default_rng(0).normal(size=700)
    centres = np.arange(70) * FEATURE_HZ / VOICE_HZ
    sigma = SMOOTHING_SECS * FEATURE_HZ
    slow = [sum(v * np.exp(-0.5 * ((i - c) / sigma) ** 2) for i, v in enumerate(values)) for c in centres]
    np.testing.assert_allclose(_bell(values, num=70), slow, atol=0.03 * np.abs(slow).max() + 0.6)


@pytest.mark.slow
@pytest.mark.skipif(not EMODB.is_dir(), reason="needs ../shared/data/emodb (acted emotional speech)")
def test_acted_high_arousal_is_heard_against_low():
    from face_emote.audio.features import prosody_of
    from face_emote.audio.reader import read_speech

    high, low = [], []
    for path in sorted(EMODB.glob("*.flac"))[::4]:
        kind = path.stem[5]
        if kind in "WFATLN":
            mean = from_voice(prosody_of([read_speech(path).samples])).arousal.mean()
            (high if kind in "WFA" else low).append(mean)
    order = np.mean(np.array(high)[:, None] > np.array(low)[None])
    assert len(high) > 20 and len(low) > 20 and order > 0.85
