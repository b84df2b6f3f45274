"""Which vowels are stressed: by the shape of the word when it is known, by the voice when it is not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from face_emote.audio.letter_rules import STRESSED
from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ, VOWELS
from face_emote.core.types import Phone, Prosody

REDUCED = {"AH": 1.0, "ER": 0.6, "IH": 0.5}  # How readily a vowel stands in a weak syllable; all others are full.
WEAK_WORDS = frozenset(
    "a an the and or but nor of to in on at by for from with as than that is am are was were be been has had have do "
    "does did will would can could shall should may might must it its he him his she her they them their we us our "
    "you your i my me so if then there".split()
)
PULLS_BEFORE = ("tion", "sion", "ic", "ics", "ical", "ity", "ian", "ial", "ious", "eous", "graphy", "logy")
"""Endings that draw the stress to the syllable before them."""
NEIGHBOURHOOD_SECS = 1.5
SHORTEST_STRESSED = 2  # Of languages whose weak words are not known: words of so few phones have no stress.


def word_stress(word: str, phones: Sequence[str], *, language: str = "en") -> tuple[int, ...]:
    """Stress of each phone of a word: 1 primary, 2 secondary, 0 none (all consonants, weak words).

    Without stress marks in the dictionary the place is judged: full vowels before reduced ones, early ones before
    late ones, except where the ending draws it (`nation`, `economic`).
    """
    out = [0] * len(phones)
    vowels = [i for i, phone in enumerate(phones) if phone in VOWELS]
    if not vowels or word.lower() in WEAK_WORDS:
        return tuple(out)
    if language in STRESSED:
        out[vowels[max(STRESSED[language], -len(vowels))]] = int(len(phones) > SHORTEST_STRESSED)
        return tuple(out)
    letters = word.lower().removesuffix("s")
    ending = next((e for e in PULLS_BEFORE if letters.endswith(e) and letters != e), None)
    after = 0
    if ending is not None and len(vowels) > 1:
        after = 2 if ending in ("ical", "ity", "graphy", "logy") else 1
    if after and len(vowels) > after:
        main = len(vowels) - 1 - after
    else:
        scores = [-REDUCED.get(phones[i], 0.0) - 0.15 * k for k, i in enumerate(vowels)]
        main = int(np.argmax(scores))
    out[vowels[main]] = 1
    for k, i in enumerate(vowels):
        if abs(k - main) >= 2 and phones[i] not in REDUCED:
            out[i] = 2
    return tuple(out)


def heard_stress(phones: Sequence[Phone], prosody: Prosody) -> tuple[Phone, ...]:
    """Give vowels a stress from how they sound: longer, louder and higher than the vowels within 1.5 s around."""
    index = [i for i, phone in enumerate(phones) if phone.label in VOWELS]
    out = list(phones)
    if not index:
        return tuple(out)
    loudness, octaves = prosody.loudness_db, np.log2(np.nan_to_num(prosody.f0_hz, nan=1.0))
    measures = np.array([_measures(phones[i], loudness, octaves=octaves) for i in index])
    centres = np.array([phones[i].centre_secs for i in index])
    first = np.searchsorted(centres, centres - NEIGHBOURHOOD_SECS)
    stop = np.searchsorted(centres, centres + NEIGHBOURHOOD_SECS, side="right")
    for row, i in enumerate(index):
        around = measures[first[row] : stop[row]]
        spread = np.maximum(around.std(axis=0), (0.02, 1.5, 0.05))
        prominence = float(((measures[row] - around.mean(axis=0)) / spread).sum())
        prominence -= 0.8 * REDUCED.get(phones[i].label, 0.0)
        out[i] = replace(phones[i], stress=1 if prominence > 0.8 else 2 if prominence > 0.0 else 0)
    return tuple(out)


def _measures(
    phone: Phone, loudness: Float[Array, " frames"], *, octaves: Float[Array, " frames"]
) -> tuple[float, float, float]:
    """Duration in seconds, peak level in dB, highest pitch in octaves (0 when unvoiced)."""
    first = min(int(phone.start_secs * FEATURE_HZ), len(loudness) - 1)
    part = slice(first, max(first + 1, round(phone.end_secs * FEATURE_HZ)))
    return phone.end_secs - phone.start_secs, float(loudness[part].max()), float(octaves[part].max())
