# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawn mouths."""

from typing import Any

import bpy

from .main import Tab, prepared

SHOWN_BY = {"OBJECTS": "members", "PICTURES": "material", "PENCIL": "pencil"}


class FACEEMOTE_UL_shapes(bpy.types.UIList):
    """A shape of the chart, and what shows it."""

    def draw_item(
        self, _context: Any, layout: Any, data: Any, item: Any, _icon: int, _active: Any, _property: str
    ) -> None:
        """One row."""
        split = layout.split(factor=0.3)
        split.label(text=item.shape, translate=False)
        if data.kind == "OBJECTS" and data.members is not None:
            split.prop_search(item, "shows", data.members, "objects", text="")
        else:
            split.prop(item, "shows", text="")


class FACEEMOTE_PT_drawn(Tab, bpy.types.Panel):
    """Mouths that are swapped."""

    bl_label = "Drawn Mouth"
    bl_parent_id = "FACEEMOTE_PT_takes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote.drawn
        layout.prop(settings, "chart")
        layout.prop(settings, "kind")
        layout.prop(settings, SHOWN_BY[settings.kind])
        layout.operator("face_emote.list_shapes", icon="PRESET")
        if len(settings.shapes):
            layout.template_list("FACEEMOTE_UL_shapes", "", settings, "shapes", settings, "active_shape", rows=4)
        row = layout.row(align=True)
        row.operator("face_emote.draw_mouth", icon="PLAY")
        row.operator("face_emote.clear_mouth", text="", icon="TRASH")


CLASSES = (FACEEMOTE_UL_shapes, FACEEMOTE_PT_drawn)
