"""What the lips say of a text: the right words in the right order; what nobody says is left out, and named."""

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.audio.pronunciation import pronunciations
from face_emote.audio.spoken_numbers import cardinal, ordinal, spell_numbers
from face_emote.audio.spoken_words import said_of, words_of
from face_emote.core.names import PHONES

NUMBERS = {
    "0": "zero",
    "21": "twenty one",
    "100": "one hundred",
    "1,234,567": "one million two hundred thirty four thousand five hundred sixty seven",
    "3.14": "three point one four",
    "1,5": "one point five",
    "0,125": "zero point one two five",
    ".5": "point five",
    "10,000": "ten thousand",
    "10 000": "ten thousand",
    "10\u00a0000 people": "ten thousand people",
    "1\u202f000\u202f000": "one million",
    "1.234,5": "one thousand two hundred thirty four point five",
    "1.000.000": "one million",
    "1,2,3": "one two three",
    "1.2.3": "one point two point three",
    "in 2010 300 people": "in twenty ten three hundred people",
    "-5": "minus five",
    "it is −40 outside": "it is minus forty outside",
    "covid-19": "covid nineteen",
    "10–20 people": "ten to twenty people",
    "12345678901234567": "one two three four five six seven eight nine zero one two three four five six seven",
    "５０％": "fifty percent",
}
YEARS_RANKS_TIMES = {
    "in 1984": "in nineteen eighty four",
    "1906": "nineteen oh six",
    "1900": "nineteen hundred",
    "2000": "two thousand",
    "2024": "twenty twenty four",
    "2005": "two thousand five",
    "the 1990s": "the nineteen nineties",
    "the '90s": "the nineties",
    "1980's": "nineteen eighties",
    "1st 2nd 3rd 20th 21st": "first second third twentieth twenty first",
    "the 1,000th": "the one thousandth",
    "3ʳᵈ": "third",
    "#1": "number one",
    "No. 5": "number five",
    "the no. 1 song": "the number one song",
    "№ 7": "number seven",
    "3:30": "three thirty",
    "10:30": "ten thirty",
    "9:05": "nine oh five",
    "12:00": "twelve",
    "3:30pm": "three thirty p m",
    "at 5 a.m. sharp": "at five a m sharp",
    "1:23:45": "one twenty three forty five",
    "16:9": "sixteen nine",
    "24/7": "twenty four seven",
}
DIGITS = {
    "007": "zero zero seven",
    "555-1234": "five five five one two three four",
    "(555) 123-4567": "five five five one two three four five six seven",
    "1-800-555-0199": "one eight zero zero five five five zero one nine nine",
    "0171 123 4567": "zero one seven one one two three four five six seven",
    "+44 20 7946 0958": "plus four four two zero seven nine four six zero nine five eight",
}
MONEY = {
    "$5.50": "five dollars fifty cents",
    "$5.00": "five dollars",
    "$0.50": "fifty cents",
    "$.99": "ninety nine cents",
    "£1": "one pound",
    "£1.01": "one pound one penny",
    "£2.02": "two pounds two pence",
    "$5 million": "five million dollars",
    "a $5-million deal": "a five million dollars deal",
    "£1.5m": "one point five million pounds",
    "$2bn": "two billion dollars",
    "$3k": "three thousand dollars",
    "5 €": "five euros",
    "1 €": "one euro",
    "10 000 €": "ten thousand euros",
    "1.234,56 €": "one thousand two hundred thirty four euros fifty six cents",
    "-$5": "minus five dollars",
    "$-5": "minus five dollars",
    "¥500": "five hundred yen",
    "50¢": "fifty cents",
    "$1500": "one thousand five hundred dollars",
    "five $10 bills": "five ten dollars bills",
}
PARTS_AND_UNITS = {
    "½": "one half",
    "3½": "three and a half",
    "3 ½": "three and a half",
    "3 1/2 cups": "three and a half cups",
    "¾": "three quarters",
    "⅔ of it": "two thirds of it",
    "2⅛": "two and an eighth",
    "3½ million": "three and a half million",
    "50%": "fifty percent",
    "5,5 %": "five point five percent",
    "5kg": "five kilograms",
    "1 kg": "one kilogram",
    "80 km/h": "eighty kilometers per hour",
    "1 mph": "one mile per hour",
    "20 m": "twenty meters",
    "10 m²": "ten square meters",
    "x²": "x squared",
    "6 ft": "six feet",
    "20°C": "twenty degrees celsius",
    "90°": "ninety degrees",
    "1500kg": "one thousand five hundred kilograms",
    "10k": "ten k",
    "MP3": "MP three",
}
SIGNS = {
    "salt & pepper": "salt and pepper",
    "AT&amp;T": "AT and t",
    "me@home.com": "me at home dot com",
    "2 + 2 = 4": "two plus two equals four",
    "3×4": "three times four",
    "the U.S. and NASA": "the u s and NASA",
    "Mr. and Mrs. Smith, etc.": "mister and missus smith et cetera",
    "Hello.World": "hello world",
    "Brand™ name": "brand name",
    "word(s) to (re)bind, f(x)": "words to rebind f x",
    "hello😀world": "hello world",
}
LETTERS = {
    "Łódź": "lodz",
    "Çelik and Þór": "celik and thor",
    "Nguyễn Đặng": "nguyen dang",
    "Straße, Ærø, Øre": "strasse aero ore",
    "İstanbul": "istanbul",
    "well Привет then": "well privet then",
    "Αθήνα": "athina",
    "你好 there": "nihao there",
    "don\u02bct don\u2019t don\u2018t don\uff07t": "don't don't don't don't",
    "Hawai\u02bbi": "hawai'i",
    "soft\u00adhyphen, zero\u200bwidth, \ufeffmark": "softhyphen zerowidth mark",
    "ｆｕｌｌ ｗｉｄｔｈ": "full width",
    "ﬁne ﬂow": "fine flow",
    "cafe\u0301": "cafe",
    "“Mr. O’Brien,” she said -- 'twas well-known": "mister o'brien she said twas well known",
}
DIRECTIONS = {
    "(sighs) I know.": ("i know", ["(sighs)"]),
    "[door slams] Who's there?": ("who's there", ["[door slams]"]),
    "(door\nslams) Who's there?": ("who's there", ["(door slams)"]),
    "(He sighs (loudly).) No.": ("no", ["(loudly)", "(He sighs .)"]),
    "Well, *laughs* I don't know": ("well i don't know", ["*laughs*"]),
    "*clears throat* Hello": ("hello", ["*clears throat*"]),
    "*in a low voice* Hello": ("hello", ["*in a low voice*"]),
    "*sigh* No": ("no", ["*sigh*"]),
    "I know (sighs) you": ("i know you", ["(sighs)"]),
    "and then (the door slams) he left": ("and then he left", ["(the door slams)"]),
    "I said (quietly) no. (beat) Yes!": ("i said no yes", ["(quietly)", "(beat)"]),
    "Yes (to John), and no (O.S.)": ("yes and no", ["(to John)", "(O.S.)"]),
    "NARRATOR: Once upon a time": ("once upon a time", ["NARRATOR:"]),
    "(sighs) NARRATOR: It cost five": ("it cost five", ["NARRATOR:", "(sighs)"]),
    "[door slams] John: hi there": ("hi there", ["[door slams] John:"]),
    "He said (quietly) NO: stop": ("he said NO stop", ["(quietly)"]),
    "JOHN (V.O.): Hello there.": ("hello there", ["JOHN (V.O.):"]),
    "JOHN (V.O.)\nHello there.": ("hello there", ["JOHN (V.O.)"]),
    "John: Hi.\nDr. Smith: Hello.": ("hi hello", ["John:", "Dr. Smith:"]),
    "MAN #2: Hi.\nSpeaker 1: Hello.": ("hi hello", ["MAN #2:", "Speaker 1:"]),
    ">> JOHN: Hi.\n- Anna: Hello.": ("hi hello", [">> JOHN:", "- Anna:"]),
    "Hello. JOHN: Hi.": ("hello hi", ["JOHN:"]),
    "JOHN: (softly) Hi.": ("hi", ["JOHN:", "(softly)"]),
    "INT. HOUSE - DAY\nHi.\nCUT TO:": ("hi", ["INT. HOUSE - DAY", "CUT TO:"]),
    "♪ upbeat music playing ♪ Hi": ("hi", ["♪ upbeat music playing ♪"]),
    "Q: Why?\nA: Because.": ("why because", ["Q:", "A:"]),
}
SAID_ALL_THE_SAME = {
    "I *really* mean it": "i really mean it",
    "a **bold** move": "a bold move",
    "she said *softly* yes": "she said softly yes",
    "It was (and I mean it) good": "it was and i mean it good",
    "♪ la la la ♪": "la la la",
    "a sequence (such as a list) is fine": "a sequence such as a list is fine",
    "rights (including renewals) of (a) you": "rights including renewals of a you",
    "a well-known function: print": "a well known function print",
    "All of them: go": "all of them go",
    "He said: go": "he said go",
    "Remember: be kind": "remember be kind",
    "What I mean: go": "what i mean go",
    "Chapter 1: The start": "chapter one the start",
    "He's <i>gone</i> &amp; <b>lost</b>": "he's gone and lost",
    "<v Roger>Hi<00:00:01.000><c> there</c></v>": "hi there",
    "{\\an8}Up here": "up here",
    "0:00\nhello\n0:05\nworld": "hello world",
    "-No. -Yes.": "no yes",
}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        *NUMBERS.items(), *YEARS_RANKS_TIMES.items(), *DIGITS.items(), *MONEY.items(), *PARTS_AND_UNITS.items(),
        *SIGNS.items(), *LETTERS.items(),
    ],
)  # fmt: skip
def test_what_is_written_is_said_as_people_say_it(written: str, said: str):
    assert " ".join(words_of(written)) == said


@pytest.mark.parametrize(("written", "said", "directions"), [(key, *value) for key, value in DIRECTIONS.items()])
def test_directions_are_not_said_and_named(written: str, said: str, directions: list[str]):
    found = said_of(written)
    assert " ".join(found.words) == said
    assert sorted(found.directions) == sorted(directions)


@pytest.mark.parametrize(("written", "said"), SAID_ALL_THE_SAME.items())
def test_what_only_looks_like_a_direction_is_said(written: str, said: str):
    found = said_of(written)
    assert " ".join(found.words) == said and found.directions == ()


def test_words_of_other_alphabets_are_read_where_they_can_be_and_named():
    found = said_of("Дмитрий met مرحبا and Łódź")
    assert found.words == ("dmitriy", "met", "and", "lodz")
    assert found.foreign == ("Дмитрий", "مرحبا") and found.unsaid == ("مرحبا",)


def test_without_anyascii_accents_are_taken_off(monkeypatch: pytest.MonkeyPatch):
    """In Blender's bundled engine."""
    monkeypatch.setitem(sys.modules, "anyascii", None)
    assert words_of("Łódź café Straße Ørsted") == ("lodz", "cafe", "strasse", "orsted")
    assert said_of("Дмитрий came").unsaid == ("Дмитрий",)


@given(st.integers(0, 10**18))
def test_every_number_becomes_words_without_figures(number: int):
    for said in (cardinal(number), ordinal(number), *spell_numbers(f"{number} ${number} {number}kg").split()):
        assert said and said.replace(" ", "").isalpha()


@given(st.text(max_size=200) | st.text(alphabet="0123456789.,:/-+ $€½⁄%°kmst#()*[]{}♪<>AJohn\n²'", max_size=60))
def test_any_text_gives_clean_words_that_can_be_pronounced(text: str):
    for word in words_of(text):
        assert word.replace("'", "").isalpha() and word.isascii()
        assert all(way and set(way) <= set(PHONES) - {"SIL"} for way in pronunciations(word))


HOSTILE = {
    "a long word": "a" * 10**5,
    "a long number": "7" * 10**5,
    "groups of figures": "123 " * 25_000 + "4567",
    "groups with commas": "123," * 25_000 + "4567",
    "points": "1." * 50_000,
    "letters and points": "a." * 50_000,
    "open brackets": "[" * 10**5,
    "open parentheses": "(" * 10**5,
    "open tags": "<a" * 50_000,
    "stars": "*a " * 33_000,
    "notes": "♪" * 10**5,
    "colons": "A:" * 50_000,
    "spaces": "a" + " " * 10**5 + "b",
    "lines of spaces": " \n" * 50_000,
    "dashes": "-" * 10**5,
    "accents": "a" + "\u0301" * 10**5,
    "apostrophes": "'" * 10**5,
    "telephones": "+1 " + "23 " * 30_000,
    "entities": "&amp" * 25_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hundred_thousand_signs_of_anything_are_read_in_seconds(name: str):
    start = time.process_time()
    said_of(HOSTILE[name])
    assert time.process_time() - start < 10.0
