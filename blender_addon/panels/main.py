# SPDX-License-Identifier: GPL-3.0-or-later
"""The first panel: who, and Generate. Everything else is below it, in the order of the work."""

from typing import Any

import bpy

from .. import folders, reasons
from ..apply import preview
from ..engine.current import SESSION
from ..messages import tr


def prepared(panel: Any) -> Any:
    """A panel's layout with labels at the left."""
    panel.layout.use_property_split = True
    panel.layout.use_property_decorate = False
    return panel.layout


def say(layout: Any, text: str, *, icon: str = "INFO", width: int = 38) -> None:
    """A sentence, broken into lines that fit the sidebar."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    line = ""
    for word in [*tr(text).split(), ""]:
        if word and len(line) + len(word) < width:
            line = f"{line} {word}".strip()
            continue
        if line:
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1"
        line = word


class FACEEMOTE_PT_main(bpy.types.Panel):
    """Character, Generate, progress."""

    bl_label = "Face Emote"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.prop(settings, "target")
        if SESSION.busy:
            self._progress(layout)
        elif preview.current() is not None:
            say(layout, "Previewing: scrub or play the timeline", icon="HIDE_OFF")
            row = layout.row(align=True)
            row.operator("face_emote.preview_apply", icon="CHECKMARK")
            row.operator("face_emote.preview_stop", icon="X")
        else:
            self._generate(layout, context)
        if folders.problem():
            say(layout, folders.problem(), icon="ERROR")
        if SESSION.status and not SESSION.busy:
            self._status(layout, context)

    def _progress(self, layout: Any) -> None:
        row = layout.row(align=True)
        left = SESSION.secs_left
        eta = f", {left:.0f} s left" if left is not None and left >= 1.0 else ""
        row.progress(factor=SESSION.progress, text=f"{SESSION.stage.capitalize()} {SESSION.progress:.0%}{eta}")
        row.operator("face_emote.cancel", text="", icon="CANCEL")
        behind = f", {SESSION.waiting} more waiting" if SESSION.waiting else ""
        layout.label(text=f"{SESSION.label}{behind}")

    def _generate(self, layout: Any, context: bpy.types.Context) -> None:
        reason = reasons.cannot_generate(context)
        column = layout.column(align=True)
        column.enabled = not reason
        column.scale_y = 1.4
        column.operator("face_emote.generate", icon="PLAY")
        column.operator("face_emote.generate", text="Preview", icon="HIDE_OFF").preview = True
        layout.operator("face_emote.capture", icon="CAMERA_DATA")
        if reason:
            say(layout, reason)

    def _status(self, layout: Any, context: bpy.types.Context) -> None:
        say(layout, SESSION.status, icon="ERROR" if SESSION.failed else "INFO")
        if SESSION.failed and context.window_manager.face_emote_job.report_path:
            layout.operator("face_emote.show_report", icon="COPYDOWN")


CLASSES = (FACEEMOTE_PT_main,)
