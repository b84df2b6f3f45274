"""Subtitles of any usual kind as cues in order of time; pysubs2 reads them."""

import re
import warnings
from dataclasses import dataclass

from face_emote.core.errors import AlignmentError, DependencyError

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
