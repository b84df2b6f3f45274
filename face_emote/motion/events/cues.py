"""What in the speech moves the rest of the face: phrases, stressed syllables, questions, loudness.

Made once for the clip from its analysis. Head, brows, gaze, blinks and breath are all timed by these cues, which is
why they look like one person's.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ, VOWELS
from face_emote.core.types import Phone, Prosody, SpeechAnalysis
from face_emote.motion.events.curves import ease, since_and_until

PHRASE_GAP_SECS = 0.22  # A silence this long ends a phrase (shorter ones are stops and hesitations).
ACCENT_GAP_SECS = 0.25
ACCENT_SECS = 0.15  # Half width of an accent's bump: it is above half its height for this long.
LEAVE_SECS, COME_SECS = (0.04, 0.24), (0.05, 0.2)
"""Seconds that the mouth waits after a phrase and takes to leave it; and those before the next by which it is back."""


@dataclass(frozen=True, slots=True)
class SpeechCues:
    """The timing of a clip's speech; all times in seconds, in order."""

    duration_secs: float
    phrases: Float[Array, "phrase 2"]  # Start and end of every run of speech.
    rising: Float[Array, " phrase"]  # How much the phrase ends like a question, 0..1.
    accent_secs: Float[Array, " accent"]  # Centres of the prominent vowels.
    accent_strength: Float[Array, " accent"]  # 0 barely prominent, 1 the strongest.
    energy: Float[Array, " feature_frames"]
    """Loudness of the speech against this talker's own range, 0..1, smoothed over about 0.35 s."""
    activity: Float[Array, " feature_frames"]  # 1 while speaking, 0 in silence, eased over about 0.6 s.

    def energy_at(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """`energy` at instants."""
        return _at(self.energy, times)

    def activity_at(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """`activity` at instants."""
        return _at(self.activity, times)

    def accents_at(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """Prominence of ascending instants, 0..1: a raised cosine about every accent, 0.3 + 0.7 x its strength high."""
        out = np.zeros(len(times))
        near = slice(*np.searchsorted(self.accent_secs, (times[0] - ACCENT_SECS, times[-1] + ACCENT_SECS)))
        for centre, strength in zip(self.accent_secs[near], self.accent_strength[near], strict=True):
            here = slice(*np.searchsorted(times, (centre - ACCENT_SECS, centre + ACCENT_SECS)))
            bump = (0.3 + 0.7 * strength) * 0.5 * (1.0 + np.cos(np.pi * (times[here] - centre) / ACCENT_SECS))
            out[here] = np.maximum(out[here], bump)
        return out

    def rest_at(self, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
        """How much the mouth is at leisure: 0 in speech, 1 in pauses, short ones too.

        A feeling is back on the mouth a quarter of a second after the last sound, and gives way 0.2 s before the next.
        """
        since, until, inside = since_and_until(self.phrases, times)
        leaving, coming = ease((since - LEAVE_SECS[0]) / LEAVE_SECS[1]), ease((until - COME_SECS[0]) / COME_SECS[1])
        return np.where(inside, 0.0, np.minimum(leaving, coming))


def _at(curve: Array, times: Array) -> Array:
    if not len(curve):
        return np.zeros(len(times))
    value: Array = np.interp(times, np.arange(len(curve)) / FEATURE_HZ, curve)
    return value


def speech_cues(analysis: SpeechAnalysis) -> SpeechCues:
    """Read the cues of a clip."""
    prosody, duration = analysis.prosody, analysis.duration_secs
    phrases = _phrases(analysis.phones)
    length = len(prosody.loudness_db)
    centres = np.arange(length) / FEATURE_HZ
    speaking = np.zeros(length)
    for start, end in phrases:
        speaking[np.searchsorted(centres, start) : np.searchsorted(centres, end)] = 1.0
    energy = _energy(prosody, speaking > 0.5)
    times, strength = _accents(analysis.phones, prosody, energy=energy)
    return SpeechCues(
        duration_secs=duration,
        phrases=phrases,
        rising=_rising(phrases, prosody),
        accent_secs=times,
        accent_strength=strength,
        energy=_smooth(energy, 0.35).astype(np.float32),
        activity=_smooth(speaking, 0.6).astype(np.float32),
    )


def _phrases(phones: tuple[Phone, ...]) -> Float[Array, "phrase 2"]:
    runs: list[list[float]] = []
    for phone in phones:
        if phone.label == "SIL":
            continue
        if runs and phone.start_secs - runs[-1][1] < PHRASE_GAP_SECS:
            runs[-1][1] = phone.end_secs
        else:
            runs.append([phone.start_secs, phone.end_secs])
    return np.array(runs, np.float64).reshape(-1, 2)


def _smooth(curve: Array, width_secs: float) -> Array:
    """Moving average twice (a triangle), edges held; running sums, so its cost does not grow with the width."""
    half = max(1, round(0.25 * width_secs * FEATURE_HZ))
    for _ in range(2):
        padded = np.pad(curve, half, mode="edge") if len(curve) else curve
        total = np.concatenate([[0.0], np.cumsum(padded)])
        curve = (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1) if len(curve) else curve
    return curve


def _energy(prosody: Prosody, speaking: Array) -> Array:
    """Loudness mapped from the 10th..95th percentile of this talker's speech to 0..1; 0 in silence."""
    if not speaking.any():
        return np.zeros(len(prosody.loudness_db))
    low, high = np.percentile(prosody.loudness_db[speaking].astype(np.float64), (10.0, 95.0))
    level = (prosody.loudness_db.astype(np.float64) - low) / max(high - low, 6.0)
    return np.where(speaking, np.clip(level, 0.0, 1.0), 0.0)


def _semitones(f0_hz: Array) -> Array:
    """Pitch against the talker's median, in semitones; NaN where unvoiced."""
    voiced = np.isfinite(f0_hz) & (f0_hz > 0.0)
    out = np.full(len(f0_hz), np.nan)
    if voiced.any():
        out[voiced] = 12.0 * np.log2(f0_hz[voiced] / np.median(f0_hz[voiced]))
    return out


def _accents(phones: tuple[Phone, ...], prosody: Prosody, *, energy: Array) -> tuple[Array, Array]:
    """Vowels that stand out among their neighbours in loudness, pitch, length or stress.

    Score = z(energy) + 0.8 z(pitch) + 0.5 z(log duration) + 0.5 if primarily stressed; a vowel is an accent when its
    score exceeds 0.4 and is the greatest within a quarter of a second. Weights are choices after the usual finding
    that loudness and pitch movement predict beat gestures best.
    """
    vowels = [phone for phone in phones if phone.label in VOWELS]
    if not vowels:
        return np.zeros(0), np.zeros(0)
    pitch = _semitones(prosody.f0_hz.astype(np.float64))
    centre = np.array([phone.centre_secs for phone in vowels])
    rows = []
    for phone in vowels:
        span = slice(int(phone.start_secs * FEATURE_HZ), max(int(phone.end_secs * FEATURE_HZ), 1) + 1)
        tone = pitch[span][np.isfinite(pitch[span])]
        loud = energy[span]
        rows.append((loud.max() if len(loud) else 0.0, tone.max() if len(tone) else 0.0,
                     np.log(max(phone.end_secs - phone.start_secs, 0.01))))  # fmt: skip
    values = np.array(rows)
    z = (values - values.mean(0)) / np.maximum(values.std(0), (0.1, 1.0, 0.2))
    score = z @ np.array([1.0, 0.8, 0.5]) + 0.5 * np.array([phone.stress == 1 for phone in vowels])
    chosen: list[int] = []
    for i in np.nonzero(score > 0.4)[0]:
        if chosen and centre[i] - centre[chosen[-1]] < ACCENT_GAP_SECS:
            if score[i] > score[chosen[-1]]:
                chosen[-1] = int(i)
        else:
            chosen.append(int(i))
    return centre[chosen], np.clip((score[chosen] - 0.4) / 2.6, 0.0, 1.0) ** 0.7


def _rising(phrases: Float[Array, "phrase 2"], prosody: Prosody) -> Float[Array, " phrase"]:
    """Rise of the last 0.15 s of voice over the 0.45 s before it; 2 semitones begin a question, 6 make it sure."""
    pitch = _semitones(prosody.f0_hz.astype(np.float64))
    out = np.zeros(len(phrases))
    for i, (start, end) in enumerate(phrases):
        span = pitch[int(start * FEATURE_HZ) : int(end * FEATURE_HZ) + 1]
        tone = span[np.isfinite(span)]
        if len(tone) < 30:
            continue
        rise = float(np.median(tone[-15:]) - np.median(tone[-60:-15]))
        out[i] = np.clip((rise - 2.0) / 4.0, 0.0, 1.0)
    return out
