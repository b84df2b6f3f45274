# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech for the engine, and sound strips. Blender decodes whatever it can play; the engine gets a 16 kHz wave file."""

import contextlib
import math
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..messages import tr
from ..names import STRIP_KEY
from ..report import UserError

RATE_HZ = 16_000
_heard: list[Any] = []  # What is playing: forgotten, it would fall silent.
CHANNELS = 32
"""As many sequencer channels as are tried for a new strip."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a sound file, in frames of the scene."""

    start_frame: int
    num_frames: int


def write_wave(path: Path, *, source: Any, start_secs: float = 0.0, end_secs: float | None = None) -> float:
    """Decode a file (or an `aud.Sound`) to mono at 16 kHz; returns its length in seconds.

    Raises:
        UserError: it is no sound that Blender can play, or the part is empty.
    """
    import aud

    try:
        sound = aud.Sound.file(str(source)) if isinstance(source, str | Path) else source
        _ = sound.specs  # Raises for what is no sound; the filters below would end Blender 4.5 with it.
        if start_secs > 0.0 or end_secs is not None:
            sound = sound.limit(start_secs, end_secs if end_secs is not None else 1e9)
        samples = np.asarray(sound.rechannel(1).resample(RATE_HZ, True).data(), np.float32)
    except (aud.error, OSError) as error:
        raise UserError(
            tr("Blender cannot play this ({error}); choose another sound file: {source}", error=error, source=source)
        ) from None
    if samples.size == 0:
        raise UserError(tr("There is no sound in this part; choose another one: {source}", source=source))
    pcm = np.round(np.clip(samples.ravel(), -1.0, 1.0) * 32767.0).astype("<i2")
    beside = path.with_suffix(".tmp")
    with wave.open(str(beside), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(pcm.tobytes())
    beside.replace(path)
    return len(pcm) / RATE_HZ


def play(path: str) -> None:
    """Let a file be heard, where there is a loudspeaker."""
    import aud

    if not bpy.app.background:
        with contextlib.suppress(aud.error):
            _heard[:] = [aud.Device().play(aud.Sound.file(path))]


def find_strip(scene: Any, name: str) -> Any | None:
    """A sound strip of a scene, also inside meta strips."""
    strips = compat.strips_property(scene)
    found = getattr(*strips).get(name) if strips else None
    return found if found is not None and found.type == "SOUND" else None


def strip_part(strip: Any, *, fps: float) -> tuple[int, float, float]:
    """The first frame in which a strip's sound is heard, and from which second of the sound to which.

    Raises:
        UserError: nothing of the sound lies between the strip's handles.
    """
    trimmed = compat.strip_trimmed_frames(strip)
    silent = max(0, math.ceil(-trimmed))
    start = (trimmed + silent) / fps + max(0.0, getattr(strip, "sound_offset", 0.0))
    heard = compat.strip_num_frames(strip) - silent
    if heard <= 0:
        raise UserError(
            tr("Nothing of the sound lies between the handles of the strip '{name}'; move them", name=strip.name)
        )
    return compat.strip_first_frame(strip) + silent, start, start + heard / fps


def mix_down(strip: Any, scene: Any, *, path: Path) -> None:
    """Write what is heard of one strip on the timeline, at whatever speed it plays.

    Raises:
        UserError: Blender cannot mix it.
    """
    kept = {strip.name}
    outer = strip.parent_meta()
    while outer is not None:
        kept.add(outer.name)
        outer = outer.parent_meta()
    every = list(getattr(*compat.strips_property(scene)))  # type: ignore[misc]  # A strip has a sequencer.
    former, span = [item.mute for item in every], (scene.frame_start, scene.frame_end)
    try:
        for item in every:
            item.mute = item.name not in kept
        first = compat.strip_first_frame(strip)
        scene.frame_start, scene.frame_end = first, first + compat.strip_num_frames(strip) - 1
        with compat.sequencing(scene):
            bpy.ops.sound.mixdown(
                filepath=str(path), container="WAV", codec="PCM", format="S16", channels="MONO", mixrate=RATE_HZ
            )
    except RuntimeError as error:
        raise UserError(
            tr(
                "Blender cannot mix the retimed strip '{name}' ({error}); mix it to a file",
                name=strip.name,
                error=error,
            )
        ) from None
    finally:
        for item, mute in zip(every, former, strict=True):
            item.mute = mute
        scene.frame_start, scene.frame_end = span


def place_sound(scene: Any, *, path: str, frame: int, name: str, take: str, part: Part | None = None) -> None:
    """Let a take be heard: a new strip of the user's own file on the first free channel, or one of ours that plays it.

    Where a strip of the user's plays it already, nothing is added.
    """
    for strip in compat.strips_of(scene) or ():
        if _plays(strip, path, frame=frame, part=part, fps=scene.render.fps / scene.render.fps_base):
            if takes_in(strip):
                tie(strip, take)
            return
    scene.sequence_editor_create()
    strips: Any = compat.strips_of(scene)  # never None behind `sequence_editor_create`
    taken = {strip.channel for strip in strips}
    channel = next((number for number in range(1, CHANNELS + 1) if number not in taken), CHANNELS)
    strip = strips.new_sound(name, path, channel, frame - (part.start_frame if part else 0))
    if part is not None:
        compat.trim_strip(strip, first_frame=frame, num_frames=part.num_frames)
    tie(strip, take)


def _plays(strip: Any, path: str, *, frame: int, part: Part | None, fps: float) -> bool:
    """Whether a strip plays this part of a file from this frame on."""
    if strip.type != "SOUND" or compat.strip_first_frame(strip) != frame:
        return False
    start = part.start_frame if part is not None else 0
    same = Path(bpy.path.abspath(strip.sound.filepath)) == Path(bpy.path.abspath(path))
    return same and abs(compat.strip_trimmed_frames(strip) - start) < 1.0


def strips_of_take(take: str) -> list[Any]:
    """Sound strips of ours in which a take is heard."""
    return [
        strip
        for scene in bpy.data.scenes
        for strip in compat.strips_of(scene) or ()
        if take and take in takes_in(strip)
    ]


def takes_in(strip: Any) -> list[str]:
    """Ids of the takes that a strip of ours belongs to; empty for a strip of the user's."""
    return str(strip.get(STRIP_KEY, "")).split("\n") if STRIP_KEY in strip else []


def tie(strip: Any, take: str, *, instead_of: str = "") -> None:
    """Let a strip belong to one more take, or to it instead of another."""
    strip[STRIP_KEY] = "\n".join([*(other for other in takes_in(strip) if other != instead_of), take])


def remove_sound(take: str) -> None:
    """Remove the sound strips that came with a take, unless another take is heard in them."""
    for scene in bpy.data.scenes:
        strips: Any = compat.strips_of(scene) or ()
        for strip in [item for item in strips if take in takes_in(item)]:
            left = [other for other in takes_in(strip) if other != take]
            if left:
                strip[STRIP_KEY] = "\n".join(left)
            else:
                strips.remove(strip)
