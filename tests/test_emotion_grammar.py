"""Emotion descriptions: what each one means, and that nothing else than EmotionError ever comes out of any text."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_text import same_plan, written

from face_emote.core.errors import EmotionError
from face_emote.core.names import EMOTIONS
from face_emote.core.types import Emotion, EmotionKey, EmotionPlan, Pause
from face_emote.emotion.blending import PROTOTYPE_VAD, at_intensity, mix_from_vad
from face_emote.emotion.grammar import describe
from face_emote.emotion.lexicon import find_word, load_lexicon, nearest_words
from face_emote.emotion.phrases import AMOUNTS, JOINERS, MANNERS
from face_emote.emotion.track import in_turn, track


def only(text: str) -> Emotion:
    plan = describe(text)
    assert len(plan.keys) == 1 and plan.text == text
    return plan.keys[0].emotion


def share(emotion: Emotion, name: str) -> float:
    return float(emotion.mix[EMOTIONS.index(name)])


def hidden(emotion: Emotion, name: str) -> float:
    return float(emotion.covert[EMOTIONS.index(name)])


DOCUMENTED = (
    "joy", "joy:0.7", "joy 70% + guilt 30%", "joy tinged with guilt", "calm anger", "restrained despair",
    "anger hidden under a smile", "vad(-0.4, 0.7, 0.2)", "0s neutral; 1.5s surprise:0.8; 3s joy", "auto",
    "auto + joy:0.3",
)  # fmt: skip
OTHERS = (
    "anger behind a smile", "masking fear with joy", "hidden sadness", "anger hidden under joy (leak 30%)", "sad smile",
    "a smile hiding deep anger, leak 0.4", "very calm anger", "1.5: surprise", "00:01.500 surprise", "70% joy",
    "auto:0.5; 0s joy; 2s anger", "joy+.3 fear", "a sense of dread", "matter-of-fact", "Joyfully, but nervous",
    "a very angry look, with a hint of guilt", "fear barely hidden under a smile", "(joy + fear):0.5", "1:00:00 joy",
    "0s hidden joy; 2s calm;", "(masking fear with joy) + anger 20%",
    "state(joy=0.6, fear=0.4, valence=-0.25, intensity=1e-3, hidden anger=0.5, leak=0.1)",
)  # fmt: skip


@pytest.mark.parametrize("text", [*DOCUMENTED, *OTHERS])
def test_every_documented_line_reads_and_prints_back(text):
    plan = describe(text)
    assert same_plan(describe(written(plan)), plan)
    for key in plan.keys:
        emotion = key.emotion
        assert abs(emotion.mix.sum() - 1.0) < 1e-5 and (emotion.mix >= 0).all()
        assert (np.abs(emotion.vad) <= 1).all() and 0 <= emotion.intensity <= 1 and 0 <= emotion.leak <= 1
        assert 0 <= emotion.covert.sum() <= 1.0001


def test_the_comparison_of_plans_sees_differences():
    assert not same_plan(describe("joy"), describe("joy:0.99"))
    assert not same_plan(describe("joy"), describe("0.1s joy"))
    assert not same_plan(describe("auto"), describe("neutral"))
    assert not same_plan(describe("anger under joy"), describe("anger under joy, leak 0.3"))


def test_an_amount_sets_the_intensity():
    assert only("joy").intensity == 1.0
    assert only("joy:0.7").intensity == only("joy 70%").intensity == only("70% joy").intensity == 0.7
    np.testing.assert_allclose(only("joy:0.5").vad, 0.5 * PROTOTYPE_VAD[1], atol=1e-6)


def test_a_partition_keeps_its_shares():
    emotion = only("joy 70% + anger 30%")
    assert abs(share(emotion, "joy") - 0.7) < 1e-6 and abs(share(emotion, "anger") - 0.3) < 1e-6
    assert emotion.intensity == 1.0
    assert np.array_equal(only("joy 70% + anger").mix, emotion.mix), "an amount that is left out takes the rest"
    assert share(only("joy and anger"), "joy") == 0.5


def test_a_tinge_is_smaller_than_an_equal():
    tinges = [share(only(f"joy {link} anger"), "anger") for link in ("with a hint of", "tinged with", "with", "and")]
    assert tinges == sorted(tinges) and tinges[0] > 0.1 and tinges[-1] == 0.5


def test_manners_change_what_they_say():
    anger = only("anger")
    assert only("calm anger").vad[1] < anger.vad[1] - 0.3
    assert only("cold anger").vad[2] > anger.vad[2] and share(only("cold anger"), "contempt") > 0.1
    assert only("slightly angry").intensity == pytest.approx(0.4)
    assert only("very irritated").intensity > only("irritated").intensity
    restrained = only("restrained despair")
    assert restrained.intensity < only("despair").intensity and hidden(restrained, "sadness") > 0.2
    assert only("suppressed anger").intensity < only("restrained anger").intensity
    assert hidden(only("barely suppressed anger"), "anger") < hidden(only("deeply suppressed anger"), "anger")
    assert only("forced smile").vad[0] < only("smile").vad[0]


@pytest.mark.parametrize(
    "text",
    ["anger hidden under joy", "anger behind joy", "joy, but hiding anger", "masking anger with joy", "joy over anger"],
)
def test_hiding_shows_one_emotion_and_keeps_the_other(text):
    emotion = only(text)
    assert share(emotion, "joy") == 1.0 and hidden(emotion, "anger") == 1.0 and emotion.leak == 0.25


def test_the_leak_can_be_said():
    for text in ("anger under joy (leak 30%)", "anger under joy, leak 0.3", "anger under joy leak:30%"):
        assert only(text).leak == pytest.approx(0.3)
    assert only("fear barely hidden under joy").leak > only("fear well hidden under joy").leak


def test_a_hidden_emotion_alone_leaves_the_face_neutral():
    emotion = only("hidden sadness")
    assert emotion.intensity == 0.0 and share(emotion, "neutral") == 1.0 and hidden(emotion, "sadness") == 1.0


def test_keys_stand_at_their_times():
    plan = describe("0s neutral; 1.5s surprise:0.8; 3s joy")
    assert [key.time_secs for key in plan.keys] == [0.0, 1.5, 3.0]
    assert [key.emotion.intensity for key in plan.keys] == [0.0, 0.8, 1.0]
    clock = describe("00:01.500 joy; 1:02 fear; 1:00:00.25: anger")
    assert [key.time_secs for key in clock.keys] == [1.5, 62.0, 3600.25]
    assert [key.time_secs for key in describe("0 joy; 250ms fear; at 2 sec anger; 1min calm").keys] == [0, 0.25, 2, 60]
    assert [key.time_secs for key in describe("joy; 2s fear").keys] == [0.0, 2.0]


def test_auto_shares_with_what_is_written():
    assert describe("auto").auto == 1.0
    plan = describe("auto + joy:0.3")
    assert plan.auto == pytest.approx(0.7) and (1 - plan.auto) * plan.keys[0].emotion.intensity == pytest.approx(0.3)
    assert describe("auto:0.4").auto == 0.4
    keyed = describe("auto:0.25; 0s joy; 2s fear")
    assert keyed.auto == 0.25 and len(keyed.keys) == 2


def test_vad_points_at_the_nearest_emotions():
    for name, point in zip(EMOTIONS[1:], PROTOTYPE_VAD[1:], strict=True):
        mix, intensity = mix_from_vad(point)
        assert EMOTIONS[int(mix.argmax())] == name
        assert intensity > 0.7
        assert mix_from_vad(0.3 * point)[1] == pytest.approx(0.3 * intensity, rel=0.35)
    neutral, nothing = mix_from_vad(np.zeros(3))
    assert neutral[0] == 1.0 and nothing == 0.0
    np.testing.assert_allclose(only("vad(-0.4, 0.7, 0.2)").vad, [-0.4, 0.7, 0.2], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("joj", "'joj' at character 1; the nearest known words are joy"),
        ("joy tinged with gilt", "'gilt' at character 17; the nearest known words are guilt"),
        ("joy 130%", "'130' at character 5"),
        ("joy:1.2", "from 0 to 1"),
        ("2s joy; 1s fear", "must come later"),
        ("1s joy; 1s fear", "must come later"),
        ("joy; fear", "needs a time"),
        ("joy;;2s fear", "before the semicolon at character 5"),
        ("0.7 joy", "0.7s for a time"),
        ("not angry", "negates"),
        ("very", "an emotion is expected"),
        ("suppressed", "needs an emotion after it"),
        ("joy +", "The end of the emotion"),
        ("joy - fear", "Unexpected '-' at character 5"),
        ("-1s joy", "Unexpected '-' at character 1"),
        ("joy & $", "Unexpected '$' at character 7"),
        ("(joy", ") is expected"),
        ("joy)", "cannot be read here"),
        ("(" * 40 + "joy", "nested parentheses"),
        ("vad(2, 0, 0)", "runs from -1 to 1"),
        ("vad(0, 0)", ", is expected"),
        ("joy (leak 30%)", "needs a hidden emotion"),
        ("anger under joy (leak 3)", "from 0 to 1"),
        ("auto hidden under joy", "auto can only be joined"),
        ("calm auto", "auto takes no adjective"),
        ("0s joy; 2s auto", "cannot be a key"),
        ("state(joy=0.5)", "do not sum to 1"),
        ("state(joy=1, joy=1)", "cannot be read inside state"),
        ("1:75 joy", "stay below 60"),
        ("400000s joy", "from 0 to 360000"),
        ("x" * 100_001, "at most 100000 characters"),
        (";".join(f"{i}s joy" for i in range(5001)), "at most 5000 keys"),
    ],
)
def test_errors_say_where_and_what(text, holds):
    with pytest.raises(EmotionError) as caught:
        describe(text)
    message = str(caught.value)
    assert holds in message and "\n" not in message and len(message) < 300


def test_every_error_without_a_word_for_emotions_is_one_sentence():
    with pytest.raises(EmotionError, match="known words") as caught:
        describe("y" * 1500)
    assert len(str(caught.value)) < 300


PIECES = st.sampled_from(
    [
        *(word.word for word in load_lexicon().words),
        *AMOUNTS, *MANNERS, *JOINERS, "hidden under", "masking", "with", "hiding", "leak", "auto",
        "vad(", "state(", "(", ")", ",", ";", ":", "%", "=", "0.5", "70%", ":0.3", "1.5s", "00:02.5", "-0.4", "1e400",
        "at", "ı", "²", "ǅ", "", "\x00", "٣", "é", "the",
    ]
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60), st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES, max_size=8).map("".join)
    )
)
def test_any_text_gives_a_plan_that_prints_back_or_an_emotion_error(text):
    try:
        plan = describe(text)
    except EmotionError:
        return
    assert same_plan(describe(written(plan)), plan)


@st.composite
def emotions(draw) -> Emotion:
    weights = np.array(draw(st.lists(st.floats(0, 1), min_size=8, max_size=8)))
    weights[draw(st.integers(0, 7))] += 0.1
    veiled = np.array([0.0, *draw(st.lists(st.floats(0, 1), min_size=7, max_size=7))])
    veiled = veiled / max(1.0, veiled.sum()) if draw(st.booleans()) else np.zeros(8)
    six = st.floats(0, 1).map(lambda x: round(x, 6))
    return Emotion(
        mix=(weights / weights.sum()).astype(np.float32),
        vad=np.array(draw(st.lists(st.floats(-1, 1), min_size=3, max_size=3)), np.float32),
        intensity=draw(six),
        covert=veiled.astype(np.float32),
        leak=draw(six),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 3e5).map(lambda t: round(t, 6)), emotions()),
        min_size=1,
        max_size=4,
        unique_by=lambda pair: pair[0],
    ),
    st.sampled_from([0.0, 0.25, 1.0]),
)
def test_any_plan_survives_printing(pairs, auto):
    pairs = sorted(pairs, key=lambda pair: pair[0])
    plan = EmotionPlan(keys=tuple(EmotionKey(time_secs=t, emotion=e) for t, e in pairs), auto=auto)
    assert same_plan(describe(written(plan)), plan)


def test_the_lexicon_is_rich_sound_and_unambiguous():
    words = load_lexicon().words
    assert len(words) >= 170 and len({word.word for word in words}) == len(words)
    for word in words:
        assert abs(word.mix.sum() - 1) < 1e-9 and (word.mix >= 0).all() and 0 <= word.intensity <= 1
        assert (np.abs(word.vad) <= 1).all() and (
            word.source == "choice" or word.source.startswith(("RM77 ", "origin"))
        )
        assert describe(word.word).keys[0].emotion.intensity == pytest.approx(word.intensity)
    social_words = """
        guilt shame pride envy jealousy embarrassment contempt gratitude love longing nostalgia awe relief boredom
        curiosity determination concentration confusion pain tired drunk flirtatious smug sarcastic hopeful despair
        grief melancholy bitterness resentment fury irritation panic anxiety dread horror amusement delight ecstasy
        serenity
    """
    for social in social_words.split():
        assert find_word(social) is not None, social


def test_every_form_in_the_lexicon_can_be_described():
    for form in load_lexicon().by_form:
        describe(form)


def test_forms_that_are_not_listed_are_found_by_their_ending():
    for form, word in (("happiest", "joy"), ("furiously", "fury"), ("griefs", "grief"), ("wistfulness", "longing")):
        found = find_word(form)
        assert found is not None and found.word == word


def test_the_nearest_words_mend_typing_errors():
    for typed, meant in (
        ("hapiness", "happiness"),
        ("angr", "anger"),
        ("melancoly", "melancholy"),
        ("suprise", "surprise"),
    ):
        meanings = [find_word(word) for word in nearest_words(typed)]
        assert find_word(meant) in meanings


@pytest.mark.parametrize("text", ["hurt, then cold", "hurt; then cold", "hurt then cold", "hurt and then, cold"])
def test_feelings_in_turn_share_the_speech(text):
    plan = describe(text)
    assert plan.turns == ("hurt", "cold") and plan.text == text
    with pytest.raises(ValueError, match="in_turn"):
        track(plan, times=np.zeros(1), fps=1.0)
    laid = in_turn(plan, duration_secs=4.0)
    assert [key.time_secs for key in laid.keys] == [0.0, 1.75, 2.25]
    assert laid.text == "0s hurt; 1.75s hurt; 2.25s cold" and same_plan(describe(laid.text), laid)
    assert in_turn(laid, duration_secs=9.0) is laid
    thirds = in_turn(describe("joy then fear then calm"), duration_secs=6.0)
    assert [key.time_secs for key in thirds.keys] == [0.0, 1.75, 2.25, 3.75, 4.25]


def test_a_change_of_feeling_falls_into_a_pause_that_is_near():
    plan = describe("hurt, then cold")
    silence = (Pause(0.0, 1.0), Pause(5.0, 6.0))  # Nobody speaks yet, or any more.
    assert in_turn(plan, duration_secs=6.0, pauses=silence).keys[1].time_secs == pytest.approx(2.75)
    assert in_turn(plan, duration_secs=4.0, pauses=(Pause(1.4, 1.6),)).keys[1].time_secs == pytest.approx(1.25)
    far, short = (Pause(0.4, 0.6),), (Pause(1.45, 1.55),)
    for pauses in (far, short):
        assert in_turn(plan, duration_secs=4.0, pauses=pauses).keys[1].time_secs == pytest.approx(1.75)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(2, 20), duration=st.floats(0.3, 4000.0), intensity=st.floats(0.05, 1.0),
    edges=st.lists(st.floats(0.0, 4000.0), max_size=8),
)  # fmt: skip
def test_any_speech_can_be_shared_and_the_text_says_the_same(count, duration, intensity, edges):
    plan = at_intensity(describe(" then ".join(["joy", *["calm anger"] * (count - 1)])), round(intensity, 2))
    pauses = [Pause(a, b) for a, b in zip(sorted(edges), sorted(edges)[1:], strict=False) if b <= duration]
    laid = in_turn(plan, duration_secs=duration, pauses=pauses)
    again = describe(laid.text)
    assert [key.time_secs for key in again.keys] == [key.time_secs for key in laid.keys]
    for told, meant in zip(again.keys, laid.keys, strict=True):
        assert told.emotion.intensity == pytest.approx(meant.emotion.intensity, abs=1e-6)
        np.testing.assert_allclose(told.emotion.vad, meant.emotion.vad, atol=1e-6)
    assert laid.keys[-1].time_secs < duration


@pytest.mark.parametrize(
    ("text", "story"),
    [
        ("then joy", "There is no emotion before 'then' at character 1"),
        ("joy, then", "There is no emotion after 'then' at character 4"),
        ("auto then joy", "auto at character 1 cannot be a key"),
        ("joy; fear", "needs a time before it, for example 1.5s, or 'then'"),
        ("0s joy, then fear", "'fear' at character 14 needs a time before it"),
        ("joy, then fear, then 3s anger", "give all of them times, or none"),
        ("joy then feaar", "Unknown emotion 'feaar' at character 10"),
        (" then ".join(["joy"] * 21), "at most 20"),
    ],
)
def test_mistakes_in_turns_are_sentences(text, story):
    with pytest.raises(EmotionError, match=re.escape(story)):
        describe(text)
