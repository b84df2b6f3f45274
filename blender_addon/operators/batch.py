# SPDX-License-Identifier: GPL-3.0-or-later
"""Many lines at one push: strips and who says them."""

from typing import Any

import bpy

from .. import compat, reasons
from ..apply import sound, takes
from ..messages import tr
from ..names import STRIP_KEY
from ..report import UserError, attempt
from .generate import prepared_line, submit_take


class FACEEMOTE_OT_add_lines(bpy.types.Operator):
    """Add every sound strip of the sequencer that is selected (or all) as a line of the current character"""

    bl_idname = "face_emote.add_lines"
    bl_label = "Add Strips"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Sound strips."""
        return reasons.allowed(cls, "" if speech_strips(context.scene) else "The sequencer has no sound strips")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Those that are not in the list yet."""
        settings = context.scene.face_emote
        strips = speech_strips(context.scene)
        chosen = [strip for strip in strips if strip.select] or strips
        known = {line.strip for line in settings.lines}
        for strip in sorted(chosen, key=compat.strip_first_frame):
            if strip.name not in known:
                line = settings.lines.add()
                line.strip, line.character = strip.name, settings.target
        return {"FINISHED"}


class FACEEMOTE_OT_remove_line(bpy.types.Operator):
    """Remove the marked line from the list"""

    bl_idname = "face_emote.remove_line"
    bl_label = "Remove Line"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A line."""
        return reasons.allowed(cls, "" if context.scene.face_emote.lines else "The list is empty")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        settings = context.scene.face_emote
        settings.lines.remove(min(settings.active_line, len(settings.lines) - 1))
        settings.active_line = max(0, settings.active_line - 1)
        return {"FINISHED"}


class FACEEMOTE_OT_generate_lines(bpy.types.Operator):
    """Generate all lines, one after the other"""

    bl_idname = "face_emote.generate_lines"
    bl_label = "Generate All Lines"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Lines whose strip and character exist."""
        return reasons.allowed(cls, reasons.busy(context) or unready(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue them; the first failure stops the rest."""

        def work() -> None:
            scene = context.scene
            reason = unready(scene)
            if reason:
                raise UserError(reason)
            for item in scene.face_emote.lines:
                line = prepared_line(scene, strip=item.strip)
                submit_take(scene, item.character, line, emotion=item.emotion)

        return attempt(self, work)


def speech_strips(scene: Any) -> list[Any]:
    """Sound strips that no take has placed."""
    return [item for item in compat.strips_of(scene) or () if item.type == "SOUND" and STRIP_KEY not in item]


def unready(scene: Any) -> str:
    """What keeps the list from being generated; empty when nothing does."""
    if not scene.face_emote.lines:
        return "Add lines first"
    for item in scene.face_emote.lines:
        if sound.find_strip(scene, item.strip) is None:
            return tr("There is no sound strip '{strip}'", strip=item.strip)
        refusal = takes.refusal(item.character)
        if refusal:
            return f"{item.strip}: {refusal}"
    return ""


CLASSES = (FACEEMOTE_OT_add_lines, FACEEMOTE_OT_remove_line, FACEEMOTE_OT_generate_lines)
