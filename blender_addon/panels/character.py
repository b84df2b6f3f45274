# SPDX-License-Identifier: GPL-3.0-or-later
"""Who: our head or an own mesh, its mapping, its skin."""

from typing import Any

import bpy

from .. import reasons
from ..apply import linked, shapes
from ..apply.channels import lost_keys
from ..messages import tr
from ..names import BLOOD_REGIONS, BONE_ROLES, SKIN_PROPERTY, WRINKLES, blood_place, region_label, wrinkle_place
from ..operators.mapping import unmatched
from ..operators.poses import rig_of
from .lists import row_details
from .main import Tab, prepared, say, show_work

SHOWN = 8
"""Unmatched names that are listed; the rest is counted."""


class FACEEMOTE_PT_character(Tab, bpy.types.Panel):
    """Our head, or an own mesh."""

    bl_label = "Character"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.row().prop(settings, "target", text="")
        box = layout.column(align=True)
        box.prop(settings, "new_character")
        box.operator("face_emote.add_character", icon="ADD")
        box.operator("face_emote.add_stage", icon="LIGHT_AREA")
        character = settings.target
        if character is not None and linked.refusal(character):
            say(layout, linked.refusal(character), icon="LINKED")
            layout.operator("face_emote.make_override", icon="LIBRARY_DATA_OVERRIDE")
        elif not show_work(layout, context, heads=True):
            step = reasons.next_step(context)
            if step:
                say(layout, step, icon="FORWARD")


class FACEEMOTE_PT_identity(Tab, bpy.types.Panel):
    """Somebody else than our eight people."""

    bl_label = "Own Identity"
    bl_parent_id = "FACEEMOTE_PT_character"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        """The switch."""
        self.layout.prop(context.scene.face_emote, "use_identity", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.active = settings.use_identity
        column = layout.column(align=True)
        for name in ("african", "asian", "caucasian", "gender", "age", "muscle", "weight"):
            column.prop(settings, name)
        column.prop(settings, "identity_seed")


class FACEEMOTE_PT_own_mesh(Tab, bpy.types.Panel):
    """Shape keys and bones of a character that is not ours."""

    bl_label = "Own Mesh"
    bl_parent_id = "FACEEMOTE_PT_character"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A mesh that is not our head."""
        character = context.scene.face_emote.target
        return character is not None and character.type == "MESH" and character.face_emote.kind != "HEAD"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, character = prepared(self), context.scene.face_emote.target
        own = character.face_emote
        if shapes.missing(character):
            column = layout.column(align=True)
            column.operator("face_emote.find_marks", icon="EMPTY_AXIS")
            column.operator("face_emote.create_keys", icon="SHAPEKEY_DATA")
        if own.match:
            say(layout, own.match, icon="ERROR" if "weak" in own.match else "CHECKMARK")
        layout.operator_menu_enum("face_emote.map_character", "preset", icon="SHAPEKEY_DATA")
        row = layout.row()
        row.template_list("FACEEMOTE_UL_rows", "", own, "rows", own, "active_row", rows=4)
        side = row.column(align=True)
        side.operator("face_emote.add_row", text="", icon="ADD")
        side.operator("face_emote.remove_row", text="", icon="REMOVE")
        side.operator("face_emote.save_mapping", text="", icon="FILE_TICK")
        row_details(layout, own)
        _say_gone(layout, lost_keys(character))
        for index, part in enumerate(own.parts):
            if part.mesh is not None:
                line = layout.row()
                line.label(text=part.mesh.name, icon="MESH_DATA", translate=False)
                line.operator("face_emote.remove_part", text="", icon="X").index = index
        layout.operator("face_emote.add_parts", icon="ADD")
        idle, lost = unmatched(character)
        for title, names in (("Keys that nothing plays", idle), ("Curves that nothing shows", lost)):
            if names and own.kind == "OWN":
                more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                say(layout, f"{title}: {', '.join(names[:SHOWN])}{more}", icon="QUESTION")
        layout.prop(own, "rig")


def _say_gone(layout: Any, gone: list[str]) -> None:
    if gone:
        listed = ", ".join(gone[:SHOWN])
        say(layout, tr("Gone or renamed since they were mapped: {names}", names=listed), icon="ERROR")


class FACEEMOTE_PT_bones(Tab, bpy.types.Panel):
    """A rig's poses, and the bones for neck, jaw and eyes."""

    bl_label = "Bones and Poses"
    bl_parent_id = "FACEEMOTE_PT_character"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A rig, or a mesh with one."""
        character = context.scene.face_emote.target
        return character is not None and character.face_emote.kind != "HEAD" and rig_of(character) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, character = prepared(self), context.scene.face_emote.target
        rig, own = rig_of(character), character.face_emote
        layout.operator_menu_enum("face_emote.map_poses", "source", icon="POSE_HLT")
        if rig is not None and rig.face_emote.poses:
            table = rig.face_emote
            layout.template_list("FACEEMOTE_UL_rows", "poses", table, "rows", table, "active_row", rows=4)
            row_details(layout, table)
        if character == rig:
            _say_gone(layout, lost_keys(character))
        if own.rig is not None:
            for role in BONE_ROLES:
                layout.prop_search(own, role, own.rig.data, "bones", icon="BONE_DATA")
            layout.prop(own, "facing")


class FACEEMOTE_PT_skin(Tab, bpy.types.Panel):
    """Wrinkles and blood of the character."""

    bl_label = "Skin"
    bl_parent_id = "FACEEMOTE_PT_character"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, character = prepared(self), context.scene.face_emote.target
        if character is None or SKIN_PROPERTY not in character:
            say(layout, "Wrinkles and blood are on the Face Emote head; choose one as the character")
            return
        column = layout.column(align=True)
        column.prop(character, f'["{SKIN_PROPERTY}"]', index=0, text="Wrinkles All")
        column.prop(character, f'["{SKIN_PROPERTY}"]', index=1, text="Blood All")
        layout.row().prop(character.face_emote, "shown_region", text="")
        for title, names, place in (("Blood", BLOOD_REGIONS, blood_place), ("Wrinkles", WRINKLES, wrinkle_place)):
            header, body = layout.panel(f"face_emote_{title}", default_closed=True)
            header.label(text=tr("{title} by region", title=title))
            if body:
                column = body.column(align=True)
                column.use_property_split = False  # The names are long.
                for i, name in enumerate(names):
                    prop, index = place(i)
                    column.prop(character, f'["{prop}"]', index=index, text=region_label(name))


CLASSES = (
    FACEEMOTE_PT_character,
    FACEEMOTE_PT_identity,
    FACEEMOTE_PT_own_mesh,
    FACEEMOTE_PT_bones,
    FACEEMOTE_PT_skin,
)
