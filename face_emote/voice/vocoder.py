"""A voice taken apart into pitch, spectral envelope and breath: WORLD, through pyworld.

Morise, Yokomori & Ozawa 2016. Sound comes in pieces of some seconds; a piece is taken apart with its surroundings, so
that a recording of any length needs the memory of one.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError

FRAME_HZ = 200
LOWEST_HZ, HIGHEST_HZ = 60.0, 650.0
"""Of the pitch: from a deep man's creak to a frightened child."""


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A piece of a voice; frame i is what sounds at i / `FRAME_HZ` seconds."""

    pitch_hz: Float[Array, " frame"]
    """0 where nothing is voiced."""
    envelope: Float[Array, "frame bin"]
    """Power by frequency, bins evenly from 0 to half the sample rate."""
    breath: Float[Array, "frame bin"]
    """Aperiodicity: the share of the amplitude that is noise, 0..1."""


def require_vocoder() -> None:
    """Raise DependencyError where pyworld is not installed."""
    if find_spec("pyworld") is None:
        raise DependencyError("Re-tuning a voice needs pyworld: pip install 'face-emote[voice]'")


def _world() -> ModuleType:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of its own import of pkg_resources
        import pyworld

    found: ModuleType = pyworld
    return found


def pitch_of(samples: Float[Array, " sample"], rate_hz: int) -> Float[Array, " frame"]:
    """Pitch in Hz, 0 where nothing is voiced."""
    world, sound = _world(), samples.astype(np.float64)
    coarse, times = world.harvest(
        sound, rate_hz, f0_floor=LOWEST_HZ, f0_ceil=HIGHEST_HZ, frame_period=1000.0 / FRAME_HZ
    )
    found: Array = world.stonemask(sound, coarse, times, rate_hz)
    return found


def taken_apart(samples: Float[Array, " sample"], pitch_hz: Float[Array, " frame"], rate_hz: int) -> Voice:
    """A piece whose pitch is known."""
    world, sound = _world(), samples.astype(np.float64)
    times = np.arange(len(pitch_hz)) / FRAME_HZ
    envelope = world.cheaptrick(sound, pitch_hz, times, rate_hz, f0_floor=LOWEST_HZ + 1.0)
    size = 2 * (envelope.shape[1] - 1)
    return Voice(pitch_hz, envelope, world.d4c(sound, pitch_hz, times, rate_hz, fft_size=size))
