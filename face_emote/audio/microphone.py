"""Sound from a microphone, by PortAudio (sounddevice, in the extra `live`)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AudioError, DependencyError
from face_emote.core.names import SAMPLE_RATE_HZ

BLOCK_SECS = 0.01
Hear = Callable[[float, Float[Array, " _samples"]], None]
"""hear(instant, samples): called on another thread as they come; `time.monotonic` seconds."""


@contextmanager
def microphone(device: str, hear: Hear) -> Iterator[int]:
    """Hear a device, the usual one if empty, while the block runs: its number, or a part of its name.

    `hear` takes what comes and must not wait. Gives the samples a second. DependencyError: there is no sounddevice, or
    no PortAudio. AudioError: no such device, or it gives no sound; the message lists those that are there.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise DependencyError(
            f"--mic needs sounddevice and PortAudio: pip install 'face-emote[live]' ({error})"
        ) from None

    def come(block: Any, _count: int, _times: object, _status: object) -> None:
        hear(time.monotonic(), block[:, 0].astype(np.float32) / np.float32(32768.0))

    chosen = int(device) if device.isdecimal() else device or None
    try:
        rate = _rate(sounddevice, chosen)
        stream = sounddevice.InputStream(
            device=chosen, channels=1, samplerate=rate, blocksize=round(BLOCK_SECS * rate), dtype="int16",
            latency="low", callback=come,
        )  # fmt: skip
    except (ValueError, sounddevice.PortAudioError) as error:
        there = ", ".join(
            f"{facts['index']} {facts['name']}"
            for facts in sounddevice.query_devices()
            if facts["max_input_channels"] > 0
        )
        raise AudioError(f"No sound comes from that microphone ({error}); there are: {there or 'none'}") from None
    with stream:
        yield rate


def _rate(sounddevice: Any, device: int | str | None) -> int:
    """Ours if the device can, else its own, which waits for the resampler."""
    own = int(sounddevice.query_devices(device, "input")["default_samplerate"])
    try:
        sounddevice.check_input_settings(device=device, channels=1, samplerate=SAMPLE_RATE_HZ, dtype="int16")
    except sounddevice.PortAudioError:
        return own
    return SAMPLE_RATE_HZ
