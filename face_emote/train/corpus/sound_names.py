"""Names of sounds in the nearest ARPAbet: IPA (espeak-ng), Japanese (open_jtalk), flite. Nearest to the eye first."""

import unicodedata

VOWELS = {
    "aɪ": "AY", "ai": "AY", "eɪ": "EY", "ei": "EY", "ɛɪ": "EY", "ɔɪ": "OY", "ɔø": "OY", "œy": "OY", "aʊ": "AW",
    "ʌʊ": "AW", "ɐʊ": "AW", "au": "AW", "oʊ": "OW", "əʊ": "OW", "eː": "EY", "oː": "OW", "ɜː": "ER", "ɚ": "ER",
    "ɝ": "ER", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "y": "UW", "ʏ": "UH", "e": "EH", "ɛ": "EH", "æ": "AE",
    "a": "AA", "ɐ": "AH", "ə": "AH", "ɜ": "AH", "ɑ": "AA", "ɒ": "AO", "ɔ": "AO", "ʌ": "AH", "ɤ": "AH", "o": "AO",
    "ʊ": "UH", "u": "UW", "ʉ": "UW", "ɯ": "UH", "ø": "UW", "œ": "UH", "ɵ": "UH",
}  # fmt: skip
CONSONANTS = {
    "tʃ": "CH", "dʒ": "JH", "tɕ": "CH", "dʑ": "JH", "sx": "SH", "p": "P", "b": "B", "m": "M", "f": "F", "v": "V",
    "t": "T", "d": "D", "n": "N", "s": "S", "z": "Z", "k": "K", "c": "K", "q": "K", "ɡ": "G", "g": "G", "ɟ": "G",
    "ɣ": "G", "l": "L", "ɫ": "L", "ɭ": "L", "ʎ": "L", "r": "L", "ɾ": "D", "ɽ": "D", "ɹ": "R", "ɻ": "R", "ʁ": "HH",
    "ʀ": "HH", "x": "HH", "χ": "HH", "h": "HH", "ɦ": "HH", "ç": "HH", "β": "B", "ʋ": "V", "w": "W", "ɥ": "W",
    "ʍ": "W", "j": "Y", "ʝ": "Y", "ɲ": "N", "ɳ": "N", "ŋ": "NG", "ɴ": "NG", "θ": "TH", "ð": "DH", "ʃ": "SH",
    "ʒ": "ZH", "ɕ": "SH", "ʑ": "ZH", "ʂ": "SH", "ʐ": "ZH", "ɸ": "HH", "ɖ": "D", "ʈ": "T",
}  # fmt: skip
"""A trilled r is L (the tongue's tip moves, the lips do not), a tap D; English R rounds the lips. German ç, x: HH."""
_IPA = VOWELS | CONSONANTS
_LONGEST = max(map(len, _IPA))
_IGNORED = "ˈˌʲˠˤʰ-'̩"

JAPANESE = {
    "sil": "SIL", "pau": "SIL", "a": "AA", "i": "IY", "u": "UH", "e": "EH", "o": "AO", "N": "N", "k": "K", "ky": "K",
    "g": "G", "gy": "G", "s": "S", "sh": "SH", "z": "Z", "j": "JH", "t": "T", "ty": "T", "ts": "T", "ch": "CH",
    "d": "D", "dy": "D", "n": "N", "ny": "N", "h": "HH", "hy": "HH", "f": "HH", "v": "V", "b": "B", "by": "B",
    "p": "P", "py": "P", "m": "M", "my": "M", "y": "Y", "r": "D", "ry": "D", "w": "W", "kw": "K", "gw": "G",
}  # fmt: skip
"""open_jtalk's sounds; capital vowels are voiceless. `cl` is the closure of the consonant that follows."""
FLITE = {"pau": "SIL", "ax": "AH", "axr": "ER", "ix": "IH", "dx": "D", "nx": "N", "el": "L", "em": "M", "en": "N"}


def ipa_sounds(name: str) -> list[str]:
    """ARPAbet of one phoneme name of espeak-ng, in order; nothing when no sound in it is known."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c) or c == "̧")
    plain = unicodedata.normalize("NFC", plain)
    plain = "".join(c for c in plain if c not in _IGNORED)
    out: list[str] = []
    at = 0
    while at < len(plain):
        for size in range(min(_LONGEST, len(plain) - at), 0, -1):
            if plain[at : at + size] in _IPA:
                out.append(_IPA[plain[at : at + size]])
                at += size
                break
        else:
            at += 1
    return out


def japanese_sound(name: str, *, after: str | None) -> str | None:
    """ARPAbet of a sound of open_jtalk; `after` is the next one, which decides about a closure."""
    if name == "cl":
        return None if after is None or after == "cl" else japanese_sound(after, after=None)
    return JAPANESE.get(name.lower() if name in "AIUEO" else name)


def flite_sound(name: str) -> str:
    """ARPAbet of a phone of flite."""
    return FLITE.get(name, name.upper())
