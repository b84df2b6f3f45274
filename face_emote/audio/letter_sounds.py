"""Letter-to-sound rules for words that the pronouncing dictionary does not know (names, mostly).

Longest spelling first, left to right. Rough by nature: what counts for the lips is mostly in the consonants.
"""

from functools import lru_cache

from face_emote.core.names import VOWELS

RULES = """
^kn N | ^gn N | ^wr R | ^ps S | ^x Z | ^wh W | ^mc M AH K | ^gh G | ^rh R | ^ts S | tion$ SH AH N | tions$ SH AH N Z
sion$ ZH AH N | ssion SH AH N | cian SH AH N | cious SH AH S | tious SH AH S | tial SH AH L | cial SH AH L
ture$ CH ER | sure$ ZH ER | ous$ AH S | able$ AH B AH L | ible$ AH B AH L | ism$ IH Z AH M | ing$ IH NG
ings$ IH NG Z | age$ IH JH | ate$ EY T | ough$ OW | augh AO | ought AO T | eigh EY | igh AY | tch CH | dge JH
sch SH | sh SH | ch CH | ph F | th TH | ck K | qu K W | gh G | ght T | wh W | ng NG | nk NG K | sc+ S | cc+ K S
cc K | mb$ M | mn$ M | bt$ T | lk$ K | alk AO K | olk OW K | ee IY | ea IY | ear IH R | eer IH R | ere$ IH R
air EH R | are$ EH R | oo UW | ook UH K | oor AO R | ou AW | our AW ER | ow OW | own AW N | oa OW | oar AO R
oe$ OW | oi OY | oy OY | ai EY | ay EY | au AO | aw AO | ew UW | eu UW | ei IY | ey$ IY | ey EY | ie IY | ie$ IY
ies$ IY Z | ied$ IY D | ier$ IY ER | ue$ UW | ui UW | ia IY AH | io IY OW | iu IY AH | ua W AH | ar AA R | arr EH R
er ER | err EH R | ir ER | irr IH R | or AO R | ore$ AO R | ur ER | urr ER | yr IH R | ire$ AY ER | ure$ Y UH R
wor W ER | war W AO R | wa W AA | all$ AO L | ald AO L D | alt AO L T | oll$ OW L | old OW L D | ind$ AY N D
ild$ AY L D | ost$ OW S T | le$ AH L | les$ AH L Z | led$ AH L D | re$ ER | en$ AH N | on$ AH N | an$ AH N
man$ M AH N | son$ S AH N | ton$ T AH N | burg$ B ER G | ville$ V IH L | ham$ AH M | land$ L AH N D | berg$ B ER G
stein$ S T AY N | el$ AH L | al$ AH L | il$ AH L | us$ AH S | um$ AH M | is$ IH S | er$ ER | or$ ER | a$ AH | i$ IY
o$ OW | u$ UW | y$ IY | es$ Z | ed$ D | ted$ T IH D | ded$ D IH D | 's$ Z | s's$ S IH Z | ski$ S K IY | ini$ IY N IY
ino$ IY N OW | ina$ IY N AH | ello$ EH L OW | ella$ EH L AH | etti$ EH T IY
"""
"""Spelling and sound. `^` marks the start of a word, `$` its end, `+` that e, i or y follows."""
SINGLE = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH",
    "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH",
    "v": "V", "w": "W", "x": "K S", "y": "IH", "z": "Z", "'": "",
}  # fmt: skip
LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
LETTER_NAMES = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
VOWEL_LETTERS, SOFTENERS = "aeiouy", "eiy"
UNVOICED = frozenset("P T K F TH S SH CH HH".split())
LONGEST_ACRONYM = 5


def pronounce(word: str) -> tuple[str, ...]:
    """A guess at the phones of a word; never empty for a word that holds a letter.

    All capitals without a vowel, or up to five letters long, are spelt out letter by letter.
    """
    letters = word.lower()
    spelt = word.isupper() and (len(word) <= LONGEST_ACRONYM or not set(letters) & set(VOWEL_LETTERS))
    if spelt or not set(letters) & set(VOWEL_LETTERS):
        return tuple(phone for letter in letters if letter in LETTER_NAMES for phone in LETTER_NAMES[letter].split())
    phones: list[str] = []
    i = 0
    while i < len(letters):
        used, sound = _match(letters, i)
        phones.extend(sound.split())
        i += used
    phones = [phone for k, phone in enumerate(phones) if k == 0 or phone != phones[k - 1] or phone in VOWELS]
    if letters.endswith("s") and phones[-2:-1] and phones[-1] == "S" and phones[-2] not in UNVOICED | VOWELS:
        phones[-1] = "Z"
    return tuple(phones)


def _match(word: str, i: int) -> tuple[int, str]:
    """How many letters are read at position i, and their phones."""
    for size in range(min(7, len(word) - i), 1, -1):
        piece = word[i : i + size]
        for key in (f"^{piece}" if i == 0 else "", f"{piece}$" if i + size == len(word) and i > 0 else "", piece):
            if key in _rules():
                return size, _rules()[key]
        if piece + "+" in _rules() and word[i + size : i + size + 1] in tuple(SOFTENERS):
            return size, _rules()[piece + "+"]
    if word[i + 1 : i + 2] == word[i] and word[i] not in VOWEL_LETTERS:
        return 2, SINGLE[word[i]]
    return 1, _last_letter(word) if i == len(word) - 1 and i > 0 else _inner_letter(word, i)


def _last_letter(word: str) -> str:
    if word[-1] == "e":
        return "" if set(word[:-1]) & set(VOWEL_LETTERS) else "IY"
    return _rules().get(f"{word[-1]}$", SINGLE.get(word[-1], ""))


def _inner_letter(word: str, i: int) -> str:
    letter, after = word[i], word[i + 1 : i + 2] or " "
    if letter in "cg" and after in SOFTENERS:
        return "S" if letter == "c" else "JH"
    if letter == "y" and i == 0 and after in VOWEL_LETTERS:
        return "Y"
    if letter == "s" and i > 0 and word[i - 1] in VOWEL_LETTERS and after in VOWEL_LETTERS:
        return "Z"
    return LONG[letter] if letter in LONG and _is_long(word, i) else SINGLE.get(letter, "")


def _is_long(word: str, i: int) -> bool:
    """A vowel before one consonant and a silent e, as in `late`, or before a final s of such a word."""
    rest = word[i + 1 :]
    return len(rest) in (2, 3) and rest[0] not in VOWEL_LETTERS + "xw" and rest[1:] in ("e", "es", "ed")


@lru_cache(maxsize=1)
def _rules() -> dict[str, str]:
    pairs = (entry.strip().split(" ", 1) for line in RULES.strip().splitlines() for entry in line.split("|"))
    return {spelling: sound for spelling, sound in pairs}
