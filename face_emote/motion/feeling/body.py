"""What a measured body does to a face: stated maps from physiology to arousal, blood, breath, pupils, lids and tremor.

    heart     (rate - 68) / 40: the map by which a heart follows arousal, read backwards         weight 1
    vagus     -ln(RMSSD / 42 ms): 42 +- 15 ms at rest (Nunan et al. 2010); stress withdraws it   weight 0.5
    sweat     2 phasic / 0.5 uS - ..: responses of skin conductance are 0.1 to 1 uS (Boucsein 2012)      weight 1
    brain     ln of beta over alpha and theta, against its median (Pope et al. 1995)             weight 0.5

Arousal is the weighted mean of what was measured, -1..1, and is added to the emotion's. A raised heart flushes; a
startle of the sweat glands without one pales, as fear's bradycardia and narrowed vessels do. Sizes that no source
gives are choices; docs/body.md has all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.body import BodySignals
from face_emote.motion.events.curves import noises
from face_emote.motion.feeling.blood import BPM_PER_AROUSAL, REST_BPM

_REST_RMSSD_SECS = 0.042
_RESPONSE_US = 0.5
_WEIGHTS = {"heart": 1.0, "vagus": 0.5, "sweat": 1.0, "brain": 0.5}
_FELT = 0.6
"""Share of the body's arousal that the face's emotion takes on."""
_FLUSH, _PALLOR = 0.5, 0.6
_BLINKS = 0.5
"""Blinks come half as often again at full arousal (Haak et al. 2009)."""
_BREATH = 0.4
REST_BREATHS_PER_MINUTE = 15.0
_PUPIL_OF_SWEAT = 0.5
"""Pupil and skin conductance widen with the same sympathetic arousal (Bradley et al. 2008)."""
_TREMOR_RADIANS = np.radians(0.05)
_TREMOR_FROM = 0.3
_TREMOR_HZ = 9.0
"""Physiological tremor has 8 to 12 Hz, and grows with adrenaline (Marsden 1984)."""


@dataclass(frozen=True, slots=True, eq=False)
class BodyBearing:
    """How a body bears on a face, at instants."""

    arousal: Float[Array, " steps"]
    """-1..1."""
    flush: Float[Array, " steps"]
    pallor: Float[Array, " steps"]
    """Added to those drives of the blood, 0..1."""
    pupil: Float[Array, " steps"]
    """Added to the pupil's dilation, 0..1."""
    blinks: Float[Array, " steps"]
    breath: Float[Array, " steps"]
    """Factors on their rates, about 1."""
    tremor: Float[Array, " steps"]
    """0 none, 1 the most."""


def body_bearing(body: BodySignals, times: Float[Array, " steps"]) -> BodyBearing:
    """A pure function of time."""
    heart, variability, phasic, brain = (
        body.level(name, times) for name in ("heart_bpm", "rmssd_secs", "phasic_us", "engagement")
    )
    none = np.zeros(len(times))
    raised = none if heart is None else np.clip((heart - REST_BPM) / BPM_PER_AROUSAL, -1.0, 1.0)
    sweat = none if phasic is None else np.clip(phasic / _RESPONSE_US, 0.0, 1.0)
    parts = {"heart": None if heart is None else raised, "sweat": None if phasic is None else sweat}
    if variability is not None:
        parts["vagus"] = np.clip(-np.log(np.maximum(variability, 1e-3) / _REST_RMSSD_SECS), -1.0, 1.0)
    parts["brain"] = None if brain is None else np.clip(brain, -1.0, 1.0)
    total, weights = none, 0.0
    for name, part in parts.items():
        if part is not None:
            total, weights = total + _WEIGHTS[name] * part, weights + _WEIGHTS[name]
    arousal = total / max(weights, 1e-9)
    up = np.maximum(arousal, 0.0)
    breaths = body.level("breath_bpm", times)
    return BodyBearing(
        arousal=_FELT * arousal,
        flush=_FLUSH * np.maximum(raised, 0.0),
        pallor=_PALLOR * sweat * (1.0 - np.maximum(raised, 0.0)),
        pupil=_PUPIL_OF_SWEAT * sweat,
        blinks=1.0 + _BLINKS * arousal,
        breath=1.0 + _BREATH * arousal if breaths is None else breaths / REST_BREATHS_PER_MINUTE,
        tremor=np.clip((up - _TREMOR_FROM) / (1.0 - _TREMOR_FROM), 0.0, 1.0),
    )


def stirred_by(body: BodySignals) -> Callable[[Float[Array, " steps"]], Array]:
    """What the body adds to the emotion's arousal at instants."""
    return lambda times: body_bearing(body, times).arousal


def tremor_of(body: BodySignals, times: Float[Array, " frames"], *, key: int) -> Float[Array, "frames 3"]:
    """Rotation that the trembling adds to the neck, radians; `key` names the noise."""
    keys = np.uint64(key) ^ np.array([0x1F3D5B79, 0x2E4C6A88, 0x3D5B7997], np.uint64)
    shake = noises(times, rates_hz=np.full(3, 2.0 * _TREMOR_HZ), keys=keys).T
    rotation: Array = _TREMOR_RADIANS * body_bearing(body, times).tremor[:, None] * shake
    return rotation
