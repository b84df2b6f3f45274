# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for other programs, and a quick video."""

import bpy

from .main import Tab, prepared


class FACEEMOTE_PT_export(Tab, bpy.types.Panel):
    """Files for other programs."""

    bl_label = "Export"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        for prop, operator, icon in (
            ("export_path", "face_emote.export_take", "EXPORT"),
            ("video_path", "face_emote.quick_video", "RENDER_ANIMATION"),
        ):
            column = layout.column(align=True)
            column.row().prop(settings, prop, text="")
            column.operator(operator, icon=icon)


CLASSES = (FACEEMOTE_PT_export,)
