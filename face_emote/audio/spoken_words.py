"""The words of a text as they are said: numbers spelt out, other alphabets in Latin letters, directions gone."""

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from face_emote.audio.directions import spoken_part
from face_emote.audio.spoken_numbers import spell_numbers

LONGEST_WORD, LONGEST_FIGURE = 60, 300  # Letters, and digits; longer ones are no words.
ABBREVIATIONS = {
    "mr": "mister", "mrs": "missus", "ms": "miss", "dr": "doctor", "prof": "professor", "st": "saint",
    "jr": "junior", "sr": "senior", "vs": "versus", "etc": "et cetera",
}  # fmt: skip
SIGNS = {
    "&": " and ", "@": " at ", "+": " plus ", "=": " equals ", "%": " percent ", "°": " degrees ", "×": " times ",
    "÷": " divided by ", "±": " plus or minus ", "²": " squared ", "³": " cubed ",
}  # fmt: skip
VOWELS = frozenset("aeiouyAEIOUY")

_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
"""Soft hyphens, joiners, marks of direction and of order."""
_APOSTROPHE = re.compile("[\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02bd\u2032\u00b4`\u055a\ua78c\uff07]")
_VULGAR = re.compile(" ?([\u00bc-\u00be\u2150-\u215e\u2189])")
_MARKS = re.compile("[\u00a9\u00ae\u2122\u2120]")
_BUT_POWERS = re.compile("[^\u00b2\u00b3]+")
_INITIALS = re.compile(r"\b([A-Za-z])\.(?=[A-Za-z]\.)")
_ADDRESS = re.compile(r"(?<=\w)\.(?=(?:com|org|net|edu|gov|co|io|uk|de|fr|tv|ai|app|dev)\b)")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")
_PLAIN: dict[int, int | str] = {
    **str.maketrans("łŁøØđĐðı", "lLoOdDdi"), ord("þ"): "th", ord("æ"): "ae", ord("œ"): "oe", ord("ß"): "ss",
}  # fmt: skip
"""Letters that are more than a plain one with an accent."""
_LETTERS = re.compile("[A-Za-z'\x80-\U0010ffff]+")
_TOO_LONG = re.compile(rf"[^\W\d_]{{{LONGEST_WORD + 1},}}|\d{{{LONGEST_FIGURE + 1},}}")
_WORD = re.compile(r"[A-Za-z']+\.?")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a text, and what is not."""

    words: tuple[str, ...]
    """Lower case, letters and inner apostrophes only; a word that was all capitals keeps them (it may be spelt)."""
    directions: tuple[str, ...] = ()  # Left out, because nobody says them.
    foreign: tuple[str, ...] = ()
    """Written in another alphabet; their letters are among the words where they can be read."""
    unsaid: tuple[str, ...] = ()  # Left out, because they cannot be read.


def words_of(text: str) -> tuple[str, ...]:
    """The words as they are said."""
    return said_of(text).words


def said_of(text: str) -> Said:
    """The words as they are said, and what of the text is none."""
    directions: list[str] = []
    foreign: list[str] = []
    unsaid: list[str] = []

    def too_long(match: re.Match[str]) -> str:
        unsaid.append(match[0])
        return " "

    text = _TOO_LONG.sub(too_long, _normalised(text))
    text = spell_numbers(spoken_part(text, directions))
    text = _ADDRESS.sub(" dot ", _INITIALS.sub(r"\1 ", text))  # U.S. is said letter by letter
    for sign, said in SIGNS.items():
        text = text.replace(sign, said)

    def romanised(match: re.Match[str]) -> str:
        if match[0].isascii():
            return match[0]
        letters, is_foreign = _romanised(match[0])
        if is_foreign:
            foreign.append(match[0])
            if not set(letters) & VOWELS:  # the alphabets without vowels, and what nobody can read
                unsaid.append(match[0])
                return " "
        return letters

    text = _BEYOND_ASCII.sub(lambda match: "".join(s if _is_letter(s) else " " for s in match[0]), text)
    text = _LETTERS.sub(romanised, text)
    words = [word for token in _WORD.findall(text) for word in _cleaned(token)]
    unsaid += [word for word in words if len(word) > LONGEST_WORD]
    kept = tuple(word for word in words if len(word) <= LONGEST_WORD)
    return Said(kept, tuple(directions), tuple(foreign), tuple(unsaid))


def joined(parts: Iterable[Said]) -> Said:
    """Several texts as one."""
    found = list(parts)
    return Said(*(tuple(item for part in found for item in getattr(part, name)) for name in Said.__slots__))


def _normalised(text: str) -> str:
    """One way to write what can be written in several; fractions keep apart from the whole number before them."""
    text = _APOSTROPHE.sub("'", _MARKS.sub("", _UNSEEN.sub("", text)))
    text = _VULGAR.sub(r" \1", text).replace("№", "#")
    return _BUT_POWERS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)


def _romanised(token: str) -> tuple[str, bool]:
    """A word in the letters of English, and whether any of it is of another alphabet than the Latin one."""
    foreign = any(
        letter.isalpha() and not letter.isascii() and not unicodedata.name(letter, "").startswith("LATIN")
        for letter in token
    )
    plain = (letter if letter.isascii() else re.sub(r"[^A-Za-z]", "", in_plain_letters(letter)) for letter in token)
    return "".join(plain), foreign


def in_plain_letters(text: str) -> str:
    """In ASCII, other alphabets by their sounds."""
    with suppress(ImportError):  # the engine inside Blender has accents taken off; what is left is passed over
        from anyascii import anyascii

        return anyascii(text)
    return unicodedata.normalize("NFKD", text.translate(_PLAIN)).encode("ascii", "ignore").decode()


def _is_letter(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LM"


def _cleaned(token: str) -> list[str]:
    plain = token.rstrip(".").lower()
    if token.endswith(".") and plain in ABBREVIATIONS:
        return ABBREVIATIONS[plain].split()
    word = token.rstrip(".").strip("'")
    if not word:
        return []
    return [word if word.isupper() and len(word) > 1 else word.lower()]
