"""Phones with times, whose names of sounds become the nearest ARPAbet (nearest to the eye first).

IPA of espeak-ng, Japanese of open_jtalk, flite's, EmoDB's hand labels. Clips of such speech have the lips that the
animator's rules make of it, because nobody saw its own.
"""

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import CorpusError
from face_emote.core.names import PHONES, SAMPLE_RATE_HZ
from face_emote.core.reading import content_of
from face_emote.core.records import parsed_json
from face_emote.core.types import Phone
from face_emote_lab.train.corpus.cache import ClipData, num_frames_of
from face_emote_lab.train.corpus.lips import UNKNOWN, loudness_only, phone_index, teacher_lips

Rows = list[tuple[str, float, float]]
"""Label, start and end of sounds, ascending."""

IPA_VOWELS = {
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
_IPA = IPA_VOWELS | CONSONANTS
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


SPHINX_LATE_SECS = 0.0078
"""A boundary of the aligner lies this much later than it says: its frames are named after the start of their
25.6 ms windows, not after their centres (half a window minus half a hop)."""
EMODB_LATE_SECS = 0.06
"""EmoDB's sound lags its labels by this much (measured with a phone net over 82 clips: quartiles 50 and 70 ms)."""
SHORTEST_SECS = 1e-3

GERMAN = dict(
    pair.split(":")
    for pair in (
        "p:P b:B m:M f:F v:V t:T d:D n:N s:S z:Z k:K g:G l:L N:NG S:SH Z:ZH C:HH x:HH X:HH h:HH H:HH j:Y R:R r:R 6:AH "
        "@:AH I:IH i:IY E:EH e:EY a:AA A:AA O:AO o:OW U:UH u:UW Y:UH y:UW 2:UW 9:ER aI:AY aU:AW OY:OY D:D G:G "
        "L:L .:SIL (:SIL 4:R B:B V:V"
    ).split()
)
"""EmoDB's labels as the nearest English sounds."""


def read_aligned(path: Path) -> dict[str, Rows]:
    """Label, start and end of each phone by clip, from a table of `[word, phone, start, end, score]` rows.

    Raises:
        CorpusError: the file is missing or of another form.
    """
    try:
        table: Any = parsed_json(content_of(path))
        return {
            str(name): [(str(row[1]), float(row[2]), float(row[3])) for row in rows] for name, rows in table.items()
        }
    except OSError as error:
        raise CorpusError(f"The phones cannot be read ({error.strerror}); check the data folder: {path}") from None
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
        raise CorpusError(f"This is not a table of aligned phones ({error}); make it again: {path}") from None


def read_lablaut(path: Path) -> Rows:
    """EmoDB's hand labels: after `#`, each line gives the end of a sound in seconds, a colour and a label.

    Raises:
        CorpusError: the file is missing, or a time is not a number.
    """
    rows: Rows = []
    before = 0.0
    try:
        for line in content_of(path).decode("latin-1").partition("#")[2].splitlines():
            fields = line.split()
            if len(fields) < 2:
                continue
            name, end = fields[2] if len(fields) > 2 else "", float(fields[0])
            if not name or name[0] in "+-":  # the sound goes on, coloured otherwise
                label = rows[-1][0] if rows else "SIL"
            else:
                name = name.lstrip("_!").removesuffix("asp")
                name = name[:-1] if len(name) > 1 and name.endswith("6") else name
                label = GERMAN.get(name, UNKNOWN)
            rows.append((label, before, end))
            before = end
    except OSError as error:
        raise CorpusError(f"The labels cannot be read ({error.strerror}); check the data folder: {path}") from None
    except ValueError as error:
        raise CorpusError(f"These are not xwaves labels ({error}): {path}") from None
    return rows


def phones_from(rows: Rows, *, duration_secs: float, late_secs: float = 0.0) -> tuple[Phone, ...]:
    """Gapless phones from 0 to the end of the sound; gaps become silence, unknown labels stay as they are.

    Args:
        rows: label, start, end; ascending. Labels that are no phone become UNKNOWN, noises in `+` silence.
        duration_secs: of the sound; what lies behind is cut off.
        late_secs: added to all times.
    """
    out: list[Phone] = []
    at = 0.0
    for label, start, end in rows:
        start = min(max(start + late_secs if start > 0.0 else 0.0, at), duration_secs)
        end = min(max(end + late_secs, start), duration_secs)
        if start - at >= SHORTEST_SECS:
            out.append(Phone("SIL", at, start))
            at = start
        if end - at >= SHORTEST_SECS:
            name = "SIL" if label.startswith("+") else label if label in PHONES else UNKNOWN
            out.append(Phone(name, at, end))
            at = end
    if duration_secs - at >= SHORTEST_SECS or not out:
        out.append(Phone("SIL", at, duration_secs))
    return tuple(out)


def taught_clip(samples: Float[Array, " samples"], *, rows: Rows, late_secs: float = 0.0) -> ClipData:
    """A clip whose lips are the teacher's, all of them known; `late_secs` as in `phones_from`."""
    duration = len(samples) / SAMPLE_RATE_HZ
    phones = phones_from(rows, duration_secs=duration, late_secs=late_secs)
    lips = teacher_lips(phones, prosody=loudness_only(samples), duration_secs=duration)
    index = phone_index(phones, num_frames=num_frames_of(len(samples)))
    return ClipData(samples=samples, lips=lips, known=np.ones(lips.shape, np.uint8), phones=index)
