"""Speech made up for tests: phones, loudness and pitch of somebody who talks in phrases."""

import numpy as np

from face_emote.core.names import FEATURE_HZ
from face_emote.core.types import Pause, Phone, Prosody, SpeechAnalysis

VOWELS = ("AA", "EH", "IY", "OW", "AE", "UW", "AY")
CONSONANTS = ("B", "P", "M", "T", "S", "K", "L", "N", "W", "F", "R", "D")


def spoken(secs: float = 12.0, *, seed: int = 0, question: bool = False, gap: float | None = None) -> SpeechAnalysis:
    """Half a second of silence, then phrases of 8-20 syllables with pauses between; `question` lifts their ends."""
    rng = np.random.default_rng(seed)
    phones: list[Phone] = []
    time = 0.0

    def say(label: str, length: float, stress: int = 0) -> None:
        nonlocal time
        end = min(time + length, secs)
        if end > time:
            phones.append(Phone(label, time, end, stress))
        time = end

    say("SIL", 0.5)
    while time < secs - 0.8:
        for _ in range(int(rng.integers(8, 20))):
            if time > secs - 0.8:
                break
            say(str(rng.choice(CONSONANTS)), rng.uniform(0.05, 0.1))
            say(str(rng.choice(VOWELS)), rng.uniform(0.08, 0.2), int(rng.random() < 0.4))
        say("SIL", min(gap or rng.uniform(0.25, 0.9), max(secs - time, 0.0)))
    say("SIL", secs - time)
    return analysis_of(tuple(phones), secs=secs, rng=rng, question=question)


def silent(secs: float) -> SpeechAnalysis:
    """Nobody says anything."""
    return analysis_of((Phone("SIL", 0.0, secs),), secs=secs, rng=np.random.default_rng(0))


def analysis_of(
    phones: tuple[Phone, ...], *, secs: float, rng: np.random.Generator, question: bool = False
) -> SpeechAnalysis:
    length = int(secs * FEATURE_HZ) + 1
    loud, pitch = np.full(length, -60.0), np.full(length, np.nan)
    for i, phone in enumerate(phones):
        span = slice(int(phone.start_secs * FEATURE_HZ), int(phone.end_secs * FEATURE_HZ))
        if phone.label == "SIL":
            continue
        vowel = phone.label in VOWELS
        loud[span] = -20.0 + 3.0 * phone.stress + rng.normal(0.0, 2.0) if vowel else -32.0
        if vowel:
            ending = question and all(p.label == "SIL" or p.label not in VOWELS for p in phones[i + 1 : i + 3])
            pitch[span] = 120.0 * 2.0 ** ((rng.normal(0.0, 1.0) + 2.0 * phone.stress + 9.0 * ending) / 12.0)
    prosody = Prosody(
        loudness_db=loud.astype(np.float32),
        f0_hz=pitch.astype(np.float32),
        voiced=np.isfinite(pitch).astype(np.float32),
        speaking=(loud > -50.0).astype(np.float32),
        tremor=np.zeros(length, np.float32),
    )
    pauses = tuple(Pause(p.start_secs, p.end_secs) for p in phones if p.label == "SIL")
    return SpeechAnalysis(secs, phones, prosody, pauses, aligned=True)
