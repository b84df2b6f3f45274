"""How a felt expression lives while it lasts: a held one is a mask.

Every region of the face swells with the voice and on stressed words, sooner than it ebbs, and wanders on a clock of its
own; in a pause it holds what it feels. Only gains of the felt controls: what is not felt does not move.

    level = rest + voice * surge + accent * stress + wander * noise     while speaking
    gain  = (1 - talk) * (HELD + wander * noise / 2) + talk * level
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.lowpass import follow_twice
from face_emote.core.names import CONTROLS, MOTION_HZ
from face_emote.motion.events.curves import smooth_noise


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the face that moves as one, and by how much."""

    controls: tuple[str, ...]
    """Beginnings of the names of its controls."""
    rest: float
    """Where it lies between two waves."""
    voice: float
    accent: float
    wander: float


REGIONS = (
    Region(("brow", "innerBrow"), rest=0.42, voice=0.55, accent=0.46, wander=0.26),
    Region(("eye",), rest=0.52, voice=0.42, accent=0.32, wander=0.20),
    Region(("cheek", "nose"), rest=0.46, voice=0.50, accent=0.34, wander=0.20),
    Region(("mouth", "jaw", "lips", "neck", "tongue"), rest=0.70, voice=0.34, accent=0.0, wander=0.14),
)
"""Choices: brows follow the stress of words most, and the mouth, which speech moves anyway, least."""
_HELD = 1.0
"""Where a region lies in a pause."""
_LEAST, _MOST = 0.25, 1.15
_ACCENT_SECS, _SURGE_SECS = (0.04, 0.22), (0.07, 0.38)
"""Time constants of rise and fall; a rise from 10 to 90 % takes 3.4 of them."""
_WANDER_HZ = (0.45, 1.1)
FORESEEN_SECS = 0.1
"""A word that is known beforehand is felt so long before its stress; what follows a voice comes after it."""


@dataclass(frozen=True, slots=True, eq=False)
class Tempo:
    """What the speech is doing at consecutive steps, each 0..1."""

    accent: Float[Array, " steps"]
    """Prominence of the words."""
    activity: Float[Array, " steps"]
    """1 while speaking."""
    energy: Float[Array, " steps"]
    """Loudness against this talker's own range."""


LifeState = Float[Array, "stage=2 track=2"]
"""Accent and surge as they ring on."""


def step_life(
    tempo: Tempo, state: LifeState | None, *, times: Float[Array, " steps"], key: int
) -> tuple[Float[Array, "steps control=100"], LifeState]:
    """Gains of the felt controls at steps of `names.MOTION_HZ`, and the state to go on from (None: at the start).

    Args:
        tempo: of the steps.
        state: after the step before.
        times: seconds.
        key: names the noise.
    """
    wanted = np.stack([tempo.accent, tempo.energy], axis=1).astype(np.float64)
    on_secs, off_secs = (np.array(pair) for pair in zip(_ACCENT_SECS, _SURGE_SECS, strict=True))
    begun = np.repeat(wanted[:1], 2, axis=0) if state is None else state
    level, state = follow_twice(wanted, begun, on_secs=on_secs, off_secs=off_secs, step_hz=MOTION_HZ)
    talk = tempo.activity.astype(np.float64)
    gains = np.ones((len(times), len(CONTROLS)))
    for number, region in enumerate(REGIONS):
        noise = smooth_noise(times, rate_hz=_WANDER_HZ[0], key=key + 11 * number)
        noise = region.wander * (noise + 0.5 * smooth_noise(times, rate_hz=_WANDER_HZ[1], key=key + 11 * number + 5))
        speaking = region.rest + region.accent * level[:, 0] + region.voice * level[:, 1] + noise
        gain = (1.0 - talk) * (_HELD + 0.5 * noise) + talk * speaking
        gains[:, _COLUMNS[number]] = np.clip(gain, _LEAST, _MOST)[:, None]
    return gains, state


_COLUMNS = tuple(
    np.array([i for i, name in enumerate(CONTROLS) if name.startswith(region.controls)]) for region in REGIONS
)
