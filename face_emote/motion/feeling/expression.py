"""The face of an emotion, frame by frame and without dynamics: controls, and the bearing of eyes, head and breath.

Every value is a smooth function of that frame's emotion alone, computed element by element in a fixed order, so blocks
of any size give the same bytes.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionTrack, PerformanceStyle
from face_emote.emotion.blending import PROTOTYPE_VAD
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.feeling import recipes
from face_emote.motion.feeling.mixtures import kept_units

_NUM = len(EMOTIONS)
_BROWS = tuple(recipes.AU_INDEX[unit] for unit in (1, 2, 4))


@dataclass(frozen=True, slots=True)
class EmotionBias:
    """How an emotion bears on everything but the face's skin, per frame."""

    gaze_pitch: Float[Array, " frames"]  # Radians the gaze tends to, positive down (shame, sadness).
    gaze_avert: Float[Array, " frames"]  # 0 looks at the viewer, 1 avoids the viewer.
    gaze_scan: Float[Array, " frames"]  # 0 steady, 1 darting (fear).
    head_pitch: Float[Array, " frames"]  # Radians, positive down.
    head_yaw: Float[Array, " frames"]  # Radians, positive to the character's left.
    head_roll: Float[Array, " frames"]  # Radians about +Z: positive leans towards the character's right shoulder.
    breath_rate_hz: Float[Array, " frames"]  # Breaths a second; about 0.25 at rest.
    blink_factor: Float[Array, " frames"]  # Factor on the blink rate; 1 at rest.
    motion_energy: Float[Array, " frames"]  # Factor on the size and pace of head and brow movement; 1 at rest.


REST_BREATH_HZ = 0.25
RESPONSE = 0.5
"""Intensity at which three quarters show: people hold back, and half a feeling has to be seen while they talk."""
MOST_DRIVEN = 1.5
"""Intensity x energy beyond this adds nothing; above 1 the face is overdriven, every control still at most 1."""
VAD_TOLERANCE = 0.03  # A VAD this near to that of the mix adds nothing.


def response(intensity: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """What shows of an intensity: 0 of 0, 1 of 1, 0.75 of a half."""
    return (1.0 + RESPONSE) * intensity / (intensity + RESPONSE)


def expression_controls(track: EmotionTrack, *, style: PerformanceStyle) -> Float[Array, "frames control=100"]:
    """Controls 0..1 (order of `names.CONTROLS`) that show the emotion, with nothing of speech in them.

    A mix is not an average: `mixtures` says which emotion has which region of the face. Each emotion enters at
    strength x (1 - (1 - share)^3), for a region that is held is held nearly in full, and where two share a region their
    units meet in a smooth maximum. Nothing of a hidden emotion is in it. A neutral track gives zeros; rising intensity
    never lowers the sum of what shows.
    """
    strengths = _strengths(track, energy=style.energy)
    units = _mixed_units(strengths, mix=track.mix, asymmetry=style.asymmetry)
    units = _with_vad(units, track=track, strengths=strengths, energy=style.energy)
    for brow in _BROWS:
        units[:, brow] *= style.brows
    return recipes.controls_from_action_units(np.clip(units, 0.0, 1.0))


def emotion_bias(track: EmotionTrack) -> EmotionBias:
    """The bearing of eyes, head and breath that goes with the emotion of every frame."""
    amount = [track.mix[:, i].astype(np.float64) * track.intensity for i in range(_NUM)]
    hidden = [track.covert[:, i].astype(np.float64) * track.leak for i in range(_NUM)]
    rows = [recipes.BEARINGS[name] for name in EMOTIONS]
    valence, arousal, dominance = (track.vad[:, i].astype(np.float64) for i in range(3))
    low_dominance, high_dominance = np.maximum(-dominance, 0.0), np.maximum(dominance, 0.0)
    shame = np.minimum(np.maximum(-valence, 0.0), low_dominance)

    def summed(field: str, *, rest: float = 0.0) -> Float[Array, " frames"]:
        total = np.full(len(valence), rest)
        for row, shown, leaking in zip(rows, amount, hidden, strict=True):
            total += (getattr(row, field) - rest) * (shown + 0.5 * leaking)
        return total

    calm = np.maximum(-arousal, 0.0)
    return EmotionBias(
        gaze_pitch=summed("gaze_pitch") + 0.12 * shame,
        gaze_avert=np.clip(summed("gaze_avert") + 0.5 * shame - 0.3 * high_dominance, 0.0, 1.0),
        gaze_scan=np.clip(summed("gaze_scan"), 0.0, 1.0),
        head_pitch=summed("head_pitch") + 0.08 * shame - 0.04 * high_dominance + 0.03 * calm,
        head_yaw=summed("head_yaw"),
        head_roll=summed("head_roll"),
        breath_rate_hz=REST_BREATH_HZ * summed("breath", rest=1.0) * (1.0 + 0.25 * arousal),
        blink_factor=np.clip(summed("blink", rest=1.0) + 0.4 * shame, 0.3, 2.0),
        motion_energy=np.clip(summed("motion", rest=1.0) * (1.0 + 0.35 * arousal), 0.3, 2.0),
    )


def _strengths(track: EmotionTrack, *, energy: float) -> list[Float[Array, " frames"]]:
    """How strongly each emotion enters: of a half-and-half mix, each at seven eighths of the intensity."""
    intensity = np.clip(track.intensity.astype(np.float64) * energy, 0.0, MOST_DRIVEN)
    intensity = response(intensity)
    strengths = []
    for i in range(_NUM):
        rest = 1.0 - np.clip(track.mix[:, i].astype(np.float64), 0.0, 1.0)
        strengths.append(intensity * (1.0 - rest * rest * rest))
    strengths[0] = np.zeros(len(intensity))
    return strengths


def _mixed_units(
    strengths: list[Float[Array, " frames"]], *, mix: Float[Array, "frames emotion=8"], asymmetry: float
) -> Float[Array, "side=2 au frames"]:
    kept = kept_units(mix.T.astype(np.float64) * (np.stack(strengths) > 0.0))
    cubes = np.zeros((2, recipes.NUM_AU, len(strengths[0])))
    for i in range(1, _NUM):
        own = np.flatnonzero(recipes.STRENGTH[i])
        if not strengths[i].any():
            continue
        late = recipes.LATE[i, own, None]
        level = strengths[i] * (1.0 - late + late * strengths[i]) * kept[i, own]
        for side, sign in ((0, 1.0), (1, -1.0)):
            value = (recipes.FULL[i, side, own] * (1.0 + sign * asymmetry * recipes.LEAD[i, own]))[:, None] * level
            cubes[side, own] += value * value * value
    return np.cbrt(cubes)


def _with_vad(
    units: Float[Array, "side=2 au frames"],
    *,
    track: EmotionTrack,
    strengths: list[Float[Array, " frames"]],
    energy: float,
) -> Float[Array, "side=2 au frames"]:
    """What the VAD says beyond the mix: calm anger is less wide-eyed, cold anger looks down its nose."""
    valence, arousal, dominance = _beyond_mix(track, energy=energy)
    wide, squint, droop = recipes.AU_INDEX[5], recipes.AU_INDEX[7], recipes.AU_INDEX[43]
    weary = _weariness(track) * min(energy, 1.0)
    up = np.maximum(arousal, 0.0)
    # Against the intensity: a faint calm anger is as calm as a strong one.
    calm = np.clip(-arousal / np.maximum(track.intensity, 1e-3), 0.0, 1.0)
    units[:, wide] = (units[:, wide] + 0.45 * up) * (1.0 - 0.7 * calm)
    units[:, droop] += 0.3 * weary
    units[:, recipes.AU_INDEX[38]] += 0.3 * up
    strong, weak = np.maximum(dominance, 0.0), np.maximum(-dominance, 0.0)
    units[:, squint] += 0.25 * strong
    units[:, recipes.AU_INDEX[17]] += 0.2 * strong
    units[:, recipes.AU_INDEX[1]] += 0.4 * weak
    forced = np.clip(-3.0 * valence, 0.0, 1.0) * np.minimum(1.5 * strengths[1], 1.0)
    units[:, recipes.AU_INDEX[6]] *= 1.0 - 0.8 * forced
    return units


def _beyond_mix(track: EmotionTrack, *, energy: float) -> tuple[Array, Array, Array]:
    """VAD less that of the mix at this intensity, per axis."""
    gain = min(energy, 1.5)
    residual = []
    for axis in range(3):
        expected = np.zeros(len(track.intensity))
        for i in range(1, _NUM):
            expected += PROTOTYPE_VAD[i, axis] * track.mix[:, i]
        beyond = track.vad[:, axis].astype(np.float64) - expected * track.intensity
        residual.append(gain * np.sign(beyond) * np.maximum(np.abs(beyond) - VAD_TOLERANCE, 0.0))
    return residual[0], residual[1], residual[2]


def _weariness(track: EmotionTrack) -> Float[Array, " frames"]:
    """0..1: arousal well below rest, which lets the upper lids hang."""
    tired: Array = smoothstep((-track.vad[:, 1].astype(np.float64) - 0.15) / 0.75)
    return tired
