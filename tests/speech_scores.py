"""Made-up speech for the tests of the mouth."""

from collections.abc import Sequence

import numpy as np

from face_emote.core.names import FEATURE_HZ, PHONES
from face_emote.core.types import Phone, Prosody, SpeechAnalysis


def spoken(
    labels: str | Sequence[str],
    *,
    phone_secs: float = 0.09,
    silence_secs: float = 0.8,
    aligned: bool = True,
    confidence: float = 1.0,
    loudness_db: float | Sequence[float] = -20.0,
) -> SpeechAnalysis:
    """Phones of equal length (`SIL` of `silence_secs`), each with its own loudness if a list is given."""
    names = labels.split() if isinstance(labels, str) else list(labels)
    levels = [loudness_db] * len(names) if isinstance(loudness_db, float | int) else list(loudness_db)
    lengths = [silence_secs if name == "SIL" else phone_secs for name in names]
    ends = np.cumsum(lengths) if names else np.zeros(1)
    phones = tuple(
        Phone(name, float(end - length), float(end), confidence=confidence)
        for name, length, end in zip(names, lengths, ends, strict=False)
    )
    frames = int(np.ceil(ends[-1] * FEATURE_HZ)) + 1
    loudness = np.full(frames, -60.0)
    for phone, level in zip(phones, levels, strict=True):
        if phone.label != "SIL":
            loudness[int(phone.start_secs * FEATURE_HZ) : int(phone.end_secs * FEATURE_HZ) + 1] = level
    nothing = np.zeros(frames)
    prosody = Prosody(loudness_db=loudness, f0_hz=nothing, voiced=nothing, speaking=nothing, tremor=nothing)
    return SpeechAnalysis(duration_secs=float(ends[-1]), phones=phones, prosody=prosody, pauses=(), aligned=aligned)


def babble(seed: int, *, num_phones: int = 40, with_silence: bool = True) -> SpeechAnalysis:
    """Random phones of random lengths, 30-220 ms, silence now and then."""
    rng = np.random.default_rng(seed)
    names = [str(name) for name in rng.choice(PHONES[0 if with_silence else 1 :], num_phones)]
    lengths = rng.uniform(0.03, 0.22, num_phones)
    ends = np.cumsum(lengths)
    phones = tuple(
        Phone(name, float(end - length), float(end), stress=int(rng.integers(0, 3)))
        for name, length, end in zip(names, lengths, ends, strict=True)
    )
    frames = int(np.ceil(ends[-1] * FEATURE_HZ)) + 1
    nothing = np.zeros(frames)
    prosody = Prosody(
        loudness_db=rng.uniform(-45.0, -10.0, frames), f0_hz=nothing, voiced=nothing, speaking=nothing, tremor=nothing
    )
    return SpeechAnalysis(duration_secs=float(ends[-1]), phones=phones, prosody=prosody, pauses=(), aligned=True)
