"""How languages with a regular spelling are read: rules by hand, in the nearest phones of English.

What counts is what the lips do and what the phone net, which knows English sounds, makes of them.
"""

import re
import unicodedata
from functools import lru_cache

from face_emote.core.assets import asset_table

RULES: dict[str, str] = asset_table("phones/languages.toml")["spelling"]
"""By language: regular expressions and phones; the first that fits is read, `_` is silent. Whatever none reads is read
as `PLAIN`; one of two equal consonants is read."""
PLAIN = dict(zip("bdfgklmnpqrstvwxyzh", "B D F G K L M N P K R S T V W S IY Z HH".split(), strict=True))
STRESSED = {"de": 0, "nl": 0, "fi": 0, "pl": -2, "es": -2, "it": -2, "pt": -2, "id": -2, "fr": -1, "tr": -1}
"""Which vowel of a word is stressed."""


def read_by_rule(word: str, language: str) -> tuple[str, ...]:
    """The phones of a word of one of `RULES`."""
    if language == "tr":
        word = word.replace("I", "ı").replace("İ", "i")
    letters = unicodedata.normalize("NFC", word.lower())
    rules, sounds = _compiled(language)
    phones: list[str] = []
    at = 0
    while at < len(letters):
        match = rules.match(letters, at)
        doubled = at > 0 and letters[at] == letters[at - 1] and letters[at] in PLAIN
        if match is not None and match.end() > at and match.lastindex is not None:
            phones += sounds[match.lastindex - 1]
            at = match.end()
            continue
        plain = unicodedata.normalize("NFD", letters[at])[0]
        if not doubled and plain in PLAIN:
            phones.append(PLAIN[plain])
        at += 1
    return tuple(phones)


@lru_cache(maxsize=16)
def _compiled(language: str) -> tuple[re.Pattern[str], list[list[str]]]:
    rows = [rule.split(maxsplit=1) for line in RULES[language].strip().splitlines() for rule in line.split(" | ")]
    pattern = "|".join(f"({spelling})" for spelling, _ in rows)
    return re.compile(pattern), [[] if sound.strip() == "_" else sound.split() for _, sound in rows]
