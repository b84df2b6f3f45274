# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech ready for the engine: a file, a strip of the sequencer, or a text that a speaker says."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from .. import compat, reasons
from ..apply import sound
from ..engine import jobs
from ..engine.current import SESSION
from ..folders import user_folder
from ..messages import tr
from ..report import UserError

NAME_LETTERS = 32  # Of a text, for the names of its take and its strip.


@dataclass(frozen=True, slots=True)
class Line:
    """Speech ready for the engine."""

    wave: Path
    name: str
    first_frame: int
    num_secs: float
    source: str
    """The user's own file; empty for sound that lies in none."""
    start_secs: float = 0.0
    """Where in it the speech starts."""
    is_placed: bool = False
    """Whether it is a strip of the sequencer already."""
    row: str = ""
    """Name of the row of a table of lines that it is."""
    given: dict[str, Any] = field(default_factory=dict)
    """Parameters of the request in place of the panel's."""


def fps_of(scene: Any) -> float:
    """Frames a second of a scene."""
    return float(scene.render.fps / scene.render.fps_base)


def start_frame(scene: Any) -> int:
    """Where a take of the panel's speech starts: with the strip's sound, or for a file where the panel says."""
    settings = scene.face_emote
    if settings.speech_source == "STRIP":
        strip = sound.find_strip(scene, settings.speech_strip)
        if strip is None:
            raise UserError(
                tr("There is no sound strip '{speech_strip}'; choose another", speech_strip=settings.speech_strip)
            )
        return sound.strip_part(strip, fps=fps_of(scene))[0]
    return int(scene.frame_current if settings.start_at == "PLAYHEAD" else scene.frame_start)


def prepared_line(scene: Any, *, speech: str = "", strip: str = "") -> Line:
    """Decode the speech that the panel (or `speech`, a file, or `strip`) names."""
    settings = scene.face_emote
    if strip or (not speech and settings.speech_source == "STRIP"):
        return _strip_line(scene, strip or settings.speech_strip)
    if not speech and settings.speech_source == "TEXT":
        return _said_line(scene)
    source = bpy.path.abspath(speech or settings.speech_file)
    if not Path(source).is_file():
        raise UserError(tr("The speech file does not exist; choose another: {source}", source=source))
    part = not speech and settings.use_range
    start = round(settings.range_start * fps_of(scene)) / fps_of(scene) if part else 0.0  # Strips start on frames.
    wave, secs = decoded(source, start_secs=start, end_secs=settings.range_end if part else None)
    first = int(scene.frame_current if settings.start_at == "PLAYHEAD" else scene.frame_start)
    return Line(wave, Path(source).name, first, secs, speech or settings.speech_file, start_secs=start)


def _said_line(scene: Any) -> Line:
    settings = scene.face_emote
    known = reasons.was_said(settings)
    if not known:
        raise UserError("Nobody has said this text yet; press Say It")
    wave, secs = decoded(known["speech"])
    given: dict[str, Any] = {"transcript": known["text"]}
    if settings.emotion_mode == "WORDS" and settings.emotion.strip() == "auto":
        given["emotion"] = known["emotion"]  # What the words say: a speaker's own voice feels nothing.
    if SESSION.capabilities.get("retunes"):
        given["voice"] = True
    first = int(scene.frame_current if settings.start_at == "PLAYHEAD" else scene.frame_start)
    return Line(wave, known["text"][:NAME_LETTERS], first, secs, known["speech"], given=given)


def say_text(scene: Any, *, then: Callable[[], None], wait: bool | None) -> None:
    """Let the panel's text be said, then go on; what was said once is there at once."""
    settings, again = scene.face_emote, jobs.remembered(scene)
    asked = [settings.say, settings.said_by]
    params = {"text": settings.say, "speaker": settings.said_by.strip()}
    params["path"] = str(user_folder("takes") / f"{digest_of(params)}.said.wav")

    def done(result: dict[str, Any]) -> None:
        again().face_emote.said = json.dumps(result | {"asked": asked})
        then()

    label = tr("saying {text}", text=settings.say[:NAME_LETTERS])
    jobs.submit(label, method="say", params=params, done=done, wait=wait)


def _strip_line(scene: Any, name: str) -> Line:
    strip = sound.find_strip(scene, name)
    if strip is None:
        raise UserError(tr("There is no sound strip '{name}'; choose another", name=name))
    first, start, end = sound.strip_part(strip, fps=fps_of(scene))
    if compat.is_retimed(strip):
        mixed = user_folder("takes") / "mixed.wav"
        sound.mix_down(strip, scene, path=mixed)
        wave, secs = decoded(mixed)
        mixed.unlink()
        return Line(wave, strip.name, compat.strip_first_frame(strip), secs, "", is_placed=True)
    source = strip.sound.factory if strip.sound.packed_file else bpy.path.abspath(strip.sound.filepath)
    wave, secs = decoded(source, start_secs=start, end_secs=end)
    own = "" if strip.sound.packed_file else strip.sound.filepath
    return Line(wave, strip.name, first, secs, own, start_secs=start, is_placed=True)


def decoded(source: Any, *, start_secs: float = 0.0, end_secs: float | None = None) -> tuple[Path, float]:
    """A part of a sound as a wave file in the cache, and its length in seconds.

    It is named after its content, so that takes of the same speech share it.
    """
    path = user_folder("takes") / "speech.wav"
    secs = sound.write_wave(path, source=source, start_secs=start_secs, end_secs=end_secs)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return path.replace(path.with_name(f"{digest}.wav")), secs


def digest_of(content: object) -> str:
    """A name for what a request says."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
