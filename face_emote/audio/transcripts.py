"""What was said, from a string or a file, made ready for the aligner."""

import re
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from face_emote.audio.languages import LANGUAGE_CODE, NAMES, language_of, said_in
from face_emote.audio.pronunciation import SPELT
from face_emote.audio.spoken_words import Said, joined, said_of
from face_emote.core.errors import AlignmentError, DependencyError, OptionError
from face_emote.core.fields import existing_file, shown, words_or_file
from face_emote.core.reading import TEXT_MARKS, opened

MAX_BYTES, MAX_WORDS = 4_000_000, 200_000  # A day of speech.
_TOO_LARGE = f"The transcript is larger than {MAX_BYTES // 10**6} MB; give the spoken text"
MOST_SHOWN = 5
UNREAD = "lips follow the sound alone; the spelling is known of " + ", ".join(SPELT)
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")
_OTHER_DOCUMENTS = (
    (re.compile(rb"PK\x03\x04"), "a packed document"),
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "a document of an office program"),
    (re.compile(rb"\{\\rtf"), "rich text"),
    (re.compile(rb"\s*(?:\{\s*\"|\[\s*[\[{\"])"), "JSON"),
    (re.compile(rb"\s*<(?:!doctype\s+)?html", re.IGNORECASE), "a web page"),
)
"""How files begin that hold words, but none to be spoken as they stand."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One stretch of text, with its times when the transcript gives them."""

    words: tuple[str, ...]  # As `Said` has them.
    start_secs: float | None = None
    end_secs: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said when, and what a person should know about the rest of the text."""

    cues: tuple[Cue, ...]
    """One without times, or subtitles in order of time; empty where nobody here knows how its language is spelt."""
    remarks: tuple[str, ...] = ()
    text: str = ""  # As it is written, with stops and capitals; of subtitles a line each.
    language: str = "en"  # Its code; empty when it is not known.


def read_transcript(source: str | Path, *, language: str | None = None) -> Transcript:
    """A transcript from its text, or from the file of text or subtitles that the string or the path names.

    `language` is its code (`de`, `pt-BR`); without one it is told by its words. OptionError: there is no such file, or
    `language` is no code. AlignmentError: it is too large, or no text, or nothing in it can be spoken.
    """
    text, remarks, found = text_in(source)
    try:
        transcript = parse_transcript(text, language=language)
    except AlignmentError as error:
        raise error if found is None else AlignmentError(f"{error}: {found}") from None
    return replace(transcript, remarks=(*remarks, *transcript.remarks))


def written_words(source: str | Path) -> str:
    """What is said in any language, as it is written: times and styles of subtitles are left out.

    OptionError: there is no such file. AlignmentError: it is too large, or no text.
    """
    text, _, _ = text_in(source)
    kind = kind_of(text)
    return text if kind is None else "\n".join(subtitle.text for subtitle in read_subtitles(text, kind=kind))


def text_in(source: str | Path) -> tuple[str, tuple[str, ...], Path | None]:
    """Text, remarks on how it was decoded, and the file that it came from.

    Raises:
        OptionError: there is no such file.
        AlignmentError: it is too large, or no text.
    """
    path = existing_file("transcript", str(source), folder=Path()) if isinstance(source, Path) else None
    found = words_or_file("transcript", source) if isinstance(source, str) else path
    if isinstance(found, str):
        return found, (), None
    assert found is not None
    try:
        with opened(found) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AlignmentError(f"The transcript cannot be read ({error.strerror}): {found}") from None
    try:
        text, remarks = _decoded(data)
    except AlignmentError as error:
        raise AlignmentError(f"{error}: {found}") from None
    return text, tuple(f"{remark}: {found}" for remark in remarks), found


def parse_transcript(text: str, *, language: str | None = None) -> Transcript:
    """Cues of subtitles in order of time, or one cue without times for plain text.

    OptionError: `language` is no code of one. AlignmentError: nothing in it can be spoken.
    """
    if len(text) > MAX_BYTES:
        raise AlignmentError(_TOO_LARGE)
    kind = kind_of(text)
    subtitles = [] if kind is None else read_subtitles(text, kind=kind)
    written = text if kind is None else "\n".join(subtitle.text for subtitle in subtitles)
    spoken = _language(written, language)
    if spoken not in SPELT:
        name = NAMES.get(spoken, f"'{spoken}'" if spoken else "another alphabet than the Latin one")
        return Transcript((), (f"The transcript is in {name}: {UNREAD}",), written, spoken)
    said = _said([text] if kind is None else [subtitle.text for subtitle in subtitles], spoken)
    if kind is None:
        cues = [Cue(said[0].words)]
    else:
        cues = [Cue(part.words, one.start_secs, one.end_secs) for part, one in zip(said, subtitles, strict=True)]
    whole = joined(said)
    remarks = tuple(_remarks(whole))
    if not whole.words:
        story = f" ({remarks[-1]})" if remarks else ""
        raise AlignmentError(f"The transcript holds no words{story}; write what is said, or leave the transcript out")
    return Transcript(tuple(cue for cue in cues if cue.words), remarks, written, spoken)


def _language(text: str, given: str | None) -> str:
    if given is None:
        return language_of(text)
    if not LANGUAGE_CODE.fullmatch(given):
        raise OptionError(f"language: {shown(given)} is no code of a language; give one such as {', '.join(SPELT[:4])}")
    return re.split("[-_]", given.lower())[0]


def _said(texts: list[str], language: str) -> list[Said]:
    if sum(1 for text in texts for _ in re.finditer(r"\w+", text)) > MAX_WORDS:
        raise AlignmentError(
            f"The transcript has over {MAX_WORDS} words, more than a day of speech; give what is spoken"
        )
    return [said_of(text) if language == "en" else said_in(text, language) for text in texts]


def _remarks(said: Said) -> list[str]:
    read = [word for word in said.foreign if word not in said.unsaid]
    found = (
        ("Nobody says these parts of the transcript, which are left out", said.directions),
        ("These words of the transcript are in other letters than English has, and are read as nearly as can be", read),
        ("These words of the transcript cannot be read aloud, and are left out", said.unsaid),
    )
    return [f"{story}: {_some(items)}" for story, items in found if items]


def _some(items: tuple[str, ...] | list[str]) -> str:
    different = list(Counter(items))
    more = len(different) - MOST_SHOWN
    return ", ".join(shown(item) for item in different[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """The text of a file: by the mark at its start, or UTF-8, or as Windows wrote it in the West."""
    if len(data) > MAX_BYTES:
        raise AlignmentError(_TOO_LARGE)
    other = next((name for start, name in _OTHER_DOCUMENTS if start.match(data)), None)
    if other is not None:
        raise AlignmentError(f"The transcript is {other}, not plain text; save it as .txt, .srt or .vtt")
    encoding = next((name for mark, name in TEXT_MARKS.items() if data.startswith(mark)), "utf-8")
    remarks = []
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise AlignmentError(
                f"The transcript is marked as {encoding.upper()} and damaged at byte {error.start}; save it as UTF-8"
            ) from None
        text = data.decode("cp1252" if not set(data) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1")
        remarks.append("The transcript is no UTF-8 text; it is read as Windows-1252, so check accented letters")
    if _NO_TEXT.search(text):
        raise AlignmentError("The transcript holds signs that are no text; save it as .txt, .srt or .vtt")
    return text, remarks


_STAMP = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(
    rf"^(?:(?:(?<=\n\n)[^\n]++|[ \t]*+\d++[ \t]*+)\n)?[ \t]*+{_STAMP}(?:[ \t]*+-->[ \t]*+|,){_STAMP}[^\n]*$",
    re.MULTILINE,
)
"""The line of times of a cue in .srt, .vtt and .sbv, with the number or the name above it."""
_NOTE = re.compile(r"^(?:NOTE|STYLE|REGION)\b[^\n]*(?:\n[^\n]+)*", re.MULTILINE)
_KINDS = (
    (re.compile(r"\s*\[Script Info\]|\s*\[V4\+? Styles\]", re.IGNORECASE), "ass"),
    (re.compile(r"\s*\{ *\d+ *\} *\{ *\d+ *\}"), "microdvd"),
    (re.compile(r"\s*<SAMI\b", re.IGNORECASE), "sami"),
    (re.compile(r"\s*<(?:\?xml|!DOCTYPE tt|tt|tt:tt)\b", re.IGNORECASE), "ttml"),
)
"""How the other kinds begin."""
ROLLING_GAP_SECS = 0.1  # Captions that roll up follow each other without a pause.


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A stretch of text with its times."""

    text: str
    start_secs: float
    end_secs: float


def kind_of(text: str) -> str | None:
    """Which kind of subtitles a text is, as pysubs2 calls it; None for plain text."""
    if text.lstrip().startswith("WEBVTT") or _TIMING.search(text):
        return "vtt"
    return next((kind for start, kind in _KINDS if start.match(text)), None)


def read_subtitles(text: str, *, kind: str) -> tuple[Subtitle, ...]:
    """The subtitles in order of time; what captions repeat while they roll up stands once.

    AlignmentError: they are damaged, or do not say their times.
    """
    try:
        import pysubs2
    except ImportError:
        raise DependencyError("Subtitles need pysubs2: pip install pysubs2") from None
    if kind == "vtt":
        text = _with_plain_times(text)
    if kind == "ttml" and re.search(r"<!(?:DOCTYPE|ENTITY)", text):
        raise AlignmentError("The subtitles define entities, which are not read; save them as .srt")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # margins and layers of a damaged .ass, which nobody needs
            events = pysubs2.SSAFile.from_string(text, format_=kind).get_text_events()
        cues = [Subtitle(event.plaintext.strip(), event.start / 1000.0, event.end / 1000.0) for event in events]
    except pysubs2.exceptions.UnknownFPSError:
        raise AlignmentError(
            "The subtitles count frames, and do not say how many there are in a second; save them as .srt"
        ) from None
    except (  # what pysubs2 and the readers of XML and HTML below it raise at damage
        ArithmeticError, LookupError, NotImplementedError, RecursionError, SyntaxError, TypeError, ValueError,
        pysubs2.exceptions.Pysubs2Error,
    ) as error:  # fmt: skip
        story = " ".join(str(error).split())[:100]
        raise AlignmentError(f"The subtitles ({kind}) cannot be read ({story}); save them as .srt") from None
    return _once(sorted(cues, key=lambda cue: cue.start_secs))


def _with_plain_times(text: str) -> str:
    """Times as pysubs2 wants them, however sloppily they were written; notes and names of cues are gone."""
    text = "\n\n" + text.replace("\r\n", "\n").replace("\r", "\n")
    if text.lstrip().startswith("WEBVTT"):
        text = _NOTE.sub("", text)
    # A number stands above every line of times: pysubs2 takes it off, and never a number that is said.
    return (
        _TIMING.sub(lambda match: f"0\n{_stamp(match.groups()[:4])} --> {_stamp(match.groups()[4:])}", text) + "\n\n0\n"
    )


def _stamp(parts: tuple[str | None, ...]) -> str:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return f"{hours:0>2}:{minutes:0>2}:{seconds:0>2}.{fraction:0<3}"


def _once(cues: list[Subtitle]) -> tuple[Subtitle, ...]:
    """Without the lines that a cue repeats of the one before it."""
    out: list[Subtitle] = []
    before: list[str] = []
    end_before = float("-inf")
    for cue in cues:
        lines = [line for line in (" ".join(line.split()) for line in cue.text.split("\n")) if line]
        plain = [re.sub(r"<[^>]*>", "", line) for line in lines]
        repeated = 0
        if cue.start_secs - end_before < ROLLING_GAP_SECS:
            repeated = next((n for n in range(min(len(before), len(plain)), 0, -1) if before[-n:] == plain[:n]), 0)
        if lines[repeated:]:
            if cue.end_secs <= cue.start_secs:
                raise AlignmentError(f"A subtitle ends before it starts (at {cue.start_secs:.2f} s); correct its times")
            out.append(Subtitle("\n".join(lines[repeated:]), cue.start_secs, cue.end_secs))
        before, end_before = plain or before, cue.end_secs
    return tuple(out)
