# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels of the tab share: where they are, sentences that fit the sidebar, and how the work goes."""

from typing import Any

import blf
import bpy

from .. import folders
from ..engine.current import SESSION
from ..messages import tr

NARROW = 176
"""Pixels between the margins of the narrowest default sidebar (Blender 4.5), at an interface scale of 1."""
MARGINS = 44
"""Pixels of a sidebar at the sides of what panels draw: tabs, the panel's edge, the scroll bar."""
ICON, POINTS = 32, 11


class Tab:
    """Where a panel is. A root is one step of the work; whatever refines a step is a sub-panel of it.

    A sub-panel names its root in `bl_parent_id`; roots are Character, Speech, Emotion, Takes and Export.
    """

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Face Emote"


def prepared(panel: Any) -> Any:
    """A panel's layout with labels at the left."""
    panel.layout.use_property_split = True
    panel.layout.use_property_decorate = False
    return panel.layout


def say(layout: Any, text: str, *, icon: str = "INFO") -> None:
    """A sentence, broken into lines that fit the sidebar as wide as it is."""
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale or 1.0
    width = NARROW
    if region is not None and region.type == "UI" and region.width > 1:
        width = max(NARROW, region.width / scale - MARGINS)
    blf.size(0, POINTS)
    column = layout.column(align=True)
    column.scale_y = 0.8
    line = ""
    for word in [*_pieces(tr(text), width=width - ICON), ""]:
        longer = f"{line} {word}".strip()
        if word and blf.dimensions(0, longer)[0] <= width - ICON:
            line = longer
            continue
        if line:
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1"
        line = word


def _pieces(text: str, *, width: float) -> list[str]:
    """Words, and parts of those that are wider than a line: paths."""
    found = []
    for word in text.split():
        while blf.dimensions(0, word)[0] > width:
            fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or blf.dimensions(0, word[:n])[0] <= width)
            found.append(word[:fits])
            word = word[fits:]
        found.append(word)
    return found


def show_work(layout: Any, context: bpy.types.Context, *, heads: bool) -> bool:
    """Progress of what runs, and what came of the last: where heads are made, or takes. True while it runs here."""
    is_here = (SESSION.method == "load") == heads
    if SESSION.busy and is_here:
        row = layout.row(align=True)
        row.progress(factor=SESSION.progress, text=f"{SESSION.stage.capitalize()} {SESSION.progress:.0%}")
        row.operator("face_emote.cancel", text="", icon="CANCEL")
        left, notes = SESSION.secs_left, [SESSION.label]
        if left is not None and left >= 1.0:
            notes.append(tr("{secs:.0f} s left", secs=left))
        if SESSION.waiting:
            notes.append(tr("{count} more waiting", count=SESSION.waiting))
        say(layout, ", ".join(notes), icon="BLANK1")
    elif not SESSION.busy and SESSION.status and (not heads or (SESSION.failed and is_here)):
        say(layout, SESSION.status, icon="ERROR" if SESSION.failed else "INFO")
        if SESSION.failed and context.window_manager.face_emote_job.report_path:
            layout.operator("face_emote.show_report", icon="COPYDOWN")
    if folders.problem() and not heads:
        say(layout, folders.problem(), icon="ERROR")
    return SESSION.busy and is_here
