"""Scripts as lines to be said: plain text, screenplays (Fountain) and subtitles."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from face_emote.audio.directions import LEAD_INS, spoken_part
from face_emote.audio.transcripts import kind_of, read_subtitles, text_in
from face_emote.core.errors import EmotionError, OptionError
from face_emote.emotion.grammar import describe
from face_emote.lines.feeling import LineFeeling, felt_in, one
from face_emote.lines.speakers import MOST_LETTERS

MOST_LINES = 20_000
PAUSES = frozenset({"beat", "pause", "silence", "a beat", "long pause", "long beat"})
_NAME = r"[^\W\d_][\w.'#& -]{0,40}?"
_SPOKEN_BY = re.compile(rf"(?P<name>{_NAME})[ ]?(?:\((?P<how>[^()]{{1,80}})\))?[ ]?:[ ]+(?P<said>\S.*)", re.DOTALL)
_HOW_FIRST = re.compile(r"\((?P<how>[^()]{1,80})\)\s*(?P<said>\S.*)", re.DOTALL)
_SCENE = re.compile(r"(?:INT|EXT|EST|INT\.?/EXT|I/E)[. ]|\.(?=[^\W_])", re.IGNORECASE)
_SCENES = re.compile(r"^[ \t]*(?:INT|EXT)[. ]", re.MULTILINE)
_TITLE_PAGE = re.compile(r"\A\s*[A-Za-z][A-Za-z ]{0,30}:[^\n]*\n(?:[^\n]+\n)*\s*?\n")
_CUE = re.compile(r"(?P<forced>@)?(?P<name>[^\n(^!~=#>.@][^\n(^]*?)\s*(?:\([^()]*\)\s*)*\^?")
_NO_LINE = re.compile(r"/\*.*?\*/|\[\[.*?\]\]", re.DOTALL)
_EMPHASIS = re.compile(r"(?<!\\)(?:\*{1,3}|_)(?=\S)|(?<=\S)(?<!\\)(?:\*{1,3}|_)")
_LINE_END = re.compile(r"\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")

_NOTHING = LineFeeling("neutral", 1.0)


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One line of a script, and what is felt in it."""

    text: str
    speaker: str = ""
    direction: str = ""
    """How it is to be said, as the script puts it."""
    feeling: LineFeeling = _NOTHING
    start_secs: float | None = None
    end_secs: float | None = None
    pause_secs: float = 0.0
    """A silence before it that the script asks for."""


def read_script(path: Path) -> list[ScriptLine]:
    """Lines of a script, each with what its words and its direction say is felt.

    Raises:
        OptionError: there is no such file, nobody says anything in it, or far too much.
        AlignmentError: it is no text.
    """
    text = _LINE_END.sub("\n", text_in(path)[0])
    lines: list[ScriptLine] = []
    for line in _lines(text, is_screenplay=path.suffix.lower() in (".fountain", ".spmd")):
        said = " ".join(spoken_part(line.text, []).split())
        if not any(letter.isalnum() for letter in said):
            continue
        if len(said) > MOST_LETTERS:
            raise OptionError(
                f"A line of this script has {len(said)} letters, over {MOST_LETTERS}; break it up: {path}"
            )
        if len(lines) == MOST_LINES:
            raise OptionError(f"This script has over {MOST_LINES} lines; split it: {path}")
        words = felt_in(said)
        lines.append(replace(line, text=said, feeling=directed(words, line.direction)))
    if not lines:
        raise OptionError(f"Nobody says anything in this script; lines read `NAME: text`, or text alone: {path}")
    return lines


def directed(words: LineFeeling, direction: str) -> LineFeeling:
    """What is felt where a script also says how: it shows; what the words say otherwise is hidden.

    Of a direction (`to Jane, angrily`) the part counts that names a feeling, and one that names a manner (`softly`);
    `hurt, then cold` stays as it is.
    """
    parts = [part for part in map(str.strip, re.split(r"[;,/.]|\band\b", direction)) if part]
    named = next((part for part in (direction.strip(), *parts) if part and _is_felt(part)), "")
    shown = named or ("" if words.emotion == "neutral" else words.emotion)
    for manner in parts if shown and named != direction.strip() else ():
        if manner != named and _is_felt(mannered := f"{manner} {one(shown)}"):
            shown = mannered
            break
    if named:
        return LineFeeling(shown, 1.0, hidden="" if _agree(named, words) else words.emotion)
    return replace(words, emotion=shown or words.emotion)


def _is_felt(emotion: str) -> bool:
    try:
        return describe(emotion).auto == 0.0
    except EmotionError:
        return False


def _agree(named: str, words: LineFeeling) -> bool:
    """Whether a feeling that is named and the words are both glad, both not, or the words say little."""
    if words.emotion == "neutral" or words.intensity < 0.5:
        return True
    shown, meant = (describe(one).keys[0].emotion.vad[0] for one in (named, words.emotion))
    return bool(shown * meant >= -0.05)


def _lines(text: str, *, is_screenplay: bool) -> Iterator[ScriptLine]:
    kind = None if is_screenplay else kind_of(text)
    if kind is not None:
        for one in read_subtitles(text, kind=kind):
            yield replace(_labelled(" ".join(one.text.split())), start_secs=one.start_secs, end_secs=one.end_secs)
    elif is_screenplay or _SCENES.search(text):
        yield from _screenplay(text)
    else:
        yield from (_labelled(line) for line in text.split("\n") if line.strip())


def _labelled(line: str) -> ScriptLine:
    """`NAME (how): text`, `(how) text`, or text alone."""
    line, speaker, how = line.strip(), "", ""
    label = _SPOKEN_BY.fullmatch(line)
    if label and label["name"].split()[0].lower() not in LEAD_INS and len(label["name"].split()) <= 4:
        speaker, how, line = label["name"].strip(), label["how"] or "", label["said"]
    first = _HOW_FIRST.fullmatch(line)
    if first:
        how, line = ", ".join(filter(None, (how, first["how"]))), first["said"]
    return ScriptLine(line, speaker, how)


def _screenplay(text: str) -> Iterator[ScriptLine]:
    """Dialogue of a screenplay: https://fountain.io/syntax. Each stretch between parentheticals is a line."""
    text = _NO_LINE.sub("", _TITLE_PAGE.sub("\n", text.lstrip("\ufeff")) if _TITLE_PAGE.match(text) else text)
    speaker, how, said, pause = "", "", list[str](), 0.0
    before_blank, talking = True, False
    lines = [*text.split("\n"), ""]
    for number, raw in enumerate(lines):
        line = raw.strip()
        after = lines[number + 1].strip() if number + 1 < len(lines) else ""
        parenthetical = talking and line.startswith("(") and (line.endswith(")") or ")" not in line)
        if said and (not line or parenthetical):
            yield ScriptLine(" ".join(said), speaker, how, pause_secs=pause)
            said, how, pause = [], "", 0.0
        if not line and raw != "  ":
            talking = False
        elif parenthetical:
            pause = 1.0 if line.strip("() .").lower() in PAUSES else pause
            how = ", ".join(filter(None, (how, line.strip("() "))))
        elif talking:
            said.append(_EMPHASIS.sub("", line.lstrip("~")))
        elif before_blank and after and (cue := _CUE.fullmatch(line)) and (cue["forced"] or _is_name(cue["name"])):
            speaker, how, talking = cue["name"].strip(), "", True
        before_blank = not line


def _is_name(text: str) -> bool:
    return text == text.upper() != text.lower() and not _SCENE.match(text) and not text.endswith(" TO:")
