# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit a take: editors, layers, steps."""

from typing import Any

import bpy

from .. import reasons
from ..apply import editing, layers, steps, takes
from ..messages import tr
from .main import Tab, prepared, say


class FACEEMOTE_PT_edit(Tab, bpy.types.Panel):
    """What is done to a take after it is made."""

    bl_label = "Layers and Keys"
    bl_parent_id = "FACEEMOTE_PT_takes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout = prepared(self)
        reason = reasons.no_take(context)
        if reason:
            say(layout, reason)
            return
        character = context.scene.face_emote.target
        take = takes.require_take(reasons.chosen_take(context))
        if editing.is_edited(take):
            say(layout, tr("{name} is in the Dope Sheet", name=take.name), icon="ACTION")
            row = layout.row(align=True)
            row.operator("face_emote.done_editing", icon="CHECKMARK")
            row.operator("face_emote.discard_edits", icon="X")
            return
        row = layout.row(align=True)
        row.operator("face_emote.edit_take", icon="ACTION")
        row.operator("face_emote.revert_edits", icon="LOOP_BACK")
        self._layers(layout, take, character)
        row = layout.row(align=True)
        row.operator("face_emote.hold_pose", icon="PAUSE")
        row.operator("face_emote.release_pose", icon="PLAY")

    def _layers(self, layout: Any, take: Any, character: Any) -> None:
        state, stepped = layers.state_of(take), steps.steps_of(take)
        regions = layers.regions_in(take, character)
        if not regions:
            say(layout, "Re-bake the take: it was made without layers")
            return
        column = layout.column(align=True)
        column.use_property_split = False
        for region in regions:
            row = column.row(align=True)
            row.label(text=region.capitalize())
            for kind, icons in (("mute", ("HIDE_OFF", "HIDE_ON")), ("solo", ("SOLO_OFF", "SOLO_ON"))):
                button = row.operator("face_emote.switch_layer", text="", icon=icons[region in state[kind]])
                button.region, button.kind = region, kind
            row.prop(layers.strips_in(take, character, region)[0], "influence", text="", slider=True)
            step = row.operator_menu_enum("face_emote.step_take", "frames", text=str(stepped.get(region, 1)))
            step.region = region
        layout.operator_menu_enum("face_emote.step_take", "frames", text="All Layers Stepped")


CLASSES = (FACEEMOTE_PT_edit,)
