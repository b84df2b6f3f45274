# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit a take: its curves in the editors, its layers, on twos, held poses."""

from typing import Any

from bpy.props import EnumProperty, IntProperty, StringProperty

from .. import reasons
from ..apply import editing, layers, preview, steps, takes
from ..apply.regions import REGIONS
from ..messages import tr
from .button import Button

STEPS = [("1", "Every frame", ""), ("2", "On twos", ""), ("3", "On threes", ""), ("4", "On fours", "")]


def not_editing(context: Any) -> str:
    """The chosen take is not being edited."""
    reason = reasons.no_take(context)
    return reason or ("" if editing.is_edited(reasons.chosen_take(context)) else "Press Edit This Take first")


def no_free_take(context: Any) -> str:
    """The chosen take is being edited, or there is none."""
    reason = reasons.no_take(context)
    return reason or ("Press Done Editing first" if editing.is_edited(reasons.chosen_take(context)) else "")


class _OnTake(Button):
    """Something done to the chosen take, which is not being edited."""

    _refusal = staticmethod(no_free_take)

    def _work(self, context: Any) -> None:
        preview.stop()
        self._change(context, takes.require_take(reasons.chosen_take(context)), context.scene.face_emote.target)
        context.scene.frame_set(context.scene.frame_current)

    def _change(self, context: Any, take: Any, character: Any) -> None:
        raise NotImplementedError


class FACEEMOTE_OT_edit_take(_OnTake):
    """Show the take in the Dope Sheet and the Graph Editor, to edit its keys there; an action of yours plays on"""

    bl_idname = "face_emote.edit_take"
    bl_label = "Edit This Take"

    def _change(self, context: Any, take: Any, character: Any) -> None:
        takes.show_only(character, take)
        editing.finish_all(character, takes.takes_of(character))
        editing.begin(take, character)
        _select(context, character)
        self.report({"INFO"}, tr("{name} is in the Dope Sheet; press Done Editing in the end", name=take.name))


class _WhileEditing(_OnTake):
    """Ends editing."""

    _refusal = staticmethod(not_editing)


class FACEEMOTE_OT_done_editing(_WhileEditing):
    """Put the take back onto its strips, as it was edited"""

    bl_idname = "face_emote.done_editing"
    bl_label = "Done Editing"

    def _change(self, _context: Any, take: Any, character: Any) -> None:
        editing.finish(take, character)


class FACEEMOTE_OT_discard_edits(_WhileEditing):
    """Put the take back onto its strips, as it was before"""

    bl_idname = "face_emote.discard_edits"
    bl_label = "Discard"

    def _change(self, _context: Any, take: Any, character: Any) -> None:
        editing.finish(take, character, keep=False)


class FACEEMOTE_OT_revert_edits(_OnTake):
    """Make all curves of the take again as the engine made them"""

    bl_idname = "face_emote.revert_edits"
    bl_label = "Revert Edits"

    def _change(self, _context: Any, take: Any, character: Any) -> None:
        takes.revert(take, character)


class FACEEMOTE_OT_switch_layer(_OnTake):
    """Mute this layer of the take, or play solo layers alone; several can be solo"""

    bl_idname = "face_emote.switch_layer"
    bl_label = "Mute or Solo"

    region: StringProperty()
    kind: EnumProperty(items=[("mute", "Mute", ""), ("solo", "Solo", "")])

    def _change(self, context: Any, take: Any, character: Any) -> None:
        layers.switch(take, character, self.region, kind=self.kind)


class FACEEMOTE_OT_step_take(_OnTake):
    """Let the take, or one layer of it, change on every second or third frame only; the keys stay as they are"""

    bl_idname = "face_emote.step_take"
    bl_label = "Stepped"

    frames: EnumProperty(name="Stepped", items=STEPS, default="2")
    region: StringProperty(description="One layer; empty: all of them", options={"SKIP_SAVE"})

    def _change(self, context: Any, take: Any, character: Any) -> None:
        regions = (self.region,) if self.region else REGIONS
        steps.step(take, character, frames=int(self.frames), regions=regions)


class FACEEMOTE_OT_hold_pose(_OnTake):
    """Hold the pose at the playhead for some frames; the keys stay as they are"""

    bl_idname = "face_emote.hold_pose"
    bl_label = "Hold Pose"

    frames: IntProperty(name="Frames", description="How long", default=6, min=1, soft_max=100)

    def _change(self, context: Any, take: Any, character: Any) -> None:
        start = editing.action_frame(take, character, context.scene.frame_current)
        end = editing.action_frame(take, character, context.scene.frame_current + self.frames)
        steps.hold(take, character, start=start, frames=max(1, round(end - start)))


class FACEEMOTE_OT_release_pose(_OnTake):
    """Let go of the pose that is held at the playhead"""

    bl_idname = "face_emote.release_pose"
    bl_label = "Release"

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = no_free_take(context)
        if not reason and not steps.holds_of(reasons.chosen_take(context)):
            reason = "No pose of this take is held"
        return reason

    def _change(self, context: Any, take: Any, character: Any) -> None:
        frame = editing.action_frame(take, character, context.scene.frame_current)
        if not steps.release(take, character, frame=frame):
            self.report({"WARNING"}, tr("No pose is held at this frame"))


def _select(context: Any, character: Any) -> None:
    """So that editors that show what is selected show the take."""
    for item in (character.face_emote.rig, character):
        if item is not None and item.name in context.view_layer.objects:
            item.select_set(True)
            context.view_layer.objects.active = item


CLASSES = (
    FACEEMOTE_OT_edit_take,
    FACEEMOTE_OT_done_editing,
    FACEEMOTE_OT_discard_edits,
    FACEEMOTE_OT_revert_edits,
    FACEEMOTE_OT_switch_layer,
    FACEEMOTE_OT_step_take,
    FACEEMOTE_OT_hold_pose,
    FACEEMOTE_OT_release_pose,
)
