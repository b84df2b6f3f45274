"""Which language a text is in, by its commonest words; and its words, where they are not English."""

import re
import unicodedata

from face_emote.audio.directions import spoken_part
from face_emote.audio.spoken_words import LONGEST_WORD, Said
from face_emote.core.assets import asset_table

COMMON: dict[str, str] = asset_table("phones/languages.toml")["common"]
"""Of subtitles. The rules know the spelling of some of these; the others are here to be told from them."""
LETTERS = {
    "de": "ßäöü", "es": "ñ¿¡", "pt": "ãõç", "fr": "çêèùœ", "pl": "łąęćśżź", "fi": "äö", "tr": "ğışç", "sv": "åäö",
    "da": "æøå", "cs": "řěůžš", "hu": "őűöü", "ro": "țșăâ", "it": "ìòèù",
}  # fmt: skip
"""That tell a little, where words do not."""
_LETTER_WEIGHT = 0.4
NAMES = {"sv": "Swedish", "da": "Danish", "cs": "Czech", "hu": "Hungarian", "ro": "Romanian"}
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)*")
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
_UNSPACED_LETTERS = 2  # Alphabets that put no spaces between words, and about how many of their letters are one.
_FEW_FOREIGN, _FOREIGN_SHARE = 3, 0.5
"""Words of another alphabet that may be all of a transcript (a name), and the share of them in a text that is in it."""


def language_of(text: str) -> str:
    """The code of one of `COMMON`; English where nothing tells; empty for other alphabets than the Latin one."""
    tokens = [token.lower() for token in _TOKEN.findall(unicodedata.normalize("NFC", text.replace("’", "'")))]
    others = sum(_foreign_words(token) for token in tokens)
    if others > max(_FEW_FOREIGN, _FOREIGN_SHARE * len(tokens)):
        return ""
    counts = {
        code: sum((token in known) + _LETTER_WEIGHT * bool(set(token) & set(LETTERS.get(code, ""))) for token in tokens)
        for code, known in _KNOWN.items()
    }
    best = max(counts, key=lambda code: counts[code])  # the first of equals: English
    return best


def said_in(text: str, language: str) -> Said:
    """The words of a text of another language than English, in lower case; what is in digits is not said."""
    directions: list[str] = []
    unsaid: list[str] = []
    plain = spoken_part(unicodedata.normalize("NFC", text).replace("’", "'"), directions)
    plain = re.sub(r"\d+(?:[.,:]\d+)*", lambda match: _in_words(match[0], language, unsaid), plain)
    if language == "tr":
        plain = plain.replace("I", "ı").replace("İ", "i")
    words = [word.lower() for word in _TOKEN.findall(plain)]
    readable = [word for word in words if _is_latin(word) and len(word) <= LONGEST_WORD]
    return Said(tuple(readable), tuple(directions), (), (*unsaid, *(word for word in words if word not in readable)))


def _in_words(figure: str, language: str, unsaid: list[str]) -> str:
    digits = figure.replace(",", ".")
    try:
        from num2words import num2words

        return f" {num2words(float(digits) if '.' in digits else int(digits), lang=language)} "
    except (ImportError, NotImplementedError, ValueError, OverflowError):
        unsaid.append(figure)
        return " "


def _foreign_words(token: str) -> int:
    if _is_latin(token):
        return 0
    unspaced = sum(unicodedata.name(letter, "").startswith(_UNSPACED) for letter in token)
    return max(1, -(-unspaced // _UNSPACED_LETTERS))


def _is_latin(token: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in token if letter.isalpha())


_KNOWN = {code: frozenset(line.split()) for code, line in COMMON.items()}
