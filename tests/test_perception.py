"""What is read of a voice, how senses become one reading, and the keys that a reading stands for."""

import itertools
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from functionals_ref import functionals_ref

from face_emote.audio.analyse import analyse
from face_emote.audio.conditioning import RumbleFilter
from face_emote.audio.features import prosody_of
from face_emote.audio.reader import read_speech
from face_emote.core.assets import ASSETS
from face_emote.core.names import EMOTIONS, NUM_EXPRESSION
from face_emote.core.types import FaceMotion, MotionInfo, Pause, Prosody, Speech
from face_emote.emotion.grammar import describe
from face_emote.motion.live.ears import SpeechDetector
from face_emote.perception.evidence import READING_HZ, VOICE, Evidence
from face_emote.perception.face import read_face
from face_emote.perception.functionals import functionals_of
from face_emote.perception.fusion import fused
from face_emote.perception.live import BEHIND_SECS, LiveFeeling
from face_emote.perception.phrases import auto_plan, phrases_of
from face_emote.perception.reading import EmotionReading, read_feelings
from face_emote.perception.voice import VoiceStream, read_voice

LINE = ASSETS / "speech" / "dashwood_1.wav"
EMODB = Path(__file__).parent.parent.parent / "shared" / "data" / "emodb" / "wav16"


@pytest.fixture(scope="module")
def prosody() -> Prosody:
    return prosody_of([read_speech(LINE).samples])


def sensed(name: str, *, sure: float = 0.8, frames: int = 20, valence: float = 0.0, arousal: float = 0.0) -> Evidence:
    """A sense that says the same all the time."""
    mix = np.full((frames, 8), (1.0 - sure) / 7)
    mix[:, EMOTIONS.index(name)] = sure
    vad = np.tile([valence, arousal, 0.0], (frames, 1))
    return Evidence(mix, np.ones((frames, 8)), vad, vad_sd=np.full((frames, 3), 0.3), weight=np.ones(frames))


def rows(prosody: Prosody, first: int, stop: int) -> Prosody:
    return Prosody(**{f.name: getattr(prosody, f.name)[first:stop] for f in fields(Prosody)})


def test_a_whispered_level_reads_as_a_loud_one():
    samples = read_speech(LINE).samples
    loud, quiet = (read_feelings(analyse(Speech(samples * np.float32(gain)))).overall for gain in (1.0, 0.04))
    np.testing.assert_allclose(loud.mix, quiet.mix, atol=0.05)
    np.testing.assert_allclose(loud.vad, quiet.vad, atol=0.05)


def test_silence_and_what_has_no_timbre_say_nothing(prosody):
    nobody = read_voice(prosody_of([np.zeros(16000, np.float32)]))
    unknown = read_voice(replace(prosody, timbre=prosody.timbre[:0]))
    for heard in (nobody, unknown):
        assert not heard.evidence.weight.any()
        felt = fused((heard.evidence, None, None))
        assert (felt.mix[:, 0] == 1.0).all() and not felt.vad.any() and not felt.gates.any()


@pytest.mark.parametrize("length", [30, 240, 2000])
def test_stretches_of_voice_side_by_side_have_the_figures_of_each_alone(prosody, length):
    first = np.arange(0, len(prosody.speaking), 23)
    figures, told = functionals_of(prosody, first=first, length=length)
    alone = [functionals_ref(prosody, first=at, stop=min(at + length, len(prosody.speaking))) for at in first.tolist()]
    assert told.any() and told.tolist() == [row is not None for row in alone]
    for found, row in zip(figures, alone, strict=True):
        if row is not None:
            np.testing.assert_allclose(found, row, atol=1e-5)


@pytest.mark.parametrize("cut", [1, 7, 40, 333])
def test_a_voice_that_comes_in_pieces_reads_as_the_whole(prosody, cut):
    total = min(len(prosody.speaking), 500 if cut == 1 else 10_000)
    whole = read_voice(rows(prosody, 0, total))
    stream = VoiceStream()
    parts = [stream.push(rows(prosody, first, min(first + cut, total))) for first in range(0, total, cut)]
    parts.append(stream.finish())
    for f in fields(Evidence):
        streamed = np.concatenate([getattr(part.evidence, f.name) for part in parts])
        np.testing.assert_allclose(streamed, getattr(whole.evidence, f.name), atol=1e-6)
    assert len(whole.evidence) == int(np.ceil(total / 100 * READING_HZ))


def test_a_reading_says_how_sure_it_is(prosody):
    felt = fused((read_voice(prosody).evidence, None, None))
    np.testing.assert_allclose(felt.mix.sum(axis=1), 1.0, atol=1e-6)
    assert (felt.mix >= 0.0).all() and (np.abs(felt.vad) <= 1.0).all() and (felt.vad_sd > 0.0).all()


def test_reading_aloud_is_no_great_feeling():
    for number in range(1, 6):
        analysis = analyse(ASSETS / "speech" / f"dashwood_{number}.wav")
        assert read_feelings(analysis).overall.mix[0, 0] > 0.5


def test_a_resting_face_of_ones_own_is_no_feeling():
    rng = np.random.default_rng(0)
    neutral = []
    for _ in range(20):
        rest = np.zeros((50, NUM_EXPRESSION), np.float32)
        chosen = rng.random(52) < 0.3
        rest[:, :52] = 0.15 * rng.random(52) * chosen
        nothing = np.zeros((50, 3), np.float32)
        face = FaceMotion(
            expression=rest, jaw_pose=nothing, neck_pose=nothing, eye_pose=np.zeros((50, 2, 3), np.float32),
            global_pose=nothing, translation=nothing, wrinkles=np.zeros((50, 16), np.float32),
            blood_flow=np.zeros((50, 8), np.float32), fps=25.0, info=MotionInfo(basis=""),
        )  # fmt: skip
        neutral.append(read_face(face).mix[:, 0].mean())
    assert np.mean(neutral) > 0.9


def test_a_sense_that_stands_alone_says_what_it_says():
    voice = sensed("anger", sure=0.7)
    felt = fused((voice, None, None))
    np.testing.assert_allclose(felt.mix, voice.mix, atol=1e-6)
    assert felt.gates.tolist() == [[1.0, 0.0, 0.0]] * 20


def test_senses_that_agree_are_surer_together():
    voice, words = sensed("joy", sure=0.6), sensed("joy", sure=0.6)
    together = fused((voice, words, None))
    assert (together.mix[:, 1] > 0.6).all() and not together.hidden.any()
    np.testing.assert_allclose(together.gates.sum(axis=1), 1.0, atol=1e-9)


def test_a_sense_that_cannot_tell_an_emotion_does_not_argue_against_it():
    voice, words = sensed("neutral", sure=0.4), sensed("surprise", sure=0.8)
    deaf = replace(voice, knows=np.where(np.array(EMOTIONS) == "surprise", 0.0, voice.knows))
    assert (fused((deaf, words, None)).mix[:, 3] > fused((voice, words, None)).mix[:, 3]).all()


def test_a_sense_without_weight_is_as_good_as_absent():
    voice, words = sensed("sadness"), sensed("joy")
    mute = replace(words, weight=np.zeros(20))
    np.testing.assert_allclose(fused((voice, mute, None)).mix, fused((voice, None, None)).mix, atol=1e-9)


def test_the_more_precise_sense_has_more_say_about_vad():
    voice, words = (
        sensed("neutral", arousal=0.6),
        replace(sensed("neutral", arousal=-0.2), vad_sd=np.full((20, 3), 0.9)),
    )
    felt = fused((voice, words, None))
    assert (felt.vad[:, 1] > 0.4).all() and (felt.vad[:, 1] < 0.6).all()


def test_good_words_in_a_bad_voice_hide_a_feeling():
    words, voice = sensed("joy", valence=0.7, arousal=0.2), sensed("anger", valence=-0.6, arousal=0.1)
    felt = fused((voice, words, None))
    assert (felt.hidden[:, EMOTIONS.index("anger")] > 0.1).all() and (felt.hidden.sum(axis=1) <= 0.5).all()
    same = fused((voice, sensed("anger", valence=-0.6), None))
    assert not same.hidden.any()


def test_words_that_sting_in_a_flat_voice_are_doubted():
    words, voice = sensed("joy", valence=0.6), sensed("neutral", arousal=-0.2)
    plain, ironic = (fused((voice, words, None), irony=np.full(20, amount)) for amount in (0.0, 0.9))
    assert (ironic.gates[:, 1] < 0.5 * plain.gates[:, 1]).all()
    assert (ironic.hidden[:, EMOTIONS.index("contempt")] > 0.2).all()


def made_reading(*senses: Evidence | None) -> EmotionReading:
    present = next(sense for sense in senses if sense is not None)
    everything = tuple(None if s is None else s.over([(0, len(s))]) for s in senses)
    secs = len(present) / READING_HZ
    return EmotionReading(fused(everything), fused(senses), (), senses, said=None, duration_secs=secs)


def pauses_at(*pauses: tuple[float, float]) -> tuple[Pause, ...]:
    return tuple(Pause(*pause) for pause in pauses)


def test_phrases_cover_everything_and_end_in_pauses():
    spans = phrases_of(pauses_at((1.9, 2.3), (2.4, 2.45), (9.0, 9.6)), num_frames=250)
    assert [spans[0][0], spans[-1][1]] == [0, 250] and all(a[1] == b[0] for a, b in itertools.pairwise(spans))
    assert spans[0][1] == round(2.1 * READING_HZ) and all(b - a <= 51 for a, b in spans)


def test_a_feeling_that_lasts_is_one_key():
    plan = auto_plan(made_reading(sensed("joy", sure=0.62, frames=250), None, None), pauses_at())
    assert plan.text == "joy:0.6" and len(plan.keys) == 1


def test_a_change_of_feeling_is_a_key_where_the_phrase_begins():
    first, second = sensed("joy", frames=50), sensed("sadness", frames=50)
    both = Evidence(
        **{f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)]) for f in fields(Evidence)}
    )
    plan = auto_plan(made_reading(both, None, None), pauses_at((3.8, 4.2)))
    assert plan.text == "0.00s joy:0.8; 3.75s joy:0.8; 4.25s sadness:0.8"


@pytest.mark.parametrize("sure", [0.3, 0.5, 0.7, 0.9])
def test_the_keys_are_never_stronger_than_the_evidence(sure):
    reading = made_reading(sensed("anger", sure=sure), None, None)
    (key,) = auto_plan(reading, pauses_at()).keys
    assert key.emotion.intensity <= 1.0 - reading.overall.mix[0, 0] + 1e-6


def test_the_keys_can_be_read_back():
    plan = auto_plan(read_feelings(analyse(LINE)), analyse(LINE).pauses)
    again = describe(plan.text)
    assert [key.time_secs for key in again.keys] == [key.time_secs for key in plan.keys] and plan.auto == 0.0


def test_what_is_felt_live_does_not_depend_on_how_the_sound_comes():
    samples = read_speech(LINE).samples[:80_000]
    times = np.arange(10) / 50.0 + 4.0
    found = []
    for cut in (160, 1000, 4000, 80_000):
        feeling, cleaner, detector = LiveFeeling(), RumbleFilter(), SpeechDetector()
        for first in range(0, len(samples), cut):
            cleaned = cleaner.push(samples[first : first + cut])
            feeling.push(cleaned, detector.push(cleaned))
        found.append(feeling(times, 50.0))
    for other in found[1:]:
        assert np.array_equal(found[0].mix, other.mix) and np.array_equal(found[0].intensity, other.intensity)
    assert not LiveFeeling()(np.zeros(1), 50.0).intensity.any()


@pytest.mark.skipif(not EMODB.is_dir(), reason="needs ../shared/data/emodb (acted emotional speech)")
def test_an_angry_voice_shows_live_what_the_recording_shows():
    clip = read_speech(sorted(EMODB.glob("*W?.flac"))[0]).samples
    samples = np.concatenate([clip, clip, clip])
    whole = read_feelings(analyse(Speech(samples))).overall.mix[0]
    feeling, detector = LiveFeeling(), SpeechDetector()
    feeling.push(samples, detector.push(samples))
    shown = feeling(np.array([len(samples) / 16000 - 0.2 + BEHIND_SECS - 2.0]), 50.0)
    assert whole.argmax() == EMOTIONS.index("anger") == shown.mix[0].argmax()
    assert 0.1 < shown.intensity[0] <= 1.0 - whole[0] + 0.2
    assert read_feelings(analyse(Speech(samples))).senses[VOICE] is not None
