"""Transcripts: files are read or named, subtitles become cues, what cannot be said is remarked or refused."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.audio.pronunciation import SPELT, pronunciations
from face_emote.audio.stress import word_stress
from face_emote.audio.transcripts import MAX_BYTES, parse_transcript, read_transcript
from face_emote.core.errors import AlignmentError, OptionError
from face_emote.core.names import BILABIALS, LABIODENTALS, PHONES

SRT = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i> there.\r\n\r\n2\r\n00:01:03,000 --> 00:01:04,500\r\nBye\r\n"
VTT = (
    "WEBVTT\n\nNOTE no words\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.500 align:start\n"
    "Hello there.\n\nthe end\n01:03.000 --> 01:04.500\nBye\n"
)
SBV = "0:00:01.000,0:00:02.500\nHello there.\n\n0:01:03.000,0:01:04.500\nBye\n"
ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not said\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\i1}Hello{\\i0}\\Nthere.\n"
    "Dialogue: 0,0:01:03.00,0:01:04.50,Default,,0,0,0,,Bye\n"
)
SUB = "{1}{1}10.0\n{10}{25}{y:i}Hello|there.\n{630}{645}Bye\n"
TTML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
    '<p begin="00:00:01.000" end="00:00:02.500"><span>Hello</span><br/>there.</p>'
    '<p begin="63s" end="64.5s">Bye</p></div></body></tt>'
)
KINDS = {"srt": SRT, "vtt": VTT, "sbv": SBV, "ass": ASS, "sub": SUB, "ttml": TTML}
ROLLING = {
    "a line of two": (
        "1\n00:00:00,000 --> 00:00:01,000\nhello there\n\n2\n00:00:01,000 --> 00:00:02,000\nhello there\nhow are you"
        "\n\n3\n00:00:02,000 --> 00:00:03,000\nhow are you\nfine\n\n4\n00:00:03,000 --> 00:00:04,000\nfine\n"
    ),
    "captions of a video": (
        "WEBVTT\nKind: captions\nLanguage: en\n\n00:00:00.000 --> 00:00:01.000 align:start position:0%\n \n"
        "hello<00:00:00.320><c> there</c>\n\n00:00:01.000 --> 00:00:01.010 align:start position:0%\nhello there\n \n\n"
        "00:00:01.010 --> 00:00:02.000 align:start position:0%\nhello there\nhow<00:00:01.320><c> are you</c>\n\n"
        "00:00:02.000 --> 00:00:02.010\nhow are you\n \n\n00:00:02.010 --> 00:00:04.000\nhow are you\nfine\n"
    ),
}


def said(text: str) -> str:
    return " ".join(word for cue in parse_transcript(text).cues for word in cue.words)


@pytest.mark.parametrize("kind", KINDS)
def test_subtitles_of_every_kind_give_the_same_cues(kind: str):
    first, second = parse_transcript(KINDS[kind]).cues
    assert (first.words, first.start_secs, first.end_secs) == (("hello", "there"), 1.0, 2.5)
    assert (second.words, second.start_secs, second.end_secs) == (("bye",), 63.0, 64.5)


def test_sloppy_subtitles_are_read():
    """No blank lines, no hours, short fractions, out of order, numbers that are said."""
    text = "1\n0:5,5 --> 0:6,25\nStyle\nis 7\n8\n2\n0:1.0 --> 0:2.0\nNote\nthis\n\n9\n"
    first, second = parse_transcript(text).cues
    assert (first.words, first.start_secs, first.end_secs) == (("note", "this", "nine"), 1.0, 2.0)
    assert second.words == ("style", "is", "seven", "eight") and (second.start_secs, second.end_secs) == (5.5, 6.25)


@pytest.mark.parametrize("name", ROLLING)
def test_captions_that_roll_are_spoken_once(name: str):
    assert said(ROLLING[name]) == "hello there how are you fine"


def test_what_is_said_twice_with_a_pause_is_spoken_twice():
    assert said("1\n00:00:00,000 --> 00:00:01,000\nNo.\n\n2\n00:00:01,400 --> 00:00:02,000\nNo.\n") == "no no"


def test_directions_in_subtitles_are_left_out_and_named_once():
    cue = "{n}\n00:00:0{n},000 --> 00:00:0{n},900\n- (sighs)\n- JOHN: ♪ Hello ♪\n\n"
    transcript = parse_transcript("".join(cue.format(n=n) for n in range(1, 4)))
    assert [found.words for found in transcript.cues] == [("hello",)] * 3
    (remark,) = transcript.remarks
    assert remark == "Nobody says these parts of the transcript, which are left out: '- JOHN:', '(sighs)'"


@pytest.mark.parametrize(
    "text", ["", "  \n ", "... -- !", "WEBVTT\n\n00:01.000 --> 00:02.000\n♪♪\n", "[Script Info]\n"]
)
def test_a_transcript_without_words_is_refused(text: str):
    with pytest.raises(AlignmentError, match="holds no words; write what is said"):
        parse_transcript(text)


def test_a_transcript_of_directions_alone_is_refused_with_what_they_are():
    with pytest.raises(AlignmentError, match=r"no words \(Nobody says .*'\[music\]', '\(sighs\)'\)"):
        parse_transcript("[music] (sighs)")


def test_one_name_of_another_alphabet_does_not_refuse_a_transcript():
    transcript = parse_transcript("well Привет then")
    assert transcript.cues[0].words == ("well", "privet", "then")
    assert "read as nearly as can be: 'Привет'" in transcript.remarks[0]
    assert said("Дмитрий Иванович!") == "dmitriy ivanovich"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("привет, как дела сегодня? OK", "another alphabet than the Latin one"),
        ("今日はいい天気", "another alphabet than the Latin one"),
        ("Jó napot kívánok, hogy van ez a nap?", "Hungarian"),
        ("God dag, jag vill inte att du går", "Swedish"),
    ],
)
def test_a_language_whose_spelling_nobody_knows_is_heard_and_said_so(text: str, name: str):
    transcript = parse_transcript(text)
    assert transcript.cues == () and transcript.text == text
    (remark,) = transcript.remarks
    assert remark.startswith(
        f"The transcript is in {name}: lips follow the sound alone; the spelling is known of en, de"
    )


SENTENCES = {
    "en": "That is the most famous picture of the year",
    "de": "Heute Abend könnte ich es ihm sagen",
    "es": "Buenos días, ¿qué hace usted mañana?",
    "it": "Non so che cosa succede con gli amici",
    "pt": "Bom dia, eu não quero falar com você",
    "fr": "Je voudrais parler avec vous de la maison",
    "nl": "Ik wil graag met u praten over het weer",
    "pl": "Dzień dobry, chciałbym z panem porozmawiać",
    "fi": "Hyvää päivää, minä haluaisin puhua nyt",
    "tr": "Günaydın, sizinle bir şey konuşmak istiyorum",
    "id": "Selamat pagi, saya ingin berbicara dengan anda",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_language_is_told_by_its_words_and_every_word_has_sounds(language: str):
    assert set(SENTENCES) == set(SPELT)
    transcript = parse_transcript(SENTENCES[language])
    assert transcript.language == language and not transcript.remarks
    for word in transcript.cues[0].words:
        (first, *_) = pronunciations(word, language=language)
        assert first and set(first) <= set(PHONES) - {"SIL"}


@pytest.mark.parametrize(
    ("language", "word", "phones"),
    [
        ("de", "Eisschrank", "AY S SH R AH NG K"), ("de", "Bücher", "B UW HH AH"), ("de", "spielen", "SH P IY L AH N"),
        ("es", "guitarra", "G IY T AA R AA"), ("es", "queso", "K EH S AO"), ("es", "mañana", "M AA N Y AA N AA"),
        ("it", "ragazzi", "R AA G AA T S IY"), ("it", "chi", "K IY"), ("it", "giorno", "JH AO R N AO"),
        ("pt", "amanhã", "AA M AA N Y AH N"), ("pt", "gente", "ZH EH N T IY"), ("fr", "beaucoup", "B OW K UW"),
        ("fr", "parler", "P AA R L EY"), ("nl", "mijn", "M AY N"), ("pl", "przepraszam", "P ZH EH P R AA SH AA M"),
        ("fi", "puhua", "P UW HH UW AA"), ("tr", "İşçi", "IY SH CH IY"), ("id", "nyanyi", "N Y AA N Y IY"),
    ],
)  # fmt: skip
def test_regular_spellings_are_read_by_rule(language: str, word: str, phones: str):
    assert pronunciations(word, language=language) == (tuple(phones.split()),)


def test_a_language_may_be_named_in_any_usual_way():
    assert parse_transcript("Die Sonne", language="de-AT").language == "de"
    assert parse_transcript("no", language="HU").cues == ()
    with pytest.raises(OptionError, match="language: 'Ger man' is no code of a language"):
        parse_transcript("Die Sonne", language="Ger man")


def test_figures_in_another_language_are_said_in_it():
    assert parse_transcript("Ich habe 21 Bücher", language="de").cues[0].words == (
        "ich",
        "habe",
        "einundzwanzig",
        "bücher",
    )


def test_a_word_of_a_million_letters_and_a_number_of_many_digits_are_answered_at_once():
    start = time.process_time()
    for text in ("a" * 10**6, "7" * 5000, "7" * 10**6):
        with pytest.raises(AlignmentError, match="cannot be read aloud, and are left out"):
            parse_transcript(text)
        assert said(f"hello {text}") == "hello"
    assert time.process_time() - start < 4.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1\n00:00:05,000 --> 00:00:02,500\nHello\n", "ends before it starts"),
        ("{10}{25}Hello\n", "how many there are in a second"),
        (TTML.replace("63s", "63x"), "ttml. cannot be read"),
        (TTML.replace("</body>", ""), "ttml. cannot be read"),
        (TTML.replace("<tt ", "<!DOCTYPE tt [<!ENTITY a 'b'>]><tt "), "define entities"),
        (f"<SAMI><BODY><SYNC Start={'9' * 400}><P>Hi</BODY></SAMI>", "sami. cannot be read"),
        ("a " * MAX_BYTES, "larger than 4 MB"),
        ("$5m" * 300_000, "over 200000 words"),
    ],
)
def test_damaged_subtitles_are_refused_with_what_to_do(text: str, says: str):
    with pytest.raises(AlignmentError, match=says):
        parse_transcript(text)


@given(st.text(max_size=200), st.sampled_from(["", *KINDS.values()]), st.integers(0, 400))
def test_any_text_gives_cues_or_a_clear_error(text: str, around: str, at: int):
    try:
        read = parse_transcript(around[:at] + text + around[at:])
    except AlignmentError:
        return
    assert read.cues or read.remarks
    assert all(cue.words for cue in read.cues)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("suffix", [".txt", ".md", ".anything", ""])
def test_files_of_any_ending_are_read_by_their_marks(tmp_path: Path, suffix: str, encoding: str):
    path = tmp_path / f"line{suffix}"
    path.write_bytes("Hello, café".encode(encoding))
    for source in (path, str(path)):
        transcript = read_transcript(source)
        assert transcript.cues == read_transcript("Hello, café").cues and transcript.cues[0].words == ("hello", "cafe")
        remarks = [f"The transcript is no UTF-8 text; it is read as Windows-1252, so check accented letters: {path}"]
        assert list(transcript.remarks) == (remarks if encoding == "cp1252" else [])


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_a_text_of_sixteen_bits_is_read_in_either_order(tmp_path: Path, mark: bytes):
    path = tmp_path / "line.srt"
    path.write_bytes(mark + SRT.encode("utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"))
    assert [cue.words for cue in read_transcript(path).cues] == [("hello", "there"), ("bye",)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04docx", "is a packed document, not plain text"),
        (b"%PDF-1.4", "is a PDF"),
        (b"{\\rtf1 Hello}", "is rich text"),
        (json.dumps({"text": "Hello"}).encode(), "is JSON"),
        (b"<!DOCTYPE html><p>Hello", "is a web page"),
        (b"RIFF\x00\x00WAVE", "holds signs that are no text"),
        ("Hello".encode("utf-16-le"), "holds signs that are no text"),
        (b"\xff\xfeH", "marked as UTF-16 and damaged"),
        (b"a " * MAX_BYTES, "larger than 4 MB"),
        (b"\n\n", "holds no words"),
    ],
)
def test_a_file_without_text_is_named_and_never_spoken(tmp_path: Path, content: bytes, says: str):
    path = tmp_path / "line.words"
    path.write_bytes(content)
    with pytest.raises(AlignmentError, match=says) as caught:
        read_transcript(str(path))
    assert str(caught.value).endswith(f": {path}")


@pytest.mark.parametrize(
    "name", ["line.txt", "missing.srt", "notes.md", "a b/line.docx", "x" * 300 + ".txt", "hello " * 50 + ".txt"]
)
def test_the_name_of_a_file_that_is_not_there_is_said_so(name: str):
    with pytest.raises(OptionError, match="transcript: there is no such file"):
        read_transcript(name)


def test_a_file_at_home_is_read(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "line.script").write_text("Hello")
    assert read_transcript("~/line.script").cues[0].words == ("hello",)
    assert read_transcript("~nobody said so").cues[0].words == ("nobody", "said", "so")


def test_a_folder_or_a_pipe_is_not_spoken(tmp_path: Path):
    for place in (str(tmp_path), "/dev/null"):
        with pytest.raises(OptionError, match="transcript: there is no such file"):
            read_transcript(place)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("grimble", "G R IH M B AH L"),
        ("phabbo", "F AE B OW"),
        ("knivette", "N IH V EH T"),
        ("one", "W AH N"),
        ("enough", "IH N AH F"),
        ("BBC", "B IY B IY S IY"),
        ("brntz", "B IY AA R EH N T IY Z IY"),
        ("plate", "P L EY T"),
    ],
)
def test_english_words_are_read_as_they_are_said(word: str, phones: str):
    assert phones.split() in map(list, pronunciations(word))


def test_every_word_of_letters_has_a_pronunciation():
    for word in ("x", "psst", "'", "zzz", "q'q", "a" * 60):
        assert all(pronunciations(word))


def test_the_lip_closures_of_the_dictionary_are_kept():
    pocketsphinx = pytest.importorskip("pocketsphinx")
    lines = (Path(pocketsphinx.__file__).parent / "model" / "en-us" / "cmudict-en-us.dict").read_text().splitlines()
    entries = [line.split() for line in lines[::67]]
    entries = [(word, phones) for word, *phones in entries if word.isalpha()]
    lips = BILABIALS | LABIODENTALS
    same = [
        [p for p in phones if p in lips] == [p for p in pronunciations(word)[0] if p in lips]
        for word, phones in entries
    ]
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
