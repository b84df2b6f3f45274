# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, and what came of it."""

from typing import Any

import bpy

from .. import reasons
from ..apply import preview, takes
from ..engine.current import SESSION
from ..messages import tr
from ..operators.speech import fps_of
from .main import Tab, prepared, say, show_work


class FACEEMOTE_PT_takes(Tab, bpy.types.Panel):
    """Generate, and the character's takes."""

    bl_label = "Takes"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        if not SESSION.busy and preview.current() is not None:
            say(layout, "Previewing: scrub or play the timeline", icon="HIDE_OFF")
            row = layout.row(align=True)
            row.operator("face_emote.preview_apply", icon="CHECKMARK")
            row.operator("face_emote.preview_stop", icon="X")
        elif not SESSION.busy:
            self._generate(layout, context)
        show_work(layout, context, heads=False)
        layout.template_list(
            "FACEEMOTE_UL_takes", "", bpy.data, "actions", settings, "active_take", rows=3, sort_lock=True
        )
        self._of_another_rate(layout, context)
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        grid.operator("face_emote.show_take", icon="ARROW_LEFTRIGHT")
        grid.operator("face_emote.rebake_take", icon="FILE_REFRESH")
        grid.operator("face_emote.recall_take", icon="LOOP_BACK")
        grid.operator("face_emote.remove_take", icon="TRASH")
        layout.operator("face_emote.add_corrections", icon="ADD")
        column = layout.column(align=True)
        column.operator("face_emote.merge_take", icon="NLA_PUSHDOWN")
        column.prop(settings, "key_tolerance")

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

    def _of_another_rate(self, layout: Any, context: bpy.types.Context) -> None:
        fps, target = fps_of(context.scene), context.scene.face_emote.target
        stale = takes.of_another_rate(target, fps=fps) if target is not None else None
        if stale is None:
            return
        made = takes.facts_of(stale)["fps"]
        sentence = tr(
            "{name} was made for {made:g} frames a second, the scene has {fps:g}", name=stale.name, made=made, fps=fps
        )
        say(layout, sentence, icon="ERROR")
        again = layout.operator("face_emote.rebake_take", text="Re-bake as It Was", icon="FILE_REFRESH")
        again.take_id, again.as_it_was = takes.facts_of(stale)["id"], True


CLASSES = (FACEEMOTE_PT_takes,)
