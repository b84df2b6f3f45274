"""How a word may be said, in the phones of English: the likeliest way first."""

from functools import lru_cache

from face_emote.audio.letter_rules import RULES, read_by_rule
from face_emote.audio.spelling import load_speller

LETTER_NAMES = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
VOWEL_LETTERS = frozenset("aeiouy")
LONGEST_ACRONYM = 5
SPELT = ("en", *RULES)  # Languages whose spelling is known.


@lru_cache(maxsize=4096)
def pronunciations(word: str, *, language: str = "en") -> tuple[tuple[str, ...], ...]:
    """Ways to say a word of one of `SPELT`; none is empty, and there is at least one.

    In English, all capitals without a vowel, or up to five letters long, are spelt out letter by letter, or read.
    """
    if language != "en":
        return (read_by_rule(word, language) or ("AH",),)
    letters = word.lower()
    by_name = tuple(phone for letter in letters for phone in LETTER_NAMES.get(letter, "").split())
    ways = [] if not set(letters) & VOWEL_LETTERS else load_speller().spelt(letters)
    if word.isupper() and len(word) <= LONGEST_ACRONYM:
        ways = [by_name, *ways]
    return tuple(ways) or (by_name or ("AH",),)
