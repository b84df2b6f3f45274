"""Lips by the network: its answers on the mouth, at any rate, and rest in silence."""

from dataclasses import replace

import numpy as np
import pytest
from random_net import write_random_net
from spoken import silent, spoken

from face_emote.audio.logmel import log_mels
from face_emote.core.names import MOTION_HZ, PHONES
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import PerformanceStyle
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import PlannedEmotion
from face_emote.face.bundled import load_head
from face_emote.motion.feeling.net_expression import NetExpression
from face_emote.motion.mouth.lip_contacts import Contacts, PhoneContacts, phone_contacts
from face_emote.motion.mouth.lips import Lips, lip_score
from face_emote.motion.mouth.net_lips import (
    EASE_SECS,
    HIGHEST,
    LEAD_SECS,
    LIVELY,
    REST,
    SPLINE_AHEAD,
    STILL_GAP,
    TAIL_SECS,
    NetLips,
    gate,
    last_answer,
    net_lips,
    spoken_secs,
)
from face_emote.motion.net_listening import condition_rows, net_answers, phones_at_frames
from face_emote.network.config import LATENT_FRAMES, LIP_CHANNELS, NUM_LINEAR
from face_emote.network.hearing import Hearing
from face_emote.network.runtime import load_motion_net
from face_emote.network.streams import ExpressionStream
from face_emote_lab.evaluation.systems import lip_answers

HEAD = load_head()
STYLE = PerformanceStyle()
GAP, JAW, CLOSURE = (LIP_CHANNELS.index(name) for name in ("gap", "jaw", "closure"))


def talking(secs: float = 4.0):
    """Somebody speaks without a pause."""
    analysis = spoken(secs)
    always = replace(analysis.prosody, speaking=np.ones_like(analysis.prosody.speaking))
    return replace(analysis, prosody=always, aligned=False)


def made_up_answers(num: int, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    answers = rng.uniform(0.0, 0.1, (num, len(LIP_CHANNELS))).astype(np.float32)
    answers[:, -1] = 0.9
    return answers


def lips_of(answers, analysis, *, fps: float = 30.0) -> NetLips:
    return net_lips(answers, analysis=analysis, head=HEAD, style=STYLE, fps=fps)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return load_motion_net(write_random_net(tmp_path_factory.mktemp("net") / "tiny.safetensors"))


@pytest.fixture(scope="module")
def sound():
    rng = np.random.default_rng(1)
    t = np.arange(40_000) / 16_000
    buzz = np.sign(np.sin(2 * np.pi * 130 * t)) * (np.sin(2 * np.pi * 2 * t) > 0)
    return (0.2 * buzz + 0.001 * rng.standard_normal(len(t))).astype(np.float32)


def test_both_animators_lips_can_stand_for_each_other():
    analysis = talking(1.0)
    for lips in (lips_of(made_up_answers(50), analysis), lip_score(analysis, head=HEAD, style=STYLE)):
        assert isinstance(lips, Lips)
        assert lips.sample(frame_times(0, 5, fps=30.0)).controls.shape == (5, 100)


def test_answers_are_kept_at_their_own_instants():
    answers = made_up_answers(100)
    answers[:, GAP] *= STILL_GAP / 0.1
    aims = lips_of(answers, talking(2.0)).aims(frame_times(0, 100, fps=MOTION_HZ))
    np.testing.assert_allclose(aims[:, :NUM_LINEAR], answers[:, :NUM_LINEAR], atol=1e-7)


@pytest.mark.parametrize("aligned", [False, True])
def test_an_open_mouth_opens_further_than_was_answered_and_the_jaw_with_it(aligned):
    answers = made_up_answers(100)
    answers[:, GAP] = np.linspace(0.0, 0.25, 100)
    answers[:, JAW] = 0.5
    aims = lips_of(answers, replace(talking(2.0), aligned=aligned)).aims(frame_times(0, 100, fps=MOTION_HZ))
    for answer, aim in zip(answers.astype(float), aims, strict=True):
        larger = 1.0 if answer[GAP] <= STILL_GAP else 1.0 + LIVELY * (1.0 - STILL_GAP / answer[GAP])
        assert aim[GAP] == pytest.approx(answer[GAP] * larger)
        assert aim[JAW] == pytest.approx(answer[JAW] * larger)
    assert np.all(np.diff(aims[:, GAP]) > 0.0) and aims[-1, GAP] < HIGHEST[GAP]
    others = [i for i in range(NUM_LINEAR) if i not in (GAP, JAW)]
    np.testing.assert_allclose(aims[:, others], answers[:, others], atol=1e-7)


def test_between_answers_a_slow_curve_is_followed():
    wave = lambda t: 0.08 + 0.05 * np.sin(2 * np.pi * 4.0 * t)  # noqa: E731
    answers = made_up_answers(200)
    answers[:, 0] = wave(np.arange(200) / MOTION_HZ)
    times = frame_times(3, 110, fps=30.0)
    lively = wave(times) + LIVELY * (wave(times) - STILL_GAP)
    height = 0.05 * (1.0 + LIVELY)
    np.testing.assert_allclose(lips_of(answers, talking()).aims(times)[:, 0], lively, atol=0.02 * height)


@pytest.mark.parametrize("fps", [8.0, 12.0, 23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 120.0])
def test_no_contact_falls_between_two_frames(fps):
    answers = np.zeros((200, len(LIP_CHANNELS)), np.float32)
    shut = np.arange(10, 190, 17)
    answers[shut, CLOSURE] = 1.0
    motion = lips_of(answers, talking(), fps=fps).sample(frame_times(0, frames_in(4.0, fps=fps), fps=fps))
    times = frame_times(0, len(motion.closure), fps=fps)
    for index in shut:
        near = np.abs(times - index / MOTION_HZ) <= 0.5 / fps + 1e-6
        assert motion.closure[near].max() == 1.0
        assert motion.controls[near, 98].max() == 1.0  # lipSeal
    if fps >= 24.0:
        assert motion.closure.mean() < 0.25


def test_half_hearted_contacts_are_made_or_left():
    answers = np.zeros((50, len(LIP_CHANNELS)), np.float32)
    answers[:, CLOSURE] = np.repeat([0.1, 0.22, 0.35, 0.4, 0.0], 10)
    alone = replace(lips_of(answers, talking(1.0)), contacts=None)
    closure = alone.aims(np.array([0.1, 0.3, 0.5, 0.7, 0.9]))[:, CLOSURE]
    assert closure[0] == 0.0 and closure[3] == 1.0 and closure[4] == 0.0
    assert closure[1] < 0.4 < 0.6 < closure[2]


def test_network_and_phones_agree_on_a_contact():
    answers = np.zeros((50, len(LIP_CHANNELS)), np.float32)
    answers[:, CLOSURE] = np.repeat([0.0, 0.1, 0.3, 0.5, 1.0], 10)
    times = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    lips = lips_of(answers, talking(1.0))
    never, always = (contact_of(*span) for span in ((5.0, 6.0), (-1.0, 2.0)))
    unheard, heard_too, told = (
        replace(lips, contacts=PhoneContacts(closing, never), aligned=told).aims(times)[:, CLOSURE]
        for closing, told in ((never, False), (always, False), (always, True))
    )
    assert unheard[:4].max() < 0.1 and unheard[4] == 1.0  # the network alone has to be sure
    assert heard_too[0] < 0.2 and heard_too[1] < 0.6 and heard_too[2:].min() == 1.0  # a faint word of it is enough
    assert told.min() == 1.0
    overruled = replace(lips, contacts=PhoneContacts(never, never), aligned=True).aims(times)[:, CLOSURE]
    assert overruled.max() == 0.0  # a transcript knows where no lips meet


def contact_of(begin: float, end: float) -> Contacts:
    return Contacts(*(np.array([secs]) for secs in (begin, begin + 0.1, end - 0.1, end)))


def test_the_mouth_asks_for_no_answer_beyond_the_last_that_it_names():
    answers = made_up_answers(200)
    for fps in (12.0, 25.0, 30.0, 50.0, 60.0):
        for frame in (5, 6, 7, 20):
            time = frame / fps
            last = last_answer(time, fps=fps)
            cut, longer = answers[: last + 1], answers.copy()
            longer[last + 1 :] += 1.0
            aims = [lips_of(rows, talking(), fps=fps).aims(np.array([time])) for rows in (cut, longer)]
            np.testing.assert_array_equal(*aims)
            assert last / MOTION_HZ - time <= max(0.5 / fps, 2 / MOTION_HZ) + 1e-9
    assert all(last_answer(i / fps, fps=fps) / MOTION_HZ == i / fps for fps in (25.0, 50.0) for i in range(50))


def test_sampling_in_blocks_equals_sampling_the_whole():
    lips = lips_of(made_up_answers(300), spoken(6.0))
    times = frame_times(0, 150, fps=25.0)
    whole = lips.sample(times)
    for size in (1, 7, 64):
        parts = [lips.sample(times[i : i + size]) for i in range(0, len(times), size)]
        assert np.concatenate([p.controls for p in parts]).tobytes() == whole.controls.tobytes()
        assert np.concatenate([p.closure for p in parts]).tobytes() == whole.closure.tobytes()


def test_silence_keeps_the_lips_at_rest_whatever_is_answered():
    lips = lips_of(made_up_answers(150), silent(3.0))
    times = frame_times(0, 90, fps=30.0)
    np.testing.assert_array_equal(lips.aims(times), np.repeat(REST[None], 90, axis=0))
    assert not np.ptp(lips.sample(times).controls, axis=0).any()
    assert not lips.sample(times).ownership.any()


def gate_ref(spoken_at: list[tuple[float, float]], time: float) -> float:
    best = 0.0
    for start, end in spoken_at:
        if start <= time < end:
            return 1.0
        away = time - end - TAIL_SECS if time >= end else start - time - LEAD_SECS
        u = min(max(away / EASE_SECS, 0.0), 1.0)
        best = max(best, 1.0 - u * u * (3.0 - 2.0 * u))
    return best


def test_the_gate_is_that_of_its_slow_twin_and_has_no_steps():
    spoken_at = [(0.8, 1.5), (1.75, 2.0), (3.4, 3.41)]
    times = np.linspace(0.0, 4.5, 900)
    opened = gate(np.array(spoken_at), times)
    np.testing.assert_allclose(opened, [gate_ref(spoken_at, t) for t in times], atol=1e-12)
    assert np.abs(np.diff(opened)).max() < 1.6 * (times[1] - times[0]) / EASE_SECS
    assert not gate(np.zeros((0, 2)), times).any()


def test_gaps_of_a_closure_stay_with_the_network_and_longer_ones_do_not():
    speaking = np.ones(300, np.float32)
    speaking[100:114] = 0.0
    speaking[150:200] = 0.0
    np.testing.assert_allclose(spoken_secs(speaking), [[-0.005, 1.495], [1.995, 2.995]])
    assert spoken_secs(np.zeros(10, np.float32)).shape == (0, 2)


def test_a_transcript_makes_closures_certain():
    analysis = spoken(4.0)
    times = frame_times(0, 120, fps=30.0)
    open_mouth = np.zeros((200, len(LIP_CHANNELS)), np.float32)
    open_mouth[:, 0] = 0.15
    known, _ = phone_contacts(analysis.phones, frame_secs=1 / 30.0).at(times)
    inside = gate(spoken_secs(analysis.prosody.speaking), times) == 1.0
    assert known[inside].max() == 1.0
    closure = lips_of(open_mouth, analysis).sample(times).closure
    assert closure[inside & (known == 1.0)].min() == 1.0
    assert closure[known <= 0.5].max() == 0.0
    guessed = lips_of(open_mouth, replace(analysis, aligned=False)).sample(times).closure
    assert guessed.max() < 0.2  # recognised phones never close the lips against the network


def test_absurd_answers_stay_within_what_mouths_do():
    answers = np.full((50, len(LIP_CHANNELS)), 1e4, np.float32)
    answers[::2] *= -1.0
    controls = lips_of(answers, talking(1.0)).sample(frame_times(0, 30, fps=30.0)).controls
    assert np.isfinite(controls).all() and controls.min() >= 0.0 and controls.max() <= 1.0


def test_phones_stand_on_their_frames():
    analysis = spoken(3.0)
    labels = phones_at_frames(analysis)
    assert len(labels) == 150
    for i in range(0, 150, 7):
        time = i / MOTION_HZ
        phone = next(p for p in analysis.phones if p.start_secs <= time < p.end_secs)
        assert PHONES[labels[i]] == phone.label


def heard(net, sound, *, cuts=(), emotion="joy", aligned=False, **options):
    analysis = replace(spoken(len(sound) / 16_000), aligned=aligned)
    return net_answers(
        net,
        log_mels(np.split(sound, cuts)),
        analysis=analysis,
        planned=PlannedEmotion(describe(emotion), analysis.duration_secs),
        **options,
    )


def test_the_network_hears_the_same_however_the_sound_is_cut(net, sound):
    whole, parts = heard(net, sound), heard(net, sound, cuts=[1, 700, 16_001, 39_000])
    assert whole.lips.tobytes() == parts.lips.tobytes()
    assert whole.expression.answers.tobytes() == parts.expression.answers.tobytes()
    assert whole.lips.shape == (125 + SPLINE_AHEAD, 9)


def test_a_transcript_and_the_look_ahead_reach_the_lips(net, sound):
    plain = heard(net, sound)
    assert np.abs(heard(net, sound, aligned=True).lips - plain.lips).max() > 1e-4
    sooner = heard(net, sound, look_ahead_frames=3)
    assert np.abs(sooner.lips - plain.lips).max() > 1e-4
    alone = lip_answers(net, log_mels([sound]), duration_secs=2.5, look_ahead_frames=3)
    np.testing.assert_array_equal(alone, sooner.lips[:125])


def test_the_emotion_never_reaches_the_lips(net, sound):
    lips = [heard(net, sound, emotion=text).lips for text in ("joy", "calm anger", "anger hidden under a smile")]
    assert lips[0].tobytes() == lips[1].tobytes() == lips[2].tobytes()


def test_only_what_is_hidden_is_answered_for(net, sound):
    assert heard(net, sound).expression.hidden is None
    hidden = heard(net, sound, emotion="anger hidden under a smile").expression
    assert hidden.hidden is not None and hidden.hidden.shape == hidden.answers.shape


@pytest.mark.parametrize("look_ahead", [3, 7, 15])
def test_a_quarter_of_the_answers_holds_them_all(net, sound, look_ahead):
    analysis = spoken(2.5)
    planned = PlannedEmotion(describe("0s joy; 1.5s fear"), analysis.duration_secs)
    kept = net_answers(
        net, log_mels([sound]), analysis=analysis, planned=planned, look_ahead_frames=look_ahead
    ).expression  # fmt: skip
    assert isinstance(kept, NetExpression) and len(kept.answers) <= 125 / LATENT_FRAMES + 3
    stream, hearing = ExpressionStream(net, look_ahead), Hearing(net.x0)
    emotion = condition_rows(planned, first=0, stop=160)
    every = [stream.push(hearing.push(sound), emotion), stream.push(hearing.finish(), emotion[:0])]
    every.append(stream.finish(125))
    np.testing.assert_allclose(kept.at(frame_times(0, 125, fps=MOTION_HZ)), np.concatenate(every), atol=4e-3)
