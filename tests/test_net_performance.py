"""The network in a whole performance: animate(.., animator="net")."""

from dataclasses import replace

import numpy as np
import pytest
from random_net import write_random_net
from spoken import spoken

from face_emote.core.errors import CheckpointError, OptionError
from face_emote.core.names import CONTROLS, MOTION_HZ, WRINKLES
from face_emote.core.options import Performance
from face_emote.core.timing import frame_times, frames_in
from face_emote.core.types import FRAME_ARRAYS, MotionInfo, PerformanceStyle, Speech
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import PlannedEmotion
from face_emote.face.bundled import load_head
from face_emote.motion.feeling.affect import affect_by_rules, frown_of, hidden_emotion
from face_emote.motion.feeling.blood import blood_drives
from face_emote.motion.feeling.expression import REST_BREATH_HZ, emotion_bias, expression_controls
from face_emote.motion.feeling.net_expression import (
    COLUMNS,
    NetExpression,
    affect_by_net,
    bias_by_net,
    energy_gain,
    step_presence,
    with_asymmetry,
)
from face_emote.motion.feeling.wrinkles import RESIDUAL, folding, wrinkle_model
from face_emote.motion.net_listening import NetAnswers, condition_rows
from face_emote.motion.player import Player, player_of
from face_emote.motion.score import performance_score
from face_emote.network.config import (
    BEARING,
    BEARING_SLICE,
    BLOOD_SLICE,
    CONTROL_SLICE,
    EXPRESSION_CONTROLS,
    NUM_EXPRESSION_OUTPUTS,
    WRINKLE_SLICE,
)
from face_emote.verbs.animate import animate, perform

STYLE = PerformanceStyle()
EVEN = PerformanceStyle(asymmetry=0.0)
"""As the network was taught."""
MOUTH = [i for i, name in enumerate(CONTROLS) if name.startswith("mouth")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_random_net(tmp_path_factory.mktemp("net") / "tiny.safetensors")


def buzz(secs: float) -> Speech:
    rng = np.random.default_rng(0)
    t = np.arange(int(secs * 16_000)) / 16_000
    tone = np.sign(np.sin(2 * np.pi * 130 * t)) * (np.sin(2 * np.pi * 2 * t) > 0)
    return Speech((0.2 * tone + 0.001 * rng.standard_normal(len(t))).astype(np.float32))


@pytest.fixture(scope="module")
def performed(model):
    return animate(buzz(7.0), emotion="0s joy; 3s anger hidden under a smile", animator="net", model=model)


def test_the_network_performs_and_is_named(performed, model):
    assert performed.num_frames == 210
    kind, name, digest = performed.info.animator.split()
    assert (kind, name, len(digest)) == ("net", "tiny", 8)
    for field in FRAME_ARRAYS:
        assert np.isfinite(getattr(performed, field)).all()
    assert performed.expression.min() >= 0.0 and performed.expression.max() <= 1.0
    assert np.ptp(performed.jaw_pose[:, 0]) > 0.01


def test_blocks_give_the_bytes_of_the_whole_and_can_be_read_again(performed, model):
    emotion = "0s joy; 3s anger hidden under a smile"
    stream = perform(Performance(buzz(7.0), emotion=emotion, animator="net", model=model)).motion
    for _ in range(2):
        blocks = list(stream.blocks(50))
        for name in FRAME_ARRAYS:
            assert np.concatenate([getattr(b, name) for b in blocks]).tobytes() == getattr(performed, name).tobytes()


def test_a_seed_changes_the_events_and_not_the_speech(model):
    takes = [perform(Performance(buzz(3.0), emotion="joy", animator="net", model=model, seed=seed)) for seed in (0, 1)]
    times = frame_times(0, 90, fps=30.0)
    scores = [
        performance_score(take.analysis, take.plan, player=player(seed=take.motion.info.seed), answers=take.answers)
        for take in takes
    ]
    lips = [score.face.lips.sample(times) for score in scores]
    assert lips[0].controls.tobytes() == lips[1].controls.tobytes()
    motions = [next(iter(take.motion.blocks(90))) for take in takes]
    assert np.abs(motions[0].eye_pose - motions[1].eye_pose).max() > 0.005
    assert takes[0].answers is not None and takes[1].answers is not None
    assert takes[0].answers.expression.answers.tobytes() == takes[1].answers.expression.answers.tobytes()


def test_an_hour_of_answers_is_small(model):
    answers = perform(Performance(buzz(4.0), emotion="joy", animator="net", model=model)).answers
    assert answers is not None
    hourly = (answers.lips.nbytes + answers.expression.answers.nbytes) * 900
    assert hourly < 16e6


def test_progress_goes_through_both_listeners(model):
    told: list[tuple[float, float, str]] = []
    animate(buzz(2.0), animator="net", model=model, progress=lambda *args: told.append(args))
    listening = [done for done, _, what in told if what == "listening"]
    assert listening == sorted(listening) and listening[-1] == pytest.approx(2.0)
    assert told[-1][2] == "animating"


def test_mistakes_are_told_before_the_work(tmp_path):
    with pytest.raises(OptionError, match="no animator 'magic'; choose one of: net, rules"):
        perform(Performance(buzz(0.5), animator="magic"))
    with pytest.raises(CheckpointError, match=r"absent\.safetensors"):
        perform(Performance(buzz(0.5), animator="net", model=tmp_path / "absent.safetensors"))


def taught(text: str, *, secs: float = 2.0):
    """An answer sheet that says exactly what the rules say of a held emotion."""
    analysis = spoken(secs)
    plan = PlannedEmotion(describe(text), analysis.duration_secs).at(
        frame_times(0, 100, fps=MOTION_HZ), rate_hz=MOTION_HZ
    )
    controls, bias = expression_controls(plan, style=EVEN), emotion_bias(plan)
    answers = np.zeros((100, NUM_EXPRESSION_OUTPUTS))
    answers[:, CONTROL_SLICE] = controls[:, COLUMNS]
    column = {
        "frown": frown_of(plan),
        "breath_factor": bias.breath_rate_hz / REST_BREATH_HZ,
        **{name: getattr(bias, name) for name in BEARING if name not in ("frown", "breath_factor")},
    }
    answers[:, BEARING_SLICE] = np.stack([column[name] for name in BEARING], axis=-1)
    answers[:, WRINKLE_SLICE] = controls @ RESIDUAL
    answers[:, BLOOD_SLICE] = blood_drives(plan)
    return plan, controls, answers


def player(*, seed: int = 0) -> Player:
    info = MotionInfo(basis="", seed=seed)
    return player_of(load_head(), style=STYLE, fps=30.0, info=info, betas=np.zeros(300, np.float32))


def felt(answers, plan, *, hidden=None, style=EVEN, presence=1.0):
    none = np.zeros_like(answers)
    return affect_by_net(
        answers,
        none if hidden is None else hidden,
        plan=plan,
        presence=np.full(len(answers), presence),
        style=style,
    )


@pytest.mark.parametrize("text", ["joy", "calm anger", "fear:0.6 + sadness:0.3", "contempt", "disgust:0.4"])
def test_a_network_that_says_what_the_rules_say_is_played_as_the_rules(text):
    plan, controls, answers = taught(text)
    played = felt(answers, plan)
    np.testing.assert_allclose(played.display.emotion, controls, atol=1e-6)
    np.testing.assert_allclose(played.drives, blood_drives(plan), atol=1e-6)
    np.testing.assert_allclose(played.display.energy, emotion_bias(plan).motion_energy, atol=1e-6)
    np.testing.assert_allclose(played.display.frown, frown_of(plan), atol=1e-6)
    assert played.residual is not None and np.abs(played.residual).max() < 1e-6


def test_every_control_that_the_rules_use_has_a_column():
    for text in ("joy", "sadness", "surprise", "fear", "disgust", "anger", "contempt", "vad(-0.5, -0.8, 0.7)"):
        _, controls, _ = taught(text)
        unheard = np.delete(controls, COLUMNS, axis=1)
        assert unheard.max(initial=0.0) < 1e-6, text


def test_what_is_hardly_felt_hardly_shows():
    plan, _, answers = taught("joy")
    low, high = felt(answers, plan, presence=0.8), felt(answers, plan)
    smile = CONTROLS.index("mouthSmileLeft")
    assert low.display.emotion[0, smile] == pytest.approx(0.8 * answers[0, EXPRESSION_CONTROLS.index("mouthSmileLeft")])
    assert high.display.emotion[0, smile] > low.display.emotion[0, smile]
    assert abs(low.display.energy[0] - 1.0) < abs(high.display.energy[0] - 1.0)


def test_energy_scales_the_face_as_the_rules_have_it():
    plan, _, answers = taught("joy:0.7")
    assert not felt(answers, plan, style=replace(EVEN, energy=0.0)).display.emotion.any()
    gains = [energy_gain(energy) for energy in (0.0, 0.3, 0.6, 1.0, 1.5, 2.0, 4.0)]
    assert gains == sorted(gains) and gains[0] == 0.0 and gains[3] == 1.0
    for energy in (0.5, 1.3):
        wanted = expression_controls(plan, style=replace(EVEN, energy=energy))
        mine = felt(answers, plan, style=replace(EVEN, energy=energy)).display.emotion
        smile = CONTROLS.index("mouthSmileLeft")
        assert mine[0, smile] == pytest.approx(wanted[0, smile], rel=0.02)


@pytest.mark.parametrize("text", ["joy:0.5", "sadness:0.5", "fear:0.5", "anger:0.5", "disgust:0.5", "contempt:0.5"])
def test_asymmetry_leads_the_side_that_leads_in_the_rules(text):
    plan, even, answers = taught(text)
    for asymmetry in (0.08, 0.25):
        style = replace(STYLE, asymmetry=asymmetry)
        wanted, mine = expression_controls(plan, style=style), felt(answers, plan, style=style).display.emotion
        np.testing.assert_allclose(mine, wanted, atol=0.02 + 0.1 * asymmetry)
        moved = np.abs(wanted - even).sum()
        assert np.abs(mine - wanted).sum() < 0.25 * moved


def test_a_one_sided_smirk_stays_one_sided_at_any_asymmetry():
    plan, _, answers = taught("contempt")
    for asymmetry in (0.0, 0.25):
        shown = felt(answers, plan, style=replace(STYLE, asymmetry=asymmetry)).display.emotion[0]
        assert shown[CONTROLS.index("mouthDimpleLeft")] > 3 * shown[CONTROLS.index("mouthDimpleRight")]


def test_nobody_in_particular_leads_in_a_neutral_face():
    rows = np.random.default_rng(0).uniform(0.2, 0.8, (5, len(EXPRESSION_CONTROLS)))
    neutral = np.eye(8, dtype=np.float32)[[0] * 5]
    np.testing.assert_array_equal(with_asymmetry(rows, mix=neutral, asymmetry=0.25), rows)


def test_the_brow_slider_takes_the_brows_alone():
    plan, _, answers = taught("anger + surprise")
    still = felt(answers, plan, style=replace(EVEN, brows=0.0)).display.emotion
    brows = [i for i, name in enumerate(CONTROLS) if "brow" in name.lower()]
    assert not still[:, brows].any() and still.any()


def test_bearing_stays_within_what_people_do():
    wild = NetExpression(np.full((10, NUM_EXPRESSION_OUTPUTS), 50.0, np.float16), hidden=None)
    bias = bias_by_net(wild.at(np.array([0.0, 0.3])))
    assert bias.blink_factor.max() <= 2.0 and bias.gaze_avert.max() <= 1.0 and bias.head_pitch.max() <= 0.3
    assert bias.breath_rate_hz.max() <= 0.7


def test_the_score_places_its_events_by_the_networks_bearing():
    analysis = spoken(60.0)

    def blinks(factor: float) -> int:
        rows = np.zeros((800, NUM_EXPRESSION_OUTPUTS), np.float16)
        rows[:, BEARING_SLICE] = [factor if name == "blink_factor" else float("factor" in name) for name in BEARING]
        answers = NetAnswers(np.zeros((3000, 9), np.float32), NetExpression(rows, hidden=None))
        score = performance_score(analysis, describe("neutral"), player=player(), answers=answers)
        return len(score.face.blinks.start)

    assert blinks(2.0) > 1.5 * blinks(0.5)


def test_a_hidden_emotion_is_played_from_its_own_answers():
    plan, _, answers = taught("joy")
    hidden = np.zeros((8, NUM_EXPRESSION_OUTPUTS), np.float16)
    hidden[:, EXPRESSION_CONTROLS.index("browDownLeft")] = 0.75
    expression = NetExpression(answers[:8].astype(np.float16), hidden=hidden)
    times = frame_times(0, 20, fps=MOTION_HZ)
    rows = expression.at(times), expression.hidden_at(times)
    played = affect_by_net(*rows, plan=replace_rows(plan, 20), presence=np.ones(20), style=STYLE)
    np.testing.assert_allclose(played.display.hidden[:, CONTROLS.index("browDownLeft")], 0.75, atol=1e-3)


def test_the_network_wears_a_mask_as_the_rules_do():
    plan, _, answers = taught("anger hidden under joy")
    _, _, anger = taught("anger")
    display = felt(answers, plan, hidden=anger).display
    rules, _ = affect_by_rules(plan, None, style=EVEN)
    np.testing.assert_allclose(display.emotion[-1], rules.display.emotion[-1], atol=0.02)
    np.testing.assert_allclose(display.hidden[-1], rules.display.hidden[-1], atol=0.02)
    corners = ("mouthSmile", "mouthFrown", "mouthDimple")
    lips = [i for i, n in enumerate(CONTROLS) if n.startswith(("mouth", "jaw", "lips")) and not n.startswith(corners)]
    assert not display.hidden[:, lips].any() and display.hidden.max() > 0.5


@pytest.mark.parametrize("text", ["anger hidden under a smile", "fear hidden under joy", "sadness hidden under joy"])
def test_blood_tells_what_is_hidden_and_a_posed_smile_does_not_blush(text):
    plan, _, answers = taught(text)
    rows = condition_rows(PlannedEmotion(describe(text), 2.0), first=0, stop=len(answers), is_hidden=True)
    hidden = np.zeros_like(answers)
    hidden[:, BLOOD_SLICE] = blood_drives(replace(hidden_emotion(plan), vad=rows[:, 8:11]))
    answers[:, BLOOD_SLICE] = 0.5
    wanted = blood_drives(plan)
    assert plan.covert.sum(axis=1).min() > 0.9 and wanted.max() > 0.5
    np.testing.assert_allclose(felt(answers, plan, hidden=hidden).drives, wanted, atol=0.1)


def replace_rows(track, count):
    return replace(
        track, mix=track.mix[:count], vad=track.vad[:count], intensity=track.intensity[:count],
        covert=track.covert[:count], leak=track.leak[:count],
    )  # fmt: skip


def test_a_residual_deepens_or_smooths_the_folds_that_the_controls_call_for():
    skin = wrinkle_model(load_head())
    controls = np.zeros((1, len(CONTROLS)), np.float32)
    controls[0, CONTROLS.index("browDownLeft")] = controls[0, CONTROLS.index("browDownRight")] = 0.5
    extra = np.zeros((1, len(WRINKLES)))
    plain = folding(skin, controls)
    np.testing.assert_array_equal(folding(skin, controls, residual=extra), plain)
    glabella = WRINKLES.index("glabella")
    extra[0, glabella] = 0.2
    assert folding(skin, controls, residual=extra)[0, glabella] > plain[0, glabella] + 0.05
    extra[0, glabella] = -5.0
    assert folding(skin, controls, residual=extra)[0, glabella] == 0.0


def test_presence_is_nothing_until_something_is_felt_and_fades_after_it():
    times = frame_times(0, 500, fps=MOTION_HZ)
    plan = PlannedEmotion(describe("0s neutral; 3s neutral; 3.2s joy:0.3; 5s joy:0.3; 5.2s neutral"), 10.0)
    present, _ = step_presence(plan.at(times, rate_hz=MOTION_HZ), None)
    assert not present[:150].any() and present[180:250].min() > 0.99 and present[-1] < 0.01
    halves, level = [], None
    for part in (times[:77], times[77:]):
        piece, level = step_presence(plan.at(part, rate_hz=MOTION_HZ), level)
        halves.append(piece)
    np.testing.assert_array_equal(np.concatenate(halves), present)
    faint, _ = step_presence(PlannedEmotion(describe("joy:0.05"), 1.0).at(times[:9], rate_hz=MOTION_HZ), None)
    assert np.all(faint == 1.0)


@pytest.mark.filterwarnings("ignore:No speech was found")
def test_a_neutral_face_in_silence_is_exactly_still(model):
    motion = animate(Speech(np.zeros(48_000, np.float32)), emotion="neutral", animator="net", model=model)
    assert np.ptp(motion.jaw_pose[:, 0]) < 1e-6
    assert np.ptp(motion.expression[:, MOUTH], axis=0).max() < 1e-6


@pytest.mark.filterwarnings("ignore:No speech was found")
def test_digital_silence_keeps_the_speaking_mouth_still(model):
    take = perform(Performance(Speech(np.zeros(48_000, np.float32)), emotion="joy", animator="net", model=model))
    score = performance_score(take.analysis, take.plan, player=player(), answers=take.answers)
    mouth = score.face.lips.sample(frame_times(0, frames_in(3.0, fps=30.0), fps=30.0)).controls[:, MOUTH]
    assert not np.ptp(mouth, axis=0).any()
