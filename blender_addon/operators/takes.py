# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: show, compare, re-bake, remove, merge, correct."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import folders, reasons
from ..apply import preview, takes
from ..apply.channels import owners_of
from ..apply.merge import merge_take
from ..messages import tr
from ..report import UserError
from .button import Button
from .generate import submit_take
from .speech import Line, decoded


def _take(context: Any) -> Any:
    return takes.require_take(reasons.chosen_take(context))


class FACEEMOTE_OT_show_take(Button):
    """Show this take; others at the same time are muted. Again, to compare: the one that was shown before"""

    bl_idname = "face_emote.show_take"
    bl_label = "Compare"
    _refusal = staticmethod(reasons.no_take)

    def _work(self, context: Any) -> None:
        take, character = _take(context), context.scene.face_emote.target
        others = [other for other in takes.takes_of(character) if other != take]
        settings, last = context.scene.face_emote, context.scene.face_emote.compared_id
        if takes.is_shown(take, character) and others:
            other = next((item for item in others if takes.facts_of(item)["id"] == last), others[-1])
            settings.compared_id = takes.facts_of(take)["id"]
            take = other
        else:
            shown = next((item for item in others if takes.is_shown(item, character)), None)
            settings.compared_id = takes.facts_of(shown)["id"] if shown else ""
        preview.stop()
        takes.show_only(character, take)
        context.scene.frame_set(context.scene.frame_current)
        self.report({"INFO"}, tr("Showing {name}", name=take.name))


class FACEEMOTE_OT_rebake_take(Button):
    """Perform the take's speech again with the panel's settings, in place: strips and corrections stay"""

    bl_idname = "face_emote.rebake_take"
    bl_label = "Re-bake"
    bl_options = {"REGISTER"}

    take_id: StringProperty(description="Another take than the chosen one", options={"SKIP_SAVE"})
    as_it_was: BoolProperty(description="With the settings that it was made with", options={"SKIP_SAVE"})

    _refusal = staticmethod(reasons.no_take)

    def _work(self, context: Any) -> None:
        facts = takes.facts_of(takes.take_by_id(self.take_id) or _take(context))
        if self.as_it_was:
            recall(context.scene.face_emote, facts)
        line = Line(
            speech_of(facts), facts["speech_name"], int(facts["first_frame"]), float(facts["num_secs"]),
            facts.get("source", ""), start_secs=facts.get("source_start", 0.0),
            is_placed=facts.get("is_placed", False),
        )  # fmt: skip
        submit_take(context.scene, context.scene.face_emote.target, line, take=facts["id"])


class FACEEMOTE_OT_clear_cache(Button):
    """Delete cached heads and takes' files, but for those of this file's takes; what is in the scene stays as it is"""

    bl_idname = "face_emote.clear_cache"
    bl_label = "Clear Cache"
    bl_options = {"REGISTER"}
    _refusal = staticmethod(reasons.busy)

    def _work(self, _context: Any) -> None:
        every = [takes.facts_of(action) for action in bpy.data.actions]
        used = {
            Path(facts[name]).name.partition(".")[0]
            for facts in every
            for name in ("wave", "motion", "animator", "source")
            if facts.get(name)
        }
        freed, kept = folders.clear_cache(used=used)
        self.report(
            {"INFO"},
            tr("Freed {freed:.1f} MB; kept {kept} files of this file's takes", freed=freed / 1e6, kept=kept),
        )


class FACEEMOTE_OT_recall_take(Button):
    """Set the panel to what this take was made with"""

    bl_idname = "face_emote.recall_take"
    bl_label = "Recall"
    _refusal = staticmethod(reasons.no_take)

    def _work(self, context: Any) -> None:
        recall(context.scene.face_emote, takes.facts_of(_take(context)))


class FACEEMOTE_OT_remove_take(Button):
    """Remove the take, its strips and its sound; without any take the character goes back to how it was"""

    bl_idname = "face_emote.remove_take"
    bl_label = "Remove"
    _refusal = staticmethod(reasons.no_take)

    def _work(self, context: Any) -> None:
        character = context.scene.face_emote.target
        preview.stop()
        takes.remove_take(_take(context), character)
        left = takes.takes_of(character)
        if left and not any(takes.is_shown(take, character) for take in left):
            takes.show_only(character, left[-1])
        context.scene.face_emote.take_id = takes.facts_of(left[-1])["id"] if left else ""
        context.scene.frame_set(context.scene.frame_current)


class FACEEMOTE_OT_merge_take(Button):
    """Make one ordinary action of the take and all corrections, with as few keys as the tolerance allows"""

    bl_idname = "face_emote.merge_take"
    bl_label = "Merge to Action"

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = reasons.no_take(context)
        if not reason and not takes.is_shown(_take(context), context.scene.face_emote.target):
            reason = "Show the take first; a muted one cannot be merged"
        return reason

    def _work(self, context: Any) -> None:
        preview.stop()
        settings = context.scene.face_emote
        merged, before, after = merge_take(_take(context), settings.target, mm=settings.key_tolerance)
        self.report(
            {"INFO"}, tr("{name}: {after} keys instead of {before}", name=merged.name, after=after, before=before)
        )


class FACEEMOTE_OT_add_corrections(Button):
    """Add an empty action in Add mode over the takes: what you key in it is kept when the take is re-baked"""

    bl_idname = "face_emote.add_corrections"
    bl_label = "Add Corrections Layer"

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = reasons.no_take(context)
        if not reason and not _free_owners(context.scene.face_emote.target):
            reason = "The character has an action already; set its blending to Add in the NLA editor"
        return reason

    def _work(self, context: Any) -> None:
        character = context.scene.face_emote.target
        action = bpy.data.actions.new(f"{character.name} corrections")
        for owner in _free_owners(character):
            slot = action.slots.new(id_type=owner.id_type, name=owner.name)
            data = owner.animation_data_create()
            data.action, data.action_slot = action, slot
            data.action_blend_type = "ADD"
            data.action_extrapolation = "HOLD"


def recall(settings: Any, facts: dict[str, Any]) -> None:
    """Set the panel to what a take was made with."""
    for name, value in facts.get("style", {}).items():
        setattr(settings, name, value)
    settings.seed, settings.transcript = facts.get("seed", 0), facts.get("transcript", "")
    if facts.get("emotion", "sliders") == "sliders":
        settings.emotion_mode = "SLIDERS"
    else:
        settings.emotion_mode, settings.emotion = "WORDS", facts["emotion"]


def speech_of(facts: dict[str, Any]) -> Path:
    """The take's speech for the engine: as it was cached, or decoded again from the user's file."""
    wave, source = Path(facts.get("wave", "")), bpy.path.abspath(facts.get("source", ""))
    if wave.is_file():
        return wave
    if not source or not Path(source).is_file():
        raise UserError(
            tr(
                "The take's speech is neither in the cache nor where it was; generate a new take: {source}",
                source=source,
            )
        )
    start = float(facts.get("source_start", 0.0))
    return decoded(source, start_secs=start, end_secs=start + float(facts["num_secs"]))[0]


def _free_owners(character: Any) -> list[Any]:
    """Data-blocks of a character without an active action."""
    owners = owners_of(character).values()
    return [owner for owner in owners if owner.animation_data is None or owner.animation_data.action is None]


CLASSES = (
    FACEEMOTE_OT_show_take,
    FACEEMOTE_OT_rebake_take,
    FACEEMOTE_OT_clear_cache,
    FACEEMOTE_OT_recall_take,
    FACEEMOTE_OT_remove_take,
    FACEEMOTE_OT_merge_take,
    FACEEMOTE_OT_add_corrections,
)
