"""From phones to visemes: what the mouth must do, made once for a clip."""

from dataclasses import replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ, VOWELS
from face_emote.core.types import Phone, Prosody, SpeechAnalysis
from face_emote.motion.mouth.coarticulation import Segments
from face_emote.motion.mouth.viseme_table import CHANNELS, DIPHTHONGS, GROUPS, NUCLEUS_SHARE, VISEMES, target_row

MICROPAUSE_SECS = 0.25  # A shorter silence leaves the mouth slightly open.
BREATH_SECS = 0.24
"""The mouth opens so long before speech: the GRID talker's does, to breathe in, whatever the first phone is."""
BREATH_MIN_SILENCE_SECS = 0.5
SHORTEST_SECS = 1e-3
LOUDNESS_GAIN = 0.12
"""Jaw and gap of a vowel per standard deviation of vowel loudness. JALI's bands (0.1-0.2, 0.3-0.6, 0.7-0.9 of the jaw)
would be 0.5; sentences on the GRID tapes show no such effect, so this is a choice between the two."""
LOUDNESS_RANGE = 1.5
QUIETEST_SPREAD_DB = 3.0  # Of even speech, differences below this are not exaggerated.
STRESS_GAIN = {0: 0.94, 1: 1.06, 2: 1.0}
CLARITY = 1.15  # The tables are fast command speech; an audience is spoken to more clearly.
UNSURE_MIN = 0.4  # Share of its shape that a phone keeps which was heard without any confidence.

_GAP, _JAW = CHANNELS.index("gap"), CHANNELS.index("jaw")
_MEAN_SPEECH = np.array([0.07, -0.02, 0.20, 0.08, 0.0, 0.0])
"""Where a mouth is on average while it speaks; unsure phones fall back towards it."""


def segments_from(analysis: SpeechAnalysis) -> Segments:
    """Visemes of a whole clip: duplicates merged, diphthongs split, pauses and breaths set apart from silence."""
    phones = merged(analysis.phones)
    loudness = vowel_loudness(phones, prosody=analysis.prosody)
    rows: list[tuple[float, float, str, Float[Array, " channel"], float]] = []
    for i, phone in enumerate(phones):
        gain = CLARITY * (1.0 + LOUDNESS_GAIN * loudness[i]) * STRESS_GAIN.get(phone.stress, 1.0)
        sure = 1.0 if analysis.aligned else UNSURE_MIN + (1.0 - UNSURE_MIN) * phone.confidence
        parts = _parts(phone, is_last=i == len(phones) - 1, is_first=i == 0)
        for start, end, label in parts:
            rows.append((start, end, label, _target(label, gain=gain, sure=sure), _speech_share(label)))
    return Segments(
        start_secs=np.array([row[0] for row in rows]),
        end_secs=np.array([row[1] for row in rows]),
        group=np.array([GROUPS.index(VISEMES[row[2]].group) for row in rows], np.int64),
        targets=np.array([row[3] for row in rows]).reshape(-1, len(CHANNELS)),
        strength=np.ones(len(rows)),
        speech=np.array([row[4] for row in rows]),
    )


def merged(phones: tuple[Phone, ...]) -> list[Phone]:
    """Runs of one label become one phone (JALI merges duplicate visemes); phones without length are dropped."""
    out: list[Phone] = []
    for phone in phones:
        if phone.end_secs - phone.start_secs < SHORTEST_SECS:
            continue
        if out and out[-1].label == phone.label:
            last = out[-1]
            out[-1] = replace(
                last,
                end_secs=phone.end_secs,
                stress=max(last.stress, phone.stress),
                confidence=max(last.confidence, phone.confidence),
            )
        else:
            out.append(phone)
    return out


def vowel_loudness(phones: list[Phone], *, prosody: Prosody) -> Float[Array, " phone"]:
    """Peak loudness of each vowel in standard deviations from the clip's mean vowel, +-LOUDNESS_RANGE; 0 elsewhere."""
    levels = np.full(len(phones), np.nan)
    for i, phone in enumerate(phones):
        if phone.label in VOWELS:
            first = int(phone.start_secs * FEATURE_HZ)
            part = prosody.loudness_db[first : max(first + 1, int(np.ceil(phone.end_secs * FEATURE_HZ)))]
            levels[i] = part.max() if len(part) else np.nan
    known = levels[np.isfinite(levels)]
    if not len(known):
        return np.zeros(len(phones))
    spread = max(float(known.std()), QUIETEST_SPREAD_DB)
    away = np.clip((levels - known.mean()) / spread, -LOUDNESS_RANGE, LOUDNESS_RANGE)
    return np.where(np.isfinite(away), away, 0.0)


def _parts(phone: Phone, *, is_first: bool, is_last: bool) -> list[tuple[float, float, str]]:
    start, end = phone.start_secs, phone.end_secs
    if phone.label in DIPHTHONGS:
        first, second = DIPHTHONGS[phone.label]
        middle = start + NUCLEUS_SHARE * (end - start)
        return [(start, middle, first), (middle, end, second)]
    if phone.label != "SIL":
        return [(start, end, phone.label)]
    if end - start < MICROPAUSE_SECS and not (is_first or is_last):
        return [(start, end, "PAUSE")]
    if end - start >= BREATH_MIN_SILENCE_SECS and not is_last:
        return [(start, end - BREATH_SECS, "SIL"), (end - BREATH_SECS, end, "BREATH")]
    return [(start, end, "SIL")]


def _target(label: str, *, gain: float, sure: float) -> Float[Array, " channel"]:
    row = target_row(label)
    if VISEMES[label].group == "vowel":
        row[[_GAP, _JAW]] *= gain
    elif VISEMES[label].group == "rounded":
        row[_JAW] *= gain
    return row if label in ("SIL", "PAUSE", "BREATH") else _MEAN_SPEECH + sure * (row - _MEAN_SPEECH)


def _speech_share(label: str) -> float:
    return {"SIL": 0.0, "BREATH": 0.3, "PAUSE": 0.7}.get(label, 1.0)
