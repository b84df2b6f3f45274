# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in panels: mapping rows, takes, lines."""

from typing import Any

import bpy

from ..apply import takes
from ..apply.channels import has_keys
from ..engine.current import SESSION


class FACEEMOTE_UL_rows(bpy.types.UIList):
    """Shape key, curve, weight."""

    def draw_item(
        self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active: Any, _property: str
    ) -> None:
        """What plays, and how strongly; `row_details` has the rest of the chosen one."""
        row = layout.row(align=True)
        row.label(
            text=item.key, icon="POSE_HLT" if item.id_data.type == "ARMATURE" else "SHAPEKEY_DATA", translate=False
        )
        weight = row.row()
        weight.ui_units_x = 3.0
        weight.prop(item, "weight", text="")


def row_details(layout: Any, table: Any) -> None:
    """The chosen row of a mapping: which key or pose plays which curve."""
    if not table.rows:
        return
    item, owner = table.rows[min(table.active_row, len(table.rows) - 1)], table.id_data
    column = layout.column(align=True)
    if owner.type == "ARMATURE":
        column.row().prop_search(item, "key", owner.face_emote, "poses", text="", icon="POSE_HLT")
    elif has_keys(owner):
        column.row().prop_search(item, "key", owner.data.shape_keys, "key_blocks", text="", icon="SHAPEKEY_DATA")
    column.row().prop(item, "source", text="")


class FACEEMOTE_UL_takes(bpy.types.UIList):
    """Takes of the character."""

    def draw_item(
        self, context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active: Any, _property: str
    ) -> None:
        """Name, emotion, length, and whether it is shown."""
        facts = takes.facts_of(item)
        character = context.scene.face_emote.target
        shown = character is not None and takes.is_shown(item, character)
        split = layout.split(factor=0.55)
        split.prop(item, "name", text="", emboss=False, icon="HIDE_OFF" if shown else "HIDE_ON")
        row = split.row()
        row.label(text=str(facts.get("emotion", ""))[:24])
        row.label(text=f"{float(facts.get('num_secs', 0.0)):.1f} s")

    def filter_items(self, context: Any, data: Any, propname: str) -> tuple[list[int], list[int]]:
        """Only actions that are takes of this character."""
        character = context.scene.face_emote.target
        own = set(takes.takes_of(character)) if character is not None else set()
        return [self.bitflag_filter_item if action in own else 0 for action in getattr(data, propname)], []


LINE_ICONS = {
    "IDLE": "RADIOBUT_OFF", "WAITING": "RADIOBUT_OFF", "RUNNING": "PLAY", "DONE": "CHECKMARK", "SAME": "CHECKBOX_HLT",
    "FAILED": "ERROR",
}  # fmt: skip


class FACEEMOTE_UL_lines(bpy.types.UIList):
    """Lines: how each stands, name, emotion."""

    def draw_item(
        self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active: Any, _property: str
    ) -> None:
        """One line."""
        runs = item.state == "RUNNING" and SESSION.busy
        row = layout.row(align=True)
        if runs:
            row.progress(factor=SESSION.progress, text=f"{item.name} {SESSION.progress:.0%}")
            return
        state = "IDLE" if item.state == "RUNNING" else item.state
        row.label(text=item.name, icon="ERROR" if item.problem else LINE_ICONS[state], translate=False)
        row.prop(item, "emotion", text="")


CLASSES = (FACEEMOTE_UL_rows, FACEEMOTE_UL_takes, FACEEMOTE_UL_lines)
