# SPDX-License-Identifier: GPL-3.0-or-later
"""Character and speech."""

from typing import Any

import bpy

from .. import compat, reasons
from ..apply.channels import lost_keys
from ..messages import tr
from ..names import BONE_ROLES
from ..operators.generate import start_frame
from ..operators.mapping import unmatched
from .main import prepared, say

SHOWN = 8
"""Unmatched names that are listed; the rest is counted."""
LANGUAGE_NOTE = "Any language is heard; words make lips exact in en, de, es, fr, it, pt, nl, pl, fi, tr, id."


class FACEEMOTE_PT_character(bpy.types.Panel):
    """Our head, or an own mesh."""

    bl_label = "Character"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        box = layout.column(align=True)
        box.prop(settings, "new_character")
        box.operator("face_emote.add_character", icon="ADD")
        box.operator("face_emote.add_stage", icon="LIGHT_AREA")
        header, body = layout.panel("face_emote_identity", default_closed=True)
        header.prop(settings, "use_identity")
        if body:
            body.active = settings.use_identity
            column = body.column(align=True)
            for name in ("african", "asian", "caucasian", "gender", "age", "muscle", "weight"):
                column.prop(settings, name)
            column.prop(settings, "identity_seed")
        character = settings.target
        if character is not None and character.face_emote.kind != "HEAD":
            self._own_mesh(layout, character)

    def _own_mesh(self, layout: Any, character: Any) -> None:
        header, body = layout.panel("face_emote_mapping")
        header.label(text="Own mesh")
        if not body:
            return
        own = character.face_emote
        body.operator_menu_enum("face_emote.map_character", "preset", icon="SHAPEKEY_DATA")
        row = body.row()
        row.template_list("FACEEMOTE_UL_rows", "", own, "rows", own, "active_row", rows=4)
        side = row.column(align=True)
        side.operator("face_emote.add_row", text="", icon="ADD")
        side.operator("face_emote.remove_row", text="", icon="REMOVE")
        side.operator("face_emote.save_mapping", text="", icon="FILE_TICK")
        gone = lost_keys(character)
        if gone:
            say(
                body, tr("Gone or renamed since they were mapped: {names}", names=", ".join(gone[:SHOWN])), icon="ERROR"
            )
        for index, part in enumerate(own.parts):
            if part.mesh is not None:
                line = body.row()
                line.label(text=part.mesh.name, icon="MESH_DATA")
                line.operator("face_emote.remove_part", text="", icon="X").index = index
        body.operator("face_emote.add_parts", icon="ADD")
        idle, lost = unmatched(character)
        for title, names in (("Keys that nothing plays", idle), ("Curves that nothing shows", lost)):
            if names and own.kind == "OWN":
                more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                say(body, f"{title}: {', '.join(names[:SHOWN])}{more}", icon="QUESTION")
        body.prop(own, "rig")
        if own.rig is not None:
            for role in BONE_ROLES:
                body.prop_search(own, role, own.rig.data, "bones", icon="BONE_DATA")
            body.prop(own, "facing")


class FACEEMOTE_PT_speech(bpy.types.Panel):
    """A strip or a file, and the words."""

    bl_label = "Speech"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, settings = prepared(self), context.scene.face_emote
        layout.row().prop(settings, "speech_source", expand=True)
        if settings.speech_source == "STRIP":
            strips = compat.strips_property(context.scene)
            if strips is None:
                say(layout, "The sequencer is empty; add a sound strip, or choose File")
            else:
                layout.prop_search(settings, "speech_strip", *strips, icon="SOUND")
        else:
            layout.prop(settings, "speech_file")
            layout.prop(settings, "use_range")
            if settings.use_range:
                column = layout.column(align=True)
                column.prop(settings, "range_start")
                column.prop(settings, "range_end")
            layout.prop(settings, "start_at")
            layout.prop(settings, "place_sound")
        if not reasons.no_speech(context):
            layout.label(text=tr("Starts at frame {start_frame}", start_frame=start_frame(context.scene)), icon="TIME")
        layout.prop(settings, "transcript")
        say(layout, LANGUAGE_NOTE)


CLASSES = (FACEEMOTE_PT_character, FACEEMOTE_PT_speech)
