# SPDX-License-Identifier: GPL-3.0-or-later
"""Words and sounds of the take."""

from typing import Any

import bpy

from .main import Tab, prepared


class FACEEMOTE_UL_cues(bpy.types.UIList):
    """A word, or a sound of it: what, from frame, to frame."""

    def draw_item(
        self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active: Any, _property: str
    ) -> None:
        """One row."""
        row = layout.row(align=True)
        if item.kind == "WORD":
            row.prop(item, "text", text="", icon="TEXT")
        else:
            row.separator(factor=3.0)
            row.prop(item, "label", text="")
        row.prop(item, "start", text="")
        row.prop(item, "end", text="")


class FACEEMOTE_PT_mouth(Tab, bpy.types.Panel):
    """The mouth, sound by sound."""

    bl_label = "Mouth"
    bl_parent_id = "FACEEMOTE_PT_takes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.operator("face_emote.list_mouth", icon="GREASEPENCIL")
        if not len(settings.cues):
            return
        layout.template_list("FACEEMOTE_UL_cues", "", settings, "cues", settings, "active_cue", rows=8)
        cue = settings.cues[min(settings.active_cue, len(settings.cues) - 1)]
        if cue.kind == "SOUND":
            layout.prop(cue, "strength", slider=True)
        layout.prop(settings, "cues_follow")
        row = layout.row(align=True)
        row.prop(settings, "new_sound", text="")
        row.operator("face_emote.insert_sound", text="", icon="ADD")
        row.operator("face_emote.delete_cue", text="", icon="TRASH")
        layout.label(text="Timeline Markers", icon="MARKER_HLT")
        row = layout.row(align=True)
        for kind, text in (("WORD", "Words"), ("SOUND", "Sounds"), ("NONE", "None")):
            row.operator("face_emote.mark_cues", text=text).kind = kind
        layout.prop(settings, "cues_offset")
        layout.operator("face_emote.remake_mouth", icon="FILE_REFRESH")


CLASSES = (FACEEMOTE_UL_cues, FACEEMOTE_PT_mouth)
