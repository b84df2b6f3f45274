# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouth of a take, word by word and sound by sound: list, correct, make again."""

from typing import Any

from bpy.props import EnumProperty

from .. import reasons
from ..apply import mouth, takes
from ..apply.facts import facts_of
from ..report import UserError
from .button import Button
from .editing import no_free_take
from .remaking import remake

NEW_FRAMES = 2.0
"""Length of a sound that is put in."""


def no_cues(context: Any) -> str:
    """The chosen take has no list of words and sounds."""
    reason = no_free_take(context)
    if reason or mouth.cues_of(reasons.chosen_take(context)):
        return reason
    return "Re-bake the take: it was made without a list of its sounds"


def no_list(context: Any) -> str:
    """The list is not that of the chosen take."""
    reason = no_cues(context)
    if reason:
        return reason
    listed = context.scene.face_emote.cues_take == facts_of(reasons.chosen_take(context)).get("id")
    return "" if listed else "Press Edit Mouth first"


class _Correction(Button):
    """Something done to the list."""

    _refusal = staticmethod(no_list)


class FACEEMOTE_OT_list_mouth(Button):
    """List the words and sounds of the take, to correct them; what was changed and not made is forgotten"""

    bl_idname = "face_emote.list_mouth"
    bl_label = "Edit Mouth"
    _refusal = staticmethod(no_cues)

    def _work(self, context: Any) -> None:
        mouth.unmark(context.scene)
        mouth.list_cues(context.scene.face_emote, reasons.chosen_take(context))
        mouth.follow_playhead(context.scene)


class FACEEMOTE_OT_insert_sound(_Correction):
    """Put a sound in at the playhead; what is said there gives way"""

    bl_idname = "face_emote.insert_sound"
    bl_label = "Insert Sound"

    def _work(self, context: Any) -> None:
        settings, start = context.scene.face_emote, float(context.scene.frame_current)
        for row in [row for row in settings.cues if row.kind == "SOUND"]:
            if row.start < start < row.end:
                row.end = start
            elif start <= row.start < start + NEW_FRAMES < row.end:
                row.start = start + NEW_FRAMES
        mouth.add_row(settings, "SOUND", settings.new_sound, start=start, end=start + NEW_FRAMES)
        mouth.sort_rows(settings)
        settings.active_cue = mouth.row_at(settings.cues, start)


class FACEEMOTE_OT_delete_cue(_Correction):
    """Take the row out: a sound becomes silence, a word goes with its sounds"""

    bl_idname = "face_emote.delete_cue"
    bl_label = "Delete Row"

    def _work(self, context: Any) -> None:
        settings = context.scene.face_emote
        if not 0 <= settings.active_cue < len(settings.cues):
            raise UserError("Choose a row of the list first")
        row = settings.cues[settings.active_cue]
        gone = [row, *(mouth.sounds_in(settings.cues, row.start, row.end) if row.kind == "WORD" else ())]
        for number in reversed(range(len(settings.cues))):
            if settings.cues[number] in gone:
                settings.cues.remove(number)


class FACEEMOTE_OT_mark_cues(_Correction):
    """Show the list as markers of the timeline, to drag them there; again, to remove them"""

    bl_idname = "face_emote.mark_cues"
    bl_label = "Mark"

    kind: EnumProperty(name="Of", items=[("WORD", "Words", ""), ("SOUND", "Sounds", ""), ("NONE", "None", "")])

    def _work(self, context: Any) -> None:
        mouth.heed_markers(context.scene, context)
        mouth.mark(context.scene, kind=self.kind)


class FACEEMOTE_OT_remake_mouth(Button):
    """Make the mouth again as the list and its markers say; the rest of the face and your corrections stay"""

    bl_idname = "face_emote.remake_mouth"
    bl_label = "Re-make Mouth"
    bl_options = {"REGISTER"}
    _refusal = staticmethod(no_list)

    def _work(self, context: Any) -> None:
        scene, take = context.scene, takes.require_take(reasons.chosen_take(context))
        mouth.heed_markers(scene, context)
        mouth.write_cues(scene.face_emote, take)
        remake(scene, take, regions=("mouth", "expression", "skin"))


CLASSES = (
    FACEEMOTE_OT_list_mouth,
    FACEEMOTE_OT_insert_sound,
    FACEEMOTE_OT_delete_cue,
    FACEEMOTE_OT_mark_cues,
    FACEEMOTE_OT_remake_mouth,
)
