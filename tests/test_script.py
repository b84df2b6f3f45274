"""Scripts become tables with what is felt, which `batch` performs, and files that other speakers read."""

import csv
from importlib.util import find_spec
from itertools import pairwise
from xml.etree import ElementTree

import pysubs2
import pytest
from test_say import needs_flite, needs_vocoder

from face_emote.batch.plan import PlanOptions, plan_batch
from face_emote.core.errors import AlignmentError, FaceEmoteError, OptionError
from face_emote.emotion.grammar import describe
from face_emote.lines import speakers as room
from face_emote.lines.feeling import LineFeeling, beneath
from face_emote.lines.script import directed, read_script
from face_emote.lines.script_files import COLUMNS, write_script

SCREENPLAY = """\
Title: The Salt
Author: Nobody
    of note

INT. KITCHEN - NIGHT

Jane stands at the sink. JOHN enters.

JANE
(hurt, then cold)
I never said that.

JOHN (V.O.)
You *did*. I hate this!
(beat)
I'm so happy to see you.
(smiling, to Jane)
I hate you.

.FLASHBACK

JANE ^
(softly)
Please don't leave me...

CUT TO:

@McCoy
Damn it, [[check this]] Jim!
/* boneyard

JANE
not said
*/

\u00c9MILE
Oh GREAT, another meeting.

THE END.
"""
SUBTITLES = (
    "1\n00:00:01,000 --> 00:00:02,500\nJANE: <i>I hate you & <all>!</i>\n\n"
    "2\n00:00:04,000 --> 00:00:06,000\n(laughing) That is\nso funny.\n"
)
NAMESPACE = "{http://www.w3.org/2001/10/synthesis}"


def lines_of(text: str | bytes, tmp_path, name: str = "script.fountain"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_script(path)


def test_a_screenplay_is_its_dialogue(tmp_path):
    lines = lines_of(SCREENPLAY, tmp_path)
    assert [(line.speaker, line.text) for line in lines] == [
        ("JANE", "I never said that."), ("JOHN", "You did. I hate this!"), ("JOHN", "I'm so happy to see you."),
        ("JOHN", "I hate you."), ("JANE", "Please don't leave me..."), ("McCoy", "Damn it, Jim!"),
        ("\u00c9MILE", "Oh GREAT, another meeting."),
    ]  # fmt: skip
    assert lines[2].pause_secs == 1.0


@pytest.mark.parametrize(
    ("direction", "emotion"), [("quietly, hurt", "quietly hurt"), ("hurt and quietly", "quietly hurt"),
                               ("to Jane, angrily", "angrily"), ("hurt, then cold", "hurt, then cold")],
)  # fmt: skip
def test_a_manner_beside_a_feeling_is_how_it_is_felt(direction, emotion):
    assert directed(LineFeeling("anger", 0.5), direction).emotion == emotion


def test_directions_say_how_and_the_words_what_is_hidden(tmp_path):
    felt = [line.feeling for line in lines_of(SCREENPLAY, tmp_path)]
    assert felt[0].emotion == "hurt, then cold"
    assert (felt[3].emotion, felt[3].hidden) == ("smiling", "anger")
    assert felt[4].emotion == "softly fear" and 0.5 < felt[4].intensity < 1.0
    assert (felt[6].emotion, felt[6].hidden) == ("joy", "anger")
    for one in felt:
        describe(beneath(one.emotion, one.hidden))


def test_plain_text_names_speakers_or_does_not(tmp_path):
    text = (
        "JANE: (angrily) Where were you?\r\nJohn Smith: At home.\r\nNote: a line.\r\n\r\n[door slams]\r\n"
        "(whispering) I love you.\r\n"
    )
    lines = lines_of(b"\xef\xbb\xbf" + text.encode(), tmp_path, "script.txt")
    assert [(line.speaker, line.text) for line in lines] == [
        ("JANE", "Where were you?"), ("John Smith", "At home."), ("", "Note: a line."), ("", "I love you."),
    ]  # fmt: skip
    assert lines[0].feeling.emotion == "angrily" and lines[3].feeling.emotion == "joy"


def test_a_screenplay_in_a_text_file_is_one(tmp_path):
    assert len(lines_of(SCREENPLAY, tmp_path, "script.txt")) == 7


def test_subtitles_keep_their_times(tmp_path):
    lines = lines_of(SUBTITLES, tmp_path, "script.srt")
    assert [(line.start_secs, line.end_secs, line.speaker) for line in lines] == [(1.0, 2.5, "JANE"), (4.0, 6.0, "")]


def test_letters_of_other_alphabets_and_directions_of_writing(tmp_path):
    lines = lines_of(
        "ДЖЕЙН: Я никогда этого не говорила.\nשָׂרָה: \u202bלא אמרתי את זה\u202c\n".encode("utf-16"), tmp_path, "s.txt"
    )
    assert lines[0].speaker == "ДЖЕЙН" and len(lines) == 2
    write_script(lines, tmp_path / "s.ssml")
    ElementTree.parse(tmp_path / "s.ssml")


@pytest.mark.parametrize("name", ["script.fountain", "script.txt", "script.srt"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\0\0\0", b"INT. HOUSE - DAY\n\nNobody speaks.\n", b"(beat)\n[sighs]\n", b"PK\x03\x04" + bytes(99),
     b"\xff\xfe\x00\xd8", b"word " * 900_000, b"A: " + b"b" * 20_000],
)  # fmt: skip
def test_what_is_no_script_is_a_sentence(tmp_path, name, content):
    with pytest.raises((OptionError, AlignmentError)) as caught:
        if b"Nobody" in content and name != "script.fountain":
            pytest.skip("a line of text")
        lines_of(content, tmp_path, name)
    assert "\n" not in str(caught.value)


def test_captions_are_read_by_others(tmp_path):
    write_script(lines_of(SUBTITLES, tmp_path, "script.srt"), tmp_path / "script.vtt")
    text = (tmp_path / "script.vtt").read_text()
    assert text.startswith("WEBVTT\n") and "<v.anger JANE>" in text and "&amp;" in text
    events = pysubs2.SSAFile.from_string(text, format_="vtt").events
    assert [(one.start, one.end) for one in events] == [(1000, 2500), (4000, 6000)]
    again = read_script(tmp_path / "script.vtt")
    assert [line.text for line in again] == [line.text for line in read_script(tmp_path / "script.srt")]


def test_lines_without_times_follow_each_other(tmp_path):
    write_script(lines_of(SCREENPLAY, tmp_path), tmp_path / "script.vtt")
    events = pysubs2.load(str(tmp_path / "script.vtt")).events
    assert len(events) == 7 and all(one.end <= other.start for one, other in pairwise(events))


def test_ssml_is_xml_with_prosody_emphasis_and_breaks(tmp_path):
    write_script(
        lines_of(SCREENPLAY + "\nJANE\n<script> & \"quotes\" 'n' ]]> WHY\n", tmp_path), tmp_path / "script.ssml"
    )
    root = ElementTree.parse(tmp_path / "script.ssml").getroot()
    assert root.tag == f"{NAMESPACE}speak"
    prosody = [one.attrib for one in root.iter(f"{NAMESPACE}prosody")]
    assert len(prosody) == 8 and all(set(one) == {"rate", "pitch", "volume"} for one in prosody)
    assert prosody[1]["pitch"].startswith("+") and float(prosody[1]["pitch"].removesuffix("st")) >= 1.5
    strong = [one.text for one in root.iter(f"{NAMESPACE}emphasis") if one.get("level") == "strong"]
    assert strong == ["great", "why"]
    assert {"300ms", "1400ms"} <= {one.get("time") for one in root.iter(f"{NAMESPACE}break")}


@needs_flite
def test_what_read_writes_batch_performs(run, tmp_path, monkeypatch):
    monkeypatch.setenv(room.CACHE, str(tmp_path / "cache"))
    (tmp_path / "script.fountain").write_text(SCREENPLAY.split("McCoy")[0].rstrip("@"))
    code, out, err = run("read", str(tmp_path / "script.fountain"), "-o", str(tmp_path / "script.csv"))
    assert (code, err) == (0, "") and "5 lines, 2 speakers" in out
    with (tmp_path / "script.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS and rows[3]["hidden"] == "anger"
    plan = plan_batch(tmp_path / "script.csv", PlanOptions({"said_by": "flite", "outputs": "npz"}))
    assert len(plan.rows) == len(plan.secs) == 5
    assert all(row.voice for row in plan.rows) == (find_spec("pyworld") is not None)
    one = plan.rows[3]
    assert one.speaker == "JOHN" and one.name == "0004_I-hate-you" and one.performance.transcript == "I hate you."
    assert describe(str(one.performance.emotion)).keys[0].emotion.covert[6] > 0.0
    assert one.performance.cues is not None


@needs_flite
@needs_vocoder
def test_a_batch_says_and_performs_rows_of_text(run, tmp_path, monkeypatch):
    monkeypatch.setenv(room.CACHE, str(tmp_path / "cache"))
    (tmp_path / "lines.csv").write_text("text,emotion,outputs,said_by\nHello.,joy,npz,flite\n")
    for expected in ("1 rows done", "0 rows done"):
        code, out, _ = run("batch", str(tmp_path / "lines.csv"), "-o", str(tmp_path / "out"), "--fps", "10")
        assert code == 0 and expected in out
    assert (tmp_path / "out" / "0001_Hello.voice.wav").stat().st_size > 5000
    assert (tmp_path / "out" / "0001_Hello.npz").is_file()


def test_a_row_of_text_names_its_mistakes(tmp_path):
    (tmp_path / "lines.csv").write_text(f"text,emotion,said_by\nHello.,joyy,\nHello.,joy,nobody\n{'a' * 20_000},joy,\n")
    with pytest.raises(FaceEmoteError) as caught:
        plan_batch(tmp_path / "lines.csv", PlanOptions())
    assert all(
        part in str(caught.value) for part in ("row 1: Unknown emotion", "row 2: There is no speaker", "row 3: This")
    )


def test_read_refuses_other_endings_before_it_reads(run, tmp_path):
    code, _, err = run("read", str(tmp_path / "none.txt"), "-o", str(tmp_path / "out.doc"))
    assert code == 2 and ".csv, .vtt, .ssml" in err
