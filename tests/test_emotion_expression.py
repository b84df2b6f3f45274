"""The face of an emotion: bounds, distinct emotions, antagonists, monotone intensity, no jumps."""

from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pytest

from face_emote.core.names import ARKIT_52, CONTROLS, EMOTIONS
from face_emote.core.types import EmotionTrack, PerformanceStyle
from face_emote.emotion.grammar import describe
from face_emote.emotion.lexicon import load_lexicon
from face_emote.emotion.track import track
from face_emote.motion.feeling.expression import EmotionBias, emotion_bias, expression_controls
from face_emote.motion.feeling.mixtures import HOLDERS, REGIONS, region_weights
from face_emote.motion.feeling.recipes import (
    ACTION_UNITS,
    ANTAGONISTS,
    AU_INDEX,
    BEARINGS,
    NUM_AU,
    RECIPES,
    SIDES,
    controls_from_action_units,
)

EVEN = PerformanceStyle(asymmetry=0.0)
BASIC = EMOTIONS[1:]


def on(text: str, times=(0.0,)) -> EmotionTrack:
    return track(describe(text), times=np.asarray(times, np.float64), fps=30.0)


def face(text: str, style: PerformanceStyle = EVEN) -> np.ndarray:
    return expression_controls(on(text), style=style)[0]


def control(values: np.ndarray, name: str) -> float:
    return float(values[CONTROLS.index(name)])


def test_neutral_is_exactly_still():
    assert not face("neutral").any() and not face("joy:0").any()


@pytest.mark.parametrize("asymmetry", [0.0, 0.08, 0.25])
def test_every_word_gives_controls_in_bounds(asymmetry):
    for word in load_lexicon().words:
        for energy in (1.0, 1.6):
            values = face(word.word, PerformanceStyle(asymmetry=asymmetry, energy=energy))
            assert np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all()


def test_no_emotion_moves_the_eyes_tongue_or_seals_the_lips():
    for word in load_lexicon().words:
        values = face(word.word)
        for name in (*(n for n in ARKIT_52 if n.startswith("eyeLook")), "tongueOut", "mouthClose", "lipSeal"):
            assert control(values, name) == 0.0


@pytest.mark.parametrize("intensity", [0.4, 0.7, 1.0])
def test_any_two_basic_emotions_differ_clearly(intensity):
    faces = {name: face(f"{name}:{intensity}") for name in BASIC}
    for a in BASIC:
        for b in BASIC:
            if a < b:
                distance = np.linalg.norm(faces[a] - faces[b])
                size = np.sqrt(np.linalg.norm(faces[a]) * np.linalg.norm(faces[b]))
                assert distance > 0.55 * size, (a, b, distance, size)


@pytest.mark.parametrize(
    "text", [*BASIC, "joy tinged with guilt", "calm anger", "anger + joy", "fear and surprise", "shame"]
)
def test_rising_intensity_never_lowers_a_control(text):
    before = np.zeros(len(CONTROLS))
    for intensity in np.linspace(0.05, 1.0, 20):
        values = face(f"({text}):{intensity:.4f}")
        assert (values >= before - 1e-5).all(), (
            text,
            intensity,
            [CONTROLS[i] for i in np.flatnonzero(values < before)],
        )
        before = values
    assert before.sum() > 1.0


def test_energy_scales_the_emotion():
    for text in ("joy", "fear:0.7", "anger + sadness"):
        sums = [face(text, replace(EVEN, energy=energy)).sum() for energy in (0.0, 0.5, 1.0, 1.3)]
        assert sums[0] == 0.0 and sums[0] < sums[1] < sums[2] < sums[3]


def test_brows_follow_their_slider():
    none = face("fear", replace(EVEN, brows=0.0))
    assert control(none, "browInnerUp") == 0.0 and control(none, "browDownLeft") == 0.0
    assert control(none, "eyeWideLeft") == control(face("fear"), "eyeWideLeft")


def test_a_faint_smile_has_less_of_the_eyes_than_a_full_one():
    faint, full = face("joy:0.3"), face("joy")
    ratio = control(faint, "cheekSquintLeft") / control(faint, "mouthSmileLeft")
    assert 0 < ratio < 0.8 * control(full, "cheekSquintLeft") / control(full, "mouthSmileLeft")


def test_a_forced_smile_keeps_the_mouth_and_loses_the_eyes():
    forced, smile = face("forced joy"), face("joy:0.75")
    assert control(forced, "mouthSmileLeft") == pytest.approx(control(smile, "mouthSmileLeft"), abs=0.02)
    assert control(forced, "cheekSquintLeft") < 0.6 * control(smile, "cheekSquintLeft")


def test_contempt_is_one_sided_and_the_others_are_not():
    scorn = face("contempt")
    assert control(scorn, "mouthDimpleLeft") > 3 * control(scorn, "mouthDimpleRight")
    for name in BASIC[:-1]:
        values = face(name)
        for unit in ARKIT_52:
            if unit.endswith("Left"):
                assert control(values, unit) == pytest.approx(control(values, unit.removesuffix("Left") + "Right"))


def test_asymmetry_makes_sides_differ_by_about_that_share():
    values = face("joy:0.6", PerformanceStyle(asymmetry=0.2))
    left, right = control(values, "mouthSmileLeft"), control(values, "mouthSmileRight")
    assert 0.1 < (left - right) / (left + right) < 0.25


def test_antagonists_give_way_to_the_stronger_emotion():
    mostly_joy, mostly_sad = face("joy 75% + sadness 25%"), face("joy 25% + sadness 75%")
    assert control(mostly_joy, "mouthFrownLeft") < 0.05 < 0.5 < control(mostly_joy, "mouthSmileLeft")
    assert control(mostly_sad, "mouthSmileLeft") < 0.05 < 0.35 < control(mostly_sad, "mouthFrownLeft")
    anger_and_surprise = face("anger 75% + surprise 25%")
    assert control(anger_and_surprise, "browDownLeft") > 0.6
    assert control(anger_and_surprise, "browOuterUpLeft") < control(face("surprise:0.5"), "browOuterUpLeft")


def test_a_region_belongs_to_the_emotion_that_is_read_in_it():
    bitter, joy, sadness = face("joy + sadness"), face("joy"), face("sadness")
    for name in ("innerBrowRaiseLeft", "browInnerUp", "eyeBlinkLeft"):
        assert control(bitter, name) > 0.75 * control(sadness, name), name
    for name in ("mouthSmileLeft", "cheekSquintLeft"):
        assert control(bitter, name) > 0.8 * control(joy, name), name
    assert control(bitter, "mouthFrownLeft") == 0.0
    startled, surprise = face("joy + surprise"), face("surprise")
    assert control(startled, "mouthSmileLeft") > 0.8 * control(joy, "mouthSmileLeft")
    assert control(startled, "browOuterUpLeft") > 0.8 * control(surprise, "browOuterUpLeft")
    assert control(startled, "eyeWideLeft") > 0.8 * control(surprise, "eyeWideLeft")


@pytest.mark.parametrize("pair", sorted(HOLDERS))
def test_no_pair_is_the_sum_of_its_emotions(pair):
    first, second = pair.split()
    both, one, other = face(f"{first} + {second}"), face(first), face(second)
    unlike = [np.linalg.norm(both - np.clip(share * (one + other), 0.0, 1.0)) for share in (0.5, 1.0)]
    assert min(unlike) > 0.2 * np.linalg.norm(both)


def test_the_table_of_holders_covers_every_pair_and_every_region():
    assert {frozenset(pair.split()) for pair in HOLDERS} == {frozenset(pair) for pair in combinations(BASIC, 2)}
    assert all(len(holders) == len(REGIONS) and set(holders) <= set("<>=") for holders in HOLDERS.values())
    assert sorted(unit for units in REGIONS.values() for unit in units) == sorted(ACTION_UNITS)


def test_an_emotion_alone_keeps_its_face_and_a_faint_second_one_takes_nothing_of_it():
    strengths = np.zeros((8, 3))
    strengths[1] = 1.0
    strengths[2] = [0.0, 1e-3, 1.0]
    weights = region_weights(strengths)
    brows, mouth = list(REGIONS).index("brows"), list(REGIONS).index("mouth")
    np.testing.assert_array_equal(weights[1, :, :2], 1.0)
    assert weights[2, mouth, 1] == weights[2, mouth, 2] == 0.0
    assert weights[2, brows, 1] == weights[2, brows, 2] == 1.0 and weights[1, brows, 2] == 0.0


def test_a_little_guilt_shows_in_the_brows_of_a_smile():
    tinged = face("joy 70% + guilt 30%")
    assert control(tinged, "mouthSmileLeft") > 0.9 * control(face("joy"), "mouthSmileLeft")
    assert control(tinged, "innerBrowRaiseLeft") > 0.4 * control(face("guilt"), "innerBrowRaiseLeft")
    assert control(tinged, "mouthFrownLeft") == 0.0


@pytest.mark.parametrize("words", ["bittersweet", "nostalgic", "wistful", "sad smile", "compassion"])
def test_words_for_two_feelings_have_sad_brows_over_a_smile(words):
    values = face(words)
    assert control(values, "innerBrowRaiseLeft") > 0.35 and control(values, "mouthSmileLeft") > 0.3
    assert control(values, "mouthFrownLeft") < 0.05


def test_grief_stretches_the_mouth_that_sadness_only_bends():
    assert control(face("grief"), "mouthStretchLeft") > 0.15 > control(face("sadness"), "mouthStretchLeft")


def test_vad_colours_the_same_mix():
    assert control(face("calm anger"), "eyeWideLeft") < control(face("anger:0.8"), "eyeWideLeft")
    assert control(face("tired"), "eyeBlinkLeft") > 0.05
    assert control(face("shame"), "browInnerUp") > control(face("sadness:0.5"), "browInnerUp") * 0.5


def test_nothing_jumps_while_emotions_change():
    times = np.linspace(0.0, 12.0, 2401)
    text = "0s neutral; 1s joy; 3s sadness; 5s anger hidden under joy; 7s contempt + fear; 9s disgust; 11s hidden fear"
    values = expression_controls(on(text, times), style=PerformanceStyle())
    assert np.abs(np.diff(values, axis=0)).max() < 0.03


def test_blocks_equal_the_whole():
    times = np.arange(301) / 30.0
    text = "0s joy; 3s despair tinged with anger; 6s fear hidden under a smile; 9s awe"
    style = PerformanceStyle()
    whole, bias = expression_controls(on(text, times), style=style), emotion_bias(on(text, times))
    for size in (7, 64, 300):
        parts = [on(text, times[i : i + size]) for i in range(0, len(times), size)]
        assert np.array_equal(np.concatenate([expression_controls(part, style=style) for part in parts]), whole)
        for field in fields(EmotionBias):
            joined = np.concatenate([getattr(emotion_bias(part), field.name) for part in parts])
            assert np.array_equal(joined, getattr(bias, field.name))


def test_the_bearing_is_neutral_at_neutral():
    bias = emotion_bias(on("neutral"))
    for name in ("gaze_pitch", "gaze_avert", "gaze_scan", "head_pitch", "head_yaw", "head_roll"):
        assert getattr(bias, name)[0] == 0.0
    assert bias.blink_factor[0] == bias.motion_energy[0] == 1.0 and bias.breath_rate_hz[0] == 0.25


def test_the_bearing_fits_the_emotion():
    bias = {name: emotion_bias(on(name)) for name in (*BASIC, "shame", "pride", "tired", "panic")}
    assert bias["shame"].gaze_pitch[0] > 0.05 and bias["shame"].head_pitch[0] > 0.05 > bias["pride"].head_pitch[0]
    assert bias["shame"].gaze_avert[0] > 0.25 > bias["anger"].gaze_avert[0]
    assert bias["fear"].gaze_scan[0] > 0.45 and bias["panic"].breath_rate_hz[0] > 0.4
    assert bias["sadness"].motion_energy[0] < 1 < bias["joy"].motion_energy[0]
    for each in bias.values():
        assert abs(each.head_pitch[0]) < 0.25 and abs(each.gaze_pitch[0]) < 0.35 and 0.1 < each.breath_rate_hz[0] < 0.7


def test_recipes_and_tables_hold_together():
    assert set(RECIPES) == set(BEARINGS) == set(SIDES) == set(EMOTIONS)
    for recipe in RECIPES.values():
        for number, unit in recipe.items():
            assert number in AU_INDEX and 0 <= unit.full <= 1 and 0 <= unit.late <= 1
    for a, b in ANTAGONISTS:
        assert a in AU_INDEX and b in AU_INDEX


def test_every_action_unit_moves_something_and_sides_stay_apart():
    for index, number in enumerate(ACTION_UNITS):
        units = np.zeros((2, NUM_AU, 1))
        units[:, index] = 1.0
        assert controls_from_action_units(units).max() > 0.1, number
    left = np.zeros((2, NUM_AU, 1))
    left[0, AU_INDEX[12]] = 1.0
    values = controls_from_action_units(left)[0]
    assert control(values, "mouthSmileLeft") == 1.0 and control(values, "mouthSmileRight") == 0.0
