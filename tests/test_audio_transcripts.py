"""Transcripts: numbers, names, subtitles and signs become words; what cannot be said is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.audio.letter_sounds import pronounce
from face_emote.audio.spoken_numbers import cardinal, ordinal, spell_numbers
from face_emote.audio.stress import word_stress
from face_emote.audio.transcripts import parse_transcript, read_transcript, words_of
from face_emote.core.errors import AlignmentError
from face_emote.core.names import BILABIALS, LABIODENTALS, PHONES


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "zero"),
        ("21", "twenty one"),
        ("100", "one hundred"),
        ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven"),
        ("in 1984", "in nineteen eighty four"),
        ("1906", "nineteen oh six"),
        ("2024", "twenty twenty four"),
        ("2005", "two thousand five"),
        ("3.14", "three point one four"),
        ("1st 2nd 3rd 20th 21st", "first second third twentieth twenty first"),
        ("$5.50", "five dollars fifty cents"),
        ("£1", "one pound"),
        ("50%", "fifty percent"),
        ("10:30", "ten thirty"),
        ("9:05", "nine oh five"),
        ("007", "zero zero seven"),
        ("the 1990s", "the nineteen nineties"),
    ],
)
def test_numbers_are_said_as_people_say_them(written: str, said: str):
    assert spell_numbers(written).split() == said.split()


@given(st.integers(0, 10**18))
def test_every_number_becomes_words_without_figures(number: int):
    for said in (cardinal(number), ordinal(number)):
        assert said and said.replace(" ", "").isalpha()


def test_words_are_bare_lower_case_and_apostrophes_stay_inside():
    text = (
        "“Mr. O’Brien,” she said -- 'twas well-known [laughs] at the café; he’s <i>gone</i> & lost… the U.S. and NASA"
    )
    assert " ".join(words_of(text)) == (
        "mister o'brien she said twas well known at the cafe he's gone and lost the u s and NASA"
    )


@given(st.text(max_size=200))
def test_any_text_gives_clean_words_or_a_clear_error(text: str):
    try:
        cues = parse_transcript(text)
    except AlignmentError:
        return
    for cue in cues:
        assert cue.words
        for word in cue.words:
            assert word.replace("'", "").isalpha() and word.isascii()
            assert set(pronounce(word)) <= set(PHONES) - {"SIL"} and pronounce(word)


def test_subtitles_of_both_kinds_give_the_same_cues():
    srt = (
        "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i> there.\r\n\r\n2\r\n00:01:03,000 --> 00:01:04,500\r\nBye\r\n"
    )
    vtt = (
        "WEBVTT\n\nNOTE no words\n\nintro\n00:01.000 --> 00:02.500 align:start\nHello there.\n\n"
        "01:03.000 --> 01:04.500\nBye\n"
    )
    for text in (srt, vtt):
        first, second = parse_transcript(text)
        assert (first.words, first.start_secs, first.end_secs) == (("hello", "there"), 1.0, 2.5)
        assert (second.words, second.start_secs, second.end_secs) == (("bye",), 63.0, 64.5)


@pytest.mark.parametrize("text", ["", "  \n ", "[music]", "... -- !", "WEBVTT\n\n00:01.000 --> 00:02.000\n♪♪\n"])
def test_a_transcript_without_words_is_refused(text: str):
    with pytest.raises(AlignmentError, match="no words"):
        parse_transcript(text)


def test_other_scripts_are_refused_by_name():
    with pytest.raises(AlignmentError, match="'привет' is not in Latin letters"):
        parse_transcript("well привет then")


def test_a_subtitle_that_ends_before_it_starts_is_refused():
    with pytest.raises(AlignmentError, match="ends before it starts"):
        parse_transcript("1\n00:00:05,000 --> 00:00:02,500\nHello\n")


def test_transcripts_come_from_strings_and_files(tmp_path: Path):
    path = tmp_path / "line.txt"
    path.write_text("\ufeffHello there", "utf-8")
    assert read_transcript(path) == read_transcript(str(path)) == read_transcript("Hello there")
    with pytest.raises(AlignmentError, match="no such transcript"):
        read_transcript("missing.srt")
    path.write_bytes(b"caf\xe9")
    with pytest.raises(AlignmentError, match="not UTF-8"):
        read_transcript(path)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("grimble", "G R IH M B AH L"),
        ("phabbo", "F AE B OW"),
        ("knivette", "N IH V EH T"),
        ("BBC", "B IY B IY S IY"),
        ("brntz", "B IY AA R EH N T IY Z IY"),
        ("plate", "P L EY T"),
    ],
)
def test_unknown_words_are_pronounced_by_rule(word: str, phones: str):
    assert " ".join(pronounce(word)) == phones


def test_the_rules_keep_the_lip_closures_of_the_dictionary():
    pocketsphinx = pytest.importorskip("pocketsphinx")
    lines = (Path(pocketsphinx.__file__).parent / "model" / "en-us" / "cmudict-en-us.dict").read_text().splitlines()
    entries = [line.split() for line in lines[::67]]
    entries = [(word, phones) for word, *phones in entries if word.isalpha()]
    lips = BILABIALS | LABIODENTALS
    same = [[p for p in phones if p in lips] == [p for p in pronounce(word) if p in lips] for word, phones in entries]
    assert len(same) > 1_500 and sum(same) / len(same) > 0.98


@pytest.mark.parametrize(
    ("word", "phones", "stress"),
    [
        ("amiable", "EY M IY AH B AH L", "1000000"),
        ("about", "AH B AW T", "0010"),
        ("nation", "N EY SH AH N", "01000"),
        ("economic", "EH K AH N AA M IH K", "20001000"),
        ("the", "DH AH", "00"),
        ("psst", "P S T", "000"),
    ],
)
def test_stress_falls_where_it_is_heard(word: str, phones: str, stress: str):
    assert "".join(map(str, word_stress(word, phones.split()))) == stress[: len(phones.split())]
