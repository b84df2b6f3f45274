"""`face-emote perceive` and `fe.perceive`: files that say what is felt, from one sense or several."""

import csv
import json

import numpy as np
import pytest

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.core.assets import ASSETS
from face_emote.core.errors import FaceEmoteError, OptionError
from face_emote.core.names import EMOTIONS
from face_emote.emotion.grammar import describe
from face_emote.perception.evidence import SENSES
from face_emote.perception.tokens import (
    NUM_FEELINGS,
    NUM_MANNERS,
    Tokens,
    codebooks,
    feelings_of,
    plan_of_tokens,
    read_tokens,
    tokens_of,
    write_tokens,
)
from face_emote.perception.words import FINE_WORDS
from face_emote.verbs.perceive import perceived, write_perceived

LINE = ASSETS / "speech" / "dashwood_1.wav"


@pytest.fixture(scope="module")
def found():
    return perceived(LINE, text=LINE.with_suffix(".txt"))


def test_the_json_is_what_the_page_says(found, tmp_path):
    write_perceived(found, tmp_path / "feelings.json")
    table = json.loads((tmp_path / "feelings.json").read_text())
    assert list(table) == ["duration_secs", "emotion", "overall", "gates", "bursts", "frames"]
    assert list(table["overall"]) == ["mix", "vad", "vad_sd", "words", "hidden"]
    assert tuple(table["overall"]["mix"]) == EMOTIONS and tuple(table["gates"]) == SENSES
    assert sum(table["overall"]["mix"].values()) == pytest.approx(1.0, abs=0.01)
    frames = table["frames"]
    count = int(np.ceil(12.5 * table["duration_secs"] - 1e-6))
    assert frames["fps"] == 12.5 and len(frames["vad"]) == len(frames["mix"]["joy"]) == count
    assert set(frames["words"]) == set(FINE_WORDS) and set(table["overall"]["words"]) <= set(FINE_WORDS)
    assert describe(table["emotion"]).auto == 0.0


def test_the_table_has_a_row_every_80_ms(found, tmp_path):
    write_perceived(found, tmp_path / "feelings.csv")
    with (tmp_path / "feelings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.reading.frames.vad) and rows[1]["secs"] == "0.08"
    assert sum(float(rows[20][name]) for name in EMOTIONS) == pytest.approx(1.0, abs=0.01)
    assert {"valence", "arousal_sd", "text", "hidden_contempt", "word_grief"} <= set(rows[0])


def test_the_chart_is_a_picture(found, tmp_path):
    write_perceived(found, tmp_path / "feelings.png")
    assert (tmp_path / "feelings.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_words_are_felt_while_they_are_said():
    analysed = perceived(LINE, text=LINE.with_suffix(".txt")).analysis
    assert analysed is not None and len(analysed.words) > 10
    starts = [word.start_secs for word in analysed.words]
    assert starts == sorted(starts) and analysed.words[-1].end_secs <= analysed.duration_secs + 1e-6
    assert analysed.text.strip() == LINE.with_suffix(".txt").read_text().strip()


def test_words_alone_are_read_in_any_language():
    lines = ("I'm so sorry for your loss.", "Ich freue mich so sehr!")
    sorry, happy = (fe.perceive(text=line).overall for line in lines)
    assert sorry.mix[0].argmax() == EMOTIONS.index("sadness") and sorry.gates[0].tolist() == [0.0, 1.0, 0.0]
    assert happy.mix[0].argmax() == EMOTIONS.index("joy")


def test_words_that_cannot_be_aligned_are_felt_throughout():
    found = perceived(example_speech()[0].path, text="Мне так грустно сегодня.")
    assert found.analysis is not None and not found.analysis.words
    gates = found.reading.frames.gates[:, SENSES.index("text")]
    assert (gates > 0.0).mean() > 0.9


def test_what_a_line_means_changes_the_face_that_auto_plays():
    voice = fe.perceive(LINE)
    both = fe.perceive(LINE, text="I am so happy! This is wonderful, thank you, I love it!")
    joy = EMOTIONS.index("joy")
    assert both.overall.mix[0, joy] > voice.overall.mix[0, joy] + 0.1


@pytest.mark.parametrize(
    ("given", "message"),
    [({}, "nothing to read"), ({"speech": LINE.with_name("missing.wav")}, "missing.wav")],
)
def test_what_cannot_be_read_is_said(given, message):
    with pytest.raises(FaceEmoteError, match=message):
        fe.perceive(**given)


def test_another_ending_is_refused_before_anything_is_heard(found, tmp_path):
    with pytest.raises(OptionError, match=r"\.json, \.csv, \.png"):
        write_perceived(found, tmp_path / "feelings.xlsx")


def test_tokens_are_what_was_written(tmp_path):
    rng = np.random.default_rng(0)
    for count in (1, 2, 125):
        feeling, manner = rng.integers(0, NUM_FEELINGS, count), rng.integers(0, NUM_MANNERS, count)
        write_tokens(Tokens(feeling, manner, 181.5, -23.25), tmp_path / "line.tokens")
        again = read_tokens(tmp_path / "line.tokens")
        assert np.array_equal(again.feeling, feeling) and np.array_equal(again.manner, manner)
        assert (again.pitch_hz, again.level_db) == (181.5, -23.25)


def test_a_line_in_tokens_is_fifty_times_smaller_than_its_sound(found, tmp_path):
    write_perceived(found, tmp_path / "line.tokens")
    size = (tmp_path / "line.tokens").stat().st_size
    assert 50 * size < LINE.stat().st_size and size <= 20 + 20 * found.reading.duration_secs


def test_a_face_from_tokens_feels_what_was_read(found):
    assert found.analysis is not None
    tokens = tokens_of(found.reading, found.analysis.prosody)
    felt, again = feelings_of(found.reading.frames), codebooks()[0][tokens.feeling]
    assert (felt[:, :8].argmax(axis=1) == again[:, :8].argmax(axis=1)).mean() > 0.9
    assert np.abs(felt - again).mean() < 0.06
    assert plan_of_tokens(tokens).auto == 0.0


def test_tokens_need_a_voice(tmp_path):
    with pytest.raises(OptionError, match="there is no recording"):
        write_perceived(perceived(None, text="I am so happy!"), tmp_path / "line.tokens")


def test_performances_of_feelings_are_seen():
    for name in ("joy", "sadness", "anger", "surprise", "fear"):
        motion = fe.animate(LINE, emotion=f"{name}:0.8", fps=25.0, animator="rules")
        seen = fe.perceive(motion=motion)
        assert EMOTIONS[int(seen.overall.mix[0].argmax())] == name
        assert seen.overall.gates[0].tolist() == [0.0, 0.0, 1.0]


def test_a_face_is_read_at_any_rate_and_in_blocks():
    motion = fe.animate(LINE, emotion="joy:0.8", fps=30.0, animator="rules")
    whole = fe.perceive(motion=motion).frames.mix
    slow = fe.perceive(motion=fe.animate(LINE, emotion="joy:0.8", fps=8.0, animator="rules")).frames.mix
    assert len(whole) == round(motion.num_frames / 30 * 12.5)
    assert abs(whole[10:-10, 1].mean() - slow[10:-10, 1].mean()) < 0.2
