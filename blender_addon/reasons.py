# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a button is disabled: one function each, for the button's tooltip and the panel."""

import json
from pathlib import Path
from typing import Any

import bpy

from .apply import preview, takes
from .apply.sound import find_strip, strip_part
from .engine.current import SESSION
from .messages import tr
from .report import UserError


def busy(_context: Any) -> str:
    """While the engine works."""
    return tr("Busy: {label}", label=SESSION.label) if SESSION.busy else ""


def no_character(context: Any) -> str:
    """Character missing or not writable."""
    return takes.refusal(context.scene.face_emote.target)


def no_speech(context: Any) -> str:
    """Speech missing."""
    settings = context.scene.face_emote
    if settings.speech_source == "TEXT":
        return no_text(context) or ("" if was_said(settings) else "Nobody has said this text yet; press Say It")
    if settings.speech_source == "STRIP":
        if not settings.speech_strip:
            return "Choose a sound strip in the Speech panel"
        strip = find_strip(context.scene, settings.speech_strip)
        if strip is None:
            return tr("There is no sound strip '{speech_strip}'", speech_strip=settings.speech_strip)
        try:
            strip_part(strip, fps=context.scene.render.fps / context.scene.render.fps_base)
        except UserError as error:
            return str(error)
        return ""
    if not settings.speech_file:
        return "Choose a speech file in the Speech panel"
    if not Path(bpy.path.abspath(settings.speech_file)).is_file():
        return tr("The speech file does not exist: {speech_file}", speech_file=settings.speech_file)
    if settings.use_range and settings.range_end <= settings.range_start:
        return "The part of the speech ends before it starts"
    return ""


def no_text(context: Any) -> str:
    """Nothing to say."""
    return "" if context.scene.face_emote.say.strip() else "Write what is to be said in the Speech panel"


def was_said(settings: Any) -> dict[str, Any]:
    """What came of saying the panel's text; empty where it has changed since, or the sound is gone."""
    known: dict[str, Any] = json.loads(settings.said)
    is_same = known.get("asked") == [settings.say, settings.said_by] and Path(known["speech"]).is_file()
    return known if is_same else {}


def cannot_generate(context: Any) -> str:
    """Generate needs a free engine, a character and speech, or a text that can be said."""
    is_text = context.scene.face_emote.speech_source == "TEXT"
    return busy(context) or no_character(context) or (no_text if is_text else no_speech)(context)


def next_step(context: Any) -> str:
    """What to do on the way to the first take; empty when there is one."""
    settings = context.scene.face_emote
    if settings.target is None:
        return "First: choose a person and press Add Character, or choose a mesh of yours"
    if no_character(context):
        return no_character(context)
    if settings.speech_file or settings.speech_strip or settings.say or takes.takes_of(settings.target):
        return ""
    return "Next: choose a sound file or a strip in Speech, then press Generate in Takes"


def chosen_take(context: Any) -> Any | None:
    """The take that is marked in the list, if the character has one."""
    return takes.chosen_take(context.scene.face_emote)


def no_take(context: Any) -> str:
    """No take chosen."""
    reason = busy(context) or no_character(context)
    if reason:
        return reason
    return "" if chosen_take(context) is not None else "Choose a take in the list"


def no_motion(context: Any) -> str:
    """No motion file to export."""
    reason = no_take(context)
    if reason:
        return reason
    motion = takes.facts_of(chosen_take(context)).get("motion", "")
    return "" if Path(motion).is_file() else "The take's motion file is gone; re-bake the take"


def not_previewing(_context: Any) -> str:
    """No preview runs."""
    return "" if preview.current() is not None else "Nothing is being previewed"
