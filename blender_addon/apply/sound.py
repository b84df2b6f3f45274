# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech for the engine, and sound strips. Blender decodes whatever it can play; the engine gets a 16 kHz wave file."""

import wave
from pathlib import Path
from typing import Any

import numpy as np

from .. import compat
from ..names import STRIP_KEY
from ..report import UserError

RATE_HZ = 16_000
CHANNELS = 32
"""As many sequencer channels as are tried for a new strip."""


def write_wave(path: Path, *, source: Any, start_secs: float = 0.0, end_secs: float | None = None) -> float:
    """Decode a file (or an `aud.Sound`) to mono at 16 kHz; returns its length in seconds.

    Raises:
        UserError: it is no sound that Blender can play, or the part is empty.
    """
    import aud

    try:
        sound = aud.Sound.file(str(source)) if isinstance(source, str | Path) else source
        if start_secs > 0.0 or end_secs is not None:
            sound = sound.limit(start_secs, end_secs if end_secs is not None else 1e9)
        samples = np.asarray(sound.rechannel(1).resample(RATE_HZ, True).data(), np.float32)
    except (aud.error, OSError) as error:
        raise UserError(f"Blender cannot play this ({error}); choose another sound file: {source}") from None
    if samples.size == 0:
        raise UserError(f"There is no sound in this part; choose another one: {source}")
    pcm = np.round(np.clip(samples.ravel(), -1.0, 1.0) * 32767.0).astype("<i2")
    beside = path.with_suffix(".tmp")
    with wave.open(str(beside), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(pcm.tobytes())
    beside.replace(path)
    return len(pcm) / RATE_HZ


def find_strip(scene: Any, name: str) -> Any | None:
    """A sound strip of a scene, also inside meta strips."""
    strips = compat.strips_property(scene)
    found = getattr(*strips).get(name) if strips else None
    return found if found is not None and found.type == "SOUND" else None


def strip_part(strip: Any, *, fps: float) -> tuple[float, float]:
    """Seconds of the strip's sound that are heard: from, to.

    Raises:
        UserError: the strip plays at another speed, so that frames and seconds of its sound do not go together.
    """
    if compat.is_retimed(strip):
        raise UserError(f"The strip '{strip.name}' is retimed; render it to a sound file first (Sound > Mixdown)")
    start = compat.strip_trimmed_frames(strip) / fps
    return max(start, 0.0), max(start, 0.0) + compat.strip_num_frames(strip) / fps


def place_sound(scene: Any, *, path: str, frame: int, name: str, take: str) -> Any:
    """Add a sound strip on the first free channel, marked as belonging to a take."""
    scene.sequence_editor_create()
    strips: Any = compat.strips_of(scene)  # never None behind `sequence_editor_create`
    taken = {strip.channel for strip in strips}
    channel = next((number for number in range(1, CHANNELS + 1) if number not in taken), CHANNELS)
    strip = strips.new_sound(name, path, channel, frame)
    strip[STRIP_KEY] = take
    return strip
