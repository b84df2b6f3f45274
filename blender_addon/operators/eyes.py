# SPDX-License-Identifier: GPL-3.0-or-later
"""The eyes of a take: blinks in a list, something to look at; made again without the rest of the face."""

from typing import Any

from .. import reasons
from ..apply import gaze
from ..apply.facts import facts_of, write_facts
from ..report import UserError
from .button import Button
from .editing import no_free_take
from .remaking import remake


def no_blinks(context: Any) -> str:
    """The list is not that of the chosen take."""
    reason = no_free_take(context)
    if reason:
        return reason
    listed = context.scene.face_emote.blinks_take == facts_of(reasons.chosen_take(context)).get("id")
    return "" if listed else "Press List Blinks first"


class FACEEMOTE_OT_list_blinks(Button):
    """List the blinks of the take, to change them; what was changed and not made is forgotten"""

    bl_idname = "face_emote.list_blinks"
    bl_label = "List Blinks"
    _refusal = staticmethod(no_free_take)

    def _work(self, context: Any) -> None:
        gaze.list_blinks(context.scene.face_emote, reasons.chosen_take(context))


class _OnBlinks(Button):
    """Something done to the list."""

    _refusal = staticmethod(no_blinks)


class FACEEMOTE_OT_add_blink(_OnBlinks):
    """Add a blink at the playhead"""

    bl_idname = "face_emote.add_blink"
    bl_label = "Add Blink"

    def _work(self, context: Any) -> None:
        scene = context.scene
        fps = scene.render.fps / scene.render.fps_base
        gaze.add_blink(scene.face_emote, frame=float(scene.frame_current), frames=sum(gaze.USUAL) * fps)
        scene.face_emote.active_blink = len(scene.face_emote.blink_rows) - 1


class FACEEMOTE_OT_delete_blink(_OnBlinks):
    """Take the blink out of the list"""

    bl_idname = "face_emote.delete_blink"
    bl_label = "Delete"

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote
        if not 0 <= settings.active_blink < len(settings.blink_rows):
            raise UserError("Choose a blink of the list first")
        settings.blink_rows.remove(settings.active_blink)
        settings.active_blink = max(0, settings.active_blink - 1)


class FACEEMOTE_OT_remake_eyes(Button):
    """Make the eyes again: blinks as listed, and looking at the target if there is one; the rest of the face stays"""

    bl_idname = "face_emote.remake_eyes"
    bl_label = "Re-make Eyes"
    bl_options = {"REGISTER"}
    _refusal = staticmethod(no_free_take)

    def _work(self, context: Any) -> None:
        scene, take = context.scene, reasons.chosen_take(context)
        if scene.face_emote.blinks_take == facts_of(take).get("id"):
            gaze.write_blinks(scene.face_emote, take)
        facts, character = facts_of(take), scene.face_emote.target
        turns = character.face_emote.gaze_target is not None and character.face_emote.gaze_head > 0.0
        regions = ("eyes", "head") if turns or facts.get("turned") else ("eyes",)
        write_facts(take, facts | {"turned": turns})
        remake(scene, take, regions=regions, keep_others=True)


CLASSES = (
    FACEEMOTE_OT_list_blinks,
    FACEEMOTE_OT_add_blink,
    FACEEMOTE_OT_delete_blink,
    FACEEMOTE_OT_remake_eyes,
)
