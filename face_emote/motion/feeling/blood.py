"""Blood flow: how red or pale each region of the face is, from emotion (slow) and from muscle pressure (at once).

    h = mechanical + sum over drives of profile[drive, region] * level[drive]

h is the log of the haemoglobin ratio in units of k: H = H0 exp(k h), -1 pallor, 0 rest, +1 flush. A drive u in 0..1
reaches its level through a dead time and two equal first-order low-passes whose time constant is `on_secs` while the
first stage rises and `off_secs` while it falls:

    y1' = (u(t - delay) - y1) / tau,   y2' = (y1 - y2) / tau

Dead time: sympathetic nerve activity leads skin flow by 3.6 +/- 0.1 s, vasomotor reflexes start after 3 +/- 0.5 s. No
facial time constants are published, so `on` and `off` are choices: a blush comes in about 10 s and stays a minute.
`stage` is the same system made quick, because most shots are shorter than a blush.
"""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import asset_table
from face_emote.core.errors import OptionError
from face_emote.core.lowpass import follow_twice
from face_emote.core.names import BLOOD_REGIONS, BLOOD_TIMINGS, CONTROLS, EMOTIONS
from face_emote.core.types import EmotionTrack
from face_emote.look.colour import BLOOD_GAIN

REST_BPM, BPM_PER_AROUSAL = 68.0, 40.0  # A heart at arousal 0, and what full arousal adds.
DRIVES = ("blush", "flush", "pallor", "tears")  # Shame and shyness; anger; fear and shock; sadness.


@dataclass(frozen=True, slots=True)
class BloodTiming:
    """Dead time and time constants of each of `DRIVES`, seconds."""

    delay_secs: tuple[float, float, float, float]
    on_secs: tuple[float, float, float, float]
    off_secs: tuple[float, float, float, float]
    pulse: float  # From the foot of a heartbeat to its top, in h.


PULSE = float(np.log(1.015)) / BLOOD_GAIN  # 1.5 % of the haemoglobin; films of faces show 1 to 2 %.
TIMINGS = {
    "physiological": BloodTiming((2.5, 2.5, 3.0, 3.0), (4.0, 3.0, 1.5, 6.0), (17.0, 12.0, 4.0, 30.0), pulse=PULSE),
    "stage": BloodTiming((0.3, 0.3, 0.3, 0.3), (0.8, 0.8, 0.6, 1.0), (3.0, 3.0, 2.0, 4.0), pulse=0.0),
}

_BLUSH_AT = (
    (-0.57, 0.10, -0.34), (-0.60, 0.42, -0.38), (-0.33, 0.38, -0.50), (-0.15, 0.06, -0.34), (0.72, 0.55, -0.30),
)  # fmt: skip
"""Valence, arousal, dominance of guilty and shamed, humiliated, embarrassed, shy, and bashfully in love (Russell and
Mehrabian 1977; embarrassed is a choice, and the last has the dominance of shyness)."""
_BLUSH_WIDTH = 0.27
_WORD_STRENGTH = 0.72  # Mean intensity of the words above in the lexicon.


_TABLE = asset_table("emotion/skin.toml")["blood"]
PROFILE = np.array([[_TABLE["profile"][drive].get(region, 0.0) for region in BLOOD_REGIONS] for drive in DRIVES])
PRESSURE = np.array(
    [[_TABLE["pressure"].get(region, {}).get(name, 0.0) for region in BLOOD_REGIONS] for name in CONTROLS]
)


@dataclass(frozen=True, slots=True)
class BloodState:
    """All that the blood remembers between two blocks."""

    pending: Float[Array, "delay drive=4"]  # Drives that have been felt but not yet seen, oldest first.
    stages: Float[Array, "stage=2 drive=4"]  # y1 and y2.
    pulse_phase: float  # Heartbeats since the start.


_SHAPE_POINTS = 256
_WAVES = ((0.2, 0.06, 1.0), (0.29, 0.1, 0.45), (0.58, 0.13, 0.4), (0.85, 0.12, 0.12))
"""Place, width and height, in shares of a beat: the systolic wave and its shoulder, the dicrotic one, the run-off."""
RSA_BPM = 3.0
"""By which the resting heart is faster with full lungs, and slower with empty ones (respiratory sinus arrhythmia)."""
_MID_VOLUME, _HALF_BREATH = 0.38, 0.18
"""Volumes about which, and by which, quiet breathing swings (`motion.events.breathing`)."""


def _shape() -> Float[Array, " point"]:
    """Zero on average over a beat, 1 from foot to top, the foot at 0."""
    phase = np.arange(_SHAPE_POINTS) / _SHAPE_POINTS
    wave = np.zeros(_SHAPE_POINTS)
    for place, width, height in _WAVES:
        wave += sum(height * np.exp(-0.5 * ((phase - place + turn) / width) ** 2) for turn in (-1.0, 0.0, 1.0))
    wave = np.roll(wave, -int(np.argmin(wave)))
    shape: Array = (wave - wave.mean()) / np.ptp(wave)
    return shape


_SHAPE = _shape()


def timing_of(preset: str) -> BloodTiming | None:
    """The preset's figures, None for `off`; OptionError for an unknown one."""
    if preset not in BLOOD_TIMINGS:
        raise OptionError(f"Blood preset {preset!r} is unknown; choose one of: {', '.join(BLOOD_TIMINGS)}")
    return TIMINGS.get(preset)


def rested_blood(preset: str, *, step_hz: float) -> BloodState:
    """A face at rest, ready to be stepped `step_hz` times a second."""
    timing = timing_of(preset)
    longest = 0 if timing is None else max(_delay_steps(timing, step_hz=step_hz))
    return BloodState(np.zeros((longest, len(DRIVES))), np.zeros((2, len(DRIVES))), 0.0)


def _delay_steps(timing: BloodTiming, *, step_hz: float) -> list[int]:
    return [round(delay * step_hz) for delay in timing.delay_secs]


def blood_drives(track: EmotionTrack) -> Float[Array, "frames drive=4"]:
    """How strongly each of `DRIVES` is felt, 0..1.

    The hidden emotion drives the blood at full strength and takes that share from the shown one: what is posed does
    not blush. Shame has no weight of its own in the mix, so it is recognised by its place in valence, arousal and
    dominance; plain fear and sadness lie near it and are taken off by their own weight.
    """
    weight = dict(zip(EMOTIONS, track.mix.T.astype(np.float64), strict=True))
    hidden = dict(zip(EMOTIONS, track.covert.T.astype(np.float64), strict=True))
    hiding = np.clip(track.covert.astype(np.float64).sum(-1), 0.0, 1.0)
    shown = track.intensity.astype(np.float64) * (1.0 - hiding)
    # The track's VAD is as felt; at a shameful word's own strength it can be compared with the paper's figures.
    vad = (
        track.vad.astype(np.float64) * (_WORD_STRENGTH / np.maximum(track.intensity.astype(np.float64), 0.05))[:, None]
    )
    near = [np.exp(-0.5 * ((vad - at) ** 2).sum(-1) / _BLUSH_WIDTH**2) for at in np.array(_BLUSH_AT)]
    plain = np.maximum(weight["fear"], weight["sadness"]) ** 4
    ashamed = np.max(near, axis=0) * (1.0 - weight["neutral"]) * (1.0 - plain)
    drives = {
        # A blush is hard to hold down: it comes with the root of the strength.
        "blush": np.sqrt(shown) * ashamed,
        "flush": shown * weight["anger"] + hidden["anger"],
        "pallor": shown * (weight["fear"] + 0.3 * weight["disgust"] + 0.2 * weight["surprise"]) * (1.0 - 0.9 * ashamed)
        + hidden["fear"]
        + 0.3 * hidden["disgust"],
        "tears": 0.8 * (shown * weight["sadness"] * (1.0 - 0.6 * ashamed) + hidden["sadness"]),
    }
    strength: Array = np.clip(np.stack([drives[name] for name in DRIVES], axis=-1), 0.0, 1.0)
    return strength


def step_blood(
    drives: Float[Array, "steps drive=4"], state: BloodState, *, preset: str, step_hz: float
) -> tuple[Float[Array, "steps drive=4"], BloodState]:
    """Levels after each step, and the state to go on from; exact for a drive that holds within a step."""
    timing = timing_of(preset)
    if timing is None or not len(drives):
        return np.zeros_like(drives, dtype=np.float64), state
    felt = np.concatenate([state.pending, drives])
    longest, steps = len(state.pending), len(drives)
    delayed = np.stack(
        [felt[longest - own : longest - own + steps, i] for i, own in enumerate(_delay_steps(timing, step_hz=step_hz))],
        axis=-1,
    )
    levels, stages = follow_twice(
        delayed, state.stages, on_secs=np.array(timing.on_secs), off_secs=np.array(timing.off_secs), step_hz=step_hz
    )
    return levels, replace(state, pending=felt[steps:], stages=stages)


def pressed_blood(controls: Float[Array, "frames control=100"]) -> Float[Array, "frames region=8"]:
    """The instant part of h: where muscles press blood out of the skin or hold it there."""
    pressed: Array = controls.astype(np.float64) @ PRESSURE
    return pressed


def pulse_of(
    arousal: Float[Array, " steps"],
    state: BloodState,
    *,
    preset: str,
    step_hz: float,
    inhaled: Float[Array, " steps"] | None = None,
) -> tuple[Float[Array, " steps"], BloodState]:
    """A made-up heart's part of h, and the state to go on from: 68 beats a minute at rest, 60-110 with arousal -1..1.

    `inhaled` is the volume of the breath, 0..1: it quickens a calm heart and hardly an excited one.
    """
    timing = timing_of(preset)
    felt = arousal.astype(np.float64)
    rate_hz = np.clip(REST_BPM + BPM_PER_AROUSAL * felt, 60.0, 110.0) / 60.0
    if inhaled is not None:
        swing = np.clip((inhaled - _MID_VOLUME) / _HALF_BREATH, -1.0, 1.0)
        rate_hz += RSA_BPM / 60.0 * (1.0 - np.clip(felt, 0.0, 1.0)) * swing
    phase = state.pulse_phase + np.cumsum(rate_hz) / step_hz
    last = float(phase[-1] % 1.0) if len(phase) else state.pulse_phase
    amplitude = 0.0 if timing is None else timing.pulse
    return amplitude * beat_shape(phase), replace(state, pulse_phase=last)


def beat_shape(phase: Float[Array, " steps"]) -> Float[Array, " steps"]:
    """The pulse in the skin over heartbeats (a whole number is a foot): zero on average, 1 from foot to top."""
    shape: Array = np.interp(phase % 1.0 * _SHAPE_POINTS, np.arange(_SHAPE_POINTS), _SHAPE, period=_SHAPE_POINTS)
    return shape


def blood_flow(
    levels: Float[Array, "frames drive=4"], *, pressed: Float[Array, "frames region=8"], pulse: Float[Array, " frames"]
) -> Float[Array, "frames region=8"]:
    """The sum h for each of `names.BLOOD_REGIONS`, in [-1, 1]; float32."""
    total = levels @ PROFILE + pressed + pulse[:, None]
    flow: Array = np.clip(total, -1.0, 1.0).astype(np.float32)
    return flow
