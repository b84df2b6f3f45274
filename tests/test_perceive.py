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
