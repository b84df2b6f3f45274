"""What was said, from a string, a .txt, an .srt or a .vtt file, made ready for the aligner."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from face_emote.audio.spoken_numbers import spell_numbers
from face_emote.core.errors import AlignmentError
from face_emote.core.fields import TRANSCRIPT_SUFFIXES

MAX_BYTES = 20_000_000
TIMING = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})")
ABBREVIATIONS = {
    "mr": "mister", "mrs": "missus", "ms": "miss", "dr": "doctor", "prof": "professor", "st": "saint",
    "jr": "junior", "sr": "senior", "vs": "versus", "etc": "et cetera",
}  # fmt: skip
SIGNS = {"&": " and ", "@": " at ", "+": " plus ", "=": " equals ", "%": " percent ", "°": " degrees "}


@dataclass(frozen=True, slots=True)
class Cue:
    """One stretch of text, with its times when the transcript gives them."""

    words: tuple[str, ...]
    """Lower case, letters and inner apostrophes only; a word that was all capitals keeps them (it may be spelt)."""
    start_secs: float | None = None
    end_secs: float | None = None


def read_transcript(transcript: str | Path) -> str:
    """The text of a transcript: a path is read; a string that names a .txt, .srt or .vtt file too.

    Raises:
        AlignmentError: the file is missing, too large or not text.
    """
    if isinstance(transcript, str):
        one_word = "\n" not in transcript and len(transcript) < 4096
        if not (one_word and transcript.strip().lower().endswith(TRANSCRIPT_SUFFIXES)):
            return transcript
    path = Path(transcript)
    if not path.is_file():
        raise AlignmentError(f"There is no such transcript file; check the name: {path}")
    if path.stat().st_size > MAX_BYTES:
        raise AlignmentError(f"The transcript is larger than {MAX_BYTES // 10**6} MB; give the spoken text: {path}")
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise AlignmentError(f"The transcript is not UTF-8 text; save it as UTF-8: {path}") from None


def parse_transcript(text: str) -> tuple[Cue, ...]:
    """Cues of an .srt or .vtt text in order of time, or one cue without times for plain text.

    Raises:
        AlignmentError: nothing in it can be spoken in English.
    """
    cues = _timed_cues(text) if text.lstrip().startswith("WEBVTT") or TIMING.search(text) else [Cue(words_of(text))]
    cues = [cue for cue in cues if cue.words]
    if not cues:
        raise AlignmentError("The transcript holds no words; write what is said, or leave the transcript out")
    return tuple(sorted(cues, key=lambda cue: cue.start_secs or 0.0))


def words_of(text: str) -> tuple[str, ...]:
    """The words as they are said: numbers spelt out, hyphens split, punctuation and [remarks] gone.

    Raises:
        AlignmentError: a word is written in letters that are not Latin.
    """
    text = re.sub(r"\[[^\]]*\]|<[^>]*>|\{\\[^}]*\}|[♪♫]", " ", text)
    text = text.replace("’", "'").replace("‘", "'").replace("`", "'")
    text = re.sub(r"\b([A-Za-z])\.(?=[A-Za-z]\.)", r"\1 ", text)  # U.S. is said letter by letter
    text = spell_numbers(text)
    for sign, said in SIGNS.items():
        text = text.replace(sign, said)
    words: list[str] = []
    for token in re.split(r"[\s\-–—/_,;:!?\"“”()…]+", text):
        words.extend(_cleaned(token))
    return tuple(words)


def _cleaned(token: str) -> list[str]:
    if token.lower().rstrip(".") in ABBREVIATIONS and token.endswith("."):
        return ABBREVIATIONS[token.lower().rstrip(".")].split()
    plain = unicodedata.normalize("NFKD", token.replace("ß", "ss").replace("æ", "ae").replace("ø", "o"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    foreign = [letter for letter in plain if letter.isalpha() and not letter.isascii()]
    if foreign:
        raise AlignmentError(
            f"The transcript's word '{token}' is not in Latin letters; only English can be aligned: leave the "
            "transcript out for other languages"
        )
    word = re.sub(r"[^A-Za-z']", "", plain).strip("'")
    if not word:
        return []
    return [word if word.isupper() and len(word) > 1 else word.lower()]


def _timed_cues(text: str) -> list[Cue]:
    cues: list[Cue] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        at = next((i for i, line in enumerate(lines) if TIMING.search(line)), None)
        if at is None:
            continue
        match = TIMING.search(lines[at])
        assert match is not None
        start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
        if end <= start:
            raise AlignmentError(f"A subtitle ends before it starts (at {start:.2f} s); correct its times")
        cues.append(Cue(words_of(" ".join(lines[at + 1 :])), start, end))
    return cues


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600.0 + int(minutes) * 60.0 + int(seconds) + int(fraction) / 10.0 ** len(fraction)
