# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks and what is looked at."""

from typing import Any

import bpy

from .main import Tab, prepared


class FACEEMOTE_UL_blinks(bpy.types.UIList):
    """A blink: when, how far, how long."""

    def draw_item(
        self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active: Any, _property: str
    ) -> None:
        """One row."""
        row = layout.row(align=True)
        row.prop(item, "frame", text="")
        row.prop(item, "frames", text="")
        row.prop(item, "strength", text="", slider=True)


class FACEEMOTE_PT_eyes(Tab, bpy.types.Panel):
    """The eyes of a take."""

    bl_label = "Eyes"
    bl_parent_id = "FACEEMOTE_PT_takes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        if settings.target is not None:
            layout.prop(settings.target.face_emote, "gaze_target")
            row = layout.row()
            row.active = settings.target.face_emote.gaze_target is not None
            row.prop(settings.target.face_emote, "gaze_head")
        layout.operator("face_emote.list_blinks", icon="HIDE_ON")
        if len(settings.blink_rows):
            layout.template_list("FACEEMOTE_UL_blinks", "", settings, "blink_rows", settings, "active_blink", rows=3)
        row = layout.row(align=True)
        row.operator("face_emote.add_blink", icon="ADD")
        row.operator("face_emote.delete_blink", icon="TRASH")
        layout.operator("face_emote.remake_eyes", icon="FILE_REFRESH")


CLASSES = (FACEEMOTE_UL_blinks, FACEEMOTE_PT_eyes)
