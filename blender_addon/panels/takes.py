# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes, skin, lines, export."""

from typing import Any

import bpy

from ..apply import takes
from ..messages import tr
from ..names import BLOOD_REGIONS, SKIN_PROPERTY, WRINKLES, blood_place, wrinkle_place
from ..operators.generate import fps_of
from .main import prepared, say


class FACEEMOTE_PT_takes(bpy.types.Panel):
    """The character's takes."""

    bl_label = "Takes"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.template_list(
            "FACEEMOTE_UL_takes", "", bpy.data, "actions", settings, "active_take", rows=3, sort_lock=True
        )
        fps = fps_of(context.scene)
        stale = takes.of_another_rate(settings.target, fps=fps) if settings.target is not None else None
        if stale is not None:
            made = takes.facts_of(stale)["fps"]
            say(
                layout,
                tr(
                    "{name} was made for {made:g} frames a second, the scene has {fps:g}",
                    name=stale.name,
                    made=made,
                    fps=fps,
                ),
                icon="ERROR",
            )
            again = layout.operator("face_emote.rebake_take", text="Re-bake as It Was", icon="FILE_REFRESH")
            again.take_id, again.as_it_was = takes.facts_of(stale)["id"], True
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        grid.operator("face_emote.show_take", icon="ARROW_LEFTRIGHT")
        grid.operator("face_emote.rebake_take", icon="FILE_REFRESH")
        grid.operator("face_emote.add_corrections", icon="ADD")
        grid.operator("face_emote.recall_take", icon="LOOP_BACK")
        grid.operator("face_emote.merge_take", icon="NLA_PUSHDOWN")
        grid.operator("face_emote.remove_take", icon="TRASH")
        layout.prop(settings, "decimate")


class FACEEMOTE_PT_skin(bpy.types.Panel):
    """Wrinkles and blood of the character."""

    bl_label = "Skin"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, character = prepared(self), context.scene.face_emote.target
        if character is None or SKIN_PROPERTY not in character:
            say(layout, "Wrinkles and blood are on the Face Emote head; choose one as the character")
            return
        column = layout.column(align=True)
        column.prop(character, f'["{SKIN_PROPERTY}"]', index=0, text="Wrinkles")
        column.prop(character, f'["{SKIN_PROPERTY}"]', index=1, text="Blood")
        layout.prop(character.face_emote, "shown_region")
        for title, names, place in (("Blood flow", BLOOD_REGIONS, blood_place), ("Wrinkles", WRINKLES, wrinkle_place)):
            header, body = layout.panel(f"face_emote_{title}", default_closed=True)
            header.label(text=tr("{title} by region", title=title))
            if body:
                column = body.column(align=True)
                for i, name in enumerate(names):
                    prop, index = place(i)
                    column.prop(character, f'["{prop}"]', index=index, text=name.replace("_", " ").capitalize())


class FACEEMOTE_PT_lines(bpy.types.Panel):
    """Many lines, several characters."""

    bl_label = "Lines"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        row = layout.row()
        row.template_list("FACEEMOTE_UL_lines", "", settings, "lines", settings, "active_line", rows=3)
        side = row.column(align=True)
        side.operator("face_emote.add_lines", text="", icon="ADD")
        side.operator("face_emote.remove_line", text="", icon="REMOVE")
        layout.operator("face_emote.generate_lines", icon="PLAY")


class FACEEMOTE_PT_export(bpy.types.Panel):
    """Files for other programs."""

    bl_label = "Export and Render"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        for prop, operator, icon in (
            ("export_path", "face_emote.export_take", "EXPORT"),
            ("video_path", "face_emote.quick_video", "RENDER_ANIMATION"),
        ):
            column: Any = layout.column(align=True)
            column.prop(settings, prop)
            column.operator(operator, icon=icon)


CLASSES = (FACEEMOTE_PT_takes, FACEEMOTE_PT_skin, FACEEMOTE_PT_lines, FACEEMOTE_PT_export)
