"""A first reading of emotion from the voice: how aroused it sounds, and a faint guess at its colour.

What it can do: tell lively from subdued speech, and follow its rise and fall over one to two seconds. What it cannot
do: tell joy from anger or fear, which sound alike in loudness and pitch; understand words; know that a talker always
speaks this way. So the result is a mild, mostly positive or sober mix at no more than half intensity. An animator who
knows the emotion should write it.

Cues, by frame of `Prosody`: how fast the pitch moves, how widely the level swings, how clean the voicing is, how high
the voice lies above a high speaking voice, and level and pitch against the talker's own median. The first four have
weights fitted to acted German speech (EmoDB, CC0; 408 clips, 8 talkers) with the arousal of its neutral clips as zero;
those against the talker's own median are choices after Juslin & Laukka (2003): loud, high and wide means aroused.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS, FEATURE_HZ
from face_emote.core.types import EmotionTrack, Prosody

VOICE_HZ = 10.0
"""Readings per second."""
SMOOTHING_SECS = 0.8
"""Standard deviation of the bell-shaped window through which every cue is seen."""
PRIOR_SECS = 0.6
"""A window with this much speech in it counts half its own cues, half those of the whole recording."""
MOST_INTENSE = 0.5
ENGAGED = 0.12
"""Added to the arousal when a face is made of it: someone who talks to you, however plainly, is not blank (choice)."""

_PITCH_STEP, _LEVEL_SPREAD, _VOICING, _HEIGHT = 0.22, 0.075, -2.5, 0.075
_NEUTRAL_STEP, _NEUTRAL_SPREAD, _NEUTRAL_VOICING, _HIGH_VOICE = 6.25, 9.57, 0.838, 11.5
_LOUDER, _HIGHER = 0.035, 0.04


@dataclass(frozen=True, slots=True)
class VoiceEmotion:
    """What was heard, `VOICE_HZ` times a second from time 0."""

    arousal: Float[Array, " readings"]
    """-1 subdued, 0 as in neutral speech, 1 agitated."""
    valence: Float[Array, " readings"]
    """-0.4..0.4; weak evidence."""


def from_voice(prosody: Prosody) -> VoiceEmotion:
    """Read arousal, and a little valence, from how the words were said.

    Works on the 100 Hz prosody of the whole recording, since loudness and pitch mean something only against the
    talker's own; takes about 0.1 s and 60 MB for an hour. Silence, or less than 0.3 s of voiced speech, reads as
    neutral.
    """
    speaking = prosody.speaking > 0.5
    f0 = prosody.f0_hz.astype(np.float64)
    voiced = speaking & np.isfinite(f0)
    num = int(np.ceil(len(f0) / FEATURE_HZ * VOICE_HZ)) + 1
    if voiced.sum() < 0.3 * FEATURE_HZ:
        return VoiceEmotion(arousal=np.zeros(num, np.float32), valence=np.zeros(num, np.float32))
    pitch = np.where(voiced, 12.0 * np.log2(np.where(voiced, f0, 100.0) / 100.0), 0.0)
    both = voiced[1:] & voiced[:-1]
    step = np.concatenate([[0.0], np.where(both, np.minimum(np.abs(np.diff(pitch)), 1.5), 0.0)])
    level = prosody.loudness_db.astype(np.float64)
    median_level, median_pitch = float(np.median(level[speaking])), float(np.median(pitch[voiced]))

    speech = speaking.astype(np.float64)
    tone = voiced.astype(np.float64)
    pairs = np.concatenate([[0.0], both.astype(np.float64)])
    mean_level, level_spread = _mean_and_spread(level - median_level, weight=speech, num=num)
    pitch_step = np.sqrt(_seen(step * FEATURE_HZ, weight=pairs, num=num))
    voicing = _seen(prosody.voiced.astype(np.float64), weight=tone, num=num)
    mean_pitch, pitch_spread = _mean_and_spread(pitch - median_pitch, weight=tone, num=num)

    arousal = (
        _PITCH_STEP * (pitch_step - _NEUTRAL_STEP)
        + _LEVEL_SPREAD * (level_spread - _NEUTRAL_SPREAD)
        + _VOICING * (voicing - _NEUTRAL_VOICING)
        + _HEIGHT * np.maximum(median_pitch - _HIGH_VOICE, 0.0)
        + _LOUDER * mean_level
        + _HIGHER * mean_pitch
    )
    arousal = np.tanh(arousal)
    colour = 10.0 * (voicing - _NEUTRAL_VOICING) + 0.15 * (np.minimum(pitch_spread, 6.0) - 3.0)
    valence = 0.4 * np.tanh(colour * (0.5 + 0.5 * np.maximum(arousal, 0.0)) + 0.35 * np.minimum(arousal, 0.0))
    return VoiceEmotion(arousal=arousal.astype(np.float32), valence=valence.astype(np.float32))


def auto_track(voice: VoiceEmotion, *, times: Float[Array, " frames"], fps: float) -> EmotionTrack:
    """The reading as an emotion on each of `times` (seconds); a pure function of each instant.

    Aroused speech becomes an engaged mix of joy, surprise and some anger and fear, shifted by the valence; subdued
    speech a faint sadness. Intensity is at most `MOST_INTENSE`; nothing is covert.
    """
    at = np.arange(len(voice.arousal)) / VOICE_HZ
    arousal = np.interp(times, at, voice.arousal) + ENGAGED
    valence = np.interp(times, at, voice.valence)
    up, down = np.maximum(arousal, 0.0), np.maximum(-arousal, 0.0)
    total = up + down
    nothing = total < 1e-9
    safe = np.where(nothing, 1.0, total)
    lively, subdued = np.where(nothing, 0.0, up / safe), np.where(nothing, 0.0, down / safe)
    shares = {
        "neutral": np.where(nothing, 1.0, 0.4 * subdued),
        "joy": (0.35 + 0.5 * valence) * lively,
        "surprise": 0.35 * lively,
        "anger": (0.2 - 0.45 * valence) * lively,
        "fear": (0.1 - 0.05 * valence) * lively,
        "sadness": 0.6 * subdued,
    }
    frames = len(times)
    return EmotionTrack(
        mix=np.stack([shares.get(name, np.zeros(frames)) for name in EMOTIONS], axis=1).astype(np.float32),
        vad=np.stack([0.5 * valence, 0.6 * arousal, 0.15 * arousal], axis=1).astype(np.float32),
        intensity=(MOST_INTENSE * np.minimum(total, 1.0)).astype(np.float32),
        covert=np.zeros((frames, len(EMOTIONS)), np.float32),
        leak=np.zeros(frames, np.float32),
        fps=fps,
    )


def _seen(
    values: Float[Array, " feature_frames"], *, weight: Float[Array, " feature_frames"], num: int
) -> Float[Array, " readings"]:
    """Weighted mean of a cue through the smoothing window, drawn to the whole recording's where there is little."""
    overall = float((values * weight).sum() / max(float(weight.sum()), 1e-9))
    amount, mass = _bell(weight, num=num), _bell(values * weight, num=num)
    prior = PRIOR_SECS * FEATURE_HZ
    return (mass + prior * overall) / (amount + prior)


def _mean_and_spread(
    values: Float[Array, " feature_frames"], *, weight: Float[Array, " feature_frames"], num: int
) -> tuple[Float[Array, " readings"], Float[Array, " readings"]]:
    """Weighted mean and standard deviation through the window."""
    mean = _seen(values, weight=weight, num=num)
    return mean, np.sqrt(np.maximum(_seen(values * values, weight=weight, num=num) - mean * mean, 0.0))


def _bell(values: Float[Array, " feature_frames"], *, num: int) -> Float[Array, " readings"]:
    """Sums under a bell of `SMOOTHING_SECS` (three box passes) around every reading; the bell's peak is 1."""
    sigma = SMOOTHING_SECS * FEATURE_HZ
    half = round(0.5 * np.sqrt(4.0 * sigma * sigma + 1.0) - 0.5)
    pad = 3 * half + 1
    spread = np.pad(values, pad)
    for _ in range(3):
        sums = np.concatenate([[0.0], np.cumsum(spread)])
        first = np.clip(np.arange(len(spread)) - half, 0, None)
        stop = np.minimum(np.arange(len(spread)) + half + 1, len(spread))
        spread = (sums[stop] - sums[first]) / (2 * half + 1)
    centres = np.minimum(np.round(np.arange(num) * FEATURE_HZ / VOICE_HZ).astype(int), len(values) - 1)
    return np.asarray(spread[centres + pad] * (sigma * np.sqrt(2.0 * np.pi)))
