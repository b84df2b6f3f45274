# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said: one file or strip and its transcript, or a table of many lines."""

from typing import Any

import bpy

from .. import compat, reasons
from ..engine.current import SESSION
from ..messages import tr
from ..operators.speech import start_frame
from .main import Tab, prepared, say

LANGUAGE_NOTE = "Any language is heard; a transcript makes lips exact in en, de, es, fr, it, pt, nl, pl, fi, tr, id."

NOBODY = (
    "Nobody here can speak. Install espeak-ng, or pip install 'face-emote[say,voice]' into a Python of yours and name "
    "it as the engine in the extension's preferences"
)
UNTUNED = "The voice stays as its speaker says it; an engine with 'face-emote[voice]' re-tunes it to the emotion"
FAULTS = 5
"""Lines whose faults are shown."""


class FACEEMOTE_PT_speech(Tab, bpy.types.Panel):
    """A strip or a file, and the words."""

    bl_label = "Speech"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.row().prop(settings, "speech_source", expand=True)
        if settings.speech_source == "STRIP":
            strips = compat.strips_property(context.scene)
            if strips is None:
                say(layout, "The sequencer is empty; add a sound strip, or choose File")
            else:
                layout.row().prop_search(settings, "speech_strip", *strips, text="", icon="SOUND")
        elif settings.speech_source == "TEXT":
            self._text(layout, settings)
            return
        else:
            layout.row().prop(settings, "speech_file", text="")
            layout.prop(settings, "use_range")
            if settings.use_range:
                column = layout.column(align=True)
                column.prop(settings, "range_start")
                column.prop(settings, "range_end")
            layout.prop(settings, "start_at")
            layout.prop(settings, "place_sound")
        layout.prop(settings, "voice_follows")
        if not reasons.no_speech(context):
            layout.label(text=tr("Starts at frame {start_frame}", start_frame=start_frame(context.scene)), icon="TIME")
        layout.prop(settings, "transcript")
        if not settings.transcript:
            say(layout, LANGUAGE_NOTE)

    @staticmethod
    def _text(layout: Any, settings: Any) -> None:
        layout.row().prop(settings, "say", text="", icon="SPEAKER")
        layout.prop(settings, "said_by")
        layout.prop(settings, "start_at")
        layout.operator("face_emote.say", icon="PLAY_SOUND")
        speakers = SESSION.capabilities.get("speakers")
        if speakers == []:
            say(layout, NOBODY)
        elif speakers is not None and not SESSION.capabilities.get("retunes"):
            say(layout, UNTUNED)


class FACEEMOTE_PT_lines(Tab, bpy.types.Panel):
    """Many lines, several characters."""

    bl_label = "Lines"
    bl_parent_id = "FACEEMOTE_PT_speech"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        row = layout.row(align=True)
        row.prop(settings, "lines_table", text="")
        row.operator("face_emote.read_lines", text="", icon="FILE_REFRESH")
        if not settings.lines_table and not settings.lines:
            say(layout, "A table of lines (CSV: speech, transcript, emotion, character), or strips of the sequencer")
        row = layout.row()
        row.template_list("FACEEMOTE_UL_lines", "", settings, "lines", settings, "active_line", rows=4)
        side = row.column(align=True)
        side.operator("face_emote.add_lines", text="", icon="ADD")
        side.operator("face_emote.remove_line", text="", icon="REMOVE")
        if settings.active_line < len(settings.lines):
            layout.prop(settings.lines[settings.active_line], "character")
        self._progress(layout, settings)
        for line in [item for item in settings.lines if item.note or item.problem][:FAULTS]:
            say(layout, tr("{name}: {reason}", name=line.name, reason=line.note or line.problem), icon="ERROR")
        column = layout.column(align=True)
        column.operator("face_emote.generate_lines", icon="PLAY")
        column.operator("face_emote.export_lines", icon="EXPORT")

    def _progress(self, layout: Any, settings: Any) -> None:
        running = next((i for i, item in enumerate(settings.lines) if item.state == "RUNNING"), None)
        if running is None or not SESSION.busy:
            return
        count = len(settings.lines)
        row = layout.row(align=True)
        text = tr("Line {number} of {count}", number=running + 1, count=count)
        row.progress(factor=(running + SESSION.progress) / count, text=text)
        row.operator("face_emote.cancel", text="", icon="CANCEL")


CLASSES = (FACEEMOTE_PT_speech, FACEEMOTE_PT_lines)
